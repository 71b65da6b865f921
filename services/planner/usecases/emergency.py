"""Emergency access: whoever has no clinical role reads the records of a client only with a grant that has not ended.

Guarded between the store and the use cases, so that no method has to remember it; what such a caller may call at all is
decided by the table of rights.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import cast

from services.planner.usecases.blind import CurrentReader
from services.planner.usecases.grants import COLLECTION, Grants
from services.store.model import (
    Entry,
    Page,
    RecordStore,
    Revision,
)
from services.store.wrapped import WrappedStore


class GrantedStore(WrappedStore):
    """Implements `RecordStore` over another one; reads raise BreakGlassNeeded without a clinical role or a grant."""

    def __init__(self, store: RecordStore, grants: Grants, reader: CurrentReader) -> None:
        super().__init__(store)
        self._grants, self._reader = grants, reader

    async def read(self, clinic: str, name: str, revision: int | None = None) -> Revision:
        """Returns a revision."""
        await self._check(name)
        return await self._store.read(clinic, name, revision)

    async def list(self, clinic: str, collection: str, limit: int, after: int | None = None) -> Page:
        """Lists newest revisions of a collection."""
        await self._check(collection)
        return await self._store.list(clinic, collection, limit, after)

    async def history(self, clinic: str, name: str, limit: int, after: int | None = None) -> tuple[Entry, ...]:
        """Returns entries of one record."""
        await self._check(name)
        return await self._store.history(clinic, name, limit, after)

    async def events(self, clinic: str, after: int) -> AsyncIterator[Entry]:
        """Yields entries."""
        async with aclosing(cast("AsyncGenerator[Entry]", self._store.events(clinic, after))) as events:
            async for entry in events:
                if entry.name:
                    await self._check(entry.name)
                yield entry

    async def _check(self, name: str) -> None:
        """Lets a caller pass, or raises BreakGlassNeeded. The list of grants itself is no clinical record."""
        words = name.split("/")
        client, collection = "/".join(words[:2]), words[2]
        reader = self._reader()
        if reader is not None and collection != COLLECTION:
            await self._grants.check(reader, client)
