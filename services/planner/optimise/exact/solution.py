"""From a selection to a solution, and back: every step in its place, and what was left out."""

from __future__ import annotations

from collections.abc import Iterator

from services.planner.domain.problem import Cap, LeftOut, Solution, Variant
from services.planner.optimise.arrange import Arranger
from services.planner.optimise.exact.search import Outcome
from services.planner.optimise.exact.selection import Selection, broken_cap, selected
from services.planner.optimise.exact.tables import TIME, Pick, Tables
from services.planner.optimise.settle import settle


def solution_of(tables: Tables, arranger: Arranger, outcome: Outcome) -> Solution:
    """Returns the solution with its bound: no plan with as many demanded packages is worth more than that."""
    best = outcome.best
    chosen = {package.id: (package, variant) for pick in best.picks for package, variant in pick.parts}
    demanded = sum(package.demanded for package, _ in chosen.values())
    possible = sum(max(variant.benefit for variant in package.variants) for package in tables.packages)
    bound = -(-outcome.bound // tables.turn_weight) - demanded * tables.demand_weight
    options = dict(option for _, variant in chosen.values() for option in variant.choices)
    placements, unplaced = settle(tables.problem, arranger, options)
    return Solution(
        placements=placements,
        unplaced=unplaced,
        left_out=tuple(_left_out(tables, best)),
        objective=sum(variant.benefit for _, variant in chosen.values()),
        upper_bound=min(bound, possible),
        proven=outcome.proven,
    )


def selection_of(tables: Tables, solution: Solution) -> Selection | None:
    """Returns the selection behind the placements of another solver, or None if it breaks this problem."""
    placed = {(place.id, place.option) for place in solution.placements if place.option is not None}
    picks: list[Pick] = []
    for stage in tables.stages:
        ours = {choice for choice in placed if choice[0] in stage.tasks}
        if ours:
            pick = next((p for p in stage.picks if {c for _, v in p.parts for c in v.choices} == ours), None)
            if pick is None:
                return None
            picks.append(pick)
    return selected(tables, picks)


def _left_out(tables: Tables, best: Selection) -> Iterator[LeftOut]:
    """Yields what was not chosen: the least half minutes that it would add, and the cap that it would break."""
    problem = tables.problem
    parts = [part for pick in best.picks for part in pick.parts]
    chosen = {package.id for package, _ in parts}
    tasks = [task for pick in best.picks for task in pick.tasks]
    holding = tables.holding(tasks)
    linked = {task for pair in problem.before if not set(pair).isdisjoint(tasks) for task in pair}
    brought = {name for _, variant in parts for name in variant.companions}
    before = tables.sequences.turning(best.sequences) if parts else -problem.frame_half_minutes
    used = problem.frame_half_minutes + tables.asked(parts)[TIME] + before if parts else 0
    for package in tables.packages:
        if package.id in chosen:
            continue
        ways: list[tuple[int, int, bool, Variant]] = []
        for variant in package.variants:
            own = [task for task, _ in variant.choices]
            alone = holding & tables.holding(own)
            sequences = alone if linked.isdisjoint(own) else tables.holding((*tasks, *own))
            if sequences:
                shared = sum(problem.companions[c].half_minutes for c in variant.companions if c not in brought)
                turning = tables.sequences.turning(sequences) - before
                idle = tables.turns_for_checks((*tasks, *own), sequences)
                ways.append((variant.half_minutes + shared + turning, -variant.benefit, idle, variant))
        if ways:
            half_minutes, _, idle, variant = min(ways, key=lambda way: way[:2])
            # Time is the first thing that is missing; a cap is what forbids a package that there is time for.
            in_time = used + half_minutes <= problem.half_minutes
            cap = broken_cap(tables, [*parts, (package, variant)]) or (Cap.TURNS if idle else None) if in_time else None
        else:
            half_minutes, cap = min(variant.half_minutes for variant in package.variants), Cap.TURNS
        yield LeftOut(package=package.id, half_minutes=half_minutes, cap=cap)
