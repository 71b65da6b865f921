"""A muscle that lies over another is not of a deeper layer than that one."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.lint.finding import Finding
from knowledge.model import Depth, KnowledgeBase

RULE = "overlies_against_depth"
REMEDY = "turn the edge round, leave it out, or correct a depth"


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields edges whose upper muscle has the deeper word of depth."""
    layers = tuple(Depth)
    for edge in base.overlies:
        upper, lower = base.muscles[edge.muscle].depth, base.muscles[edge.deeper].depth
        if layers.index(upper) > layers.index(lower):
            yield Finding(RULE, f"overlies {edge.muscle} -> {edge.deeper}", f"is {upper} over {lower}", REMEDY)
