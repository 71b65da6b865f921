"""Who may call what, for every method the contract has; and what a clinic sees of another: nothing."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.duration_pb2 import Duration

from myoplan.planner.v1 import knowledge_service_pb2 as k
from myoplan.planner.v1 import plan_pb2 as pb
from myoplan.planner.v1 import planner_service_pb2 as s
from services.planner.api.rights import RIGHTS
from services.runtime.identity import Role
from services.store.memory import MemoryStore
from tests.support.planner_service import CLIENT, PLAN_NAME, Running, new_request_id, planning

PLANNER: list[MethodDescriptor] = list(s.DESCRIPTOR.services_by_name["PlannerService"].methods)
KNOWLEDGE: list[MethodDescriptor] = list(k.DESCRIPTOR.services_by_name["KnowledgeService"].methods)

# What each role may call, written down a second time: the test of the table must not be the table.
MAY: dict[str, str] = {
    "CreatePlan": "trainee therapist supervisor system",
    "GetPlan": "trainee therapist supervisor system auditor",
    "ListPlans": "trainee therapist supervisor system auditor",
    "ExplainOmission": "trainee therapist supervisor system auditor",
    "ComparePlans": "trainee therapist supervisor system auditor",
    "CheckPlan": "trainee therapist supervisor system auditor",
    "ReplayPlan": "trainee therapist supervisor system auditor",
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
    """Returns a request that succeeds."""
    return GOOD.get(method.name) or getattr(k, f"{method.name}Request")()


def test_table_has_a_row_for_every_method_and_no_other() -> None:
    assert set(RIGHTS) == {f"/{one.containing_service.full_name}/{one.name}" for one in (*PLANNER, *KNOWLEDGE)}
    assert set(MAY) == {one.name for one in (*PLANNER, *KNOWLEDGE)}


async def test_every_role_may_what_it_may_and_nothing_else(in_memory: Running) -> None:
    await in_memory.assess()
    await in_memory.call("CreatePlan", planning(20))
    for method in (*PLANNER, *KNOWLEDGE):
        for role in Role:
            if role.value in MAY[method.name].split():
                assert await in_memory.call(method.name, request_of(method), roles=[role.value]) is not None
                continue
            refusal = await in_memory.refused(method.name, request_of(method), roles=[role.value])
            assert (refusal.code, refusal.reason) == (grpc.StatusCode.PERMISSION_DENIED, "ROLE_LACKS_RIGHT")
            assert refusal.metadata == {"method": method.name, "roles": role.value}


async def test_permission_is_decided_before_existence_and_leaves_one_entry(in_memory: Running) -> None:
    refusal = await in_memory.refused("GetPlan", s.GetPlanRequest(name="clients/x/plans/y"), roles=["admin"])
    assert refusal.code is grpc.StatusCode.PERMISSION_DENIED
    assert isinstance(in_memory.store, MemoryStore)
    assert len(in_memory.store.clinic(in_memory.clinic).entries) == 1
    assert await in_memory.store.verify(in_memory.clinic) == ()


@pytest.mark.parametrize("method", [*PLANNER, *KNOWLEDGE], ids=lambda method: method.name)
async def test_nobody_without_a_credential(in_memory: Running, method: MethodDescriptor) -> None:
    stub = in_memory.planner if method in PLANNER else in_memory.knowledge
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await getattr(stub, method.name)(request_of(method), timeout=20)
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
