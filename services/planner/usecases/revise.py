"""Edits a plan: what is asked for is planned, checked, and stored as the next version unless it is only a preview."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.planner.domain.edits import Edit
from services.planner.domain.errors import AssessmentStateForbids, FieldProblem, PlanChanged, RequestInvalid
from services.planner.domain.plan import Plan, State
from services.planner.ports import StoredPlan
from services.planner.review import acts
from services.planner.review.permission import permit
from services.planner.review.table import Action
from services.planner.revise import Stamp, revise
from services.planner.usecases.create import Planning
from services.planner.usecases.plans import reviewer_of
from services.store.model import Actor, Request

METHOD = "RevisePlan"
_COMPLETED = "COMPLETED"
# What was planned from inputs that may be old is planned again from those of today.
_REBASED = {State.RETURNED, State.STALE}


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisePlan:
    """Asks for edits of a plan; `etag` is that of the plan as the person saw it."""

    actor: Actor
    name: str
    etag: str
    edits: tuple[Edit, ...]
    reason: str
    validate_only: bool
    request: Request | None


async def revise_plan(planning: Planning, command: RevisePlan) -> StoredPlan:
    """Returns the plan after the edits; a repeated request returns its first result.

    Raises PlanChanged, PlanStateForbids, ActorLacksRight, RequestInvalid and EditInvalid, EditUnsafe,
    EditNeedsOverride, EditsConflict, AssessmentStateForbids, ResourceMissing, PlanBroken, and what reading an
    assessment and writing to a store can raise. Nothing has changed then.
    """
    plans = planning.plans
    if command.validate_only:
        stored = await _read(planning, command)
        return _preview(await edited_plan(planning, stored.plan, command.actor, command.edits, command.reason))
    if earlier := await plans.replay(command.name, command.actor, command.request):
        return earlier
    async with plans.refusing(command.actor, command.name, METHOD):
        stored = await _read(planning, command)
        changed = await edited_plan(planning, stored.plan, command.actor, command.edits, command.reason)
        kinds = tuple(dict.fromkeys(edit.kind.value for edit in command.edits))
        return await plans.update(
            command.actor, changed, command.etag, Action.EDIT.entry, command.reason, command.request, kinds
        )


async def edited_plan(planning: Planning, plan: Plan, actor: Actor, edits: Sequence[Edit], reason: str) -> Plan:
    """Returns a plan with a new version of its content, not stored, planned on the newest inputs.

    Raises what `revise_plan` raises, all but what is about the etag and the store.
    """
    by = reviewer_of(actor)
    permit(plan, Action.EDIT, by)
    if plan.state in _REBASED and not reason:
        problem = FieldProblem("reason", f"is required to take up a plan that is {plan.state.name}")
        raise RequestInvalid((problem,))
    plan = await _on_inputs_of_today(planning, plan)
    now = planning.plans.clock()
    stamped = Stamp(person=actor.person, display_name=actor.display_name, time_micros=now)
    revised = await asyncio.to_thread(revise, plan.content, edits, planning.graph, stamped=stamped)
    return acts.edited(plan, by=by, content=revised.content, reason=reason, sentences=revised.sentences, now_micros=now)


async def _on_inputs_of_today(planning: Planning, plan: Plan) -> Plan:
    """Returns the plan on the newest assessment, also a draft: an amendment begins on the inputs of its release."""
    assessment = await planning.assessments.read(plan.content.assessment)
    if assessment.etag == plan.content.assessment_etag:
        return plan
    if assessment.state != _COMPLETED:
        if plan.state not in _REBASED:
            return plan  # it cannot be released on these inputs anyway, and there are no newer ones to plan from
        raise AssessmentStateForbids(assessment.name, assessment.state, _COMPLETED)
    content = replace(plan.content, snapshot=assessment.snapshot, assessment_etag=assessment.etag)
    return replace(plan, content=content, scheduled_micros=assessment.scheduled_micros)


async def _read(planning: Planning, command: RevisePlan) -> StoredPlan:
    stored = await planning.plans.read(command.actor.clinic, command.name, None)
    if stored.etag != command.etag:
        raise PlanChanged(command.name)
    return stored


def _preview(plan: Plan) -> StoredPlan:
    return StoredPlan(plan=replace(plan, name="", uid=""))
