"""Works approved plans: begins, reports, re-fits and finishes sessions, and counts planned against delivered.

A session is a record of its own beside the plan, `clients/{client}/sessions/{plan id}`; the plan is never written. What
was done is recorded whatever has become of the plan since: facts are not lost. Beginning and re-fitting need it usable.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from statistics import median

from services.planner.check.remainder import check_remainder
from services.planner.domain.errors import (
    FieldProblem,
    PlanBroken,
    PlanChanged,
    PlanStateForbids,
    RequestInvalid,
    ResourceDamaged,
)
from services.planner.domain.plan import Phase, Plan, PlanContent, Step
from services.planner.domain.review import Person
from services.planner.domain.session import (
    Delivery,
    Retest,
    Session,
    SessionChange,
    SessionState,
    SessionStep,
    StepStatus,
)
from services.planner.domain.snapshot import Snapshot
from services.planner.graph.index import KnowledgeGraph
from services.planner.ports import Clock, DocumentsOf
from services.planner.session.refit import Refit, refit
from services.planner.usecases.about import about
from services.planner.usecases.plans import Plans
from services.store.model import (
    Actor,
    RecordStore,
    Request,
    Revision,
    Write,
)

STARTED, DELIVERED, REFITTED, FINISHED = "SESSION_STARTED", "DELIVERED", "SESSION_REFITTED", "SESSION_FINISHED"
_BATCH = 100
_ORDER = {StepStatus.DONE: 0, StepStatus.SKIPPED: 0, StepStatus.PENDING: 1, StepStatus.DROPPED: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSession:
    """A session with the etag of its revision."""

    session: Session
    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StartSession:
    """Asks to begin working a plan as `etag` names it."""

    actor: Actor
    plan: str
    etag: str
    request: Request | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDelivery:
    """Reports steps. An empty `etag` reports to whatever is stored: that is safe in any order."""

    actor: Actor
    plan: str
    etag: str
    deliveries: tuple[Delivery, ...]
    request: Request | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefitSession:
    """Asks to re-fit the rest. `elapsed_seconds` [s] since the start, `lost_seconds` [s] lost from the end now."""

    actor: Actor
    plan: str
    elapsed_seconds: int
    lost_seconds: int
    unavailable_positions: tuple[str, ...]
    request: Request | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishSession:
    """Asks to finish. `pain` after the session is in [0, 10], None: not asked."""

    actor: Actor
    plan: str
    retests: tuple[Retest, ...]
    pain: float | None
    reaction: str
    request: Request | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TechniqueDelivery:
    """Planned against delivered for one technique; seconds [s]. `median_pain_change` in points, None: never given."""

    technique: str
    steps_planned: int
    steps_done: int
    planned_seconds: int
    delivered_seconds: int
    sessions_retested: int
    median_pain_change: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryReport:
    """What finished sessions delivered, by technique, most minutes first."""

    techniques: tuple[TechniqueDelivery, ...]
    sessions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """The sessions of all clinics. Every method may raise what a store raises when it cannot do its work."""

    store: RecordStore
    documents: DocumentsOf[Session]
    clock: Clock

    async def replay(self, actor: Actor, request: Request | None) -> StoredSession | None:
        """Returns what the same request made before. Raises RequestReused of the store."""
        if request is None:
            return None
        earlier = await self.store.replay(actor, request)
        return None if earlier is None else self._stored(earlier)

    async def read(self, clinic: str, plan: str) -> StoredSession:
        """Returns the session of a plan. Raises ResourceMissing."""
        name = session_name(plan)
        with _about(name):
            return self._stored(await self.store.read(clinic, name))

    async def create(self, actor: Actor, session: Session, request: Request | None) -> StoredSession:
        """Stores a new session. Raises PlanStateForbids if the plan has one already."""
        return await self._write(actor, session, None, STARTED, request)

    async def revise(
        self,
        actor: Actor,
        plan: str,
        etag: str,
        action: str,
        change: Callable[[Session], Session],
        request: Request | None,
    ) -> StoredSession:
        """Stores what `change` makes of the newest revision; if that is the same, nothing is written.

        Raises ResourceMissing, what `change` raises, and PlanChanged if somebody else wrote in between.
        """
        newest = await self.read(actor.clinic, plan)
        if etag and etag != newest.etag:
            raise PlanChanged(session_name(plan))
        changed = change(newest.session)
        if changed == newest.session:
            return newest
        return await self.replace(actor, changed, newest.etag, action, request)

    async def replace(
        self, actor: Actor, session: Session, etag: str, action: str, request: Request | None
    ) -> StoredSession:
        """Stores the revision after the one that `etag` names. Raises PlanChanged if that is not the newest."""
        return await self._write(actor, session, etag, action, request)

    async def each(self, clinic: str, parent: str) -> AsyncIterator[Session]:
        """Yields the sessions under `parent`, newest first."""
        after: int | None = None
        while True:
            page = await self.store.list(clinic, f"{parent}/sessions", _BATCH, after)
            for revision in page.revisions:
                yield self._stored(revision).session
            after = page.next_after
            if after is None:
                return

    async def _write(
        self, actor: Actor, session: Session, replaces: str | None, action: str, request: Request | None
    ) -> StoredSession:
        name = session_name(session.plan)
        facts = {
            "state": session.state.name,
            "client": "/".join(name.split("/")[:2]),
            "assessment": session.assessment,
            "plan": session.plan,
        }
        write = Write(
            actor=actor,
            name=name,
            expected_etag=replaces,
            content=self.documents.encode(session),
            action=action,
            time_micros=self.clock(),
            facts=facts,
            request=request,
        )
        with _about(name):
            return self._stored(await self.store.write(write))

    def _stored(self, revision: Revision) -> StoredSession:
        try:
            session = self.documents.decode(revision.content)
        except ValueError as error:
            raise ResourceDamaged(revision.entry.name) from error
        return StoredSession(session=session, etag=revision.entry.etag)


def session_name(plan: str) -> str:
    """Returns the name of the session of a plan."""
    client, _, identifier = plan.rpartition("/plans/")
    return f"{client}/sessions/{identifier}"


def _about(name: str) -> AbstractContextManager[None]:
    """Turns what a store answers about a record into what the planner answers about a session."""
    return about(name, taken=PlanStateForbids(name, "worked already", "a plan that nobody has worked yet"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Working:
    """What plans are worked with."""

    plans: Plans
    sessions: Sessions
    graph: KnowledgeGraph


# --- beginning ----------------------------------------------------------------------------------------------------


async def start_session(working: Working, command: StartSession) -> StoredSession:
    """Returns the session begun. Raises ResourceMissing, PlanChanged, PlanStateForbids."""
    if earlier := await working.sessions.replay(command.actor, command.request):
        return earlier
    async with working.plans.refusing(command.actor, command.plan, "StartSession"):
        stored = await working.plans.read(command.actor.clinic, command.plan, None)
        if stored.etag != command.etag:
            raise PlanChanged(command.plan)
        _need_usable(stored.plan)
        return await working.sessions.create(
            command.actor, _begun(stored.plan, command.actor, working.sessions.clock()), command.request
        )


def _begun(plan: Plan, actor: Actor, now_micros: int) -> Session:
    force = plan.approved
    assert force is not None  # noqa: S101 - asked before
    return Session(
        plan=plan.name,
        version=force.version,
        revision=force.revision,
        digest=force.digest,
        assessment=force.content.assessment,
        state=SessionState.RUNNING,
        start_micros=now_micros,
        therapist=Person(id=actor.person, display_name=actor.display_name),
        steps=tuple(SessionStep(step=step, approved_seconds=step.duration_seconds) for step in force.content.steps),
        pain_before=_worst_pain(force.content.snapshot),
    )


def _worst_pain(snapshot: Snapshot) -> float | None:
    return max((area.intensity for area in snapshot.pain_areas if area.intensity is not None), default=None)


def _need_usable(plan: Plan, version: int | None = None) -> None:
    """Raises PlanStateForbids unless the approved version (`version`, if given) is in force and not on hold."""
    if plan.approved is None:
        raise PlanStateForbids(plan.name, plan.state.name, "APPROVED")
    if plan.hold:
        raise PlanStateForbids(plan.name, "ON_HOLD", "APPROVED, not on hold")
    if version is not None and plan.approved.version != version:
        raise PlanStateForbids(plan.name, "SUPERSEDED", f"version {version} in force")


async def get_session(working: Working, clinic: str, plan: str) -> StoredSession:
    """Returns the session of a plan. Raises ResourceMissing."""
    return await working.sessions.read(clinic, plan)


# --- working ------------------------------------------------------------------------------------------------------


async def record_delivery(working: Working, command: RecordDelivery) -> StoredSession:
    """Returns the session with the reports in it. A report that says what is known already writes nothing.

    Without an etag it goes on until the deadline of the call when others report at the same time. Raises
    ResourceMissing, RequestInvalid, PlanStateForbids, and PlanChanged only if an etag was given.
    """

    def change(session: Session) -> Session:
        _need_running(session)
        return replace(session, steps=_reported(session, command.deliveries))

    return await _until_written(working, command.actor, command.plan, command.etag, DELIVERED, change, command.request)


def _reported(session: Session, deliveries: Iterable[Delivery]) -> tuple[SessionStep, ...]:
    reports = {one.step: one for one in deliveries}
    known = {one.step.id for one in session.steps}
    unknown = [
        FieldProblem(f"deliveries[{index}].step", f"'{identifier}' is not a step of this session")
        for index, identifier in enumerate(reports)
        if identifier not in known
    ]
    if unknown:
        raise RequestInvalid(tuple(unknown))
    steps = [
        one
        if (report := reports.get(one.step.id)) is None
        else replace(
            one,
            status=report.status,
            delivered_seconds=report.delivered_seconds,
            note=report.note,
            pressure_level=report.pressure_level,
        )
        for one in session.steps
    ]
    return tuple(sorted(steps, key=lambda one: _ORDER[one.status]))


async def refit_session(working: Working, command: RefitSession) -> StoredSession:
    """Returns the session with its rest re-fitted. Raises ResourceMissing, PlanStateForbids, PlanBroken."""
    if earlier := await working.sessions.replay(command.actor, command.request):
        return earlier
    clinic = command.actor.clinic
    async with working.plans.refusing(command.actor, command.plan, "RefitSession"):
        while True:
            stored = await working.sessions.read(clinic, command.plan)
            _need_running(stored.session)
            plan = (await working.plans.read(clinic, command.plan, None)).plan
            _need_usable(plan, stored.session.version)
            assert plan.approved is not None  # noqa: S101 - asked before
            changed = await asyncio.to_thread(
                refitted, plan.approved.content, stored.session, command, working.graph, working.sessions.clock()
            )
            try:
                return await working.sessions.replace(command.actor, changed, stored.etag, REFITTED, command.request)
            except PlanChanged:
                continue  # a report came in between, and it changes what is left


def refitted(
    approved: PlanContent, session: Session, command: RefitSession, graph: KnowledgeGraph, now_micros: int
) -> Session:
    """Returns the session re-fitted, which the independent checker found nothing wrong with. Raises PlanBroken."""
    lost = session.lost_seconds + command.lost_seconds
    unavailable = tuple(dict.fromkeys((*session.unavailable_positions, *command.unavailable_positions)))
    new = refit(
        approved,
        session.steps,
        elapsed_seconds=command.elapsed_seconds,
        lost_seconds=lost,
        unavailable_positions=unavailable,
        graph=graph,
    )
    left = max(0, approved.time_budget_seconds - lost - command.elapsed_seconds)
    findings = check_remainder(
        approved, _in(new, StepStatus.DONE), _in(new, StepStatus.PENDING), left, unavailable, graph.base
    )
    if findings:
        raise PlanBroken(tuple(map(str, findings)))
    change = SessionChange(
        time_micros=now_micros,
        lost_seconds=command.lost_seconds,
        unavailable_positions=command.unavailable_positions,
        sentences=new.sentences,
    )
    return replace(session, steps=new.steps, changes=(*session.changes, change))


def _in(new: Refit, status: StepStatus) -> list[Step]:
    return [one.step for one in new.steps if one.status is status]


async def finish_session(working: Working, command: FinishSession) -> StoredSession:
    """Returns the session finished, each re-test with the value before. Raises ResourceMissing, PlanStateForbids."""
    clinic = command.actor.clinic

    if earlier := await working.sessions.replay(command.actor, command.request):
        return earlier
    session = (await working.sessions.read(clinic, command.plan)).session
    approved = (await working.plans.read(clinic, command.plan, session.revision)).plan.content

    def change(session: Session) -> Session:
        _need_running(session)
        return replace(
            session,
            state=SessionState.FINISHED,
            finish_micros=working.sessions.clock(),
            retests=tuple(replace(one, before=_before(one, approved.snapshot)) for one in command.retests),
            pain=command.pain,
            reaction=command.reaction,
        )

    return await _until_written(working, command.actor, command.plan, "", FINISHED, change, command.request)


def _before(retest: Retest, snapshot: Snapshot) -> float | None:
    """Returns the value recorded last for the motion in the assessment."""
    values = [
        test.value
        for test in snapshot.rom_tests
        if (test.motion, test.side) == (retest.motion, retest.side) and test.value is not None
    ]
    return values[-1] if values else None


def _need_running(session: Session) -> None:
    if session.state is not SessionState.RUNNING:
        raise PlanStateForbids(session_name(session.plan), session.state.name, SessionState.RUNNING.name)


async def _until_written(
    working: Working,
    actor: Actor,
    plan: str,
    etag: str,
    action: str,
    change: Callable[[Session], Session],
    request: Request | None,
) -> StoredSession:
    """Writes a change; without an etag again and again while others write in between."""
    if earlier := await working.sessions.replay(actor, request):
        return earlier
    while True:
        try:
            return await working.sessions.revise(actor, plan, etag, action, change, request)
        except PlanChanged:
            if etag:
                raise


# --- looking back -------------------------------------------------------------------------------------------------


def delivered(content: PlanContent, session: Session) -> PlanContent:
    """Returns a plan as it was worked: the steps done, as long as they were worked, in the order of work."""
    steps = []
    start = 0
    for one in session.steps:
        if one.status is StepStatus.DONE:
            seconds = one.delivered_seconds or 0
            pressure = one.step.pressure_level if one.pressure_level is None else one.pressure_level
            steps.append(replace(one.step, start_seconds=start, duration_seconds=seconds, pressure_level=pressure))
            start += seconds
    return replace(
        content, steps=tuple(steps), planned_seconds=start, slack_seconds=content.time_budget_seconds - start
    )


async def report_delivery(working: Working, clinic: str, parent: str) -> DeliveryReport:
    """Returns planned against delivered for each technique, over the finished sessions under `parent`."""
    finished = [
        session async for session in working.sessions.each(clinic, parent) if session.state is SessionState.FINISHED
    ]
    return DeliveryReport(techniques=tuple(_by_technique(finished)), sessions=len(finished))


def _by_technique(sessions: Iterable[Session]) -> list[TechniqueDelivery]:
    steps: dict[str, list[SessionStep]] = {}
    worked: dict[str, list[Session]] = {}
    for session in sessions:
        used = set()
        for one in session.steps:
            if one.step.phase is not Phase.TURN and one.approved_seconds:
                steps.setdefault(one.step.technique, []).append(one)
                used |= {one.step.technique} if one.status is StepStatus.DONE else set()
        for technique in used:
            worked.setdefault(technique, []).append(session)
    found = [_report(technique, of, worked.get(technique, [])) for technique, of in steps.items()]
    return sorted(found, key=lambda one: (-one.delivered_seconds, -one.planned_seconds, one.technique))


def _report(technique: str, steps: list[SessionStep], sessions: list[Session]) -> TechniqueDelivery:
    done = [one for one in steps if one.status is StepStatus.DONE]
    changes = [
        session.pain - session.pain_before
        for session in sessions
        if session.pain is not None and session.pain_before is not None
    ]
    return TechniqueDelivery(
        technique=technique,
        steps_planned=len(steps),
        steps_done=len(done),
        planned_seconds=sum(one.approved_seconds for one in steps),
        delivered_seconds=sum(one.delivered_seconds or 0 for one in done),
        sessions_retested=sum(any(one.value is not None for one in session.retests) for session in sessions),
        median_pain_change=median(changes) if changes else None,
    )
