"""One word must not mean two things of the same kind."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.lint.finding import Finding
from knowledge.model import KnowledgeBase
from knowledge.names import plain

RULE = "ambiguous_name"
REMEDY = "give the name to one of them"


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields names that two muscles or muscle groups, two zones, or two conditions share."""
    for collections in ((base.muscles, base.muscle_groups), (base.zones,), (base.conditions,), (base.techniques,)):
        owners: dict[str, list[str]] = {}
        for identifier, thing in (item for collection in collections for item in collection.items()):
            for name in dict.fromkeys(plain(word) for word in (identifier, *thing.names)):
                owners.setdefault(name, []).append(identifier)
        for name, identifiers in owners.items():
            if len(identifiers) > 1:
                yield Finding(RULE, identifiers[-1], f"'{name}' is also a name of {identifiers[0]}", REMEDY)
