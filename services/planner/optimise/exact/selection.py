"""A whole selection: whether it keeps to everything, what it scores, and small ways to a better one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations, product

from services.planner.domain.problem import Cap, Package, Variant
from services.planner.optimise.exact.prices import Estimate, Picks
from services.planner.optimise.exact.sequences import Sequences
from services.planner.optimise.exact.tables import HANDS, MUSCLES, REGION, TIME, TISSUE, Pick, Tables


@dataclass(frozen=True, slots=True)
class Selection:
    """A whole selection with its score, and the sequences that hold it in time."""

    score: int
    picks: tuple[Pick, ...]
    sequences: Sequences


def selected(tables: Tables, picks: Iterable[Pick]) -> Selection | None:
    """Returns a selection with its score, or None if it breaks the time, a cap or the order, or turns for a check."""
    picks = tuple(picks)
    parts = [part for pick in picks for part in pick.parts]
    tasks = [task for pick in picks for task in pick.tasks]
    sequences = tables.holding(tasks) & tables.sequences.affordable(tables.asked(parts)[TIME])
    if not sequences or broken_cap(tables, parts) or tables.turns_for_checks(tasks, sequences):
        return None
    score = sum(pick.worth for pick in picks) - tables.sequences.turning(sequences)
    return Selection(score, picks, sequences)


def broken_cap(tables: Tables, parts: Iterable[tuple[Package, Variant]]) -> Cap | None:
    """Returns the first cap that these packages break; demanded ones may exceed the limit on muscles by themselves."""
    parts = tuple(parts)
    over = {name for name, amount in tables.asked(parts).items() if amount > tables.limits[name]}
    if MUSCLES in over and any(package.counts and not package.demanded for package, _ in parts):
        return Cap.MUSCLES
    if over & {TISSUE, *(name for name in over if name.startswith(REGION))}:
        return Cap.TISSUE_LOAD
    return Cap.HAND_LOAD if over & set(HANDS) else None


def rounded(tables: Tables, picks: Picks, estimate: Estimate, best: Selection) -> Selection:
    """Takes what pays best at these prices, stage by stage, as far as it fits; returns it if it is better than `best`.

    The prices say what each pick is worth after all that it takes, so this is a greedy choice that looks ahead.
    """
    paying = sorted(
        (-whole, stage, place)
        for stage, here in enumerate(estimate.whole)
        for place, whole in enumerate(here)
        if whole > 0
    )
    chosen: dict[int, Pick] = {}
    found: Selection | None = None
    for _, stage, place in paying:
        if stage not in chosen:
            pick = picks[stage][place]
            more = selected(tables, [*chosen.values(), pick])
            if more:
                chosen[stage], found = pick, more
    return found if found and found.score > best.score else best


def favour_stronger(tables: Tables, best: Selection) -> Selection:
    """Of equally good selections: gives more to the stronger of two muscles where the other gives up as much for it.

    Where no such exchange is left, the fixed order of the search has decided.
    """
    parts = {package.rank: (package, variant) for pick in best.picks for package, variant in pick.parts}
    ranks = sorted(parts)
    exchanges = (
        {**parts, strong: (parts[strong][0], more), weak: (parts[weak][0], less)}
        for strong, weak in combinations(ranks, 2)
        for more, less in product(parts[strong][0].variants, parts[weak][0].variants)
        if more.benefit > parts[strong][1].benefit
        and more.benefit + less.benefit == parts[strong][1].benefit + parts[weak][1].benefit
    )
    for exchanged in exchanges:
        other = selected(tables, [tables.pick(tuple(exchanged.values()))])
        if other and other.score == best.score:
            return favour_stronger(tables, other)
    return best
