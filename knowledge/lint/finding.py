"""What a rule of the linter finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from knowledge.kinds import EDGES, ends_of


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Something in the knowledge that does not make sense: `subject` is an id or the two ends of an edge."""

    rule: str
    subject: str
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.subject}: {self.message} ({self.remedy})"


def subject_of(thing: Any) -> str:
    """Returns how a finding names a node (its id) or an edge (`kind first -> second`)."""
    for name, kind in EDGES.items():
        if isinstance(thing, kind.type):
            return f"{name} {' -> '.join(ends_of(kind, thing))}"
    return str(thing.id)
