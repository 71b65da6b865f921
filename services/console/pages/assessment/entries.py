"""One tap as one write: reads the form of a tap and says what to record and what to take back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite

from knowledge.model import Condition
from myoplan.assessment.v1.assessment_pb2 import (
    Assessment,
    HealthFlag,
    PainArea,
    PalpationFinding,
    ReferredZone,
    RomTest,
)
from services.console.pages.assessment.levels import SIGNS, with_level
from services.console.vocabulary import Vocabulary
from services.console.web import Form
from services.console.wording import side_number

CLEAR = "clear"
ANSWERS = {"present": HealthFlag.PRESENT, "absent": HealthFlag.ABSENT, "unknown": HealthFlag.UNKNOWN}
MODES = {"active": RomTest.ACTIVE, "passive": RomTest.PASSIVE}
INSTRUMENTS = ("goniometer", "inclinometer", "tape", "eye")

Finding = PainArea | PalpationFinding | RomTest | HealthFlag


class EntryUnreadable(Exception):
    """A form that is not an entry of this page; `key` names the sentence that says so."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What one tap records and takes back. Both empty: it changes nothing."""

    pain_areas: Sequence[PainArea] = ()
    palpation_findings: Sequence[PalpationFinding] = ()
    rom_tests: Sequence[RomTest] = ()
    health_flags: Sequence[HealthFlag] = ()
    retracted: Sequence[str] = field(default=())

    @property
    def records(self) -> bool:
        """Whether anything is recorded."""
        return bool(self.pain_areas or self.palpation_findings or self.rom_tests or self.health_flags)


def read_entry(form: Form, now: Assessment, previous: Assessment | None, vocabulary: Vocabulary) -> Entry:
    """Returns what a form changes in the assessment as it stands. Raises EntryUnreadable."""
    readers: Mapping[str, Callable[[], Entry]] = {
        "palpation": lambda: _palpation(form, now),
        "pain": lambda: _pain(form, now),
        "rom": lambda: _rom(form, now),
        "flag": lambda: _flag(form, now, vocabulary),
        "rest_absent": lambda: _rest_absent(now, vocabulary),
        "same": lambda: _same(form, previous),
        "same_flags": lambda: _same_flags(now, previous),
    }
    read = readers.get(form.get("kind", ""))
    if read is None:
        raise EntryUnreadable("assessment.unreadable")
    return read()


def restore(ids: Iterable[str], before: Assessment, now: Assessment) -> Entry:
    """Returns what puts the findings `ids` back as they were in an earlier revision."""
    wanted = set(ids)
    present = {finding.id for finding in _all(now)}
    former = [finding for finding in _all(before) if finding.id in wanted]
    gone = wanted - {finding.id for finding in former}
    return Entry(
        pain_areas=[finding for finding in former if isinstance(finding, PainArea)],
        palpation_findings=[_bare(finding) for finding in former if isinstance(finding, PalpationFinding)],
        rom_tests=[_bare_test(finding) for finding in former if isinstance(finding, RomTest)],
        health_flags=[finding for finding in former if isinstance(finding, HealthFlag)],
        retracted=sorted(gone & present),
    )


def changed_ids(before: Assessment, after: Assessment) -> tuple[str, ...]:
    """Returns the ids of the findings that differ between two revisions."""
    one = {finding.id: _comparable(finding) for finding in _all(before)}
    other = {finding.id: _comparable(finding) for finding in _all(after)}
    return tuple(sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name)))


def _comparable(finding: Finding) -> bytes:
    if isinstance(finding, PalpationFinding):
        finding = _bare(finding)
    elif isinstance(finding, RomTest):
        finding = _bare_test(finding)
    return finding.SerializeToString(deterministic=True)


def _all(assessment: Assessment) -> list[Finding]:
    return [
        *assessment.pain_areas,
        *assessment.palpation_findings,
        *assessment.rom_tests,
        *assessment.health_flags,
    ]


def _bare(finding: PalpationFinding) -> PalpationFinding:
    """Returns a finding without what the service derives."""
    bare = PalpationFinding()
    bare.CopyFrom(finding)
    bare.ClearField("classification")
    return bare


def _bare_test(test: RomTest) -> RomTest:
    bare = RomTest()
    bare.CopyFrom(test)
    bare.ClearField("interpretation")
    return bare


def _palpation(form: Form, now: Assessment) -> Entry:
    muscle, side, level = form.get("muscle", ""), side_number(form.get("side", "")), form.get("level", "")
    known = next(
        (each for each in now.palpation_findings if each.muscle == muscle and each.side == side and not each.site), None
    )
    if level == CLEAR:
        return Entry(retracted=[known.id] if known else [])
    finding = PalpationFinding(muscle=muscle, side=side)  # type: ignore[arg-type]
    if known is not None:
        finding = _bare(known)
        finding.ClearField("id")
    if level:
        if level not in SIGNS:
            raise EntryUnreadable("assessment.no_level")
        finding = with_level(finding, level)
    elif known is None:
        raise EntryUnreadable("assessment.no_level")
    if zone := form.get("refers_to", ""):
        finding.referred_pain = True
        del finding.referred_to[:]
        zone_id, _, zone_side = zone.partition(":")
        finding.referred_to.append(ReferredZone(zone=zone_id, side=side_number(zone_side) or side))  # type: ignore[arg-type]
    return Entry(palpation_findings=[finding])


def _pain(form: Form, now: Assessment) -> Entry:
    zone, side, intensity = form.get("zone", ""), side_number(form.get("side", "")), form.get("intensity", "")
    known = next((each for each in now.pain_areas if each.zone == zone and each.side == side), None)
    if intensity == CLEAR:
        return Entry(retracted=[known.id] if known else [])
    area = PainArea(zone=zone, side=side)  # type: ignore[arg-type]
    if known is not None:
        area.CopyFrom(known)
        area.ClearField("id")
    if intensity:
        area.intensity = _number(intensity)
    else:
        area.ClearField("intensity")
    return Entry(pain_areas=[area])


def _rom(form: Form, now: Assessment) -> Entry:
    motion, side = form.get("motion", ""), side_number(form.get("side", ""))
    mode = MODES.get(form.get("mode", "active"), RomTest.MODE_UNSPECIFIED)
    known = next(
        (each for each in now.rom_tests if each.motion == motion and each.side == side and each.mode == mode), None
    )
    value = form.get("value", "").strip()
    if value == CLEAR:
        return Entry(retracted=[known.id] if known else [])
    test = RomTest(motion=motion, side=side, mode=mode)  # type: ignore[arg-type]
    if known is not None:
        test = _bare_test(known)
        test.ClearField("id")
    if reason := form.get("reason", "").strip():
        test.not_tested.reason = reason
    else:
        if value:
            test.measured.value = _number(value)
        elif not test.HasField("measured"):
            raise EntryUnreadable("assessment.no_value")
        match form.get("painful", ""):
            case "yes":
                test.measured.limited_by = RomTest.PAIN
            case "no":
                test.measured.limited_by = RomTest.LIMITED_BY_UNSPECIFIED
    if instrument := form.get("instrument", ""):
        test.instrument = instrument
    return Entry(rom_tests=[test])


def _flag(form: Form, now: Assessment, vocabulary: Vocabulary) -> Entry:
    name, answer = form.get("condition", ""), form.get("answer", "")
    if not name:
        name = vocabulary.condition_named(form.get("condition_name", ""))
    condition = vocabulary.base.conditions.get(name)
    if condition is None:
        raise EntryUnreadable("assessment.no_condition")
    known = [each for each in now.health_flags if each.condition == name]
    if answer == CLEAR:
        return Entry(retracted=[each.id for each in known])
    flag = HealthFlag(condition=name)
    if answer:
        flag.answer = ANSWERS.get(answer, HealthFlag.ANSWER_UNSPECIFIED)
    elif known:
        flag.answer = known[0].answer
    if flag.answer == HealthFlag.PRESENT:
        if condition.takes_zone and (zone := form.get("zone", "")):
            flag.zone, flag.side = zone, side_number(form.get("side", ""))  # type: ignore[assignment]
        flag.parameters.extend(_parameters(form, condition))
    kept = _flag_id(flag)
    return Entry(health_flags=[flag], retracted=[each.id for each in known if each.id != kept])


def _flag_id(flag: HealthFlag) -> str:
    """Returns the id that the service derives, so that an answer with another place replaces the one before."""
    side = ("", "left", "right", "midline")[flag.side]
    return "-".join(part for part in ("flag", flag.condition, flag.zone, side) if part)


def _parameters(form: Form, condition: Condition) -> Iterable[HealthFlag.Parameter]:
    for parameter in condition.parameters:
        given = form.get(f"parameter.{parameter.key}", "").strip()
        if not given:
            continue
        match parameter.kind:
            case "number":
                yield HealthFlag.Parameter(key=parameter.key, number=_number(given))
            case "truth":
                yield HealthFlag.Parameter(key=parameter.key, truth=given == "yes")
            case _:
                yield HealthFlag.Parameter(key=parameter.key, text=given)


def _rest_absent(now: Assessment, vocabulary: Vocabulary) -> Entry:
    answered = {each.condition for each in now.health_flags}
    return Entry(
        health_flags=[
            HealthFlag(condition=condition.id, answer=HealthFlag.ABSENT)
            for condition in vocabulary.questions()
            if condition.id not in answered
        ]
    )


def _same(form: Form, previous: Assessment | None) -> Entry:
    """Confirms one finding of the visit before, exactly as it was."""
    wanted = form.get("finding", "")
    for finding in _all(previous) if previous is not None else ():
        if finding.id == wanted:
            return restore([wanted], previous or Assessment(), Assessment())
    raise EntryUnreadable("assessment.no_previous")


def _same_flags(now: Assessment, previous: Assessment | None) -> Entry:
    """Confirms every health answer of the visit before that has no answer yet today."""
    answered = {each.condition for each in now.health_flags}
    flags = [each for each in (previous.health_flags if previous else ()) if each.condition not in answered]
    return Entry(health_flags=flags)


def _number(text: str) -> float:
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        raise EntryUnreadable("assessment.no_number") from None
    if not isfinite(number):
        raise EntryUnreadable("assessment.no_number")
    return number
