"""The record store over Redis: one write is one script in the clinic's hash slot, acknowledged when it is on disk.

Nothing here repeats a write. A write whose reply was lost may have happened: the caller gets StoreUnavailable and
repeats it with the same request id, and the script answers with what the first one made.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError

from services.store import trail
from services.store.anchor import AnchorFile
from services.store.anchoring import Anchoring
from services.store.durability import CHECK_SECONDS, DurabilityGuard
from services.store.layout import Layout, clinic_of_trail, collections_of
from services.store.model import (
    Actor,
    Entry,
    EtagMismatch,
    Inspect,
    Note,
    Page,
    RecordDamaged,
    RecordExists,
    RecordMissing,
    Refusal,
    Request,
    RequestReused,
    Revision,
    StoreError,
    StoreUnavailable,
    Write,
)
from services.store.redis_copy import RedisCopy, pairs_of, sealed_entries
from services.store.redis_errors import ask, explained, refused
from services.store.seals import Sealed, Sealer, entry_bytes, entry_of_note, entry_of_refusal, entry_of_write

REQUEST_SECONDS = 7 * 24 * 60 * 60
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
    `throwaway`, `check_seconds`: see `DurabilityGuard`. `on_problem` is called with why the store is not to be used, or
    None, at the start and whenever that changes. `anchor_file`, `accepted_losses`: see `Anchoring`; without a file an
    older store that is put back is not noticed.
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
        on_problem: Callable[[str | None], None] | None = None,
        anchor_file: Path | None = None,
        accepted_losses: Collection[str] = (),
    ) -> None:
        self._url, self._service, self._sealer = url, service, sealer
        self._connections, self._timeout = connections, timeout_seconds
        self._required_replicas = required_replicas
        self._on_problem = on_problem
        self.guard = DurabilityGuard(
            self._pool(1),
            throwaway=throwaway,
            check_seconds=check_seconds,
            on_change=lambda _: self._report(),
            on_replaced=self._doubt,
        )
        self._writer = Redis.from_pool(self._pool(connections, redis_connect_func=self.guard.admit))
        lost_connection = Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,))
        self._reader = Redis.from_pool(
            self._pool(connections, retry=lost_connection, redis_connect_func=self.guard.meet)
        )
        self._heads: OrderedDict[tuple[str, str], Entry] = OrderedDict()
        self._seen: dict[str, int] = {}
        self._open = AsyncExitStack()
        self.anchoring: Anchoring | None = None
        if anchor_file is not None:
            self.anchoring = Anchoring(
                AnchorFile(anchor_file, service, sealer),
                sealer,
                service=service,
                clinics=self._clinics,
                copy=self.copy,
                note=self._note,
                accepted=accepted_losses,
                on_change=self._report,
            )

    async def __aenter__(self) -> Self:
        """Starts watching the server. A server that cannot be reached is no error here: see `guard.problem`."""
        self._open.push_async_callback(self._writer.aclose)
        self._open.push_async_callback(self._reader.aclose)
        await self._open.enter_async_context(self.guard)
        if self.anchoring:
            await self._open.enter_async_context(self.anchoring)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes every connection."""
        await self._open.aclose()

    @property
    def problem(self) -> str | None:
        """Why the store is not to be used, or None."""
        return self.guard.problem or (self.anchoring.problem if self.anchoring else None)

    def _report(self) -> None:
        if self._on_problem is not None:
            self._on_problem(self.problem)

    def _doubt(self) -> None:
        if self.anchoring:
            self.anchoring.doubt()

    async def _require_anchored(self, clinic: str) -> None:
        """Returns if the clinic's records did not go back in time. Raises StoreRolledBack, StoreUnavailable."""
        if self.anchoring:
            await self.anchoring.require(clinic)

    @asynccontextmanager
    async def _reading(self, clinic: str) -> AsyncIterator[None]:
        """Holds what is read within up to the anchor, before and after: a new connection may reach another server."""
        await self._require_anchored(clinic)
        try:
            yield
        except StoreError:
            await self._require_anchored(clinic)
            raise
        await self._require_anchored(clinic)

    async def _clinics(self) -> AsyncIterator[str]:
        """Yields every clinic that has a trail."""
        with explained():
            async for key in self._reader.scan_iter(match=Layout.trails(self._service), count=1000):
                if clinic := clinic_of_trail(key.decode(errors="backslashreplace")):
                    yield clinic

    # Writing

    async def write(self, write: Write) -> Revision:
        """Stores the next revision and returns it; acknowledged only when durable."""
        await self.guard.require()
        await self._require_anchored(write.actor.clinic)
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
        raise refused(reply)

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
        async with self._reading(actor.clinic):
            result = await ask(self._reader, "GET", key)
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
        clinic = refusal.actor.clinic
        await self._require_anchored(clinic)
        await self._append(clinic, entry_of_refusal(self._sealer, refusal, written_after=self._seen.get(clinic, 0)))

    async def note(self, note: Note) -> None:
        """Writes one entry to the audit trail."""
        await self._require_anchored(note.actor.clinic)
        await self._note(note)

    async def _note(self, note: Note) -> None:
        clinic = note.actor.clinic
        await self._append(clinic, entry_of_note(self._sealer, note, written_after=self._seen.get(clinic, 0)))

    async def _append(self, clinic: str, entry: Entry) -> None:
        """Writes an entry that touches no record."""
        await self.guard.require()
        layout = self._layout(clinic)
        sealed = self._sealer.seal(layout.scope, entry)
        reply = await self._commit([layout.trail], [sealed.seal, sealed.statement, entry.written_after])
        match reply:
            case [b"stored", seq]:
                self._saw(clinic, int(seq))
            case _:
                raise refused(reply)

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
            return await ask(self._writer, *words)
        with explained():
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
        async with self._reading(clinic):
            return await self._read(clinic, name, revision)

    async def _read(self, clinic: str, name: str, revision: int | None) -> Revision:
        layout = self._layout(clinic)
        if revision is None:
            stored = await ask(self._reader, "GET", layout.newest(name))
            if stored is None:
                raise RecordMissing(name)
            newest = self._sealer.open_revision(layout.scope, name, stored)
            self._remember(clinic, newest.entry)
            return newest
        found = await ask(self._reader, "MGET", layout.earlier(name, revision), layout.newest(name))
        for stored in found:
            if stored is not None:
                opened = self._sealer.open_revision(layout.scope, name, stored)
                if opened.entry.revision == revision:
                    return opened
        raise RecordMissing(name)

    async def list(self, clinic: str, collection: str, limit: int, after: int | None = None) -> Page:
        """Lists newest revisions of a collection, newest record first."""
        async with self._reading(clinic):
            return await self._list(clinic, collection, limit, after)

    async def _list(self, clinic: str, collection: str, limit: int, after: int | None) -> Page:
        layout = self._layout(clinic)
        highest = "+inf" if after is None else f"({after}"
        words = ("WITHSCORES", "LIMIT", 0, limit + 1)
        pairs = pairs_of(await ask(self._reader, "ZREVRANGEBYSCORE", layout.index(collection), highest, "-inf", *words))
        names = [name for name, _ in pairs[:limit]]
        newest = await ask(self._reader, "MGET", *map(layout.newest, names)) if names else []
        revisions = []
        for name, stored in zip(names, newest, strict=True):
            if stored is None:
                raise RecordDamaged(f"{name} is listed and not there")
            revisions.append(self._sealer.open_revision(layout.scope, name, stored))
            self._remember(clinic, revisions[-1].entry)
        return Page(revisions=tuple(revisions), next_after=pairs[limit - 1][1] if len(pairs) > limit else None)

    async def history(self, clinic: str, name: str, limit: int, after: int | None = None) -> tuple[Entry, ...]:
        """Returns entries of one record, newest first, below revision `after`."""
        async with self._reading(clinic):
            return await self._history(clinic, name, limit, after)

    async def _history(self, clinic: str, name: str, limit: int, after: int | None) -> tuple[Entry, ...]:
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
        with explained():
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
        await self._require_anchored(clinic)
        watcher = Redis.from_pool(self._pool(1, socket_timeout=self._timeout + BLOCK_MILLISECONDS / 1000))
        words = ("XREAD", "COUNT", trail.BATCH, "BLOCK", BLOCK_MILLISECONDS, "STREAMS", layout.trail)
        try:
            while True:
                reply = await ask(watcher, *words, f"{after}-0")
                for seq, sealed in sealed_entries(reply[0][1] if reply else []):
                    if seq != after + 1:
                        raise RecordDamaged(f"entries {after + 1} to {seq - 1} are missing")
                    entry = self._sealer.open(layout.scope, seq, sealed)
                    after = seq
                    self._saw(clinic, seq)
                    if entry.revision:
                        yield entry
        finally:
            await watcher.aclose()

    async def verify(self, clinic: str, inspect: Mapping[str, Inspect] | None = None) -> tuple[str, ...]:
        """Checks every chain, seal and sequence number of the clinic."""
        return await trail.verify(self._sealer, self._layout(clinic), self.copy(clinic), inspect)

    def copy(self, clinic: str) -> RedisCopy:
        """Returns the stored bytes of a clinic, for a check."""
        return RedisCopy(self._reader, self._layout(clinic))

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
        if self.anchoring:
            self.anchoring.saw(clinic, seq)

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
        *map(layout.index, collections_of(write.name)),
    ]
    result = ""
    if write.request:
        keys.append(layout.request(write.actor, write.request))
        result = f"{entry.revision} {write.name} {write.request.body_digest}"
    replaced = bytes.fromhex(entry.previous_seal)
    arguments = (sealed.seal, sealed.statement, entry.written_after, write.content, replaced, write.name, result)
    return keys, (*arguments, REQUEST_SECONDS)
