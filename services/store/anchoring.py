"""Keeps the anchor of a store in use, and holds back every clinic whose trail is not the anchored one.

Every process that writes follows what it has seen itself: at most a second or a hundred entries after they were
written, the entries are in the file. Before anything is read or written, and again after the server was restarted or
replaced, each clinic of the file is compared with what is stored.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from types import TracebackType
from typing import Self

import structlog

from services.store.anchor import (
    BATCH,
    AnchorFile,
    AnchorUnreadable,
    Mark,
    beginning,
    compare,
    extended,
    missing_sentence,
)
from services.store.layout import Layout
from services.store.model import Actor, Note, RecordDamaged, StoreError, StoreRolledBack
from services.store.seals import Sealer
from services.store.trail import Copy

ANCHOR_SECONDS = 1.0
ANCHOR_ENTRIES = 100
NOT_COMPARED = "the store was not compared with its anchor yet"

_log = structlog.get_logger(__name__)


class Anchoring:
    """The anchor of one store; an async context manager, entered when the store can be asked.

    `clinics` yields every clinic that has a trail, `copy` gives its stored bytes, `note` writes an entry without asking
    here first. `accepted`: words with which an operator accepts losses, see `Mark.word`. `on_change` is called when
    `problem` may have changed.
    """

    def __init__(
        self,
        file: AnchorFile,
        sealer: Sealer,
        *,
        service: str,
        clinics: Callable[[], AsyncIterator[str]],
        copy: Callable[[str], Copy],
        note: Callable[[Note], Awaitable[None]],
        accepted: Collection[str] = (),
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._file, self._sealer, self._service = file, sealer, service
        self._clinics, self._copy, self._note = clinics, copy, note
        self._accepted, self._on_change = frozenset(accepted), on_change
        self._marks: dict[str, Mark] = {}
        self._problems: dict[str, str] = {}
        self._unreadable = ""
        self._loaded = self._compared = self._unwritten = False
        self._ahead: dict[str, int] = {}
        self._count = 0
        self._wanted, self._many = asyncio.Event(), asyncio.Event()
        self._written = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        """Compares the store with the file if it answers, and begins to follow it."""
        with contextlib.suppress(StoreError):
            await self.compare()
        self._wanted.set()
        self._tasks.append(asyncio.create_task(self._follow()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops following and anchors what came last."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(StoreError):
            await self.anchor()

    @property
    def problem(self) -> str | None:
        """Why the store is not to be served, or None."""
        if self._unreadable:
            return self._unreadable
        if not self._compared:
            return NOT_COMPARED
        return next((f"{clinic}: {problem}" for clinic, problem in sorted(self._problems.items())), None)

    async def require(self, clinic: str) -> None:
        """Returns if the clinic's trail goes on from its anchor. Raises StoreRolledBack, StoreUnavailable."""
        if not self._compared:
            await self.compare()
        if problem := self._unreadable or self._problems.get(clinic):
            raise StoreRolledBack(problem)

    def saw(self, clinic: str, seq: int) -> None:
        """Takes note of an entry that the store was seen to have."""
        mark = self._marks.get(clinic)
        if mark is not None and seq <= mark.seq:
            return
        if seq > self._ahead.get(clinic, 0):
            self._ahead[clinic] = seq
            self._count += 1
            self._wanted.set()
            if self._count >= ANCHOR_ENTRIES:
                self._many.set()

    async def until(self, clinic: str, seq: int) -> None:
        """Returns when the file holds the clinic's entries up to `seq`."""
        while self._unwritten or clinic not in self._marks or self._marks[clinic].seq < seq:
            await self._written.wait()

    def doubt(self) -> None:
        """Takes note that the server was restarted or replaced: what it holds now has to be compared again."""
        self._compared = False
        self._wanted.set()
        self._on_change()

    async def compare(self) -> None:
        """Compares every clinic with its mark and anchors what came after. Raises StoreUnavailable."""
        async with self._one_at_a_time:
            if self._compared:
                return
            if not self._loaded:
                await self._load()
            if not self._unreadable:
                for clinic in sorted({*self._marks, *[clinic async for clinic in self._clinics()]}):
                    await self._extend(clinic)
                await self._write()
                # Now the newest entries are the right ones; all before them are compared while the store is served.
                self._tasks.append(asyncio.create_task(self._compare_whole_trails(dict(self._marks))))
            self._compared = True
        self._on_change()

    async def anchor(self) -> None:
        """Brings the file up to what the store was seen to have. Raises StoreUnavailable."""
        await self.compare()
        async with self._one_at_a_time:
            ahead, self._count = dict(self._ahead), 0
            self._wanted.clear()
            self._many.clear()
            if self._unreadable:
                return
            for clinic in ahead.keys() - self._problems.keys():
                await self._extend(clinic)
            if ahead or self._unwritten:
                await self._write()
            for clinic, seq in ahead.items():
                if self._ahead[clinic] == seq:
                    del self._ahead[clinic]

    async def _follow(self) -> None:
        while True:
            await self._wanted.wait()
            if self._compared:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(ANCHOR_SECONDS):
                        await self._many.wait()
            try:
                await self.anchor()
            except StoreError:
                self._wanted.set()
                await asyncio.sleep(ANCHOR_SECONDS)
            if self._unwritten:
                self._wanted.set()

    async def _load(self) -> None:
        try:
            marks = await asyncio.to_thread(self._file.read)
        except (AnchorUnreadable, OSError) as error:
            self._unreadable = str(error) if isinstance(error, AnchorUnreadable) else "the anchor file cannot be read"
            _log.error("the anchor cannot be used", problem=self._unreadable)
            marks = {}
        if marks is None:
            _log.warning("there is no anchor file: a new one is begun, and an older store would not be noticed now")
        self._marks = dict(marks or {})
        self._loaded = True

    async def _compare_whole_trails(self, marks: Mapping[str, Mark]) -> None:
        for clinic, mark in marks.items():
            if clinic in self._problems:
                continue
            try:
                problem = await compare(self._sealer, self._layout(clinic), self._copy(clinic), mark)
            except StoreError:
                return  # The server is gone; when it is back, everything is compared again.
            if problem:
                self._tell(clinic, mark, problem)
                self._on_change()

    def _layout(self, clinic: str) -> Layout:
        return Layout(self._service, clinic)

    async def _extend(self, clinic: str) -> None:
        """Moves the mark of a clinic on to the end of its trail, if the trail goes on from the mark."""
        begin = beginning(self._sealer, self._layout(clinic))
        copy, mark = self._copy(clinic), self._marks.get(clinic, begin)
        try:
            further, problem = mark, await self._problem_at(clinic, copy, mark)
            if not problem:
                further, problem = await self._moved_on(copy, mark)
            if problem and mark.word(clinic) in self._accepted:
                await self._accept(clinic, mark, problem)
                further, problem = (await self._moved_on(copy, begin))[0], None
        except RecordDamaged as damage:
            problem = str(damage)
        if problem:
            self._tell(clinic, mark, problem)
        else:
            self._marks[clinic] = further
            self._problems.pop(clinic, None)

    async def _problem_at(self, clinic: str, copy: Copy, mark: Mark) -> str | None:
        """Looks for the newest anchored entry; if it is not there, says what is missing."""
        if not mark.seq:
            return None
        for seq, sealed in await copy.trail(mark.seq - 1, 1):
            if seq == mark.seq and sealed.startswith(bytes.fromhex(mark.seal)):
                return None
        found = await compare(self._sealer, self._layout(clinic), copy, mark)
        return found or f"entry {mark.seq} is not the one that was anchored"

    async def _moved_on(self, copy: Copy, mark: Mark) -> tuple[Mark, str | None]:
        """Returns the mark of the end of the trail, and which entries are missing on the way."""
        missing: list[tuple[int, int]] = []
        while batch := await copy.trail(mark.seq, BATCH):
            for seq, sealed in batch:
                if seq > mark.seq + 1:
                    missing.append((mark.seq + 1, seq - 1))
                mark = extended(self._sealer, mark, seq, sealed)
            if len(batch) < BATCH:
                break
        return mark, missing_sentence(missing) if missing else None

    async def _accept(self, clinic: str, mark: Mark, problem: str) -> None:
        """Leaves an entry about what the operator accepted to have lost."""
        operator = Actor(clinic=clinic, person="operator", display_name="Operator", roles=("operator",))
        facts = {"accepted": mark.word(clinic), "anchored_seal": mark.seal}
        now = time.time_ns() // 1000
        await self._note(Note(actor=operator, action="accept_loss", time_micros=now, reason=problem, facts=facts))
        _log.warning("a loss was accepted by the operator", clinic=clinic, problem=problem)

    def _tell(self, clinic: str, mark: Mark, problem: str) -> None:
        if self._problems.get(clinic) != problem:
            _log.error("the store is not the anchored one", clinic=clinic, problem=problem, accept=mark.word(clinic))
        self._problems[clinic] = problem

    async def _write(self) -> None:
        try:
            await asyncio.to_thread(self._file.write, dict(self._marks))
        except OSError as error:
            self._unwritten = True
            _log.error("the anchor file cannot be written", exc_info=error)
        else:
            self._unwritten = False
            self._written.set()
            self._written = asyncio.Event()
