"""A reply that is lost after the write was done: the caller repeats by request id, and the write is there once."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from redis.asyncio import Redis

from services.store.layout import Layout
from services.store.model import Revision, StoreUnavailable, Write
from services.store.redis import RedisStore
from services.store.seals import entry_of_refusal
from tests.support.commit_script import SCRIPT
from tests.support.dropping_proxy import DroppingProxy
from tests.support.redis_server import RedisServer
from tests.support.store import RECORD, SEALER, SERVICE, new_clinic, person, refusal, request, write

WRITES = 200


async def test_200_lost_replies_have_200_effects(server: RedisServer, proxy: DroppingProxy) -> None:
    clinic = new_clinic()
    actor = person(clinic)
    async with RedisStore(proxy.url, SERVICE, SEALER) as store, RedisStore(server.url, SERVICE, SEALER) as other:
        newest = await store.write(write(actor))
        for number in range(WRITES):
            creates = number % 2 == 0
            name = f"clients/ada/assessments/{number}" if creates else RECORD
            after = None if creates else newest.entry.etag
            asked = write(actor, name, after=after, content=f"{number}".encode(), asked=request(f"r{number}"))
            proxy.drop(b"EVALSHA")
            with pytest.raises(StoreUnavailable):
                await store.write(asked)
            first = await store.write(asked)
            assert first.content == asked.content
            assert first.entry.revision == (1 if creates else newest.entry.revision + 1)
            # Any number of times, through any process.
            assert await store.write(asked) == first
            assert await other.write(asked) == first
            newest = newest if creates else first
        assert proxy.dropped == WRITES
        assert len(await store.history(clinic, RECORD, WRITES * 2)) == 1 + WRITES // 2
        assert len((await store.list(clinic, "clients/-/assessments", WRITES * 2)).revisions) == 1 + WRITES // 2
        assert (await store.read(clinic, RECORD)).entry.seq == 1 + WRITES
        assert await store.verify(clinic) == ()


async def test_lost_replies_of_writers_side_by_side(proxy: DroppingProxy) -> None:
    clinic = new_clinic()
    async with RedisStore(proxy.url, SERVICE, SEALER) as store:
        await store.write(write(person(clinic)))

        async def insist(asked: Write) -> Revision:
            while True:
                try:
                    return await store.write(asked)
                except StoreUnavailable:
                    continue

        names = [f"clients/ada/assessments/{number}" for number in range(60)]
        proxy.drop(b"EVALSHA", count=90)
        revisions = await asyncio.gather(*(insist(write(person(clinic), name, asked=request(name))) for name in names))
        assert proxy.dropped == 90
        assert [revision.entry.name for revision in revisions] == names
        assert len({revision.entry.seq for revision in revisions}) == len(names)
        assert await store.verify(clinic) == ()


async def test_a_lost_refusal_is_not_repeated(server: RedisServer, proxy: DroppingProxy) -> None:
    clinic = new_clinic()
    async with RedisStore(proxy.url, SERVICE, SEALER) as store, Redis.from_url(server.url) as client:
        await store.refuse(refusal(person(clinic)))
        proxy.drop(b"EVALSHA")
        with pytest.raises(StoreUnavailable):
            await store.refuse(refusal(person(clinic)))
        assert await client.xlen(Layout(SERVICE, clinic).trail) == 2


async def test_redis_py_by_itself_would_write_twice(server: RedisServer, proxy: DroppingProxy) -> None:
    """The control: its default is to send a command again when the reply was lost."""
    layout = Layout(SERVICE, new_clinic())
    sealed = SEALER.seal(layout.scope, entry_of_refusal(SEALER, refusal(person(layout.clinic)), written_after=0))
    async with Redis(unix_socket_path=str(proxy.socket), protocol=2) as careless, Redis.from_url(server.url) as client:
        proxy.drop(b"EVAL")
        reply = await careless.eval(SCRIPT, 1, layout.trail, sealed.seal, sealed.statement, "0")
        assert reply == [b"stored", b"2"]
        assert await client.xlen(layout.trail) == 2


async def test_without_a_request_id_a_repeated_finding_is_there_twice(proxy: DroppingProxy) -> None:
    """The control: the compare-and-swap alone does not help a caller who reads, appends and tries again."""
    clinic = new_clinic()
    async with RedisStore(proxy.url, SERVICE, SEALER) as store:
        await store.write(write(person(clinic), content=b""))

        async def append(finding: bytes) -> None:
            newest = await store.read(clinic, RECORD)
            content = newest.content + finding
            await store.write(write(person(clinic), after=newest.entry.etag, content=content))

        proxy.drop(b"EVALSHA")
        with pytest.raises(StoreUnavailable):
            await append(b"finding;")
        await append(b"finding;")
        assert (await store.read(clinic, RECORD)).content == b"finding;finding;"


async def test_a_read_outlives_a_lost_reply(proxy: DroppingProxy) -> None:
    clinic = new_clinic()
    async with RedisStore(proxy.url, SERVICE, SEALER) as store:
        first = await store.write(write(person(clinic)))
        proxy.drop(b"GET")
        assert await store.read(clinic, RECORD) == first
        assert proxy.dropped == 1


async def test_a_reply_that_never_comes_is_not_waited_for(server: RedisServer) -> None:
    """A stalled server: the call ends at the limit, the write may have happened, and the request id tells."""
    clinic = new_clinic()
    async with RedisStore(server.url, SERVICE, SEALER, timeout_seconds=0.3) as store:
        first = await store.write(write(person(clinic)))
        asked = write(person(clinic), after=first.entry.etag, asked=request("r1"))
        server.pause()
        try:
            async with asyncio.timeout(3):
                with pytest.raises(StoreUnavailable):
                    await store.write(asked)
                with pytest.raises(StoreUnavailable):
                    await store.read(clinic, RECORD)
        finally:
            server.resume()
        second = await store.write(asked)
        assert second.entry.revision == 2
        assert await store.write(replace(asked)) == second
        assert await store.verify(clinic) == ()
