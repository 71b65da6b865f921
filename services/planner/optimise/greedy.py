"""A plain solver: again and again the muscle that gives the most benefit per minute that it adds.

The minutes it adds are all of them: the work, the warm-up of its region, the re-tests and the turn that come with it.
So the second muscle of a warmed region is cheaper than the first. It proves nothing: `upper_bound` stays open.
Every comparison is between whole numbers and every tie is broken by rank, so the same problem gives the same solution.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.planner.domain.problem import (
    NO_HAND_LOAD,
    Cap,
    Companion,
    HandLoads,
    LeftOut,
    Package,
    Problem,
    Solution,
    Variant,
)
from services.planner.optimise.arrange import Arranger, Choice, Sequence
from services.planner.optimise.settle import settle

# Benefit per half minute is compared to this precision; beyond it the rank decides.
_PRECISION = 1_000_000


def solve(problem: Problem) -> Solution:
    """Returns what to do, in order, and what was left out with the half minutes it would add.

    Demanded packages go in first, in their order, as far as they fit; then the treatments, with the time of the checks
    kept free; then the checks, none of which is worth a turn of its own; then whatever the rest of the time allows.
    """
    search = _Search(problem)
    for package in problem.packages:
        if package.demanded:
            move = search.cheapest(package)
            if move and search.fits(move):
                search.make(move)
    treatments = tuple(package for package in problem.packages if not package.check)
    checks = tuple(package for package in problem.packages if package.check)
    kept = sum(min(variant.half_minutes for variant in package.variants) for package in checks)
    for among, free in ((treatments, kept), (checks, 0), (problem.packages, 0)):
        while move := search.best(among, free):
            search.make(move)
    search.drop_idle_checks()
    return search.solution()


@dataclass(frozen=True, slots=True)
class _Move:
    """Taking a package in, or changing how it is treated; `half_minutes` and `benefit` are what that adds."""

    package: Package
    variant: Variant
    half_minutes: int
    benefit: int
    use: _Use
    choice: Choice
    sequence: Sequence


@dataclass(frozen=True, slots=True)
class _Use:
    """What a set of variants uses, companions included: half minutes without turns, loads, how many muscles."""

    half_minutes: int
    muscles: int
    tissue: Mapping[str, int]
    hands: HandLoads
    companions: frozenset[str]


_NOTHING = _Use(half_minutes=0, muscles=0, tissue={}, hands=NO_HAND_LOAD, companions=frozenset())
_Key = tuple[int, int, int, int]


class _Search:
    """What has been chosen so far."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._arranger = Arranger(problem)
        self._chosen: dict[str, Variant] = {}
        self._packages = {package.id: package for package in problem.packages}
        self._choice = self._arranger.choice(())
        # Adding a step never makes a sequence possible that was not, so what is possible only shrinks.
        self._possible: tuple[Sequence, ...] = self._arranger.sequences
        self._sequence: Sequence | None = None
        self._arranged: dict[frozenset[str], tuple[Choice, Sequence | None]] = {}
        self._used = 0

    # --- moves ---

    def best(self, among: tuple[Package, ...], free: int) -> _Move | None:
        """Returns the move with the most benefit per added half minute, or None if none fits.

        `among` are the packages to choose from, `free` the half minutes to leave.
        """
        best: _Move | None = None
        best_key: _Key | None = None
        for package in among:
            others = self._others(package.id)
            before = self._chosen.get(package.id)
            for place, variant in enumerate(package.variants):
                if before and variant.benefit <= before.benefit:
                    continue
                use = self._with(others, package, variant)
                if not self._may_be_better(use, variant, before, best_key) or self._cap(package, use):
                    continue
                move = self._move(package, variant, use)
                if move is None or self._used + move.half_minutes > self._problem.half_minutes - free:
                    continue
                if self._idles(move):
                    continue
                key = (-_rate(move.benefit, move.half_minutes), -move.benefit, package.rank, place)
                if best_key is None or key < best_key:
                    best, best_key = move, key
        return best

    def _idles(self, move: _Move) -> bool:
        """Whether a move makes the client turn only for a check."""
        return move.package.check and self._sequence is not None and move.sequence.turning > self._sequence.turning

    def _may_be_better(self, use: _Use, variant: Variant, before: Variant | None, best_key: _Key | None) -> bool:
        """Looks at a new package without arranging it: at the least it needs no further turn."""
        if before is not None:
            return True
        turning = self._sequence.turning if self._sequence else 0
        least = use.half_minutes + turning
        rate = _rate(variant.benefit, least - self._used)
        return least <= self._problem.half_minutes and (best_key is None or rate >= -best_key[0])

    def cheapest(self, package: Package) -> _Move | None:
        """Returns the move that takes the package in at the least time, or None if no sequence can hold it."""
        others = self._others(package.id)
        moves = [self._move(package, v, self._with(others, package, v)) for v in package.variants]
        possible = [move for move in moves if move]
        return min(possible, key=lambda move: (move.half_minutes, -move.benefit), default=None)

    def _move(self, package: Package, variant: Variant, use: _Use) -> _Move | None:
        others = [task for one, v in self._chosen.items() if one != package.id for task, _ in v.choices]
        choice, sequence = self._arrangement(frozenset((*others, *(task for task, _ in variant.choices))))
        if sequence is None:
            return None
        before = self._chosen.get(package.id)
        return _Move(
            package=package,
            variant=variant,
            half_minutes=use.half_minutes + sequence.turning - self._used,
            benefit=variant.benefit - (before.benefit if before else 0),
            use=use,
            choice=choice,
            sequence=sequence,
        )

    def _arrangement(self, tasks: frozenset[str]) -> tuple[Choice, Sequence | None]:
        """Returns the choice of these tasks and the first sequence, so with the least turning, that holds it.

        Doses do not matter for it, so most of what one round of the search asks was answered in the round before.
        """
        if tasks not in self._arranged:
            choice = self._arranger.choice(tasks)
            holding = (sequence for sequence in self._possible if choice.blocks(sequence) is not None)
            self._arranged[tasks] = (choice, next(holding, None))
        return self._arranged[tasks]

    def make(self, move: _Move) -> None:
        """Takes a move."""
        self._chosen[move.package.id] = move.variant
        before, after = set(self._choice.order), set(move.choice.order)
        if before != after:
            known = self._possible if before <= after else self._arranger.sequences
            self._possible = tuple(sequence for sequence in known if move.choice.blocks(sequence) is not None)
        self._choice, self._sequence = move.choice, move.sequence
        self._used += move.half_minutes

    def drop_idle_checks(self) -> None:
        """Drops the checks that cost a turn after all, because work that joined them later went another way."""
        checks = [name for name in self._chosen if self._packages[name].check]
        kept = {name: variant for name, variant in self._chosen.items() if name not in checks}
        for name in checks:
            more = {**kept, name: self._chosen[name]}
            if self._least_turning(more) == self._least_turning(kept):
                kept = more
        if kept.keys() == self._chosen.keys():
            return
        self._chosen = kept
        self._arranged = {}
        self._choice = self._arranger.choice(_tasks(kept))
        self._possible = tuple(s for s in self._arranger.sequences if self._choice.blocks(s) is not None)
        self._sequence = self._possible[0] if kept else None
        self._used = self._others("").half_minutes + self._sequence.turning if self._sequence else 0

    def _least_turning(self, chosen: Mapping[str, Variant]) -> int:
        choice = self._arranger.choice(_tasks(chosen))
        return next(s.turning for s in self._arranger.sequences if choice.blocks(s) is not None)

    # --- time and loads ---

    def fits(self, move: _Move) -> bool:
        """Whether a move keeps to the time and to every cap."""
        in_time = self._used + move.half_minutes <= self._problem.half_minutes
        return in_time and self._cap(move.package, move.use) is None

    def _cap(self, package: Package, use: _Use) -> Cap | None:
        """Returns the cap that a package would break when this much is used with it."""
        problem = self._problem
        joins = package.counts and not package.demanded and package.id not in self._chosen
        if joins and use.muscles > problem.muscle_limit:
            return Cap.MUSCLES
        regions = use.tissue.values()
        if sum(regions) > problem.tissue_load_cap or max(regions, default=0) > problem.region_load_cap:
            return Cap.TISSUE_LOAD
        if any(load > cap for load, cap in zip(use.hands, problem.hand_load_cap, strict=True)):
            return Cap.HAND_LOAD
        return None

    def _others(self, package: str) -> _Use:
        """Returns what everything chosen but this package uses, the frame of the session included."""
        use = _NOTHING
        for companion in self._problem.frame:
            use = _plus_companion(use, companion)
        for identifier, variant in self._chosen.items():
            if identifier != package:
                use = self._with(use, self._packages[identifier], variant)
        return use

    def _with(self, others: _Use, package: Package, variant: Variant) -> _Use:
        """Returns what is used with this variant beside the others; what they share is paid for once."""
        tissue = dict(others.tissue)
        tissue[package.region] = tissue.get(package.region, 0) + variant.tissue_load
        use = _Use(
            half_minutes=others.half_minutes + variant.half_minutes,
            muscles=others.muscles + package.counts,
            tissue=tissue,
            hands=_sum(others.hands, variant.hand_load),
            companions=others.companions,
        )
        for companion in variant.companions:
            if companion not in others.companions:
                use = _plus_companion(use, self._problem.companions[companion])
        return use

    # --- result ---

    def solution(self) -> Solution:
        """Returns the choice in order, and what was left out."""
        options = {task: option for variant in self._chosen.values() for task, option in variant.choices}
        placements, unplaced = settle(self._problem, self._arranger, options)
        return Solution(
            placements=placements,
            unplaced=unplaced,
            left_out=tuple(self._left_out(p) for p in self._problem.packages if p.id not in self._chosen),
            objective=sum(variant.benefit for variant in self._chosen.values()),
            upper_bound=None,
            proven=False,
        )

    def _left_out(self, package: Package) -> LeftOut:
        move = self.cheapest(package)
        if move is None:
            shortest = min(package.variants, key=lambda variant: variant.half_minutes)
            return LeftOut(package=package.id, half_minutes=shortest.half_minutes, cap=Cap.TURNS)
        # Time is the first thing that is missing; a cap is what forbids a package that there is time for.
        in_time = self._used + move.half_minutes <= self._problem.half_minutes
        cap = self._cap(package, move.use) if in_time else None
        if in_time and cap is None and self._idles(move):
            cap = Cap.TURNS
        return LeftOut(package=package.id, half_minutes=move.half_minutes, cap=cap)


def _tasks(chosen: Mapping[str, Variant]) -> tuple[str, ...]:
    return tuple(task for variant in chosen.values() for task, _ in variant.choices)


def _rate(benefit: int, half_minutes: int) -> int:
    return benefit * _PRECISION // max(half_minutes, 1)


def _plus_companion(use: _Use, companion: Companion) -> _Use:
    tissue = use.tissue
    if companion.tissue_load:
        tissue = {**tissue, companion.region: tissue.get(companion.region, 0) + companion.tissue_load}
    return _Use(
        half_minutes=use.half_minutes + companion.half_minutes,
        muscles=use.muscles,
        tissue=tissue,
        hands=_sum(use.hands, companion.hand_load),
        companions=use.companions | {companion.id},
    )


def _sum(one: HandLoads, other: HandLoads) -> HandLoads:
    return (one[0] + other[0], one[1] + other[1], one[2] + other[2], one[3] + other[3])
