"""The guard over a real server: wrong set-ups, settings that change under way, servers that go and come back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from services.store.durability import NOT_CHECKED, STARTING_FILE, UNREACHABLE, WARN_EVERY
from services.store.model import StoreNotDurable, StoreUnavailable
from services.store.redis import RedisStore
from tests.support.redis_server import RedisServer, noticed, redis_server
from tests.support.store import RECORD, SEALER, SERVICE, new_clinic, person, refusal, request, write

NEVER = 3600.0
SOON = 0.02


class Changes:
    """What the guard told health, one after the other."""

    def __init__(self) -> None:
        self._told: asyncio.Queue[str | None] = asyncio.Queue()

    def __call__(self, problem: str | None) -> None:
        self._told.put_nowait(problem)

    async def next(self) -> str | None:
        async with asyncio.timeout(10):
            return await self._told.get()


@pytest.fixture
def own_server() -> Iterator[RedisServer]:
    with redis_server() as running:
        yield running


WRONG = {
    "appendonly is no, not yes": {"appendonly": "no"},
    "appendfsync is everysec, not always": {"appendfsync": "everysec"},
    "appendfsync is no, not always": {"appendfsync": "no"},
    "no-appendfsync-on-rewrite is yes, not no": {"no-appendfsync-on-rewrite": "yes"},
    "maxmemory-policy is allkeys-lru, not noeviction": {"maxmemory-policy": "allkeys-lru"},
    "maxmemory-policy is volatile-ttl, not noeviction": {"maxmemory-policy": "volatile-ttl"},
}


@pytest.mark.parametrize(("problem", "settings"), WRONG.items(), ids=WRONG)
async def test_a_wrong_server_gets_no_write(problem: str, settings: dict[str, str]) -> None:
    changes = Changes()
    with redis_server(settings) as server:
        async with RedisStore(server.url, SERVICE, SEALER, on_problem=changes) as store:
            clinic = new_clinic()
            assert await changes.next() == problem
            assert store.guard.problem == problem
            with pytest.raises(StoreNotDurable, match=f"^{problem}$"):
                await store.write(write(person(clinic), asked=request("r1")))
            with pytest.raises(StoreNotDurable, match=f"^{problem}$"):
                await store.refuse(refusal(person(clinic)))
            async with Redis.from_url(server.url) as client:
                assert await client.dbsize() == 0
            # Reading is still allowed.
            assert (await store.list(clinic, "clients/-/assessments", 10)).revisions == ()


async def test_a_replica_gets_no_write(own_server: RedisServer) -> None:
    async with Redis.from_url(own_server.url) as client:
        await client.execute_command("REPLICAOF", "127.0.0.1", "1")  # type: ignore[no-untyped-call]
        async with RedisStore(own_server.url, SERVICE, SEALER) as store:
            with pytest.raises(StoreNotDurable, match="replica"):
                await store.write(write(person(new_clinic())))


async def test_a_server_that_hides_its_settings_gets_no_write(own_server: RedisServer) -> None:
    async with Redis.from_url(own_server.url) as client:
        await client.execute_command("ACL", "SETUSER", "default", "-config")  # type: ignore[no-untyped-call]
    async with RedisStore(own_server.url, SERVICE, SEALER) as store:
        with pytest.raises(StoreNotDurable, match="the server does not show its settings"):
            await store.write(write(person(new_clinic())))


@pytest.mark.parametrize(
    ("setting", "wrong", "right"),
    [
        ("appendfsync", "everysec", "always"),
        ("no-appendfsync-on-rewrite", "yes", "no"),
        ("maxmemory-policy", "allkeys-random", "noeviction"),
    ],
)
async def test_a_setting_that_changes_under_way_stops_the_writes(
    own_server: RedisServer, setting: str, wrong: str, right: str
) -> None:
    """Redis accepts the change without a word to its clients."""
    clinic = new_clinic()
    changes = Changes()
    async with (
        RedisStore(own_server.url, SERVICE, SEALER, check_seconds=SOON, on_problem=changes) as store,
        Redis.from_url(own_server.url) as client,
    ):
        assert await changes.next() is None
        newest = await store.write(write(person(clinic)))
        await client.config_set(setting, wrong)
        assert await changes.next() == f"{setting} is {wrong}, not {right}"
        with pytest.raises(StoreNotDurable, match=setting):
            await store.write(write(person(clinic), after=newest.entry.etag))
        assert await store.read(clinic, RECORD) == newest
        await client.config_set(setting, right)
        # At once: a refused write looks again.
        newest = await store.write(write(person(clinic), after=newest.entry.etag))
        assert newest.entry.revision == 2
        assert await changes.next() is None


async def test_an_append_only_file_that_was_off_counts_only_when_it_is_complete(own_server: RedisServer) -> None:
    """Until then the settings are right again and a crash would still lose what was acknowledged."""
    clinic = new_clinic()
    changes = Changes()
    async with (
        RedisStore(own_server.url, SERVICE, SEALER, check_seconds=SOON, on_problem=changes) as store,
        Redis.from_url(own_server.url) as client,
    ):
        assert await changes.next() is None
        first = await store.write(write(person(clinic)))
        await client.config_set("appendonly", "no")
        assert await changes.next() == "appendonly is no, not yes"
        await client.config_set("rdb-key-save-delay", "200000")  # Microseconds a key: the new file takes a while.
        await client.config_set("appendonly", "yes")
        with pytest.raises(StoreNotDurable, match="still being started"):
            await store.write(write(person(clinic), after=first.entry.etag))
        assert await changes.next() == STARTING_FILE
        assert await changes.next() is None
        assert (await store.write(write(person(clinic), after=first.entry.etag))).entry.revision == 2


async def test_a_rewrite_under_way_stops_no_write(own_server: RedisServer) -> None:
    clinic = new_clinic()
    async with (
        RedisStore(own_server.url, SERVICE, SEALER, check_seconds=NEVER) as store,
        Redis.from_url(own_server.url) as client,
    ):
        first = await store.write(write(person(clinic)))
        await client.config_set("rdb-key-save-delay", "200000")
        await client.bgrewriteaof()
        await store.guard.check()
        assert (await client.info("persistence"))["aof_rewrite_in_progress"] == 1
        assert (await store.write(write(person(clinic), after=first.entry.etag))).entry.revision == 2


async def test_the_guard_looks_by_itself_under_load(own_server: RedisServer) -> None:
    """Writers never stop; after the change is noticed none is acknowledged any more."""
    clinic = new_clinic()
    changes = Changes()
    async with (
        RedisStore(own_server.url, SERVICE, SEALER, check_seconds=SOON, on_problem=changes) as store,
        Redis.from_url(own_server.url) as client,
    ):
        assert await changes.next() is None
        acknowledged = 0

        async def keep_writing(writer: int) -> str:
            nonlocal acknowledged
            count = 0
            while True:
                try:
                    await store.write(write(person(clinic), f"clients/c{writer}/assessments/a{count}"))
                except StoreNotDurable as problem:
                    return str(problem)
                acknowledged += 1
                count += 1

        writing = [asyncio.ensure_future(keep_writing(writer)) for writer in range(4)]
        await client.config_set("appendfsync", "everysec")
        async with asyncio.timeout(10):
            problems = await asyncio.gather(*writing)
        assert set(problems) == {"appendfsync is everysec, not always"}
        assert acknowledged > 0
        assert await store.verify(clinic) == ()


async def test_a_server_that_comes_back_otherwise_gets_no_write(own_server: RedisServer) -> None:
    """No check is due: it is the new connection that finds out, before it carries the write."""
    clinic = new_clinic()
    changes = Changes()
    async with RedisStore(own_server.url, SERVICE, SEALER, check_seconds=NEVER, on_problem=changes) as store:
        assert await changes.next() is None
        first = await store.write(write(person(clinic), asked=request("r1")))
        own_server.kill()
        own_server.settings["appendfsync"] = "everysec"
        own_server.start()
        await noticed()
        with pytest.raises(StoreNotDurable, match=r"^appendfsync is everysec, not always$"):
            await store.write(write(person(clinic), after=first.entry.etag))
        assert await changes.next() == "appendfsync is everysec, not always"
        assert await store.history(clinic, RECORD, 10) == (first.entry,)


async def test_a_restart_is_logged(own_server: RedisServer) -> None:
    async with RedisStore(own_server.url, SERVICE, SEALER, check_seconds=NEVER) as store:
        own_server.restart()
        await noticed()
        with capture_logs() as logs:
            await store.guard.check()
        assert [log["event"] for log in logs] == ["the store was restarted or replaced"]
        assert store.guard.problem is None


async def test_a_server_that_goes_away_is_not_serving(own_server: RedisServer) -> None:
    clinic = new_clinic()
    changes = Changes()
    async with RedisStore(own_server.url, SERVICE, SEALER, check_seconds=SOON, on_problem=changes) as store:
        assert await changes.next() is None
        first = await store.write(write(person(clinic)))
        own_server.kill()
        assert await changes.next() == UNREACHABLE
        with pytest.raises(StoreUnavailable):
            await store.write(write(person(clinic), after=first.entry.etag))
        own_server.start()
        assert await changes.next() is None
        assert (await store.write(write(person(clinic), after=first.entry.etag))).entry.revision == 2


async def test_a_stalled_server_is_not_serving_and_no_call_hangs(own_server: RedisServer) -> None:
    changes = Changes()
    options: dict[str, Callable[[str | None], None] | float] = {"on_problem": changes, "check_seconds": SOON}
    async with RedisStore(own_server.url, SERVICE, SEALER, timeout_seconds=0.2, **options) as store:  # type: ignore[arg-type]
        assert await changes.next() is None
        own_server.pause()
        try:
            assert await changes.next() == UNREACHABLE
            calls = [store.write(write(person(new_clinic()))) for _ in range(20)]
            async with asyncio.timeout(5):
                outcomes = await asyncio.gather(*calls, return_exceptions=True)
            assert {type(outcome) for outcome in outcomes} == {StoreUnavailable}
        finally:
            own_server.resume()
        assert await changes.next() is None
        await store.write(write(person(new_clinic())))


async def test_a_guard_that_was_never_started_looks_before_the_first_write(own_server: RedisServer) -> None:
    store = RedisStore(own_server.url, SERVICE, SEALER)
    assert store.guard.problem == NOT_CHECKED
    await store.write(write(person(new_clinic())))
    async with store:
        assert store.guard.problem is None


async def test_an_overdue_check_is_made_up_for_before_a_write(own_server: RedisServer) -> None:
    """A check that does not come, for whatever reason, never leaves the writes unguarded."""
    clinic = new_clinic()
    async with (
        RedisStore(own_server.url, SERVICE, SEALER, check_seconds=0.0) as store,
        Redis.from_url(own_server.url) as client,
    ):
        assert store.guard._watching is not None
        store.guard._watching.cancel()
        await store.write(write(person(clinic)))
        await client.config_set("appendfsync", "no")
        with pytest.raises(StoreNotDurable, match="appendfsync is no"):
            await store.write(write(person(clinic), "clients/ada/assessments/next"))


async def test_checks_at_the_same_time_are_one(own_server: RedisServer) -> None:
    async with (
        RedisStore(own_server.url, SERVICE, SEALER, check_seconds=NEVER) as store,
        Redis.from_url(own_server.url) as client,
    ):
        await client.config_resetstat()
        await asyncio.gather(*(store.guard.check() for _ in range(50)))
        stats = await client.info("commandstats")
        assert stats["cmdstat_info"]["calls"] == 1


@pytest.mark.parametrize("settings", [{"appendonly": "no"}, {"appendfsync": "everysec"}, {}], ids=str)
async def test_a_throw_away_store_takes_any_server_and_says_so(settings: dict[str, str]) -> None:
    """Also the control of the tests above: without the guard's veto the writes go on."""
    with redis_server(settings) as server, capture_logs() as logs:
        async with RedisStore(server.url, SERVICE, SEALER, throwaway=True, check_seconds=NEVER) as store:
            await store.write(write(person(new_clinic())))
            assert store.guard.problem is None
            for _ in range(WARN_EVERY):
                await store.guard.check()
    loud = [log for log in logs if log["log_level"] == "warning"]
    assert len(loud) == 2, "at the start, and again after a while"
    assert all(log["event"].startswith("THROW-AWAY STORE") for log in loud)


async def test_a_throw_away_store_still_has_to_be_reached(own_server: RedisServer) -> None:
    own_server.kill()
    async with RedisStore(own_server.url, SERVICE, SEALER, throwaway=True) as store:
        assert store.guard.problem == UNREACHABLE
        with pytest.raises(StoreUnavailable):
            await store.write(write(person(new_clinic())))


async def test_the_guard_is_strict_unless_told_otherwise(own_server: RedisServer) -> None:
    async with Redis.from_url(own_server.url) as client:
        await client.config_set("appendfsync", "no")
    async with RedisStore(own_server.url, SERVICE, SEALER) as store:
        assert store.guard.problem == "appendfsync is no, not always"
