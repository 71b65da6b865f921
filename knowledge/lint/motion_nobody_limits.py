"""A motion that is measured must tell something: at least one muscle limits it."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.lint.finding import Finding
from knowledge.model import KnowledgeBase

RULE = "motion_nobody_limits"
REMEDY = "say which muscles limit it"


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields motions that no muscle limits."""
    limited = {edge.motion for edge in base.limits_motion}
    for motion in base.motions:
        if motion not in limited:
            yield Finding(RULE, motion, "no muscle limits it", REMEDY)
