"""What comes before what, between muscles and inside one: each rule is one function with one sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from knowledge.model import Handling
from services.planner.domain.plan import Phase
from services.planner.domain.problem import Task
from services.planner.domain.sides import Side, muscle_sides
from services.planner.graph.index import KnowledgeGraph
from services.planner.walk.lines import Spot


@dataclass(frozen=True, slots=True, kw_only=True)
class Treated:
    """The muscles that may be treated, by spot; `positive` are those where the hands found something."""

    tasks: Mapping[Spot, tuple[Task, ...]]
    positive: frozenset[Spot]
    graph: KnowledgeGraph


def key_before_satellite(treated: Treated) -> Iterator[tuple[Spot, Spot]]:
    """A positive key muscle is treated before the satellites that it keeps alive."""
    for spot in treated.tasks:
        for edge in treated.graph.keys_of.get(spot.muscle, ()):
            paired = treated.graph.base.muscles[edge.key].paired
            for side in muscle_sides(spot.side, edge.side, paired=paired):
                key = Spot(edge.key, side)
                if key in treated.tasks and key in treated.positive:
                    yield key, spot


def superficial_before_deep(treated: Treated) -> Iterator[tuple[Spot, Spot]]:
    """A muscle that lies over another is softened before the deeper one is worked."""
    for spot in treated.tasks:
        for edge in treated.graph.deeper_than.get(spot.muscle, ()):
            paired = treated.graph.base.muscles[edge.deeper].paired
            sides: tuple[Side, ...] = (spot.side,) if paired else (Side.MIDLINE,)
            if paired and spot.side is Side.MIDLINE:
                sides = (Side.LEFT, Side.RIGHT)
            for side in sides:
                deeper = Spot(edge.deeper, side)
                if deeper in treated.tasks:
                    yield spot, deeper


def outside_before_inside_the_mouth(treated: Treated) -> Iterator[tuple[Spot, Spot]]:
    """First come muscles worked from outside only, then those worked on both sides of the cheek, then inner ones."""
    muscles = treated.graph.base.muscles
    depth = {spot: _depth_in_the_mouth(spot, treated) for spot in treated.tasks}
    for spot in treated.tasks:
        for other in treated.tasks:
            if depth[spot] < depth[other] and muscles[spot.muscle].region == muscles[other.muscle].region:
                yield spot, other


def _depth_in_the_mouth(spot: Spot, treated: Treated) -> int:
    if treated.graph.base.muscles[spot.muscle].handling is Handling.INTRAORAL:
        return 2
    techniques = {task.technique for task in treated.tasks[spot]}
    return int(not techniques.isdisjoint(treated.graph.intraoral_techniques))


# In the order of their strength: where two would go in a circle, the earlier one stands.
RULES: tuple[Callable[[Treated], Iterator[tuple[Spot, Spot]]], ...] = (
    outside_before_inside_the_mouth,
    key_before_satellite,
    superficial_before_deep,
)


def before(treated: Treated, rank: Mapping[Spot, int]) -> frozenset[tuple[str, str]]:
    """Returns the pairs of task ids of which the first goes first, without a cycle.

    Inside a muscle the two rules below hold, between muscles the rules above; of two rules that
    contradict each other the stronger holds, of two pairs of one rule the one that starts at the likelier muscle.
    """
    pairs: set[tuple[str, str]] = set()
    for tasks in treated.tasks.values():
        pairs |= check_release_lengthen_move(tasks) | outside_before_inside_of_one_muscle(tasks)
    followers: dict[Spot, set[Spot]] = {}
    for rule in RULES:
        # A check may come early whatever it leads to; only the mouth is entered last even for a check.
        checks_too = rule is outside_before_inside_the_mouth
        for first, then in sorted(set(rule(treated)), key=lambda pair: (rank[pair[0]], rank[pair[1]])):
            if first != then and not _reaches(followers, then, first):
                followers.setdefault(first, set()).add(then)
                pairs |= {
                    (one.id, other.id)
                    for one in not_waiting_for_another_position(treated.tasks[first])
                    for other in treated.tasks[then]
                    if checks_too or Phase.CONFIRM not in {one.phase, other.phase}
                }
    return frozenset(pairs)


def not_waiting_for_another_position(tasks: Sequence[Task]) -> Iterator[Task]:
    """A lengthening that waits for another position than the release does not keep the next muscle waiting."""
    reached = {position for task in tasks if task.phase is Phase.RELEASE for position, _ in task.positions}
    for task in tasks:
        if task.phase in {Phase.CONFIRM, Phase.RELEASE} or reached <= {position for position, _ in task.positions}:
            yield task


_STAGES = {phase: stage for stage, phase in enumerate((Phase.CONFIRM, Phase.RELEASE, Phase.LENGTHEN, Phase.INTEGRATE))}


def check_release_lengthen_move(tasks: Sequence[Task]) -> set[tuple[str, str]]:
    """A muscle is checked, then released, then lengthened, then moved through its full range."""
    return {(one.id, other.id) for one in tasks for other in tasks if _STAGES[one.phase] < _STAGES[other.phase]}


def outside_before_inside_of_one_muscle(tasks: Iterable[Task]) -> set[tuple[str, str]]:
    """A release inside the mouth comes after the one from outside that it needs."""
    return {(one, task.id) for task in tasks for group in task.needs for one in group}


def _reaches(followers: Mapping[Spot, set[Spot]], start: Spot, end: Spot) -> bool:
    seen, waiting = {start}, [start]
    while waiting:
        here = waiting.pop()
        if here == end:
            return True
        for following in followers.get(here, ()):
            if following not in seen:
                seen.add(following)
                waiting.append(following)
    return False
