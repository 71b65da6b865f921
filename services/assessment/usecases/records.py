"""Assessments in the record store: what every use case reads and writes through."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, aclosing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Protocol
from weakref import WeakValueDictionary

from services.assessment.domain.assessment import Action, Assessment, derive
from services.assessment.domain.errors import (
    AssessmentDamaged,
    AssessmentExists,
    AssessmentMissing,
    EtagStale,
    LimitReached,
)
from services.assessment.domain.limits import ASSESSMENT_BYTES
from services.assessment.ports import Clock, Documents, MessageBytes, NewId, StoredAssessment, Vocabulary
from services.store.model import (
    Actor,
    Entry,
    EtagMismatch,
    Page,
    RecordDamaged,
    RecordExists,
    RecordMissing,
    RecordStore,
    Refusal,
    Request,
    Revision,
    Write,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
# What stands for the etag and revision of a write when its size is looked at; the store makes the real ones.
HIGHEST_REVISION = 2**53
LONGEST_ETAG = f"{HIGHEST_REVISION}-0123456789abcdef"


class Revising(Protocol):
    """What every change of an existing assessment names. An empty `etag` means whatever is stored."""

    @property
    def actor(self) -> Actor: ...  # noqa: D102
    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def etag(self) -> str: ...  # noqa: D102
    @property
    def request(self) -> Request | None: ...  # noqa: D102


class Records:
    """The assessments of all clinics. Every method may raise what a store raises when it cannot do its work."""

    def __init__(
        self,
        *,
        store: RecordStore,
        documents: Documents,
        vocabulary: Vocabulary,
        clock: Clock,
        new_id: NewId,
        message_bytes: MessageBytes,
    ) -> None:
        self._store = store
        self._documents = documents
        self.vocabulary = vocabulary
        self.clock = clock
        self.new_id = new_id
        self.message_bytes = message_bytes
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    # Reading

    async def read(self, clinic: str, name: str, revision: int | None = None) -> StoredAssessment:
        """Returns an assessment as it is, or as an earlier revision was. Raises AssessmentMissing."""
        with _about(name):
            return self.stored(await self._store.read(clinic, name, revision))

    async def page(self, clinic: str, parent: str, limit: int, after: int | None) -> Page:
        """Returns a page of newest revisions, newest assessment first."""
        with _about(parent):
            return await self._store.list(clinic, f"{parent}/assessments", limit, after)

    async def history(self, clinic: str, name: str, limit: int, after: int | None) -> tuple[Entry, ...]:
        """Returns entries of one assessment, newest first. Raises AssessmentMissing."""
        with _about(name):
            return await self._store.history(clinic, name, limit, after)

    async def entry(self, clinic: str, name: str, revision: int) -> Entry:
        """Returns the entry of one revision. Raises AssessmentMissing."""
        with _about(name):
            return (await self._store.read(clinic, name, revision)).entry

    async def events(self, clinic: str, after: int) -> AsyncGenerator[Entry, None]:
        """Yields the entries behind `after`, then new ones as they happen."""
        with _about(f"the events of {clinic}"):
            async with _closing(self._store.events(clinic, after)) as events:
                async for entry in events:
                    yield entry

    def stored(self, revision: Revision) -> StoredAssessment:
        """Returns the assessment in a stored revision."""
        return StoredAssessment(
            assessment=self._documents.decode(revision.content),
            etag=revision.entry.etag,
            revision=revision.entry.revision,
            update_time=EPOCH + revision.entry.time_micros * MICROSECOND,
        )

    # Writing

    async def replay(self, name: str, actor: Actor, request: Request | None) -> StoredAssessment | None:
        """Returns what the same request made before, if it did. Raises what `RecordStore.replay` raises."""
        if request is None:
            return None
        with _about(name):
            earlier = await self._store.replay(actor, request)
        return None if earlier is None else self.stored(earlier)

    async def create(
        self, actor: Actor, assessment: Assessment, changes: tuple[str, ...], request: Request | None
    ) -> StoredAssessment:
        """Writes the first revision. Raises AssessmentExists, LimitReached."""
        return await self._write(actor, assessment, Action.CREATED, changes=changes, request=request)

    async def revise(
        self,
        command: Revising,
        action: Action,
        change: Callable[[Assessment], Assessment],
        *,
        reason: str = "",
        changes: tuple[str, ...] = (),
    ) -> StoredAssessment:
        """Writes the next revision: what `change` makes of the newest one.

        A repeated request returns its first result, before anything else is looked at. Raises AssessmentMissing,
        EtagStale, LimitReached and what `change` raises.
        """
        if earlier := await self.replay(command.name, command.actor, command.request):
            return earlier
        newest = await self.read(command.actor.clinic, command.name)
        if command.etag and command.etag != newest.etag:
            raise EtagStale(command.name)
        return await self._write(
            command.actor,
            change(newest.assessment),
            action,
            replaces=newest.etag,
            reason=reason,
            changes=changes,
            request=command.request,
        )

    async def _write(
        self,
        actor: Actor,
        assessment: Assessment,
        action: Action,
        *,
        replaces: str | None = None,
        reason: str = "",
        changes: tuple[str, ...] = (),
        request: Request | None = None,
    ) -> StoredAssessment:
        derived = derive(assessment, self.vocabulary.motions)
        now = self.clock()
        would_be = StoredAssessment(assessment=derived, etag=LONGEST_ETAG, revision=HIGHEST_REVISION, update_time=now)
        if self.message_bytes(would_be) > ASSESSMENT_BYTES:
            raise LimitReached(derived.name, "assessment_bytes", ASSESSMENT_BYTES)
        write = Write(
            actor=actor,
            name=derived.name,
            expected_etag=replaces,
            content=self._documents.encode(derived),
            action=action,
            time_micros=_micros(now),
            reason=reason,
            changes=changes,
            facts={"state": derived.state, "client": derived.client},
            request=request,
        )
        with _about(derived.name):
            return self.stored(await self._store.write(write))

    def one_at_a_time(self, clinic: str, name: str) -> AbstractAsyncContextManager[None]:
        """Keeps writers of one assessment in this process from racing each other, for the length of a with block."""
        return self._locks.setdefault((clinic, name), asyncio.Lock())

    async def refuse(self, actor: Actor, method: str, reason: str) -> None:
        """Leaves an entry about a call that the actor had no right to; its message was never read."""
        now = _micros(self.clock())
        await self._store.refuse(Refusal(actor=actor, name="", action=method, reason=reason, time_micros=now))


def _micros(moment: datetime) -> int:
    return (moment - EPOCH) // MICROSECOND


def _closing(events: AsyncIterator[Entry]) -> AbstractAsyncContextManager[AsyncIterator[Entry]]:
    """Ends a stream of the store with the block, not whenever it is collected."""
    return aclosing(events)  # type: ignore[type-var]  # every store's stream is a generator


@contextmanager
def _about(name: str) -> Iterator[None]:
    """Turns what a store answers about a record into what the service answers about an assessment."""
    try:
        yield
    except RecordMissing:
        raise AssessmentMissing(name) from None
    except RecordExists:
        raise AssessmentExists(name) from None
    except EtagMismatch:
        raise EtagStale(name) from None
    except RecordDamaged as damage:
        raise AssessmentDamaged(name) from damage
