"""Review as clients see it: the story of trainee, supervisor and therapist, and everything that is refused."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest

from myoplan.assessment.v1 import assessment_pb2 as a
from myoplan.assessment.v1.assessment_service_pb2 import CompleteAssessmentRequest, GetAssessmentRequest
from myoplan.planner.v1 import edit_pb2
from myoplan.planner.v1 import plan_pb2 as pb
from myoplan.planner.v1 import planner_service_pb2 as s
from myoplan.planner.v1 import review_pb2 as r
from services.planner.storage.documents import JsonDocuments
from services.planner.usecases.inspect import plan_inspection
from services.store.memory import MemoryStore
from tests.support.planner_service import (
    ASSESSMENT_NAME,
    BEGIN_MICROS,
    CLIENT,
    PLAN_NAME,
    Running,
    headache,
    new_request_id,
    planning,
)

KIM: dict[str, Any] = {"person": "kim", "roles": ["trainee"]}
TESS: dict[str, Any] = {"person": "tess", "roles": ["therapist"]}
BOSS: dict[str, Any] = {"person": "boss", "roles": ["supervisor"]}
AGREED: dict[str, Any] = {"attestation": pb.REVIEWED_AND_AGREE}
State = pb.Plan.State


def seen(plan: pb.Plan, **changes: Any) -> dict[str, Any]:
    """Returns what every decision carries."""
    return {"name": plan.name, "etag": plan.etag, "digest": plan.digest, **changes}


def signing(plan: pb.Plan, **changes: Any) -> r.SignPlanRequest:
    return r.SignPlanRequest(**seen(plan, expected_cosigner="boss", **changes))


def approving(plan: pb.Plan, **changes: Any) -> r.ApprovePlanRequest:
    return r.ApprovePlanRequest(**seen(plan, **changes))


def cosigning(plan: pb.Plan, **changes: Any) -> r.CosignPlanRequest:
    return r.CosignPlanRequest(**seen(plan, **{**AGREED, **changes}))


def excluding(plan: pb.Plan, muscle: str = "levator_scapulae", **changes: Any) -> edit_pb2.RevisePlanRequest:
    edit = edit_pb2.PlanEdit(exclude=pb.Target(muscle=muscle, side=pb.RIGHT))
    return edit_pb2.RevisePlanRequest(**{"name": plan.name, "etag": plan.etag, "edits": [edit], **changes})


async def drafted(service: Running, **by: Any) -> pb.Plan:
    """Records an assessment and has a plan made from it; by a trainee unless somebody else is named."""
    await service.assess()
    made: pb.Plan = await service.call("CreatePlan", planning(40), **(by or KIM))
    return made


async def comment(service: Running, plan: pb.Plan, *suggestion: edit_pb2.PlanEdit, **by: Any) -> Any:
    """Publishes a MUST_FIX and returns the plan's comments with its new etag."""
    said = r.Comment(kind=r.Comment.MUST_FIX, text="what does the referral tell you?", suggestion=suggestion)
    await service.call("CreateComment", r.CreateCommentRequest(parent=plan.name, comment=said), **by)
    return await service.call("PublishComments", r.PublishCommentsRequest(parent=plan.name, etag=plan.etag), **by)


async def now(service: Running) -> pb.Plan:
    there: pb.Plan = await service.call("GetPlan", s.GetPlanRequest(name=PLAN_NAME))
    return there


async def sound(service: Running) -> bool:
    inspect = {"plans": plan_inspection(JsonDocuments(), service.clinic)}
    return await service.store.verify(service.clinic, inspect) == ()


async def test_the_story(service: Running) -> None:
    """A trainee drafts, a supervisor sends back with a suggestion, the trainee takes it, the supervisor co-signs."""
    made = await drafted(service)
    assert [(one.person.id, one.trainee) for one in made.contributors] == [("kim", True)]
    waiting = await service.call("SignPlan", signing(made), **KIM)
    assert (waiting.state, waiting.expected_cosigner) == (State.AWAITING_COSIGN, "boss")
    queue = await service.call("ListReviewQueue", r.ListReviewQueueRequest(parent="clients/-"), **BOSS)
    assert [(one.plan.name, one.your_turn, one.author.id) for one in queue.items] == [(PLAN_NAME, True, "kim")]

    longer = edit_pb2.PlanEdit(exclude=pb.Target(muscle="levator_scapulae", side=pb.RIGHT))
    said = await comment(service, waiting, longer, **BOSS)
    asked = await now(service)
    assert (asked.open_must_fix, asked.etag) == (1, said.etag)
    blocked = await service.refused("CosignPlan", cosigning(asked), **BOSS)
    assert (blocked.code, blocked.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "RELEASE_BLOCKED")
    assert blocked.metadata["open_must_fix"] == "1"

    returned = await service.call("ReturnPlan", r.ReturnPlanRequest(**seen(asked, reason="see comment")), **BOSS)
    assert (returned.state, returned.signatures[-1].text) == (State.RETURNED, "see comment")
    mine = await service.call("ListReviewQueue", r.ListReviewQueueRequest(parent=CLIENT), **KIM)
    assert [(one.your_turn, list(one.whose_turn)) for one in mine.items] == [(True, ["kim"])]
    taking = r.TakeSuggestionRequest(
        parent=PLAN_NAME, comment=said.comments[0].id, etag=returned.etag, request_id=new_request_id()
    )
    draft = await service.call("TakeSuggestion", taking, **KIM)
    assert await service.call("TakeSuggestion", taking, **KIM) == draft, "the same request, the same answer"
    assert (draft.state, draft.version, draft.open_must_fix) == (State.DRAFT, 2, 0)
    assert not [one for one in draft.steps if one.muscle == "levator_scapulae"]
    assert draft.change.sentences
    listed = await service.call("ListComments", r.ListCommentsRequest(parent=PLAN_NAME), **KIM)
    assert (listed.comments[0].status, listed.comments[0].resolver.id) == (r.Comment.TAKEN, "kim")

    again = await service.call("SignPlan", signing(draft), **KIM)
    done = await service.call("CosignPlan", cosigning(again), **BOSS)
    assert (done.state, done.approved_version, done.approved_revision) == (State.APPROVED, 2, done.revision)
    assert [(one.signer.id, one.meaning, one.version) for one in done.signatures] == [
        ("kim", pb.Signature.AUTHORED, 2),
        ("boss", pb.Signature.COSIGNED, 2),
    ]
    usable = await service.call("ListUsablePlans", r.ListUsablePlansRequest(parent="clients/-"), **TESS)
    assert [one.digest for one in usable.plans] == [done.digest]
    assert await sound(service)


async def test_a_draft_is_taken_back_and_what_is_published_stays(service: Running) -> None:
    plan = await drafted(service)

    async def write(text: str) -> str:
        said = r.Comment(kind=r.Comment.NOTE, text=text)
        made = await service.call("CreateComment", r.CreateCommentRequest(parent=plan.name, comment=said), **BOSS)
        return f"{plan.name}/comments/{made.id}"

    async def texts(**by: Any) -> list[str]:
        listed = await service.call("ListComments", r.ListCommentsRequest(parent=plan.name), **by)
        return [one.text for one in listed.comments]

    rash, kept = await write("too rash"), await write("kept")
    assert await texts(**BOSS) == ["too rash", "kept"]
    foreign = await service.refused("DeleteComment", r.DeleteCommentRequest(name=rash), **TESS)
    assert (foreign.code, foreign.metadata["resource"]) == (grpc.StatusCode.NOT_FOUND, rash), "nobody else has it"
    deleting = r.DeleteCommentRequest(name=rash, request_id=new_request_id())
    answer = await service.call("DeleteComment", deleting, **BOSS)
    assert await service.call("DeleteComment", deleting, **BOSS) == answer, "the same request, the same answer"
    other = r.DeleteCommentRequest(name=kept, request_id=deleting.request_id)
    assert (await service.refused("DeleteComment", other, **BOSS)).reason == "REQUEST_ID_REUSED"
    again = await service.refused("DeleteComment", r.DeleteCommentRequest(name=rash), **BOSS)
    assert again.code == grpc.StatusCode.NOT_FOUND
    assert await texts(**BOSS) == ["kept"]
    here, there = await write("here"), await write("there")
    both = (service.call("DeleteComment", r.DeleteCommentRequest(name=one), **BOSS) for one in (here, there))
    await asyncio.gather(*both)
    assert await texts(**BOSS) == ["kept"], "two devices at once"

    await service.call("PublishComments", r.PublishCommentsRequest(parent=plan.name, etag=plan.etag), **BOSS)
    published = await service.refused("DeleteComment", r.DeleteCommentRequest(name=kept), **BOSS)
    assert (published.code, published.reason) == (FAILED, "STATE_FORBIDS")
    assert published.metadata == {"resource": kept, "state": "OPEN", "needed": "DRAFT"}
    assert await texts(**KIM) == ["kept"]
    assert await sound(service)


async def test_the_trail_names_a_deleted_draft_and_not_its_words(in_memory: Running) -> None:
    plan = await drafted(in_memory)
    said = r.Comment(kind=r.Comment.NOTE, text="too rash")
    made = await in_memory.call("CreateComment", r.CreateCommentRequest(parent=plan.name, comment=said), **BOSS)
    await in_memory.call("DeleteComment", r.DeleteCommentRequest(name=f"{plan.name}/comments/{made.id}"), **BOSS)
    assert isinstance(in_memory.store, MemoryStore)
    _, last = in_memory.store.clinic(in_memory.clinic).entries[-1]
    assert b"DRAFT_DELETED" in last
    assert made.id.encode() in last
    assert b"too rash" not in last
    assert await now(in_memory) == plan, "nobody else sees that anything happened"
    assert await sound(in_memory)


async def test_an_amendment_and_the_version_in_force(service: Running) -> None:
    approved = await service.call("ApprovePlan", approving(await drafted(service, **TESS)), **TESS)
    draft = await service.call("AmendPlan", r.AmendPlanRequest(**seen(approved, reason="shorter today")), **TESS)
    edited = await service.call("RevisePlan", excluding(draft), **TESS)
    usable = await service.call("ListUsablePlans", r.ListUsablePlansRequest(parent=CLIENT), **TESS)
    assert [(one.version, one.digest, one.state) for one in usable.plans] == [(1, approved.digest, State.APPROVED)]
    second = await service.call("ApprovePlan", approving(edited), **TESS)
    assert second.approved_version == second.version == 3
    earlier = await service.call("GetPlan", s.GetPlanRequest(name=PLAN_NAME, revision=approved.revision))
    assert earlier.state == State.SUPERSEDED
    remark = r.AddAddendumRequest(**seen(second, text="The left hand was cold."))
    told = await service.call("AddAddendum", remark, **KIM)
    assert (told.addenda[0].author.id, told.digest) == ("kim", second.digest)
    wrong = r.MarkPlanEnteredInErrorRequest(**seen(told, reason="another client"))
    assert (await service.call("MarkPlanEnteredInError", wrong, **TESS)).state == State.ENTERED_IN_ERROR
    assert not (await service.call("ListUsablePlans", r.ListUsablePlansRequest(parent=CLIENT), **TESS)).plans
    assert await sound(service)


async def test_an_amendment_is_planned_on_the_inputs_of_today(service: Running) -> None:
    """The assessment changed after the release: the amendment can be edited, and then approved."""
    approved = await service.call("ApprovePlan", approving(await drafted(service, **TESS)), **TESS)
    await changed_assessment(service)
    draft = await service.call("AmendPlan", r.AmendPlanRequest(**seen(approved, reason="new findings")), **TESS)
    refused = await service.refused("ApprovePlan", approving(draft), **TESS)
    assert (refused.code, refused.reason) == (grpc.StatusCode.ABORTED, "INPUTS_CHANGED")
    edited = await service.call("RevisePlan", excluding(draft), **TESS)
    assert edited.assessment_etag != approved.assessment_etag
    assert (await service.call("ApprovePlan", approving(edited), **TESS)).state == State.APPROVED


async def changed_assessment(service: Running) -> None:
    credentials: dict[str, Any] = {"metadata": service.credentials(), "timeout": 20}
    there = await service.assessments.GetAssessment(GetAssessmentRequest(name=ASSESSMENT_NAME), **credentials)
    opened = await service.amend(ASSESSMENT_NAME, there.etag)
    seal = CompleteAssessmentRequest(name=ASSESSMENT_NAME, etag=opened.etag)
    await service.assessments.CompleteAssessment(seal, **credentials)


async def test_a_flag_has_to_be_read_before_the_release(service: Running) -> None:
    flags = [one for one in headache().health_flags if one.condition != "anticoagulant"]
    present = a.HealthFlag(condition="anticoagulant", answer=a.HealthFlag.PRESENT)
    await service.assess(headache(health_flags=[*flags, present]))
    plan = await service.call("CreatePlan", planning(40), **TESS)
    rules = [one.rule for one in plan.acknowledgements]
    assert rules
    blocked = await service.refused("ApprovePlan", approving(plan), **TESS)
    assert (blocked.reason, blocked.metadata["unread_flags"]) == ("RELEASE_BLOCKED", str(len(rules)))
    assert all(any(rule in one for one in blocked.preconditions) for rule in rules)
    for rule in rules:
        plan = await service.call("AcknowledgeFlag", r.AcknowledgeFlagRequest(**seen(plan, rule=rule)), **TESS)
    assert {one.person.id for one in plan.acknowledgements} == {"tess"}
    assert (await service.call("ApprovePlan", approving(plan), **TESS)).state == State.APPROVED


# --- what is refused ----------------------------------------------------------------------------------------------

ABORTED, DENIED = grpc.StatusCode.ABORTED, grpc.StatusCode.PERMISSION_DENIED
FAILED, INVALID = grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.INVALID_ARGUMENT
UNAUTHENTICATED = grpc.StatusCode.UNAUTHENTICATED

NOWHERE = r.Comment(kind=r.Comment.NOTE, step="no", text="x")
LONG_AGO = BEGIN_MICROS // 1_000_000 - 120

# What is tried on a plan that a trainee has drafted: method, request, by whom, code, reason, entries it leaves.
REFUSED: dict[str, tuple[str, Any, dict[str, Any], grpc.StatusCode, str, int]] = {
    "wrong role": ("ApprovePlan", approving, KIM, DENIED, "ROLE_LACKS_RIGHT", 1),
    "role without any right": ("SignPlan", signing, {"roles": ["auditor"]}, DENIED, "ROLE_LACKS_RIGHT", 1),
    "wrong state": ("CosignPlan", cosigning, BOSS, FAILED, "STATE_FORBIDS", 1),
    "own work, after a promotion": (
        "ApprovePlan",
        lambda plan: approving(plan, **AGREED),
        {"person": "kim", "roles": ["supervisor"]},
        DENIED,
        "OWN_WORK",
        1,
    ),
    "stale etag": (
        "ApprovePlan",
        lambda plan: approving(plan, etag="1-0000000000000000", **AGREED),
        TESS,
        ABORTED,
        "ETAG_MISMATCH",
        1,
    ),
    "digest of another revision": (
        "ApprovePlan",
        lambda plan: approving(plan, digest="0" * 64, **AGREED),
        TESS,
        ABORTED,
        "DIGEST_MISMATCH",
        1,
    ),
    "missing attestation": ("ApprovePlan", approving, TESS, INVALID, "FIELD_INVALID", 0),
    "missing attestation of a co-signer": (
        "CosignPlan",
        lambda plan: cosigning(plan, attestation=0),
        BOSS,
        INVALID,
        "FIELD_INVALID",
        0,
    ),
    "exception without words": (
        "ApprovePlan",
        lambda plan: approving(plan, attestation=pb.AGREE_EXCEPT),
        TESS,
        INVALID,
        "FIELD_INVALID",
        0,
    ),
    "missing etag": ("ApprovePlan", lambda plan: approving(plan, etag=""), TESS, INVALID, "FIELD_INVALID", 0),
    "missing digest": (
        "DiscardPlan",
        lambda plan: r.DiscardPlanRequest(**seen(plan, digest="", reason="x")),
        KIM,
        INVALID,
        "FIELD_INVALID",
        0,
    ),
    "missing reason": (
        "DiscardPlan",
        lambda plan: r.DiscardPlanRequest(**seen(plan)),
        KIM,
        INVALID,
        "FIELD_INVALID",
        0,
    ),
    "co-signer who is oneself": (
        "SignPlan",
        lambda plan: r.SignPlanRequest(**seen(plan, expected_cosigner="kim")),
        KIM,
        INVALID,
        "FIELD_INVALID",
        0,
    ),
    "old sign-in": (
        "SignPlan",
        signing,
        {**KIM, "auth_time": LONG_AGO},
        UNAUTHENTICATED,
        "SIGN_IN_TOO_OLD",
        0,
    ),
    "sign-in of nobody knows when": (
        "SignPlan",
        signing,
        {**KIM, "auth_time": None},
        UNAUTHENTICATED,
        "SIGN_IN_TOO_OLD",
        0,
    ),
    "another clinic": (
        "SignPlan",
        signing,
        {**KIM, "clinic": "clinic-of-others"},
        grpc.StatusCode.NOT_FOUND,
        "RESOURCE_NOT_FOUND",
        0,
    ),
    "edit on a stale etag": (
        "RevisePlan",
        lambda plan: excluding(plan, etag="1-0000000000000000"),
        KIM,
        ABORTED,
        "ETAG_MISMATCH",
        1,
    ),
    "comment on nothing": (
        "CreateComment",
        lambda plan: r.CreateCommentRequest(parent=plan.name, comment=NOWHERE),
        KIM,
        INVALID,
        "FIELD_INVALID",
        0,
    ),
    "draft that there is not": (
        "DeleteComment",
        lambda plan: r.DeleteCommentRequest(name=f"{plan.name}/comments/c-1"),
        KIM,
        grpc.StatusCode.NOT_FOUND,
        "RESOURCE_NOT_FOUND",
        0,
    ),
    "draft without its plan": (
        "DeleteComment",
        lambda plan: r.DeleteCommentRequest(name=f"{plan.name}/c-1"),
        KIM,
        INVALID,
        "FIELD_INVALID",
        0,
    ),
    "draft deleted by who may only read": (
        "DeleteComment",
        lambda plan: r.DeleteCommentRequest(name=f"{plan.name}/comments/c-1"),
        {"roles": ["auditor"]},
        DENIED,
        "ROLE_LACKS_RIGHT",
        1,
    ),
    "suggestion of nobody": (
        "TakeSuggestion",
        lambda plan: r.TakeSuggestionRequest(parent=plan.name, comment="c-1", etag=plan.etag),
        KIM,
        grpc.StatusCode.NOT_FOUND,
        "RESOURCE_NOT_FOUND",
        0,
    ),
    "flag that the plan does not have": (
        "AcknowledgeFlag",
        lambda plan: r.AcknowledgeFlagRequest(**seen(plan, rule="fever")),
        TESS,
        INVALID,
        "FIELD_INVALID",
        0,
    ),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_refused(in_memory: Running, case: str) -> None:
    """Each has its code, leaves one entry if a rule said no and none otherwise, and changes nothing."""
    method, request, by, code, reason, entries = REFUSED[case]
    plan = await drafted(in_memory)
    assert isinstance(in_memory.store, MemoryStore)
    trail = in_memory.store.clinic(in_memory.clinic)
    before = trail.seq
    refusal = await in_memory.refused(method, request(plan), **by)
    assert (refusal.code, refusal.reason) == (code, reason)
    assert trail.seq == before + entries
    assert await now(in_memory) == plan
    assert await sound(in_memory)


async def test_changed_inputs_stop_a_release_with_one_entry(in_memory: Running) -> None:
    plan = await drafted(in_memory, **TESS)
    await changed_assessment(in_memory)
    assert isinstance(in_memory.store, MemoryStore)
    trail = in_memory.store.clinic(in_memory.clinic)
    before = trail.seq
    refusal = await in_memory.refused("ApprovePlan", approving(plan), **TESS)
    assert (refusal.code, refusal.reason) == (ABORTED, "INPUTS_CHANGED")
    assert refusal.metadata == {"resource": ASSESSMENT_NAME}
    assert trail.seq == before + 1


async def test_a_revoked_role_signs_nothing_and_what_it_signed_stays(in_memory: Running) -> None:
    approved = await in_memory.call("ApprovePlan", approving(await drafted(in_memory, **TESS)), **TESS)
    revoked = {"person": "tess", "roles": ["auditor"]}
    refusal = await in_memory.refused("ReattestPlan", r.ReattestPlanRequest(**seen(approved, **AGREED)), **revoked)
    assert (refusal.code, refusal.reason) == (DENIED, "ROLE_LACKS_RIGHT")
    assert await now(in_memory) == approved


async def test_a_signature_cannot_be_moved_to_another_plan(in_memory: Running) -> None:
    """The etag and digest of one plan release no other, though both have the same content."""
    first = await drafted(in_memory, **TESS)
    second = await in_memory.call("CreatePlan", planning(40, plan_id="second"), **TESS)
    assert first.digest == second.digest, "the same content has the same digest; the etag tells the plans apart"
    moved = r.ApprovePlanRequest(name=second.name, etag=first.etag, digest=first.digest)
    refusal = await in_memory.refused("ApprovePlan", moved, **TESS)
    assert (refusal.code, refusal.reason) == (ABORTED, "ETAG_MISMATCH")


async def test_the_same_request_id_with_another_decision_is_refused(in_memory: Running) -> None:
    plan, request_id = await drafted(in_memory, **TESS), new_request_id()
    done = await in_memory.call("ApprovePlan", approving(plan, request_id=request_id), **TESS)
    assert await in_memory.call("ApprovePlan", approving(plan, request_id=request_id), **TESS) == done
    refusal = await in_memory.refused("ApprovePlan", approving(plan, request_id=request_id, **AGREED), **TESS)
    assert (refusal.code, refusal.reason) == (INVALID, "REQUEST_ID_REUSED")


async def test_overrides_are_listed(in_memory: Running) -> None:
    await drafted(in_memory, **TESS)
    empty = await in_memory.call("ListOverrides", r.ListOverridesRequest(parent="clients/-"), **BOSS)
    assert (list(empty.rules), list(empty.overrides)) == ([], [])
