"""Who may call what, for every method the contract has; and what a clinic sees of another: nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import MethodDescriptor

from myoplan.assessment.v1 import assessment_pb2 as a
from myoplan.assessment.v1 import assessment_service_pb2 as s
from services.runtime.identity import Role
from tests.support.assessment import (
    CLIENT,
    NAME,
    Running,
    Snapshot,
    new_request_id,
    pain,
    posture,
    recording,
    updating,
)
from tests.support.store import new_clinic

METHODS: list[MethodDescriptor] = list(s.DESCRIPTOR.services_by_name["AssessmentService"].methods)

# What each role may call, written down a second time: the test of the table must not be the table.
MAY: dict[str, str] = {
    "CreateAssessment": "trainee therapist supervisor system",
    "GetAssessment": "trainee therapist supervisor system auditor",
    "ListAssessments": "trainee therapist supervisor system auditor",
    "UpdateAssessment": "trainee therapist supervisor system",
    "RecordFindings": "trainee therapist supervisor system",
    "RetractFindings": "trainee therapist supervisor system",
    "CompleteAssessment": "trainee therapist supervisor system",
    "VoidAssessment": "therapist supervisor",
    "AmendAssessment": "therapist supervisor",
    "ListAssessmentRevisions": "trainee therapist supervisor system auditor",
    "CompareAssessments": "trainee therapist supervisor system auditor",
    "WatchAssessments": "trainee therapist supervisor system auditor",
}


def good_request(method: str, etag: str) -> Any:
    """Returns a request that succeeds for NAME as it is after `seen`."""
    decision = {"name": NAME, "etag": etag, "reason": "r"}
    return {
        "CreateAssessment": s.CreateAssessmentRequest(parent=CLIENT, assessment_id="second", assessment=a.Assessment()),
        "GetAssessment": s.GetAssessmentRequest(name=NAME),
        "ListAssessments": s.ListAssessmentsRequest(parent=CLIENT),
        "UpdateAssessment": updating("complaint", etag=etag, complaint="x"),
        "RecordFindings": recording(posture_observations=[posture()]),
        "RetractFindings": s.RetractFindingsRequest(finding_ids=["x"], **decision),
        "CompleteAssessment": s.CompleteAssessmentRequest(name=NAME, etag=etag),
        "VoidAssessment": s.VoidAssessmentRequest(**decision),
        "AmendAssessment": s.AmendAssessmentRequest(**decision),
        "ListAssessmentRevisions": s.ListAssessmentRevisionsRequest(name=NAME),
        "CompareAssessments": s.CompareAssessmentsRequest(
            parent=CLIENT, earlier=NAME, later=NAME, earlier_revision=1, later_revision=2
        ),
        "WatchAssessments": s.WatchAssessmentsRequest(parent=CLIENT),
    }[method]


async def seen(service: Running, method: str) -> a.Assessment:
    """Makes NAME as `method` needs it."""
    created = await service.create(assessment=a.Assessment(pain_areas=[pain(id="x")]))
    if method not in {"AmendAssessment", "CompareAssessments"}:
        return created
    sealed = s.CompleteAssessmentRequest(name=NAME, etag=created.etag)
    answer: a.Assessment = await service.call("CompleteAssessment", sealed)
    return answer


async def answer_of(service: Running, method: str, request: Any, **claims: Any) -> Any:
    """Returns the answer of a method, of a watch the first event."""
    if method != "WatchAssessments":
        return await service.call(method, request, **claims)
    watching = service.watch(request, **claims)
    first = await watching.read()
    watching.cancel()
    return first


def test_every_method_has_a_row() -> None:
    assert set(MAY) == {method.name for method in METHODS}


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
async def test_every_method_for_every_role(service: Running, snapshot: Snapshot, method: MethodDescriptor) -> None:
    for role in Role:
        own = replace(service, clinic=new_clinic())
        request = good_request(method.name, (await seen(own, method.name)).etag)
        if role in MAY[method.name].split():
            answer = await answer_of(own, method.name, request, roles=[role])
            assert answer.DESCRIPTOR is method.output_type
        else:
            await check_denied(own, snapshot, method.name, request, role)


async def check_denied(service: Running, snapshot: Snapshot, method: str, request: Any, role: Role) -> None:
    """A call is refused, and one audit entry is all that is written."""
    before = await snapshot()
    refusal = await service.refused(method, request, roles=[role])
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.PERMISSION_DENIED, "ROLE_LACKS_RIGHT")
    assert refusal.metadata == {"method": method, "roles": role}
    after = await snapshot()
    (changed,) = {key for key in after if before.get(key) != after[key]}
    assert "trail" in changed
    assert before.keys() <= after.keys()
    assert await service.store.verify(service.clinic) == ()


async def test_a_refusal_says_nothing_of_what_exists(service: Running) -> None:
    """The role decides before anybody looks."""
    await service.create()
    answers = [
        await service.refused("GetAssessment", s.GetAssessmentRequest(name=name), roles=["admin"])
        for name in (NAME, f"{CLIENT}/assessments/none", "nonsense")
    ]
    assert len({(answer.code, answer.message, str(answer.metadata)) for answer in answers}) == 1


async def test_several_roles_together_may_what_one_of_them_may(service: Running) -> None:
    created = await service.create()
    request = s.VoidAssessmentRequest(name=NAME, etag=created.etag, reason="r")
    voided = await service.call("VoidAssessment", request, roles=["trainee", "supervisor"])
    assert voided.state == a.Assessment.VOIDED


@pytest.mark.parametrize(
    "claims", [{"valid_seconds": -3600}, {"aud": "other"}, {"clinic": "UP"}, {"roles": []}], ids=str
)
async def test_a_bad_credential_writes_nothing(service: Running, snapshot: Snapshot, claims: dict[str, Any]) -> None:
    await service.create()
    before = await snapshot()
    for method in METHODS:
        refusal = await service.refused(method.name, good_request(method.name, "1-0"), **claims)
        assert (refusal.code.name, refusal.reason) == ("UNAUTHENTICATED", "CREDENTIAL_INVALID")
    assert await snapshot() == before


# The wall between clinics

NAMED = [
    method.name for method in METHODS if method.name not in {"CreateAssessment", "ListAssessments", "WatchAssessments"}
]


@pytest.mark.parametrize("method", NAMED)
async def test_a_name_of_another_clinic_answers_like_none(service: Running, snapshot: Snapshot, method: str) -> None:
    ready = await seen(service, method)
    before, other = await snapshot(), new_clinic()
    own = good_request(method, ready.etag)
    foreign = await service.refused(method, own, clinic=other)
    missing = type(own)()
    missing.CopyFrom(own)
    if method == "UpdateAssessment":
        missing.assessment.name = f"{CLIENT}/assessments/third"
    elif method == "CompareAssessments":
        missing.earlier = f"{CLIENT}/assessments/third"
    else:
        missing.name = f"{CLIENT}/assessments/third"
    nowhere = await service.refused(method, missing, clinic=other)
    assert foreign.code is nowhere.code is grpc.StatusCode.NOT_FOUND
    assert foreign.message == nowhere.message.replace("/third", "/first")
    assert foreign.metadata == {"resource": NAME}
    assert (foreign.fields, foreign.preconditions) == (nowhere.fields, nowhere.preconditions)
    assert await snapshot() == before


async def test_both_clinics_may_use_the_same_names(service: Running) -> None:
    ours = await service.create(assessment=a.Assessment(complaint="ours"))
    request = s.CreateAssessmentRequest(
        parent=CLIENT, assessment_id="first", assessment=a.Assessment(complaint="theirs")
    )
    theirs = await service.call("CreateAssessment", request, clinic=new_clinic())
    assert theirs.complaint == "theirs"
    assert await service.get() == ours


async def test_a_list_holds_the_own_clinic_only(service: Running) -> None:
    clinic = new_clinic()
    await service.create()
    for parent in (CLIENT, "clients/-"):
        page = await service.call("ListAssessments", s.ListAssessmentsRequest(parent=parent), clinic=clinic)
        assert list(page.assessments) == []


async def test_a_page_token_of_another_clinic_is_refused(service: Running) -> None:
    for number in range(2):
        await service.create(assessment_id=f"n{number}")
    request = s.ListAssessmentsRequest(parent=CLIENT, page_size=1)
    request.page_token = (await service.call("ListAssessments", request)).next_page_token
    refusal = await service.refused("ListAssessments", request, clinic=new_clinic())
    assert [problem.field for problem in refusal.fields] == ["page_token"]


async def test_a_request_id_of_another_clinic_means_nothing(service: Running) -> None:
    clinic, request_id = new_clinic(), new_request_id()
    ours = await service.create(request_id=request_id, assessment=a.Assessment(complaint="ours"))
    request = s.CreateAssessmentRequest(
        parent=CLIENT, assessment_id="first", request_id=request_id, assessment=a.Assessment(complaint="theirs")
    )
    theirs = await service.call("CreateAssessment", request, clinic=clinic)
    assert (theirs.complaint, theirs.uid != ours.uid) == ("theirs", True)


async def test_a_watch_shows_the_own_clinic_only(service: Running) -> None:
    clinic = new_clinic()
    await service.create()
    watching = service.watch(s.WatchAssessmentsRequest(parent="clients/-"), clinic=clinic)
    request = s.CreateAssessmentRequest(parent="clients/ben", assessment_id="theirs", assessment=a.Assessment())
    await service.call("CreateAssessment", request, clinic=clinic)
    first = await watching.read()
    watching.cancel()
    assert first.assessment == "clients/ben/assessments/theirs"


async def test_a_cursor_of_another_clinic_is_refused(service: Running) -> None:
    await service.create()
    event = await answer_of(service, "WatchAssessments", s.WatchAssessmentsRequest(parent="clients/-"))
    request = s.WatchAssessmentsRequest(parent="clients/-", cursor=event.cursor)
    refusal = await service.refused("WatchAssessments", request, clinic=new_clinic())
    assert [problem.field for problem in refusal.fields] == ["cursor"]
