"""The dynamic programme: stage by stage, everything that may still become better than the best selection known.

A label is a partial selection, and a plan by itself: the remaining stages are simply left out. It is dropped as soon
as its optimistic estimate (what it is worth, plus what the remaining stages could add at the given prices) does not
reach the target; and of two labels that leave the same room for what follows only the one that is worth more stays
(branch and bound inside dynamic programming; Morin & Marsten 1976). Caps that can no longer be reached are forgotten,
so that more labels are alike.

A check is worth no turn of its own. So beside the sequences that hold a label stand those that would hold it without
its checks; once all work is decided, the least turning among these settles how much turning there is, and the checks
that follow make do with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from services.planner.optimise.exact.prices import SCALE, Estimate, Picks
from services.planner.optimise.exact.selection import Selection
from services.planner.optimise.exact.sequences import DoneBy, Sequences
from services.planner.optimise.exact.tables import MUSCLES, TIME_PLACE, Pick, Stage, Tables, bits

# A task that later stages have to follow, with the place by which it is done, and would be done without any check.
Waiting = tuple[str, DoneBy, DoneBy]
Frontier = tuple[Waiting, ...]
Key = tuple[int, int, Sequences, Sequences, Frontier]
NEVER = 1 << 80


class Chain(NamedTuple):
    """What a label has picked, the last pick first."""

    pick: Pick
    earlier: Chain | None


class Label(NamedTuple):
    """A partial selection. `gain` is its worth less the price of what it takes [points / SCALE].

    `packed`: what it uses of the caps that later stages can still add to. `brought`: companions it has paid for that
    later stages may share. `sequences`: those that hold it and leave time for it. `unchecked`: those that would without
    its checks; 0 if that does not matter, because there are no checks or the turning is settled.
    """

    worth: int
    gain: int
    packed: int
    brought: int
    sequences: Sequences
    unchecked: Sequences
    frontier: Frontier
    chain: Chain | None


class Space:
    """A part of all solutions: certain sequences of positions, certain picks; searched at certain prices."""

    def __init__(self, tables: Tables, sequences: Sequences, picks: Picks, room: int, estimate: Estimate) -> None:
        self._tables = tables
        self._sequences = sequences
        self._picks = picks
        self._room = room
        self._estimate = estimate
        self._orders: dict[tuple[int, Frontier, tuple[str, ...]], tuple[Sequences, Sequences, Frontier]] = {}
        self._brought: dict[int, tuple[int, int]] = {}
        self._time = tables.packing.masks[0]

    def search(self, best: Selection, target: int, work_limit: int) -> tuple[Selection, int]:
        """Returns the best selection that scores `target` or more if there is one, and the work it took in labels.

        Otherwise it returns `best`, or anything better that was met on the way. More work than `work_limit` is not
        taken: then nothing is proven.
        """
        stages = self._tables.stages
        slack = self._estimate.total - self._turning(self._sequences) - target * SCALE
        worthwhile = self._worthwhile(slack)
        rest = _Rest(self._estimate, worthwhile, slack, stages)
        demand = _Demand(self._tables, worthwhile, self._room, self._longest_turning())
        self._needed = target * SCALE
        work = 0
        labels: dict[Key, Label] = {}
        affordable = self._tables.sequences.affordable(0)
        unchecked = affordable if self._tables.checks else 0
        labels[(0, 0, 0, 0, ())] = Label(0, self._base(), 0, 0, self._sequences & affordable, unchecked, (), None)
        for number, stage in enumerate(stages):
            if rest.optional[number] and not worthwhile[number]:
                continue
            if number > self._tables.last_work:
                labels = self._settled(labels)
            found: dict[Key, Label] = {}
            for label in labels.values():
                if work > work_limit:
                    return best, work
                for then in self._decide(number, stage, label, worthwhile[number], rest):
                    work += 1
                    turning = self._tables.sequences.turning(then.sequences)
                    if then.worth - turning > best.score and not self._turns_for_checks(then):
                        best = Selection(then.worth - turning, _picks(then.chain), then.sequences)
                        if best.score >= target:
                            target = best.score + 1
                            self._needed = target * SCALE
                    kept = self._forget(number, stage, then, demand)
                    key = (kept.packed, kept.brought, kept.sequences, kept.unchecked, kept.frontier)
                    rival = found.get(key)
                    if rival is None or kept.worth > rival.worth:
                        found[key] = kept
                work += 1
            labels = found
        return best, work

    # --- one decision ---

    def _decide(
        self, number: int, stage: Stage, label: Label, worthwhile: list[tuple[Pick, int]], rest: _Rest
    ) -> Iterator[Label]:
        """Yields what a label can become at a stage, as far as it can still reach the target."""
        sequences = self._tables.sequences
        after = rest.after(number, label.brought)
        if label.gain - self._turning(label.sequences) + after >= self._needed and rest.optional[number]:
            yield label
        followed = tuple(entry for entry in label.frontier if entry[0] in stage.follows)
        for pick, paid in worthwhile:
            packed, gain = label.packed + pick.packed, label.gain + paid
            new = pick.companions & ~label.brought
            if new:
                more, price = self._bring(new)
                packed, gain = packed + more, gain - price
            if (self._room - packed) & self._tables.packing.guards != self._tables.packing.guards:
                continue
            brought = label.brought | pick.companions
            after = rest.after(number, brought)
            if gain + after < self._needed:
                continue
            holding, unchecked, added = self._order(number, stage, followed, pick)
            affordable = sequences.affordable(packed & self._time)
            holding &= label.sequences & affordable
            if holding and gain - self._turning(holding) + after >= self._needed:
                frontier = label.frontier + added
                chain = Chain(pick, label.chain)
                unchecked &= label.unchecked & affordable
                yield Label(label.worth + pick.worth, gain, packed, brought, holding, unchecked, frontier, chain)

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

    def _order(
        self, number: int, stage: Stage, followed: Frontier, pick: Pick
    ) -> tuple[Sequences, Sequences, Frontier]:
        """Returns the sequences that hold a pick after what it follows, with and without checks, and who waits."""
        key = (number, followed, pick.tasks)
        if key not in self._orders:
            tables, done_by = self._tables, self._tables.sequences.done_by
            done = {task: by for task, by, _ in followed}
            unchecked = {task: by for task, _, by in followed}
            holding = holding_unchecked = tables.sequences.all
            for task in pick.tasks:
                positions = tables.positions[task]
                earlier = [first for first in stage.earlier.get(task, ()) if first in done]
                done[task] = unchecked[task] = done_by(positions, (done[first] for first in earlier))
                holding &= done[task][-1]
                if task not in tables.checks:
                    work = (unchecked[first] for first in earlier if first not in tables.checks)
                    unchecked[task] = done_by(positions, work)
                    holding_unchecked &= unchecked[task][-1]
            waiting = tuple((task, done[task], unchecked[task]) for task in pick.tasks if task in stage.followed)
            self._orders[key] = (holding, holding_unchecked, waiting)
        return self._orders[key]

    def _turns_for_checks(self, label: Label) -> bool:
        """Whether a label would need less turning without its checks."""
        turning = self._tables.sequences.turning
        return label.unchecked != 0 and turning(label.sequences) > turning(label.unchecked)

    def _settled(self, labels: dict[Key, Label]) -> dict[Key, Label]:
        """Settles the turning: no work follows, so from here on nothing may add to it."""
        settled: dict[Key, Label] = {}
        for key, label in labels.items():
            if not label.unchecked:
                settled[key] = label
            elif not self._turns_for_checks(label):
                least = self._tables.sequences.with_least_turning(label.sequences)
                settled[key] = label._replace(sequences=least, unchecked=0)
        return settled

    def _longest_turning(self) -> int:
        return max(self._tables.sequences.sequences[number].turning for number in bits(self._sequences))

    def _forget(self, number: int, stage: Stage, label: Label, demand: _Demand) -> Label:
        """Returns a label without what no later stage can ask for, so that more labels are alike."""
        stages = self._tables.stages
        later = stages[number + 1].companions if number + 1 < len(stages) else 0
        frontier = label.frontier
        if stage.closed:
            frontier = tuple(entry for entry in frontier if entry[0] not in stage.closed)
        packing = self._tables.packing
        most = demand.after(number, label.packed)
        never_reached = (self._room - label.packed - most) & packing.guards
        packed = label.packed & stage.kept & packing.without(never_reached)
        return label._replace(packed=packed, brought=label.brought & later, frontier=frontier)

    # --- estimates ---

    def _base(self) -> int:
        """Returns what all caps hold at their prices; the estimate of a label starts from here."""
        return self._estimate.total - sum(self._estimate.best)

    def _turning(self, sequences: Sequences) -> int:
        """Returns what the least turning and the fewest turns take off the score [points / SCALE]."""
        return self._estimate.turning(self._tables.sequences.turning(sequences))

    def _worthwhile(self, slack: int) -> list[list[tuple[Pick, int]]]:
        """Returns by stage the picks that lose no more than the slack, and what each gains by itself."""
        kept: list[list[tuple[Pick, int]]] = []
        for stage, here in enumerate(self._picks):
            least = self._estimate.best[stage] - slack
            gains = zip(here, self._estimate.paid[stage], self._estimate.whole[stage], strict=True)
            kept.append([(pick, paid) for pick, paid, whole in gains if whole >= least])
        return kept


class _Demand:
    """What the stages after a stage can take of each cap at most, so that a cap that is out of reach is forgotten.

    Of the stages that count as a muscle no more are taken than the limit on muscles leaves; the rest can all be taken.
    """

    def __init__(
        self, tables: Tables, worthwhile: list[list[tuple[Pick, int]]], room: int, longest_turning: int
    ) -> None:
        packing = tables.packing
        self._tables = tables
        self._muscles = tables.place.get(MUSCLES, -1)
        # The limit of this space: where only demanded packages are in play it is not the limit of the problem.
        self._limit = packing.amount(room - packing.guards, self._muscles) if self._muscles >= 0 else 0
        self._memory: dict[tuple[int, int], int] = {}
        # By stage: what comes on top in any case, and for each cap what the counting stages after it take, most first.
        self._always: list[int] = []
        self._counting: list[list[list[int]]] = []
        always = tables.packing.pack([(TIME_PLACE, longest_turning)])
        columns: list[list[int]] = [[] for _ in tables.caps]
        companions = 0
        for here in reversed(worthwhile):
            self._always.append(always + sum(tables.companion_packed[number] for number in bits(companions)))
            self._counting.append([sorted(column, reverse=True) for column in columns])
            amounts = [dict(pick.amounts) for pick, _ in here]
            most = [max((one.get(place, 0) for one in amounts), default=0) for place in range(len(columns))]
            if here and all(self._muscles in one for one in amounts):
                for column, amount in zip(columns, most, strict=True):
                    column.append(amount)
            else:
                always += tables.packing.pack(enumerate(most))
            for pick, _ in here:
                companions |= pick.companions
        self._always.reverse()
        self._counting.reverse()

    def after(self, number: int, packed: int) -> int:
        """Returns the most that the stages after stage `number` can take, packed, with the longest turning."""
        packing = self._tables.packing
        left = len(self._counting[number][TIME_PLACE])
        if self._muscles >= 0:
            left = min(left, self._limit - packing.amount(packed, self._muscles))
        key = (number, left)
        if key not in self._memory:
            columns = self._counting[number]
            most = ((place, sum(c if place == self._muscles else c[:left])) for place, c in enumerate(columns))
            self._memory[key] = self._always[number] + packing.pack(most)
        return self._memory[key]


class _Rest:
    """What the stages after a stage can add at most, given which companions are there already."""

    def __init__(
        self, estimate: Estimate, worthwhile: list[list[tuple[Pick, int]]], slack: int, stages: tuple[Stage, ...]
    ) -> None:
        self._stages = stages
        self._shares = estimate.shares
        self._worthwhile = worthwhile
        self._memory: list[dict[int, int]] = [{} for _ in stages]
        # A stage has to pick something if no plan that leaves it out can reach the target.
        self.optional = [best <= slack for best in estimate.best]

    def after(self, number: int, brought: int) -> int:
        """Returns the most that the stages after stage `number` can add."""
        if number + 1 == len(self._stages):
            return 0
        number += 1
        brought &= self._stages[number].companions
        memory = self._memory[number]
        if brought not in memory:
            shares = self._shares[number]
            best = 0 if self.optional[number] else -NEVER
            for pick, gain in self._worthwhile[number]:
                new = pick.companions & ~brought
                whole = gain - sum(shares[c] for c in bits(new)) if new else gain
                best = max(best, whole)
            memory[brought] = best + self.after(number, brought)
        return memory[brought]


def _picks(chain: Chain | None) -> tuple[Pick, ...]:
    picks: list[Pick] = []
    while chain:
        picks.append(chain.pick)
        chain = chain.earlier
    return tuple(reversed(picks))
