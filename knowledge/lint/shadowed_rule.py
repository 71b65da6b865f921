"""A rule that another, stricter one always covers changes nothing and hides what is meant."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.lint.finding import Finding
from knowledge.model import KnowledgeBase, SafetyRule, Scope
from knowledge.strictness import lost

RULE = "shadowed_rule"
REMEDY = "leave it out, or make it say what it adds"


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields rules all of whose stops and cuts another makes when they fire; those that only tell something pass."""
    rules = tuple(base.rules.values())
    for position, rule in enumerate(rules):
        if rule.scope is Scope.MODIFY and rule.cuts is None and rule.urgency is None:
            continue
        for place, other in enumerate(rules):
            # Of two rules that cover each other the later one is told.
            if place != position and _covers(other, rule) and (place < position or not _covers(rule, other)):
                yield Finding(RULE, rule.id, f"'{other.id}' does all of it already", REMEDY)
                break


def _covers(other: SafetyRule, rule: SafetyRule) -> bool:
    return set(rule.conditions) <= set(other.conditions) and not any(lost(rule, other))
