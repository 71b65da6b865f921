"""Decisions on a plan: each is allowed by the table, bound to what the person saw, and stored with compare-and-swap."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from services.planner.domain.errors import (
    AssessmentStateForbids,
    DigestDiffers,
    FieldProblem,
    PlanChanged,
    RequestInvalid,
)
from services.planner.domain.plan import Plan
from services.planner.domain.review import Attestation, Meaning, Reviewer, Signature
from services.planner.ports import StoredPlan
from services.planner.review import acts
from services.planner.review.permission import acting_role, authors, barred, permit
from services.planner.review.release import check_attestation, check_inputs, check_open_points, check_sign_in
from services.planner.review.resnapshot import resnapshotted_content
from services.planner.review.table import Action, Need, Row
from services.planner.usecases.create import Planning
from services.planner.usecases.plans import reviewer_of
from services.store.model import Actor, Request

EVERY_CLINIC = "*"
_COMPLETED = "COMPLETED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decide:
    """Asks for one action on a plan; what is set beside the first fields depends on the action.

    `etag` and `digest` are those of the plan as the person saw it. `auth_micros`: when they last proved who they are.
    `method` is the method of the contract, for the audit trail.
    """

    actor: Actor
    auth_micros: int | None
    method: str
    action: Action
    name: str
    etag: str
    digest: str
    reason: str = ""
    text: str = ""
    attestation: Attestation = Attestation.NONE
    expected_cosigner: str = ""
    rule: str = ""
    request: Request | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewing:
    """What decisions are made with. `strict_four_eyes`: ids of the clinics that want it, or `*` for all."""

    planning: Planning
    strict_four_eyes: frozenset[str] = frozenset()

    def strict(self, clinic: str) -> bool:
        """Whether the releaser of a plan must have contributed nothing to it."""
        return bool(self.strict_four_eyes & {clinic, EVERY_CLINIC})


async def decide(reviewing: Reviewing, command: Decide) -> StoredPlan:
    """Returns the plan after the action; a repeated request returns its first result.

    Raises SignInTooOld, RequestInvalid, ResourceMissing and every Refused; EditUnsafe if a plan to be re-attested is no
    longer safe; AssessmentStateForbids; and what reading an assessment and writing to a store can raise. Nothing has
    changed then.
    """
    plans = reviewing.planning.plans
    if earlier := await plans.replay(command.name, command.actor, command.request):
        return earlier
    now = plans.clock()
    check_sign_in(command.action, reviewer_of(command.actor, command.auth_micros), now)
    async with plans.refusing(command.actor, command.name, command.method):
        stored = await plans.read(command.actor.clinic, command.name, None)
        check_seen(stored, command.etag, command.digest)
        changed = await _acted(reviewing, command, stored, now)
        return await plans.update(
            command.actor,
            changed,
            command.etag,
            command.action.entry,
            command.reason,
            command.request,
            (command.rule,) if command.rule else (),
        )


def check_seen(stored: StoredPlan, etag: str, digest: str) -> None:
    """Raises PlanChanged or DigestDiffers if the person saw another plan than there is."""
    if stored.etag != etag:
        raise PlanChanged(stored.plan.name)
    if stored.plan.digest != digest:
        raise DigestDiffers(stored.plan.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Act:
    """One permitted action: what it is done to, by whom in which role, and when."""

    plan: Plan
    command: Decide
    by: Reviewer
    role: str
    now_micros: int

    def signature(self, meaning: Meaning, text: str) -> Signature:
        return acts.signature(self.plan, self.by, self.role, meaning, self.command.attestation, text, self.now_micros)


_ACTS: Mapping[Action, Callable[[_Act], Plan]] = {
    Action.SIGN: lambda act: acts.signed(
        act.plan,
        by=act.by,
        signature=act.signature(Meaning.AUTHORED, act.command.text),
        expected_cosigner=act.command.expected_cosigner,
        now_micros=act.now_micros,
    ),
    Action.RETURN: lambda act: acts.returned(
        act.plan, signature=act.signature(Meaning.RETURNED, act.command.reason), now_micros=act.now_micros
    ),
    Action.WITHDRAW: lambda act: acts.withdrawn(
        act.plan, by=act.by, reason=act.command.reason, now_micros=act.now_micros
    ),
    Action.REASSIGN: lambda act: acts.reassigned(
        act.plan, expected_cosigner=act.command.expected_cosigner, now_micros=act.now_micros
    ),
    Action.DISCARD: lambda act: acts.discarded(act.plan, now_micros=act.now_micros),
    Action.ACKNOWLEDGE_FLAG: lambda act: acts.acknowledged(
        act.plan, rule=act.command.rule, person=act.by.person, now_micros=act.now_micros
    ),
    Action.AMEND: lambda act: acts.amended(act.plan, by=act.by, reason=act.command.reason, now_micros=act.now_micros),
    Action.ADDENDUM: lambda act: acts.with_addendum(
        act.plan, by=act.by, role=act.role, text=act.command.text, now_micros=act.now_micros
    ),
    Action.MARK_ENTERED_IN_ERROR: lambda act: acts.entered_in_error(act.plan, now_micros=act.now_micros),
}
_RELEASES: Mapping[Action, Meaning] = {
    Action.APPROVE: Meaning.APPROVED,
    Action.COSIGN: Meaning.COSIGNED,
    Action.REATTEST: Meaning.APPROVED,
}


async def _acted(reviewing: Reviewing, command: Decide, stored: StoredPlan, now: int) -> Plan:
    by = reviewer_of(command.actor)
    plan, strict = stored.plan, reviewing.strict(by.clinic)
    row = permit(plan, command.action, by, strict=strict)
    role = acting_role(plan, row, by, strict=strict) or ""
    if Need.COSIGNER in row.needs:
        _check_cosigner(plan, command, strict=strict)
    if command.action is Action.ACKNOWLEDGE_FLAG:
        _check_rule(reviewing.planning, plan, command.rule)
    check_attestation(plan, row, command.attestation)
    if command.action in _RELEASES:
        plan = await _to_release(reviewing.planning, row, plan, command, now)
    act = _Act(plan=plan, command=command, by=by, role=role, now_micros=now)
    if meaning := _RELEASES.get(command.action):
        return acts.released(
            plan,
            signature=act.signature(meaning, command.text),
            revision=stored.revision + 1,
            now_micros=now,
        )
    return _ACTS[command.action](act)


async def _to_release(planning: Planning, row: Row, plan: Plan, command: Decide, now: int) -> Plan:
    """Returns what is to be released, with the guard passed.

    The assessment is read last: what happens to it from here on is learnt by following it, see docs/adr/0008.
    """
    if command.action is Action.REATTEST:
        return await _on_inputs_of_today(planning, row, plan, command, now)
    check_open_points(plan, row)
    assessment = await planning.assessments.read(plan.content.assessment)
    check_inputs(plan, row, assessment.etag)
    return plan


async def _on_inputs_of_today(planning: Planning, row: Row, plan: Plan, command: Decide, now: int) -> Plan:
    assessment = await planning.assessments.read(plan.content.assessment)
    if assessment.state != _COMPLETED:
        raise AssessmentStateForbids(assessment.name, assessment.state, _COMPLETED)
    content = await asyncio.to_thread(
        resnapshotted_content,
        plan.content,
        snapshot=assessment.snapshot,
        assessment_etag=assessment.etag,
        base=planning.graph.base,
    )
    renewed = acts.resnapshotted(plan, by=reviewer_of(command.actor), content=content, now_micros=now)
    check_open_points(renewed, row)
    return renewed


def _check_cosigner(plan: Plan, command: Decide, *, strict: bool) -> None:
    """Raises RequestInvalid if the person named could never release this plan.

    Whether they have the role is seen when they co-sign: the services keep no list of people.
    """
    named, problem = command.expected_cosigner, ""
    signs = command.action is Action.SIGN
    if signs and named == command.actor.person:
        problem = "is the person who signs; name another"
    elif named in barred(plan, strict=strict) or named in authors(plan):
        problem = "has contributed to the plan and cannot release it; name another"
    if problem:
        raise RequestInvalid((FieldProblem("expected_cosigner", problem),))


def _check_rule(planning: Planning, plan: Plan, rule: str) -> None:
    """Raises RequestInvalid for a rule that is none of the plan's; an approved plan may be about to get it."""
    listed = any(one.rule == rule for one in plan.acknowledgements)
    if not listed and not (plan.approved and rule in planning.graph.base.rules):
        raise RequestInvalid((FieldProblem("rule", "is not a rule in the acknowledgements of the plan"),))
