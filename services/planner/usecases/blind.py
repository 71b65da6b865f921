"""Learning mode: while a person predicts on an assessment, nothing that was made from it reaches them.

Two doors lead to a plan: the record store, and the assessment that a plan could be made from. Both are guarded here,
below the use cases, so that no method has to remember it and none can forget it. Whatever a record says it was made
from, in the fact `assessment`, is hidden; the person's own prediction is not.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import cast

from services.planner.domain.errors import PredictionOpen
from services.planner.domain.prediction import PredictionState
from services.planner.ports import Assessments, ReadAssessment
from services.store.model import (
    Actor,
    Entry,
    Page,
    RecordMissing,
    RecordStore,
    Request,
    Revision,
    Write,
)
from services.store.wrapped import WrappedStore

COLLECTION = "predictions"
_ID_DIGITS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who makes the call under way."""

    clinic: str
    person: str
    roles: frozenset[str]


CurrentReader = Callable[[], Reader | None]
"""Returns who makes the call under way; None outside of a call, where the planner itself reads."""


def prediction_name(assessment: str, person: str) -> str:
    """Returns the name of a person's prediction on an assessment: each predicts once, so one look tells."""
    client = assessment.partition("/assessments/")[0]
    digest = hashlib.sha256(f"{assessment}\0{person}".encode()).hexdigest()
    return f"{client}/{COLLECTION}/p-{digest[:_ID_DIGITS]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Blindfold:
    """Says what the caller may not see. `store` is the one below every guard."""

    store: RecordStore
    reader: CurrentReader

    async def hides(self, assessment: str) -> bool:
        """Whether the caller predicts on the assessment and has not locked the prediction."""
        reader = self.reader()
        if reader is None or not assessment:
            return False
        try:
            prediction = await self.store.read(reader.clinic, prediction_name(assessment, reader.person))
        except RecordMissing:
            return False
        return prediction.entry.facts.get("state") == PredictionState.OPEN.name

    async def hides_record(self, entry: Entry) -> bool:
        """Whether a record was made from such an assessment."""
        assessment = entry.facts.get("assessment", "")
        reader = self.reader()
        own = reader is not None and entry.name == prediction_name(assessment, reader.person)
        return not own and await self.hides(assessment)

    async def check(self, assessment: str) -> None:
        """Raises PredictionOpen if the caller may see nothing that was made from the assessment."""
        if await self.hides(assessment):
            raise PredictionOpen(assessment)

    async def check_record(self, entry: Entry) -> None:
        """Raises PredictionOpen if the caller may not see the record."""
        if await self.hides_record(entry):
            raise PredictionOpen(entry.facts.get("assessment", ""))


class BlindStore(WrappedStore):
    """Implements `RecordStore` over another one: what the caller may not see is refused, and left out of lists."""

    def __init__(self, store: RecordStore, blindfold: Blindfold) -> None:
        super().__init__(store)
        self._blindfold = blindfold

    async def write(self, write: Write) -> Revision:
        """Stores the next revision: its content goes back to the caller, so it is guarded like a read."""
        if f"/{COLLECTION}/" not in write.name:
            await self._blindfold.check(write.facts.get("assessment", ""))
        return await self._store.write(write)

    async def replay(self, actor: Actor, request: Request) -> Revision | None:
        """Returns what the same request made before."""
        revision = await self._store.replay(actor, request)
        if revision:
            await self._blindfold.check_record(revision.entry)
        return revision

    async def read(self, clinic: str, name: str, revision: int | None = None) -> Revision:
        """Returns a revision."""
        found = await self._store.read(clinic, name, revision)
        await self._blindfold.check_record(found.entry)
        return found

    async def list(self, clinic: str, collection: str, limit: int, after: int | None = None) -> Page:
        """Lists newest revisions of a collection, without those that the caller may not see."""
        page = await self._store.list(clinic, collection, limit, after)
        seen = [one for one in page.revisions if not await self._blindfold.hides_record(one.entry)]
        return replace(page, revisions=tuple(seen))

    async def history(self, clinic: str, name: str, limit: int, after: int | None = None) -> tuple[Entry, ...]:
        """Returns entries of one record."""
        entries = await self._store.history(clinic, name, limit, after)
        for entry in entries:
            await self._blindfold.check_record(entry)
        return entries

    async def events(self, clinic: str, after: int) -> AsyncIterator[Entry]:
        """Yields entries, without those that the caller may not see."""
        async with aclosing(cast("AsyncGenerator[Entry]", self._store.events(clinic, after))) as events:
            async for entry in events:
                if not await self._blindfold.hides_record(entry):
                    yield entry


class BlindAssessments:
    """Implements `Assessments` over another one: the caller plans from no assessment that they predict on."""

    def __init__(self, assessments: Assessments, blindfold: Blindfold) -> None:
        self._assessments, self._blindfold = assessments, blindfold

    async def read(self, name: str) -> ReadAssessment:
        """Returns the newest revision."""
        await self._blindfold.check(name)
        return await self._assessments.read(name)
