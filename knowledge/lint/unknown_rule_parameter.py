"""A rule may test only details that its conditions ask for, or it fires without the test."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.lint.finding import Finding
from knowledge.model import KnowledgeBase

RULE = "unknown_rule_parameter"
REMEDY = "add the parameter to the condition, or split the rule"

# What a flag carries whatever its condition is.
_OF_EVERY_FLAG = {"onset_days"}


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields tests on a detail that no condition asks, or that one of them does not and is enough to fire the rule."""
    for rule in base.rules.values():
        for test in rule.when:
            asking = [condition for condition in rule.conditions if test.parameter in _asked(base, condition)]
            silent = [condition for condition in rule.conditions if condition not in asking]
            if silent and (rule.at_least == 1 or not asking):
                told = f"tests '{test.parameter}', which {' and '.join(silent)} does not ask"
                yield Finding(RULE, rule.id, told, REMEDY)


def _asked(base: KnowledgeBase, condition: str) -> set[str]:
    return {parameter.key for parameter in base.conditions[condition].parameters} | _OF_EVERY_FLAG
