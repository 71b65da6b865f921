"""A motion in the middle, such as bending the neck forward, is limited by the muscles of both sides."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.lint.finding import Finding
from knowledge.model import KnowledgeBase, Side

RULE = "midline_motion_on_one_side"
REMEDY = "write the side both"


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields edges that limit a midline motion from one side."""
    for edge in base.limits_motion:
        if base.motions[edge.motion].sides == ("midline",) and edge.side is not Side.BOTH:
            yield Finding(RULE, f"limits_motion {edge.motion} -> {edge.muscle}", f"is on the side {edge.side}", REMEDY)
