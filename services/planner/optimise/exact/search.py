"""The search: a plan close to the bound is looked for; if there is none, that is a proof, and the bound comes down.

So the bound falls and the best plan rises until they meet. Sets of positions whose own bound is too low to hold the
plan that is looked for are left aside; most never come into play.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from services.planner.optimise.exact.prices import SCALE, Estimate, Market, Picks
from services.planner.optimise.exact.programme import Space
from services.planner.optimise.exact.selection import Selection, rounded
from services.planner.optimise.exact.sequences import Sequences
from services.planner.optimise.exact.tables import MUSCLES, Pick, Tables

# Rounds of moving prices: at the start, before the first search, before each further one.
_ROUNDS_AT_FIRST, _ROUNDS_BEFORE_SEARCH, _ROUNDS_AGAIN = 12, 30, 8
# How far below the bound the floor is, as a share of the bound.
_DEPTHS = (0.06, 0.24, 1.0)
# How far below the bound a plan is looked for at the first try, as a share of the bound; then ever further.
_FIRST_REACH, _REACH_GROWS = 0.002, 3
_UNBOUNDED = 1 << 80


@dataclass(frozen=True, slots=True)
class Outcome:
    """The best selection, a bound on the score of any, and the work it took: picks priced and labels made."""

    best: Selection
    bound: int
    work: int

    @property
    def proven(self) -> bool:
        """Whether nothing is better."""
        return self.bound <= self.best.score


def search(tables: Tables, best: Selection, work_limit: int) -> Outcome:
    """Returns the best selection found within `work_limit`, never a worse one than `best`."""
    bound, work = best.score, 0
    if not tables.hopeless:
        for picks, caps in _by_muscle_limit(tables):
            outcome = _Search(tables, picks, caps, best).run(work_limit - work)
            best, work = outcome.best, work + outcome.work
            bound = max(bound, outcome.bound)
    return Outcome(best, max(bound, best.score), work)


class _Search:
    """The search among some picks within some caps.

    Nothing at or below the floor is looked for. It is the score of the best, or higher as long as there is hope for
    more: what is hopeless then need not even be priced. If nothing is found above it, the floor comes down.
    """

    def __init__(self, tables: Tables, picks: Picks, caps: tuple[int, ...], best: Selection) -> None:
        self._tables = tables
        self._room = tables.packing.guards + tables.packing.pack(enumerate(caps))
        self._best = best
        self._market = Market(tables, picks, caps)
        self._floor = best.score
        # Sets of positions that can still hold something above the floor, each with its bound.
        self._bounds: dict[Sequences, int] = {}

    def run(self, work_limit: int) -> Outcome:
        """Searches until the bound meets the best, or for as long as the work allows."""
        work = 0
        bound = _UNBOUNDED
        for depth in _DEPTHS:
            self._start(bound)
            estimate = self._price(_ROUNDS_AT_FIRST)
            self._best = rounded(self._tables, self._market.picks, estimate, self._best)
            bound = self._bound
            self._floor = max(self._best.score, bound - int(abs(bound) * depth) - 1)
            rounds, reach = _ROUNDS_BEFORE_SEARCH, _FIRST_REACH
            while self._bounds and work + self._market.work < work_limit:
                estimate = self._price(rounds)
                self._best = rounded(self._tables, self._market.picks, estimate, self._best)
                self._floor = max(self._floor, self._best.score)
                self._lower(_UNBOUNDED)
                left = work_limit - work - self._market.work
                work += self._look(estimate, reach, left)
                rounds, reach = _ROUNDS_AGAIN, reach * _REACH_GROWS
            bound = self._bound
            if self._best.score >= bound or self._bounds:
                break
        return Outcome(self._best, max(bound, self._best.score), work + self._market.work)

    @property
    def _bound(self) -> int:
        return max([self._floor, self._best.score, *self._bounds.values()])

    def _start(self, bound: int) -> None:
        """Takes up all sets of positions and all picks again, with the best as the floor."""
        self._floor = self._best.score
        self._market.restart()
        affordable = self._tables.sequences.affordable(0)
        self._bounds = {those & affordable: bound for those in self._tables.sequences.by_position_set().values()}
        self._bounds.pop(0, None)

    def _look(self, estimate: Estimate, reach: float, work_limit: int) -> int:
        """Looks for a plan close to the bound; returns the work it took."""
        if not self._bounds:
            return 0
        bound = self._bound
        target = max(self._floor + 1, bound - int(abs(bound) * reach))
        among = _union(those for those, bound in self._bounds.items() if bound >= target)
        space = Space(self._tables, among, self._market.picks, self._room, estimate)
        self._best, done = space.search(self._best, target, work_limit)
        self._floor = max(self._floor, self._best.score)
        self._lower(target - 1 if done <= work_limit else bound)
        return done

    def _price(self, rounds: int) -> Estimate:
        """Improves the prices for all that is left, and with them the bound of every set of positions."""
        self._market.keep_to(_union(self._bounds))
        self._market.improve(self._floor, rounds)
        estimate = self._market.estimate()
        paying = [
            sorted(
                ((whole, self._tables.holding(pick.tasks)) for pick, whole in zip(*here, strict=True) if whole > 0),
                reverse=True,
            )
            for here in zip(self._market.picks, estimate.whole, strict=True)
        ]
        base = estimate.total - sum(estimate.best)
        for those, bound in self._bounds.items():
            gain = sum(next((whole for whole, holding in here if holding & those), 0) for here in paying)
            turning = estimate.turning(self._tables.sequences.turning(those))
            self._bounds[those] = min(bound, (base + gain - turning) // SCALE)
        self._lower(_UNBOUNDED)
        return estimate

    def _lower(self, bound: int) -> None:
        """Lowers all bounds to `bound`, and leaves aside what cannot hold anything above the floor."""
        lowered = ((those, min(bound, before)) for those, before in self._bounds.items())
        self._bounds = {those: after for those, after in lowered if after > self._floor}


def _union(sets: Iterable[Sequences]) -> Sequences:
    union = 0
    for one in sets:
        union |= one
    return union


def _by_muscle_limit(tables: Tables) -> Iterator[tuple[Picks, tuple[int, ...]]]:
    """Yields picks and caps so that demanded packages may exceed the limit on muscles, but only without any others."""
    picks = [stage.picks for stage in tables.stages]
    yield picks, tables.caps
    demanded = sum(package.counts and package.demanded for package in tables.packages)
    if demanded > tables.problem.muscle_limit:
        caps = tuple(demanded if place == tables.place.get(MUSCLES) else cap for place, cap in enumerate(tables.caps))
        yield [[pick for pick in stage if _only_demanded(pick)] for stage in picks], caps


def _only_demanded(pick: Pick) -> bool:
    return all(package.demanded or not package.counts for package, _ in pick.parts)
