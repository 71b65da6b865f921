"""The dynamic programme: stage by stage, everything that may still become better than the best selection known.

A label is a partial selection. It is dropped as soon as its optimistic estimate (what it is worth, plus what the
remaining stages could add at the given prices) does not reach the target; and of two labels that leave the same room
for what follows only the one that is worth more stays (branch and bound inside dynamic programming; Morin & Marsten 1976).
Every label is a plan by itself: the remaining stages are simply left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from services.planner.optimise.exact.prices import SCALE, Estimate, Picks
from services.planner.optimise.exact.sequences import DoneBy, Sequences
from services.planner.optimise.exact.tables import Pick, Stage, Tables, bits

# Tasks that later stages have to follow, with the place by which each is done.
Frontier = tuple[tuple[str, DoneBy], ...]
NEVER = 1 << 80


class Chain(NamedTuple):
    """What a label has picked, the last pick first."""

    pick: Pick
    earlier: Chain | None


class Label(NamedTuple):
    """A partial selection. `gain` is its worth less the price of what it takes [points / SCALE].

    `packed`: what it uses of the caps that later stages can still add to. `brought`: companions it has paid for that
    later stages may share. `sequences`: those that hold it and leave time for it.
    """

    worth: int
    gain: int
    packed: int
    brought: int
    sequences: Sequences
    frontier: Frontier
    chain: Chain | None


@dataclass(frozen=True, slots=True)
class Selection:
    """A whole selection with its score, and the sequences that hold it in time."""

    score: int
    picks: tuple[Pick, ...]
    sequences: Sequences


class Space:
    """A part of all solutions: certain sequences of positions, certain picks; searched at certain prices."""

    def __init__(self, tables: Tables, sequences: Sequences, picks: Picks, room: int, estimate: Estimate) -> None:
        self._tables = tables
        self._sequences = sequences
        self._picks = picks
        self._room = room
        self._estimate = estimate
        self._orders: dict[tuple[int, Frontier, tuple[str, ...]], tuple[Sequences, Frontier]] = {}
        self._brought: dict[int, tuple[int, int]] = {}
        self._time = tables.packing.masks[0]

    def search(
        self, best: Selection, target: int, work_limit: int, width: int | None = None
    ) -> tuple[Selection, int]:
        """Returns the best selection that scores `target` or more if there is one, and the work it took in labels.

        Otherwise it returns `best`, or anything better that was met on the way. More work than `work_limit` is not
        taken: then nothing is proven. Nor is it if only the most promising `width` labels of a stage are followed.
        """
        stages = self._tables.stages
        slack = self._estimate.total - self._turning(self._sequences) - target * SCALE
        worthwhile = self._worthwhile(slack)
        rest = _Rest(self._tables, self._estimate, worthwhile, slack, self._room)
        self._needed = target * SCALE
        work = 0
        labels: dict[tuple[int, int, Sequences, Frontier], Label] = {}
        start = Label(0, self._base(), 0, 0, self._sequences & self._tables.sequences.affordable(0), (), None)
        labels[(0, 0, 0, ())] = start
        for number, stage in enumerate(stages):
            if rest.optional[number] and not worthwhile[number]:
                continue
            found: dict[tuple[int, int, Sequences, Frontier], Label] = {}
            for label in labels.values():
                if work > work_limit:
                    return best, work
                for then in self._decide(number, stage, label, worthwhile[number], rest):
                    work += 1
                    turns = self._tables.sequences.cheapest(then.sequences)[1]
                    if then.worth - turns > best.score:
                        best = Selection(then.worth - turns, _picks(then.chain), then.sequences)
                        if best.score >= target:
                            target = best.score + 1
                            self._needed = target * SCALE
                    kept = self._forget(number, stage, then)
                    key = (kept.packed, kept.brought, kept.sequences, kept.frontier)
                    rival = found.get(key)
                    if rival is None or kept.worth > rival.worth:
                        found[key] = kept
                work += 1
            labels = found
            if width and len(found) > width:
                promising = sorted(found, key=lambda key: self._promise(number, found[key], rest), reverse=True)
                labels = {key: found[key] for key in promising[:width]}
        return best, work

    def _promise(self, number: int, label: Label, rest: _Rest) -> int:
        return label.gain - self._turning(label.sequences) + rest.after(number, label.packed, label.brought)

    # --- one decision ---

    def _decide(
        self, number: int, stage: Stage, label: Label, worthwhile: list[tuple[Pick, int]], rest: _Rest
    ) -> Iterator[Label]:
        """Yields what a label can become at a stage, as far as it can still reach the target."""
        sequences = self._tables.sequences
        after = rest.after(number, label.packed, label.brought)
        if label.gain - self._turning(label.sequences) + after >= self._needed and rest.optional[number]:
            yield label
        followed = tuple(entry for entry in label.frontier if entry[0] in stage.follows)
        for pick, gain in worthwhile:
            packed = label.packed + pick.packed
            gain += label.gain
            new = pick.companions & ~label.brought
            if new:
                more, price = self._bring(new)
                packed, gain = packed + more, gain - price
            if (self._room - packed) & self._tables.packing.guards != self._tables.packing.guards:
                continue
            brought = label.brought | pick.companions
            after = rest.after(number, packed, brought)
            if gain + after < self._needed:
                continue
            holding, added = self._order(number, stage, followed, pick)
            holding &= label.sequences & sequences.affordable(packed & self._time)
            if holding and gain - self._turning(holding) + after >= self._needed:
                frontier = label.frontier + added
                chain = Chain(pick, label.chain)
                yield Label(label.worth + pick.worth, gain, packed, brought, holding, frontier, chain)

    def _bring(self, companions: int) -> tuple[int, int]:
        """Returns what companions take together: packed amounts and price."""
        if companions not in self._brought:
            tables = self._tables
            numbers = tuple(bits(companions))
            self._brought[companions] = (
                sum(tables.companion_packed[number] for number in numbers),
                sum(self._estimate.companion_price[number] for number in numbers),
            )
        return self._brought[companions]

    def _order(self, number: int, stage: Stage, followed: Frontier, pick: Pick) -> tuple[Sequences, Frontier]:
        """Returns the sequences that hold a pick after what it follows, and what it adds to the frontier."""
        key = (number, followed, pick.tasks)
        if key not in self._orders:
            tables = self._tables
            done = dict(followed)
            holding = self._sequences
            for task in pick.tasks:
                earlier = (done[first] for first in stage.earlier.get(task, ()) if first in done)
                done[task] = tables.sequences.done_by(tables.positions[task], earlier, self._sequences)
                holding &= done[task][-1]
            self._orders[key] = (holding, tuple((task, done[task]) for task in pick.tasks if task in stage.followed))
        return self._orders[key]

    def _forget(self, number: int, stage: Stage, label: Label) -> Label:
        """Returns a label without what no later stage can ask for, so that more labels are alike."""
        stages = self._tables.stages
        later = stages[number + 1].companions if number + 1 < len(stages) else 0
        frontier = label.frontier
        if stage.closed:
            frontier = tuple(entry for entry in frontier if entry[0] not in stage.closed)
        return label._replace(packed=label.packed & stage.kept, brought=label.brought & later, frontier=frontier)

    # --- estimates ---

    def _base(self) -> int:
        """Returns what all caps hold at their prices; the estimate of a label starts from here."""
        return self._estimate.total - sum(self._estimate.best)

    def _turning(self, sequences: Sequences) -> int:
        """Returns what the least turning and the fewest turns take off the score [points / SCALE]."""
        return self._estimate.turning(self._tables.sequences.cheapest(sequences))

    def _worthwhile(self, slack: int) -> list[list[tuple[Pick, int]]]:
        """Returns by stage the picks that lose no more than the slack against the best, and what each gains by itself."""
        kept: list[list[tuple[Pick, int]]] = []
        for stage, here in enumerate(self._picks):
            least = self._estimate.best[stage] - slack
            gains = zip(here, self._estimate.paid[stage], self._estimate.whole[stage], strict=True)
            kept.append([(pick, paid) for pick, paid, whole in gains if whole >= least])
        return kept


class _Rest:
    """What the stages after a stage can add at most, given what is used of some caps and which companions are there.

    The other caps are priced; those of `strict` are kept here as well, so that the estimate is closer.
    """

    def __init__(
        self,
        tables: Tables,
        estimate: Estimate,
        worthwhile: list[list[tuple[Pick, int]]],
        slack: int,
        room: int,
    ) -> None:
        self._stages = tables.stages
        self._shares = estimate.shares
        self._worthwhile = worthwhile
        self._strict = tables.strict
        self._guards = tables.packing.guards_of(tables.strict)
        self._room = room & (self._strict | self._guards)
        self._memory: list[dict[tuple[int, int], int]] = [{} for _ in self._stages]
        # A stage has to pick something if no plan that leaves it out can reach the target.
        self.optional = [best <= slack for best in estimate.best]

    def after(self, number: int, packed: int, brought: int) -> int:
        """Returns the most that the stages after stage `number` can add."""
        stages = self._stages
        packed &= stages[number].kept & self._strict
        number += 1
        while number < len(stages) and self.optional[number] and not self._worthwhile[number]:
            packed &= stages[number].kept
            number += 1
        if number == len(stages):
            return 0
        brought &= stages[number].companions
        memory = self._memory[number]
        key = (packed, brought)
        if key not in memory:
            shares = self._shares[number]
            best = self.after(number, packed, brought) if self.optional[number] else -NEVER
            for pick, gain in self._worthwhile[number]:
                used = packed + (pick.packed & self._strict)
                if (self._room - used) & self._guards == self._guards:
                    new = pick.companions & ~brought
                    whole = gain - sum(shares[c] for c in bits(new)) if new else gain
                    best = max(best, whole + self.after(number, used, brought))
            memory[key] = best
        return memory[key]


def _picks(chain: Chain | None) -> tuple[Pick, ...]:
    picks: list[Pick] = []
    while chain:
        picks.append(chain.pick)
        chain = chain.earlier
    return tuple(reversed(picks))
