"""With replicas configured a write is acknowledged only when enough of them have received it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from redis.asyncio import Redis

from services.store.model import StoreNotDurable, StoreUnavailable
from services.store.redis import RedisStore
from tests.support.redis_server import RedisServer, redis_server
from tests.support.store import RECORD, SEALER, SERVICE, new_clinic, person, refusal, request, write


@dataclass(frozen=True, slots=True)
class Pair:
    """A master and its replica, in step."""

    master: RedisServer
    replica: RedisServer


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    port = free_port()
    with redis_server({"repl-diskless-sync-delay": "0"}, port=port) as master, redis_server() as replica:
        async with Redis.from_url(replica.url) as client:
            await client.execute_command("REPLICAOF", "127.0.0.1", str(port))  # type: ignore[no-untyped-call]
        replica.wait_for("MASTER <-> REPLICA sync: Finished with success")
        async with Redis.from_url(master.url) as client:
            await client.set("in step", "1")
            assert await client.wait(1, 10_000) == 1
        yield Pair(master, replica)
        replica.resume()


async def test_an_acknowledged_write_is_on_the_replica(pair: Pair) -> None:
    clinic = new_clinic()
    async with (
        RedisStore(pair.master.url, SERVICE, SEALER, required_replicas=1) as store,
        RedisStore(pair.replica.url, SERVICE, SEALER) as copy,
    ):
        first = await store.write(write(person(clinic), asked=request("r1")))
        assert await copy.read(clinic, RECORD) == first
        await store.refuse(refusal(person(clinic)))
        second = await store.write(write(person(clinic), after=first.entry.etag))
        assert await copy.history(clinic, RECORD, 10) == (second.entry, first.entry)
        assert await copy.verify(clinic) == ()
        with pytest.raises(StoreNotDurable, match="replica"):
            await copy.write(write(person(clinic), after=second.entry.etag))


async def test_a_replica_that_stalls_stops_the_acknowledgements(pair: Pair) -> None:
    """Repeating does not turn an unconfirmed write into a confirmed one."""
    clinic = new_clinic()
    async with RedisStore(pair.master.url, SERVICE, SEALER, required_replicas=1, timeout_seconds=0.4) as store:
        first = await store.write(write(person(clinic)))
        asked = write(person(clinic), after=first.entry.etag, asked=request("r1"))
        pair.replica.pause()
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match="0 of 1 replicas"):
                await store.write(asked)
        with pytest.raises(StoreUnavailable, match="0 of 1 replicas"):
            await store.replay(person(clinic), request("r1"))
        with pytest.raises(StoreUnavailable, match="0 of 1 replicas"):
            await store.refuse(refusal(person(clinic)))
        pair.replica.resume()
        second = await store.write(asked)
        assert second.entry.revision == 2
        assert await store.replay(person(clinic), request("r1")) == second
        assert len(await store.history(clinic, RECORD, 10)) == 2
        async with RedisStore(pair.replica.url, SERVICE, SEALER) as copy:
            assert await copy.read(clinic, RECORD) == second


async def test_more_replicas_than_there_are(pair: Pair) -> None:
    async with RedisStore(pair.master.url, SERVICE, SEALER, required_replicas=2, timeout_seconds=0.3) as store:
        with pytest.raises(StoreUnavailable, match="1 of 2 replicas"):
            async with asyncio.timeout(3):
                await store.write(write(person(new_clinic())))
