"""Gives and checks emergency access. It only reads, ends by itself, and every grant stays in the report."""

from __future__ import annotations

from dataclasses import dataclass

from services.planner.domain.errors import BreakGlassNeeded, ResourceDamaged
from services.planner.domain.grants import Grant
from services.planner.domain.review import Person
from services.planner.ports import Clock, DocumentsOf, NewId
from services.planner.usecases.blind import Reader
from services.store.model import Actor, RecordStore, Request, Revision, Write

ACTION = "BREAK_GLASS"
COLLECTION = "grants"
_EVERY_CLIENT = "clients/-"
_BATCH = 200
_MICROS = 1_000_000
# Roles that read clinical records as part of their work. Whoever has none of them needs a grant.
_CLINICAL = frozenset({"trainee", "therapist", "supervisor", "system", "auditor"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestBreakGlass:
    """Asks for emergency access to `client` for `seconds` in (0, 3600] [s]."""

    actor: Actor
    client: str
    reason: str
    seconds: int
    request: Request | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListGrants:
    """A page of the grants under `parent` behind position `after`."""

    clinic: str
    parent: str
    page_size: int
    after: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantPage:
    """Grants, newest first. `next_after`: where the next page begins, None at the end."""

    grants: tuple[Grant, ...]
    next_after: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """The emergency access of all clinics."""

    store: RecordStore
    documents: DocumentsOf[Grant]
    clock: Clock
    new_id: NewId

    async def give(self, command: RequestBreakGlass) -> Grant:
        """Stores and returns a grant; a repeated request returns its first result."""
        if command.request and (earlier := await self.store.replay(command.actor, command.request)):
            return self._grant(earlier)
        now = self.clock()
        grant = Grant(
            client=command.client,
            person=Person(id=command.actor.person, display_name=command.actor.display_name),
            reason=command.reason,
            start_micros=now,
            expire_micros=now + command.seconds * _MICROS,
        )
        write = Write(
            actor=command.actor,
            name=f"{command.client}/{COLLECTION}/g-{self.new_id()[:18]}",
            expected_etag=None,
            content=self.documents.encode(grant),
            action=ACTION,
            time_micros=now,
            reason=command.reason,
            facts={"client": command.client},
            request=command.request,
        )
        return self._grant(await self.store.write(write))

    async def page(self, query: ListGrants) -> GrantPage:
        """Returns a page of grants, those that have ended included."""
        page = await self.store.list(query.clinic, f"{query.parent}/{COLLECTION}", query.page_size, query.after)
        return GrantPage(grants=tuple(map(self._grant, page.revisions)), next_after=page.next_after)

    async def check(self, reader: Reader, parent: str) -> None:
        """Lets clinical roles pass, and others with a grant for the client. Raises BreakGlassNeeded.

        `parent`: the client whose records are to be read, or `clients/-` for all: no grant is for all.
        """
        if reader.roles & _CLINICAL:
            return
        if parent != _EVERY_CLIENT:
            after: int | None = None
            while True:
                page = await self.store.list(reader.clinic, f"{parent}/{COLLECTION}", _BATCH, after)
                if any(self._grant(one).covers(reader.person, self.clock()) for one in page.revisions):
                    return
                after = page.next_after
                if after is None:
                    break
        raise BreakGlassNeeded(parent)

    def _grant(self, revision: Revision) -> Grant:
        try:
            return self.documents.decode(revision.content)
        except ValueError as error:
            raise ResourceDamaged(revision.entry.name) from error
