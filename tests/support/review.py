"""People, plans in every state, and the use cases of review over a store in memory."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from functools import cache

from services.planner.domain.canonical import content_digest
from services.planner.domain.constraints import Constraints
from services.planner.domain.errors import ResourceMissing
from services.planner.domain.plan import Plan, PlanContent, State
from services.planner.domain.review import (
    Attestation,
    Contributor,
    Meaning,
    Person,
    Reviewer,
)
from services.planner.domain.snapshot import Snapshot
from services.planner.graph.index import KnowledgeGraph
from services.planner.ports import ReadAssessment, StoredPlan
from services.planner.review import acts
from services.planner.review.flags import unread
from services.planner.review.table import Action
from services.planner.storage.comment_drafts import JsonCommentDrafts
from services.planner.storage.documents import JsonDocuments
from services.planner.usecases.comments import Comments
from services.planner.usecases.create import Planning
from services.planner.usecases.plans import Plans, planner_actor, reviewer_of
from services.planner.usecases.review import Decide, Reviewing, decide
from services.store.model import Actor, RecordStore, Request
from tests.support import literal_knowledge as lk
from tests.support.planner import active, flag, pain, plan, small_graph

CLIENT = "clients/ada"
ASSESSMENT = f"{CLIENT}/assessments/first"
ETAG = "1-0123456789abcdef"
BEGIN = 1_772_442_000_000_000
SECOND = 1_000_000


@cache
def graph() -> KnowledgeGraph:
    """Returns the small knowledge base with two illnesses: one makes the work lighter, one forbids the neck."""
    return small_graph(
        lk.condition("ill"),
        lk.condition("sore"),
        lk.rule("light", "ill", cuts=lk.cuts(max_pressure=4)),
        lk.rule("spare", "sore", cuts=lk.cuts(muscles=("shield",))),
    )


@cache
def empty_content() -> PlanContent:
    """Returns a plan for a client about whom nothing was found: no step, quick to read and write."""
    return plan(Snapshot(), 30, Constraints(), graph())


HEALTHY = Snapshot(pain_areas=(pain("temple"),), palpations=(active("shield"),))
ILL = replace(HEALTHY, health_flags=(flag("ill"),))
SORE = replace(HEALTHY, health_flags=(flag("sore"),))


@cache
def content_of(snapshot: Snapshot) -> PlanContent:
    """Returns the plan of a snapshot."""
    return plan(snapshot, 30, Constraints(), graph())


@dataclass(slots=True)
class Inputs:
    """Implements `Assessments`: the newest revision of each, as a test says it is."""

    newest: dict[str, ReadAssessment] = field(default_factory=dict)

    def put(self, etag: str = ETAG, snapshot: Snapshot | None = None, state: str = "COMPLETED") -> None:
        """Makes this the newest revision of the assessment."""
        found = ReadAssessment(
            name=ASSESSMENT, etag=etag, state=state, snapshot=snapshot or Snapshot(), scheduled_micros=None
        )
        self.newest[ASSESSMENT] = found

    async def read(self, name: str) -> ReadAssessment:
        """Returns the newest revision."""
        if name not in self.newest:
            raise ResourceMissing(name)
        return self.newest[name]


@dataclass(slots=True)
class Clock:
    """A clock that goes on by a second whenever somebody looks at it."""

    now: int = BEGIN

    def __call__(self) -> int:
        """Returns the time in microseconds since the epoch."""
        self.now += SECOND
        return self.now


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Everything that people review with."""

    reviewing: Reviewing
    comments: Comments
    inputs: Inputs
    clock: Clock
    store: RecordStore

    @property
    def plans(self) -> Plans:
        """The plans."""
        return self.reviewing.planning.plans

    async def decide(self, actor: Actor, action: Action, seen: StoredPlan, **given: object) -> StoredPlan:
        """Does an action as somebody who saw `seen` and signed in a moment ago; `given` as in `Decide`."""
        command = Decide(
            **{  # type: ignore[arg-type]
                "actor": actor,
                "auth_micros": self.clock.now,
                "method": action.name,
                "action": action,
                "name": seen.plan.name,
                "etag": seen.etag,
                "digest": seen.plan.digest,
                "reason": "because",
                "text": "for the record" if action is Action.ADDENDUM else "",
                **given,
            }
        )
        return await decide(self.reviewing, command)


def desk(store: RecordStore, *, strict: frozenset[str] = frozenset()) -> Desk:
    """Returns the use cases of review over a store."""
    clock, inputs, numbers = Clock(), Inputs(), itertools.count(1)
    inputs.put()
    plans = Plans(
        store=store,
        documents=JsonDocuments(),
        clock=clock,
        new_id=lambda: f"{next(numbers):018d}",
    )
    return Desk(
        reviewing=Reviewing(planning=Planning(plans=plans, assessments=inputs, graph=graph()), strict_four_eyes=strict),
        comments=Comments(plans=plans, documents=JsonCommentDrafts()),
        inputs=inputs,
        clock=clock,
        store=store,
    )


def actor(person: str, role: str, clinic: str = "clinic-a") -> Actor:
    """Returns somebody with one role."""
    return Actor(clinic=clinic, person=person, display_name=person.title(), roles=(role,))


def reviewer(person: str, role: str, clinic: str = "clinic-a") -> Reviewer:
    """Returns somebody with one role, as who acts on a plan."""
    return reviewer_of(actor(person, role, clinic))


def proposal(
    name: str, *, content: PlanContent | None = None, contributors: tuple[Contributor, ...] = (), author: str = "tess"
) -> Plan:
    """Returns a plan that the planner has just made."""
    made = content or empty_content()
    return Plan(
        name=name,
        uid="5f0c5b9e-6f1f-4b7e-9a55-0d9a3f1f8a01",
        version=1,
        state=State.PROPOSED,
        content=made,
        digest=content_digest(made, 1),
        author=Person(id=author, display_name=author.title()),
        create_micros=BEGIN,
        update_micros=BEGIN,
        contributors=contributors,
        acknowledgements=unread(made),
    )


def in_state(state: State, name: str, *, author: Reviewer, cosigner: str, clinic: str = "clinic-a") -> Plan:
    """Returns a plan in a state, written by `author` and, where that is part of it, waiting for `cosigner`."""
    made = replace(proposal(name), contributors=(Contributor(person=author.person, trainee=author.trainee),))
    system, boss = reviewer_of(planner_actor(clinic)), reviewer("boss", "supervisor", clinic)
    at = itertools.count(BEGIN + 1)
    draft = acts.edited(made, by=author, content=empty_content(), reason="", sentences=(), now_micros=next(at))
    authored = acts.signature(draft, author, author.roles[0], Meaning.AUTHORED, Attestation.NONE, "", next(at))
    waiting = acts.signed(draft, by=author, signature=authored, expected_cosigner=cosigner, now_micros=next(at))
    back = acts.signature(waiting, boss, "supervisor", Meaning.RETURNED, Attestation.NONE, "see", next(at))
    agreed = Attestation.REVIEWED_AND_AGREE
    release = acts.signature(waiting, boss, "supervisor", Meaning.COSIGNED, agreed, "", next(at))
    approved = acts.released(waiting, signature=release, revision=1, now_micros=next(at))
    return {
        State.PROPOSED: made,
        State.DRAFT: draft,
        State.STALE: acts.stale(draft, by=system, reason="The assessment changed.", now_micros=next(at)),
        State.EXPIRED: acts.expired(draft, by=system, now_micros=next(at)),
        State.DISCARDED: acts.discarded(draft, now_micros=next(at)),
        State.AWAITING_COSIGN: waiting,
        State.RETURNED: acts.returned(waiting, signature=back, now_micros=next(at)),
        State.APPROVED: approved,
        State.SUPERSEDED: replace(approved, state=State.SUPERSEDED),
        State.ENTERED_IN_ERROR: acts.entered_in_error(approved, now_micros=next(at)),
    }[state]


def asked(number: int, body: str, method: str = "Test") -> Request:
    """Returns what makes a call repeatable."""
    return Request(method=method, request_id=f"request-{number}", body_digest=body)
