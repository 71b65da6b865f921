"""The production planner beside a real assessment service, on the memory store and on a real redis-server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from services.store.memory import MemoryStore
from services.store.model import RecordStore
from services.store.redis import RedisStore
from tests.support.planner_service import Running, both_services
from tests.support.redis_server import RedisServer, redis_server
from tests.support.store import SEALER, new_clinic


@pytest.fixture(scope="session")
def redis() -> Iterator[RedisServer]:
    """One real redis-server for all tests of this folder; each test has a clinic of its own."""
    with redis_server() as running:
        yield running


@pytest.fixture(params=["memory", "redis"])
async def service(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Running]:
    """The planner over one of the two stores."""
    store: RecordStore
    async with AsyncExitStack() as ends:
        if request.param == "memory":
            store = MemoryStore(SEALER, "planner")
        else:
            server: RedisServer = request.getfixturevalue("redis")
            store = await ends.enter_async_context(RedisStore(server.url, "planner", SEALER))
        yield await ends.enter_async_context(both_services(tmp_path, store, new_clinic()))


@pytest.fixture
async def in_memory(tmp_path: Path) -> AsyncIterator[Running]:
    """The planner over the memory store, for what no store has a part in."""
    async with both_services(tmp_path, MemoryStore(SEALER, "planner"), new_clinic()) as running:
        yield running
