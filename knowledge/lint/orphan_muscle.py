"""A muscle that no pain, motion or other muscle leads to is never found in a client."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.lint.finding import Finding
from knowledge.model import KnowledgeBase

RULE = "orphan_muscle"
REMEDY = "say where it refers to or what it limits"


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields muscles that refer nowhere, limit nothing and are neither key nor satellite."""
    led_to = {
        *(edge.muscle for edge in base.refers_to),
        *(edge.muscle for edge in base.limits_motion),
        *(muscle for edge in base.satellite_of for muscle in (edge.muscle, edge.key)),
    }
    for muscle in base.muscles:
        if muscle not in led_to:
            yield Finding(RULE, muscle, "no zone, motion or muscle leads to it", REMEDY)
