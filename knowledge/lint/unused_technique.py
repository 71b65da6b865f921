"""A technique that is used on no muscle is never in a plan."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.lint.finding import Finding
from knowledge.model import KnowledgeBase, Phase

RULE = "unused_technique"
REMEDY = "say which muscles it is used on"

_ON_MUSCLES = {Phase.WARM_UP, Phase.CONFIRM, Phase.RELEASE, Phase.LENGTHEN}


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields techniques for muscles that no muscle is treated by; those of the session as a whole need no muscle."""
    used = {edge.technique for edge in base.treated_by}
    for technique in base.techniques.values():
        if technique.phase in _ON_MUSCLES and technique.id not in used:
            yield Finding(RULE, technique.id, "is used on no muscle", REMEDY)
