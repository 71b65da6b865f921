"""Turns plans into messages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from myoplan.planner.v1 import plan_pb2 as pb
from myoplan.planner.v1 import planner_service_pb2 as service_pb
from services.planner.api import render_edit, render_review
from services.planner.api.pages import page_token
from services.planner.api.parse import list_scope
from services.planner.domain.constraints import Constraints, HandLoad, Target
from services.planner.domain.plan import (
    Candidate,
    Caution,
    FollowUp,
    Omission,
    Optimality,
    Plan,
    PlanContent,
    Question,
    Referral,
    Step,
    StepDose,
)
from services.planner.domain.reasons import Reason
from services.planner.domain.sides import Side
from services.planner.domain.snapshot import HealthFlag, Parameter, Preferences, Snapshot
from services.planner.ports import StoredPlan
from services.planner.usecases.read import PlanPage
from services.store.model import Actor

_MICROS = 1_000_000
_NANOS_PER_MICRO = 1000


def plan(stored: StoredPlan, *, full: bool = True) -> pb.Plan:
    """Returns the message of a plan; without `full`, without snapshot, steps, omissions, candidates and aftercare."""
    kept, content = stored.plan, stored.plan.content
    message = pb.Plan(
        name=kept.name,
        uid=kept.uid,
        etag=stored.etag,
        revision=stored.revision,
        version=kept.version,
        state=pb.Plan.State.Value(kept.state.name),
        disposition=pb.Plan.Disposition.Value(content.disposition.name),
        assessment=content.assessment,
        assessment_etag=content.assessment_etag,
        constraints=_constraints(content.constraints),
        time_budget=_duration(content.time_budget_seconds),
        planned_duration=_duration(content.planned_seconds),
        slack=_duration(content.slack_seconds),
        cautions=map(_caution, content.cautions),
        unanswered_questions=map(question, content.questions),
        referrals=map(_referral, content.referrals),
        optimality=_optimality(content.optimality),
        knowledge_revision=content.knowledge_revision,
        knowledge_reviewed=content.knowledge_reviewed,
        planner_version=content.planner_version,
        digest=kept.digest,
        author=render_review.person(kept.author),
    )
    if content.follow_up:
        message.follow_up.CopyFrom(_follow_up(content.follow_up))
    _set_times(message, kept)
    render_review.set_review(message, kept)
    if full:
        _set_details(message, content)
    return message


def _set_times(message: pb.Plan, kept: Plan) -> None:
    """An absent time is an absent field, never the beginning of the epoch."""
    if kept.name:
        message.create_time.CopyFrom(_timestamp(kept.create_micros))
        message.update_time.CopyFrom(_timestamp(kept.update_micros))
    if kept.scheduled_micros is not None:
        message.scheduled_time.CopyFrom(_timestamp(kept.scheduled_micros))


def _set_details(message: pb.Plan, content: PlanContent) -> None:
    message.snapshot.CopyFrom(_snapshot(content.snapshot))
    message.steps.extend(map(step, content.steps))
    message.omissions.extend(map(omission, content.omissions))
    message.candidates.extend(map(candidate, content.candidates))
    message.aftercare.extend(pb.Advice(text=advice.text, source=advice.source) for advice in content.aftercare)


def is_full(view: int, *, usual: bool) -> bool:
    """Returns whether a view shows everything; unspecified is what is usual for the method."""
    return view == service_pb.FULL if view else usual


def plan_page(actor: Actor, request: service_pb.ListPlansRequest, page: PlanPage) -> service_pb.ListPlansResponse:
    """Returns the message of a page."""
    full = is_full(request.view, usual=False)
    place = None if page.next_after is None else str(page.next_after)
    return service_pb.ListPlansResponse(
        plans=[plan(stored, full=full) for stored in page.plans],
        next_page_token=page_token(list_scope(actor, request), place),
    )


# --- what was asked -----------------------------------------------------------------------------------------------


def _constraints(constraints: Constraints) -> pb.Constraints:
    message = pb.Constraints(
        pinned=map(target, constraints.pinned),
        excluded=map(target, constraints.excluded),
        unavailable_positions=constraints.unavailable_positions,
        max_pressure=constraints.max_pressure,
        must_include=map(target, constraints.must_include),
        durations=map(render_edit.duration, constraints.durations),
        sequences=map(render_edit.sequence, constraints.sequences),
        overrides=map(render_edit.override, constraints.overrides),
    )
    if constraints.hand_load_used_today:
        message.hand_load_used_today.CopyFrom(_hand_load(constraints.hand_load_used_today))
    return message


def target(wanted: Target) -> pb.Target:
    """Returns the message of a target."""
    return pb.Target(muscle=wanted.muscle, side=_side(wanted.side), technique=wanted.technique)


def _hand_load(load: HandLoad) -> pb.HandLoad:
    return pb.HandLoad(thumb=load.thumb, wrist=load.wrist, elbow=load.elbow, tool=load.tool)


def _snapshot(snapshot: Snapshot) -> pb.AssessmentSnapshot:
    return pb.AssessmentSnapshot(
        age_years=snapshot.age_years,
        sex=snapshot.sex,
        pain_areas=[
            pb.AssessmentSnapshot.PainArea(id=area.id, zone=area.zone, side=_side(area.side), intensity=area.intensity)
            for area in snapshot.pain_areas
        ],
        palpation_findings=[
            pb.AssessmentSnapshot.PalpationFinding(
                id=found.id,
                muscle=found.muscle,
                side=_side(found.side),
                classification=found.classification.value,
                tenderness=found.tenderness,
                taut_band=found.taut_band,
                spot_tenderness=found.spot_tenderness,
                referred_pain=found.referred_pain,
                reproduces_familiar_pain=found.reproduces_familiar_pain,
            )
            for found in snapshot.palpations
        ],
        rom_tests=[
            pb.AssessmentSnapshot.RomTest(
                id=test.id,
                motion=test.motion,
                side=_side(test.side),
                mode=test.mode.value,
                value=test.value,
                pain=test.pain,
                verdict=test.verdict.value,
                deficit=test.deficit,
                side_difference=test.side_difference,
                limited_by=test.limited_by.value,
            )
            for test in snapshot.rom_tests
        ],
        health_flags=map(_flag, snapshot.health_flags),
        preferences=_preferences(snapshot.preferences),
    )


def _flag(flag: HealthFlag) -> pb.AssessmentSnapshot.HealthFlag:
    return pb.AssessmentSnapshot.HealthFlag(
        id=flag.id,
        condition=flag.condition,
        answer=flag.answer.value,
        zone=flag.zone,
        side=_side(flag.side),
        onset_days=flag.onset_days,
        parameters=map(_parameter, flag.parameters),
    )


def _parameter(parameter: Parameter) -> pb.AssessmentSnapshot.Parameter:
    value: dict[str, Any] = {"number": parameter.number, "text": parameter.text, "truth": parameter.truth}
    given = {name: one for name, one in value.items() if one is not None}
    return pb.AssessmentSnapshot.Parameter(key=parameter.key, **given)


def _preferences(preferences: Preferences) -> pb.AssessmentSnapshot.SessionPreferences:
    return pb.AssessmentSnapshot.SessionPreferences(
        pressure_tolerance=preferences.pressure_tolerance,
        unavailable_positions=preferences.unavailable_positions,
        focus_zones=preferences.focus_zones,
        avoid_techniques=preferences.avoid_techniques,
        regions_not_to_touch=preferences.regions_not_to_touch,
        intraoral_allowed=preferences.intraoral_allowed,
    )


# --- what was planned ---------------------------------------------------------------------------------------------


def step(planned: Step) -> pb.Step:
    """Returns the message of a step."""
    message = pb.Step(
        id=planned.id,
        phase=pb.Step.Phase.Value(planned.phase.name),
        muscle=planned.muscle,
        side=_side(planned.side),
        technique=planned.technique,
        position=planned.position,
        start_offset=_duration(planned.start_seconds),
        duration=_duration(planned.duration_seconds),
        pressure_level=planned.pressure_level,
        pinned=planned.pinned,
        instruction=planned.instruction,
        rationale=rationale(planned.reasons),
        cautions=map(_caution, planned.cautions),
        region=planned.region,
        motion=planned.motion,
    )
    if planned.dose:
        message.dose.CopyFrom(_dose(planned.dose))
    return message


def _dose(dose: StepDose) -> pb.Dose:
    return pb.Dose(
        level=dose.level,
        seconds=dose.seconds,
        repetitions=dose.repetitions,
        contraction_percent=dose.contraction_percent,
        hold_seconds=dose.hold_seconds,
        pain_ceiling=dose.pain_ceiling,
    )


def rationale(reasons: Iterable[Reason]) -> pb.Rationale:
    """Returns the message of reasons."""
    return pb.Rationale(reasons=map(_reason, reasons))


def _reason(reason: Reason) -> pb.Reason:
    message = pb.Reason(rule=reason.rule, findings=reason.findings, contribution=reason.contribution)
    for edge in reason.path:
        # `from` is a keyword of Python, so the field cannot be given by name.
        item = message.path.add(edge=edge.edge, to=edge.end, weight=edge.weight, source=edge.source)
        setattr(item, "from", edge.start)
    return message


def omission(left_out: Omission) -> pb.Omission:
    """Returns the message of something that is left out."""
    return pb.Omission(
        muscle=left_out.muscle,
        side=_side(left_out.side),
        technique=left_out.technique,
        kind=pb.Omission.Kind.Value(left_out.kind.name),
        rationale=rationale(left_out.reasons),
        minutes_needed=left_out.minutes_needed,
        message=left_out.message,
    )


def candidate(found: Candidate) -> pb.Candidate:
    """Returns the message of a candidate."""
    return pb.Candidate(
        muscle=found.muscle,
        side=_side(found.side),
        score=found.score,
        rationale=rationale(found.reasons),
        to_confirm=found.to_confirm,
    )


def _caution(caution: Caution) -> pb.Caution:
    return pb.Caution(message=caution.message, rule=caution.rule, source=caution.source, findings=caution.findings)


def question(asked: Question) -> pb.UnansweredQuestion:
    """Returns the message of an open question."""
    return pb.UnansweredQuestion(
        condition=asked.condition, parameter=asked.parameter, question=asked.question, assumption=asked.assumption
    )


def _referral(referral: Referral) -> pb.Referral:
    return pb.Referral(
        condition=referral.condition,
        urgency=pb.Urgency.Value(referral.urgency.name),
        message=referral.message,
        source=referral.source,
        rule=referral.rule,
        findings=referral.findings,
    )


def _follow_up(follow_up: FollowUp) -> pb.FollowUp:
    message = pb.FollowUp(carry_over=map(target, follow_up.carry_over), source=follow_up.source)
    if follow_up.suggested_interval_seconds is not None:
        message.suggested_interval.CopyFrom(_duration(follow_up.suggested_interval_seconds))
    return message


def _optimality(optimality: Optimality) -> pb.Optimality:
    return pb.Optimality(objective=optimality.objective, upper_bound=optimality.upper_bound, proven=optimality.proven)


def _side(side: Side | None) -> pb.Side.ValueType:
    return pb.Side.Value(side.name) if side else pb.SIDE_UNSPECIFIED


def _duration(seconds: int) -> Duration:
    return Duration(seconds=seconds)


def _timestamp(micros: int) -> Timestamp:
    return Timestamp(seconds=micros // _MICROS, nanos=micros % _MICROS * _NANOS_PER_MICRO)
