"""Following satellites to their key must come to an end: in a circle nothing is the key."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.lint.cycles import cycles
from knowledge.lint.finding import Finding
from knowledge.model import KnowledgeBase

RULE = "satellite_cycle"
REMEDY = "leave out the weakest link"


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields circles of muscles of which each is a satellite of the next."""
    for cycle in cycles((edge.muscle, edge.key) for edge in base.satellite_of):
        yield Finding(RULE, " -> ".join(cycle), "goes round in a circle", REMEDY)
