"""Every zone that a client can shade must have at least one muscle that usually refers there."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.lint.finding import Finding
from knowledge.model import KnowledgeBase, Role

RULE = "zone_without_primary_muscle"
REMEDY = "say which muscle usually refers to it"


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields zones that muscles only spill over to."""
    usual = {edge.zone for edge in base.refers_to if edge.role is Role.PRIMARY}
    reached = {edge.zone for edge in base.refers_to}
    for zone in base.zones:
        if zone in reached and zone not in usual:
            yield Finding(RULE, zone, "no muscle usually refers to it", REMEDY)
