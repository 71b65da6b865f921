"""A source that no fact cites does not belong to the list of sources."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.lint.finding import Finding
from knowledge.load import references, things
from knowledge.model import KnowledgeBase

RULE = "unused_source"
REMEDY = "cite it or leave it out"


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields sources that nothing cites."""
    cited = {
        identifier
        for thing in things(base)
        for _, identifier, collection in references(thing)
        if collection == "sources"
    }
    for source in base.sources:
        if source not in cited:
            yield Finding(RULE, source, "no fact cites it", REMEDY)
