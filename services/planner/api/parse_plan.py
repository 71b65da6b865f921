"""Turns the message of any plan back into a plan, and reports every field problem together.

What a field means is the checker's business; here only what no plan can be made of is refused: values that are missing
or no numbers, words of no list, and ids of findings and demands that the vocabulary does not have.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, TypeVar

from google.protobuf.message import Message

from knowledge.model import KnowledgeBase, Urgency
from myoplan.planner.v1 import plan_pb2 as pb
from myoplan.planner.v1 import planner_service_pb2 as service_pb
from services.planner.api.parse import Parser, read_side
from services.planner.api.reading import Reader
from services.planner.domain.constraints import Target
from services.planner.domain.plan import (
    Aftercare,
    Candidate,
    Caution,
    Conflict,
    Disposition,
    FollowUp,
    Omission,
    OmissionKind,
    Optimality,
    Phase,
    PlanContent,
    Question,
    Referral,
    Step,
    StepDose,
)
from services.planner.domain.reasons import PathEdge, Reason
from services.planner.domain.sides import Side
from services.planner.domain.snapshot import (
    Classification,
    LimitedBy,
    Mode,
    PainArea,
    Palpation,
    Preferences,
    RomTest,
    Snapshot,
    Verdict,
)
from services.planner.usecases.explain import CheckPlan

# As many steps of half a minute as the longest session has, and as many findings as an assessment.
_MOST_STEPS = 360
_MOST_ENTRIES = 2000
_MOST_PAIN_AREAS, _MOST_PALPATIONS, _MOST_TESTS, _MOST_FLAGS = 128, 400, 256, 200
_MOST_WORDS = 400
_MOST_AGE = 130
_FIRMEST = 5
_MOST_VERSION = 2**53
_SEXES = ("", "female", "male")

Read = TypeVar("Read")
Word = TypeVar("Word", bound=StrEnum)


def check_plan(parser: Parser, request: service_pb.CheckPlanRequest) -> CheckPlan:
    """Reads CheckPlan. Raises RequestInvalid."""
    reader = Reader()
    if not request.HasField("plan"):
        reader.tell("plan", "is required")
        reader.raise_any()
    message = request.plan
    if not 0 <= message.version <= _MOST_VERSION:
        reader.tell("plan.version", f"{message.version} is not in [0, {_MOST_VERSION}]")
    content = _content(reader, parser, message)
    reader.raise_any()
    return CheckPlan(content=content, version=message.version, digest=message.digest)


def _content(reader: Reader, parser: Parser, message: pb.Plan) -> PlanContent:
    if not message.HasField("snapshot"):
        reader.tell("plan.snapshot", "is required; GetPlan returns it in the view FULL")
    disposition = reader.choice("plan.disposition", message.disposition, pb.Plan.Disposition, required=True)
    return PlanContent(
        assessment=message.assessment,
        assessment_etag=message.assessment_etag,
        snapshot=_snapshot(reader, parser, message.snapshot),
        constraints=parser.constraints(reader, message.constraints, stamped=True),
        time_budget_seconds=parser.budget(reader, message),
        disposition=Disposition(disposition or "treat"),
        planned_seconds=_seconds(reader, "plan.planned_duration", message, "planned_duration"),
        slack_seconds=_seconds(reader, "plan.slack", message, "slack"),
        steps=_each(reader, "plan.steps", message.steps, _MOST_STEPS, _step),
        omissions=_each(reader, "plan.omissions", message.omissions, _MOST_ENTRIES, _omission),
        cautions=_each(reader, "plan.cautions", message.cautions, _MOST_ENTRIES, _caution),
        questions=_each(reader, "plan.unanswered_questions", message.unanswered_questions, _MOST_ENTRIES, _question),
        referrals=_each(reader, "plan.referrals", message.referrals, _MOST_ENTRIES, _referral),
        candidates=_each(reader, "plan.candidates", message.candidates, _MOST_ENTRIES, _candidate),
        aftercare=_each(reader, "plan.aftercare", message.aftercare, _MOST_ENTRIES, _advice),
        follow_up=_follow_up(reader, "plan.follow_up", message.follow_up) if message.HasField("follow_up") else None,
        optimality=_optimality(reader, "plan.optimality", message.optimality),
        knowledge_revision=message.knowledge_revision,
        knowledge_reviewed=message.knowledge_reviewed,
        planner_version=message.planner_version,
        conflicts=_each(reader, "plan.conflicts", message.conflicts, _MOST_WORDS, _conflict),
    )


# --- what was planned ---------------------------------------------------------------------------------------------


def _step(reader: Reader, path: str, message: pb.Step) -> Step:
    phase = reader.choice(f"{path}.phase", message.phase, pb.Step.Phase, required=True)
    return Step(
        id=message.id,
        phase=Phase(phase or "turn"),
        position=message.position,
        start_seconds=_seconds(reader, f"{path}.start_offset", message, "start_offset"),
        duration_seconds=_seconds(reader, f"{path}.duration", message, "duration"),
        instruction=message.instruction,
        reasons=_reasons(reader, path, message.rationale),
        muscle=message.muscle,
        side=read_side(reader, f"{path}.side", message.side, required=False),
        region=message.region,
        motion=message.motion,
        technique=message.technique,
        pressure_level=_optional(message, "pressure_level"),
        dose=_dose(reader, f"{path}.dose", message.dose) if message.HasField("dose") else None,
        pinned=message.pinned,
        cautions=_each(reader, f"{path}.cautions", message.cautions, _MOST_WORDS, _caution),
    )


def _dose(reader: Reader, path: str, message: pb.Dose) -> StepDose:
    return StepDose(
        level=message.level,
        seconds=_number(reader, path, message, "seconds"),
        repetitions=_number(reader, path, message, "repetitions"),
        contraction_percent=_number(reader, path, message, "contraction_percent"),
        hold_seconds=_number(reader, path, message, "hold_seconds"),
        pain_ceiling=_optional(message, "pain_ceiling"),
    )


def _reasons(reader: Reader, path: str, message: pb.Rationale) -> tuple[Reason, ...]:
    return _each(reader, f"{path}.rationale.reasons", message.reasons, _MOST_WORDS, _reason)


def _reason(reader: Reader, path: str, message: pb.Reason) -> Reason:
    return Reason(
        rule=message.rule,
        findings=tuple(message.findings),
        path=_each(reader, f"{path}.path", message.path, _MOST_WORDS, _edge),
        contribution=_number(reader, path, message, "contribution"),
    )


def _edge(reader: Reader, path: str, message: pb.PathEdge) -> PathEdge:
    return PathEdge(
        # `from` is a keyword of Python, so the field cannot be read by name.
        start=getattr(message, "from"),
        edge=message.edge,
        end=message.to,
        weight=_number(reader, path, message, "weight"),
        source=message.source,
    )


def _omission(reader: Reader, path: str, message: pb.Omission) -> Omission:
    kind = reader.choice(f"{path}.kind", message.kind, pb.Omission.Kind, required=True)
    return Omission(
        kind=OmissionKind(kind or "dominated"),
        reasons=_reasons(reader, path, message.rationale),
        message=message.message,
        muscle=message.muscle,
        side=read_side(reader, f"{path}.side", message.side, required=False),
        technique=message.technique,
        minutes_needed=_number(reader, path, message, "minutes_needed"),
    )


def _candidate(reader: Reader, path: str, message: pb.Candidate) -> Candidate:
    score = _number(reader, path, message, "score")
    if score is None:
        reader.tell(f"{path}.score", "is required")
    return Candidate(
        muscle=message.muscle,
        side=read_side(reader, f"{path}.side", message.side, required=True) or Side.MIDLINE,
        score=score or 0.0,
        reasons=_reasons(reader, path, message.rationale),
        to_confirm=message.to_confirm,
    )


def _caution(_: Reader, __: str, message: pb.Caution) -> Caution:
    return Caution(message=message.message, rule=message.rule, source=message.source, findings=tuple(message.findings))


def _question(_: Reader, __: str, message: pb.UnansweredQuestion) -> Question:
    return Question(
        condition=message.condition,
        parameter=message.parameter,
        question=message.question,
        assumption=message.assumption,
    )


def _referral(reader: Reader, path: str, message: pb.Referral) -> Referral:
    urgency = reader.choice(f"{path}.urgency", message.urgency, pb.Urgency, required=True)
    return Referral(
        condition=message.condition,
        urgency=Urgency(urgency or "emergency"),
        message=message.message,
        source=message.source,
        rule=message.rule,
        findings=tuple(message.findings),
    )


def _conflict(_: Reader, __: str, message: pb.Conflict) -> Conflict:
    return Conflict(demands=tuple(message.demands), loosenings=tuple(message.loosenings))


def _advice(_: Reader, __: str, message: pb.Advice) -> Aftercare:
    return Aftercare(text=message.text, source=message.source)


def _follow_up(reader: Reader, path: str, message: pb.FollowUp) -> FollowUp:
    timed = message.HasField("suggested_interval")
    return FollowUp(
        carry_over=_each(reader, f"{path}.carry_over", message.carry_over, _MOST_ENTRIES, _target),
        suggested_interval_seconds=_seconds(reader, f"{path}.suggested_interval", message, "suggested_interval")
        if timed
        else None,
        source=message.source,
    )


def _target(reader: Reader, path: str, message: pb.Target) -> Target:
    side = read_side(reader, f"{path}.side", message.side, required=True)
    return Target(muscle=message.muscle, side=side or Side.MIDLINE, technique=message.technique)


def _optimality(reader: Reader, path: str, message: pb.Optimality) -> Optimality:
    objective = _optional(message, "objective")
    if objective is None:
        reader.tell(f"{path}.objective", "is required")
    return Optimality(objective=objective or 0, upper_bound=_optional(message, "upper_bound"), proven=message.proven)


# --- what it was planned from -------------------------------------------------------------------------------------


def _snapshot(reader: Reader, parser: Parser, message: pb.AssessmentSnapshot) -> Snapshot:
    base, path = parser.base, "plan.snapshot"

    def pain_area(reader: Reader, path: str, area: pb.AssessmentSnapshot.PainArea) -> PainArea:
        reader.known(f"{path}.zone", "zone", base.zones, area.zone)
        return PainArea(
            id=_finding(reader, path, area.id),
            zone=area.zone,
            side=read_side(reader, f"{path}.side", area.side, required=True) or Side.MIDLINE,
            intensity=_number(reader, path, area, "intensity"),
        )

    def palpation(reader: Reader, path: str, found: pb.AssessmentSnapshot.PalpationFinding) -> Palpation:
        reader.known(f"{path}.muscle", "muscle", base.muscles, found.muscle, base.muscle_groups)
        return Palpation(
            id=_finding(reader, path, found.id),
            muscle=found.muscle,
            side=read_side(reader, f"{path}.side", found.side, required=True) or Side.MIDLINE,
            classification=_word(reader, f"{path}.classification", found.classification, Classification),
            tenderness=_number(reader, path, found, "tenderness"),
            taut_band=_optional(found, "taut_band"),
            spot_tenderness=_optional(found, "spot_tenderness"),
            referred_pain=_optional(found, "referred_pain"),
            reproduces_familiar_pain=_optional(found, "reproduces_familiar_pain"),
        )

    def rom_test(reader: Reader, path: str, test: pb.AssessmentSnapshot.RomTest) -> RomTest:
        reader.known(f"{path}.motion", "motion", base.motions, test.motion)
        return RomTest(
            id=_finding(reader, path, test.id),
            motion=test.motion,
            side=read_side(reader, f"{path}.side", test.side, required=True) or Side.MIDLINE,
            mode=_word(reader, f"{path}.mode", test.mode, Mode),
            value=_number(reader, path, test, "value"),
            pain=_number(reader, path, test, "pain"),
            verdict=_word(reader, f"{path}.verdict", test.verdict, Verdict),
            deficit=_number(reader, path, test, "deficit"),
            side_difference=_number(reader, path, test, "side_difference"),
            limited_by=_word(reader, f"{path}.limited_by", test.limited_by, LimitedBy),
        )

    if message.sex not in _SEXES:
        reader.tell(f"{path}.sex", "is not one of female, male, or empty")
    return Snapshot(
        age_years=reader.whole(f"{path}.age_years", message, "age_years", 0, _MOST_AGE),
        sex=message.sex,
        pain_areas=_each(reader, f"{path}.pain_areas", message.pain_areas, _MOST_PAIN_AREAS, pain_area),
        palpations=_each(reader, f"{path}.palpation_findings", message.palpation_findings, _MOST_PALPATIONS, palpation),
        rom_tests=_each(reader, f"{path}.rom_tests", message.rom_tests, _MOST_TESTS, rom_test),
        health_flags=_each(reader, f"{path}.health_flags", message.health_flags, _MOST_FLAGS, parser.flag),
        preferences=_preferences(reader, f"{path}.preferences", message.preferences, base),
    )


def _preferences(
    reader: Reader, path: str, message: pb.AssessmentSnapshot.SessionPreferences, base: KnowledgeBase
) -> Preferences:
    for field, kind, things in (
        ("unavailable_positions", "position", base.positions),
        ("focus_zones", "zone", base.zones),
        ("avoid_techniques", "technique", base.techniques),
        ("regions_not_to_touch", "region", base.regions),
    ):
        words = getattr(message, field)
        if reader.most(f"{path}.{field}", words, _MOST_WORDS):
            for index, word in enumerate(words):
                reader.known(f"{path}.{field}[{index}]", kind, things, word)
    return Preferences(
        pressure_tolerance=reader.whole(f"{path}.pressure_tolerance", message, "pressure_tolerance", 1, _FIRMEST),
        unavailable_positions=tuple(message.unavailable_positions),
        focus_zones=tuple(message.focus_zones),
        avoid_techniques=tuple(message.avoid_techniques),
        regions_not_to_touch=tuple(message.regions_not_to_touch),
        intraoral_allowed=_optional(message, "intraoral_allowed"),
    )


# --- single values ------------------------------------------------------------------------------------------------


def _each(
    reader: Reader, path: str, messages: Sequence[Any], most: int, read: Callable[[Reader, str, Any], Read]
) -> tuple[Read, ...]:
    if not reader.most(path, messages, most):
        return ()
    return tuple(read(reader, f"{path}[{index}]", message) for index, message in enumerate(messages))


def _seconds(reader: Reader, path: str, message: Message, name: str) -> int:
    """Reads a duration; whether it is on the grid of half minutes is for the checker to say."""
    if not message.HasField(name):
        reader.tell(path, "is required")
    duration = getattr(message, name)
    if duration.nanos:
        reader.tell(path, "is not a whole number of seconds")
    seconds: int = duration.seconds
    return seconds


def _number(reader: Reader, path: str, message: Message, name: str) -> float | None:
    return reader.number(f"{path}.{name}", getattr(message, name)) if message.HasField(name) else None


def _optional(message: Message, name: str) -> Any:
    return getattr(message, name) if message.HasField(name) else None


def _finding(reader: Reader, path: str, identifier: str) -> str:
    if not identifier:
        reader.tell(f"{path}.id", "is required")
    return identifier


def _word(reader: Reader, path: str, value: str, words: type[Word]) -> Word:
    """Reads one of a list of words; some lists have the empty word for what is not known."""
    known = list(words)
    if value not in known:
        reader.tell(path, f"is not one of {', '.join(word.value or 'empty' for word in known)}")
        return known[0]
    return words(value)
