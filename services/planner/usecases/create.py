"""Makes a plan from an assessment, and stores it unless it is only a preview."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

from services.planner.check import check
from services.planner.domain.canonical import content_digest
from services.planner.domain.constraints import Constraints
from services.planner.domain.errors import AssessmentStateForbids, PlanBroken
from services.planner.domain.plan import Plan, PlanContent, State
from services.planner.domain.review import Person
from services.planner.graph.index import KnowledgeGraph
from services.planner.ports import Assessments, ReadAssessment, StoredPlan
from services.planner.review.acts import first_contributors
from services.planner.review.flags import unread
from services.planner.session.propose import PlanRequest, propose
from services.planner.usecases.memory import PlanMemory
from services.planner.usecases.plans import Plans, reviewer_of
from services.store.model import Actor, Request

_FIRST_VERSION = 1
_COMPLETED, _OPEN = "COMPLETED", "OPEN"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePlan:
    """Asks for a plan. `plan_id` empty: made here. `time_budget_seconds` is in (0, 10800] [s]."""

    actor: Actor
    parent: str
    assessment: str
    constraints: Constraints
    time_budget_seconds: int
    plan_id: str
    validate_only: bool
    request: Request | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Planning:
    """What plans are made with."""

    plans: Plans
    assessments: Assessments
    graph: KnowledgeGraph
    memory: PlanMemory = field(default_factory=PlanMemory)


async def create_plan(planning: Planning, command: CreatePlan) -> StoredPlan:
    """Returns the plan; a repeated request returns its first result.

    Raises ResourceMissing, AssessmentStateForbids, DemandUnsafe, PlanExists, PlanBroken, and what reading an assessment
    and writing to a store can raise.
    """
    if not command.validate_only:
        earlier = await planning.plans.replay(command.parent, command.actor, command.request)
        if earlier:
            return earlier
    assessment = await planning.assessments.read(command.assessment)
    _allow(assessment, validate_only=command.validate_only)
    request = plan_request(assessment, command, planning.plans.clock())
    key = planning.memory.key(request)
    content = planning.memory.recall(key)
    if content is None:
        content = await asyncio.to_thread(checked_plan, request, planning.graph)
        planning.memory.keep(key, content)
    plan = _plan(content, assessment, command, planning.plans)
    if command.validate_only:
        return StoredPlan(plan=plan)
    return await planning.plans.create(command.actor, plan, command.request)


def plan_request(assessment: ReadAssessment, command: CreatePlan, now_micros: int) -> PlanRequest:
    """Returns what the planner is asked; what the person overrides is theirs, at this time."""
    return PlanRequest(
        assessment=assessment.name,
        assessment_etag=assessment.etag,
        snapshot=assessment.snapshot,
        constraints=replace(
            command.constraints,
            overrides=tuple(
                replace(
                    one,
                    person=command.actor.person,
                    display_name=command.actor.display_name,
                    time_micros=now_micros,
                )
                for one in command.constraints.overrides
            ),
        ),
        time_budget_seconds=command.time_budget_seconds,
    )


def checked_plan(request: PlanRequest, graph: KnowledgeGraph) -> PlanContent:
    """Returns a plan that the independent checker found nothing wrong with. Raises PlanBroken, DemandUnsafe."""
    content = propose(request, graph)
    findings = check(content, graph.base)
    if findings:
        raise PlanBroken(tuple(map(str, findings)))
    return content


def _allow(assessment: ReadAssessment, *, validate_only: bool) -> None:
    allowed = {_COMPLETED, _OPEN} if validate_only else {_COMPLETED}
    if assessment.state not in allowed:
        needed = " or ".join(sorted(allowed))
        raise AssessmentStateForbids(assessment.name, assessment.state, needed)


def _plan(content: PlanContent, assessment: ReadAssessment, command: CreatePlan, plans: Plans) -> Plan:
    stored = not command.validate_only
    now = plans.clock() if stored else 0
    identifier = command.plan_id or f"p-{plans.new_id()[:18]}"
    return Plan(
        name=f"{command.parent}/plans/{identifier}" if stored else "",
        uid=plans.new_id() if stored else "",
        version=_FIRST_VERSION,
        state=State.PROPOSED,
        content=content,
        digest=content_digest(content, _FIRST_VERSION),
        author=Person(id=command.actor.person, display_name=command.actor.display_name),
        create_micros=now,
        update_micros=now,
        scheduled_micros=assessment.scheduled_micros,
        contributors=first_contributors(reviewer_of(command.actor), command.constraints),
        acknowledgements=unread(content),
    )
