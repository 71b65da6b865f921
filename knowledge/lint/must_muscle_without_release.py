"""A muscle that every therapist expects to treat must have at least one release technique."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.lint.finding import Finding
from knowledge.model import KnowledgeBase, Phase, Tier

RULE = "must_muscle_without_release"
REMEDY = "name the release techniques that are used on it"


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields muscles of the tier must that no release technique is used on."""
    released = {edge.muscle for edge in base.treated_by if base.techniques[edge.technique].phase is Phase.RELEASE}
    for muscle in base.muscles.values():
        if muscle.tier is Tier.MUST and muscle.id not in released:
            yield Finding(RULE, muscle.id, "is a must muscle without a release technique", REMEDY)
