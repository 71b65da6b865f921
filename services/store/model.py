"""What the record store keeps: the words both services share for a durable, chained, revisioned record.

The store knows nothing of assessments or plans. A record is a name, a chain of revisions, and the sealed entry of each:
who did what, when, and the digest of the content. `services.store.memory` and `services.store.redis` implement
`RecordStore`; one contract suite runs on both.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts: taken from the credential, never from a request."""

    clinic: str
    person: str
    display_name: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Makes a write repeatable: the same `method` and `request_id` by the same person returns the first result.

    `body_digest` is the SHA-256 (hexadecimal) of the canonical request without `request_id`.
    """

    method: str
    request_id: str
    body_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One atomic write: the next revision of one record with everything that goes with it.

    `name`: resource name, `clients/{client}/{collection}/{id}`. `expected_etag`: the etag of the revision this one
    replaces, `None` when the record must not exist yet. `content`: the whole new document. `facts`: small public facts
    of the new revision, kept in the entry and in the event (state, client): never health data.
    `changes`: field paths and finding ids, never values. `time_micros`: microseconds since the epoch.
    """

    actor: Actor
    name: str
    expected_etag: str | None
    content: bytes
    action: str
    time_micros: int
    reason: str = ""
    changes: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    request: Request | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where an event stands: its place in the order, and the revision that it is about.

    The `etag` is like no other in any clinic; it shows that the event was really seen.
    """

    seq: int
    revision: int
    etag: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The sealed entry of one revision (or of one refusal, with `revision` 0 and an empty `etag`).

    `seq` orders the clinic's events; it is the cursor of a watcher. `seal` is the HMAC-SHA-256 over everything else but
    `seq` and `etag`, and over the seal of the revision before (`previous_seal`), with the key `key_id` that is not in
    the store. The store gives `seq` after the seal is made; `written_after`, the highest seq that the writer had seen,
    is sealed in its place, so an entry cannot be moved in front of what came before it.
    """

    seq: int
    name: str
    revision: int
    etag: str
    action: str
    person: str
    display_name: str
    roles: tuple[str, ...]
    time_micros: int
    reason: str
    changes: tuple[str, ...]
    facts: Mapping[str, str]
    content_digest: str
    previous_seal: str
    written_after: int
    key_id: str
    seal: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A stored revision: its content and its entry."""

    content: bytes
    entry: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of newest revisions, newest record first. `next_after`: the position to go on from, `None` at the end."""

    revisions: tuple[Revision, ...]
    next_after: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A refused call that has to be audited: it touches no record and makes no event for watchers."""

    actor: Actor
    name: str
    action: str
    reason: str
    time_micros: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something for the audit trail alone, like who read what: it touches no record and makes no event for watchers."""

    actor: Actor
    action: str
    time_micros: int
    reason: str = ""
    changes: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)


class StoreError(Exception):
    """Base of what a store can answer instead of a result."""


class RecordExists(StoreError):
    """The record was to be created and is there already."""


class RecordMissing(StoreError):
    """There is no such record (or no such revision) in this clinic."""


class EtagMismatch(StoreError):
    """The record changed since the etag was read. Nothing was written."""


class RequestReused(StoreError):
    """The request id was used before with another body. Nothing was written."""


class StoreUnavailable(StoreError):
    """The store cannot be reached or did not answer; whether the write happened is unknown. Retry by request id."""


class StoreNotDurable(StoreError):
    """The store would not keep what it acknowledges; the text names the setting. Nothing was written."""


class RecordDamaged(StoreError):
    """A stored revision does not match its seal."""


class StoreRolledBack(StoreError):
    """What is stored of a clinic is older than its anchor, or another; the text names what is missing."""


Inspect = Callable[[Entry, bytes], Iterable[str]]
"""Looks into the content of one revision and returns its problems; called for a record's revisions in their order."""


class RecordStore(Protocol):
    """A durable store of chained records, one name space per clinic.

    Every method may raise `StoreUnavailable`, and `StoreRolledBack` for a clinic whose records went back in time; reads
    may raise `RecordDamaged`.
    """

    async def write(self, write: Write) -> Revision:
        """Stores the next revision and returns it; acknowledged only when durable.

        A repeated request returns the revision that the first one made, whatever happened since.
        Raises RecordExists, RecordMissing, EtagMismatch, RequestReused, StoreNotDurable.
        """
        ...

    async def replay(self, actor: Actor, request: Request) -> Revision | None:
        """Returns what the same request made before, or None. Raises RequestReused."""
        ...

    async def refuse(self, refusal: Refusal) -> None:
        """Writes one audit entry for a refused call. Raises StoreNotDurable."""
        ...

    async def note(self, note: Note) -> None:
        """Writes one entry to the audit trail. Raises StoreNotDurable."""
        ...

    async def read(self, clinic: str, name: str, revision: int | None = None) -> Revision:
        """Returns a revision (the newest if `revision` is None), its seal checked. Raises RecordMissing."""
        ...

    async def list(self, clinic: str, collection: str, limit: int, after: int | None = None) -> Page:
        """Lists newest revisions of the records of one collection, newest record first.

        `collection`: `clients/{client}/plans`, or `clients/-/plans` for those of all clients.
        """
        ...

    async def history(self, clinic: str, name: str, limit: int, after: int | None = None) -> tuple[Entry, ...]:
        """Returns entries of one record, newest first, below revision `after`. Raises RecordMissing."""
        ...

    def events(self, clinic: str, after: int) -> AsyncIterator[Entry]:
        """Yields the entries of accepted writes with `seq` > `after`, in order, then new ones as they happen."""
        ...

    async def verify(self, clinic: str, inspect: Mapping[str, Inspect] | None = None) -> tuple[str, ...]:
        """Checks every chain, seal and sequence number of the clinic; one sentence per problem, empty if sound.

        `inspect`: by collection (`plans`), what looks into the contents.
        """
        ...
