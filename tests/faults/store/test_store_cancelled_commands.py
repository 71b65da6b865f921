"""Callers who go away in the middle of a command: nobody ever gets the answer that was meant for somebody else."""

from __future__ import annotations

import asyncio
import random

from services.store.model import Revision, StoreUnavailable
from services.store.redis import RedisStore
from tests.support.redis_server import RedisServer
from tests.support.store import SEALER, SERVICE, new_clinic, person, request, write

CLINICS = 4
RECORDS = 8
CALLS = 3000
CALLERS = 48


async def test_a_storm_of_cancelled_reads_mixes_no_answers(server: RedisServer) -> None:
    seed = 20261124
    dice = random.Random(seed)
    clinics = [new_clinic() for _ in range(CLINICS)]
    names = [f"clients/ada/assessments/{number}" for number in range(RECORDS)]
    async with RedisStore(server.url, SERVICE, SEALER, connections=16) as store:
        stored: dict[tuple[str, str], Revision] = {}
        for clinic in clinics:
            for name in names:
                content = f"{clinic} {name}".encode()
                stored[clinic, name] = await store.write(write(person(clinic), name, content=content))
        answered = cancelled = 0
        for _ in range(CALLS // CALLERS):
            asked = [(dice.choice(clinics), dice.choice(names)) for _ in range(CALLERS)]
            calls = [asyncio.ensure_future(store.read(*key)) for key in asked]
            for call in dice.sample(calls, CALLERS // 2):
                # At any step: waiting for a connection, sending, waiting for the answer.
                for _ in range(dice.randrange(4)):
                    await asyncio.sleep(0)
                call.cancel()
            for key, outcome in zip(asked, await asyncio.gather(*calls, return_exceptions=True), strict=True):
                if isinstance(outcome, asyncio.CancelledError):
                    cancelled += 1
                else:
                    assert outcome == stored[key]
                    answered += 1
        assert answered >= CALLS // 2 - CALLERS
        assert cancelled > CALLS // 20
        # No connection stays taken: as many calls as there are connections, at once, and each right.
        pool = store._reader.connection_pool
        assert not pool._in_use_connections
        async with asyncio.timeout(5):
            answers = await asyncio.gather(*(store.read(*key) for key in stored))
        assert answers == list(stored.values())


async def test_a_cancelled_write_happened_once_or_not_at_all(server: RedisServer) -> None:
    clinic = new_clinic()
    dice = random.Random(20261125)
    async with RedisStore(server.url, SERVICE, SEALER, connections=4) as store:
        await store.write(write(person(clinic), "clients/ada/assessments/warm-up"))
        cancelled = 0
        names = [f"clients/ada/assessments/{number}" for number in range(200)]

        async def insist(name: str) -> Revision:
            nonlocal cancelled
            asked = write(person(clinic), name, content=name.encode(), asked=request(name))
            try:
                async with asyncio.timeout(dice.uniform(0, 0.01)):
                    return await store.write(asked)
            except TimeoutError:
                cancelled += 1
                return await store.write(asked)

        for start in range(0, len(names), 20):
            revisions = await asyncio.gather(*map(insist, names[start : start + 20]))
            assert [revision.content.decode() for revision in revisions] == names[start : start + 20]
            assert {revision.entry.revision for revision in revisions} == {1}
        assert cancelled > 0
        assert len((await store.list(clinic, "clients/-/assessments", 1000)).revisions) == len(names) + 1
        assert await store.verify(clinic) == ()
        assert not store._writer.connection_pool._in_use_connections


async def test_cancelling_all_calls_of_a_stalled_store_frees_every_connection(server: RedisServer) -> None:
    clinic = new_clinic()
    async with RedisStore(server.url, SERVICE, SEALER, connections=4, timeout_seconds=1) as store:
        first = await store.write(write(person(clinic)))
        server.pause()
        calls = [asyncio.ensure_future(store.read(clinic, first.entry.name)) for _ in range(20)]
        calls += [asyncio.ensure_future(store.write(write(person(clinic), after=first.entry.etag))) for _ in range(20)]
        _, pending = await asyncio.wait(calls, timeout=0.05)
        assert len(pending) == len(calls)
        for call in calls:
            call.cancel()
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {asyncio.CancelledError}
        server.resume()
        assert (await store.read(clinic, first.entry.name)).entry.name == first.entry.name
        for client in (store._reader, store._writer):
            assert not client.connection_pool._in_use_connections


async def test_a_watcher_ends_whenever_it_is_cancelled(server: RedisServer) -> None:
    """At every step of opening its connection, sending and waiting."""
    clinic = new_clinic()
    async with RedisStore(server.url, SERVICE, SEALER) as store:
        await store.write(write(person(clinic)))

        async def watch() -> None:
            async for _ in store.events(clinic, 0):
                pass

        for _ in range(2):
            watching = [asyncio.ensure_future(watch()) for _ in range(50)]
            for watcher in watching:
                await asyncio.sleep(0)
                watcher.cancel()
            _, going_on = await asyncio.wait(watching, timeout=5)
            assert not going_on
            assert all(watcher.cancelled() for watcher in watching)


async def test_a_full_pool_is_unavailable_in_time(server: RedisServer) -> None:
    clinic = new_clinic()
    async with RedisStore(server.url, SERVICE, SEALER, connections=1, timeout_seconds=0.2) as store:
        first = await store.write(write(person(clinic)))
        server.pause()
        try:
            async with asyncio.timeout(3):
                outcomes = await asyncio.gather(
                    *(store.read(clinic, first.entry.name) for _ in range(5)), return_exceptions=True
                )
        finally:
            server.resume()
        assert {type(outcome) for outcome in outcomes} == {StoreUnavailable}
        assert not store._reader.connection_pool._in_use_connections
        assert await store.read(clinic, first.entry.name) == first
