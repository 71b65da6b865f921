"""One fact is written once, with one source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from knowledge.kinds import EDGES, ends_of
from knowledge.lint.finding import Finding
from knowledge.model import Evidence, KnowledgeBase

RULE = "repeated_edge"
REMEDY = "keep one of them"


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields edges of which a second one says the same of the same two ends."""
    for name, kind in EDGES.items():
        counted = Counter((*ends_of(kind, edge), *_statement(edge)) for edge in getattr(base, kind.field))
        for (first, second, *_), count in counted.items():
            if count > 1:
                yield Finding(RULE, f"{name} {first} -> {second}", f"is written {count} times", REMEDY)


def _statement(edge: Evidence) -> tuple[Any, ...]:
    """Returns what an edge says, without where it is from."""
    evidence = {field.name for field in fields(Evidence)}
    return tuple(getattr(edge, field.name) for field in fields(edge) if field.name not in evidence)
