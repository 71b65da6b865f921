"""What to do with minutes that no muscle needs: longer warm-up, joining strokes and rest, as far as the data allow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import pairwise

from services.planner.domain.plan import Phase
from services.planner.domain.problem import Companion, Problem, Solution
from services.planner.domain.sides import OFF_THE_TABLE
from services.planner.formulate.doses import half_minutes
from services.planner.formulate.formulation import Formulation, tested_in
from services.planner.graph.index import KnowledgeGraph
from services.planner.screen.limits import Limits

# What grows with minutes that neither a muscle nor a check needs, in this order.
_GROWING = (Phase.INTEGRATE, Phase.WARM_UP, Phase.CLOSE, Phase.ARRIVAL)


def shared_steps(
    formulation: Formulation,
    solution: Solution,
    limits: Limits,
    graph: KnowledgeGraph,
    before: Mapping[str, Companion] | None = None,
) -> dict[str, Companion]:
    """Returns every shared step by id, at the length that it has in the session, and the key motion of the arrival.

    `before` holds the shared steps of the plan before, if there is one: they get their length back as far as there is
    time, and nothing else grows. Otherwise free minutes are used.

    A heuristic, named as such: one dose level at a time, in the order of the session, never more load on the tissue.
    Warm-ups grow as far as their share of the session; with the minutes that the planned checks may not need, too,
    everything grows as far as the doses of its technique go.
    """
    problem = formulation.problem
    shared = {**problem.companions, **{companion.id: companion for companion in problem.frame}}
    shared |= _arrivals(formulation, solution, limits, graph)
    placed = [shared[p.id] for p in solution.placements if p.id in shared]
    if before is not None:
        return _as_before(problem, solution, shared, before)
    warm_ups = [companion.id for companion in placed if companion.phase is Phase.WARM_UP]
    growing = [companion.id for phase in _GROWING for companion in placed if companion.phase is phase]
    share = int(graph.numbers.warm_up_share * problem.half_minutes)
    kept = checked_only(problem, solution) * half_minutes(60 * graph.numbers.minutes_per_muscle_usual)

    def within_share() -> int:
        free = problem.half_minutes - used_half_minutes(problem, solution, shared)
        return min(free, share - sum(shared[identifier].half_minutes for identifier in warm_ups))

    def beside_checks() -> int:
        return problem.half_minutes - used_half_minutes(problem, solution, shared) - kept

    _grow(shared, warm_ups, within_share, graph)
    _grow(shared, growing, beside_checks, graph)
    return shared


def _as_before(
    problem: Problem, solution: Solution, shared: dict[str, Companion], before: Mapping[str, Companion]
) -> dict[str, Companion]:
    for placement in solution.placements:
        grown = before.get(placement.id)
        room = problem.half_minutes - used_half_minutes(problem, solution, shared)
        if grown and 0 < grown.half_minutes - shared[placement.id].half_minutes <= room:
            longer = replace(shared[placement.id], level=grown.level, half_minutes=grown.half_minutes)
            shared[placement.id] = longer
    return shared


def checked_only(problem: Problem, solution: Solution) -> int:
    """Returns how many muscles the session checks without treating them."""
    done: dict[str, set[Phase]] = {}
    for placement in solution.placements:
        if placement.id in problem.tasks:
            task = problem.tasks[placement.id]
            done.setdefault(task.package, set()).add(task.phase)
    return sum(phases == {Phase.CONFIRM} for phases in done.values())


def _grow(shared: dict[str, Companion], steps: Iterable[str], room: Callable[[], int], graph: KnowledgeGraph) -> None:
    """Lengthens these steps in turn, each by one dose level, until nothing fits any more."""
    steps = tuple(steps)
    while True:
        longer = next((one for one in (_longer(shared[step], room(), graph) for step in steps) if one), None)
        if longer is None:
            return
        shared[longer.id] = longer


def _arrivals(
    formulation: Formulation, solution: Solution, limits: Limits, graph: KnowledgeGraph
) -> dict[str, Companion]:
    """Returns the arrival with the first key motion that can be measured upright or where the session begins."""
    problem = formulation.problem
    first = solution.placements[0].position if solution.placements else ""
    open_positions = {first, *OFF_THE_TABLE}
    possible = (
        (motion, side)
        for motion, side in formulation.key_motions
        if (tested := tested_in(motion, limits, graph)) is None or open_positions & set(tested)
    )
    motion, side = next(possible, ("", None))
    return {
        companion.id: replace(companion, motion=motion, side=side)
        for companion in problem.frame
        if companion.phase is Phase.ARRIVAL
    }


def used_half_minutes(problem: Problem, solution: Solution, shared: Mapping[str, Companion]) -> int:
    """Returns how long a solution takes, turns included [half minutes]."""
    work = sum(
        shared[p.id].half_minutes if p.option is None else problem.tasks[p.id].options[p.option].half_minutes
        for p in solution.placements
    )
    positions = [placement.position for placement in solution.placements]
    return work + sum(problem.position_changes[pair] for pair in pairwise(positions) if pair[0] != pair[1])


def _longer(companion: Companion, room: int, graph: KnowledgeGraph) -> Companion | None:
    """Returns the step at its next longer dose, if there is one and it fits."""
    doses = sorted(graph.base.techniques[companion.technique].doses, key=lambda dose: dose.seconds)
    for dose in doses:
        longer = half_minutes(dose.seconds) - companion.half_minutes
        if companion.phase is Phase.WARM_UP and dose.seconds > graph.numbers.warm_up_seconds_most:
            continue
        if 0 < longer <= room and dose.tissue_load <= companion.tissue_load:
            return replace(companion, level=dose.level, half_minutes=companion.half_minutes + longer)
    return None
