"""A muscle is released before it is lengthened."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.lint.finding import Finding
from knowledge.model import KnowledgeBase, Phase

RULE = "lengthening_without_release"
REMEDY = "list the release techniques under needs"


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields lengthening techniques that need no release before them."""
    for technique in base.techniques.values():
        released = any(base.techniques[needed].phase is Phase.RELEASE for needed in technique.needs)
        if technique.phase is Phase.LENGTHEN and not released:
            yield Finding(RULE, technique.id, "lengthens and needs no release", REMEDY)
