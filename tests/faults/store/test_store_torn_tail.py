"""The append-only file ends in the middle of the last write: the write is there whole or not at all."""

from __future__ import annotations

from pathlib import Path

from services.store.redis import RedisStore
from tests.support.redis_server import RedisServer, noticed
from tests.support.store import RECORD, SEALER, SERVICE, new_clinic, person, request, write

CUTS = 24


def append_only_file(server: RedisServer) -> Path:
    """Returns the file that the server appends to: since 7.0 the last of several, before it the only one."""
    parts = sorted(server.folder.glob("appendonlydir/*.incr.aof"))
    return parts[-1] if parts else server.folder / "appendonly.aof"


async def test_a_torn_write_is_there_whole_or_not_at_all(server: RedisServer) -> None:
    clinic = new_clinic()
    async with RedisStore(server.url, SERVICE, SEALER) as store:
        first = await store.write(write(person(clinic)))
        before = append_only_file(server).stat().st_size
        asked = write(person(clinic), after=first.entry.etag, content=b"second" * 50, asked=request("r1"))
        second = await store.write(asked)
    file = append_only_file(server)
    server.kill()
    whole = file.read_bytes()
    assert len(whole) > before
    steps = range(before, len(whole) + 1)
    outcomes = []
    for cut in (*steps[:: len(steps) // CUTS], before, len(whole) - 1, len(whole)):
        file.write_bytes(whole[:cut])
        server.start()
        await noticed()
        async with RedisStore(server.url, SERVICE, SEALER) as store:
            assert await store.verify(clinic) == (), f"cut at {cut}"
            newest = await store.read(clinic, RECORD)
            assert newest in (first, second), f"cut at {cut}"
            outcomes.append(newest == second)
            # Either way the repeated request ends in the same place.
            assert (await store.write(asked)).content == second.content
        server.kill()
    assert outcomes[-1]
    assert not any(outcomes[:-1])
