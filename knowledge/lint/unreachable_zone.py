"""Every zone that a client can shade must lead to at least one muscle."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.lint.finding import Finding
from knowledge.model import KnowledgeBase

RULE = "unreachable_zone"
REMEDY = "say which muscles refer to it"


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields zones that no muscle refers to."""
    reached = {edge.zone for edge in base.refers_to}
    for zone in base.zones:
        if zone not in reached:
            yield Finding(RULE, zone, "no muscle refers to it", REMEDY)
