"""A record store in memory, for tests: it keeps nothing beyond the process.

It holds the same sealed bytes as the Redis store, so seals, damage and the check of a clinic are the real ones.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from operator import itemgetter

from services.store import trail
from services.store.layout import Layout, collections_of
from services.store.model import (
    Actor,
    Entry,
    EtagMismatch,
    Inspect,
    Note,
    Page,
    RecordDamaged,
    RecordExists,
    RecordMissing,
    Refusal,
    Request,
    RequestReused,
    Revision,
    Write,
)
from services.store.seals import Sealer, entry_of_note, entry_of_refusal, entry_of_write, stored_revision


class MemoryClinic:
    """The stored bytes of one clinic. Implements `services.store.trail.Copy`."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.entries: list[tuple[int, bytes]] = []
        self.revisions: dict[str, bytes] = {}
        self.indexes: dict[str, dict[str, int]] = defaultdict(dict)
        self.requests: dict[str, tuple[str, str, int]] = {}
        self.seq = 0
        self.grown = asyncio.Event()

    def append(self, sealed: bytes) -> int:
        """Adds an entry to the trail, wakes the watchers and returns the entry's seq."""
        self.seq += 1
        self.entries.append((self.seq, sealed))
        self.grown.set()
        self.grown = asyncio.Event()
        return self.seq

    async def last_seq(self) -> int:
        """Returns the seq up to which the trail was ever written."""
        return self.seq

    async def trail(self, after: int, limit: int) -> Sequence[tuple[int, bytes]]:
        """Returns the next entries of the trail."""
        start = bisect_right(self.entries, after, key=itemgetter(0))
        return self.entries[start : start + limit]

    async def values(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        """Returns what is stored under the keys."""
        return [self.revisions.get(key) for key in keys]

    async def listed(self, index: str) -> Sequence[tuple[str, int]]:
        """Returns the record names of an index, each with the seq of its creation."""
        return list(self.indexes.get(index, {}).items())

    async def keys(self) -> AsyncIterator[str]:
        """Yields every key of the clinic."""
        for key in (*self.revisions, *self.indexes, *self.requests):
            yield key


class MemoryStore:
    """Implements `RecordStore` over dictionaries, in one event loop. What a request made is remembered for ever."""

    def __init__(self, sealer: Sealer, service: str = "memory") -> None:
        self._sealer, self._service = sealer, service
        self._clinics: dict[str, MemoryClinic] = {}

    def clinic(self, clinic: str) -> MemoryClinic:
        """Returns the stored bytes of a clinic."""
        if clinic not in self._clinics:
            self._clinics[clinic] = MemoryClinic(Layout(self._service, clinic))
        return self._clinics[clinic]

    async def write(self, write: Write) -> Revision:
        """Stores the next revision and returns it."""
        clinic = self.clinic(write.actor.clinic)
        if write.request and (earlier := await self.replay(write.actor, write.request)):
            return earlier
        newest = clinic.layout.newest(write.name)
        previous = self._previous(clinic, write)
        entry = entry_of_write(self._sealer, write, previous=previous, written_after=clinic.seq)
        sealed = self._sealer.seal(clinic.layout.scope, entry)
        seq = clinic.append(sealed.sealed)
        if previous:
            clinic.revisions[clinic.layout.earlier(write.name, previous.revision)] = clinic.revisions[newest]
        else:
            for collection in collections_of(write.name):
                clinic.indexes[clinic.layout.index(collection)][write.name] = seq
        clinic.revisions[newest] = stored_revision(seq, sealed.sealed, write.content)
        placed = sealed.placed(seq)
        if write.request:
            key = clinic.layout.request(write.actor, write.request)
            clinic.requests[key] = (write.request.body_digest, write.name, placed.revision)
        return Revision(content=write.content, entry=placed)

    def _previous(self, clinic: MemoryClinic, write: Write) -> Entry | None:
        stored = clinic.revisions.get(clinic.layout.newest(write.name))
        if write.expected_etag is None:
            if stored is not None:
                raise RecordExists(write.name)
            return None
        if stored is None:
            raise RecordMissing(write.name)
        previous = self._sealer.open_revision(clinic.layout.scope, write.name, stored).entry
        if previous.etag != write.expected_etag:
            raise EtagMismatch(write.name)
        return previous

    async def replay(self, actor: Actor, request: Request) -> Revision | None:
        """Returns what the same request made before, or None."""
        clinic = self.clinic(actor.clinic)
        if (earlier := clinic.requests.get(clinic.layout.request(actor, request))) is None:
            return None
        body_digest, name, revision = earlier
        if body_digest != request.body_digest:
            raise RequestReused(request.request_id)
        return await self.read(actor.clinic, name, revision)

    async def refuse(self, refusal: Refusal) -> None:
        """Writes one audit entry for a refused call."""
        clinic = self.clinic(refusal.actor.clinic)
        entry = entry_of_refusal(self._sealer, refusal, written_after=clinic.seq)
        clinic.append(self._sealer.seal(clinic.layout.scope, entry).sealed)

    async def note(self, note: Note) -> None:
        """Writes one entry to the audit trail."""
        clinic = self.clinic(note.actor.clinic)
        entry = entry_of_note(self._sealer, note, written_after=clinic.seq)
        clinic.append(self._sealer.seal(clinic.layout.scope, entry).sealed)

    async def read(self, clinic: str, name: str, revision: int | None = None) -> Revision:
        """Returns a revision, the newest if `revision` is None."""
        copy = self.clinic(clinic)
        if (stored := copy.revisions.get(copy.layout.newest(name))) is None:
            raise RecordMissing(name)
        newest = self._sealer.open_revision(copy.layout.scope, name, stored)
        if revision is None or revision == newest.entry.revision:
            return newest
        if (stored := copy.revisions.get(copy.layout.earlier(name, revision))) is None:
            raise RecordMissing(name)
        return self._sealer.open_revision(copy.layout.scope, name, stored)

    async def list(self, clinic: str, collection: str, limit: int, after: int | None = None) -> Page:
        """Lists newest revisions of a collection, newest record first."""
        copy = self.clinic(clinic)
        listed = sorted(await copy.listed(copy.layout.index(collection)), key=lambda item: -item[1])
        rest = [(name, seq) for name, seq in listed if after is None or seq < after]
        revisions = [await self._listed(clinic, name) for name, _ in rest[:limit]]
        return Page(revisions=tuple(revisions), next_after=rest[limit - 1][1] if len(rest) > limit else None)

    async def _listed(self, clinic: str, name: str) -> Revision:
        try:
            return await self.read(clinic, name)
        except RecordMissing:
            raise RecordDamaged(f"{name} is listed and not there") from None

    async def history(self, clinic: str, name: str, limit: int, after: int | None = None) -> tuple[Entry, ...]:
        """Returns entries of one record, newest first, below revision `after`."""
        newest = (await self.read(clinic, name)).entry.revision
        first = newest if after is None else min(newest, after - 1)
        return tuple(
            [(await self.read(clinic, name, number)).entry for number in range(first, max(first - limit, 0), -1)]
        )

    async def events(self, clinic: str, after: int) -> AsyncIterator[Entry]:
        """Yields the entries of accepted writes with `seq` > `after`, in order, then new ones as they happen."""
        copy = self.clinic(clinic)
        while True:
            grown = copy.grown
            for seq, sealed in await copy.trail(after, trail.BATCH):
                if seq != after + 1:
                    raise RecordDamaged(f"entries {after + 1} to {seq - 1} are missing")
                entry = self._sealer.open(copy.layout.scope, seq, sealed)
                after = seq
                if entry.revision:
                    yield entry
            if copy.seq <= after:
                await grown.wait()

    async def verify(self, clinic: str, inspect: Mapping[str, Inspect] | None = None) -> tuple[str, ...]:
        """Checks every chain, seal and sequence number of the clinic."""
        copy = self.clinic(clinic)
        return await trail.verify(self._sealer, copy.layout, copy, inspect)
