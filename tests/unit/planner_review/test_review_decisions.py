"""Decisions one by one: what each leaves in the plan, and what stops a release."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.planner.domain.errors import (
    AssessmentStateForbids,
    EditUnsafe,
    InputsChanged,
    OwnWork,
    PlanChanged,
    PlanStateForbids,
    ReleaseBlocked,
    RequestInvalid,
    SignInTooOld,
)
from services.planner.domain.plan import State
from services.planner.domain.review import (
    Attestation,
    Comment,
    CommentKind,
    CommentStatus,
    Contributor,
    Meaning,
    Person,
)
from services.planner.domain.snapshot import Snapshot
from services.planner.ports import StoredPlan
from services.planner.review import acts
from services.planner.review.shown import as_seen_now, in_force
from services.planner.review.table import Action
from services.planner.review.talk import with_published
from services.planner.review.turn import turn
from services.planner.usecases.comments import (
    CreateComment,
    DeleteComment,
    ListComments,
    PublishComments,
    ResolveComment,
)
from services.planner.usecases.plans import planner_actor, reviewer_of
from services.planner.usecases.queue import ListOf, list_review_queue, list_usable_plans
from services.planner.usecases.read import GetPlan, get_plan
from services.store.memory import MemoryStore
from services.store.model import Actor, Revision, StoreNotDurable, Write
from tests.support.review import (
    CLIENT,
    HEALTHY,
    ILL,
    SECOND,
    SORE,
    Desk,
    actor,
    content_of,
    desk,
    empty_content,
    proposal,
    reviewer,
)
from tests.support.store import SEALER

KIM, LEE = actor("kim", "trainee"), actor("lee", "trainee")
TESS, OTTO = actor("tess", "therapist"), actor("otto", "therapist")
BOSS, MONA = actor("boss", "supervisor"), actor("mona", "supervisor")
SYSTEM = planner_actor("clinic-a")
AGREED = {"attestation": Attestation.REVIEWED_AND_AGREE}


@pytest.fixture
def there() -> Desk:
    return desk(MemoryStore(SEALER, "planner"))


async def proposed(there: Desk, snapshot: Snapshot | None = None, name: str = "first", by: Actor = TESS) -> StoredPlan:
    content = empty_content() if snapshot is None else content_of(snapshot)
    there.inputs.put(content.assessment_etag, content.snapshot)
    made = replace(
        proposal(f"{CLIENT}/plans/{name}", content=content, author=by.person),
        contributors=acts.first_contributors(reviewer_of(by), content.constraints),
        create_micros=there.clock.now,
        update_micros=there.clock.now,
    )
    return await there.plans.create(by, made, None)


async def edited(there: Desk, seen: StoredPlan, by: Actor) -> StoredPlan:
    after = acts.edited(
        seen.plan,
        by=reviewer_of(by),
        content=seen.plan.content,
        reason="",
        sentences=("Nothing.",),
        now_micros=there.clock(),
    )
    return await there.plans.update(by, after, seen.etag, Action.EDIT.entry, "", None)


async def commented(there: Desk, seen: StoredPlan, by: Actor, kind: CommentKind = CommentKind.MUST_FIX) -> StoredPlan:
    nobody = Person(id="", display_name="")
    said = Comment(id="", step="", kind=kind, text="too firm", suggestion=(), version=0, author=nobody)
    await there.comments.create(CreateComment(actor=by, plan=seen.plan.name, comment=said, request=None))
    return await there.comments.publish(
        PublishComments(actor=by, plan=seen.plan.name, etag=seen.etag, comments=(), request=None)
    )


# --- the ways to a release ----------------------------------------------------------------------------------------


async def test_a_trainees_plan_is_cosigned_by_another_person(there: Desk) -> None:
    waiting = await there.decide(KIM, Action.SIGN, await proposed(there, by=KIM), expected_cosigner="boss")
    assert (waiting.plan.state, waiting.plan.expected_cosigner) == (State.AWAITING_COSIGN, "boss")
    done = await there.decide(BOSS, Action.COSIGN, waiting, attestation=Attestation.AGREE_EXCEPT, text="less pressure")
    kept = done.plan
    assert [(one.signer.id, one.meaning) for one in kept.signatures] == [
        ("kim", Meaning.AUTHORED), ("boss", Meaning.COSIGNED),
    ]  # fmt: skip
    assert (kept.signatures[1].text, kept.signatures[1].role) == ("less pressure", "supervisor")
    assert kept.approved
    assert (kept.approved.version, kept.approved.revision, kept.approved.digest) == (1, done.revision, kept.digest)


async def test_a_trainee_who_was_promoted_does_not_release_their_own_work(there: Desk) -> None:
    draft = await edited(there, await proposed(there), KIM)
    with pytest.raises(OwnWork):
        await there.decide(actor("kim", "supervisor"), Action.APPROVE, draft, **AGREED)
    later = await edited(there, draft, actor("kim", "therapist"))
    with pytest.raises(OwnWork):
        await there.decide(actor("kim", "supervisor"), Action.APPROVE, later, **AGREED)
    assert (await there.decide(TESS, Action.APPROVE, later, **AGREED)).plan.state is State.APPROVED


async def test_a_trainees_work_needs_an_attestation_and_a_therapists_none(there: Desk) -> None:
    assert (await there.decide(TESS, Action.APPROVE, await proposed(there))).plan.state is State.APPROVED
    draft = await edited(there, await proposed(there, name="second"), KIM)
    with pytest.raises(RequestInvalid, match="attestation"):
        await there.decide(TESS, Action.APPROVE, draft)
    assert (await there.decide(TESS, Action.APPROVE, draft, **AGREED)).plan.state is State.APPROVED


async def test_strict_four_eyes_wants_a_person_who_contributed_nothing() -> None:
    strict = desk(MemoryStore(SEALER, "planner"), strict=frozenset({"*"}))
    draft = await edited(strict, await proposed(strict), TESS)
    with pytest.raises(OwnWork):
        await strict.decide(TESS, Action.APPROVE, draft)
    waiting = await strict.decide(TESS, Action.SIGN, draft, expected_cosigner="otto")
    assert (await strict.decide(OTTO, Action.COSIGN, waiting, **AGREED)).plan.state is State.APPROVED


@pytest.mark.parametrize(
    ("by", "cosigner", "problem"),
    [(KIM, "kim", "person who signs"), (LEE, "kim", "contributed")],
    ids=["themselves", "who contributed as a trainee"],
)
async def test_who_could_never_cosign_cannot_be_named(there: Desk, by: Actor, cosigner: str, problem: str) -> None:
    draft = await edited(there, await proposed(there), KIM)
    with pytest.raises(RequestInvalid, match=problem):
        await there.decide(by, Action.SIGN, draft, expected_cosigner=cosigner)


@pytest.mark.parametrize("age_seconds", [None, 61])
async def test_an_old_sign_in_signs_nothing(there: Desk, age_seconds: int | None) -> None:
    seen = await proposed(there)
    auth = None if age_seconds is None else there.clock.now - age_seconds * SECOND
    with pytest.raises(SignInTooOld):
        await there.decide(TESS, Action.APPROVE, seen, auth_micros=auth)
    assert (await there.decide(TESS, Action.DISCARD, seen, auth_micros=None)).plan.state is State.DISCARDED


# --- the guard ----------------------------------------------------------------------------------------------------


async def test_old_inputs_stop_a_release(there: Desk) -> None:
    seen = await proposed(there)
    there.inputs.put("2-ffffffffffffffff")
    with pytest.raises(InputsChanged):
        await there.decide(TESS, Action.APPROVE, seen)


async def test_everything_that_blocks_is_named(there: Desk) -> None:
    seen = await commented(there, await proposed(there, ILL), BOSS)
    with pytest.raises(ReleaseBlocked) as blocked:
        await there.decide(TESS, Action.APPROVE, seen)
    assert blocked.value.unread_flags == ("light",)
    assert blocked.value.open_must_fix == (seen.plan.comments[0].id,)
    read = await there.decide(OTTO, Action.ACKNOWLEDGE_FLAG, seen, rule="light")
    assert read.plan.acknowledgements[0].person == Person(id="otto", display_name="Otto")
    await there.comments.resolve(
        ResolveComment(
            actor=BOSS,
            plan=read.plan.name,
            etag=read.etag,
            comment=read.plan.comments[0].id,
            resolution="fine now",
            request=None,
        )
    )
    now = await there.plans.read("clinic-a", read.plan.name, None)
    assert (await there.decide(TESS, Action.APPROVE, now)).plan.state is State.APPROVED


async def test_a_flag_that_reads_otherwise_after_an_edit_is_unread_again(there: Desk) -> None:
    seen = await there.decide(OTTO, Action.ACKNOWLEDGE_FLAG, await proposed(there, ILL), rule="light")
    same = await edited(there, seen, TESS)
    assert same.plan.acknowledgements[0].person
    other = replace(content_of(ILL), cautions=tuple(replace(c, findings=("f",)) for c in content_of(ILL).cautions))
    anew = acts.edited(
        same.plan, by=reviewer("tess", "therapist"), content=other, reason="", sentences=(), now_micros=1
    )
    assert anew.acknowledgements[0].person is None


# --- after the release --------------------------------------------------------------------------------------------


async def test_the_approved_version_stays_in_force_until_the_amendment_is_approved(there: Desk) -> None:
    first = await there.decide(TESS, Action.APPROVE, await proposed(there))
    draft = await there.decide(KIM, Action.AMEND, first)
    assert (draft.plan.state, draft.plan.version) == (State.DRAFT, 2)
    usable = in_force(draft.plan)
    assert usable
    assert (usable.version, usable.digest, usable.signatures) == (1, first.plan.digest, first.plan.signatures)
    second = await there.decide(OTTO, Action.APPROVE, draft, **AGREED)
    assert second.plan.approved
    assert second.plan.approved.version == 2
    earlier = await get_plan(there.plans, GetPlan(clinic="clinic-a", name=first.plan.name, revision=first.revision))
    assert earlier.plan.state is State.SUPERSEDED
    assert as_seen_now(first.plan, draft.plan).state is State.APPROVED


async def test_an_amendment_that_is_given_up_leaves_the_approved_version(there: Desk) -> None:
    first = await there.decide(TESS, Action.APPROVE, await proposed(there))
    given_up = await there.decide(OTTO, Action.DISCARD, await there.decide(OTTO, Action.AMEND, first))
    assert (given_up.plan.state, given_up.plan.version, given_up.plan.digest) == (State.APPROVED, 1, first.plan.digest)
    assert given_up.plan.signatures == first.plan.signatures
    again = await there.decide(OTTO, Action.AMEND, given_up)
    assert again.plan.version == 3, "a number is never given twice"


async def on_hold(there: Desk, seen: StoredPlan, rules: tuple[str, ...]) -> StoredPlan:
    by = reviewer_of(SYSTEM)
    held = acts.hold(seen.plan, by=by, reason="A new flag.", now_micros=there.clock(), rules=rules)
    return await there.plans.update(SYSTEM, held, seen.etag, Action.FLAG_RAISED.entry, "", None)


async def test_a_plan_on_hold_is_reattested_once_its_new_flag_is_read(there: Desk) -> None:
    held = await on_hold(there, await there.decide(TESS, Action.APPROVE, await proposed(there, HEALTHY)), ("light",))
    assert in_force(held.plan) is None
    there.inputs.put("2-ffffffffffffffff", ILL)
    with pytest.raises(ReleaseBlocked):
        await there.decide(TESS, Action.REATTEST, held, **AGREED)
    with pytest.raises(RequestInvalid, match="attestation"):
        await there.decide(TESS, Action.REATTEST, held)
    read = await there.decide(TESS, Action.ACKNOWLEDGE_FLAG, held, rule="light")
    done = (await there.decide(TESS, Action.REATTEST, read, **AGREED)).plan
    assert (done.state, done.version, done.hold) == (State.APPROVED, 2, False)
    assert done.content.steps == held.plan.content.steps, "no approved step has changed"
    assert done.content.assessment_etag == "2-ffffffffffffffff"
    assert "light" in {caution.rule for caution in done.content.cautions}
    assert in_force(done)


async def test_a_plan_that_a_new_flag_cuts_is_not_reattested(there: Desk) -> None:
    held = await on_hold(there, await there.decide(TESS, Action.APPROVE, await proposed(there, HEALTHY)), ("spare",))
    read = await there.decide(TESS, Action.ACKNOWLEDGE_FLAG, held, rule="spare")
    there.inputs.put("2-ffffffffffffffff", SORE)
    with pytest.raises(EditUnsafe) as unsafe:
        await there.decide(TESS, Action.REATTEST, read, **AGREED)
    assert any("spare forbids this place" in sentence for sentence in unsafe.value.sentences)
    there.inputs.put("3-ffffffffffffffff", SORE, state="OPEN")
    with pytest.raises(AssessmentStateForbids):
        await there.decide(TESS, Action.REATTEST, read, **AGREED)


async def test_what_is_entered_in_error_is_never_usable_again(there: Desk) -> None:
    first = await there.decide(TESS, Action.APPROVE, await proposed(there))
    gone = await there.decide(OTTO, Action.MARK_ENTERED_IN_ERROR, first)
    assert gone.plan.usable is None
    earlier = await get_plan(there.plans, GetPlan(clinic="clinic-a", name=first.plan.name, revision=first.revision))
    assert (earlier.plan.state, earlier.plan.usable) == (State.ENTERED_IN_ERROR, None)
    with pytest.raises(PlanStateForbids):
        await there.decide(OTTO, Action.AMEND, gone)


async def test_an_addendum_leaves_the_content_as_it_is(there: Desk) -> None:
    first = await there.decide(TESS, Action.APPROVE, await proposed(there))
    told = await there.decide(KIM, Action.ADDENDUM, first, text="The left hand was cold.")
    assert told.plan.addenda[0].text == "The left hand was cold."
    assert (told.plan.digest, told.plan.approved) == (first.plan.digest, first.plan.approved)


# --- time ---------------------------------------------------------------------------------------------------------


async def test_a_plan_left_alone_expires_when_somebody_looks_at_it(there: Desk) -> None:
    seen = await proposed(there)
    there.clock.now += 72 * 3600 * SECOND
    page = await there.plans.page("clinic-a", "clients/-", 10, None)
    assert page.revisions[0].entry.facts["state"] == "EXPIRED"
    assert page.revisions[0].entry.roles == ("planner",)
    with pytest.raises(PlanChanged):
        await there.decide(TESS, Action.APPROVE, seen)


async def test_a_plan_for_a_later_session_does_not_expire_before_it(there: Desk) -> None:
    seen = await proposed(there)
    later = replace(seen.plan, scheduled_micros=there.clock.now + 200 * 3600 * SECOND)
    await there.plans.update(TESS, later, seen.etag, "EDITED", "", None)
    there.clock.now += 250 * 3600 * SECOND
    assert (await there.plans.read("clinic-a", seen.plan.name, None)).plan.state is State.PROPOSED
    there.clock.now += 30 * 3600 * SECOND
    assert (await there.plans.read("clinic-a", seen.plan.name, None)).plan.state is State.EXPIRED


class StubbornStore(MemoryStore):
    """Takes writes until it is told not to."""

    stubborn = False

    async def write(self, write: Write) -> Revision:
        if self.stubborn:
            raise StoreNotDurable("it would not keep this")
        return await super().write(write)


async def test_a_store_that_takes_no_writes_still_reads() -> None:
    store = StubbornStore(SEALER, "planner")
    there = desk(store)
    seen = await proposed(there)
    store.stubborn = True
    there.clock.now += 100 * 3600 * SECOND
    assert await there.plans.read("clinic-a", seen.plan.name, None) == seen


# --- turns and lists ----------------------------------------------------------------------------------------------


async def test_turns_go_back_and_forth(there: Desk) -> None:
    waiting = await there.decide(KIM, Action.SIGN, await proposed(there, by=KIM), expected_cosigner="boss")
    first = turn(waiting.plan)
    assert first
    assert (first.people, first.is_of("boss", ("supervisor",)), first.is_of("mona", ("supervisor",))) == (
        ("boss",), True, False,
    )  # fmt: skip
    asked = await commented(there, waiting, BOSS, CommentKind.QUESTION)
    back = turn(asked.plan)
    assert back
    assert (back.people, back.reason) == (("kim",), "Boss asked a question.")
    answered = await commented(there, asked, KIM, CommentKind.NOTE)
    again = turn(answered.plan)
    assert again
    assert again.people == ("boss",)
    returned = await there.decide(BOSS, Action.RETURN, answered)
    theirs = turn(returned.plan)
    assert theirs
    assert theirs.people == ("kim",)
    signed_again = await there.decide(KIM, Action.SIGN, await edited(there, returned, KIM), expected_cosigner="boss")
    withdrawn = (await there.decide(KIM, Action.WITHDRAW, signed_again)).plan
    asked_still = turn(withdrawn)
    assert asked_still
    assert asked_still.people == ("kim",), "the question is still open"
    assert turn(replace(withdrawn, comments=())) is None
    approved = await there.decide(TESS, Action.APPROVE, await proposed(there, name="other"))
    assert turn(approved.plan) is None
    held = turn((await on_hold(there, approved, ())).plan)
    assert held
    assert held.people == ("tess",)


async def test_the_queue_has_ones_own_turn_first_then_the_next_session(there: Desk) -> None:
    for number, hours in enumerate((9, None, 3)):
        seen = await proposed(there, name=f"p-{number}", by=KIM)
        if hours is not None:
            at = there.clock.now + hours * 3600 * SECOND
            moved = replace(seen.plan, scheduled_micros=at, update_micros=there.clock())
            seen = await there.plans.update(KIM, moved, seen.etag, "EDITED", "", None)
        await there.decide(KIM, Action.SIGN, seen, expected_cosigner="mona" if number == 2 else "boss")
    await there.decide(TESS, Action.APPROVE, await proposed(there, name="released"))

    async def queue(by: Actor) -> list[tuple[str, bool]]:
        found = await list_review_queue(there.plans, ListOf(actor=by, parent="clients/-", page_size=2, after=0))
        rest = await list_review_queue(there.plans, ListOf(actor=by, parent="clients/-", page_size=2, after=2))
        assert (found.next_after, rest.next_after) == (2, None)
        return [(one.stored.plan.name[-3:], one.your_turn) for one in (*found.items, *rest.items)]

    assert await queue(BOSS) == [("p-0", True), ("p-1", True), ("p-2", False)]
    assert await queue(MONA) == [("p-2", True), ("p-0", False), ("p-1", False)]


async def test_only_what_is_in_force_is_listed_as_usable(there: Desk) -> None:
    first = await there.decide(TESS, Action.APPROVE, await proposed(there, name="one"))
    await there.decide(OTTO, Action.AMEND, first)
    await on_hold(there, await there.decide(TESS, Action.APPROVE, await proposed(there, name="two")), ())
    await proposed(there, name="three")
    page = await list_usable_plans(there.plans, ListOf(actor=TESS, parent=CLIENT, page_size=50, after=0))
    assert [(one.plan.name, one.plan.state, one.plan.version) for one in page.plans] == [
        (first.plan.name, State.APPROVED, 1)
    ]


# --- comments -----------------------------------------------------------------------------------------------------


async def test_drafts_are_seen_by_their_author_only(there: Desk) -> None:
    seen = await proposed(there)
    said = Comment(
        id="",
        step="",
        kind=CommentKind.NOTE,
        text="hm",
        suggestion=(),
        version=0,
        author=Person(id="", display_name=""),
    )
    kept = await there.comments.create(CreateComment(actor=KIM, plan=seen.plan.name, comment=said, request=None))
    assert (kept.status, kept.author.id, kept.version) == (CommentStatus.DRAFT, "kim", 1)
    for by, ids in ((KIM, [kept.id]), (BOSS, [])):
        page = await there.comments.list(ListComments(actor=by, plan=seen.plan.name, page_size=10, after=0))
        assert [one.id for one in page.comments] == ids
    wrong = PublishComments(actor=BOSS, plan=seen.plan.name, etag=seen.etag, comments=(kept.id,), request=None)
    with pytest.raises(RequestInvalid, match="no draft of yours"):
        await there.comments.publish(wrong)
    done = await there.comments.publish(replace(wrong, actor=KIM))
    assert [(one.id, one.status) for one in done.plan.comments] == [(kept.id, CommentStatus.OPEN)]


async def test_what_the_plan_has_is_no_draft_also_while_its_record_is_not_cleared(there: Desk) -> None:
    """A publication that was cut off between its two writes: the plan has the comment, and the draft lies there too."""
    seen = await proposed(there)
    nobody = Person(id="", display_name="")
    said = Comment(id="", step="", kind=CommentKind.NOTE, text="hm", suggestion=(), version=0, author=nobody)
    kept = await there.comments.create(CreateComment(actor=KIM, plan=seen.plan.name, comment=said, request=None))
    published = with_published(seen.plan, (kept,), there.clock())
    await there.plans.update(KIM, published, seen.etag, Action.COMMENT.entry, "", None)
    deleting = DeleteComment(actor=KIM, plan=seen.plan.name, comment=kept.id, request=None)
    with pytest.raises(PlanStateForbids, match="is OPEN; this needs DRAFT"):
        await there.comments.delete(deleting)
    with pytest.raises(PlanStateForbids):
        await there.comments.delete(replace(deleting, actor=BOSS))


async def test_a_draft_on_a_plan_that_is_given_up_cannot_be_deleted(there: Desk) -> None:
    """It is as with writing one: see the table."""
    seen = await proposed(there)
    nobody = Person(id="", display_name="")
    said = Comment(id="", step="", kind=CommentKind.NOTE, text="hm", suggestion=(), version=0, author=nobody)
    kept = await there.comments.create(CreateComment(actor=KIM, plan=seen.plan.name, comment=said, request=None))
    await there.decide(TESS, Action.DISCARD, seen)
    with pytest.raises(PlanStateForbids, match="is DISCARDED"):
        await there.comments.delete(DeleteComment(actor=KIM, plan=seen.plan.name, comment=kept.id, request=None))


async def test_a_comment_has_to_be_about_something_that_is_there(there: Desk) -> None:
    seen = await proposed(there)
    nobody = Person(id="", display_name="")
    said = Comment(
        id="", step="nowhere", kind=CommentKind.NOTE, text="hm", suggestion=(), version=0, author=nobody, reply_to="c-9"
    )
    with pytest.raises(RequestInvalid) as wrong:
        await there.comments.create(CreateComment(actor=KIM, plan=seen.plan.name, comment=said, request=None))
    assert [problem.field for problem in wrong.value.problems] == ["comment.step", "comment.reply_to"]


def test_contributors_of_a_new_plan() -> None:
    """A trainee who asks for a plan contributes, others only if they steer it."""
    plain = content_of(HEALTHY).constraints
    steered = replace(plain, max_pressure=2)
    assert acts.first_contributors(reviewer("kim", "trainee"), plain) == (
        Contributor(person=Person(id="kim", display_name="Kim"), trainee=True),
    )
    assert acts.first_contributors(reviewer("tess", "therapist"), plain) == ()
    assert [one.trainee for one in acts.first_contributors(reviewer("tess", "therapist"), steered)] == [False]
