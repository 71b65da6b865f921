"""Writes down who read which records: in the audit trail, in batches, behind the answers.

A change is in the trail before it is acknowledged; a read is in it about a second later. If the store cannot take it,
reads go on, and the log says how many could not be written down.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime

from structlog.typing import FilteringBoundLogger

from services.runtime.callers import actor_of
from services.runtime.identity import Caller
from services.store.model import Actor, Note, StoreError

ACTION = "read"
FLUSH_SECONDS = 1.0
FLUSH_READS = 100
# Lines that wait for the store at most; and that one entry holds, and names in one line.
MOST_WAITING = 10_000
MOST_LINES = 100
MOST_NAMES = 50
LAST_FLUSH_SECONDS = 5.0


class AccessLog:
    """Collects what is read and writes it by `note` (that of a store), one entry for each person and batch.

    An entry has the action `read`; each of its `changes` is one line: the time (UTC), the method, the outcome and the
    names. Of a batch whose answer was lost the lines may stand in two entries. `run` has to run beside the server.
    `clock` says how many microseconds have passed since the epoch.
    """

    def __init__(
        self,
        note: Callable[[Note], Awaitable[None]],
        logger: FilteringBoundLogger,
        *,
        clock: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        self._note, self._logger, self._clock = note, logger, clock
        self._lines: dict[Actor, list[str]] = defaultdict(list)
        self._waiting = self._lost = 0
        self._wanted, self._many = asyncio.Event(), asyncio.Event()

    def add(self, caller: Caller, method: str, names: Sequence[str], outcome: str) -> None:
        """Takes in one call that read records. Never waits, never fails."""
        when = datetime.fromtimestamp(self._clock() / 1_000_000, UTC).isoformat(timespec="milliseconds")
        head = f"{when.removesuffix('+00:00')}Z {method.rpartition('/')[2]} {outcome}"
        for start in range(0, len(names), MOST_NAMES):
            if self._waiting >= MOST_WAITING:
                self._lost += 1
                continue
            self._lines[actor_of(caller)].append(" ".join([head, *names[start : start + MOST_NAMES]]))
            self._waiting += 1
        self._wanted.set()
        if self._waiting >= FLUSH_READS:
            self._many.set()

    async def run(self) -> None:
        """Writes until it is cancelled, and then what is left."""
        try:
            while True:
                await self._wanted.wait()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(FLUSH_SECONDS):
                        await self._many.wait()
                await self.flush()
        finally:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LAST_FLUSH_SECONDS):
                    await self.flush()
            self._lost += self._waiting
            self._tell_lost()

    async def flush(self) -> None:
        """Writes down what is waiting; what the store does not take goes on waiting."""
        self._wanted.clear()
        self._many.clear()
        for actor in list(self._lines):
            for lines in _portions(self._lines[actor]):
                note = Note(actor=actor, action=ACTION, time_micros=self._clock(), changes=tuple(lines))
                try:
                    await self._note(note)
                except StoreError as error:
                    self._logger.warning("reads wait to be written down", count=self._waiting, exc_info=error)
                    self._wanted.set()
                    return
                del self._lines[actor][: len(lines)]
                self._waiting -= len(lines)
            if not self._lines[actor]:
                del self._lines[actor]
        self._tell_lost()

    def _tell_lost(self) -> None:
        if self._lost:
            self._logger.error("reads were not written down", count=self._lost)
            self._lost = 0


def _portions(lines: Sequence[str]) -> Iterator[list[str]]:
    """Yields what is there now in portions; lines that come meanwhile are for the next time."""
    now = list(lines)
    for start in range(0, len(now), MOST_LINES):
        yield now[start : start + MOST_LINES]
