"""A rule that sends the client to somebody says how soon."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.lint.finding import Finding
from knowledge.model import KnowledgeBase, Scope

RULE = "refer_without_urgency"
REMEDY = "add the urgency"


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields rules of the scope refer without an urgency."""
    for rule in base.rules.values():
        if rule.scope is Scope.REFER and rule.urgency is None:
            yield Finding(RULE, rule.id, "refers and does not say how soon", REMEDY)
