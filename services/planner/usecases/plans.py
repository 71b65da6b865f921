"""Plans in the record store: what the use cases read and write through."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from services.planner.domain.errors import PlanExists, ResourceDamaged, ResourceMissing
from services.planner.domain.plan import Plan, State
from services.planner.ports import Clock, Documents, NewId, StoredPlan
from services.store.model import (
    Actor,
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

_NO_RIGHT = "ROLE_LACKS_RIGHT"
_CREATED = "CREATED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plans:
    """The plans of all clinics. Every method may raise what a store raises when it cannot do its work."""

    store: RecordStore
    documents: Documents
    clock: Clock
    new_id: NewId

    async def replay(self, parent: str, actor: Actor, request: Request | None) -> StoredPlan | None:
        """Returns what the same request made before. Raises RequestReused of the store."""
        if request is None:
            return None
        with _about(parent):
            earlier = await self.store.replay(actor, request)
        return None if earlier is None else self.stored(earlier)

    async def create(self, actor: Actor, plan: Plan, request: Request | None) -> StoredPlan:
        """Stores the first revision of a plan. Raises PlanExists."""
        write = Write(
            actor=actor,
            name=plan.name,
            expected_etag=None,
            content=self.documents.encode(plan),
            action=_CREATED,
            time_micros=plan.create_micros,
            facts={"state": plan.state.name, "client": "/".join(plan.name.split("/")[:2])},
            request=request,
        )
        with _about(plan.name):
            return self.stored(await self.store.write(write))

    async def read(self, clinic: str, name: str, revision: int | None) -> StoredPlan:
        """Returns a plan as it is, or as an earlier revision was. Raises ResourceMissing."""
        with _about(name):
            return self.stored(await self.store.read(clinic, name, revision))

    async def page(self, clinic: str, parent: str, limit: int, after: int | None) -> Page:
        """Returns a page of newest revisions, newest plan first."""
        with _about(parent):
            return await self.store.list(clinic, parent, limit, after)

    async def refuse(self, actor: Actor, method: str) -> None:
        """Leaves an entry about a call that the actor had no right to make."""
        await self.store.refuse(
            Refusal(actor=actor, name="", action=method, reason=_NO_RIGHT, time_micros=self.clock())
        )

    def stored(self, revision: Revision) -> StoredPlan:
        """Returns the plan in a stored revision. Raises ResourceDamaged if the document is none."""
        try:
            plan = self.documents.decode(revision.content)
        except ValueError as error:
            raise ResourceDamaged(revision.entry.name) from error
        return StoredPlan(plan=plan, etag=revision.entry.etag, revision=revision.entry.revision)


def is_in(revision: Revision, state: State | None) -> bool:
    """Whether a revision is in a state; None: in any."""
    return state is None or revision.entry.facts.get("state") == state.name


@contextmanager
def _about(name: str) -> Iterator[None]:
    """Turns what a store answers about a record into what the planner answers about a plan."""
    try:
        yield
    except RecordMissing:
        raise ResourceMissing(name) from None
    except RecordExists:
        raise PlanExists(name) from None
    except RecordDamaged as damage:
        raise ResourceDamaged(name) from damage
