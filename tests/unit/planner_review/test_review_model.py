"""Random stories of review by six people, with crashes, lost answers, repeats and time; the invariants after each step.

What the machine itself remembers (who worked on what, what was seen, what the assessment is) is kept here once more and
by other means than the use cases, so that a fault in their rules is seen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.planner.domain.constraints import Constraints
from services.planner.domain.errors import PlannerError, Refused, RequestInvalid, SignInTooOld
from services.planner.domain.plan import PlanContent, State
from services.planner.domain.review import Attestation, Comment, CommentKind, Contributor, Meaning, Person
from services.planner.domain.snapshot import HealthFlag, Snapshot
from services.planner.ports import StoredPlan
from services.planner.review import acts
from services.planner.review.invariants import Act, Chain
from services.planner.review.table import Action
from services.planner.usecases.comments import CreateComment, PublishComments, ResolveComment
from services.planner.usecases.inspect import plan_inspection
from services.planner.usecases.plans import planner_actor, reviewer_of
from services.planner.usecases.queue import ListOf, list_usable_plans
from services.planner.usecases.review import Decide, decide
from services.store.memory import MemoryStore
from services.store.model import Actor, Request, Revision, StoreUnavailable, Write
from tests.support.planner import flag, plan
from tests.support.review import CLIENT, SECOND, Desk, desk, graph, proposal
from tests.support.store import SEALER

CLINIC = "clinic-a"
PEOPLE = ("kim", "lee", "tess", "otto", "boss", "mona")
AT_FIRST = {
    "kim": "trainee", "lee": "trainee", "tess": "therapist", "otto": "therapist", "boss": "supervisor",
    "mona": "supervisor",
}  # fmt: skip
FLAGS: tuple[tuple[HealthFlag, ...], ...] = ((), (flag("ill"),), (flag("sore"),), (flag("ill"), flag("sore")))
DECISIONS = (
    Action.SIGN, Action.APPROVE, Action.COSIGN, Action.RETURN, Action.WITHDRAW, Action.REASSIGN, Action.DISCARD,
    Action.ACKNOWLEDGE_FLAG, Action.AMEND, Action.REATTEST, Action.ADDENDUM, Action.MARK_ENTERED_IN_ERROR,
)  # fmt: skip
# What people are likely to do next; now and then they do anything else.
LIKELY: dict[State, tuple[Action, ...]] = {
    State.PROPOSED: (Action.SIGN, Action.APPROVE, Action.ACKNOWLEDGE_FLAG),
    State.DRAFT: (Action.SIGN, Action.SIGN, Action.APPROVE, Action.ACKNOWLEDGE_FLAG, Action.DISCARD),
    State.AWAITING_COSIGN: (Action.COSIGN, Action.COSIGN, Action.RETURN, Action.WITHDRAW, Action.REASSIGN),
    State.APPROVED: (Action.AMEND, Action.AMEND, Action.REATTEST, Action.ADDENDUM, Action.ACKNOWLEDGE_FLAG),
}
RELEASES = {Action.APPROVE, Action.COSIGN, Action.REATTEST}
ENDED = {State.DISCARDED, State.EXPIRED, State.ENTERED_IN_ERROR}
HOUR = 3600 * SECOND

people = st.sampled_from(PEOPLE)
crashes = st.sampled_from(["", "", "", "", "before", "after"])
seen_as = st.sampled_from(["now", "now", "now", "now", "before", "other content"])


@cache
def content(minutes: int, flags: int) -> PlanContent:
    """Returns a plan without steps: one of a few contents for each state of the assessment."""
    return plan(Snapshot(health_flags=FLAGS[flags]), minutes, Constraints(), graph())


class CrashingStore(MemoryStore):
    """Dies once, before or after the next write has happened; the caller learns nothing of it."""

    def __init__(self) -> None:
        super().__init__(SEALER, "planner")
        self.crash = ""
        self.spared = 0

    async def write(self, write: Write) -> Revision:
        """Stores, and perhaps dies."""
        crash = self.crash if self.spared == 0 else ""
        self.spared = max(0, self.spared - 1)
        if crash == "before":
            self.crash = ""
            raise StoreUnavailable("crashed")
        done = await super().write(write)
        if crash == "after":
            self.crash = ""
            raise StoreUnavailable("crashed")
        return done


@dataclass(frozen=True)
class Repeatable:
    """A call that was answered, to be made again."""

    command: Decide
    result: StoredPlan


def live(story: Story) -> bool:
    """Whether the plan has not ended: what is done to one that has is only refused."""
    return story.now.plan.state not in ENDED


class Story(RuleBasedStateMachine):
    """One plan after the other and their people."""

    strict = False
    desk: Desk
    now: StoredPlan
    earlier: StoredPlan

    @initialize(creator=people)
    def begin(self, creator: str) -> None:
        self.loop = asyncio.new_event_loop()
        self.store = CrashingStore()
        self.desk = desk(self.store, strict=frozenset({CLINIC} if self.strict else ()))
        self.roles = dict(AT_FIRST)
        self.revision_of_inputs, self.flags = 1, 0
        self.put_inputs()
        self.requests, self.plans = 0, 0
        self.answered: list[Repeatable] = []
        self.propose(creator)

    def propose(self, creator: str) -> None:
        self.plans += 1
        self.name = f"{CLIENT}/plans/p-{self.plans}"
        self.answered.clear()
        self.chain, self.looked_at = Chain(CLINIC, strict=self.strict), 0
        # Ids of the people whose work is in the newest version, and of those who did it as trainees.
        self.workers, self.trainees = {creator}, {creator} if self.is_trainee(creator) else set[str]()
        by = Contributor(person=Person(id=creator, display_name=creator), trainee=self.is_trainee(creator))
        made = replace(
            proposal(self.name, content=self.planned(30), contributors=(by,), author=creator),
            create_micros=self.desk.clock(),
            update_micros=self.desk.clock.now,
        )
        self.now = self.run(self.desk.plans.create(self.actor(creator), made, None))
        self.earlier = self.now

    def teardown(self) -> None:
        if hasattr(self, "loop"):
            try:
                problems = self.run(
                    self.store.verify(CLINIC, {"plans": plan_inspection(self.desk.plans.documents, CLINIC)})
                )
                assert problems == ()
            finally:
                self.loop.close()

    # --- words ---

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    def actor(self, person: str) -> Actor:
        roles = (self.roles[person],) if self.roles[person] else ()
        return Actor(clinic=CLINIC, person=person, display_name=person, roles=roles)

    def is_trainee(self, person: str) -> bool:
        return self.roles[person] == "trainee"

    def etag_of_inputs(self) -> str:
        return f"{self.revision_of_inputs}-0123456789abcdef"

    def put_inputs(self) -> None:
        self.desk.inputs.put(self.etag_of_inputs(), Snapshot(health_flags=FLAGS[self.flags]))

    def planned(self, minutes: int) -> PlanContent:
        return replace(content(minutes, self.flags), assessment_etag=self.etag_of_inputs())

    def attempt(self, work: Coroutine[Any, Any, Any], crash: str = "", spared: int = 0) -> Any:
        """Does something that may be refused or may crash; checks what it leaves behind. Returns None if it failed."""
        self.store.crash, self.store.spared = crash, spared
        trail = self.store.clinic(CLINIC)
        entries = trail.seq
        before = self.newest()
        try:
            return self.run(work)
        except StoreUnavailable:
            assert trail.seq <= entries + 1 + spared
        except (SignInTooOld, RequestInvalid):
            assert trail.seq == entries, "what is no refusal by a rule leaves no entry"
            assert self.newest() == before
        except Refused:
            assert trail.seq == entries + 1, "a refusal leaves one entry"
            assert self.newest() == before, "a refusal has no effect"
        except PlannerError:
            assert self.newest() == before
        finally:
            self.store.crash = ""
        return None

    def newest(self) -> StoredPlan:
        revision: Revision = self.run(self.store.read(CLINIC, self.name))
        return self.desk.plans.stored(revision)

    def as_seen(self, how: str) -> StoredPlan:
        if how == "before":
            return self.earlier
        if how == "other content":
            return replace(self.now, plan=replace(self.now.plan, digest="0" * 64))
        return self.now

    def follow(self) -> None:
        """Takes in what has happened to the plan since the last step, by whoever it was."""
        newest = self.newest()
        if newest.etag != self.now.etag:
            self.earlier, self.now = self.now, newest

    @precondition(lambda self: self.now.plan.state in ENDED)
    @rule(person=st.sampled_from(["kim", "tess", "boss"]))
    def begin_anew(self, person: str) -> None:
        """The plan has ended; the story goes on with another."""
        self.propose(person)

    # --- what people do ---

    @precondition(live)
    @rule(person=people, minutes=st.sampled_from([30, 40, 50]), how=seen_as, crash=crashes)
    def edit(self, person: str, minutes: int, how: str, crash: str) -> None:
        seen = self.as_seen(how)
        self.attempt(self._edit(self.actor(person), minutes, seen), crash)
        after = self.newest()
        if after.etag != self.now.etag:
            assert seen.etag == self.now.etag, "I7: an edit of another revision was made"
            assert after.plan.signatures == (), "I4: an edit keeps no signature"
            self.worked(person)

    async def _edit(self, by: Actor, minutes: int, seen: StoredPlan) -> StoredPlan:
        plans = self.desk.plans
        async with plans.refusing(by, self.name, "RevisePlan"):
            stored = await plans.read(CLINIC, self.name, None)
            after = acts.edited(
                stored.plan,
                by=reviewer_of(by),
                content=self.planned(minutes),
                reason="",
                sentences=(),
                now_micros=self.desk.clock(),
            )
            return await plans.update(by, after, seen.etag, Action.EDIT.entry, "", None)

    def worked(self, person: str) -> None:
        self.workers.add(person)
        if self.is_trainee(person):
            self.trainees.add(person)

    @rule(
        data=st.data(),
        person=people,
        cosigner=people,
        attestation=st.sampled_from([Attestation.NONE, Attestation.REVIEWED_AND_AGREE, Attestation.REVIEWED_AND_AGREE]),
        rule_=st.sampled_from(["light", "spare"]),
        how=seen_as,
        recent=st.sampled_from([True, True, True, False]),
        crash=crashes,
    )
    def decide(
        self,
        data: st.DataObject,
        person: str,
        cosigner: str,
        attestation: Attestation,
        rule_: str,
        how: str,
        *,
        recent: bool,
        crash: str,
    ) -> None:
        action = data.draw(st.sampled_from(DECISIONS))
        self._decided(action, person, cosigner, attestation, rule_, how, recent=recent, crash=crash)

    @precondition(lambda self: self.now.plan.state in LIKELY)
    @rule(data=st.data(), cosigner=people, crash=crashes)
    def go_on(self, data: st.DataObject, cosigner: str, crash: str) -> None:
        """What stories mostly do: the next action of somebody who may well do it, on what they have just seen."""
        action = data.draw(st.sampled_from(LIKELY[self.now.plan.state]))
        trainees = [one for one in PEOPLE if self.roles[one] == "trainee"]
        licensed = [one for one in PEOPLE if self.roles[one] in {"therapist", "supervisor"}]
        fitting = trainees if action is Action.SIGN else licensed
        person = data.draw(st.sampled_from(fitting or PEOPLE))
        attestation = data.draw(st.sampled_from([Attestation.EXAMINED_PATIENT, Attestation.NONE]))
        self._decided(action, person, cosigner, attestation, "spare", "now", crash=crash)

    @precondition(lambda self: self.now.plan.state in {State.PROPOSED, State.DRAFT, State.AWAITING_COSIGN})
    @rule(data=st.data(), attestation=st.sampled_from([Attestation.NONE, Attestation.EXAMINED_PATIENT]), crash=crashes)
    def release(self, data: st.DataObject, attestation: Attestation, crash: str) -> None:
        """Everything is read, everything that must be fixed is resolved, and a licensed person releases."""
        licensed = [one for one in PEOPLE if self.roles[one] in {"therapist", "supervisor"}]
        person = data.draw(st.sampled_from(licensed or PEOPLE))
        for flag_ in self.now.plan.acknowledgements:
            self._decided(Action.ACKNOWLEDGE_FLAG, person, "", Attestation.NONE, flag_.rule, "now")
            self.follow()
        for comment in self.now.plan.comments:
            if comment.kind is CommentKind.MUST_FIX:
                self._resolve("boss", comment, "now", "")
                self.follow()
        waiting = self.now.plan.state is State.AWAITING_COSIGN
        self._decided(Action.COSIGN if waiting else Action.APPROVE, person, "", attestation, "", "now", crash=crash)

    def _decided(
        self,
        action: Action,
        person: str,
        cosigner: str,
        attestation: Attestation,
        rule_: str,
        how: str,
        *,
        recent: bool = True,
        crash: str = "",
    ) -> None:
        self.requests += 1
        seen, before = self.as_seen(how), self.now
        had_role = self.roles[person]
        command = Decide(
            actor=self.actor(person),
            auth_micros=self.desk.clock.now - (0 if recent else 120 * SECOND),
            method=action.name,
            action=action,
            name=self.name,
            etag=seen.etag,
            digest=seen.plan.digest,
            reason="because",
            text="for the record",
            attestation=attestation,
            expected_cosigner=cosigner,
            rule=rule_ if action is Action.ACKNOWLEDGE_FLAG else "",
            request=Request(method=action.name, request_id=f"r-{self.requests}", body_digest=f"{self.requests}"),
        )
        if result := self.attempt(decide(self.desk.reviewing, command), crash):
            self.answered.append(Repeatable(command, result))
        after = self.newest()
        if after.etag == before.etag or after.plan.state is State.EXPIRED:
            return
        if action in {Action.SIGN, *RELEASES} and before.etag == seen.etag:
            assert recent, "a signature without a recent sign-in"
        assert (seen.etag, seen.plan.digest) == (before.etag, before.plan.digest), "I7: another plan was decided on"
        assert had_role, "I14: somebody without a role decided"
        if action is Action.SIGN:
            self.worked(person)
        if action is Action.AMEND:
            self.workers, self.trainees = set(), set()
            self.worked(person)
        if action in RELEASES:
            self._check_release(before, after, person, attestation)

    def _check_release(self, before: StoredPlan, after: StoredPlan, person: str, attestation: Attestation) -> None:
        kept = after.plan
        assert self.roles[person] in {"therapist", "supervisor"}, "I1"
        assert person not in self.trainees, "I3: own work as a trainee"
        assert not self.strict or person not in self.workers, "strict: own work"
        assert not self.trainees or attestation is not Attestation.NONE, "I2"
        assert kept.content.assessment_etag == self.etag_of_inputs(), "I8: released on old inputs"
        assert all(one.person for one in kept.acknowledgements), "an unread flag"
        assert not any(
            one.kind is CommentKind.MUST_FIX and one.status.value == "open" for one in before.plan.comments
        ), "an open MUST_FIX"
        signed = kept.signatures[-1]
        assert (signed.signer.id, signed.digest, signed.version) == (person, kept.digest, kept.version)
        assert signed.meaning in {Meaning.APPROVED, Meaning.COSIGNED}

    @precondition(lambda self: self.answered)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        """I15: the same request again is the same answer and does nothing."""
        call = data.draw(st.sampled_from(self.answered))
        entries = self.store.clinic(CLINIC).seq
        assert self.run(decide(self.desk.reviewing, call.command)) == call.result
        assert self.store.clinic(CLINIC).seq == entries

    @precondition(live)
    @rule(data=st.data(), person=people, how=seen_as, crash=crashes)
    def talk(self, data: st.DataObject, person: str, how: str, crash: str) -> None:
        answers: bool = data.draw(st.booleans())
        if self.now.plan.comments and answers:
            self._resolve(person, data.draw(st.sampled_from(self.now.plan.comments)), how, crash)
        else:
            self._say(person, data.draw(st.sampled_from(CommentKind)), how, crash, data.draw(st.sampled_from([0, 1])))

    def _say(self, person: str, kind: CommentKind, how: str, crash: str, spared: int) -> None:
        """Writes a comment and publishes it; a crash may come before, between or after the two writes of that."""
        self.requests += 1
        by = self.actor(person)
        said = Comment(
            id="", step="", kind=kind, text="look here", suggestion=(), version=0, author=Person(id="", display_name="")
        )
        written = self.attempt(
            self.desk.comments.create(CreateComment(actor=by, plan=self.name, comment=said, request=None))
        )
        if written is None:
            return
        before = [one.id for one in self.now.plan.comments]
        command = PublishComments(
            actor=by,
            plan=self.name,
            etag=self.as_seen(how).etag,
            comments=(),
            request=Request(method="PublishComments", request_id=f"r-{self.requests}", body_digest="x"),
        )
        self.attempt(self.desk.comments.publish(command), crash, spared)
        there = [one.id for one in self.newest().plan.comments]
        assert there[: len(before)] == before
        assert len(set(there)) == len(there), "a comment was published twice"
        if crash and there != before:
            # Whoever repeats the call finds the same comments published, and no draft left of them.
            self.run(self.desk.comments.publish(command))
            assert [one.id for one in self.newest().plan.comments] == there

    def _resolve(self, person: str, comment: Comment, how: str, crash: str) -> None:
        command = ResolveComment(
            actor=self.actor(person),
            plan=self.name,
            etag=self.as_seen(how).etag,
            comment=comment.id,
            resolution="done",
            request=None,
        )
        self.attempt(self.desk.comments.resolve(command), crash)
        after = next(one for one in self.newest().plan.comments if one.id == comment.id)
        if after.status is not comment.status and comment.kind is CommentKind.MUST_FIX:
            assert person == comment.author.id or self.roles[person] == "supervisor"

    # --- what happens around them ---

    @rule(data=st.data(), what=st.sampled_from(["assess", "learn", "role", "wait"]), crash=crashes)
    def meanwhile(self, data: st.DataObject, what: str, crash: str) -> None:
        """The assessment changes, the planner learns of it at once or later, roles change, time passes."""
        if what == "assess":
            self.revision_of_inputs += 1
            self.flags = data.draw(st.sampled_from(range(len(FLAGS))))
            self.put_inputs()
        if what == "learn" or (what == "assess" and data.draw(st.booleans())):
            self.attempt(self._learn(), crash)
        elif what == "role":
            roles = ["trainee", "therapist", "supervisor", "auditor", "", *["as before"] * 5]
            person, role = data.draw(people), data.draw(st.sampled_from(roles))
            # Somebody is promoted, or loses their role (I14), or has it again.
            self.roles[person] = AT_FIRST[person] if role == "as before" else role
        elif what == "wait":
            self.wait(data.draw(st.sampled_from([1, 1, 20, 20, 80])))

    async def _learn(self) -> None:
        plans, system = self.desk.plans, planner_actor(CLINIC)
        stored = await plans.read(CLINIC, self.name, None)
        kept, by = stored.plan, reviewer_of(system)
        current = self.etag_of_inputs()
        if kept.approved and kept.approved.content.assessment_etag != current and not kept.hold and self.flags:
            held = acts.hold(kept, by=by, reason="A new flag.", now_micros=self.desk.clock(), rules=("spare",))
            stored = await plans.update(system, held, stored.etag, Action.FLAG_RAISED.entry, "", None)
        waiting = stored.plan.state in {State.PROPOSED, State.DRAFT, State.AWAITING_COSIGN}
        if waiting and stored.plan.content.assessment_etag != current:
            gone = acts.stale(stored.plan, by=by, reason="It changed.", now_micros=self.desk.clock())
            await plans.update(system, gone, stored.etag, Action.INPUTS_CHANGED.entry, "", None)

    def wait(self, hours: int) -> None:
        """I9: time passes, and nothing is approved by it."""
        force = self.now.plan.approved
        self.desk.clock.now += hours * HOUR
        after = self.run(self.desk.plans.read(CLINIC, self.name, None)).plan
        assert after.approved == force
        if hours > 72:
            assert after.state not in {State.PROPOSED, State.DRAFT, State.AWAITING_COSIGN, State.STALE}

    # --- what always holds ---

    @invariant()
    def every_revision_keeps_the_invariants(self) -> None:
        if not hasattr(self, "now"):
            return
        self.follow()
        if self.looked_at == self.now.revision:
            return
        for number in range(self.looked_at + 1, self.now.revision + 1):
            revision = self.run(self.store.read(CLINIC, self.name, number))
            entry = revision.entry
            act = Act(action=entry.action, person=entry.person, roles=entry.roles, time_micros=entry.time_micros)
            assert self.chain.broken_by(self.desk.plans.stored(revision).plan, act) == ()
        self.looked_at = self.now.revision
        self.only_what_is_in_force_can_be_used()

    def only_what_is_in_force_can_be_used(self) -> None:
        """I16 and I13: as a treatment room sees it."""
        query = ListOf(actor=self.actor("boss"), parent="clients/-", page_size=50, after=0)
        usable = self.run(list_usable_plans(self.desk.plans, query)).plans
        newest = self.now.plan
        mine = [one for one in usable if one.plan.name == self.name]
        assert bool(mine) == (newest.approved is not None and not newest.hold)
        for one in usable:
            assert one.plan.approved
            assert one.plan.digest == one.plan.approved.digest
            assert any(s.meaning in {Meaning.APPROVED, Meaning.COSIGNED} for s in one.plan.signatures)


class StrictStory(Story):
    """The same with strict four-eyes."""

    strict = True


OF_THE_CHECK = settings(
    max_examples=150,
    stateful_step_count=40,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
TestStory = Story.TestCase
TestStory.settings = OF_THE_CHECK
TestStrictStory = StrictStory.TestCase
TestStrictStory.settings = OF_THE_CHECK
