"""The production service, on the memory store and on a real redis-server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from services.store.memory import MemoryStore
from services.store.model import RecordStore
from services.store.redis import RedisStore
from tests.support.assessment import Running, Snapshot, assessment_server
from tests.support.redis_server import RedisServer, redis_server
from tests.support.store import SEALER, new_clinic


@pytest.fixture(scope="session")
def redis() -> Iterator[RedisServer]:
    """One real redis-server for all tests of this folder; each test has a clinic of its own."""
    with redis_server() as running:
        yield running


@pytest.fixture(params=["memory", "redis"])
async def service(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Running]:
    """The service over one of the two stores."""
    store: RecordStore
    async with AsyncExitStack() as ends:
        if request.param == "memory":
            store = MemoryStore(SEALER, "assessment")
        else:
            server: RedisServer = request.getfixturevalue("redis")
            store = await ends.enter_async_context(RedisStore(server.url, "assessment", SEALER))
        yield await ends.enter_async_context(assessment_server(tmp_path, store, new_clinic()))


@pytest.fixture
async def snapshot(service: Running, request: pytest.FixtureRequest) -> AsyncIterator[Snapshot]:
    """Returns everything that is stored, byte by byte, whenever it is called."""
    if isinstance(service.store, MemoryStore):
        memory = service.store
        yield lambda: _memory(memory)
        return
    server: RedisServer = request.getfixturevalue("redis")
    async with Redis.from_url(server.url, protocol=2) as client:
        yield lambda: _redis(client)


async def _memory(store: MemoryStore) -> dict[str, object]:
    stored: dict[str, object] = {}
    for name, clinic in store._clinics.items():
        stored |= {f"{name} {key}": value for key, value in clinic.revisions.items()}
        stored |= {f"{name} {key}": dict(value) for key, value in clinic.indexes.items() if value}
        stored |= {f"{name} {key}": value for key, value in clinic.requests.items()}
        stored |= {f"{name} trail {seq}": sealed for seq, sealed in clinic.entries}
    return stored


async def _redis(client: Redis) -> dict[str, object]:
    keys: list[Any] = sorted(await client.keys())
    async with client.pipeline(transaction=False) as pipeline:
        for key in keys:
            pipeline.dump(key)
        return dict(zip((key.decode() for key in keys), await pipeline.execute(), strict=True))
