"""No number about bodies or sessions stands without the source it is from."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.lint.finding import Finding
from knowledge.model import KnowledgeBase

RULE = "number_without_source"
REMEDY = "name the source; editorial is one"


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields norms, measurement errors, limits and planning numbers that name no source."""
    for motion in base.motions.values():
        for norm in motion.norms:
            if not norm.source:
                yield Finding(RULE, motion.id, f"the norm {norm.value:g} has no source", REMEDY)
        for error in motion.measurement_errors:
            if not error.source:
                yield Finding(RULE, motion.id, f"the measurement error {error.value:g} has no source", REMEDY)
        if not motion.limit_source:
            yield Finding(RULE, motion.id, "its limits have no source", REMEDY)
    for number in base.planning.values():
        if not number.source:
            yield Finding(RULE, number.id, "has no source", REMEDY)
