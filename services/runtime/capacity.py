"""How many calls run at once: a call beyond a limit is refused at once with a hint, never queued."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import grpc

from services.runtime.status import CallRefused

RETRY_AFTER_SECONDS = 0.5


class Capacity:
    """Room for `total` calls of one kind, of which one clinic may take `per_clinic`. `kind`: `calls` or `streams`."""

    def __init__(self, kind: str, *, total: int, per_clinic: int) -> None:
        self._kind = kind
        self._total = total
        self._per_clinic = per_clinic
        self._running: Counter[str] = Counter()

    @contextmanager
    def room_for(self, clinic: str) -> Iterator[None]:
        """Counts a call of `clinic` for the length of a with block; RESOURCE_EXHAUSTED if there is no room."""
        if self._running.total() >= self._total:
            raise _full(self._kind, self._total)
        if self._running[clinic] >= self._per_clinic:
            raise _full(f"{self._kind}_per_clinic", self._per_clinic)
        self._running[clinic] += 1
        try:
            yield
        finally:
            self._running[clinic] -= 1
            self._running += Counter()  # forgets clinics without calls


def _full(limit: str, most: int) -> CallRefused:
    return CallRefused(
        code=grpc.StatusCode.RESOURCE_EXHAUSTED,
        reason="LIMIT_EXCEEDED",
        message=f"too many {limit.replace('_', ' ')} at once: {most} is the most; try again a little later",
        metadata={"limit": limit, "most": str(most)},
        retry_after_seconds=RETRY_AFTER_SECONDS,
    )
