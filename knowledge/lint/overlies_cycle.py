"""What lies over what must come to an end at the bone."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.lint.cycles import cycles
from knowledge.lint.finding import Finding
from knowledge.model import KnowledgeBase

RULE = "overlies_cycle"
REMEDY = "leave out the link that is wrong"


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields circles of muscles of which each lies over the next."""
    for cycle in cycles((edge.muscle, edge.deeper) for edge in base.overlies):
        yield Finding(RULE, " -> ".join(cycle), "goes round in a circle", REMEDY)
