"""Every selection, every sequence of positions, every way to place the tasks: slow, and plainly right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise, product

from services.planner.domain.problem import Companion, Package, Placement, Problem, Variant

Chosen = Mapping[str, tuple[Package, Variant]]
# Demanded packages, benefit, turning the other way round: more is better.
Score = tuple[int, int, int]


def best_score(problem: Problem) -> Score:
    """Returns the score of the best solution; an empty session is always one."""
    sequences = list(_sequences(problem))
    best: Score = (0, 0, 0)
    known: dict[frozenset[str], int | None] = {}

    def turned_with(chosen: Chosen) -> int | None:
        tasks = frozenset(task for _, variant in chosen.values() for task, _ in variant.choices)
        if tasks not in known:
            holding = [sequence for sequence in sequences if _can_hold(problem, sorted(tasks), sequence, {})]
            known[tasks] = min((turning(problem, sequence) for sequence in holding), default=None)
        return known[tasks]

    for chosen in _selections(problem):
        if not chosen or not within_caps(problem, chosen):
            continue
        turned = turned_with(chosen)
        if turned is None or minutes(problem, chosen) + turned > problem.half_minutes:
            continue
        # A check is worth no turn of its own.
        if turned == turned_with(without_checks(chosen)):
            best = max(best, score(chosen, turned))
    return best


def score(chosen: Chosen, turning: int) -> Score:
    """Returns what orders solutions."""
    return (
        sum(package.demanded for package, _ in chosen.values()),
        sum(variant.benefit for _, variant in chosen.values()),
        -turning,
    )


def without_checks(chosen: Chosen) -> Chosen:
    """Returns the choice without what only checks a muscle and was not asked for."""
    return {name: one for name, one in chosen.items() if one[0].counts or one[0].demanded}


def least_turning(problem: Problem, chosen: Chosen) -> int:
    """Returns the least turning with which a choice can be done [half minutes]; it can be done."""
    tasks = sorted(task for _, variant in chosen.values() for task, _ in variant.choices)
    holding = [sequence for sequence in _sequences(problem) if _can_hold(problem, tasks, sequence, {})]
    return min(turning(problem, sequence) for sequence in holding)


def within_caps(problem: Problem, chosen: Chosen) -> bool:
    """Whether muscles, tissue load and hand load keep to their caps."""
    counted = [package for package, _ in chosen.values() if package.counts]
    if len(counted) > problem.muscle_limit and not all(package.demanded for package in counted):
        return False
    loads = [(package.region, variant.tissue_load) for package, variant in chosen.values()]
    brought = brought_by(problem, chosen)
    loads += [(companion.region, companion.tissue_load) for companion in brought]
    if sum(load for _, load in loads) > problem.tissue_load_cap:
        return False
    for region in {region for region, _ in loads}:
        if sum(load for where, load in loads if where == region) > problem.region_load_cap:
            return False
    hands = [variant.hand_load for _, variant in chosen.values()]
    hands += [companion.hand_load for companion in (*brought, *problem.frame)]
    return all(sum(load[hand] for load in hands) <= problem.hand_load_cap[hand] for hand in range(4))


def minutes(problem: Problem, chosen: Chosen) -> int:
    """Returns the half minutes of everything but turning."""
    shared = sum(companion.half_minutes for companion in (*brought_by(problem, chosen), *problem.frame))
    return shared + sum(variant.half_minutes for _, variant in chosen.values())


def turning(problem: Problem, sequence: tuple[str, ...]) -> int:
    """Returns the half minutes of turning."""
    return sum(problem.position_changes[pair] for pair in pairwise(sequence))


def chosen_by(problem: Problem, placements: tuple[Placement, ...]) -> Chosen:
    """Returns the variants that the placed tasks amount to."""
    placed = {(place.id, place.option) for place in placements if place.option is not None}
    chosen: dict[str, tuple[Package, Variant]] = {}
    for package in problem.packages:
        own = {choice for choice in placed if problem.tasks[choice[0]].package == package.id}
        if own:
            (chosen[package.id],) = [(package, v) for v in package.variants if set(v.choices) == own]
    return chosen


def visited(placements: tuple[Placement, ...]) -> tuple[str, ...]:
    """Returns the positions in order, none twice in a row."""
    positions: list[str] = []
    for place in placements:
        if not positions or positions[-1] != place.position:
            positions.append(place.position)
    return tuple(positions)


def brought_by(problem: Problem, chosen: Chosen) -> list[Companion]:
    """Returns the shared steps that a choice brings."""
    names = {name for _, variant in chosen.values() for name in variant.companions}
    return [problem.companions[name] for name in sorted(names)]


def _selections(problem: Problem) -> Iterator[Chosen]:
    for variants in product(*((None, *package.variants) for package in problem.packages)):
        pairs = zip(problem.packages, variants, strict=True)
        yield {package.id: (package, variant) for package, variant in pairs if variant}


def _sequences(problem: Problem) -> Iterator[tuple[str, ...]]:
    for blocks in range(1, problem.turn_limit + 2):
        for sequence in product(problem.position_order, repeat=blocks):
            if all(one != other for one, other in pairwise(sequence)):
                yield sequence


def _can_hold(problem: Problem, tasks: list[str], sequence: tuple[str, ...], block: dict[str, int]) -> bool:
    if len(block) == len(tasks):
        return True
    task = tasks[len(block)]
    allowed = {position for position, _ in problem.tasks[task].positions}
    for place, position in enumerate(sequence):
        fits = (
            position in allowed
            and all(place <= block[other] if (task, other) in problem.before else True for other in block)
            and all(block[other] <= place for other in block if (other, task) in problem.before)
        )
        if fits and _can_hold(problem, tasks, sequence, {**block, task: place}):
            return True
    return False
