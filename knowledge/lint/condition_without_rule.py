"""A condition that no safety rule names changes nothing, and that must be meant."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.lint.finding import Finding
from knowledge.model import KnowledgeBase

RULE = "condition_without_rule"
REMEDY = "add a rule, or an exception that says why it changes nothing"


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields conditions that no rule names, apart from those that are always asked."""
    named = {condition for rule in base.rules.values() for condition in rule.conditions}
    for condition in base.conditions.values():
        if condition.id not in named and not condition.ask_always:
            yield Finding(RULE, condition.id, "no rule names it", REMEDY)
