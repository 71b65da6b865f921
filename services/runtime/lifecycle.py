"""From start to exit of a service process."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from structlog.typing import FilteringBoundLogger

from services.runtime.server import RunningServer

DRAIN_SECONDS = 10.0
SIGNALS = (signal.SIGTERM, signal.SIGINT)


async def serve_until_signalled(
    server: RunningServer,
    *,
    announce: str,
    close: Callable[[], Awaitable[None]],
    logger: FilteringBoundLogger,
    background: Sequence[Coroutine[Any, Any, None]] = (),
    drain_seconds: float = DRAIN_SECONDS,
) -> int:
    """Serves until SIGTERM or SIGINT and returns the exit code: 0, or 1 if a background task failed.

    Starts the server and prints `serving {announce} on HOST:PORT`. At the end: health NOT_SERVING, up to
    `drain_seconds` [s] for running calls, then the background tasks end (they are needed until then), then `close`.
    A second signal ends the process at once: every write is atomic, so that is safe.
    """
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop(number: signal.Signals) -> None:
        logger.info("stopping", signal=number.name, seconds=drain_seconds)
        for each in SIGNALS:
            loop.remove_signal_handler(each)
            signal.signal(each, signal.SIG_DFL)  # the operating system answers the second one, whatever hangs here
        asked.set()

    for number in SIGNALS:
        loop.add_signal_handler(number, stop, number)
    tasks = [loop.create_task(coroutine) for coroutine in background]
    try:
        await server.start()
        print(f"serving {announce} on {server.address}", flush=True)
        logger.info("serving", service=announce, address=server.address)
        return await _until(asked, tasks, logger)
    finally:
        await server.drain(drain_seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await close()
        logger.info("stopped", service=announce)


async def _until(asked: asyncio.Event, tasks: Sequence[asyncio.Task[None]], logger: FilteringBoundLogger) -> int:
    """Waits for the signal, or for a background task that fails; one that simply ends is fine."""
    waiting = {asyncio.ensure_future(asked.wait()), *tasks}
    try:
        while not asked.is_set():
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                if error := task.exception():
                    logger.error("a background task failed", exc_info=error)
                    return 1
    finally:
        for task in waiting.difference(tasks):
            task.cancel()
    return 0
