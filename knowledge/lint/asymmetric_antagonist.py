"""A muscle that opposes a motion must itself drive the opposite motion, where that is measured."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.lint.finding import Finding
from knowledge.model import KnowledgeBase, Motion

RULE = "asymmetric_antagonist"
REMEDY = "make it an agonist or synergist of the opposite motion, or leave it out"

_OPPOSITE_WORDS = (
    ("flexion", "extension"),
    ("abduction", "adduction"),
    ("medial", "lateral"),
    ("pronation", "supination"),
    ("radial", "ulnar"),
    ("dorsiflexion", "plantarflexion"),
    ("inversion", "eversion"),
)
_OPPOSITE = {**dict(_OPPOSITE_WORDS), **{other: word for word, other in _OPPOSITE_WORDS}}


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields antagonists of a motion that are neither agonist nor synergist in the units of the opposite motion."""
    for unit in base.functional_units.values():
        opposite = {motion.id for motion in base.motions.values() if _opposed(base.motions[unit.motion], motion)}
        units = [other for other in base.functional_units.values() if other.motion in opposite]
        driving = {member.muscle for other in units for member in other.members if member.role in _DRIVES}
        for member in unit.members:
            if units and member.role == "antagonist" and member.muscle not in driving:
                told = f"opposes it and does not drive {' or '.join(sorted(opposite))}"
                yield Finding(RULE, f"{unit.id} -> {member.muscle}", told, REMEDY)


_DRIVES = {"agonist", "synergist"}


def _opposed(one: Motion, other: Motion) -> bool:
    """Whether two motions of a joint differ in one word only, as flexion and extension; a test position may follow."""
    if one.joint != other.joint:
        return False
    pairs = list(zip(one.motion.split("_"), other.motion.split("_"), strict=False))
    different = [(word, word_of_other) for word, word_of_other in pairs if word != word_of_other]
    return len(different) == 1 and _OPPOSITE.get(different[0][0]) == different[0][1]
