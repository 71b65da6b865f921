"""Who may call what, for every method the contract has; and what a clinic sees of another: nothing."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.duration_pb2 import Duration

from myoplan.planner.v1 import knowledge_service_pb2 as k
from myoplan.planner.v1 import plan_pb2 as pb
from myoplan.planner.v1 import planner_service_pb2 as s
from myoplan.planner.v1 import review_pb2 as r
from services.planner.api.rights import RIGHTS
from services.runtime.client import error_of
from services.runtime.identity import Role
from services.runtime.status import CallRefused
from services.store.memory import MemoryStore
from tests.support.planner_service import CLIENT, PLAN_NAME, Running, new_request_id, planning

PLANNER: list[MethodDescriptor] = list(s.DESCRIPTOR.services_by_name["PlannerService"].methods)
KNOWLEDGE: list[MethodDescriptor] = list(k.DESCRIPTOR.services_by_name["KnowledgeService"].methods)

# What each role may call, written down a second time: the test of the table must not be the table.
MAY: dict[str, str] = {
    "CreatePlan": "trainee therapist supervisor system",
    "GetPlan": "trainee therapist supervisor system auditor admin",
    "ListPlans": "trainee therapist supervisor system auditor admin",
    "ExplainOmission": "trainee therapist supervisor system auditor",
    "ComparePlans": "trainee therapist supervisor system auditor",
    "CheckPlan": "trainee therapist supervisor system auditor",
    "ReplayPlan": "trainee therapist supervisor system auditor",
    "ExplorePlan": "trainee therapist supervisor system auditor",
    "ExportPlan": "trainee therapist supervisor system auditor admin",
    "RevisePlan": "trainee therapist supervisor",
    "SignPlan": "trainee therapist supervisor",
    "ApprovePlan": "therapist supervisor",
    "CosignPlan": "therapist supervisor",
    "ReturnPlan": "therapist supervisor",
    "WithdrawPlan": "trainee therapist supervisor",
    "DiscardPlan": "trainee therapist supervisor",
    "ReassignCosigner": "supervisor",
    "AmendPlan": "trainee therapist supervisor",
    "ReattestPlan": "therapist supervisor",
    "AddAddendum": "trainee therapist supervisor",
    "MarkPlanEnteredInError": "therapist supervisor",
    "AcknowledgeFlag": "therapist supervisor",
    "CreateComment": "trainee therapist supervisor",
    "DeleteComment": "trainee therapist supervisor",
    "PublishComments": "trainee therapist supervisor",
    "ListComments": "trainee therapist supervisor auditor admin",
    "ResolveComment": "trainee therapist supervisor",
    "TakeSuggestion": "trainee therapist supervisor",
    "ListReviewQueue": "trainee therapist supervisor",
    "ListUsablePlans": "trainee therapist supervisor system auditor",
    "ListOverrides": "therapist supervisor auditor",
    "StartPrediction": "trainee therapist supervisor",
    "LockPrediction": "trainee therapist supervisor",
    "RevealPrediction": "trainee therapist supervisor",
    "GradePrediction": "supervisor",
    "ListPredictions": "trainee therapist supervisor",
    "StartSession": "trainee therapist supervisor",
    "GetSession": "trainee therapist supervisor system auditor admin",
    "RecordDelivery": "trainee therapist supervisor",
    "RefitSession": "trainee therapist supervisor",
    "FinishSession": "trainee therapist supervisor",
    "ReportDelivery": "therapist supervisor auditor",
    "ListPlanEvents": "trainee therapist supervisor system auditor admin",
    "WatchPlans": "trainee therapist supervisor system auditor",
    "RequestBreakGlass": "admin",
    "ListBreakGlassGrants": "supervisor auditor admin",
    **{method.name: "trainee therapist supervisor system auditor admin" for method in KNOWLEDGE},
}

# The least that can be read as a plan. It has findings, and that is an answer.
SMALLEST = pb.Plan(
    snapshot=pb.AssessmentSnapshot(),
    disposition=pb.Plan.TREAT,
    time_budget=Duration(seconds=60),
    planned_duration=Duration(),
    slack=Duration(seconds=60),
    optimality=pb.Optimality(objective=0),
)

GOOD: dict[str, Any] = {
    "CreatePlan": planning(20, validate_only=True),
    "GetPlan": s.GetPlanRequest(name=PLAN_NAME),
    "ListPlans": s.ListPlansRequest(parent=CLIENT),
    "ExplainOmission": s.ExplainOmissionRequest(name=PLAN_NAME, muscle="upper_trapezius", side=pb.RIGHT),
    "ComparePlans": s.ComparePlansRequest(earlier=PLAN_NAME, later=PLAN_NAME),
    "CheckPlan": s.CheckPlanRequest(plan=SMALLEST),
    "ReplayPlan": s.ReplayPlanRequest(name=PLAN_NAME),
    "ListComments": r.ListCommentsRequest(parent=PLAN_NAME),
    "ListReviewQueue": r.ListReviewQueueRequest(parent=CLIENT),
    "ListUsablePlans": r.ListUsablePlansRequest(parent=CLIENT),
    "ListOverrides": r.ListOverridesRequest(parent=CLIENT),
    "ListPlanEvents": r.ListPlanEventsRequest(parent=PLAN_NAME),
    "WatchPlans": r.WatchPlansRequest(parent="clients/-"),
    "GetMuscle": k.GetMuscleRequest(name="muscles/piriformis"),
    "GetZone": k.GetZoneRequest(name="zones/temporal"),
    "GetMotion": k.GetMotionRequest(name="motions/cervical_rotation"),
    "GetTechnique": k.GetTechniqueRequest(name="techniques/effleurage"),
    "GetCondition": k.GetConditionRequest(name="conditions/pregnancy"),
    "GetSource": k.GetSourceRequest(name="sources/editorial"),
    "TraceZone": k.TraceZoneRequest(zone="temporal", side=pb.LEFT),
    "TraceMotion": k.TraceMotionRequest(motion="cervical_rotation", side=pb.LEFT),
    "GetNeighbourhood": k.GetNeighbourhoodRequest(name="muscle/piriformis"),
}


def request_of(method: MethodDescriptor) -> Any:
    """Returns a request that succeeds; an empty one where success needs a plan in another state."""
    return GOOD.get(method.name) or message_factory.GetMessageClass(method.input_type)()


async def called(service: Running, method: MethodDescriptor, **claims: Any) -> Any:
    """Calls a method; of a stream, waits for its first message."""
    if not method.server_streaming:
        return await service.call(method.name, request_of(method), **claims)
    stream = getattr(service.planner, method.name)(
        request_of(method), metadata=service.credentials(**claims), timeout=20
    )
    try:
        return await stream.read()
    finally:
        stream.cancel()


async def refused(service: Running, method: MethodDescriptor, **claims: Any) -> CallRefused | None:
    """Calls a method; returns how it was refused, None if it was not."""
    try:
        await called(service, method, **claims)
    except grpc.aio.AioRpcError as error:
        return error_of(error)
    return None


def test_table_has_a_row_for_every_method_and_no_other() -> None:
    assert set(RIGHTS) == {f"/{one.containing_service.full_name}/{one.name}" for one in (*PLANNER, *KNOWLEDGE)}
    assert set(MAY) == {one.name for one in (*PLANNER, *KNOWLEDGE)}


async def test_every_role_may_what_it_may_and_nothing_else(in_memory: Running) -> None:
    await in_memory.assess()
    await in_memory.call("CreatePlan", planning(20))
    for method in (*PLANNER, *KNOWLEDGE):
        for role in Role:
            refusal = await refused(in_memory, method, roles=[role.value])
            if role.value in MAY[method.name].split():
                # The role admin reads clinical records with a grant of emergency access only, and it has none here.
                expected = "BREAK_GLASS_NEEDED" if role is Role.ADMIN else ""
                succeeds = method.name in GOOD or method in KNOWLEDGE
                if succeeds and refusal:
                    assert refusal.reason == expected, f"{role} {method.name}: {refusal.message}"
                assert refusal is None or refusal.reason != "ROLE_LACKS_RIGHT", f"{role} {method.name}"
                continue
            assert refusal, f"{role} may call {method.name}"
            assert (refusal.code, refusal.reason) == (grpc.StatusCode.PERMISSION_DENIED, "ROLE_LACKS_RIGHT")
            assert refusal.metadata == {"method": method.name, "roles": role.value}


async def test_permission_is_decided_before_existence_and_leaves_one_entry(in_memory: Running) -> None:
    refusal = await in_memory.refused("ReplayPlan", s.ReplayPlanRequest(name="clients/x/plans/y"), roles=["admin"])
    assert refusal.code is grpc.StatusCode.PERMISSION_DENIED
    assert isinstance(in_memory.store, MemoryStore)
    assert len(in_memory.store.clinic(in_memory.clinic).entries) == 1
    assert await in_memory.store.verify(in_memory.clinic) == ()


@pytest.mark.parametrize("method", [*PLANNER, *KNOWLEDGE], ids=lambda method: method.name)
async def test_nobody_without_a_credential(in_memory: Running, method: MethodDescriptor) -> None:
    stub = in_memory.planner if method in PLANNER else in_memory.knowledge
    call = getattr(stub, method.name)(request_of(method), timeout=20)
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await (call.read() if method.server_streaming else call)
    assert error.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_another_clinic_sees_what_does_not_exist(service: Running) -> None:
    await service.assess()
    made = await service.call("CreatePlan", planning(20, request_id=new_request_id()))
    foreign = {"clinic": f"{service.clinic}-b"}
    there = await service.refused("GetPlan", s.GetPlanRequest(name=PLAN_NAME), **foreign)
    nowhere = await service.refused("GetPlan", s.GetPlanRequest(name=f"{CLIENT}/plans/second"), **foreign)
    assert (
        (there.code, there.reason)
        == (nowhere.code, nowhere.reason)
        == (
            grpc.StatusCode.NOT_FOUND,
            "RESOURCE_NOT_FOUND",
        )
    )
    assert there.message.replace("first", "second") == nowhere.message
    for parent in (CLIENT, "clients/-"):
        assert (await service.call("ListPlans", s.ListPlansRequest(parent=parent), **foreign)).plans == []
    refusal = await service.refused("CreatePlan", planning(20), **foreign)
    assert refusal.code is grpc.StatusCode.NOT_FOUND, "the assessment is not theirs either"
    assert await service.call("GetPlan", s.GetPlanRequest(name=PLAN_NAME)) == made


async def test_page_token_and_request_id_of_another_clinic_are_worth_nothing(service: Running) -> None:
    await service.assess()
    request_id = new_request_id()
    for number in range(2):
        await service.call("CreatePlan", planning(20, plan_id=f"plan-{number}"))
    await service.call("CreatePlan", planning(20, plan_id="", request_id=request_id))
    page = await service.call("ListPlans", s.ListPlansRequest(parent=CLIENT, page_size=1))
    foreign = {"clinic": f"{service.clinic}-b"}
    stolen = s.ListPlansRequest(parent=CLIENT, page_size=1, page_token=page.next_page_token)
    assert (await service.refused("ListPlans", stolen, **foreign)).code is grpc.StatusCode.INVALID_ARGUMENT
    again = await service.refused("CreatePlan", planning(20, plan_id="", request_id=request_id), **foreign)
    assert again.code is grpc.StatusCode.NOT_FOUND


async def test_the_planner_reads_the_assessment_as_its_caller(service: Running) -> None:
    """An assessment of clinic B is planned by a member of clinic B, through the same process."""
    await service.assess()
    other = {"clinic": f"{service.clinic}-b", "person": "bo"}
    await service.assess(None, "first", **other)
    made = await service.call("CreatePlan", planning(20), **other)
    assert made.author.id == "bo"
    listed = await service.call("ListPlans", s.ListPlansRequest(parent="clients/-"))
    assert len(listed.plans) == 0
