"""What to do with minutes that no muscle needs: warm up longer, within the share of the session meant for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

from services.planner.domain.plan import Phase
from services.planner.domain.problem import Companion, Problem, Solution
from services.planner.formulate.doses import half_minutes
from services.planner.graph.index import KnowledgeGraph


def shared_steps(problem: Problem, solution: Solution, graph: KnowledgeGraph) -> dict[str, Companion]:
    """Returns every shared step by id, warm-ups as long as the free minutes and their share of the session allow.

    A heuristic, named as such: one dose level at a time, in the order of the session, never more load on the tissue.
    """
    shared = {**problem.companions, **{companion.id: companion for companion in problem.frame}}
    warm_ups = [p.id for p in solution.placements if p.id in shared and shared[p.id].phase is Phase.WARM_UP]
    free = problem.half_minutes - used_half_minutes(problem, solution, shared)
    share = int(graph.numbers.warm_up_share * problem.half_minutes)
    while True:
        warming = sum(shared[identifier].half_minutes for identifier in warm_ups)
        room = min(free, share - warming)
        longer = next(
            (one for one in (_longer(shared[identifier], room, graph) for identifier in warm_ups) if one), None
        )
        if longer is None:
            return shared
        free -= longer.half_minutes - shared[longer.id].half_minutes
        shared[longer.id] = longer


def used_half_minutes(problem: Problem, solution: Solution, shared: Mapping[str, Companion]) -> int:
    """Returns how long a solution takes, turns included [half minutes]."""
    work = sum(
        shared[p.id].half_minutes if p.option is None else problem.tasks[p.id].options[p.option].half_minutes
        for p in solution.placements
    )
    positions = [placement.position for placement in solution.placements]
    return work + sum(problem.position_changes[pair] for pair in pairwise(positions) if pair[0] != pair[1])


def _longer(companion: Companion, room: int, graph: KnowledgeGraph) -> Companion | None:
    """Returns the warm-up at its next longer dose, if there is one and it fits."""
    most = graph.numbers.warm_up_seconds_most
    doses = sorted(graph.base.techniques[companion.technique].doses, key=lambda dose: dose.seconds)
    for dose in doses:
        longer = half_minutes(dose.seconds) - companion.half_minutes
        if 0 < longer <= room and dose.seconds <= most and dose.tissue_load <= companion.tissue_load:
            return replace(companion, level=dose.level, half_minutes=companion.half_minutes + longer)
    return None
