"""A redis-server of its own for each fault."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support.dropping_proxy import DroppingProxy
from tests.support.redis_server import RedisServer, redis_server


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with redis_server() as running:
        yield running


@pytest.fixture
async def proxy(server: RedisServer) -> AsyncIterator[DroppingProxy]:
    async with DroppingProxy(server.socket, server.folder / "proxy.sock") as running:
        yield running
