"""Checks that a Redis server keeps what it acknowledges: its settings, its role, its last write to disk.

`CONFIG SET appendfsync everysec` is accepted at any time and leaves no trace with the clients. The promise is therefore
checked where it is used: at the start, every few seconds, and on every new connection that will carry a write, because
that one may have reached a server that was restarted or replaced.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

import structlog
from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError

from services.store.model import StoreNotDurable, StoreUnavailable

# Often enough that a change is never older than 5 s when it is found, the time of the check included.
CHECK_SECONDS = 4.5
# After so many times the time between checks a write does not rely on the last one any more.
OVERDUE_CHECKS = 2
# Of checks, between two warnings about a throw-away store: about one a minute.
WARN_EVERY = 13

REQUIRED_SETTINGS = {
    "appendonly": "yes",
    "appendfsync": "always",
    "no-appendfsync-on-rewrite": "no",
    "maxmemory-policy": "noeviction",
}
REQUIRED_STATE = {
    "role": ("master", "the server is a replica; writes need a master"),
    "aof_enabled": ("1", "aof_enabled is not 1: the append-only file is not written"),
    "aof_last_write_status": ("ok", "aof_last_write_status is not ok: the last write to the append-only file failed"),
}
UNREACHABLE = "the store cannot be reached"
LOADING = "the store is still loading its data"
NOT_CHECKED = "the store was not checked yet"
# Until the first file is complete the server does not read it back after a crash, whatever the settings say.
STARTING_FILE = "appendonly was no, and the append-only file is still being started"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a server stood at one moment. `problem` is None if it keeps what it acknowledges.

    `rewriting`: the append-only file is being rewritten, or written for the first time; the server does not say which.
    """

    run_id: str
    serving: bool
    problem: str | None
    rewriting: bool = False


class NotDurable(RedisConnectionError):
    """A connection for writes reached a server that does not keep what it acknowledges; the text names the setting."""


def judge(settings: Mapping[str, str], state: Mapping[str, str]) -> Standing:
    """Judges a server by its CONFIG and its INFO, the first problem first."""
    run_id = state.get("run_id", "")
    if state.get("loading", "0") != "0":
        return Standing(run_id=run_id, serving=False, problem=LOADING)
    for name, wanted in REQUIRED_SETTINGS.items():
        if (found := settings.get(name, "")) != wanted:
            return Standing(run_id=run_id, serving=True, problem=f"{name} is {found or 'not known'}, not {wanted}")
    for name, (wanted, problem) in REQUIRED_STATE.items():
        if state.get(name) != wanted:
            return Standing(run_id=run_id, serving=True, problem=problem)
    return Standing(run_id=run_id, serving=True, problem=None, rewriting=state.get("aof_rewrite_in_progress") != "0")


async def ask(connection: AbstractConnection) -> Standing:
    """Asks the server at the other end of a connection. Raises RedisError if it does not answer."""
    try:
        await connection.send_command("INFO")
        state = _read_info(await connection.read_response())
        settings: dict[str, str] = {}
        for name in REQUIRED_SETTINGS:
            await connection.send_command("CONFIG", "GET", name)
            words = [word.decode() for word in await connection.read_response()]
            settings |= zip(words[::2], words[1::2], strict=True)
    except ResponseError as refusal:
        return Standing(run_id="", serving=True, problem=f"the server does not show its settings: {refusal}")
    return judge(settings, state)


def _read_info(text: bytes) -> dict[str, str]:
    lines = (line.partition(":") for line in text.decode().splitlines() if not line.startswith("#"))
    return {name: value for name, _, value in lines}


class DurabilityGuard:
    """Watches one server. `problem` says why nothing may be written now, None while everything is as it has to be.

    `throwaway` accepts any settings, loudly: for stores whose records nobody will miss. `on_change` is called with
    every new value of `problem`, at the start too; health hangs on it. `on_replaced` is called when another process
    answers than before.
    """

    def __init__(
        self,
        pool: ConnectionPool,
        *,
        throwaway: bool = False,
        check_seconds: float = CHECK_SECONDS,
        on_change: Callable[[str | None], None] | None = None,
        on_replaced: Callable[[], None] | None = None,
    ) -> None:
        self._pool = pool
        self._throwaway = throwaway
        self._check_seconds = check_seconds
        self._on_change = on_change
        self._on_replaced = on_replaced
        self._standing = Standing(run_id="", serving=False, problem=NOT_CHECKED)
        self._noted_at = -math.inf
        self._checks = 0
        self._checking: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Checks once and goes on checking until the end of the block."""
        await self.check()
        self._watching = asyncio.create_task(self._watch())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops checking."""
        for task in (self._watching, self._checking):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        await self._pool.aclose()

    @property
    def problem(self) -> str | None:
        """Why nothing may be written, or None."""
        accepted = self._throwaway and self._standing.serving
        return None if accepted else self._standing.problem

    async def require(self) -> None:
        """Returns if the store may be written; after a problem, or if nobody has looked for long, it looks first.

        Raises StoreUnavailable, StoreNotDurable.
        """
        age_seconds = asyncio.get_running_loop().time() - self._noted_at
        if self.problem is None and age_seconds < OVERDUE_CHECKS * self._check_seconds:
            return
        await self.check()
        if (problem := self.problem) is not None:
            raise StoreNotDurable(problem) if self._standing.serving else StoreUnavailable(problem)

    async def check(self) -> None:
        """Asks the server now. Calls at the same time share one question."""
        if self._checking is None or self._checking.done():
            self._checking = asyncio.create_task(self._check())
        await asyncio.shield(self._checking)

    async def admit(self, connection: AbstractConnection) -> None:
        """Prepares a new connection for writes and lets it pass only if the server it reached may be written.

        Raises NotDurable, ConnectionError.
        """
        await connection.on_connect()
        self._note(await ask(connection))
        if (problem := self.problem) is not None:
            raise NotDurable(problem) if self._standing.serving else RedisConnectionError(problem)

    async def meet(self, connection: AbstractConnection) -> None:
        """Prepares a new connection for reads, which need no promise, and sees whether the server is still the same.

        Raises ConnectionError.
        """
        await connection.on_connect()
        self._note(await ask(connection))

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._check_seconds)
            await self.check()

    async def _check(self) -> None:
        try:
            connection = await self._pool.get_connection()  # type: ignore[no-untyped-call]
            try:
                standing = await ask(connection)
            finally:
                await self._pool.release(connection)
        except (RedisError, OSError, ValueError):
            standing = Standing(run_id=self._standing.run_id, serving=False, problem=UNREACHABLE)
        self._note(standing)
        self._checks += 1
        if self._throwaway and self._checks % WARN_EVERY == 1:
            _log.warning(
                "THROW-AWAY STORE: any settings are accepted, acknowledged records can be lost",
                problem=self._standing.problem,
            )

    def _note(self, standing: Standing) -> None:
        self._noted_at = asyncio.get_running_loop().time()
        before, problem_before = self._standing, self.problem
        if standing.rewriting and (before.problem or "").startswith("appendonly "):
            standing = replace(standing, problem=STARTING_FILE)
        self._standing = standing
        if before.run_id and standing.run_id and before.run_id != standing.run_id:
            _log.warning("the store was restarted or replaced")
            if self._on_replaced is not None:
                self._on_replaced()
        if self.problem == problem_before:
            return
        if self.problem is None:
            _log.info("the store may be written")
        else:
            _log.error("the store must not be written", problem=self.problem)
        if self._on_change is not None:
            self._on_change(self.problem)
