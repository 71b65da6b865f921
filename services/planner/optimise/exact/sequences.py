"""Which sequences of positions can hold a choice of tasks: all sequences at once, one bit for each.

The rule is that of `optimise.arrange`: a task goes to the earliest position that it allows and that comes no earlier
than those of its predecessors; a sequence holds a choice if no task falls off its end. Here the rule runs on sets of
sequences, each a whole number with one bit for a sequence, so that a thousand sequences cost a few operations.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from operator import and_, or_

from services.planner.optimise.arrange import Sequence as PositionSequence

# Bit i stands for sequence i.
Sequences = int
# For each place in a sequence: the sequences in which the task is done at that place or before.
DoneBy = tuple[Sequences, ...]


class SequenceTable:
    """All sequences of one problem, cheapest first, with what is asked about sets of them.

    `budget` [half minutes] is what work and turning may take together.
    """

    def __init__(self, sequences: Sequence[PositionSequence], budget: int) -> None:
        self.sequences = tuple(sequences)
        self.all: Sequences = (1 << len(self.sequences)) - 1
        self._places = max((len(sequence.positions) for sequence in self.sequences), default=0)
        self._at: list[dict[str, Sequences]] = [{} for _ in range(self._places)]
        for number, sequence in enumerate(self.sequences):
            for place, position in enumerate(sequence.positions):
                self._at[place][position] = self._at[place].get(position, 0) | 1 << number
        # Cheapest first, so the sequences that leave enough time are always the first ones.
        self._turning = [sequence.turning for sequence in self.sequences]
        self._affordable = [(1 << bisect_right(self._turning, budget - work)) - 1 for work in range(budget + 1)]
        self._allowing: dict[tuple[str, ...], list[Sequences]] = {}

    def done_by(self, positions: tuple[str, ...], predecessors: Iterable[DoneBy]) -> DoneBy:
        """Returns by which place a task can be done that allows `positions` and follows its predecessors."""
        if positions not in self._allowing:
            self._allowing[positions] = [_union(at.get(position, 0) for position in positions) for at in self._at]
        possible = self._allowing[positions]
        for predecessor in predecessors:
            possible = list(map(and_, possible, predecessor))
        return tuple(accumulate(possible, or_))

    def affordable(self, work: int) -> Sequences:
        """Returns the sequences whose turning leaves time for `work` [half minutes]."""
        return self._affordable[work] if work < len(self._affordable) else 0

    def turning(self, sequences: Sequences) -> int:
        """Returns the least turning among some sequences, of which there is at least one [half minutes]."""
        return self._turning[(sequences & -sequences).bit_length() - 1]

    def with_least_turning(self, sequences: Sequences) -> Sequences:
        """Returns those of some sequences that have the least turning among them."""
        return sequences & (1 << bisect_right(self._turning, self.turning(sequences))) - 1

    def by_position_set(self) -> dict[frozenset[str], Sequences]:
        """Returns the sequences that visit the same positions, in whatever order."""
        sets: dict[frozenset[str], Sequences] = {}
        for number, sequence in enumerate(self.sequences):
            visited = frozenset(sequence.positions)
            sets[visited] = sets.get(visited, 0) | 1 << number
        return sets


def _union(sets: Iterable[Sequences]) -> Sequences:
    union = 0
    for one in sets:
        union |= one
    return union
