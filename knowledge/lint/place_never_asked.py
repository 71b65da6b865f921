"""A rule can keep hands off the flagged place only if the condition asks where that is."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.lint.finding import Finding
from knowledge.model import KnowledgeBase

RULE = "place_never_asked"
REMEDY = "set takes_zone on the condition, or name the zones in the rule"


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields rules that cut the flagged zone for a condition that takes no zone."""
    for rule in base.rules.values():
        for condition in rule.conditions:
            if rule.cuts and rule.cuts.flagged_zone and not base.conditions[condition].takes_zone:
                told = f"cuts the flagged zone and '{condition}' does not ask where"
                yield Finding(RULE, rule.id, told, REMEDY)
