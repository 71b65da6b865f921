"""The record store over Redis: one write is one script in the clinic's hash slot, acknowledged when it is on disk.

Nothing here repeats a write. A write whose reply was lost may have happened: the caller gets StoreUnavailable and
repeats it with the same request id, and the script answers with what the first one made.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from importlib.resources import files
from types import TracebackType
from typing import Any, Self

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoPermissionError, NoScriptError, OutOfMemoryError, ReadOnlyError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from services.store import trail
from services.store.durability import CHECK_SECONDS, DurabilityGuard, NotDurable
from services.store.layout import EVERY_CLIENT, Layout, parent_of
from services.store.model import (
    Actor,
    Entry,
    EtagMismatch,
    Page,
    RecordDamaged,
    RecordExists,
    RecordMissing,
    Refusal,
    Request,
    RequestReused,
    Revision,
    StoreNotDurable,
    StoreUnavailable,
    Write,
)
from services.store.seals import Sealed, Sealer, entry_bytes, entry_of_refusal, entry_of_write

REQUEST_SECONDS = 7 * 24 * 60 * 60
TRAIL_FIELD = b"sealed"
# Most entries are shorter; a longer one takes a second look.
ENTRY_GUESS_BYTES = 1024
REMEMBERED_HEADS = 4096
BLOCK_MILLISECONDS = 1000

_COMMIT = files(__package__).joinpath("commit.lua").read_text(encoding="utf-8")
_COMMIT_SHA = hashlib.sha1(_COMMIT.encode(), usedforsecurity=False).hexdigest()


class RedisStore:
    """Implements `RecordStore` over one Redis server; an async context manager.

    `url`: `unix:///path`, `redis://host:port` or `rediss://…`. `service`: the key prefix of the service.
    `connections`: how many writes, and how many reads, are under way at most; more wait their turn.
    `timeout_seconds`: how long one command may take, and how long one may wait for a connection.
    `required_replicas`: how many replicas must have received a write before it is acknowledged.
    `throwaway`, `check_seconds`, `on_durability`: see `DurabilityGuard`.
    """

    def __init__(
        self,
        url: str,
        service: str,
        sealer: Sealer,
        *,
        connections: int = 16,
        timeout_seconds: float = 2.0,
        required_replicas: int = 0,
        throwaway: bool = False,
        check_seconds: float = CHECK_SECONDS,
        on_durability: Callable[[str | None], None] | None = None,
    ) -> None:
        self._url, self._service, self._sealer = url, service, sealer
        self._connections, self._timeout = connections, timeout_seconds
        self._required_replicas = required_replicas
        self.guard = DurabilityGuard(
            self._pool(1), throwaway=throwaway, check_seconds=check_seconds, on_change=on_durability
        )
        self._writer = Redis.from_pool(self._pool(connections, redis_connect_func=self.guard.admit))
        lost_connection = Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,))
        self._reader = Redis.from_pool(self._pool(connections, retry=lost_connection))
        self._heads: OrderedDict[tuple[str, str], Entry] = OrderedDict()
        self._seen: dict[str, int] = {}
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Starts watching the server. A server that cannot be reached is no error here: see `guard.problem`."""
        self._open.push_async_callback(self._writer.aclose)
        self._open.push_async_callback(self._reader.aclose)
        await self._open.enter_async_context(self.guard)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes every connection."""
        await self._open.aclose()

    # Writing

    async def write(self, write: Write) -> Revision:
        """Stores the next revision and returns it; acknowledged only when durable."""
        await self.guard.require()
        layout = self._layout(write.actor.clinic)
        try:
            previous = await self._previous(write)
        except (RecordMissing, EtagMismatch):
            # A repeated request is answered with its first result, whatever happened to the record since.
            if write.request and (earlier := await self.replay(write.actor, write.request)):
                return earlier
            raise
        seen = self._seen.get(write.actor.clinic, 0)
        entry = entry_of_write(self._sealer, write, previous=previous, written_after=seen)
        sealed = self._sealer.seal(layout.scope, entry)
        reply = await self._commit(*_words_of_write(layout, write, sealed))
        match reply:
            case [b"stored", seq]:
                revision = Revision(content=write.content, entry=sealed.placed(int(seq)))
                self._remember(write.actor.clinic, revision.entry)
                return revision
            case [b"repeated", result] if write.request:
                return await self._repeated(write.actor.clinic, write.request, result)
            case [b"exists"]:
                raise RecordExists(write.name)
            case [b"missing"]:
                raise RecordMissing(write.name)
            case [b"changed"]:
                raise EtagMismatch(write.name)
        raise _refused(reply)

    async def _previous(self, write: Write) -> Entry | None:
        """Returns the entry that the write continues, from memory if it is the one that the caller has read."""
        if write.expected_etag is None:
            return None
        clinic = write.actor.clinic
        entry = self._heads.get((clinic, write.name))
        if entry is None or entry.etag != write.expected_etag:
            entry = (await self.read(clinic, write.name)).entry
        if entry.etag != write.expected_etag:
            raise EtagMismatch(write.name)
        return entry

    async def replay(self, actor: Actor, request: Request) -> Revision | None:
        """Returns what the same request made before, or None."""
        key = self._layout(actor.clinic).request(actor, request)
        result = await _ask(self._reader, "GET", key)
        if result is None:
            return None
        if self._required_replicas:
            await self._run("EXPIRE", key, REQUEST_SECONDS)
        return await self._repeated(actor.clinic, request, result)

    async def _repeated(self, clinic: str, request: Request, result: bytes) -> Revision:
        revision, name, body_digest = result.decode().split(" ", 2)
        if body_digest != request.body_digest:
            raise RequestReused(request.request_id)
        return await self.read(clinic, name, int(revision))

    async def refuse(self, refusal: Refusal) -> None:
        """Writes one audit entry for a refused call."""
        await self.guard.require()
        layout = self._layout(refusal.actor.clinic)
        entry = entry_of_refusal(self._sealer, refusal, written_after=self._seen.get(refusal.actor.clinic, 0))
        sealed = self._sealer.seal(layout.scope, entry)
        reply = await self._commit([layout.trail], [sealed.seal, sealed.statement, entry.written_after])
        match reply:
            case [b"stored", seq]:
                self._saw(refusal.actor.clinic, int(seq))
            case _:
                raise _refused(reply)

    async def _commit(self, keys: Sequence[str], arguments: Sequence[bytes | str | int]) -> Sequence[bytes]:
        words = (len(keys), *keys, *arguments)
        try:
            reply: Sequence[bytes] = await self._run("EVALSHA", _COMMIT_SHA, *words)
        except NoScriptError:
            # The server was restarted and has forgotten the script; nothing has run.
            reply = await self._run("EVAL", _COMMIT, *words)
        return reply

    async def _run(self, *words: bytes | str | int) -> Any:
        """Sends a write once; waits for the replicas on the same connection, because WAIT counts only for that one."""
        if not self._required_replicas:
            return await _ask(self._writer, *words)
        with _explained():
            async with self._writer.pipeline(transaction=False) as pipeline:
                pipeline.execute_command(*words)
                pipeline.execute_command("WAIT", self._required_replicas, round(self._timeout * 500))
                reply, received = await pipeline.execute(raise_on_error=False)
            for answer in (reply, received):
                if isinstance(answer, Exception):
                    raise answer
        if received < self._required_replicas:
            raise StoreUnavailable(f"{received} of {self._required_replicas} replicas have received the write")
        return reply

    # Reading

    async def read(self, clinic: str, name: str, revision: int | None = None) -> Revision:
        """Returns a revision, the newest if `revision` is None, in one round trip."""
        layout = self._layout(clinic)
        if revision is None:
            stored = await _ask(self._reader, "GET", layout.newest(name))
            if stored is None:
                raise RecordMissing(name)
            newest = self._sealer.open_revision(layout.scope, name, stored)
            self._remember(clinic, newest.entry)
            return newest
        found = await _ask(self._reader, "MGET", layout.earlier(name, revision), layout.newest(name))
        for stored in found:
            if stored is not None:
                opened = self._sealer.open_revision(layout.scope, name, stored)
                if opened.entry.revision == revision:
                    return opened
        raise RecordMissing(name)

    async def list(self, clinic: str, parent: str, limit: int, after: int | None = None) -> Page:
        """Lists newest revisions under `parent`, newest record first."""
        layout = self._layout(clinic)
        highest = "+inf" if after is None else f"({after}"
        words = ("WITHSCORES", "LIMIT", 0, limit + 1)
        pairs = _pairs(await _ask(self._reader, "ZREVRANGEBYSCORE", layout.index(parent), highest, "-inf", *words))
        names = [name for name, _ in pairs[:limit]]
        newest = await _ask(self._reader, "MGET", *map(layout.newest, names)) if names else []
        revisions = []
        for name, stored in zip(names, newest, strict=True):
            if stored is None:
                raise RecordDamaged(f"{name} is listed and not there")
            revisions.append(self._sealer.open_revision(layout.scope, name, stored))
            self._remember(clinic, revisions[-1].entry)
        return Page(revisions=tuple(revisions), next_after=pairs[limit - 1][1] if len(pairs) > limit else None)

    async def history(self, clinic: str, name: str, limit: int, after: int | None = None) -> tuple[Entry, ...]:
        """Returns entries of one record, newest first, below revision `after`."""
        layout = self._layout(clinic)
        (start,) = await self._starts(name, [layout.newest(name)])
        if not start:
            raise RecordMissing(name)
        newest = self._sealer.open_stored_entry(layout.scope, name, start)
        first = newest.revision if after is None else min(newest.revision, after - 1)
        numbers = range(first, max(first - limit, 0), -1)
        earlier = [number for number in numbers if number != newest.revision]
        starts = await self._starts(name, [layout.earlier(name, number) for number in earlier])
        if not all(starts):
            raise RecordDamaged(f"revisions of {name} are missing")
        entries = [self._sealer.open_stored_entry(layout.scope, name, start) for start in starts]
        return (newest, *entries) if newest.revision in numbers else tuple(entries)

    async def _starts(self, name: str, keys: Sequence[str]) -> Sequence[bytes]:
        """Returns stored revisions with most of their content cut off; nothing for a missing one."""
        starts = await self._ranges([(key, ENTRY_GUESS_BYTES) for key in keys])
        longer = [
            (key, entry_bytes(name, start))
            for key, start in zip(keys, starts, strict=True)
            if start and entry_bytes(name, start) > ENTRY_GUESS_BYTES
        ]
        whole = dict(zip((key for key, _ in longer), await self._ranges(longer), strict=True))
        return [whole.get(key, start) for key, start in zip(keys, starts, strict=True)]

    async def _ranges(self, keys: Sequence[tuple[str, int]]) -> Sequence[bytes]:
        if not keys:
            return []
        with _explained():
            async with self._reader.pipeline(transaction=False) as pipeline:
                for key, length in keys:
                    pipeline.execute_command("GETRANGE", key, 0, length - 1)
                starts: Sequence[bytes] = await pipeline.execute()
        return starts

    async def events(self, clinic: str, after: int) -> AsyncIterator[Entry]:
        """Yields the entries of accepted writes with `seq` > `after`, in order, then new ones as they happen.

        Each watcher has a connection of its own, so that watchers never keep reads waiting.
        """
        layout = self._layout(clinic)
        watcher = Redis.from_pool(self._pool(1, socket_timeout=self._timeout + BLOCK_MILLISECONDS / 1000))
        words = ("XREAD", "COUNT", trail.BATCH, "BLOCK", BLOCK_MILLISECONDS, "STREAMS", layout.trail)
        try:
            while True:
                reply = await _ask(watcher, *words, f"{after}-0")
                for seq, sealed in _sealed_entries(reply[0][1] if reply else []):
                    if seq != after + 1:
                        raise RecordDamaged(f"entries {after + 1} to {seq - 1} are missing")
                    entry = self._sealer.open(layout.scope, seq, sealed)
                    after = seq
                    self._saw(clinic, seq)
                    if entry.revision:
                        yield entry
        finally:
            await watcher.aclose()

    async def verify(self, clinic: str) -> tuple[str, ...]:
        """Checks every chain, seal and sequence number of the clinic."""
        layout = self._layout(clinic)
        return await trail.verify(self._sealer, layout, _RedisCopy(self._reader, layout))

    # Within

    def _layout(self, clinic: str) -> Layout:
        return Layout(self._service, clinic)

    def _remember(self, clinic: str, newest: Entry) -> None:
        """Keeps the newest entry of a record: the next write has to name its whole seal, and an etag holds only a part.

        What is kept may be out of date: the script compares it with the store.
        """
        self._heads[clinic, newest.name] = newest
        self._heads.move_to_end((clinic, newest.name))
        if len(self._heads) > REMEMBERED_HEADS:
            self._heads.popitem(last=False)
        self._saw(clinic, newest.seq)

    def _saw(self, clinic: str, seq: int) -> None:
        self._seen[clinic] = max(seq, self._seen.get(clinic, 0))

    def _pool(
        self, connections: int, *, retry: Retry | None = None, socket_timeout: float | None = None, **options: Any
    ) -> BlockingConnectionPool:
        return BlockingConnectionPool.from_url(
            self._url,
            max_connections=connections,
            timeout=self._timeout,
            socket_timeout=socket_timeout or self._timeout,
            socket_connect_timeout=self._timeout,
            # redis-py repeats commands by itself unless told otherwise, and a repeated write is a second write.
            retry=retry or Retry(NoBackoff(), 0),
            protocol=2,
            driver_info=None,
            **options,
        )


def _words_of_write(layout: Layout, write: Write, sealed: Sealed) -> tuple[Sequence[str], Sequence[bytes | str | int]]:
    """Returns KEYS and ARGV of `commit.lua`."""
    entry = sealed.entry
    keys = [
        layout.trail,
        layout.newest(write.name),
        layout.earlier(write.name, entry.revision - 1),
        layout.index(EVERY_CLIENT),
        layout.index(parent_of(write.name)),
    ]
    result = ""
    if write.request:
        keys.append(layout.request(write.actor, write.request))
        result = f"{entry.revision} {write.name} {write.request.body_digest}"
    replaced = bytes.fromhex(entry.previous_seal)
    arguments = (sealed.seal, sealed.statement, entry.written_after, write.content, replaced, write.name, result)
    return keys, (*arguments, REQUEST_SECONDS)


class _RedisCopy:
    """Implements `services.store.trail.Copy` over a store in use."""

    def __init__(self, reader: Redis, layout: Layout) -> None:
        self._reader, self._layout = reader, layout

    async def last_seq(self) -> int:
        """Returns the seq up to which the trail was ever written."""
        if not await _ask(self._reader, "EXISTS", self._layout.trail):
            return 0
        known = await _ask(self._reader, "XINFO", "STREAM", self._layout.trail)
        return _seq(known[known.index(b"last-generated-id") + 1])

    async def trail(self, after: int, limit: int) -> Sequence[tuple[int, bytes]]:
        """Returns the next entries of the trail."""
        words = (f"({after}-0", "+", "COUNT", limit)
        reply = await _ask(self._reader, "XRANGE", self._layout.trail, *words)
        return list(_sealed_entries(reply))

    async def values(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        """Returns what is stored under the keys."""
        if not keys:
            return []
        values: Sequence[bytes | None] = await _ask(self._reader, "MGET", *keys)
        return values

    async def listed(self, index: str) -> Sequence[tuple[str, int]]:
        """Returns the record names of an index, each with the seq of its creation."""
        pairs: list[tuple[str, int]] = []
        while True:
            start, end = len(pairs), len(pairs) + trail.BATCH - 1
            batch = _pairs(await _ask(self._reader, "ZRANGE", index, start, end, "WITHSCORES"))
            pairs += batch
            if not batch:
                return pairs

    async def keys(self) -> AsyncIterator[str]:
        """Yields every key of the clinic, some perhaps twice."""
        with _explained():
            async for key in self._reader.scan_iter(match=f"{self._layout.scope}:*", count=1000):
                yield key.decode(errors="backslashreplace")


async def _ask(client: Any, *words: bytes | str | int) -> Any:
    """Sends one command and returns its reply as it came, raising what a store raises."""
    with _explained():
        return await client.execute_command(*words)


def _sealed_entries(reply: Sequence[tuple[bytes, dict[bytes, bytes]]]) -> Iterator[tuple[int, bytes]]:
    for place, fields in reply:
        if fields.keys() != {TRAIL_FIELD}:
            raise RecordDamaged(f"the trail holds an entry of another form at {place!a}")
        yield _seq(place), fields[TRAIL_FIELD]


def _seq(place: bytes) -> int:
    digits, _, rest = place.partition(b"-")
    if rest != b"0":
        raise RecordDamaged(f"the trail holds an entry of another form at {place!a}")
    return int(digits)


def _pairs(listed: Sequence[bytes]) -> list[tuple[str, int]]:
    """Returns the members of a sorted set with their scores."""
    return [
        (name.decode(errors="backslashreplace"), int(float(score)))
        for name, score in zip(listed[::2], listed[1::2], strict=True)
    ]


def _refused(reply: Sequence[bytes]) -> Exception:
    """Returns the error for a write that the script or the server refused; nothing was written."""
    match reply:
        case [b"damaged", what]:
            return RecordDamaged(what.decode(errors="backslashreplace"))
        case [b"refused", why]:
            return _store_error(ResponseError(why.decode(errors="backslashreplace")))
    raise AssertionError(f"the script of this version does not answer {reply!r}")


# Codes of the server, which stand first in an error or somewhere in it when a script was running.
_NOT_DURABLE = ("READONLY", "MISCONF")
_UNAVAILABLE = ("OOM", "NOREPLICAS", "CLUSTERDOWN", "MASTERDOWN", "NOPERM", "UNKILLABLE", "BUSY")
_CODES_OF_CLASSES = {ReadOnlyError: "READONLY", OutOfMemoryError: "OOM", NoPermissionError: "NOPERM"}
_DAMAGED = ("WRONGTYPE", "The ID specified in XADD", "Invalid stream ID")


def _store_error(error: ResponseError) -> Exception:
    """Returns what an error of the server means for a caller; the error itself if no caller can be meant."""
    # redis-py takes the code out of the text where it has a class for it.
    code = next((code for kind, code in _CODES_OF_CLASSES.items() if isinstance(error, kind)), "")
    text = f"{code} {error}".strip()
    for codes, kind in ((_NOT_DURABLE, StoreNotDurable), (_UNAVAILABLE, StoreUnavailable), (_DAMAGED, RecordDamaged)):
        if any(code in text for code in codes):
            return kind(text)
    return error


@contextmanager
def _explained() -> Iterator[None]:
    """Turns what redis-py raises into what a store raises. An unknown script and a bug pass as they are.

    A cancellation that arrives just when the bytes are sent is swallowed by `asyncio.wait_for`, with which redis-py
    sends, up to Python 3.11; it is raised again here, or a cancelled watcher would go on for ever.
    """
    task = asyncio.current_task()
    cancellations = task.cancelling() if task else 0
    try:
        yield
    except NotDurable as problem:
        raise StoreNotDurable(str(problem)) from problem
    except (RedisConnectionError, RedisTimeoutError) as lost:
        # Without the text of the cause: it holds addresses.
        raise StoreUnavailable("the store did not answer") from lost
    except NoScriptError:
        raise
    except ResponseError as error:
        raise _store_error(error) from error
    if task and task.cancelling() > cancellations:
        raise asyncio.CancelledError
