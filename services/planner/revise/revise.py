"""Revises a plan: applies the edits, plans again with as little change as possible, checks, and says what changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from services.planner.check import check
from services.planner.domain.constraints import Constraints, Override
from services.planner.domain.edits import Edit, EditKind
from services.planner.domain.errors import DemandUnsafe, EditNeedsOverride, EditsConflict, EditUnsafe, PlanBroken
from services.planner.domain.plan import Conflict, PlanContent
from services.planner.explain.changes import sentences
from services.planner.graph.index import KnowledgeGraph
from services.planner.revise.editing import Edited, applied
from services.planner.session.conflicts import conflicts, unmet
from services.planner.session.propose import PlanRequest, propose

_DEMANDING = {EditKind.PIN, EditKind.INCLUDE}
_NOT_TODAY = "The health flags allow no hands-on work today."


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """Who edits and when (microseconds since the epoch); overrides are kept with it."""

    person: str
    display_name: str
    time_micros: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Revised:
    """The edited plan, and what changed, one sentence each."""

    content: PlanContent
    sentences: tuple[str, ...]


def revise(content: PlanContent, edits: Sequence[Edit], graph: KnowledgeGraph, *, stamped: Stamp) -> Revised:
    """Returns the plan after the edits; all of them are made or none.

    The snapshot of `content` is planned from, so a plan is rebased by giving it another one. Raises EditInvalid,
    EditUnsafe, EditNeedsOverride and EditsConflict, and PlanBroken if the checker finds the result to be wrong.
    """
    edited = applied(content, edits, graph)
    request = _request(content, edited)
    made = _made(request, edits, graph, stamped)
    if edited.refit:
        anew = _made(replace(request, kept=()), edits, graph, stamped)
        if _is_better(anew, made, graph):
            made = anew
    if not made.disposition.hands_on and any(edit.kind in _DEMANDING for edit in edits):
        raise EditUnsafe((_NOT_TODAY,), rule=next((caution.rule for caution in made.cautions), ""))
    _refuse_conflicts(content, made, edited, graph)
    findings = check(made, graph.base)
    if findings:
        raise PlanBroken(tuple(map(str, findings)))
    return Revised(content=made, sentences=sentences(content, made, graph))


def _request(content: PlanContent, edited: Edited) -> PlanRequest:
    return PlanRequest(
        assessment=content.assessment,
        assessment_etag=content.assessment_etag,
        snapshot=content.snapshot,
        constraints=edited.constraints,
        time_budget_seconds=edited.time_budget_seconds,
        kept=edited.kept,
    )


def _made(request: PlanRequest, edits: Sequence[Edit], graph: KnowledgeGraph, stamped: Stamp) -> PlanContent:
    """Returns the plan, with the overrides that the edits bring for the preferences that they go against."""
    while True:
        try:
            return propose(request, graph)
        except DemandUnsafe as refused:
            raise EditUnsafe(refused.sentences, rule=refused.rule) from refused
        except EditNeedsOverride as needed:
            override = next(_overrides(needed, edits, request.constraints, stamped), None)
            if override is None:
                raise
            overrides = (*request.constraints.overrides, override)
            request = replace(request, constraints=replace(request.constraints, overrides=overrides))


def _overrides(
    needed: EditNeedsOverride, edits: Sequence[Edit], constraints: Constraints, stamped: Stamp
) -> Iterator[Override]:
    """Yields what the edits bring for a rule, first of those that are about one of the two muscles.

    An override holds for the muscle that was moved; where the rule is about others, for the one that should come first;
    and for the whole plan where the edit is about no step.
    """
    for own in (True, False):
        for edit in edits:
            if edit.override is None or edit.override.rule not in {"", needed.rule}:
                continue
            moved = tuple(one for one in needed.targets if f"-{one.muscle}-{one.side}-" in edit.step)
            if bool(moved) is not own:
                continue
            override = replace(
                edit.override,
                rule=needed.rule,
                targets=moved or (needed.targets[:1] if edit.step else ()),
                person=stamped.person,
                display_name=stamped.display_name,
                time_micros=stamped.time_micros,
            )
            if override not in constraints.overrides:
                yield override


def _is_better(anew: PlanContent, kept: PlanContent, graph: KnowledgeGraph) -> bool:
    """Whether a plan made anew meets more demands, or as many with more benefit; else as little as possible changes."""
    fewer = len(unmet(kept, graph)) - len(unmet(anew, graph))
    return fewer > 0 or (fewer == 0 and anew.optimality.objective > kept.optimality.objective)


def _refuse_conflicts(before: PlanContent, made: PlanContent, edited: Edited, graph: KnowledgeGraph) -> None:
    """Raises EditsConflict if a demand is not met that was met before or that is new."""
    if not made.disposition.hands_on:
        return
    old = {demand.sentence for demand in unmet(before, graph)}
    new = [demand.sentence for demand in unmet(made, graph) if demand.sentence not in old]
    found: list[Conflict] = [one for one in made.conflicts if set(new) & set(one.demands)]
    there = {(step.muscle, step.side, step.technique) for step in made.steps}
    lost = [one for one in edited.next_to if (one.muscle, one.side, one.technique) not in there]
    if lost and not new:
        # Nothing can stand before or after a step that is gone.
        demanded = replace(made.constraints, pinned=(*made.constraints.pinned, *lost))
        found = list(conflicts(replace(made, constraints=demanded), graph))
    if new or lost:
        told = found or [Conflict(demands=tuple(new), loosenings=())]
        raise EditsConflict(tuple(told))
