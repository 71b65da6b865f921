"""A muscle that may be treated must say how the client lies and how the hand takes it."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.lint.finding import Finding
from knowledge.model import KnowledgeBase, Tier

RULE = "muscle_without_access"
REMEDY = "add an access, or the tier refer"


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields muscles without a way to reach them; those that are always referred need none."""
    for muscle in base.muscles.values():
        if not muscle.access and muscle.tier is not Tier.REFER:
            yield Finding(RULE, muscle.id, "nothing says how to reach it", REMEDY)
