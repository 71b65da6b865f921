"""From a selection to a solution, and back: the steps in order with their positions, and what was left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from services.planner.domain.plan import Phase
from services.planner.domain.problem import Cap, Companion, LeftOut, Package, Placement, Solution, Variant
from services.planner.optimise.arrange import Arranger
from services.planner.optimise.exact.programme import Selection
from services.planner.optimise.exact.search import Outcome
from services.planner.optimise.exact.tables import HANDS, MUSCLES, REGION, TIME, TISSUE, Pick, Tables

Chosen = Mapping[str, tuple[Package, Variant]]


def solution_of(tables: Tables, arranger: Arranger, outcome: Outcome) -> Solution:
    """Returns the solution with its bound: no plan with as many demanded packages is worth more than that."""
    best = outcome.best
    chosen = {package.id: (package, variant) for pick in best.picks for package, variant in pick.parts}
    demanded = sum(package.demanded for package, _ in chosen.values())
    possible = sum(max(variant.benefit for variant in package.variants) for package in tables.packages)
    bound = -(-outcome.bound // tables.turn_weight) - demanded * tables.demand_weight
    return Solution(
        placements=_placements(tables, arranger, best, chosen),
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


def selected(tables: Tables, picks: Iterable[Pick]) -> Selection | None:
    """Returns a selection with its score, or None if it breaks the time, a cap or the order."""
    picks = tuple(picks)
    parts = [part for pick in picks for part in pick.parts]
    sequences = tables.holding(task for pick in picks for task in pick.tasks)
    sequences &= tables.sequences.affordable(tables.asked(parts)[TIME])
    if not sequences or _broken(tables, parts):
        return None
    score = sum(pick.worth for pick in picks) - tables.sequences.cheapest(sequences)[1]
    return Selection(score, picks, sequences)


def _placements(tables: Tables, arranger: Arranger, best: Selection, chosen: Chosen) -> tuple[Placement, ...]:
    if not chosen:
        return ()
    choice = arranger.choice(task for pick in best.picks for task in pick.tasks)
    sequence = arranger.cheapest(choice, tables.sequences.with_fewest_turns(best.sequences))
    if sequence is None:
        raise AssertionError("The sequences of a selection hold it.")
    options = dict(option for _, variant in chosen.values() for option in variant.choices)
    steps = arranger.placements(choice, sequence, options)
    brought = {name for _, variant in chosen.values() for name in variant.companions}
    ending = [c for c in tables.problem.companions.values() if c.id in brought and c.phase is not Phase.WARM_UP]
    ending.sort(key=lambda companion: companion.phase is Phase.INTEGRATE)
    ending += [c for c in tables.problem.frame if c.phase is not Phase.ARRIVAL]
    opening = [c for c in tables.problem.frame if c.phase is Phase.ARRIVAL]
    return (
        *_at(sequence.positions[0], opening),
        *steps,
        *_at(sequence.positions[-1], ending),
    )


def _at(position: str, companions: Iterable[Companion]) -> Iterable[Placement]:
    return (Placement(id=companion.id, option=None, position=position) for companion in companions)


def _left_out(tables: Tables, best: Selection) -> Iterator[LeftOut]:
    """Yields what was not chosen: the least half minutes that it would add, and the cap that it would break."""
    problem = tables.problem
    parts = [part for pick in best.picks for part in pick.parts]
    chosen = {package.id for package, _ in parts}
    tasks = [task for pick in best.picks for task in pick.tasks]
    holding = tables.holding(tasks)
    linked = {task for pair in problem.before if not set(pair).isdisjoint(tasks) for task in pair}
    brought = {name for _, variant in parts for name in variant.companions}
    before = tables.sequences.cheapest(best.sequences)[0] if parts else -problem.frame_half_minutes
    used = problem.frame_half_minutes + tables.asked(parts)[TIME] + before if parts else 0
    for package in tables.packages:
        if package.id in chosen:
            continue
        ways: list[tuple[int, int, Variant]] = []
        for variant in package.variants:
            own = [task for task, _ in variant.choices]
            alone = holding & tables.holding(own)
            sequences = alone if linked.isdisjoint(own) else tables.holding((*tasks, *own))
            if sequences:
                shared = sum(problem.companions[c].half_minutes for c in variant.companions if c not in brought)
                turning = tables.sequences.cheapest(sequences)[0] - before
                ways.append((variant.half_minutes + shared + turning, -variant.benefit, variant))
        if ways:
            half_minutes, _, variant = min(ways, key=lambda way: way[:2])
            # Time is the first thing that is missing; a cap is what forbids a package that there is time for.
            in_time = used + half_minutes <= problem.half_minutes
            cap = _broken(tables, [*parts, (package, variant)]) if in_time else None
        else:
            half_minutes, cap = min(variant.half_minutes for variant in package.variants), Cap.TURNS
        yield LeftOut(package=package.id, half_minutes=half_minutes, cap=cap)


def _broken(tables: Tables, parts: Iterable[tuple[Package, Variant]]) -> Cap | None:
    """Returns the first cap that these packages break; demanded ones may exceed the limit on muscles by themselves."""
    parts = tuple(parts)
    over = {name for name, amount in tables.asked(parts).items() if amount > tables.limits[name]}
    if MUSCLES in over and any(package.counts and not package.demanded for package, _ in parts):
        return Cap.MUSCLES
    if over & {TISSUE, *(name for name in over if name.startswith(REGION))}:
        return Cap.TISSUE_LOAD
    return Cap.HAND_LOAD if over & set(HANDS) else None
