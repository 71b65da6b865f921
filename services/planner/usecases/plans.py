"""Plans in the record store: what the use cases read and write through."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass, replace

from services.planner.domain.errors import (
    AssessmentStateForbids,
    EditUnsafe,
    PlanChanged,
    PlanExists,
    Refused,
    ResourceDamaged,
)
from services.planner.domain.plan import Plan, State
from services.planner.domain.review import PLANNER, CommentStatus, Reviewer
from services.planner.ports import Clock, Documents, NewId, StoredPlan
from services.planner.review import acts
from services.planner.review.table import Action, rows
from services.planner.usecases.about import about
from services.store.model import (
    Actor,
    Entry,
    Page,
    RecordStore,
    Refusal,
    Request,
    Revision,
    StoreNotDurable,
    StoreUnavailable,
    Write,
)

USUAL_EXPIRY_HOURS = 72
"""How long a plan may lie unreleased unless the settings say otherwise [h]; from its session on if that is later."""
_NO_RIGHT = "ROLE_LACKS_RIGHT"
_CAN_EXPIRE = frozenset(state.name for row in rows(Action.EXPIRE) for state in row.states)


def planner_actor(clinic: str) -> Actor:
    """Returns the planner itself as the one who acts; no credential has its role."""
    return Actor(clinic=clinic, person=PLANNER, display_name="Myoplan planner", roles=(PLANNER,))


def reviewer_of(actor: Actor, auth_micros: int | None = None) -> Reviewer:
    """Returns the actor as somebody who acts on a plan; `auth_micros`: when they last proved who they are."""
    return Reviewer(
        id=actor.person,
        display_name=actor.display_name,
        roles=actor.roles,
        clinic=actor.clinic,
        auth_micros=auth_micros,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Plans:
    """The plans of all clinics. Every method may raise what a store raises when it cannot do its work."""

    store: RecordStore
    documents: Documents
    clock: Clock
    new_id: NewId
    expire_after_hours: int = USUAL_EXPIRY_HOURS

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
            action=Action.PROPOSE.entry,
            time_micros=plan.create_micros,
            facts=_facts(plan),
            request=request,
        )
        with _about(plan.name):
            return self.stored(await self.store.write(write))

    async def update(
        self,
        actor: Actor,
        plan: Plan,
        expected_etag: str,
        action: str,
        reason: str,
        request: Request | None,
        changes: tuple[str, ...] = (),
    ) -> StoredPlan:
        """Stores the next revision of a plan; `changes`: names of what changed, never values.

        Raises PlanChanged if `expected_etag` is not that of the newest revision, ResourceMissing.
        """
        return self.stored(await self._update(actor, plan, expected_etag, action, reason, request, changes))

    async def _update(
        self,
        actor: Actor,
        plan: Plan,
        expected_etag: str,
        action: str,
        reason: str,
        request: Request | None,
        changes: tuple[str, ...],
    ) -> Revision:
        write = Write(
            actor=actor,
            name=plan.name,
            expected_etag=expected_etag,
            content=self.documents.encode(plan),
            action=action,
            time_micros=plan.update_micros,
            reason=reason,
            changes=changes,
            facts=_facts(plan),
            request=request,
        )
        with _about(plan.name):
            return await self.store.write(write)

    async def read(self, clinic: str, name: str, revision: int | None) -> StoredPlan:
        """Returns a plan as it is, or as an earlier revision was. Raises ResourceMissing."""
        with _about(name):
            stored = await self.store.read(clinic, name, revision)
        return self.stored(stored if revision is not None else await self._in_time(clinic, stored))

    async def page(self, clinic: str, parent: str, limit: int, after: int | None) -> Page:
        """Returns a page of newest revisions, newest plan first."""
        with _about(parent):
            page = await self.store.list(clinic, f"{parent}/plans", limit, after)
        return replace(page, revisions=tuple([await self._in_time(clinic, one) for one in page.revisions]))

    async def _in_time(self, clinic: str, newest: Revision) -> Revision:
        """Returns the newest revision; a plan that has lain too long expires when somebody looks at it.

        So nothing has to run at the right time, and nobody can act on a plan that should have expired. A store that
        takes no writes keeps the plan as it is: nobody can act on it there either.
        """
        entry = newest.entry
        if entry.facts.get("state") not in _CAN_EXPIRE:
            return newest
        now = self.clock()
        if not acts.left_alone(entry.time_micros, after_hours=self.expire_after_hours, now_micros=now):
            return newest
        plan = self.stored(newest).plan
        if not acts.overdue(plan, after_hours=self.expire_after_hours, now_micros=now):
            return newest
        actor = planner_actor(clinic)
        expired = acts.expired(plan, by=reviewer_of(actor), now_micros=now)
        try:
            return await self._update(actor, expired, entry.etag, Action.EXPIRE.entry, "", None, ())
        except PlanChanged:
            return await self.store.read(clinic, plan.name)
        except (StoreNotDurable, StoreUnavailable):
            return newest

    @asynccontextmanager
    async def refusing(self, actor: Actor, name: str, method: str) -> AsyncIterator[None]:
        """Leaves one entry in the audit trail if what is done within is refused by a rule; the refusal goes on."""
        try:
            yield
        except (Refused, EditUnsafe, AssessmentStateForbids) as refused:
            await self.store.refuse(
                Refusal(actor=actor, name=name, action=method, reason=refused.REASON, time_micros=self.clock())
            )
            raise

    async def entry(self, clinic: str, name: str, revision: int) -> Entry:
        """Returns the entry of one revision. Raises ResourceMissing."""
        with _about(name):
            return (await self.store.read(clinic, name, revision)).entry

    async def history(self, clinic: str, name: str, limit: int, after: int | None) -> tuple[Entry, ...]:
        """Returns entries of one plan, newest first, below revision `after`. Raises ResourceMissing."""
        with _about(name):
            return await self.store.history(clinic, name, limit, after)

    async def events(self, clinic: str, after: int) -> AsyncGenerator[Entry, None]:
        """Yields the entries behind `after`, of plans and of all else, then new ones as they happen."""
        with _about(f"the events of {clinic}"):
            async with _closing(self.store.events(clinic, after)) as events:
                async for entry in events:
                    yield entry

    async def refuse(self, actor: Actor, method: str) -> None:
        """Leaves an entry about a call that the actor had no right to make."""
        await self.store.refuse(
            Refusal(actor=actor, name="", action=method, reason=_NO_RIGHT, time_micros=self.clock())
        )

    def stored(self, revision: Revision, *, details: bool = True) -> StoredPlan:
        """Returns the plan in a stored revision. Raises ResourceDamaged if the document is none."""
        try:
            plan = self.documents.decode(revision.content, details=details)
        except ValueError as error:
            raise ResourceDamaged(revision.entry.name) from error
        return StoredPlan(plan=plan, etag=revision.entry.etag, revision=revision.entry.revision)


def is_in(revision: Revision, state: State | None) -> bool:
    """Whether a revision is in a state; None: in any."""
    return state is None or revision.entry.facts.get("state") == state.name


def _closing(events: AsyncIterator[Entry]) -> AbstractAsyncContextManager[AsyncIterator[Entry]]:
    """Ends a stream of the store with the block, not whenever it is collected."""
    return aclosing(events)  # type: ignore[type-var]  # every store's stream is a generator


def _facts(plan: Plan) -> dict[str, str]:
    """Returns what watchers and lists may know of a plan without reading it; what does not apply is left out."""
    contents = [plan.content, *([plan.approved.content] if plan.approved else [])]
    applies = {
        "approved_version": plan.approved and str(plan.approved.version),
        "scheduled_micros": None if plan.scheduled_micros is None else str(plan.scheduled_micros),
        "open_comments": any(one.status is CommentStatus.OPEN for one in plan.comments) and "true",
        "overrides": any(content.constraints.overrides for content in contents) and "true",
    }
    return {
        "state": plan.state.name,
        "client": "/".join(plan.name.split("/")[:2]),
        "assessment": plan.content.assessment,
        "version": str(plan.version),
        "hold": "true" if plan.hold else "false",
        **{name: fact for name, fact in applies.items() if fact},
    }


def _about(name: str) -> AbstractContextManager[None]:
    """Turns what a store answers about a record into what the planner answers about a plan."""
    return about(name, taken=PlanExists(name))
