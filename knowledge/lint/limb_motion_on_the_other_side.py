"""A motion of a limb is limited by muscles of that limb; only neck and trunk cross the middle."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.lint.finding import Finding
from knowledge.model import KnowledgeBase, Side

RULE = "limb_motion_on_the_other_side"
REMEDY = "write the side same, or leave it out"


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields edges that limit a limb motion from a side other than the same."""
    for edge in base.limits_motion:
        if base.motions[edge.motion].side_means == "limb" and edge.side is not Side.SAME:
            yield Finding(RULE, f"limits_motion {edge.motion} -> {edge.muscle}", f"is on the side {edge.side}", REMEDY)
