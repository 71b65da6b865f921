"""Explains, compares, checks and replays plans. Nothing here writes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from services.planner.check import Finding, check
from services.planner.domain.canonical import content_digest
from services.planner.domain.constraints import Target
from services.planner.domain.plan import PlanContent
from services.planner.explain.changes import sentences
from services.planner.explain.compare import PlanDifference, compare
from services.planner.explain.explore import Exploration, explore
from services.planner.explain.omission import Explanation
from services.planner.explain.omission import explain_omission as explain_target
from services.planner.explain.replay import Replay, replay
from services.planner.ports import StoredPlan
from services.planner.usecases.create import Planning
from services.planner.usecases.sessions import Sessions, delivered


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainOmission:
    """Asks why `target` is not in a plan of a clinic."""

    clinic: str
    name: str
    target: Target


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparePlans:
    """Asks how two plans of a clinic differ; a revision None: the newest.

    `later_delivered`: what was delivered stands for the later plan.
    """

    clinic: str
    earlier: str
    later: str
    earlier_revision: int | None = None
    later_revision: int | None = None
    later_delivered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplorePlan:
    """Asks what else a plan of a clinic could be; at most so many alternatives, from 1."""

    clinic: str
    name: str
    alternatives: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckPlan:
    """Asks what is wrong with any plan. `digest` empty: the plan names none."""

    content: PlanContent
    version: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayPlan:
    """Asks whether a plan of a clinic comes out again."""

    clinic: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two plans and how they differ."""

    earlier: StoredPlan
    later: StoredPlan
    difference: PlanDifference
    sentences: tuple[str, ...]


async def explain_omission(planning: Planning, query: ExplainOmission) -> Explanation:
    """Returns why something is not in a plan, and what brings it in. Raises ResourceMissing."""
    stored = await planning.plans.read(query.clinic, query.name, None)
    return await asyncio.to_thread(explain_target, stored.plan.content, query.target, planning.graph)


async def compare_plans(planning: Planning, sessions: Sessions, query: ComparePlans) -> Comparison:
    """Returns how two plans differ. Raises ResourceMissing, also for a session that there is none of."""
    earlier = await planning.plans.read(query.clinic, query.earlier, query.earlier_revision)
    later = await planning.plans.read(query.clinic, query.later, query.later_revision)
    if query.later_delivered:
        session = (await sessions.read(query.clinic, query.later)).session
        approved = await planning.plans.read(query.clinic, query.later, session.revision)
        later = replace(approved, plan=replace(approved.plan, content=delivered(approved.plan.content, session)))
    return Comparison(
        earlier=earlier,
        later=later,
        difference=compare(earlier.plan.content, later.plan.content),
        sentences=sentences(earlier.plan.content, later.plan.content, planning.graph, delivered=query.later_delivered),
    )


async def explore_plan(planning: Planning, query: ExplorePlan) -> Exploration:
    """Returns what else a plan could be. Raises ResourceMissing."""
    stored = await planning.plans.read(query.clinic, query.name, None)
    return await asyncio.to_thread(explore, stored.plan.content, query.alternatives, planning.graph)


async def check_plan(planning: Planning, query: CheckPlan) -> tuple[Finding, ...]:
    """Returns everything that is wrong with a plan."""
    findings = await asyncio.to_thread(check, query.content, planning.graph.base)
    if query.digest and query.digest != content_digest(query.content, query.version):
        return (*findings, Finding(rule="digest", message="does not belong to this content; somebody changed it"))
    return findings


async def replay_plan(planning: Planning, query: ReplayPlan) -> Replay:
    """Returns whether a plan comes out the same when it is made again. Raises ResourceMissing."""
    stored = await planning.plans.read(query.clinic, query.name, None)
    return await asyncio.to_thread(replay, stored.plan.content, planning.graph)
