"""A muscle that every therapist expects to find must have at least one zone it usually refers to."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.lint.finding import Finding
from knowledge.model import KnowledgeBase, Role, Tier

RULE = "must_muscle_without_primary_zone"
REMEDY = "give it its primary zone"


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields muscles of the tier must without a primary zone."""
    usual = {edge.muscle for edge in base.refers_to if edge.role is Role.PRIMARY}
    for muscle in base.muscles.values():
        if muscle.tier is Tier.MUST and muscle.id not in usual:
            yield Finding(RULE, muscle.id, "is a must muscle and usually refers nowhere", REMEDY)
