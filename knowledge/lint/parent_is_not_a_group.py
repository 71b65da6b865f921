"""The whole of which a muscle is a part must be a group that lists the part among its members."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.lint.finding import Finding
from knowledge.model import KnowledgeBase

RULE = "parent_is_not_a_group"
REMEDY = "name a group that has it as a member"


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields muscles whose parent is no muscle group, or a group that does not have them."""
    for muscle in base.muscles.values():
        if not muscle.parent:
            continue
        group = base.muscle_groups.get(muscle.parent)
        if group is None:
            yield Finding(RULE, muscle.id, f"its parent '{muscle.parent}' is not a muscle group", REMEDY)
        elif muscle.id not in group.members:
            yield Finding(RULE, muscle.id, f"its parent '{muscle.parent}' does not list it", REMEDY)
