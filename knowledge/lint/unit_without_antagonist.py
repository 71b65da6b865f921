"""Muscles that are examined together include those that pull the other way."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.lint.finding import Finding
from knowledge.model import KnowledgeBase

RULE = "unit_without_antagonist"
REMEDY = "name the muscles that pull the other way"


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields functional units without an antagonist; in a motion to one side the other side is the antagonist."""
    for unit in base.functional_units.values():
        motion = base.motions[unit.motion]
        to_one_side = motion.side_means == "direction" and motion.sides != ("midline",)
        if not to_one_side and all(member.role != "antagonist" for member in unit.members):
            yield Finding(RULE, unit.id, "has no antagonist", REMEDY)
        if all(member.role != "agonist" for member in unit.members):
            yield Finding(RULE, unit.id, "has no agonist", REMEDY)
