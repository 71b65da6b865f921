"""Finds what of the remainder to do: an exact search over the muscles, one after another, with an upper bound.

For each muscle there are a few ways to go on: nothing, or some of its steps, each at its approved dose or a shorter
one. A way brings along what has to be there because of it (the warm-up, the re-test, the joining strokes), which is
paid for once. Positions matter only as a sequence (see `optimise.arrange`): a choice fits if some sequence of positions
from where the client is holds it, and its turning leaves the time. Adding a step never makes a sequence possible that
was not, so a branch that does not fit is cut; so is one whose bound (the best of every muscle that is still open,
fractions allowed, as for a knapsack) is no better than what was found.

Score, in this order: demanded muscles kept, benefit kept, then as few steps changed and minutes lost as possible. The
search stops after a counted number of ways, never by the clock, so the same remainder gives the same answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise, product

from services.planner.domain.plan import Phase
from services.planner.domain.problem import HALF_MINUTE_SECONDS
from services.planner.session.remainder import Remainder, benefit
from services.planner.walk.lines import Spot

MOST_WAYS = 50_000
# Shared steps, from the first that is given up when time is too short for all of them to the last.
_GIVEN_UP = (Phase.RETEST, Phase.INTEGRATE, Phase.ARRIVAL, Phase.CLOSE)
# One changed step outweighs all half minutes that a step can lose.
_CHANGED = 1_000


@dataclass(frozen=True, slots=True)
class Positions:
    """Positions in order, the first being where the client is, and how long turning between them takes [s]."""

    order: tuple[str, ...]
    turning: int


@dataclass(frozen=True, slots=True)
class Choice:
    """What is done of the remainder: work by step id with the place of its length, and the shared steps beside it."""

    work: Mapping[str, int]
    shared: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to go on with a muscle: (step id, place of the length) for each step that is done."""

    choices: tuple[tuple[str, int], ...]
    seconds: int
    score: int


def choose(rest: Remainder) -> Choice | None:
    """Returns the best choice; None if nothing at all fits."""
    return _Search(rest).choice()


def blocks(rest: Remainder, sequence: Positions, work: Iterable[str]) -> dict[str, int] | None:
    """Returns the block of the sequence in which each step is done, as early as may be; None: it cannot hold them."""
    found: dict[str, int] = {}
    chosen = set(work)
    for step in sorted(chosen, key=lambda one: rest.items[one].place):
        allowed = rest.items[step].positions
        block = max((found[first] for first in chosen & found.keys() if (first, step) in rest.before), default=0)
        while block < len(sequence.order) and not (
            sequence.order[block] in rest.usable and (allowed is None or sequence.order[block] in allowed)
        ):
            block += 1
        if block == len(sequence.order):
            return None
        found[step] = block
    return found


def sequences(rest: Remainder) -> tuple[Positions, ...]:
    """Returns every sequence of positions from where the client is that ends where they can be, least turning first."""
    wanted = {position for item in rest.items.values() for position in item.positions or ()}
    order = [position for position in rest.usable if position in wanted] or list(rest.usable)
    arrival = [item.step.position for item in rest.items.values() if item.step.phase is Phase.ARRIVAL]
    begun = rest.here or next((position for position in arrival if position in rest.usable), "")
    grown: list[tuple[str, ...]] = [(begun,)] if begun else [(position,) for position in order]
    found: list[tuple[str, ...]] = []
    for _ in range(rest.turns + 1):
        found += grown
        grown = [(*positions, then) for positions in grown for then in order if then != positions[-1]]
    possible = [
        Positions(order=positions, turning=sum(rest.turning[pair] for pair in pairwise(positions)))
        for positions in found
        if positions[-1] in rest.usable
    ]
    return tuple(sorted(possible, key=lambda one: (one.turning, len(one.order))))


class _Search:
    """Searches one remainder."""

    def __init__(self, rest: Remainder) -> None:
        self._rest = rest
        self._sequences = sequences(rest)
        self._beside: dict[tuple[frozenset[str], frozenset[Phase]], int | None] = {}
        self._insisted: frozenset[Phase] = frozenset()
        spots = list(dict.fromkeys(item.spot for item in rest.items.values() if item.spot))
        unit = 1 + sum(_CHANGED + _half_minutes(item.lengths[0].seconds) for item in rest.items.values())
        demand = unit * (1 + sum(rest.worths[spot].priority for spot in spots))
        self._groups = [self._ways(spot, unit, demand) for spot in spots]
        self._bounds = self._suffix_bounds()
        self._looked_at = 0
        self._best_score: int | None = None
        self._best: tuple[_Way, ...] = ()

    def choice(self) -> Choice | None:
        """Returns the best choice; None if nothing at all fits."""
        if not self._insist():
            return None
        self._go_on((), 0, frozenset(), 0)
        work = {step: length for way in self._best for step, length in way.choices}
        return Choice(work=work, shared=self._brought(work))

    # --- what comes along ---

    def _insist(self) -> bool:
        """Insists on the shared steps that fit without any work: on all of them if possible. False: nothing fits."""
        for given_up in range(len(_GIVEN_UP) + 1):
            self._insisted = frozenset(_GIVEN_UP[given_up:])
            if self._left(frozenset(), 0) >= 0:
                return True
        return False

    def _brought(self, work: Iterable[str]) -> frozenset[str]:
        """Returns the shared steps that are there with this work and with what was done before."""
        work = frozenset(work)
        rest = self._rest
        treats = rest.treated or any(rest.items[one].step.phase is not Phase.CONFIRM for one in work)
        brought = {step for one in work for step in self._warmed(one)}
        for identifier, item in rest.items.items():
            if item.spot is not None or item.step.phase not in self._insisted:
                continue
            measured = rest.works.get(identifier)
            if measured and not measured & (work | rest.done):
                continue
            if item.step.phase is not Phase.INTEGRATE or treats:
                brought.add(identifier)
        return frozenset(brought)

    def _warmed(self, step: str) -> Iterator[str]:
        """Yields the shared steps that a step needs before it and that are still to be done."""
        items = self._rest.items
        for group in items[step].needs:
            if self._is_shared(group):
                yield min(group, key=lambda one: items[one].place)

    def _is_shared(self, group: frozenset[str]) -> bool:
        return all(self._rest.items[one].spot is None for one in group)

    # --- ways ---

    def _ways(self, spot: Spot, unit: int, demand: int) -> tuple[_Way, ...]:
        """Returns the ways to go on with a muscle, best first."""
        items = [item for item in self._rest.items.values() if item.spot == spot]
        worth = self._rest.worths[spot]
        approved = sum(item.lengths[0].seconds for item in items)
        ways = []
        for lengths in product(*([None, *range(len(item.lengths))] for item in items)):
            chosen = [(item, place) for item, place in zip(items, lengths, strict=True) if place is not None]
            ids = {item.step.id for item, _ in chosen}
            if not all(group & ids or self._is_shared(group) for item, _ in chosen for group in item.needs):
                continue
            seconds = sum(item.lengths[place].seconds for item, place in chosen)
            gained = benefit(worth, sum(item.lengths[place].effect for item, place in chosen), self._rest.graph)
            changed = sum(place != 0 for place in lengths)
            ways.append(
                _Way(
                    choices=tuple((item.step.id, place) for item, place in chosen),
                    seconds=seconds,
                    score=(bool(chosen) and worth.demanded) * demand
                    + (gained if chosen else 0) * unit
                    - changed * _CHANGED
                    - _half_minutes(approved - seconds),
                )
            )
        ways.sort(key=lambda way: (-way.score, way.seconds, way.choices))
        return tuple(way for place, way in enumerate(ways) if not any(_spares(one, way) for one in ways[:place]))

    # --- the search ---

    def _go_on(self, ways: tuple[_Way, ...], seconds: int, work: frozenset[str], score: int) -> None:
        if len(ways) == len(self._groups):
            if self._best_score is None or score > self._best_score:
                self._best_score, self._best = score, ways
            return
        for way in self._groups[len(ways)]:
            self._looked_at += 1
            if self._best_score is not None and self._looked_at > MOST_WAYS:
                return
            more = work.union(step for step, _ in way.choices)
            left = self._left(more, seconds + way.seconds)
            if left < 0:
                continue
            if self._best_score is None or score + way.score + self._bound(len(ways) + 1, left) > self._best_score:
                self._go_on((*ways, way), seconds + way.seconds, more, score + way.score)

    def _left(self, work: frozenset[str], seconds: int) -> int:
        """Returns what work of these seconds leaves beside what comes with it [s]; below 0: it does not fit."""
        key = (work, self._insisted)
        if key not in self._beside:
            self._beside[key] = self._seconds_beside(work)
        beside = self._beside[key]
        return -1 if beside is None else self._rest.seconds - seconds - beside

    def _seconds_beside(self, work: frozenset[str]) -> int | None:
        """Returns what this work takes beside itself [s]; None: no sequence holds it. Lengths make no difference."""
        holding = (one for one in self._sequences if blocks(self._rest, one, work) is not None)
        turning = next((one.turning for one in holding), None)
        if turning is None:
            return None
        return turning + sum(self._rest.items[one].lengths[-1].seconds for one in self._brought(work))

    def _suffix_bounds(self) -> list[tuple[int, list[tuple[int, int]]]]:
        """Returns for each depth the score of doing nothing from there on, and all (seconds, score) to gain on it.

        What a muscle can gain are the steps along its upper hull, so taken best rate first they never fall short.
        """
        suffixes: list[tuple[int, list[tuple[int, int]]]] = [(0, [])]
        for ways in reversed(self._groups):
            least, gains = suffixes[-1]
            nothing = next(way for way in ways if not way.choices)
            merged = [*gains, *_hull(nothing, ways)]
            merged.sort(key=lambda gain: gain[1] / gain[0], reverse=True)
            suffixes.append((least + nothing.score, merged))
        return suffixes[::-1]

    def _bound(self, depth: int, left: int) -> int:
        """Returns a score that nothing from this depth on exceeds in the time that is left [s]."""
        bound, gains = self._bounds[depth]
        for time, gain in gains:
            if time > left:
                return bound + -(-gain * left // time)
            left -= time
            bound += gain
        return bound


def _spares(better: _Way, worse: _Way) -> bool:
    """Whether a way with no lower score takes no more time and no step that the other does not take."""
    steps = {step for step, _ in better.choices}
    return better.seconds <= worse.seconds and steps <= {step for step, _ in worse.choices}


def _hull(nothing: _Way, ways: Iterable[_Way]) -> Iterator[tuple[int, int]]:
    """Yields the steps (seconds, score) of the upper hull of a muscle's ways, from doing nothing upwards."""
    seconds, score = nothing.seconds, nothing.score
    better = [way for way in ways if way.score > score and way.seconds > seconds]
    while better:
        best = max(better, key=lambda way: ((way.score - score) / (way.seconds - seconds), way.seconds))
        yield best.seconds - seconds, best.score - score
        seconds, score = best.seconds, best.score
        better = [way for way in better if way.score > score and way.seconds > seconds]


def _half_minutes(seconds: int) -> int:
    return seconds // HALF_MINUTE_SECONDS
