"""Everything that stands on a sheet, as typed values: made from the plan, before any layout."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC

from myoplan.planner.v1.plan_pb2 import AssessmentSnapshot, Omission, Plan, Urgency
from sheet.chart import Chart, Regions, charts
from sheet.session import Block, blocks, minutes
from sheet.standing import Standing, day, moment, signature_line, signatures, standing
from sheet.words import Words, capital, plain

NOT_REVIEWED = "Not clinically reviewed: no clinician has checked the knowledge in this version."
_DISPOSITIONS = {
    Plan.TREAT: "Nothing speaks against the session",
    Plan.TREAT_WITH_CAUTION: "Treat with caution",
    Plan.DO_NOT_TREAT: "Do not treat today",
    Plan.REFER: "Do not treat today: refer",
}
_VOID = "Do not work by this plan"
_HANDS_ON = {Plan.TREAT, Plan.TREAT_WITH_CAUTION}
_URGENCIES = {
    Urgency.EMERGENCY: "now: call an ambulance",
    Urgency.SAME_DAY: "today",
    Urgency.SOON: "within days",
    Urgency.ROUTINE: "at the next opportunity",
}
# Cautions with a place of their own: what only looks muscular, and what was never asked (it stands as a question).
_MIMIC, _NOT_ASKED = "serious_mimic", "safety_not_asked"
# Why things are out, what the hands must not do first.
_OMISSIONS = {
    Omission.CONTRAINDICATED: "Not allowed",
    Omission.EXCLUDED_BY_PERSON: "Excluded",
    Omission.POSITION_UNAVAILABLE: "Position not possible",
    Omission.MISSING_PREREQUISITE: "Not yet",
    Omission.OVER_BUDGET: "No time",
    Omission.LOAD_CAP: "Enough for today",
    Omission.DOMINATED: "Less likely",
}
_MOST_NAMES, _MOST_FIRST = 4, 4
_DIGEST_CHARACTERS, _LONGEST_REMARK = 12, 240
_DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing to respect: `lead` is printed bold."""

    lead: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """Signs of something that is not muscular: what to do about them, and what they are."""

    then: str
    signs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Things that are out for one reason. `more` counts what is not named."""

    kind: str
    names: tuple[str, ...]
    more: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A motion that is measured again: what it was, and the unit of the blank."""

    motion: str
    before: str
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """A sheet. `hands_on` False: nothing is done today, and the sheet says what to do instead."""

    title: str
    client: str
    facts: tuple[str, ...]
    standing: Standing
    review_notice: str
    hands_on: bool
    disposition: str
    referrals: tuple[Notice, ...]
    cautions: tuple[Notice, ...]
    questions: tuple[Notice, ...]
    mimics: tuple[Signs, ...]
    charts: tuple[Chart, ...]
    blocks: tuple[Block, ...]
    measured: tuple[Measured, ...]
    aftercare: tuple[str, ...]
    next_visit: str
    left_out: tuple[LeftOut, ...]
    left_out_count: int
    remarks: tuple[Notice, ...]
    signatures: tuple[str, ...]
    footer: tuple[str, ...]


def contents_of(plan: Plan, words: Words, regions: Regions | None = None, newest: Plan | None = None) -> Contents:
    """Returns what stands on the sheet of a plan.

    `newest` is the newest revision of the same plan (None: `plan` is): whether an earlier one may be used stands there.
    """
    hands_on = plan.disposition in _HANDS_ON
    client = plain(plan.name.split("/")[1]) if plan.name else ""
    stands = standing(plan, newest or plan)
    allowed = _DISPOSITIONS.get(plan.disposition, "Do not treat: the plan does not say that it is allowed")
    told = {caution.message for caution in plan.cautions} | {referral.message for referral in plan.referrals}
    return Contents(
        title="Session plan" if hands_on else "No session today",
        client=client,
        facts=tuple(_facts(plan, hands_on=hands_on)),
        standing=stands,
        review_notice="" if plan.knowledge_reviewed else NOT_REVIEWED,
        hands_on=hands_on,
        disposition=_VOID if stands.void and hands_on else allowed,
        referrals=tuple(_referrals(plan)),
        cautions=tuple(_cautions(plan)),
        questions=tuple(Notice(lead=plain(q.question), text=plain(q.assumption)) for q in plan.unanswered_questions),
        mimics=tuple(_mimics(plan)),
        charts=charts(plan, regions) if hands_on else (),
        blocks=blocks(plan, words) if hands_on else (),
        measured=tuple(_measured(plan, words)) if hands_on else (),
        aftercare=tuple(plain(advice.text) for advice in plan.aftercare),
        next_visit=_next_visit(plan, words),
        left_out=tuple(_left_out(plan, words, told)) if hands_on else (),
        left_out_count=len(plan.omissions),
        remarks=tuple(_remarks(plan)),
        signatures=tuple(map(signature_line, signatures(plan))),
        footer=tuple(_footer(plan)),
    )


def _facts(plan: Plan, *, hands_on: bool) -> Iterator[str]:
    if plan.HasField("scheduled_time"):
        yield f"for {moment(plan.scheduled_time)}"
    if hands_on:
        yield f"{minutes(plan.time_budget)} minutes"
        yield f"{minutes(plan.planned_duration)} planned"
        yield f"{minutes(plan.slack)} free"
    if plan.HasField("create_time"):
        author = plain(plan.author.display_name or plan.author.id)
        yield f"made {day(plan.create_time.ToDatetime(tzinfo=UTC))} by {author}"


def _referrals(plan: Plan) -> Iterator[Notice]:
    for referral in sorted(plan.referrals, key=lambda one: one.urgency or Urgency.EMERGENCY):
        yield Notice(lead=f"Refer {_URGENCIES.get(referral.urgency, 'now')}:", text=plain(referral.message))


def _cautions(plan: Plan) -> Iterator[Notice]:
    """Yields each caution once; what a referral says already is not said again."""
    told = {referral.message for referral in plan.referrals}
    for caution in plan.cautions:
        if caution.rule not in {_MIMIC, _NOT_ASKED} and caution.message not in told:
            told.add(caution.message)
            yield Notice(lead="", text=plain(caution.message))


def _mimics(plan: Plan) -> Iterator[Signs]:
    """Yields the signs by what to do about them: the first sentence of each caution says that."""
    found: dict[str, list[str]] = {}
    for caution in plan.cautions:
        if caution.rule == _MIMIC:
            then, _, sign = plain(caution.message).partition(". ")
            found.setdefault(then.rstrip("."), []).extend([sign] if sign else [])
    for then, signs in found.items():
        yield Signs(then=then, signs=tuple(signs))


def _measured(plan: Plan, words: Words) -> Iterator[Measured]:
    """Yields every motion that the session measures, each once."""
    motions = dict.fromkeys((step.motion, step.side) for step in plan.steps if step.motion)
    for motion, side in motions:
        test = next((one for one in plan.snapshot.rom_tests if (one.motion, one.side) == (motion, side)), None)
        unit = words.units.get(motion, "")
        before = _value(test, unit) if test else ""
        yield Measured(motion=capital(words.motion(motion, side)), before=before, unit=unit)


def _value(test: AssessmentSnapshot.RomTest, unit: str) -> str:
    value = f"{test.value:g}{'' if unit == '°' else ' '}{unit}".strip() if test.HasField("value") else ""
    pain = f"pain {test.pain:g}/10" if test.HasField("pain") else ""
    return ", ".join(filter(None, (value, pain)))


def _next_visit(plan: Plan, words: Words) -> str:
    parts = []
    if plan.follow_up.HasField("suggested_interval"):
        days = plan.follow_up.suggested_interval.ToTimedelta().total_seconds() / _DAY_SECONDS
        parts.append(f"Next visit in about {days:g} day{'' if days == 1 else 's'}.")
    names = [words.muscle(target.muscle, target.side) for target in plan.follow_up.carry_over]
    if names:
        more = f" and {len(names) - _MOST_FIRST} more" if len(names) > _MOST_FIRST else ""
        parts.append(f"Then first: {', '.join(names[:_MOST_FIRST])}{more}.")
    return " ".join(parts)


def _left_out(plan: Plan, words: Words, told: set[str]) -> Iterator[LeftOut]:
    """Yields what is out, by reason. Short on purpose: the count is complete, the names are not."""
    found: dict[tuple[Omission.Kind.ValueType, str], dict[str, None]] = {}
    for omission in plan.omissions:
        reason = "see the cautions above" if omission.message in told else plain(omission.message)
        found.setdefault((omission.kind, reason), {}).setdefault(_named(omission, words))
    order = list(_OMISSIONS)
    for kind, reason in sorted(found, key=lambda key: order.index(key[0]) if key[0] in order else -1):
        names = [name for name in found[kind, reason] if name]
        yield LeftOut(
            kind=_OMISSIONS.get(kind, "Left out"),
            names=tuple(names[:_MOST_NAMES]),
            more=len(names[_MOST_NAMES:]),
            reason=reason,
        )


def _named(omission: Omission, words: Words) -> str:
    muscle = words.muscle(omission.muscle, omission.side) if omission.muscle else ""
    technique = words.name("technique", omission.technique) if omission.technique else ""
    price = f" (needs {omission.minutes_needed:g} min)" if omission.HasField("minutes_needed") else ""
    return ": ".join(filter(None, (muscle, technique))) + price


def _remarks(plan: Plan) -> Iterator[Notice]:
    """Yields what was added after approval; a long remark ends with where the rest is."""
    for addendum in plan.addenda:
        text = plain(addendum.text)
        if len(text) > _LONGEST_REMARK:
            text = f"{text[:_LONGEST_REMARK].rstrip()} … (the whole remark is in the stored plan)"
        person = plain(addendum.author.display_name or addendum.author.id)
        yield Notice(lead=f"{person}, {moment(addendum.time)}:", text=text)


def _footer(plan: Plan) -> Iterator[str]:
    yield plain(plan.name) or "preview, not stored"
    yield f"version {plan.version}, revision {plan.revision}"
    yield f"digest {plain(plan.digest[:_DIGEST_CHARACTERS])}"
    yield f"knowledge {plain(plan.knowledge_revision[:_DIGEST_CHARACTERS])}"
    yield f"planner {plain(plan.planner_version)}"
