"""Turning a client by way of a third position is never quicker than turning directly."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from knowledge.lint.finding import Finding
from knowledge.model import KnowledgeBase

RULE = "positions_not_a_metric"
REMEDY = "correct the times"


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields pairs of positions without a time, and times that a detour beats."""
    seconds = {frozenset(change.between): change.seconds for change in base.position_changes}
    for pair in combinations(sorted(base.positions), 2):
        direct = seconds.get(frozenset(pair))
        if direct is None or direct <= 0:
            yield Finding(RULE, " -> ".join(pair), "has no time", REMEDY)
            continue
        for third in sorted(base.positions.keys() - set(pair)):
            legs = [seconds.get(frozenset((end, third))) for end in pair]
            if None not in legs and sum(leg or 0 for leg in legs) < direct:
                yield Finding(RULE, " -> ".join(pair), f"is quicker by way of {third}", REMEDY)
