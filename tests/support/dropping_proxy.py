"""A proxy in front of redis-server that lets a command be executed and then loses the reply."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from types import TracebackType
from typing import Any, Self

CHUNK = 1 << 16


class DroppingProxy:
    """Listens on a unix socket and passes everything on, but for the replies it is told to lose."""

    def __init__(self, upstream: Path, socket: Path) -> None:
        self._upstream, self.socket = upstream, socket
        self._mark = b""
        self._to_drop = 0
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._ended = asyncio.Event()
        self.dropped = 0

    @property
    def url(self) -> str:
        """The address for redis clients."""
        return f"unix://{self.socket}"

    def drop(self, mark: bytes, count: int = 1) -> None:
        """Loses the replies to the next `count` requests that hold `mark`, and their connections with them."""
        self._mark, self._to_drop = mark, count

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_unix_server(self._accept, self.socket)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        self._ended.set()
        await asyncio.gather(*self._connections)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        server_reader, server_writer = await asyncio.open_unix_connection(self._upstream)
        lose = asyncio.Event()
        pumps: tuple[asyncio.Task[Any], ...] = (
            asyncio.create_task(self._pass_requests(reader, server_writer, lose)),
            asyncio.create_task(self._pass_replies(server_reader, writer, lose)),
            asyncio.create_task(self._ended.wait()),
        )
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        for end in (writer, server_writer):
            end.close()
            with contextlib.suppress(OSError):
                await end.wait_closed()

    async def _pass_requests(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lose: asyncio.Event
    ) -> None:
        while request := await reader.read(CHUNK):
            if self._to_drop and self._mark in request:
                self._to_drop -= 1
                lose.set()
            writer.write(request)
            await writer.drain()

    async def _pass_replies(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lose: asyncio.Event
    ) -> None:
        while reply := await reader.read(CHUNK):
            if lose.is_set():
                # The reply is here, so the command was executed and is on disk.
                self.dropped += 1
                return
            writer.write(reply)
            await writer.drain()
