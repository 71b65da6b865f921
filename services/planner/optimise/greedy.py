"""A plain solver: again and again the muscle that gives the most benefit per minute that it adds.

The minutes it adds are all of them: the work, the warm-up of its region, the re-tests and the turn that come with it.
So the second muscle of a warmed region is cheaper than the first. It proves nothing: `upper_bound` stays open.
Every comparison is between whole numbers and every tie is broken by rank, so the same problem gives the same solution.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from services.planner.domain.plan import Phase
from services.planner.domain.problem import (
    NO_HAND_LOAD,
    Cap,
    Companion,
    HandLoads,
    LeftOut,
    Package,
    Placement,
    Problem,
    Solution,
    Variant,
)
from services.planner.optimise.arrange import Arranger, Choice, Sequence

# Benefit per half minute is compared to this precision; beyond it the rank decides.
_PRECISION = 1_000_000


def solve(problem: Problem) -> Solution:
    """Returns what to do, in order, and what was left out with the half minutes it would add.

    Demanded packages go in first, in their order, as far as they fit.
    """
    search = _Search(problem)
    for package in problem.packages:
        if package.demanded:
            move = search.cheapest(package)
            if move and search.fits(move):
                search.make(move)
    while move := search.best():
        search.make(move)
    return search.solution()


@dataclass(frozen=True, slots=True)
class _Move:
    """Taking a package in, or changing how it is treated; `half_minutes` and `benefit` are what that adds."""

    package: Package
    variant: Variant
    half_minutes: int
    benefit: int
    choice: Choice
    sequence: Sequence


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

    # --- moves ---

    def best(self) -> _Move | None:
        """Returns the move with the most benefit per added half minute, or None if none fits."""
        best: tuple[tuple[int, int, int, int], _Move] | None = None
        for package in self._problem.packages:
            for place, move in enumerate(self._moves(package)):
                if move is None or move.benefit <= 0 or not self.fits(move):
                    continue
                rate = move.benefit * _PRECISION // max(move.half_minutes, 1)
                key = (-rate, -move.benefit, package.rank, place)
                if best is None or key < best[0]:
                    best = (key, move)
        return best[1] if best else None

    def cheapest(self, package: Package) -> _Move | None:
        """Returns the move that takes the package in at the least time, or None if no sequence can hold it."""
        moves = [move for move in self._moves(package) if move]
        return min(moves, key=lambda move: (move.half_minutes, -move.benefit), default=None)

    def _moves(self, package: Package) -> Iterator[_Move | None]:
        before = self._chosen.get(package.id)
        others = [task for one, v in self._chosen.items() if one != package.id for task, _ in v.choices]
        used = self._used()
        for variant in package.variants:
            choice, sequence = self._arrangement(frozenset((*others, *(task for task, _ in variant.choices))))
            if sequence is None:
                yield None
                continue
            yield _Move(
                package=package,
                variant=variant,
                half_minutes=self._half_minutes(package, variant, sequence) - used,
                benefit=variant.benefit - (before.benefit if before else 0),
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

    # --- time and loads ---

    def _used(self) -> int:
        if self._sequence is None:
            return 0
        return self._problem.frame_half_minutes + self._work(self._chosen.values()) + self._sequence.turning

    def _half_minutes(self, package: Package, variant: Variant, sequence: Sequence) -> int:
        variants = {**self._chosen, package.id: variant}
        return self._problem.frame_half_minutes + self._work(variants.values()) + sequence.turning

    def _work(self, variants: Iterable[Variant]) -> int:
        variants = tuple(variants)
        shared = sum(companion.half_minutes for companion in self._brought(variants))
        return shared + sum(variant.half_minutes for variant in variants)

    def _brought(self, variants: Iterable[Variant]) -> list[Companion]:
        brought = {companion for variant in variants for companion in variant.companions}
        return [companion for companion in self._problem.companions.values() if companion.id in brought]

    def fits(self, move: _Move) -> bool:
        """Whether a move keeps to the time and to every cap."""
        return self._used() + move.half_minutes <= self._problem.half_minutes and self._cap(move) is None

    def _cap(self, move: _Move) -> Cap | None:
        """Returns the cap that a move would break."""
        problem = self._problem
        variants = {**self._chosen, move.package.id: move.variant}
        counted = sum(self._packages[package].counts for package in variants)
        joins = move.package.counts and not move.package.demanded and move.package.id not in self._chosen
        if joins and counted > problem.muscle_limit:
            return Cap.MUSCLES
        if _too_much_tissue_load(problem, variants, self._packages, self._brought(variants.values())):
            return Cap.TISSUE_LOAD
        hands = _hand_load(variants.values(), [*self._brought(variants.values()), *problem.frame])
        if any(load > cap for load, cap in zip(hands, problem.hand_load_cap, strict=True)):
            return Cap.HAND_LOAD
        return None

    # --- result ---

    def solution(self) -> Solution:
        """Returns the choice in order, and what was left out."""
        return Solution(
            placements=self._placements(),
            left_out=tuple(self._left_out(p) for p in self._problem.packages if p.id not in self._chosen),
            objective=sum(variant.benefit for variant in self._chosen.values()),
            upper_bound=None,
            proven=False,
        )

    def _placements(self) -> tuple[Placement, ...]:
        if self._sequence is None:
            return ()
        options = {task: option for variant in self._chosen.values() for task, option in variant.choices}
        # Of the sequences that turn no longer, the one that reaches the muscles best.
        sequence = self._arranger.cheapest(self._choice, self._possible) or self._sequence
        steps = self._arranger.placements(self._choice, sequence, options)
        first, last = sequence.positions[0], sequence.positions[-1]
        ending = [c for c in self._brought(self._chosen.values()) if c.phase is not Phase.WARM_UP]
        ending.sort(key=lambda companion: companion.phase is Phase.INTEGRATE)
        opening = [c for c in self._problem.frame if c.phase is Phase.ARRIVAL]
        ending += [c for c in self._problem.frame if c.phase is not Phase.ARRIVAL]
        return (
            *(Placement(id=companion.id, option=None, position=first) for companion in opening),
            *steps,
            *(Placement(id=companion.id, option=None, position=last) for companion in ending),
        )

    def _left_out(self, package: Package) -> LeftOut:
        move = self.cheapest(package)
        if move is None:
            shortest = min(package.variants, key=lambda variant: variant.half_minutes)
            return LeftOut(package=package.id, half_minutes=shortest.half_minutes, cap=Cap.TURNS)
        return LeftOut(package=package.id, half_minutes=move.half_minutes, cap=self._cap(move))


def _too_much_tissue_load(
    problem: Problem, variants: Mapping[str, Variant], packages: Mapping[str, Package], brought: Iterable[Companion]
) -> bool:
    regions: dict[str, int] = {}
    for identifier, variant in variants.items():
        region = packages[identifier].region
        regions[region] = regions.get(region, 0) + variant.tissue_load
    for companion in brought:
        regions[companion.region] = regions.get(companion.region, 0) + companion.tissue_load
    return sum(regions.values()) > problem.tissue_load_cap or any(
        load > problem.region_load_cap for load in regions.values()
    )


def _hand_load(variants: Iterable[Variant], companions: Iterable[Companion]) -> HandLoads:
    thumb, wrist, elbow, tool = NO_HAND_LOAD
    for load in (*(variant.hand_load for variant in variants), *(companion.hand_load for companion in companions)):
        thumb, wrist, elbow, tool = thumb + load[0], wrist + load[1], elbow + load[2], tool + load[3]
    return (thumb, wrist, elbow, tool)
