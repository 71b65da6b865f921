"""A rule must be able to fire: it cannot need more conditions than it names, nor tests that exclude each other."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.lint.finding import Finding
from knowledge.model import KnowledgeBase

RULE = "rule_can_never_fire"
REMEDY = "correct at_least or the tests"


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields rules that nothing a client answers can fire."""
    for rule in base.rules.values():
        if not 1 <= rule.at_least <= len(set(rule.conditions)):
            told = f"needs {rule.at_least} of {len(set(rule.conditions))} conditions"
            yield Finding(RULE, rule.id, told, REMEDY)
        for one in rule.when:
            for other in rule.when:
                empty = one.at_least is not None and other.below is not None and one.at_least >= other.below
                if one.parameter == other.parameter and empty:
                    yield Finding(RULE, rule.id, f"no '{one.parameter}' passes its tests", REMEDY)
