"""A muscle in the middle of the body has no other side to refer to or to be limited from."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.lint.finding import Finding
from knowledge.model import KnowledgeBase, Side

RULE = "midline_muscle_on_one_side"
REMEDY = "write both, or same"


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields edges of unpaired muscles that name the opposite side."""
    for refers in base.refers_to:
        if refers.side is Side.OPPOSITE and not base.muscles[refers.muscle].paired:
            yield Finding(RULE, f"refers_to {refers.muscle} -> {refers.zone}", "is opposite to the middle", REMEDY)
    for limits in base.limits_motion:
        if limits.side is Side.OPPOSITE and not base.muscles[limits.muscle].paired:
            yield Finding(
                RULE, f"limits_motion {limits.motion} -> {limits.muscle}", "is opposite to the middle", REMEDY
            )
    for satellite in base.satellite_of:
        paired = base.muscles[satellite.muscle].paired and base.muscles[satellite.key].paired
        if satellite.side is Side.OPPOSITE and not paired:
            subject = f"satellite_of {satellite.muscle} -> {satellite.key}"
            yield Finding(RULE, subject, "is opposite to the middle", REMEDY)
