"""How long a call may take: what its client allows, less a little so that the server itself can still answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

import grpc

from services.runtime.status import CallRefused

SHAVED_SHARE = 0.05
LEAST_SHAVED_SECONDS = 0.05

_end: ContextVar[float] = ContextVar("end")


def allowed_seconds(remaining: float | None, *, default_seconds: float, longest_seconds: float) -> float:
    """Returns how long a call may run [s]: `remaining` less 5 % and at least 50 ms, never above `longest_seconds`.

    `default_seconds` when the client set no deadline. Zero or less: there is no time to begin.
    """
    if remaining is None:
        return default_seconds
    return min(remaining - max(LEAST_SHAVED_SECONDS, SHAVED_SHARE * remaining), longest_seconds)


def seconds_left() -> float | None:
    """Returns what is left of the deadline of the call being handled [s], None outside of one.

    It is the timeout to pass to calls made on its behalf.
    """
    end = _end.get(None)
    return None if end is None else max(0.0, end - asyncio.get_running_loop().time())


@asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    """Cancels the body after `seconds` [s] and refuses the call with DEADLINE_EXCEEDED instead."""
    if seconds <= 0:
        raise _too_late(0, "the deadline was too short to begin")
    _end.set(asyncio.get_running_loop().time() + seconds)
    try:
        async with asyncio.timeout(seconds) as timer:
            yield
    except TimeoutError:
        if timer.expired():
            raise _too_late(seconds, f"the call did not finish within {seconds:.3g} seconds") from None
        raise  # the body's own


def _too_late(seconds: float, message: str) -> CallRefused:
    return CallRefused(
        code=grpc.StatusCode.DEADLINE_EXCEEDED,
        reason="DEADLINE_TOO_SHORT",
        message=message,
        metadata={"deadline_seconds": f"{seconds:.3g}"},
    )
