"""The two stores that the contract suite runs on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from redis.asyncio import Redis

from services.store.memory import MemoryStore
from services.store.redis import RedisStore
from tests.support.redis_server import RedisServer, redis_server
from tests.support.store import SEALER, SERVICE, Place, new_clinic


@pytest.fixture(scope="session")
def server() -> Iterator[RedisServer]:
    """One real redis-server for all tests of this folder; each test has a clinic of its own."""
    with redis_server() as running:
        yield running


@pytest.fixture
async def redis_client(server: RedisServer) -> AsyncIterator[Redis]:
    async with Redis.from_url(server.url, protocol=2) as client:
        yield client


@pytest.fixture
async def redis_store(server: RedisServer) -> AsyncIterator[RedisStore]:
    async with RedisStore(server.url, SERVICE, SEALER) as store:
        yield store


@pytest.fixture(params=["memory", "redis"])
async def place(request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    if request.param == "memory":
        yield Place(MemoryStore(SEALER, SERVICE), new_clinic(), None)
        return
    server: RedisServer = request.getfixturevalue("server")
    async with RedisStore(server.url, SERVICE, SEALER) as store, Redis.from_url(server.url, protocol=2) as client:
        yield Place(store, new_clinic(), client)
