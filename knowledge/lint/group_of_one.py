"""A group word stands for at least two muscles; a second name of one muscle belongs to that muscle."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.lint.finding import Finding
from knowledge.model import KnowledgeBase

RULE = "group_of_one"
REMEDY = "add members, or make the word a name of the muscle"


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields muscle groups with fewer than two members."""
    for group in base.muscle_groups.values():
        if len(set(group.members)) < 2:  # noqa: PLR2004 - one is no group
            yield Finding(RULE, group.id, "has fewer than two members", REMEDY)
