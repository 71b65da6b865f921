"""A rule that protects a place says which place."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.lint.finding import Finding
from knowledge.model import Cuts, KnowledgeBase, Scope

RULE = "local_rule_cuts_nothing"
REMEDY = "say what it cuts, or make it modify"


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields rules of the scope local that cut nothing."""
    for rule in base.rules.values():
        if rule.scope is Scope.LOCAL and rule.cuts in {None, Cuts()}:
            yield Finding(RULE, rule.id, "is local and cuts nothing", REMEDY)
