"""A rule tests a detail in the way it is asked: a number by limits, a choice by words, a truth by yes or no."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from knowledge.lint.finding import Finding
from knowledge.model import KnowledgeBase, Parameter, When

RULE = "rule_test_unlike_parameter"
REMEDY = "test it as it is asked"


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields tests that do not fit the kind, the range or the choices of their detail."""
    for rule in base.rules.values():
        for condition in rule.conditions:
            for parameter in base.conditions[condition].parameters:
                for test in rule.when:
                    if test.parameter == parameter.key and (problem := _problem(test, parameter)):
                        yield Finding(RULE, rule.id, f"'{parameter.key}' of '{condition}' {problem}", REMEDY)


def _problem(test: When, parameter: Parameter) -> str:
    used = {
        "number": test.at_least is not None or test.below is not None,
        "text": bool(test.is_one_of),
        "truth": test.is_true is not None,
    }
    if not any(used.values()):
        return "is not tested for anything"
    if [kind for kind, is_used in used.items() if is_used] != [parameter.kind]:
        return f"is a {parameter.kind} and is tested as something else"
    if unknown := [word for word in test.is_one_of if word not in parameter.choices]:
        return f"has no choice {', '.join(unknown)}"
    limits = [limit for limit in (test.at_least, test.below) if limit is not None]
    low = -inf if parameter.min is None else parameter.min
    high = inf if parameter.max is None else parameter.max
    if any(not low <= limit <= high for limit in limits):
        return "is tested outside its range"
    return ""
