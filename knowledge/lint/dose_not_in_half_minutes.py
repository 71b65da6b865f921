"""A session is laid out in half minutes, and so is every dose."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.lint.finding import Finding
from knowledge.model import KnowledgeBase

RULE = "dose_not_in_half_minutes"
REMEDY = "round it to half minutes"

_HALF_MINUTE = 30


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields doses that are not a multiple of 30 seconds."""
    for technique in base.techniques.values():
        for dose in technique.doses:
            if dose.seconds <= 0 or dose.seconds % _HALF_MINUTE:
                yield Finding(RULE, f"{technique.id}.{dose.level}", f"lasts {dose.seconds} s", REMEDY)
