"""Follows the events of a clinic's assessments."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from services.assessment.domain.errors import AssessmentMissing, FieldProblem, RequestInvalid
from services.assessment.usecases.records import Records
from services.store.model import Entry, Position

EVERY_CLIENT = "clients/-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """The events under `parent` behind a position; None: from the beginning."""

    clinic: str
    parent: str
    after: Position | None


async def watch_assessments(records: Records, query: Watch) -> AsyncGenerator[Entry, None]:
    """Yields events in order, then new ones as they happen. Raises RequestInvalid for a position nobody was given."""
    after = 0
    if query.after is not None:
        await _check(records, query.clinic, query.after)
        after = query.after.seq
    async with aclosing(records.events(query.clinic, after)) as events:
        async for entry in events:
            if query.parent == EVERY_CLIENT or entry.facts["client"] == query.parent:
                yield entry


async def _check(records: Records, clinic: str, position: Position) -> None:
    """Refuses a position of another clinic, or behind the end of a store that was put back: it would wait for ever."""
    try:
        entry = await records.entry(clinic, position.name, position.revision)
    except AssessmentMissing:
        entry = None
    if entry is None or (entry.seq, entry.etag) != (position.seq, position.etag):
        raise RequestInvalid([FieldProblem("cursor", "is not a cursor of this clinic's events")])
