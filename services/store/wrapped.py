"""A record store over another one: what looks at records on their way overrides what it looks at."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from typing import cast

from services.store.model import Actor, Entry, Inspect, Note, Page, RecordStore, Refusal, Request, Revision, Write


class WrappedStore:
    """Implements `RecordStore`; everything goes to the store below."""

    def __init__(self, store: RecordStore) -> None:
        self._store = store

    async def write(self, write: Write) -> Revision:
        """Stores the next revision."""
        return await self._store.write(write)

    async def replay(self, actor: Actor, request: Request) -> Revision | None:
        """Returns what the same request made before."""
        return await self._store.replay(actor, request)

    async def refuse(self, refusal: Refusal) -> None:
        """Writes one audit entry for a refused call."""
        await self._store.refuse(refusal)

    async def note(self, note: Note) -> None:
        """Writes one entry to the audit trail."""
        await self._store.note(note)

    async def read(self, clinic: str, name: str, revision: int | None = None) -> Revision:
        """Returns a revision."""
        return await self._store.read(clinic, name, revision)

    async def list(self, clinic: str, collection: str, limit: int, after: int | None = None) -> Page:
        """Lists newest revisions of a collection."""
        return await self._store.list(clinic, collection, limit, after)

    async def history(self, clinic: str, name: str, limit: int, after: int | None = None) -> tuple[Entry, ...]:
        """Returns entries of one record."""
        return await self._store.history(clinic, name, limit, after)

    async def events(self, clinic: str, after: int) -> AsyncIterator[Entry]:
        """Yields entries."""
        async with aclosing(cast("AsyncGenerator[Entry]", self._store.events(clinic, after))) as events:
            async for entry in events:
                yield entry

    async def verify(self, clinic: str, inspect: Mapping[str, Inspect] | None = None) -> tuple[str, ...]:
        """Checks the clinic."""
        return await self._store.verify(clinic, inspect)
