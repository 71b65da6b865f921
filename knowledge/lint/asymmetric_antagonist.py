"""A muscle that opposes a motion must itself drive a motion of the same joint."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.lint.finding import Finding
from knowledge.model import KnowledgeBase

RULE = "asymmetric_antagonist"
REMEDY = "make it an agonist or synergist of the opposite motion, or leave it out"


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields antagonists that are agonist or synergist in no functional unit of the same joint."""
    driving = {
        (base.motions[unit.motion].joint, member.muscle)
        for unit in base.functional_units.values()
        for member in unit.members
        if member.role in {"agonist", "synergist"}
    }
    for unit in base.functional_units.values():
        joint = base.motions[unit.motion].joint
        for member in unit.members:
            if member.role == "antagonist" and (joint, member.muscle) not in driving:
                yield Finding(RULE, f"{unit.id} -> {member.muscle}", f"opposes and drives nothing at: {joint}", REMEDY)
