"""Compares what a person would do with the planner's proposal and with what a licensed person approved.

The planner is not the answer key: the comparison says what differs and what each side rests on, not who is right. The
one thing it decides is safety, by the same rules that bind every plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from services.planner.domain.constraints import Constraints, Target
from services.planner.domain.plan import Phase, PlanContent
from services.planner.domain.prediction import Count, Prediction
from services.planner.domain.reasons import Reason
from services.planner.domain.sides import Side
from services.planner.domain.snapshot import Snapshot
from services.planner.explain.compare import omission_of
from services.planner.graph.index import KnowledgeGraph
from services.planner.screen.limits import Limits
from services.planner.screen.rules import Screening, screen
from services.planner.walk.lines import Spot

_TREATMENT = {Phase.RELEASE, Phase.LENGTHEN}


class RowVerdict(StrEnum):
    """What a row says. MISSED: the planner, or only the supervisor, treats it and the person does not."""

    AGREED = "agreed"
    MISSED = "missed"
    ADDED = "added"
    UNSAFE = "unsafe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One muscle on one side in the three plans; a plan that does not treat it names no technique."""

    muscle: str
    side: Side
    predicted: bool
    proposed: bool
    approved: bool
    predicted_techniques: tuple[str, ...]
    proposed_techniques: tuple[str, ...]
    approved_techniques: tuple[str, ...]
    verdict: RowVerdict
    reasons: tuple[Reason, ...]
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsafe:
    """Why one predicted target is forbidden."""

    reason: Reason
    message: str


def compare(
    prediction: Prediction, proposal: PlanContent, approved: PlanContent | None, graph: KnowledgeGraph
) -> tuple[Row, ...]:
    """Returns one row for each muscle: the agreed, the missed, then what only the person treats."""
    predicted = _by_spot((one.target.muscle, one.target.side, one.target.technique) for one in prediction.steps)
    proposed, released = _treated(proposal), _treated(approved) if approved else {}
    rows = [
        _row(spot, predicted, proposed, released, proposal, prediction, graph)
        for spot in dict.fromkeys((*predicted, *proposed, *released))
    ]
    order = [RowVerdict.AGREED, RowVerdict.MISSED, RowVerdict.ADDED, RowVerdict.UNSAFE]
    return tuple(sorted(rows, key=lambda row: (order.index(row.verdict), not row.proposed)))


def count(rows: Iterable[Row], prediction: Prediction, graph: KnowledgeGraph, now_micros: int) -> Count:
    """Returns how a comparison came out; `now_micros` is when, in microseconds since the epoch."""
    rows = tuple(rows)
    return Count(
        agreed=sum(row.predicted and row.proposed for row in rows),
        missed=sum(row.proposed and not row.predicted for row in rows),
        added=sum(row.predicted and not row.proposed for row in rows),
        unsafe=sum(forbidden(one.target, prediction.snapshot, graph) is not None for one in prediction.steps),
        time_micros=now_micros,
    )


def forbidden(target: Target, snapshot: Snapshot, graph: KnowledgeGraph) -> Unsafe | None:
    """Returns the rule of safety or the missing consent that forbids a target; None: nothing does."""
    screening = screen(snapshot.health_flags, graph.base, snapshot.age_years)
    if not screening.disposition.hands_on:
        return _no_session(screening)
    limits = Limits(graph=graph, screening=screening, preferences=snapshot.preferences, constraints=Constraints())
    muscle = graph.base.muscles[target.muscle]
    cuts = [*limits.muscle_cuts(muscle, target.side)]
    if target.technique:
        technique = graph.base.techniques[target.technique]
        cuts += limits.technique_cuts(technique, muscle.region, muscle.id, target.side)
    cut = next((cut for cut in cuts if cut.safety), None)
    return Unsafe(reason=cut.reason, message=cut.message) if cut else None


def _no_session(screening: Screening) -> Unsafe:
    """A session that may not be makes every hand on the client unsafe; the rule is the first that says so."""
    found = next(one for one in screening.rules if one.rule.scope.value in {"absolute", "refer"})
    return Unsafe(reason=Reason(rule=found.rule.id, findings=found.findings), message=found.rule.message)


def _row(
    spot: Spot,
    predicted: dict[Spot, tuple[str, ...]],
    proposed: dict[Spot, tuple[str, ...]],
    released: dict[Spot, tuple[str, ...]],
    proposal: PlanContent,
    prediction: Prediction,
    graph: KnowledgeGraph,
) -> Row:
    targets = [one.target for one in prediction.steps if Spot(one.target.muscle, one.target.side) == spot]
    unsafe = next(
        (found for target in targets if (found := forbidden(target, prediction.snapshot, graph)) is not None), None
    )
    candidate = next((one for one in proposal.candidates if Spot(one.muscle, one.side) == spot), None)
    reasons = candidate.reasons if candidate else ()
    if unsafe:
        verdict, reasons, message = RowVerdict.UNSAFE, (unsafe.reason,), unsafe.message
    elif spot in predicted and spot in proposed:
        verdict, message = RowVerdict.AGREED, "The planner treats it too."
    elif spot in proposed:
        verdict, message = RowVerdict.MISSED, "Only the planner treats it. Which finding would lead there?"
    elif spot not in predicted:
        verdict = RowVerdict.MISSED
        message = "Only the person who approved the plan treats it. Which finding would lead there?"
    else:
        omission = omission_of(spot.muscle, spot.side, "", proposal)
        verdict = RowVerdict.ADDED
        message = f"The planner leaves it out: {omission.message}" if omission else "No finding led the planner there."
        reasons = omission.reasons if omission else reasons
    return Row(
        muscle=spot.muscle,
        side=spot.side,
        predicted=spot in predicted,
        proposed=spot in proposed,
        approved=spot in released,
        predicted_techniques=predicted.get(spot, ()),
        proposed_techniques=proposed.get(spot, ()),
        approved_techniques=released.get(spot, ()),
        verdict=verdict,
        reasons=reasons,
        message=message,
    )


def _treated(content: PlanContent) -> dict[Spot, tuple[str, ...]]:
    return _by_spot(
        (step.muscle, step.side, step.technique)
        for step in content.steps
        if step.phase in _TREATMENT and step.side is not None
    )


def _by_spot(work: Iterable[tuple[str, Side | None, str]]) -> dict[Spot, tuple[str, ...]]:
    return dict(_collected(work))


def _collected(work: Iterable[tuple[str, Side | None, str]]) -> Iterator[tuple[Spot, tuple[str, ...]]]:
    found: dict[Spot, dict[str, None]] = {}
    for muscle, side, technique in work:
        if side is not None:
            techniques = found.setdefault(Spot(muscle, side), {})
            techniques |= {technique: None} if technique else {}
    for spot, techniques in found.items():
        yield spot, tuple(techniques)
