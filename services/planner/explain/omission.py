"""Explains why something is not in a plan, and finds the least change that brings it in by planning again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import chain, combinations, islice

from services.planner.check import check
from services.planner.domain.constraints import Target
from services.planner.domain.errors import DemandUnsafe, EditNeedsOverride
from services.planner.domain.plan import STEP_SECONDS, Candidate, Omission, OmissionKind, Phase, PlanContent
from services.planner.explain.replay import reason_not_replayable, request_of
from services.planner.graph.index import KnowledgeGraph
from services.planner.session.conflicts import has
from services.planner.session.propose import PlanRequest, outline

_TREATMENT = {Phase.RELEASE, Phase.LENGTHEN}
_TAKES_ROOM = {Phase.CONFIRM, *_TREATMENT}
_HALF_HOUR_SECONDS = 1800
# What is left out because there is no room for it; more room, or less of something else, can bring it in.
_NO_ROOM = {OmissionKind.OVER_BUDGET, OmissionKind.LOAD_CAP}
_MOST_EXCLUSIONS = 2
# Planning again takes time; a long session has hundreds of pairs to leave out.
_MOST_GROUPS = 40

INCLUDED = "The plan has it."
FORBIDDEN = "A safety rule, or a consent that was not given, forbids it. Nothing brings it in."
NO_FINDING = "No finding points to it."
OTHERWISE_TREATED = "The plan treats the muscle in another way."
NOTHING_TRIED = "Nothing that was tried brings it in."


class ChangeKind(StrEnum):
    """What can change so that something comes in."""

    TIME_BUDGET = "time_budget"
    EXCLUSIONS = "exclusions"
    EXCLUSION_LIFTED = "exclusion_lifted"
    DEMAND = "demand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of the request that brings it in. `time_budget_seconds` [s] is set for TIME_BUDGET only."""

    kind: ChangeKind
    time_budget_seconds: int | None = None
    targets: tuple[Target, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why something is out. Without `changes` nothing that was tried brings it in, or nothing could be tried."""

    included: bool
    message: str
    omissions: tuple[Omission, ...] = ()
    candidate: Candidate | None = None
    changes: tuple[Change, ...] = ()
    reason_not_replayable: str = ""


def explain_omission(content: PlanContent, target: Target, graph: KnowledgeGraph) -> Explanation:
    """Returns why a plan does not work on a muscle, or not by a technique, and what would make it."""
    if has(content, target):
        return Explanation(included=True, message=INCLUDED)
    told = tuple(one for one in content.omissions if _is_about(one, target))
    candidate = next(
        (one for one in content.candidates if (one.muscle, one.side) == (target.muscle, target.side)), None
    )
    forbidden = not content.disposition.hands_on or any(one.kind is OmissionKind.CONTRAINDICATED for one in told)
    reason = "" if forbidden else reason_not_replayable(content, graph)
    changes = () if forbidden or reason else tuple(_changes(content, target, told, graph))
    message = FORBIDDEN if forbidden else _why(content, target, told)
    return Explanation(
        included=False,
        message=message if forbidden or reason or changes else f"{message} {NOTHING_TRIED}",
        omissions=told,
        candidate=candidate,
        changes=changes,
        reason_not_replayable=reason,
    )


def _is_about(omission: Omission, target: Target) -> bool:
    """Whether an omission takes out the target: the muscle, the technique on it, or the technique everywhere."""
    if omission.muscle:
        same = (omission.muscle, omission.side) == (target.muscle, target.side)
        return same and omission.technique in {"", target.technique}
    return bool(target.technique) and omission.technique == target.technique


def _why(content: PlanContent, target: Target, told: tuple[Omission, ...]) -> str:
    if told:
        return told[0].message
    return OTHERWISE_TREATED if has(content, replace(target, technique="")) else NO_FINDING


def _changes(
    content: PlanContent, target: Target, told: tuple[Omission, ...], graph: KnowledgeGraph
) -> Iterator[Change]:
    request = request_of(content)
    lifted = tuple(one for one in request.constraints.excluded if _takes_out(one, target))
    if lifted:
        if _brings_in(_without_exclusions(request, lifted), target, graph):
            yield Change(kind=ChangeKind.EXCLUSION_LIFTED, targets=lifted)
        return
    if any(one.kind in _NO_ROOM for one in told):
        yield from _longer(request, target, graph)
        yield from _instead(content, target, graph, _MOST_EXCLUSIONS)
    else:
        yield from _instead(content, target, graph, 1)
    if target.technique:
        demand = replace(request.constraints, pinned=(*request.constraints.pinned, target))
    else:
        demand = replace(request.constraints, must_include=(*request.constraints.must_include, target))
    if _brings_in(replace(request, constraints=demand), target, graph):
        yield Change(kind=ChangeKind.DEMAND, targets=(target,))


def _takes_out(excluded: Target, target: Target) -> bool:
    same = (excluded.muscle, excluded.side) == (target.muscle, target.side)
    return same and excluded.technique in {"", target.technique}


def _without_exclusions(request: PlanRequest, lifted: tuple[Target, ...]) -> PlanRequest:
    left = tuple(one for one in request.constraints.excluded if one not in lifted)
    return replace(request, constraints=replace(request.constraints, excluded=left))


def _longer(request: PlanRequest, target: Target, graph: KnowledgeGraph) -> Iterator[Change]:
    """Yields the session length that has it where half a minute less has not.

    More time never lowers the benefit of a plan, but it may change which muscles it treats. So longer sessions are
    tried half an hour apart, and the first that has it is then shortened by bisection.
    """
    most = int(60 * graph.base.planning["session_minutes_most"].value)
    too_short = request.time_budget_seconds
    while too_short < most:
        enough = min(too_short + _HALF_HOUR_SECONDS, most)
        if _brings_in(replace(request, time_budget_seconds=enough), target, graph):
            while enough - too_short > STEP_SECONDS:
                middle = (too_short + enough) // (2 * STEP_SECONDS) * STEP_SECONDS
                if _brings_in(replace(request, time_budget_seconds=middle), target, graph):
                    enough = middle
                else:
                    too_short = middle
            yield Change(kind=ChangeKind.TIME_BUDGET, time_budget_seconds=enough)
            return
        too_short = enough


def _instead(content: PlanContent, target: Target, graph: KnowledgeGraph, most: int) -> Iterator[Change]:
    """Yields the first group of what is done now whose exclusion makes room: one, else two, of those that are tried.

    Nothing that a person demands is offered.
    """
    request = request_of(content)
    demanded = {(one.muscle, one.side) for one in request.constraints.demanded}
    offered: dict[Target, None] = {}
    for step in content.steps:
        if step.phase in _TAKES_ROOM and step.side and (step.muscle, step.side) not in demanded:
            own = (step.muscle, step.side) == (target.muscle, target.side)
            offered[Target(muscle=step.muscle, side=step.side, technique=step.technique if own else "")] = None
    groups = chain.from_iterable(combinations(offered, count) for count in range(1, most + 1))
    for group in islice(groups, _MOST_GROUPS):
        excluded = (*request.constraints.excluded, *group)
        tried = replace(request, constraints=replace(request.constraints, excluded=excluded))
        if not any(_takes_out(one, target) for one in group) and _brings_in(tried, target, graph):
            yield Change(kind=ChangeKind.EXCLUSIONS, targets=group)
            return


def _brings_in(request: PlanRequest, target: Target, graph: KnowledgeGraph) -> bool:
    """Whether the plan that this request gives has it and is one that the checker accepts."""
    try:
        content = outline(request, graph)
    except (DemandUnsafe, EditNeedsOverride):
        return False
    return has(content, target) and not check(content, graph.base)
