"""redis-server is killed again and again under writers who repeat by request id: nothing is lost, nothing doubled.

A kill of the process alone leaves the page cache alive, so this does not prove the syncing to disk; it proves that the
script is whole or absent, that the append-only file is replayed, and that repeating works across restarts.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field

from services.store.model import EtagMismatch, Revision, StoreUnavailable, Write
from services.store.redis import RedisStore
from tests.support.dropping_proxy import DroppingProxy
from tests.support.redis_server import RedisServer
from tests.support.store import SEALER, SERVICE, new_clinic, person, request, write

KILLS = 12
WRITERS = 8
ACKNOWLEDGED_BETWEEN_KILLS = 40
MOST_SECONDS = 30


@dataclass
class Acknowledged:
    """What the writers were told, and the signals between them and the killer."""

    revisions: list[Revision] = field(default_factory=list)
    lost_answers: int = 0
    serving: asyncio.Event = field(default_factory=asyncio.Event)
    enough: asyncio.Event = field(default_factory=asyncio.Event)
    done: asyncio.Event = field(default_factory=asyncio.Event)
    wanted: int = ACKNOWLEDGED_BETWEEN_KILLS

    def add(self, revision: Revision) -> None:
        self.revisions.append(revision)
        if len(self.revisions) >= self.wanted:
            self.enough.set()


async def insist(store: RedisStore, asked: Write, told: Acknowledged) -> Revision:
    """Repeats a write until it is answered."""
    while True:
        try:
            return await store.write(asked)
        except StoreUnavailable:
            told.lost_answers += 1
            await told.serving.wait()


async def work(store: RedisStore, clinic: str, writer: int, told: Acknowledged) -> None:
    """Creates records and revises each twice, and adds findings to one record that all writers share."""
    actor = person(clinic, f"writer-{writer}")
    shared = "clients/shared/assessments/shared"
    count = 0
    while not told.done.is_set():
        name = f"clients/c{writer}/assessments/a{count}"
        after = None
        for step in range(3):
            asked = write(actor, name, after=after, content=f"{name} {step}".encode(), asked=request(f"{name}-{step}"))
            revision = await insist(store, asked, told)
            assert revision.content == asked.content
            told.add(revision)
            after = revision.entry.etag
        await add_finding(store, clinic, shared, f"{writer}-{count}", told)
        count += 1


async def add_finding(store: RedisStore, clinic: str, name: str, finding: str, told: Acknowledged) -> None:
    """Appends a finding to a record; after a lost race it reads again and asks anew, with a new request id."""
    attempt = 0
    while True:
        try:
            newest = await store.read(clinic, name)
        except StoreUnavailable:
            await told.serving.wait()
            continue
        asked = write(
            person(clinic),
            name,
            after=newest.entry.etag,
            content=newest.content + f"{finding} ".encode(),
            asked=request(f"{finding}-{attempt}"),
        )
        attempt += 1
        try:
            told.add(await insist(store, asked, told))
        except EtagMismatch:
            continue
        return


async def kill_again_and_again(server: RedisServer, told: Acknowledged) -> None:
    for _ in range(KILLS):
        await told.enough.wait()
        told.serving.clear()
        server.kill()
        told.enough.clear()
        server.start()
        told.wanted = len(told.revisions) + ACKNOWLEDGED_BETWEEN_KILLS
        told.serving.set()
    await told.enough.wait()
    told.done.set()


async def test_kills_lose_nothing_and_double_nothing(server: RedisServer) -> None:
    clinic = new_clinic()
    told = Acknowledged()
    told.serving.set()
    shared = "clients/shared/assessments/shared"
    async with asyncio.timeout(MOST_SECONDS):
        async with RedisStore(server.url, SERVICE, SEALER) as store:
            await store.write(write(person(clinic), shared, content=b""))
            async with asyncio.TaskGroup() as group:
                for writer in range(WRITERS):
                    group.create_task(work(store, clinic, writer, told))
                group.create_task(kill_again_and_again(server, told))
        # A cold start, and another process.
        server.restart()
        async with RedisStore(server.url, SERVICE, SEALER) as store:
            assert await store.verify(clinic) == ()
            for revision in told.revisions:
                entry = revision.entry
                assert await store.read(clinic, entry.name, entry.revision) == revision
            page = await store.list(clinic, "clients/-/assessments", 10_000)
            stored = sum(revision.entry.revision for revision in page.revisions)
            findings = Counter((await store.read(clinic, shared)).content.decode().split())
    assert len(told.revisions) >= KILLS * ACKNOWLEDGED_BETWEEN_KILLS
    # The writers were told of every write in the end, so what is stored beyond that would be doubled. One more: the
    # shared record itself.
    assert stored == len(told.revisions) + 1
    assert len({revision.entry.seq for revision in told.revisions}) == len(told.revisions)
    assert set(findings.values()) == {1}
    # The kills did hit writes under way.
    assert told.lost_answers > 0


async def test_without_request_ids_a_finding_is_doubled(server: RedisServer, proxy: DroppingProxy) -> None:
    """The control: writers whose requests have no id; some replies are lost for certain, then Redis dies."""
    clinic = new_clinic()
    name = "clients/shared/assessments/shared"

    async def add_without_id(store: RedisStore, finding: str) -> None:
        while True:
            try:
                newest = await store.read(clinic, name)
                content = newest.content + f"{finding} ".encode()
                await store.write(write(person(clinic), name, after=newest.entry.etag, content=content))
            except (StoreUnavailable, EtagMismatch):
                continue
            return

    async with RedisStore(proxy.url, SERVICE, SEALER) as store:
        await store.write(write(person(clinic), name, content=b""))
        proxy.drop(b"EVALSHA", count=3)
        await asyncio.gather(*(add_without_id(store, f"finding-{number}") for number in range(4)))
        server.restart()
        findings = Counter((await store.read(clinic, name)).content.decode().split())
        assert await store.verify(clinic) == ()
    assert proxy.dropped == 3
    assert len(findings) == 4
    assert max(findings.values()) > 1
