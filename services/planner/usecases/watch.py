"""Follows what happens to the plans of a clinic."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from services.planner.domain.errors import FieldProblem, RequestInvalid, ResourceMissing
from services.planner.usecases.plans import Plans
from services.store.model import Entry, Position

EVERY_CLIENT = "clients/-"
_PLANS = "plans"


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchPlans:
    """The events under `parent` behind a position; None: from the beginning."""

    clinic: str
    parent: str
    after: Position | None


async def watch_plans(plans: Plans, query: WatchPlans) -> AsyncGenerator[Entry, None]:
    """Yields events in order, then new ones as they happen. Raises RequestInvalid for a position nobody was given."""
    after = 0
    if query.after is not None:
        await _check(plans, query.clinic, query.after)
        after = query.after.seq
    async with aclosing(plans.events(query.clinic, after)) as events:
        async for entry in events:
            client, collection = entry.name.rsplit("/", 2)[:2]
            if collection == _PLANS and query.parent in {EVERY_CLIENT, client}:
                yield entry


async def _check(plans: Plans, clinic: str, position: Position) -> None:
    """Refuses a position of another clinic, or behind the end of a store that was put back: it would wait for ever."""
    try:
        entry = await plans.entry(clinic, position.name, position.revision)
    except ResourceMissing:
        entry = None
    if entry is None or (entry.seq, entry.etag) != (position.seq, position.etag):
        raise RequestInvalid((FieldProblem("cursor", "is not a cursor of this clinic's events"),))
