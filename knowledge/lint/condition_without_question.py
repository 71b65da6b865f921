"""A condition that can change a plan must have a question that can be put to the client."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.lint.finding import Finding
from knowledge.model import KnowledgeBase

RULE = "condition_without_question"
REMEDY = "write the question as it is asked"


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields conditions and details without a question."""
    for condition in base.conditions.values():
        if not condition.question.strip():
            yield Finding(RULE, condition.id, "has no question", REMEDY)
        for parameter in condition.parameters:
            if not parameter.question.strip():
                yield Finding(RULE, f"{condition.id}.{parameter.key}", "has no question", REMEDY)
