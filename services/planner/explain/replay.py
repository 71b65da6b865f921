"""Makes a plan again from what it was made from, and finds the first value that differs."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from itertools import zip_longest
from typing import Any

from services.planner.domain.errors import DemandUnsafe, EditNeedsOverride
from services.planner.domain.plan import PLANNER_VERSION, PlanContent
from services.planner.graph.index import KnowledgeGraph
from services.planner.session.propose import PlanRequest, propose

_MOST_CHARACTERS = 80
_ABSENT = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """Whether a plan comes out the same. With a `reason_not_replayable` nothing was compared."""

    identical: bool = False
    first_difference: str = ""
    reason_not_replayable: str = ""


def replay(stored: PlanContent, graph: KnowledgeGraph) -> Replay:
    """Returns whether this planner makes the same plan from the same snapshot and constraints."""
    reason = reason_not_replayable(stored, graph)
    if reason:
        return Replay(reason_not_replayable=reason)
    try:
        made = propose(request_of(stored), graph)
    except (DemandUnsafe, EditNeedsOverride):
        return Replay(first_difference="what was demanded is refused now")
    difference = first_difference(stored, made)
    return Replay(identical=not difference, first_difference=difference)


def reason_not_replayable(stored: PlanContent, graph: KnowledgeGraph) -> str:
    """Returns why a plan cannot be made again here; empty: it can.

    Another planner or other knowledge may rightly give another plan, so that would say nothing about this one.
    """
    if stored.planner_version != PLANNER_VERSION:
        return f"planner version {stored.planner_version} made it; this is version {PLANNER_VERSION}"
    if stored.knowledge_revision != graph.base.revision:
        return f"it was made from knowledge {stored.knowledge_revision}; this planner has {graph.base.revision}"
    return ""


def request_of(stored: PlanContent) -> PlanRequest:
    """Returns what the planner was asked when it made a plan."""
    return PlanRequest(
        assessment=stored.assessment,
        assessment_etag=stored.assessment_etag,
        snapshot=stored.snapshot,
        constraints=stored.constraints,
        time_budget_seconds=stored.time_budget_seconds,
        kept=stored.kept,
    )


def first_difference(stored: Any, made: Any, path: str = "") -> str:
    """Returns the path of the first value that differs with both values; empty: none does."""
    if is_dataclass(stored) and type(stored) is type(made):
        pairs = [(f"{path}.{one.name}".lstrip("."), one.name) for one in fields(stored)]
        found = (first_difference(getattr(stored, name), getattr(made, name), where) for where, name in pairs)
        return next(filter(None, found), "")
    if isinstance(stored, tuple) and isinstance(made, tuple):
        items = enumerate(zip_longest(stored, made, fillvalue=_ABSENT))
        return next(filter(None, (first_difference(one, other, f"{path}[{n}]") for n, (one, other) in items)), "")
    return "" if stored == made else f"{path}: stored {_shown(stored)}, made again {_shown(made)}"


def _shown(value: Any) -> str:
    if value is _ABSENT or value is None:
        return "nothing"
    text = value.value if isinstance(value, Enum) else str(getattr(value, "id", value))
    return text if len(text) <= _MOST_CHARACTERS else text[:_MOST_CHARACTERS] + "…"
