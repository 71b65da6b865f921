"""A reference value that cannot be measured is a slip of the pen."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.lint.finding import Finding
from knowledge.model import KnowledgeBase

RULE = "norm_outside_limits"
REMEDY = "correct the norm or the limits"


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields norms outside the hard limits of their motion, or with their ends turned round."""
    for motion in base.motions.values():
        for norm in motion.norms:
            top = norm.value if norm.value_max is None else norm.value_max
            if not motion.limit_min <= norm.value <= top <= motion.limit_max:
                limits = f"{motion.limit_min:g} to {motion.limit_max:g}"
                yield Finding(RULE, motion.id, f"the norm {norm.value:g} is not within {limits}", REMEDY)
            if norm.age_min is not None and norm.age_max is not None and norm.age_min > norm.age_max:
                yield Finding(RULE, motion.id, f"the norm {norm.value:g} has its ages turned round", REMEDY)
