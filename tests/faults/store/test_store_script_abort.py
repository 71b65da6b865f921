"""The commit script on a real server, aborted in every way there is: nothing, or all of it, is written."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from services.store.layout import Layout
from services.store.model import RecordDamaged, StoreNotDurable, StoreUnavailable, Write
from services.store.redis import RedisStore, _words_of_write
from services.store.seals import entry_of_write
from tests.support.commit_script import SCRIPT, Call, calls, with_fault
from tests.support.redis_server import RedisServer, noticed
from tests.support.store import RECORD, SEALER, SERVICE, new_clinic, person, refusal, request, write

CALLS = calls(SCRIPT)
FIRST_WRITE = next(number for number, call in enumerate(CALLS) if call.command == "XADD")
AFTER_FIRST_WRITE = CALLS[FIRST_WRITE + 1 :]
PASSED_BY = {"create": ("EXPIRE", "RENAME"), "revise": ("EXPIRE", "ZADD")}


@pytest.fixture
async def client(server: RedisServer) -> AsyncIterator[Redis]:
    async with Redis.from_url(server.url, protocol=2) as client:
        yield client


@pytest.fixture
async def store(server: RedisServer) -> AsyncIterator[RedisStore]:
    async with RedisStore(server.url, SERVICE, SEALER, check_seconds=3600) as store:
        yield store


async def everything(client: Redis) -> dict[bytes | str, Any]:
    """Returns every key of the server with its value, however it is stored."""
    return {key: await client.dump(key) for key in await client.keys()}


async def run(client: Redis, script: str, layout: Layout, asked: Write, store: RedisStore) -> Any:
    previous = (await store.read(layout.clinic, asked.name)).entry if asked.expected_etag else None
    entry = entry_of_write(SEALER, asked, previous=previous, written_after=0)
    keys, arguments = _words_of_write(layout, asked, SEALER.seal(layout.scope, entry))
    return await client.eval(script, len(keys), *keys, *arguments)


@pytest.mark.parametrize("creates", [True, False], ids=["create", "revise"])
@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.command}-{call.key}-{call.start}")
async def test_a_fault_before_any_call(client: Redis, store: RedisStore, call: Call, creates: bool) -> None:
    """Up to the first write a fault leaves nothing.

    After it a fault would leave a part; test_store_commit_script.py holds that nothing can fail there. This is also the
    control: the test does see a part when there is one.
    """
    layout = Layout(SERVICE, new_clinic())
    actor = person(layout.clinic)
    await store.write(write(actor, "clients/ada/assessments/other"))
    first = None if creates else (await store.write(write(actor))).entry.etag
    asked = write(actor, after=first, asked=request("r1"))
    before = await everything(client)
    if call.command in (PASSED_BY["create"] if creates else PASSED_BY["revise"]):
        assert (await run(client, with_fault(SCRIPT, call), layout, asked, store))[0] == b"stored"
        return
    with pytest.raises(ResponseError, match="FAULT"):
        await run(client, with_fault(SCRIPT, call), layout, asked, store)
    assert (await everything(client) != before) == (call in AFTER_FIRST_WRITE)


WRONG_TYPES = ("trail", "newest", "earlier", "every", "client", "request")


@pytest.mark.parametrize("kind", ["hash", "list"])
@pytest.mark.parametrize("key", WRONG_TYPES)
async def test_a_key_of_another_type_stops_the_write(client: Redis, store: RedisStore, key: str, kind: str) -> None:
    layout = Layout(SERVICE, new_clinic())
    actor = person(layout.clinic)
    asked = write(actor, asked=request("r1"))
    places = {
        "trail": layout.trail,
        "newest": layout.newest(RECORD),
        "earlier": layout.earlier(RECORD, 0),
        "every": layout.index("clients/-/assessments"),
        "client": layout.index("clients/ada/assessments"),
        "request": layout.request(actor, request("r1")),
    }
    if kind == "hash":
        await client.hset(places[key], "field", "value")
    else:
        await client.rpush(places[key], "value")
    before = await everything(client)
    with pytest.raises(RecordDamaged):
        await store.write(asked)
    assert await everything(client) == before


@pytest.mark.parametrize("last", ["5-3", "9007199254740993-1", "18446744073709551615-0", "18446744073709551615-1"])
async def test_a_trail_that_ends_wrongly_stops_the_write(client: Redis, store: RedisStore, last: str) -> None:
    layout = Layout(SERVICE, new_clinic())
    await client.xadd(layout.trail, {"sealed": "x"}, id=last)
    before = await everything(client)
    with pytest.raises(RecordDamaged):
        await store.write(write(person(layout.clinic), asked=request("r1")))
    with pytest.raises(RecordDamaged):
        await store.refuse(refusal(person(layout.clinic)))
    assert await everything(client) == before


async def test_a_cut_trail_stops_the_write(client: Redis, store: RedisStore) -> None:
    """The stream remembers its last id: nothing may be written over the place of a removed entry."""
    layout = Layout(SERVICE, new_clinic())
    first = await store.write(write(person(layout.clinic)))
    second = await store.write(write(person(layout.clinic), after=first.entry.etag))
    await client.xdel(layout.trail, "2-0")
    before = await everything(client)
    with pytest.raises(RecordDamaged):
        await store.write(write(person(layout.clinic), after=second.entry.etag))
    async with RedisStore(str(store._url), SERVICE, SEALER) as newcomer:
        with pytest.raises(RecordDamaged, match="XADD"):
            await newcomer.write(write(person(layout.clinic), "clients/ada/assessments/new"))
    assert await everything(client) == before


async def test_a_store_that_went_back_in_time_stops_the_write(server: RedisServer, store: RedisStore) -> None:
    """An empty or older folder under a running service: it has seen more than the store knows."""
    clinic = new_clinic()
    await store.write(write(person(clinic)))
    server.kill()
    for path in server.folder.glob("appendonly*"):
        for part in path.glob("*") if path.is_dir() else [path]:
            part.unlink()
    server.start()
    await noticed()
    with pytest.raises(RecordDamaged, match="goes on with entry 1, but entry 1 was there before"):
        await store.write(write(person(clinic)))


async def test_the_place_of_a_replaced_revision_must_be_free(client: Redis, store: RedisStore) -> None:
    layout = Layout(SERVICE, new_clinic())
    first = await store.write(write(person(layout.clinic)))
    await client.set(layout.earlier(RECORD, 1), b"x")
    before = await everything(client)
    with pytest.raises(RecordDamaged, match="is taken"):
        await store.write(write(person(layout.clinic), after=first.entry.etag))
    assert await everything(client) == before


async def test_no_memory_left(client: Redis, store: RedisStore) -> None:
    layout = Layout(SERVICE, new_clinic())
    first = await store.write(write(person(layout.clinic), asked=request("r1")))
    before = await everything(client)
    await client.config_set("maxmemory", "1mb")
    for attempt in (
        write(person(layout.clinic), after=first.entry.etag, asked=request("r2")),
        write(person(layout.clinic), "clients/ada/assessments/new"),
    ):
        with pytest.raises(StoreUnavailable, match="OOM"):
            await store.write(attempt)
    with pytest.raises(StoreUnavailable, match="OOM"):
        await store.refuse(refusal(person(layout.clinic)))
    assert await everything(client) == before
    # Reading and repeating still work.
    assert await store.read(layout.clinic, RECORD) == first
    assert await store.write(write(person(layout.clinic), asked=request("r1"))) == first
    await client.config_set("maxmemory", "0")
    second = await store.write(write(person(layout.clinic), after=first.entry.etag, asked=request("r2")))
    assert second.entry.revision == 2


async def test_a_server_that_becomes_a_replica_takes_no_write(client: Redis, store: RedisStore) -> None:
    """Between two checks of the guard, over connections that are open already."""
    layout = Layout(SERVICE, new_clinic())
    first = await store.write(write(person(layout.clinic)))
    await client.execute_command("REPLICAOF", "127.0.0.1", "1")  # type: ignore[no-untyped-call]
    with pytest.raises((StoreNotDurable, StoreUnavailable)):
        await store.write(write(person(layout.clinic), after=first.entry.etag))
    await client.execute_command("REPLICAOF", "NO", "ONE")  # type: ignore[no-untyped-call]
    assert (await store.write(write(person(layout.clinic), after=first.entry.etag))).entry.revision == 2


async def test_the_comparison_has_to_be_in_the_script(client: Redis, store: RedisStore) -> None:
    """The control of the compare-and-swap: without it the second of two writers overwrites the first unseen."""
    comparison = "if redis.call('GETRANGE', newest, 0, 31) ~= replaced then return {'changed'} end"
    careless = SCRIPT.replace(comparison, "").replace("if redis.call('EXISTS', earlier) == 1 then", "if false then")
    assert comparison in SCRIPT
    for script, replies in ((SCRIPT, [b"stored", b"changed"]), (careless, [b"stored", b"stored"])):
        layout = Layout(SERVICE, new_clinic())
        first = (await store.write(write(person(layout.clinic)))).entry
        words = []
        for content in (b"one", b"other"):
            asked = write(person(layout.clinic), after=first.etag, content=content)
            entry = entry_of_write(SEALER, asked, previous=first, written_after=0)
            words.append(_words_of_write(layout, asked, SEALER.seal(layout.scope, entry)))
        answers = [await client.eval(script, len(keys), *keys, *arguments) for keys, arguments in words]
        assert [answer[0] for answer in answers] == replies
        assert (await store.verify(layout.clinic) == ()) == (script is SCRIPT)
