"""How many calls run at once: a call beyond a limit waits a moment for room, then it is refused with a hint.

The moment is shorter than anybody notices and longer than most calls take: a burst of small writes passes, and an
overload is still answered at once.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc

from services.runtime.status import CallRefused

RETRY_AFTER_SECONDS = 0.5
PATIENCE_SECONDS = 0.15


class Capacity:
    """Room for `total` calls of one kind, of which one clinic may take `per_clinic`. `kind`: `calls` or `streams`."""

    def __init__(self, kind: str, *, total: int, per_clinic: int) -> None:
        self._kind = kind
        self._total = total
        self._per_clinic = per_clinic
        self._running: Counter[str] = Counter()
        self._freed = asyncio.Event()

    @asynccontextmanager
    async def room_for(self, clinic: str) -> AsyncIterator[None]:
        """Counts a call of `clinic` for a with block; RESOURCE_EXHAUSTED if no room comes free in time."""
        if refusal := self._refusal(clinic):
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    while refusal := self._refusal(clinic):
                        await self._freed.wait()
            except TimeoutError:
                raise refusal or _full(self._kind, self._total) from None
        self._running[clinic] += 1
        try:
            yield
        finally:
            self._running[clinic] -= 1
            self._running += Counter()  # forgets clinics without calls
            self._freed.set()
            self._freed = asyncio.Event()

    def _refusal(self, clinic: str) -> CallRefused | None:
        if self._running.total() >= self._total:
            return _full(self._kind, self._total)
        if self._running[clinic] >= self._per_clinic:
            return _full(f"{self._kind}_per_clinic", self._per_clinic)
        return None


def _full(limit: str, most: int) -> CallRefused:
    return CallRefused(
        code=grpc.StatusCode.RESOURCE_EXHAUSTED,
        reason="LIMIT_EXCEEDED",
        message=f"too many {limit.replace('_', ' ')} at once: {most} is the most; try again a little later",
        metadata={"limit": limit, "most": str(most)},
        retry_after_seconds=RETRY_AFTER_SECONDS,
    )
