"""Order and positions of a given choice: which sequences of positions can hold it, and what turning costs.

Only the sequence of positions interacts with the order: given it, every step goes, in an order that respects `before`,
to the earliest position that it allows and that comes no earlier than those of its predecessors. If a step falls off
the end, the sequence cannot hold the choice; inside one position any order that respects `before` will do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import pairwise

from services.planner.domain.plan import Phase
from services.planner.domain.problem import Placement, Problem

_STAGES = {phase: stage for stage, phase in enumerate(Phase)}


@dataclass(frozen=True, slots=True)
class Sequence:
    """Positions in order, none twice in a row, and the half minutes that turning between them takes."""

    positions: tuple[str, ...]
    turning: int


@dataclass(frozen=True, slots=True)
class Choice:
    """Chosen tasks and the warm-ups they bring, in an order that respects `before`, with what each has to follow."""

    order: tuple[str, ...]
    positions: Mapping[str, Mapping[str, int]]
    predecessors: Mapping[str, tuple[str, ...]]
    warmed: Mapping[str, tuple[str, ...]]

    def blocks(self, sequence: Sequence) -> dict[str, int] | None:
        """Returns the place in the sequence of every step, or None if the sequence cannot hold the choice."""
        block: dict[str, int] = {}
        for identifier in self.order:
            place = max((block[first] for first in self.predecessors[identifier]), default=0)
            allowed = self.positions[identifier]
            while place < len(sequence.positions) and sequence.positions[place] not in allowed:
                place += 1
            if place == len(sequence.positions):
                return None
            block[identifier] = place
        for companion, tasks in self.warmed.items():
            # As late as it may be: right where the first muscle of the region is worked.
            block[companion] = min(block[task] for task in tasks)
        return block

    def quality(self, sequence: Sequence) -> int:
        """Returns how well the positions reach the muscles, summed [thousandths]."""
        block = self.blocks(sequence) or {}
        return sum(self.positions[step][sequence.positions[place]] for step, place in block.items())


class Arranger:
    """Arranges choices of one problem."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._followers: dict[str, list[str]] = {}
        for first, then in sorted(problem.before):
            self._followers.setdefault(first, []).append(then)
        self._keys = _sort_keys(problem)
        self.sequences = _sequences(problem)

    def choice(self, tasks: Iterable[str]) -> Choice:
        """Returns the choice of these tasks with the warm-ups that they bring."""
        chosen = sorted(tasks)
        positions: dict[str, Mapping[str, int]] = {}
        earlier: dict[str, list[str]] = {identifier: [] for identifier in chosen}
        warmed: dict[str, list[str]] = {}
        for identifier in chosen:
            task = self._problem.tasks[identifier]
            positions[identifier] = dict(task.positions)
            for then in self._followers.get(identifier, ()):
                if then in earlier:
                    earlier[then].append(identifier)
            for companion in task.companions:
                if self._problem.companions[companion].phase is Phase.WARM_UP:
                    warmed.setdefault(companion, []).append(identifier)
        for companion, cold in warmed.items():
            # A region is warmed where the first of its muscles is worked, so wherever any of them can be.
            positions[companion] = dict.fromkeys((place for task in cold for place in positions[task]), 0)
            earlier[companion] = []
            for identifier in cold:
                earlier[identifier].append(companion)
        predecessors = {identifier: tuple(first) for identifier, first in earlier.items()}
        return Choice(
            order=tuple(self._sorted(predecessors, dict.fromkeys(predecessors, 0))),
            positions=positions,
            predecessors=predecessors,
            warmed={companion: tuple(cold) for companion, cold in warmed.items()},
        )

    def cheapest(self, choice: Choice, among: Iterable[Sequence]) -> Sequence | None:
        """Returns the sequence that holds the choice with the least turning; of equals the one that reaches best."""
        best: Sequence | None = None
        for sequence in among:
            if best and sequence.turning > best.turning:
                break
            holds = choice.blocks(sequence) is not None
            if holds and (best is None or choice.quality(sequence) > choice.quality(best)):
                best = sequence
        return best

    def placements(self, choice: Choice, sequence: Sequence, options: Mapping[str, int]) -> tuple[Placement, ...]:
        """Returns the steps in order with their positions."""
        block = choice.blocks(sequence) or {}
        return tuple(
            Placement(id=identifier, option=options.get(identifier), position=sequence.positions[block[identifier]])
            for identifier in self._sorted(choice.predecessors, block)
        )

    def _sorted(self, predecessors: Mapping[str, tuple[str, ...]], block: Mapping[str, int]) -> list[str]:
        """Returns the first order, position by position and in each by sort key, that respects the predecessors."""
        waiting = {identifier: len(first) for identifier, first in predecessors.items()}
        followers: dict[str, list[str]] = {identifier: [] for identifier in predecessors}
        for identifier, earlier in predecessors.items():
            for first in earlier:
                followers[first].append(identifier)
        ready = [(block[step], self._keys[step], step) for step, count in waiting.items() if not count]
        heapify(ready)
        ordered: list[str] = []
        while ready:
            _, _, step = heappop(ready)
            ordered.append(step)
            for then in followers[step]:
                waiting[then] -= 1
                if not waiting[then]:
                    heappush(ready, (block[then], self._keys[then], then))
        return ordered


def _sort_keys(problem: Problem) -> dict[str, tuple[int, ...]]:
    """All checks first: what they find decides about the work. Then region by region from the trunk outwards.

    In a region comes the warm-up, then muscle by muscle, from release to lengthening.
    """
    keys = {companion.id: (1, *companion.order) for companion in problem.companions.values()}
    order = {package.id: package.order for package in problem.packages}
    for task in problem.tasks.values():
        keys[task.id] = (int(task.phase is not Phase.CONFIRM), *order[task.package], _STAGES[task.phase])
    return keys


def _sequences(problem: Problem) -> tuple[Sequence, ...]:
    """Every sequence within the turn limit that uses only positions of some task, cheapest and shortest first."""
    usable = {position for task in problem.tasks.values() for position, _ in task.positions}
    order = [position for position in problem.position_order if position in usable]
    rank = {position: place for place, position in enumerate(order)}
    found = [
        Sequence(positions, sum(problem.position_changes[pair] for pair in pairwise(positions)))
        for positions in _grow(order, problem.turn_limit)
    ]
    found.sort(key=lambda s: (s.turning, len(s.positions), [rank[position] for position in s.positions]))
    return tuple(found)


def _grow(order: list[str], turns: int) -> Iterator[tuple[str, ...]]:
    grown: list[tuple[str, ...]] = [(position,) for position in order]
    for _ in range(turns + 1):
        yield from grown
        grown = [(*positions, then) for positions in grown for then in order if then != positions[-1]]
