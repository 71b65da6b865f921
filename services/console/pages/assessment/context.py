"""What the assessment page shows, made from the assessment, the visit before it and what the health flags mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import ceil

from knowledge.model import Condition, Motion, Role
from myoplan.assessment.v1.assessment_pb2 import Assessment, HealthFlag, PainArea, PalpationFinding, RomTest
from myoplan.planner.v1.knowledge_service_pb2 import FiredRule, ScreenHealthResponse
from myoplan.planner.v1.plan_pb2 import Plan
from services.console.bodychart_files import LAYERS
from services.console.pages.assessment.entries import INSTRUMENTS, MODES
from services.console.pages.assessment.levels import LEVELS, level_of
from services.console.vocabulary import Choice, Vocabulary
from services.console.web import Context, Visit
from services.console.wording import code, moment, short_day_text, side_word

SECTIONS = ("flags", "pain", "palpate", "rom", "fit")
MINUTES = (30, 45, 50, 60, 90)
MOST_TESTS_SHOWN = 6
SCALE_STEP = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionLink:
    """One of the five sections. `ticked`: it was looked at, not: it is complete."""

    id: str
    number: int
    name: str
    ticked: bool
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRow:
    """One palpated muscle."""

    id: str
    muscle: str
    name: str
    side: str
    level: str
    word: str
    refers_to: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PainRow:
    """One painful zone; `was` is the intensity of the visit before. Without an id it is not confirmed today."""

    id: str
    zone: str
    name: str
    side: str
    intensity: str
    was: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RomSide:
    """One side of a motion. `reference` only with its source; `was` and `was_id` are of the visit before."""

    side: str
    value: str
    painful: bool
    not_tested: str
    verdict: str
    reference: str
    reference_source: str
    gap: str
    was: str
    was_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RomRow:
    """One motion; `scale` is the end of its bar in the unit of the motion."""

    motion: str
    name: str
    unit: str
    scale: int
    test_position: str
    sides: tuple[RomSide, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterField:
    """A detail that a present condition asks for, with what was answered."""

    key: str
    kind: str
    question: str
    unit: str
    choices: tuple[str, ...]
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagRow:
    """One health question. `was`: the answer of the visit before. `rules`: what the answer means for the session."""

    condition: str
    name: str
    question: str
    answer: str
    was: str
    takes_zone: bool
    zone: str
    side: str
    parameters: tuple[ParameterField, ...]
    rules: tuple[str, ...]
    hard: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """What the session may be: chosen before, and what there is to choose from."""

    minutes: tuple[int, ...]
    positions: tuple[Choice, ...]
    positions_out: tuple[str, ...]
    techniques: tuple[Choice, ...]
    techniques_out: tuple[str, ...]
    pressure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Previous:
    """The visit before this one, and what of it nobody has confirmed today."""

    day: str
    findings: tuple[FindingRow, ...]
    flags_open: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """The last write that can be undone: the revision before it and the findings it touched; 0: there is none."""

    revision: int
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessmentPage(Context):
    """The whole page; the sections are all there, `section` is the one that is shown first."""

    address: str
    client: str
    code: str
    label: str
    complaint: str
    state: str
    open: bool
    revision: int
    saved: str
    section: str
    sections: tuple[SectionLink, ...]
    previous: Previous | None
    flags: tuple[FlagRow, ...]
    flags_unanswered: int
    more_conditions: tuple[Choice, ...]
    disposition: str
    pains: tuple[PainRow, ...]
    zones: tuple[Choice, ...]
    findings: tuple[FindingRow, ...]
    muscles: tuple[Choice, ...]
    levels: tuple[str, ...]
    tests: tuple[RomRow, ...]
    more_motions: tuple[Choice, ...]
    modes: tuple[str, ...]
    instruments: tuple[str, ...]
    instrument: str
    mode: str
    fit: Fit
    undo: Undo
    request_id: str
    chart: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PainMapPage(Context):
    """The pain map in the client's own hands: what they tell today, and nothing else of their record."""

    address: str
    open: bool
    revision: int
    pains: tuple[PainRow, ...]
    zones: tuple[Choice, ...]
    findings: tuple[FindingRow, ...] = ()
    chart: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What the page is made from."""

    assessment: Assessment
    previous: Assessment | None
    screening: ScreenHealthResponse | None
    undo: Undo
    looked: frozenset[str]


def context(visit: Visit, material: Material, section: str, request_id: str, extra: Sequence[str]) -> AssessmentPage:
    """Returns the page. `extra` are motions that were asked for beside those that the pain suggests."""
    now, previous, vocabulary = material.assessment, material.previous, visit.console.vocabulary
    _, client, _, _ = now.name.split("/")
    flags = _flags(now, previous, material.screening, vocabulary)
    findings = tuple(_finding(each, visit) for each in now.palpation_findings)
    tests = _tests(visit, now, previous, extra)
    return AssessmentPage(
        title=f"{code(client)} · {visit.t('assessment.title')}",
        address=f"/{now.name}",
        client=client,
        code=code(client),
        label=now.client_label,
        complaint=now.complaint,
        state=visit.t(f"assessment_state.{Assessment.State.Name(now.state)}"),
        open=now.state == Assessment.OPEN,
        revision=now.revision,
        saved=f"{moment(now.update_time, visit.console):%H:%M:%S}",
        section=section,
        sections=_sections(visit, now, material.looked),
        previous=_previous(visit, now, previous, flags) if previous is not None else None,
        flags=flags,
        flags_unanswered=sum(not row.answer for row in flags),
        more_conditions=vocabulary.condition_choices(),
        disposition=_disposition(visit, material.screening),
        pains=_pains(visit, now, previous),
        zones=vocabulary.zone_choices(),
        findings=findings,
        muscles=vocabulary.muscle_choices(),
        levels=LEVELS,
        tests=tests,
        more_motions=_motion_choices(vocabulary, {row.motion for row in tests}),
        modes=tuple(MODES),
        instruments=INSTRUMENTS,
        instrument=next((each.instrument for each in reversed(now.rom_tests) if each.instrument), INSTRUMENTS[0]),
        mode="active",
        fit=_fit(now, vocabulary),
        undo=material.undo,
        request_id=request_id,
        chart={layer: visit.console.chart.address(layer) for layer in LAYERS},
    )


def pain_map_context(visit: Visit, now: Assessment) -> PainMapPage:
    """Returns the pain map for the client's own hands; last visit's places are not offered, they would suggest."""
    return PainMapPage(
        title=visit.t("assessment.pain_map.title"),
        address=f"/{now.name}",
        open=now.state == Assessment.OPEN,
        revision=now.revision,
        pains=_pains(visit, now, None),
        zones=visit.console.vocabulary.zone_choices(),
        chart={layer: visit.console.chart.address(layer) for layer in LAYERS},
    )


def _sections(visit: Visit, now: Assessment, looked: frozenset[str]) -> tuple[SectionLink, ...]:
    filled = {
        "flags": bool(now.health_flags),
        "pain": bool(now.pain_areas),
        "palpate": bool(now.palpation_findings),
        "rom": bool(now.rom_tests),
        "fit": False,
    }
    return tuple(
        SectionLink(
            id=name,
            number=number,
            name=visit.t(f"assessment.section.{name}"),
            ticked=filled[name] or name in looked,
            address=f"/{now.name}/{name}",
        )
        for number, name in enumerate(SECTIONS, 1)
    )


def _finding(each: PalpationFinding, visit: Visit) -> FindingRow:
    vocabulary, level = visit.console.vocabulary, level_of(each)
    return FindingRow(
        id=each.id,
        muscle=each.muscle,
        name=vocabulary.name("muscle", each.muscle),
        side=side_word(each.side),
        level=level,
        word=visit.t(f"level.{level}"),
        refers_to=tuple(
            f"{vocabulary.name('zone', zone.zone)} {visit.t(f'side.{side_word(zone.side)}')}"
            for zone in each.referred_to
        ),
    )


def _previous(visit: Visit, now: Assessment, previous: Assessment, flags: Sequence[FlagRow]) -> Previous:
    seen = {(each.muscle, each.side, each.site) for each in now.palpation_findings}
    return Previous(
        day=short_day_text(moment(previous.create_time, visit.console)),
        findings=tuple(
            _finding(each, visit)
            for each in previous.palpation_findings
            if (each.muscle, each.side, each.site) not in seen
        ),
        flags_open=sum(1 for row in flags if row.was and not row.answer),
    )


def _pains(visit: Visit, now: Assessment, previous: Assessment | None) -> tuple[PainRow, ...]:
    before = {(each.zone, each.side): each for each in (previous.pain_areas if previous else ())}
    today = {(each.zone, each.side): each for each in now.pain_areas}

    def row(area: PainArea, identifier: str) -> PainRow:
        was = before.get((area.zone, area.side))
        return PainRow(
            id=identifier,
            zone=area.zone,
            name=visit.console.vocabulary.name("zone", area.zone),
            side=side_word(area.side),
            intensity=_number(area.intensity) if identifier and area.HasField("intensity") else "",
            was=_number(was.intensity) if was is not None and was.HasField("intensity") else "",
        )

    return tuple(
        chain(
            (row(area, area.id) for area in now.pain_areas),
            (row(area, "") for key, area in before.items() if key not in today),
        )
    )


def _flags(
    now: Assessment, previous: Assessment | None, screening: ScreenHealthResponse | None, vocabulary: Vocabulary
) -> tuple[FlagRow, ...]:
    given = {each.condition: each for each in now.health_flags}
    before = {each.condition: each for each in (previous.health_flags if previous else ())}
    asked = {condition.id: condition for condition in vocabulary.questions()}
    for name in chain(given, (name for name, each in before.items() if each.answer != HealthFlag.ABSENT)):
        if name in vocabulary.base.conditions:
            asked.setdefault(name, vocabulary.base.conditions[name])
    rules: dict[str, list[FiredRule]] = {}
    for rule in screening.rules if screening is not None else ():
        for name in rule.conditions:
            rules.setdefault(name, []).append(rule)
    return tuple(
        _flag(condition, given.get(name), before.get(name), rules.get(name, ())) for name, condition in asked.items()
    )


def _flag(
    condition: Condition, given: HealthFlag | None, before: HealthFlag | None, rules: Sequence[FiredRule]
) -> FlagRow:
    values = {each.key: _parameter_value(each) for each in (given.parameters if given else ())}
    told = given is not None and given.answer != HealthFlag.ABSENT
    return FlagRow(
        condition=condition.id,
        name=condition.names[0],
        question=condition.question,
        answer=_answer(given),
        was=_answer(before),
        takes_zone=condition.takes_zone,
        zone=given.zone if given else "",
        side=side_word(given.side) if given else "",
        parameters=tuple(
            ParameterField(
                key=each.key,
                kind=each.kind,
                question=each.question,
                unit=each.unit,
                choices=each.choices,
                value=values.get(each.key, ""),
            )
            for each in condition.parameters
        ),
        rules=tuple(dict.fromkeys(rule.message for rule in rules)) if told else (),
        hard=any(rule.scope in {FiredRule.REFER, FiredRule.ABSOLUTE} for rule in rules),
    )


def _answer(flag: HealthFlag | None) -> str:
    return HealthFlag.Answer.Name(flag.answer).lower() if flag is not None else ""


def _parameter_value(each: HealthFlag.Parameter) -> str:
    match each.WhichOneof("value"):
        case "number":
            return _number(each.number)
        case "truth":
            return "yes" if each.truth else "no"
    return each.text


def _disposition(visit: Visit, screening: ScreenHealthResponse | None) -> str:
    if screening is None or screening.disposition not in {Plan.REFER, Plan.DO_NOT_TREAT}:
        return ""
    return visit.t(f"disposition.{Plan.Disposition.Name(screening.disposition)}")


def suggested_motions(vocabulary: Vocabulary, zones: frozenset[str]) -> tuple[str, ...]:
    """Returns the motions to test first: those that most of the muscles limit that usually refer to the painful zones.

    A motion that no such muscle limits is not suggested; ties keep the order of the knowledge base.
    """
    muscles = {edge.muscle for edge in vocabulary.base.refers_to if edge.zone in zones and edge.role is Role.PRIMARY}
    limited = Counter(edge.motion for edge in vocabulary.base.limits_motion if edge.muscle in muscles)
    order = {motion: place for place, motion in enumerate(vocabulary.base.motions)}
    ranked = sorted(limited, key=lambda motion: (-limited[motion], order[motion]))
    return tuple(ranked[:MOST_TESTS_SHOWN])


def _tests(visit: Visit, now: Assessment, previous: Assessment | None, extra: Sequence[str]) -> tuple[RomRow, ...]:
    vocabulary = visit.console.vocabulary
    suggested = suggested_motions(vocabulary, frozenset(each.zone for each in now.pain_areas))
    recorded = (each.motion for each in chain(now.rom_tests, previous.rom_tests if previous else ()))
    chosen = dict.fromkeys(chain(suggested, recorded, extra))
    motions = (vocabulary.base.motions[name] for name in chosen if name in vocabulary.base.motions)
    return tuple(_row(motion, now, previous, visit) for motion in motions)


def _row(motion: Motion, now: Assessment, previous: Assessment | None, visit: Visit) -> RomRow:
    highest = max((norm.value for norm in motion.norms), default=motion.limit_max)
    return RomRow(
        motion=motion.id,
        name=motion.names[0],
        unit=visit.t(f"unit.{motion.unit}"),
        scale=int(min(SCALE_STEP * ceil(max(highest, 1) * 1.1 / SCALE_STEP), ceil(motion.limit_max))),
        test_position=motion.test_position,
        sides=tuple(_side(motion, side, now, previous, visit) for side in sorted(motion.sides, reverse=True)),
    )


def _side(motion: Motion, side: str, now: Assessment, previous: Assessment | None, visit: Visit) -> RomSide:
    test = _test_of(motion.id, side, now)
    was = _test_of(motion.id, side, previous)
    measured = test.measured if test is not None and test.HasField("measured") else None
    read = test.interpretation if test is not None and test.HasField("interpretation") else None
    referenced = read is not None and read.HasField("norm_value") and read.norm_source
    gap = read.side_difference if read is not None and read.HasField("side_difference") else 0.0
    unit = visit.t(f"unit.{motion.unit}")
    other = "left" if side == "right" else "right"
    return RomSide(
        side=side,
        value=_number(measured.value) if measured is not None else "",
        painful=measured is not None and measured.limited_by == RomTest.PAIN,
        not_tested=test.not_tested.reason if test is not None and test.HasField("not_tested") else "",
        verdict=visit.t(f"verdict.{RomTest.Verdict.Name(read.verdict)}") if read is not None else "",
        reference=_number(read.norm_value) if referenced and read is not None else "",
        reference_source=read.norm_source if read is not None else "",
        gap=visit.t("assessment.rom.gap", gap=f"{gap:+g}".replace("-", "−"), unit=unit, side=visit.t(f"side.{other}"))
        if gap < 0
        else "",
        was=_number(was.measured.value) if was is not None and was.HasField("measured") else "",
        was_id=was.id if was is not None and test is None else "",
    )


def _test_of(motion: str, side: str, assessment: Assessment | None) -> RomTest | None:
    found = (
        each
        for each in reversed(assessment.rom_tests if assessment is not None else ())
        if each.motion == motion and side_word(each.side) == side
    )
    return next(found, None)


def _motion_choices(vocabulary: Vocabulary, shown: set[str]) -> tuple[Choice, ...]:
    return tuple(
        Choice(id=motion.id, name=motion.names[0], words=motion.names[1:], sides=motion.sides)
        for motion in vocabulary.base.motions.values()
        if motion.id not in shown
    )


def _fit(now: Assessment, vocabulary: Vocabulary) -> Fit:
    preferences = now.preferences
    techniques: Mapping[str, object] = vocabulary.base.techniques
    return Fit(
        minutes=MINUTES,
        positions=tuple(_choice("position", name, vocabulary) for name in vocabulary.base.positions),
        positions_out=tuple(preferences.unavailable_positions),
        techniques=tuple(
            sorted((_choice("technique", name, vocabulary) for name in techniques), key=lambda choice: choice.name)
        ),
        techniques_out=tuple(preferences.avoid_techniques),
        pressure=str(preferences.pressure_tolerance) if preferences.HasField("pressure_tolerance") else "",
    )


def _choice(kind: str, name: str, vocabulary: Vocabulary) -> Choice:
    return Choice(id=name, name=vocabulary.name(kind, name), words=(), sides=())


def _number(value: float) -> str:
    return f"{value:g}"
