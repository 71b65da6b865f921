"""Whatever a fact names, a source above all, must exist."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.kinds import NODES
from knowledge.lint.finding import Finding, subject_of
from knowledge.load import dangling, things
from knowledge.model import KnowledgeBase

RULE = "dangling_reference"
REMEDY = "use an id that exists"


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields ids that nothing has; the loader refuses them too, this holds for knowledge that was built otherwise."""
    nodes = {kind.field: getattr(base, kind.field) for kind in NODES.values()}
    for thing in things(base):
        for message in dangling(thing, nodes):
            yield Finding(RULE, subject_of(thing), message, REMEDY)
