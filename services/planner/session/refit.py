"""Re-fits the rest of a running session: minutes were lost, or a position is not possible any more.

What is done stays. Of the rest, approved steps may be left out, shortened down to the shortest dose of their
technique, moved to another position that reaches them, or put in another order; nothing is ever added, lengthened or
pressed harder than approved. The order rules that the approved plan keeps still hold; work brings its warm-up, its
re-test and the joining strokes with it; the close is kept as long as there is time for anything. Most benefit is kept,
and of equals the least is changed: if the approved order and positions still fit, they stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise

from services.planner.domain.plan import Candidate, Phase, PlanContent, Step
from services.planner.domain.problem import HALF_MINUTE_SECONDS
from services.planner.domain.reasons import PathEdge, Reason, Rule
from services.planner.domain.session import SessionStep, StepStatus
from services.planner.graph.index import KnowledgeGraph
from services.planner.session.remainder import Remainder, remainder
from services.planner.session.search import Choice, Positions, blocks, choose, sequences
from services.planner.session.steps import limb_placement, movement_words
from services.planner.session.words import capital, minutes

# What gets minutes back that no work needs, in this order.
_REGROWN = (Phase.CLOSE, Phase.RETEST, Phase.INTEGRATE, Phase.WARM_UP, Phase.ARRIVAL)
_OVER = (StepStatus.DONE, StepStatus.SKIPPED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refit:
    """The session after a re-fit, and what changed, one sentence each."""

    steps: tuple[SessionStep, ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Placed:
    """A step in its place: `length` is the place among its lengths."""

    step: str
    length: int
    position: str


def refit(
    approved: PlanContent,
    session: Sequence[SessionStep],
    *,
    elapsed_seconds: int,
    lost_seconds: int,
    unavailable_positions: Iterable[str],
    graph: KnowledgeGraph,
) -> Refit:
    """Returns the session re-fitted.

    `elapsed_seconds` [s] count from its start; `lost_seconds` [s] and `unavailable_positions` are those of all re-fits
    so far together.
    """
    left = max(0, approved.time_budget_seconds - lost_seconds - elapsed_seconds)
    rest = remainder(approved, session, left, unavailable_positions, graph)
    chosen = choose(rest)
    placed = _arranged(rest, chosen) if chosen else ()
    known = {one.step.id: one for one in session}
    over = [one for one in session if one.status in _OVER]
    to_come = _timed(_steps(placed, rest, approved, known), elapsed_seconds)
    kept = {one.step.id for one in (*over, *to_come)}
    dropped = [
        replace(one, status=StepStatus.DROPPED)
        for one in session
        if one.step.id not in kept and one.step.phase is not Phase.TURN
    ]
    return Refit(
        steps=(*over, *to_come, *dropped),
        sentences=tuple(_sentences(session, to_come, dropped, rest)) or ("Nothing changes.",),
    )


# --- places -------------------------------------------------------------------------------------------------------


def _arranged(rest: Remainder, choice: Choice) -> tuple[_Placed, ...]:
    """Returns the chosen steps in their places: as approved if that still fits, else with the least that is moved."""
    ids = sorted((*choice.work, *choice.shared), key=lambda one: rest.items[one].place)
    as_approved = [(step, rest.items[step].step.position) for step in ids]
    if _possible(as_approved, rest) and _seconds(as_approved, choice, rest) <= rest.seconds:
        return _regrown(as_approved, choice, rest)
    best: list[tuple[str, str]] | None = None
    best_key: tuple[int, ...] = ()
    for sequence in sequences(rest):
        arranged = _in_sequence(sequence, choice, rest)
        if arranged is None or _seconds(arranged, choice, rest) > rest.seconds:
            continue
        moved = sum(position != rest.items[step].step.position for step, position in arranged)
        turned_round = sum(
            rest.items[one].place > rest.items[other].place for (one, _), (other, _) in combinations(arranged, 2)
        )
        key = (-len(arranged), moved, turned_round, sequence.turning)
        if best is None or key < best_key:
            best, best_key = arranged, key
    if best is None:
        raise AssertionError("Some sequence holds what the search chose.")
    return _regrown(best, choice, rest)


def _possible(placed: Sequence[tuple[str, str]], rest: Remainder) -> bool:
    """Whether every approved position is still possible and the turns are not too many."""
    where = [position for _, position in placed if position]
    turns = sum(one != other for one, other in pairwise([*([rest.here] if rest.here else []), *where]))
    return turns <= rest.turns and all(
        (position in rest.usable and position in (rest.items[step].positions or (position,))) or not position
        for step, position in placed
    )


def _seconds(placed: Sequence[tuple[str, str]], choice: Choice, rest: Remainder) -> int:
    """Returns how long steps take in this order, shared ones at their shortest, turns included [s]."""
    work = sum(rest.items[one].lengths[choice.work.get(one, -1)].seconds for one, _ in placed)
    where = [*([rest.here] if rest.here else []), *(position for _, position in placed if position)]
    return work + sum(rest.turning[one, other] for one, other in pairwise(where) if one != other)


def _in_sequence(sequence: Positions, choice: Choice, rest: Remainder) -> list[tuple[str, str]] | None:
    """Returns the steps in the blocks of a sequence; a re-test that it does not hold is left out.

    Inside a block the approved order stands. None: the sequence cannot hold the work, or has a block for nothing.
    """
    block = blocks(rest, sequence, choice.work)
    if block is None:
        return None
    first = next(place for place, position in enumerate(sequence.order) if position in rest.usable)
    last = len(sequence.order) - 1
    for step in sorted(choice.shared, key=lambda one: rest.items[one].place):
        item = rest.items[step]
        if item.step.phase is Phase.RETEST:
            earliest = max((block[one] for one in rest.works[step] & choice.work.keys()), default=first)
            fitting = [
                place
                for place in range(earliest, last + 1)
                if sequence.order[place] in rest.usable
                and (item.positions is None or sequence.order[place] in item.positions)
            ]
            if fitting:
                block[step] = fitting[-1]
        elif item.step.phase is Phase.WARM_UP:
            cold = [block[one] for one in choice.work if any(step in group for group in rest.items[one].needs)]
            block[step] = min(cold, default=first)
        else:
            block[step] = first if item.step.phase is Phase.ARRIVAL else last
    if any(place not in block.values() and place > first for place in range(len(sequence.order))):
        return None
    ends = {Phase.ARRIVAL: 0, Phase.INTEGRATE: 2, Phase.CLOSE: 3}

    def order(step: str) -> tuple[int, int, int, int]:
        item = rest.items[step]
        stage = ends.get(item.step.phase, 1) if item.spot is None else 1
        retest = int(item.step.phase is Phase.RETEST)
        return (block[step], stage, retest, item.place)

    return [
        (step, "" if rest.items[step].step.phase is Phase.ARRIVAL and not rest.items[step].step.position else where)
        for step, where in ((one, sequence.order[block[one]]) for one in sorted(block, key=order))
    ]


def _regrown(placed: Sequence[tuple[str, str]], choice: Choice, rest: Remainder) -> tuple[_Placed, ...]:
    """Returns the steps, the shared ones as near to their approved length as the time allows."""
    free = rest.seconds - _seconds(placed, choice, rest)
    length = {step: choice.work.get(step, len(rest.items[step].lengths) - 1) for step, _ in placed}
    for phase in _REGROWN:
        for step, _ in placed:
            item = rest.items[step]
            while item.spot is None and item.step.phase is phase and length[step] > 0:
                more = item.lengths[length[step] - 1].seconds - item.lengths[length[step]].seconds
                if more > free:
                    break
                free -= more
                length[step] -= 1
    return tuple(_Placed(step, length[step], position) for step, position in placed)


# --- steps --------------------------------------------------------------------------------------------------------


def _steps(
    placed: Iterable[_Placed], rest: Remainder, approved: PlanContent, known: Mapping[str, SessionStep]
) -> Iterator[SessionStep]:
    """Yields the steps to come, with the turns between them."""
    position = rest.here
    turned: dict[str, int] = {}
    for over in known.values():
        if over.step.phase is Phase.TURN and over.status in _OVER:
            turned[over.step.position] = turned.get(over.step.position, 0) + 1
    approved_turns = {step.id: step for step in approved.steps if step.phase is Phase.TURN}
    for one in placed:
        if one.position and position and one.position != position:
            turned[one.position] = turned.get(one.position, 0) + 1
            turn = _turn(position, one.position, turned[one.position], rest)
            planned = approved_turns.get(turn.id)
            same = planned is not None and planned.duration_seconds == turn.duration_seconds
            yield SessionStep(
                step=planned if planned and same else turn, approved_seconds=planned.duration_seconds if planned else 0
            )
        position = one.position or position
        yield replace(known[one.step], step=_changed(one, rest, approved), status=StepStatus.PENDING)


def _turn(start: str, end: str, count: int, rest: Remainder) -> Step:
    base = rest.graph.base
    source = next(change.source for change in base.position_changes if set(change.between) == {start, end})
    edge = PathEdge(
        start=f"position/{start}", edge="position_change", end=f"position/{end}", weight=None, source=source
    )
    to = base.positions[end]
    return Step(
        id=f"turn-{end}" if count == 1 else f"turn-{end}-{count}",
        phase=Phase.TURN,
        position=end,
        start_seconds=0,
        duration_seconds=rest.turning[start, end],
        instruction=f"Turn the client: {to.names[0]}. Support: {to.bolsters}.",
        reasons=(Reason(rule=Rule.TURN_TO_REACH, path=(edge,)),),
    )


def _changed(placed: _Placed, rest: Remainder, approved: PlanContent) -> Step:
    """Returns the approved step at its new length and position, its words changed only where they have to be."""
    item = rest.items[placed.step]
    step, length = item.step, item.lengths[placed.length]
    words = step.instruction.replace(_minutes(step.duration_seconds), _minutes(length.seconds), 1)
    if placed.position != step.position and step.muscle and step.side:
        muscle = rest.graph.base.muscles[step.muscle]
        candidate = next(
            (one for one in approved.candidates if (one.muscle, one.side) == (step.muscle, step.side)),
            Candidate(muscle=step.muscle, side=step.side, score=0.0, reasons=(), to_confirm=True),
        )
        for before, after in (
            (
                _placement(limb_placement(muscle, step.side, step.position)),
                _placement(limb_placement(muscle, step.side, placed.position)),
            ),
            (
                movement_words(candidate, step.position, approved.snapshot, rest.graph),
                movement_words(candidate, placed.position, approved.snapshot, rest.graph),
            ),
        ):
            if before:
                words = " ".join(words.replace(before, after, 1).split("  "))
    return replace(
        step,
        duration_seconds=length.seconds,
        position=placed.position,
        instruction=words,
        dose=replace(step.dose, level=length.level) if step.dose else None,
    )


def _placement(limb: str) -> str:
    return f"Placement: {limb}." if limb else ""


def _timed(steps: Iterable[SessionStep], start: int) -> tuple[SessionStep, ...]:
    timed = []
    for one in steps:
        timed.append(replace(one, step=replace(one.step, start_seconds=start)))
        start += one.step.duration_seconds
    return tuple(timed)


# --- what changed -------------------------------------------------------------------------------------------------


def _sentences(
    before: Sequence[SessionStep], to_come: Sequence[SessionStep], dropped: Sequence[SessionStep], rest: Remainder
) -> Iterator[str]:
    """Says what is different from the session before the re-fit."""
    graph = rest.graph
    earlier = {one.step.id: one for one in before}
    for one in dropped:
        if earlier[one.step.id].status is StepStatus.PENDING:
            no_room = (
                "there is no time or turn left for it" if one.step.phase is Phase.RETEST else "there is no time for it"
            )
            why = rest.impossible.get(one.step.id, no_room)
            yield f"{_named(one.step, graph)}, {_minutes(one.step.duration_seconds)}: left out; {why}."
    for one in to_come:
        was = earlier.get(one.step.id)
        if was is None:
            yield f"A turn is added: {graph.base.positions[one.step.position].names[0]}."
            continue
        name = _named(one.step, graph)
        if was.status is StepStatus.DROPPED:
            yield f"{name}, {_minutes(one.step.duration_seconds)}: back in."
            continue
        if one.step.duration_seconds != was.step.duration_seconds:
            yield f"{name}: {_minutes(one.step.duration_seconds)} instead of {_minutes(was.step.duration_seconds)}."
        if one.step.position != was.step.position and one.step.phase is not Phase.TURN:
            places = [graph.base.positions[p].names[0] for p in (one.step.position, was.step.position) if p]
            yield f"{name}: now {' instead of '.join(places)}."
    kept = {one.step.id for one in to_come if one.step.phase is not Phase.TURN}
    old = [one.step.id for one in before if one.step.id in kept]
    new = [one.step.id for one in to_come if one.step.id in kept]
    moved = [one for one, other in zip(new, old, strict=True) if one != other]
    if moved:
        names = [_named(one.step, graph) for one in to_come if one.step.id in kept]
        yield f"The order is now: {', '.join(names)}."


def _named(step: Step, graph: KnowledgeGraph) -> str:
    """Names a step: the technique and what it is done to."""
    base = graph.base
    parts = [capital(base.techniques[step.technique].names[0])] if step.technique in base.techniques else []
    if step.muscle:
        parts.append(base.muscles[step.muscle].names[0])
    elif step.motion:
        parts.append(base.motions[step.motion].names[0])
    elif step.region:
        parts.append(base.regions[step.region].names[0])
    side = f" {step.side.name}" if step.side and step.side.name != "MIDLINE" else ""
    return f"{' of '.join(parts) if len(parts) == 1 else ', '.join(parts)}{side}"


def _minutes(seconds: int) -> str:
    return minutes(seconds // HALF_MINUTE_SECONDS)
