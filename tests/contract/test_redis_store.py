"""What only the Redis store does: connections, restarts, keys, rights, watchers."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import cast

import pytest
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError, ResponseError

from services.store.layout import Layout
from services.store.model import Entry, RecordStore, StoreUnavailable
from services.store.redis import REQUEST_SECONDS, RedisStore
from tests.support.redis_server import RedisServer, noticed, redis_server
from tests.support.store import (
    RECORD,
    RECORD_OF_ANOTHER_CLIENT,
    SEALER,
    SERVICE,
    new_clinic,
    person,
    refusal,
    request,
    write,
)


async def use_everything(store: RecordStore, clinic: str) -> None:
    """Calls every method."""
    actor = person(clinic)
    first = await store.write(write(actor, RECORD, asked=request("r1")))
    second = await store.write(write(actor, RECORD, after=first.entry.etag, asked=request("r2")))
    await store.write(write(actor, RECORD_OF_ANOTHER_CLIENT))
    await store.refuse(refusal(actor))
    assert await store.write(write(actor, RECORD, asked=request("r1"))) == first
    assert await store.replay(actor, request("r2")) == second
    assert await store.read(clinic, RECORD) == second
    assert await store.read(clinic, RECORD, 1) == first
    assert len((await store.list(clinic, "clients/-/assessments", 10)).revisions) == 2
    assert await store.history(clinic, RECORD, 10) == (second.entry, first.entry)
    assert await events(store, clinic, 0, 3)
    assert await store.verify(clinic) == ()


async def events(store: RecordStore, clinic: str, after: int, count: int) -> list[Entry]:
    source = cast("AsyncGenerator[Entry]", store.events(clinic, after))
    async with asyncio.timeout(10), aclosing(source):
        return [await anext(source) for _ in range(count)]


async def test_every_key_begins_with_service_and_clinic() -> None:
    with redis_server() as server:
        async with (
            RedisStore(server.url, "assessment", SEALER) as assessments,
            RedisStore(server.url, "planner", SEALER) as planner,
            Redis.from_url(server.url, protocol=2) as client,
        ):
            for clinic in ("north", "south"):
                await use_everything(assessments, clinic)
                await use_everything(planner, clinic)
            keys = [key.decode() for key in await client.keys()]  # type: ignore[union-attr]
            for service in ("assessment", "planner"):
                for clinic in ("north", "south"):
                    own = [key for key in keys if key.startswith(f"{service}:{{{clinic}}}:")]
                    assert len(own) == 1 + 2 + 1 + 3 + 2, "trail, newest, earlier, lists, requests"
                    keys = [key for key in keys if key not in own]
            assert keys == []


async def test_nothing_but_the_results_of_requests_ever_expires(redis_store: RedisStore, redis_client: Redis) -> None:
    clinic = new_clinic()
    await use_everything(redis_store, clinic)
    layout = Layout(SERVICE, clinic)
    lifetimes = {key: await redis_client.ttl(key) for key in await redis_client.keys(f"{layout.scope}:*")}
    expiring = {key for key, seconds in lifetimes.items() if seconds != -1}
    results = {layout.request(person(clinic), request(name)).encode() for name in ("r1", "r2")}
    assert expiring == results
    assert all(REQUEST_SECONDS - 60 < lifetimes[key] <= REQUEST_SECONDS for key in results)


async def test_two_stores_over_one_server_are_one_store(server: RedisServer, redis_store: RedisStore) -> None:
    """What one process remembers is never believed against the server."""
    clinic = new_clinic()
    actor = person(clinic)
    async with RedisStore(server.url, SERVICE, SEALER) as other:
        newest = await redis_store.write(write(actor))
        for store in (other, redis_store, other, other, redis_store):
            newest = await store.write(write(actor, after=newest.entry.etag))
        assert await redis_store.read(clinic, RECORD) == newest
        assert await other.verify(clinic) == ()


async def test_the_call_after_a_restart_works() -> None:
    """Connections are gone and the server has forgotten the script."""
    clinic = new_clinic()
    with redis_server() as server:
        async with RedisStore(server.url, SERVICE, SEALER) as store:
            newest = await store.write(write(person(clinic)))
            for _ in range(3):
                server.restart()
                await noticed()
                newest = await store.write(write(person(clinic), after=newest.entry.etag))
                server.restart()
                await noticed()
                assert await store.read(clinic, RECORD) == newest
            assert newest.entry.revision == 4
            assert await store.verify(clinic) == ()


async def test_a_script_that_was_flushed_is_sent_again(redis_store: RedisStore, redis_client: Redis) -> None:
    clinic = new_clinic()
    first = await redis_store.write(write(person(clinic)))
    await redis_client.script_flush()
    second = await redis_store.write(write(person(clinic), after=first.entry.etag))
    assert second.entry.revision == 2
    await redis_client.script_flush()
    await redis_store.refuse(refusal(person(clinic)))
    assert await redis_store.verify(clinic) == ()


async def test_a_dead_server_is_unavailable_and_comes_back() -> None:
    clinic = new_clinic()
    with redis_server() as server:
        async with RedisStore(server.url, SERVICE, SEALER) as store:
            first = await store.write(write(person(clinic)))
            server.kill()
            calls = (
                store.write(write(person(clinic), after=first.entry.etag)),
                store.refuse(refusal(person(clinic))),
                store.replay(person(clinic), request("r1")),
                store.read(clinic, RECORD),
                store.list(clinic, "clients/-/assessments", 10),
                store.history(clinic, RECORD, 10),
                store.verify(clinic),
            )
            for call in calls:
                with pytest.raises(StoreUnavailable):
                    await call
            with pytest.raises(StoreUnavailable):
                await events(store, clinic, 0, 1)
            server.start()
            await use_everything(store, new_clinic())
            assert await store.read(clinic, RECORD) == first


async def test_a_store_may_start_before_its_server() -> None:
    with redis_server() as server:
        server.kill()
        async with RedisStore(server.url, SERVICE, SEALER) as store:
            assert store.guard.problem == "the store cannot be reached"
            with pytest.raises(StoreUnavailable):
                await store.read(new_clinic(), RECORD)
            server.start()
            await use_everything(store, new_clinic())
            assert store.guard.problem is None


async def test_a_watcher_is_told_that_the_server_died_and_resumes() -> None:
    clinic = new_clinic()
    with redis_server() as server:
        async with RedisStore(server.url, SERVICE, SEALER) as store:
            first = await store.write(write(person(clinic)))
            source = cast("AsyncGenerator[Entry]", store.events(clinic, 0))
            assert await anext(source) == first.entry
            server.restart()
            with pytest.raises(StoreUnavailable):
                await anext(source)
            second = await store.write(write(person(clinic), after=first.entry.etag))
            assert await events(store, clinic, first.entry.seq, 1) == [second.entry]


async def test_many_watchers_leave_the_connections_of_others_alone(server: RedisServer) -> None:
    clinic = new_clinic()
    async with RedisStore(server.url, SERVICE, SEALER, connections=2) as store, asyncio.timeout(20):
        watching = [asyncio.ensure_future(events(store, clinic, 0, 2)) for _ in range(40)]
        first = await store.write(write(person(clinic)))
        assert await store.read(clinic, RECORD) == first
        second = await store.write(write(person(clinic), after=first.entry.etag))
        assert await asyncio.gather(*watching) == [[first.entry, second.entry]] * 40


async def test_a_watcher_leaves_no_connection_behind(redis_store: RedisStore, redis_client: Redis) -> None:
    clinic = new_clinic()
    await redis_store.write(write(person(clinic)))
    before = len(await redis_client.client_list())
    for _ in range(5):
        await events(redis_store, clinic, 0, 1)
    waiting = [asyncio.ensure_future(events(redis_store, clinic, 1, 1)) for _ in range(5)]
    first = await redis_store.read(clinic, RECORD)
    for watcher in waiting:
        watcher.cancel()
    assert {type(end) for end in await asyncio.gather(*waiting, return_exceptions=True)} == {asyncio.CancelledError}
    assert await redis_store.read(clinic, RECORD) == first
    assert len(await redis_client.client_list()) <= before + 1


async def test_more_calls_than_connections_wait_their_turn(server: RedisServer) -> None:
    clinic = new_clinic()
    async with RedisStore(server.url, SERVICE, SEALER, connections=2) as store, Redis.from_url(server.url) as client:
        before = len(await client.client_list())
        names = [f"clients/ada/assessments/{number}" for number in range(50)]
        await asyncio.gather(*(store.write(write(person(clinic), name)) for name in names))
        await asyncio.gather(*(store.read(clinic, name) for name in names))
        assert len(await client.client_list()) - before <= 4


async def test_a_newest_read_is_one_command(redis_store: RedisStore, redis_client: Redis) -> None:
    clinic = new_clinic()
    await redis_store.write(write(person(clinic)))
    await redis_store.read(clinic, RECORD)

    async def commands() -> int:
        return int((await redis_client.info("stats"))["total_commands_processed"])

    before = await commands()
    await redis_store.read(clinic, RECORD)
    # The second INFO counts itself.
    assert await commands() - before == 2


async def test_a_write_after_a_read_is_one_command(redis_store: RedisStore, redis_client: Redis) -> None:
    """The script's own commands are counted too, so the client's are: one EVALSHA."""
    clinic = new_clinic()
    await redis_store.write(write(person(clinic)))
    newest = await redis_store.read(clinic, RECORD)
    await redis_client.config_resetstat()
    await redis_store.write(write(person(clinic), after=newest.entry.etag, asked=request("r1")))
    stats = await redis_client.info("commandstats")
    by_command = {name.removeprefix("cmdstat_"): values["calls"] for name, values in stats.items()}
    assert by_command["evalsha"] == 1
    script = {"type", "get", "getrange", "exists", "xrevrange", "xadd", "rename", "set"}
    assert set(by_command) <= {"evalsha", "config|resetstat", "config", "info"} | script


RIGHTS = (
    "on >secret ~assessment:* -@all +ping +info +config|get +evalsha +eval +wait +get +mget +getrange +exists +type"
    " +set +expire +rename +zadd +zrange +zrevrangebyscore +scan +xadd +xread +xrange +xrevrange +xinfo"
)


async def test_a_user_with_few_rights_is_enough() -> None:
    """The service's user can neither empty the store nor change its settings nor see another service's keys."""
    with redis_server() as server:
        async with Redis.from_url(server.url, protocol=2) as admin:
            await admin.execute_command("ACL", "SETUSER", "service", *RIGHTS.split())  # type: ignore[no-untyped-call]
        url = server.url.replace("unix://", "unix://service:secret@")
        async with RedisStore(url, "assessment", SEALER) as store, Redis.from_url(url, protocol=2) as client:
            assert store.guard.problem is None
            await use_everything(store, new_clinic())
            for command in (
                "FLUSHALL",
                "FLUSHDB",
                "CONFIG SET appendfsync no",
                "DEL x",
                "KEYS *",
                "SHUTDOWN",
                "REPLICAOF NO ONE",
            ):
                with pytest.raises(NoPermissionError):
                    await client.execute_command(*command.split())  # type: ignore[no-untyped-call]
        async with RedisStore(url, "planner", SEALER) as store:
            with pytest.raises(StoreUnavailable, match="NOPERM"):
                await store.write(write(person(new_clinic())))


async def test_a_wrong_password_is_unavailable() -> None:
    with redis_server({"requirepass": "right"}) as server:
        url = server.url.replace("unix://", "unix://:wrong@")
        async with RedisStore(url, SERVICE, SEALER) as store:
            assert store.guard.problem == "the store cannot be reached"
            with pytest.raises(StoreUnavailable):
                await store.write(write(person(new_clinic())))


async def test_one_write_stays_in_one_slot_of_a_cluster() -> None:
    """A server in cluster mode refuses a script whose keys lie in different slots."""
    with redis_server({"cluster-enabled": "yes"}, port=free_port()) as server:
        async with Redis.from_url(server.url, protocol=2) as client:
            await client.execute_command("CLUSTER", "ADDSLOTS", *range(16384))  # type: ignore[no-untyped-call]
            server.wait_for("Cluster state changed: ok")
            with pytest.raises(ResponseError, match="same slot"):
                await client.execute_command("MGET", "a", "b")  # type: ignore[no-untyped-call]
        async with RedisStore(server.url, SERVICE, SEALER) as store:
            for clinic in ("north", "south", "east"):
                await use_everything(store, clinic)


def free_port() -> int:
    """Returns a TCP port nobody uses; a cluster also takes the one 10,000 above."""
    for _ in range(100):
        with socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", 0))
            port: int = one.getsockname()[1]
            if port < 55_000:
                try:
                    other.bind(("127.0.0.1", port + 10_000))
                except OSError:
                    continue
                return port
    raise AssertionError("no free port")
