"""Two hundred tamperings, wherever a clinic has bytes stored, are all found; fifty clean clinics raise no alarm."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from redis.asyncio import Redis

from services.store.layout import Layout
from services.store.model import Note
from services.store.redis import RedisStore
from tests.support.redis_server import RedisServer
from tests.support.store import SEALER, SERVICE, new_clinic, person, refusal, request, write

TAMPERINGS = 200
CLEAN = 50
SEED = 20261124
COLLECTIONS = ("plans", "comment_drafts", "predictions", "grants", "sessions")


async def fill(store: RedisStore, clinic: str, dice: random.Random, entries: int) -> None:
    """Writes records of several collections, refusals and notes in a random order."""
    actor = person(clinic)
    etags: dict[str, str] = {}
    for number in range(entries):
        match dice.randrange(8):
            case 0:
                await store.refuse(refusal(actor))
            case 1:
                lines = (f"2026-11-24T19:30:00.000Z GetPlan OK clients/ada/plans/p{number}",)
                await store.note(Note(actor=actor, action="read", time_micros=number, changes=lines))
            case _:
                name = f"clients/c{dice.randrange(3)}/{dice.choice(COLLECTIONS)}/r{dice.randrange(2)}"
                asked = write(actor, name, after=etags.get(name), content=dice.randbytes(60))
                etags[name] = (await store.write(asked)).entry.etag


@dataclass(frozen=True, slots=True)
class Kept:
    """Everything stored of a clinic, to be put back after each tampering."""

    client: Redis
    layout: Layout
    dumps: dict[bytes, bytes]

    @classmethod
    async def of(cls, client: Redis, layout: Layout) -> Kept:
        keys = [key async for key in client.scan_iter(match=f"{layout.scope}:*")]
        return cls(client, layout, {key: await client.dump(key) for key in keys})  # type: ignore[misc]

    async def put_back(self) -> None:
        """Restores every key as it was and removes what was added."""
        there = [key async for key in self.client.scan_iter(match=f"{self.layout.scope}:*")]
        async with self.client.pipeline() as pipeline:  # In one go, so that the disk is waited for once.
            pipeline.delete(*there)
            for key, dump in self.dumps.items():
                pipeline.restore(key, 0, dump)
            await pipeline.execute()

    def keys(self, kind: str) -> list[bytes]:
        return sorted(key for key in self.dumps if key.startswith(f"{self.layout.scope}:{kind}:".encode()))


async def tamper(kept: Kept, dice: random.Random) -> str:
    """Changes something and says what."""
    client, layout = kept.client, kept.layout
    records, lists = kept.keys("record"), kept.keys("index")
    key = dice.choice(records)
    kind = dice.choice(("flip", "cut", "drop", "swap", "entry", "entry away", "unlist", "move", "invent", "list away"))
    match kind:
        case "flip" | "cut":
            value = await client.get(key)
            assert isinstance(value, bytes)
            position = dice.randrange(len(value))
            changed = value[:position] + bytes([value[position] ^ (1 << dice.randrange(8))]) + value[position + 1 :]
            await client.set(key, changed if kind == "flip" else value[:position])
        case "drop":
            await client.delete(key)
        case "swap":
            other = dice.choice([one for one in records if one != key])
            values: Any = await client.mget(key, other)
            await client.mset({key: values[1], other: values[0]})
        case "invent":
            value = await client.get(key)
            await client.set(f"{layout.scope}:record:clients/eve/{dice.choice(COLLECTIONS)}/x", value or b"")
        case "entry" | "entry away":
            entries: Any = await client.xrange(layout.trail)
            place = dice.randrange(len(entries))
            sealed = entries[place][1][b"sealed"]
            position = dice.randrange(len(sealed))
            flipped = sealed[:position] + bytes([sealed[position] ^ 1]) + sealed[position + 1 :]
            if kind == "entry away":
                await client.xdel(layout.trail, entries[place][0])
            else:
                async with client.pipeline() as pipeline:
                    pipeline.delete(layout.trail)
                    for number, (seq, fields) in enumerate(entries):
                        pipeline.xadd(layout.trail, {"sealed": flipped} if number == place else fields, id=seq)
                    await pipeline.execute()
        case _:
            index = dice.choice(lists)
            members: Any = await client.zrange(index, 0, -1)
            member = dice.choice(members)
            if kind == "unlist":
                await client.zrem(index, member)
            elif kind == "move":
                await client.zincrby(index, 1, member)
            else:
                await client.delete(index)
    return f"{kind} {key!r}"


@pytest.fixture
async def client(server: RedisServer) -> AsyncIterator[Redis]:
    async with Redis.from_url(server.url, protocol=2) as client:
        yield client


async def test_200_tamperings_are_all_found(server: RedisServer, client: Redis) -> None:
    dice = random.Random(SEED)
    clinic = new_clinic()
    async with RedisStore(server.url, SERVICE, SEALER) as store:
        await fill(store, clinic, dice, 80)
        kept = await Kept.of(client, Layout(SERVICE, clinic))
        found = 0
        for number in range(TAMPERINGS):
            what = await tamper(kept, dice)
            assert await store.verify(clinic), f"seed {SEED}, tampering {number}: {what}"
            found += 1
            await kept.put_back()
        assert found == TAMPERINGS
        assert await store.verify(clinic) == (), "what was put back is sound"


async def test_50_clean_clinics_raise_no_alarm(server: RedisServer) -> None:
    async with RedisStore(server.url, SERVICE, SEALER) as store:
        for number in range(CLEAN):
            clinic, dice = new_clinic(), random.Random(SEED + number)
            await fill(store, clinic, dice, 20)
            await store.write(write(person(clinic), "clients/ada/plans/last", asked=request("r1")))
            assert await store.verify(clinic) == (), f"seed {SEED + number}"
