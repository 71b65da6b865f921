"""What every client is asked must be able to change the plan."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.lint.finding import Finding
from knowledge.model import KnowledgeBase

RULE = "ask_always_without_rule"
REMEDY = "add the rule that makes the answer count"


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields conditions asked of everybody that no rule names."""
    named = {condition for rule in base.rules.values() for condition in rule.conditions}
    for condition in base.conditions.values():
        if condition.ask_always and condition.id not in named:
            yield Finding(RULE, condition.id, "is always asked and no rule names it", REMEDY)
