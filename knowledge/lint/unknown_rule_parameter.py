"""A rule may test only details that all its conditions ask for, or it fires unseen on the others."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.lint.finding import Finding
from knowledge.model import KnowledgeBase

RULE = "unknown_rule_parameter"
REMEDY = "add the parameter to the condition, or split the rule"

# What a flag carries whatever its condition is.
_OF_EVERY_FLAG = {"onset_days"}


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields tests on a detail that a condition of the rule does not have."""
    for rule in base.rules.values():
        for condition in rule.conditions:
            asked = {parameter.key for parameter in base.conditions[condition].parameters} | _OF_EVERY_FLAG
            for test in rule.when:
                if test.parameter not in asked:
                    told = f"tests '{test.parameter}', which '{condition}' does not ask"
                    yield Finding(RULE, rule.id, told, REMEDY)
