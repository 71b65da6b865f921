"""The optimistic estimate: what could be gained at most if every cap had a price instead of a limit.

Every unit of time, load and so on is charged a price; then each stage takes whatever pays best by itself, and what the
caps hold in total, at these prices, is added. Whatever the prices, no plan within the caps is worth more (Lagrangian
relaxation). A companion that several packages share is charged to them in shares that add up to its price. Prices and
shares are moved step by step to where the estimate is lowest (subgradient method; Held, Wolfe & Crowder 1974).

Prices are found with floating point numbers, added by `fsum`, whose result is the same in every version of Python; then
they are rounded, and what is proven with them is proven in whole numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum

from services.planner.optimise.exact.sequences import Sequences
from services.planner.optimise.exact.tables import TIME_PLACE, Pick, Tables, bits

# Prices are whole multiples of 1 / SCALE points, so that estimates are exact and the same everywhere.
SCALE = 1 << 12

_NEARLY_ALL = 1 - 1e-6
_FIRST_HOPE = 0.08
_LAST_HOPE = 0.001
_PATIENCE = 3
_ROUNDS_TO_DROP = 5

Picks = Sequence[Sequence[Pick]]


@dataclass(frozen=True, slots=True)
class Estimate:
    """What could be gained at given prices; everything in points / SCALE.

    `units`: the price of a unit of each cap. `shares`: by stage, what it is charged of each companion.
    `paid`: by stage and pick, worth less the price of what it takes, companions not included; `whole`: included.
    `best`: by stage, the most that it can gain, 0 for leaving it out. `total`: the bound, turning not yet taken off.
    """

    units: tuple[int, ...]
    shares: tuple[dict[int, int], ...]
    companion_price: tuple[int, ...]
    paid: tuple[tuple[int, ...], ...]
    whole: tuple[tuple[int, ...], ...]
    best: tuple[int, ...]
    total: int

    def turning(self, half_minutes: int) -> int:
        """Returns what turning takes off: its time at the price of time, and that less turning is better."""
        return (self.units[TIME_PLACE] + SCALE) * half_minutes


class Market:
    """Finds prices for some picks, and drops those that cannot be part of anything better than what is known.

    `work` counts the picks that were priced.
    """

    def __init__(self, tables: Tables, picks: Picks, caps: Sequence[int]) -> None:
        self._tables = tables
        self._caps = caps
        self._turning = 0
        self._all_picks = picks
        self.picks = [list(here) for here in picks]
        self._units = [0.0] * len(caps)
        self._split = self._even_split()
        self.work = 0

    def restart(self) -> None:
        """Takes up all picks again at the present prices."""
        self.picks = [list(here) for here in self._all_picks]

    def keep_to(self, sequences: Sequences) -> None:
        """Drops the picks that none of these sequences can hold; turning costs what it costs in the best of them."""
        if sequences:
            tables = self._tables
            self._turning = tables.sequences.turning(sequences)
            self.picks = [[pick for pick in here if tables.holding(pick.tasks) & sequences] for here in self.picks]

    def improve(self, target: int, rounds: int) -> None:
        """Moves the prices to where the estimate is lower, at best `target`.

        Each round goes as far as would bring the estimate down to what it is hoped to become (Polyak's step): at first
        a few percent lower, then ever less as rounds pass without success.
        """
        best, state = float("inf"), (self._units, self._split)
        hope, idle = _FIRST_HOPE, 0
        for spent in range(1, rounds + 1):
            total, gains, slopes, takers = self._look()
            if total < best:
                best, state, idle = total, (list(self._units), [dict(here) for here in self._split]), 0
                if spent % _ROUNDS_TO_DROP == 0:
                    self._drop(total - target, gains)
            else:
                idle += 1
                if idle == _PATIENCE:
                    hope, idle = hope / 2, 0
            if best < target + 1 or hope < _LAST_HOPE:
                break
            self._move(total - max(target, best * (1 - hope)), slopes, takers, hope / _FIRST_HOPE)
        self._units, self._split = state

    def _look(self) -> tuple[float, list[list[float]], list[float], list[set[int]]]:
        """Returns the estimate, the gain of every pick, the slope by cap, and who would bring each companion."""
        tables, units = self._tables, self._units
        companion_price = [fsum(units[cap] * amount for cap, amount in amounts) for amounts in tables.companion_amounts]
        slopes: list[float] = list(self._caps)
        slopes[TIME_PLACE] -= self._turning
        total = fsum(unit * left for unit, left in zip(units, slopes, strict=True)) - self._turning
        takers: list[set[int]] = [set() for _ in companion_price]
        gains: list[list[float]] = []
        for stage, here in enumerate(self.picks):
            split = self._split[stage]
            shares = {number: companion_price[number] * part for number, part in split.items()}
            together: dict[int, float] = {}
            gains_here: list[float] = []
            for pick in here:
                brought = pick.companions
                if brought not in together:
                    together[brought] = fsum(shares[number] for number in bits(brought))
                gain = pick.worth - together[brought]
                for cap, amount in pick.amounts:
                    gain -= units[cap] * amount
                gains_here.append(gain)
            gains.append(gains_here)
            best = max(gains_here, default=0.0)
            if best > 0:
                total += best
                taken = here[gains_here.index(best)]
                for cap, amount in taken.amounts:
                    slopes[cap] -= amount
                for number in bits(taken.companions):
                    takers[number].add(stage)
                    for cap, amount in tables.companion_amounts[number]:
                        slopes[cap] -= amount * split[number]
        self.work += sum(map(len, gains))
        return total, gains, slopes, takers

    def _move(self, gap: float, slopes: list[float], takers: list[set[int]], reach: float) -> None:
        """Moves the prices along the slopes so far that the gap would close, and shares towards those who take."""
        sizes = [max(cap, 1) for cap in self._caps]
        scaled = [slope / size for slope, size in zip(slopes, sizes, strict=True)]
        steep = fsum(slope * slope for slope, unit in zip(scaled, self._units, strict=True) if slope < 0 or unit > 0)
        if steep > 0:
            step = gap / steep
            self._units = [
                max(0.0, unit - step * slope / size)
                for unit, slope, size in zip(self._units, scaled, sizes, strict=True)
            ]
        for stage, split in enumerate(self._split):
            for number in split:
                if takers[number]:
                    split[number] *= 1 + 0.5 * reach if stage in takers[number] else 1 - 0.4 * reach
        self._level()

    def _level(self) -> None:
        """Makes the shares of every companion add up to one again."""
        totals = [0.0] * len(self._tables.companions)
        for split in self._split:
            for number, part in split.items():
                totals[number] += part
        for split in self._split:
            for number in split:
                split[number] /= totals[number]

    def _drop(self, slack: float, gains: list[list[float]]) -> None:
        """Drops the picks that lose more than the slack against the best that their stage could do."""
        for stage, here in enumerate(self.picks):
            least = max(0.0, *gains[stage], 0.0) - slack
            self.picks[stage] = [pick for pick, gain in zip(here, gains[stage], strict=True) if gain >= least]

    def _even_split(self) -> list[dict[int, float]]:
        users = [sorted({number for pick in here for number in bits(pick.companions)}) for here in self.picks]
        count = [sum(number in here for here in users) for number in range(len(self._tables.companions))]
        return [{number: 1 / count[number] for number in here} for here in users]

    def estimate(self) -> Estimate:
        """Returns the exact estimate at the present prices, rounded to whole numbers."""
        tables = self._tables
        units = tuple(round(unit * SCALE) for unit in self._units)
        companion_price = tuple(sum(units[cap] * a for cap, a in amounts) for amounts in tables.companion_amounts)
        # A little less than the whole, so that rounded shares never add up to more than the price.
        shares = tuple(
            {number: int(companion_price[number] * part * _NEARLY_ALL) for number, part in split.items()}
            for split in self._split
        )
        total = sum(unit * cap for unit, cap in zip(units, self._caps, strict=True))
        paid: list[tuple[int, ...]] = []
        whole: list[tuple[int, ...]] = []
        for stage, here in enumerate(self.picks):
            paid.append(tuple(pick.worth * SCALE - sum(units[cap] * a for cap, a in pick.amounts) for pick in here))
            together = {c: sum(shares[stage][number] for number in bits(c)) for c in {p.companions for p in here}}
            whole.append(tuple(gain - together[pick.companions] for pick, gain in zip(here, paid[-1], strict=True)))
        best = tuple(max(0, *gains, 0) for gains in whole)
        return Estimate(units, shares, companion_price, tuple(paid), tuple(whole), best, total + sum(best))
