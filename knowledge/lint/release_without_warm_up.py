"""Deep release work comes only after the tissue was warmed."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.lint.finding import Finding
from knowledge.model import KnowledgeBase, Phase

RULE = "release_without_warm_up"
REMEDY = "list the warm-up techniques under needs"

# The tissue load from which work counts as deep.
_DEEP = 2


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields release techniques with a tissue load of 2 or more that need no warm-up before them."""
    for technique in base.techniques.values():
        deep = any(dose.tissue_load >= _DEEP for dose in technique.doses)
        warmed = any(base.techniques[needed].phase is Phase.WARM_UP for needed in technique.needs)
        if technique.phase is Phase.RELEASE and deep and not warmed:
            yield Finding(RULE, technique.id, "is deep work and needs no warm-up", REMEDY)
