"""A measured motion says which side is meant: the limb, the direction, or the middle."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.lint.finding import Finding
from knowledge.model import KnowledgeBase

RULE = "motion_side_unknown"
REMEDY = "write [left, right] or [midline], and compare sides only where there are two"


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields motions whose sides are neither left and right nor the middle."""
    for motion in base.motions.values():
        if motion.sides not in {("left", "right"), ("midline",)}:
            yield Finding(RULE, motion.id, f"has the sides {', '.join(motion.sides) or 'of nobody'}", REMEDY)
        if motion.sides == ("midline",) and (motion.compare_sides or motion.side_means == "limb"):
            yield Finding(RULE, motion.id, "is in the middle and compares sides or names a limb", REMEDY)
