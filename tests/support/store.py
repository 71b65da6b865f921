"""Words for tests of the record store: short writes, and a hand that changes stored bytes behind its back."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from redis.asyncio import Redis

from services.store.layout import Layout
from services.store.memory import MemoryClinic, MemoryStore
from services.store.model import Actor, RecordStore, Refusal, Request, Write
from services.store.seals import Sealer, digest_of

SEALER = Sealer.from_key(b"a key for tests, of 32 bytes .. ")
SERVICE = "assessment"
RECORD = "clients/ada/assessments/first"
OTHER_RECORD = "clients/ada/assessments/second"
RECORD_OF_ANOTHER_CLIENT = "clients/ben/assessments/first"

_clinics = itertools.count(1)
_micros = itertools.count(1_700_000_000_000_000)


def new_clinic() -> str:
    """Returns a clinic that no other test uses."""
    return f"clinic-{next(_clinics)}"


def person(clinic: str, name: str = "tess") -> Actor:
    """Returns a therapist of a clinic."""
    return Actor(clinic=clinic, person=name, display_name=name.title(), roles=("therapist",))


def request(request_id: str, body: str = "body", method: str = "/myoplan.Test/Write") -> Request:
    """Returns what makes a write repeatable."""
    return Request(method=method, request_id=request_id, body_digest=digest_of(body.encode()))


def write(
    actor: Actor,
    name: str = RECORD,
    *,
    after: str | None = None,
    content: bytes = b"content",
    action: str = "record",
    facts: Mapping[str, str] | None = None,
    changes: tuple[str, ...] = (),
    asked: Request | None = None,
) -> Write:
    """Returns a write; `after` is the etag that it replaces."""
    return Write(
        actor=actor,
        name=name,
        expected_etag=after,
        content=content,
        action=action,
        time_micros=next(_micros),
        reason="because",
        changes=changes,
        facts=facts or {"state": "OPEN"},
        request=asked,
    )


def refusal(actor: Actor, name: str = RECORD) -> Refusal:
    """Returns a refused call. Two of them are equal, down to the time."""
    return Refusal(actor=actor, name=name, action="complete", reason="PERMISSION", time_micros=1_700_000_000_000_000)


class Hand(Protocol):
    """Changes the stored bytes of one clinic as somebody with access to the store could."""

    layout: Layout

    async def trail(self) -> list[tuple[int, bytes]]:
        """Returns the trail: seq and sealed bytes."""
        ...

    async def put_trail(self, entries: Sequence[tuple[int, bytes]]) -> None:
        """Puts another trail in place of the real one."""
        ...

    async def get(self, key: str) -> bytes:
        """Returns a stored revision."""
        ...

    async def put(self, key: str, value: bytes) -> None:
        """Stores other bytes."""
        ...

    async def drop(self, key: str) -> None:
        """Removes a key."""
        ...

    async def list_record(self, collection: str, name: str, seq: int) -> None:
        """Puts a name in a list."""
        ...

    async def unlist_record(self, collection: str, name: str) -> None:
        """Takes a name out of a list."""
        ...


class MemoryHand:
    """`Hand` over a memory store."""

    def __init__(self, clinic: MemoryClinic) -> None:
        self.layout = clinic.layout
        self._clinic = clinic

    async def trail(self) -> list[tuple[int, bytes]]:
        return list(self._clinic.entries)

    async def put_trail(self, entries: Sequence[tuple[int, bytes]]) -> None:
        self._clinic.entries = list(entries)
        self._clinic.seq = entries[-1][0] if entries else 0

    async def get(self, key: str) -> bytes:
        return self._clinic.revisions[key]

    async def put(self, key: str, value: bytes) -> None:
        self._clinic.revisions[key] = value

    async def drop(self, key: str) -> None:
        del self._clinic.revisions[key]

    async def list_record(self, collection: str, name: str, seq: int) -> None:
        self._clinic.indexes[self.layout.index(collection)][name] = seq

    async def unlist_record(self, collection: str, name: str) -> None:
        del self._clinic.indexes[self.layout.index(collection)][name]


class RedisHand:
    """`Hand` over a Redis server."""

    def __init__(self, client: Redis, layout: Layout) -> None:
        self.layout = layout
        self._client = client

    async def trail(self) -> list[tuple[int, bytes]]:
        entries: Any = await self._client.xrange(self.layout.trail)
        return [(int(place.split(b"-")[0]), fields[b"sealed"]) for place, fields in entries]

    async def put_trail(self, entries: Sequence[tuple[int, bytes]]) -> None:
        await self._client.delete(self.layout.trail)
        for seq, sealed in entries:
            await self._client.xadd(self.layout.trail, {"sealed": sealed}, id=f"{seq}-0")

    async def get(self, key: str) -> bytes:
        value = await self._client.get(key)
        assert isinstance(value, bytes)
        return value

    async def put(self, key: str, value: bytes) -> None:
        await self._client.set(key, value)

    async def drop(self, key: str) -> None:
        await self._client.delete(key)

    async def list_record(self, collection: str, name: str, seq: int) -> None:
        await self._client.zadd(self.layout.index(collection), {name: seq})

    async def unlist_record(self, collection: str, name: str) -> None:
        await self._client.zrem(self.layout.index(collection), name)


@dataclass(frozen=True, slots=True)
class Place:
    """A store under test with a fresh clinic in it. `client` is None for the memory store."""

    store: RecordStore
    clinic: str
    client: Redis | None

    def hand(self, clinic: str | None = None) -> Hand:
        """Returns the hand that changes what is stored of a clinic."""
        if isinstance(self.store, MemoryStore):
            return MemoryHand(self.store.clinic(clinic or self.clinic))
        assert self.client is not None
        return RedisHand(self.client, Layout(SERVICE, clinic or self.clinic))
