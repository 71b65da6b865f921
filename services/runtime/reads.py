"""Which records a call reads: noted between the store and the use cases, so that no way to a record is left out."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import aclosing
from contextvars import ContextVar
from typing import cast

from services.store.model import (
    Actor,
    Entry,
    Page,
    Request,
    Revision,
    Write,
)
from services.store.wrapped import WrappedStore


class Reads:
    """What one call has read so far, the names in the order in which they came."""

    def __init__(self) -> None:
        self._read: dict[str, None] = {}
        self._listed: dict[str, None] = {}
        self._written: set[str] = set()

    def read(self, name: str) -> None:
        """Notes a record, or a collection that was listed."""
        self._read[name] = None

    def listed(self, names: Iterable[str]) -> None:
        """Notes what a list held. It counts only if the answer names it: the use case may have kept some of it back."""
        self._listed |= dict.fromkeys(names)

    def written(self, name: str) -> None:
        """Notes a record that the call changed: that is an entry of the trail already."""
        self._written.add(name)

    def forget(self, name: str) -> None:
        """Takes back a record that never left the service."""
        self._read.pop(name, None)

    def answered(self, message: bytes) -> None:
        """Takes the bytes of an answer, a protocol buffer, that goes to the caller."""
        self._read |= dict.fromkeys(name for name in self._listed if _field(name) in message)
        self._listed.clear()

    def take(self) -> tuple[str, ...]:
        """Returns what was read and begins anew."""
        names = tuple(name for name in self._read if name not in self._written)
        self._read.clear()
        self._listed.clear()
        return names


def _field(name: str) -> bytes:
    """Returns how a message holds a name as one of its texts: its length, then its bytes."""
    text = name.encode()
    length = [len(text)] if len(text) < 0x80 else [len(text) & 0x7F | 0x80, len(text) >> 7]  # noqa: PLR2004
    return bytes(length) + text


_reads: ContextVar[Reads | None] = ContextVar("reads", default=None)


def set_current_reads(reads: Reads) -> None:
    """Makes `reads` the one in which the rest of this task is noted."""
    _reads.set(reads)


class NotedStore(WrappedStore):
    """Implements `RecordStore` over another one and notes what the call under way reads; outside of a call nothing."""

    async def write(self, write: Write) -> Revision:
        """Stores the next revision."""
        revision = await self._store.write(write)
        _current().written(revision.entry.name)
        return revision

    async def replay(self, actor: Actor, request: Request) -> Revision | None:
        """Returns what the same request made before."""
        revision = await self._store.replay(actor, request)
        if revision:
            _current().read(revision.entry.name)
        return revision

    async def read(self, clinic: str, name: str, revision: int | None = None) -> Revision:
        """Returns a revision. That somebody asked for a record that is not there is noted too."""
        _current().read(name)
        return await self._store.read(clinic, name, revision)

    async def list(self, clinic: str, collection: str, limit: int, after: int | None = None) -> Page:
        """Lists newest revisions of a collection."""
        page = await self._store.list(clinic, collection, limit, after)
        _current().read(collection)
        _current().listed(revision.entry.name for revision in page.revisions)
        return page

    async def history(self, clinic: str, name: str, limit: int, after: int | None = None) -> tuple[Entry, ...]:
        """Returns entries of one record: reading the audit is a read like any other."""
        _current().read(name)
        return await self._store.history(clinic, name, limit, after)

    async def events(self, clinic: str, after: int) -> AsyncIterator[Entry]:
        """Yields entries. One that the use case passes over, asking for the next at once, is not counted."""
        reads = _current()
        async with aclosing(cast("AsyncGenerator[Entry]", self._store.events(clinic, after))) as events:
            async for entry in events:
                reads.read(entry.name)
                yield entry
                reads.forget(entry.name)


def _current() -> Reads:
    return _reads.get() or Reads()
