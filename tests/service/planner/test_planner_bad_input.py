"""Every kind of bad input: one answer that names every field problem, the right code, and nothing stored."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from myoplan.planner.v1 import knowledge_service_pb2 as k
from myoplan.planner.v1 import plan_pb2 as pb
from myoplan.planner.v1 import planner_service_pb2 as s
from services.store.memory import MemoryStore
from tests.support.planner_service import ASSESSMENT_NAME, CLIENT, PLAN_NAME, Running, planning

Target = pb.Target
RIGHT = pb.RIGHT


def lasting(seconds: int, nanos: int = 0) -> s.CreatePlanRequest:
    request = planning()
    request.plan.time_budget.CopyFrom(Duration(seconds=seconds, nanos=nanos))
    return request


def without_budget() -> s.CreatePlanRequest:
    request = planning()
    request.plan.ClearField("time_budget")
    return request


def demanding(**constraints: Any) -> s.CreatePlanRequest:
    return planning(constraints=pb.Constraints(**constraints))


CREATE: dict[str, tuple[s.CreatePlanRequest, dict[str, str]]] = {
    "nothing at all": (
        s.CreatePlanRequest(),
        {"parent": "required", "plan.assessment": "required", "plan.time_budget": "required"},
    ),
    "parent of another form": (planning(parent="ada"), {"parent": "clients/{client}"}),
    "all clients as parent": (planning(parent="clients/-"), {"parent": "is not"}),
    "unseen characters": (planning(parent="clients/a\u202eda\x00"), {"parent": "is not"}),
    "assessment of another form": (planning(assessment="first"), {"plan.assessment": "is not"}),
    "assessment of another client": (
        planning(assessment="clients/ben/assessments/first"),
        {"plan.assessment": "is not an assessment of clients/ada"},
    ),
    "no budget": (without_budget(), {"plan.time_budget": "required"}),
    "budget of 0": (lasting(0), {"plan.time_budget": "more than 0"}),
    "budget below 0": (lasting(-60), {"plan.time_budget": "more than 0"}),
    "budget of 1,000 minutes": (lasting(60_000), {"plan.time_budget": "at most 180"}),
    "budget of half a second": (lasting(0, 500_000_000), {"plan.time_budget": "multiple of 30"}),
    "budget off the grid": (lasting(3601), {"plan.time_budget": "multiple of 30"}),
    "nanos without sense": (lasting(60, -1), {"plan.time_budget": "multiple of 30"}),
    "plan id in capitals": (planning(plan_id="First"), {"plan_id": "lower-case"}),
    "plan id too long": (planning(plan_id="a" * 64), {"plan_id": "63"}),
    "request id that is no UUID4": (planning(request_id="5f0c5b9e"), {"request_id": "UUID4"}),
    "muscle misspelt": (
        demanding(pinned=[Target(muscle="levator_scapula", side=RIGHT)]),
        {"plan.constraints.pinned[0].muscle": "did you mean levator_scapulae?"},
    ),
    "word for several muscles": (
        demanding(pinned=[Target(muscle="hamstrings", side=RIGHT)]),
        {"plan.constraints.pinned[0].muscle": "biceps_femoris_long_head"},
    ),
    "muscle and side missing": (
        demanding(must_include=[Target()]),
        {"plan.constraints.must_include[0].muscle": "required", "plan.constraints.must_include[0].side": "required"},
    ),
    "side that is none": (
        demanding(pinned=[Target(muscle="piriformis", side=9)]),  # type: ignore[arg-type]
        {"plan.constraints.pinned[0].side": "9 is not one of LEFT, RIGHT, MIDLINE"},
    ),
    "midline of a paired muscle": (
        demanding(excluded=[Target(muscle="piriformis", side=pb.MIDLINE)]),
        {"plan.constraints.excluded[0].side": "LEFT or RIGHT"},
    ),
    "side of a midline muscle": (
        demanding(excluded=[Target(muscle="diaphragm", side=RIGHT)]),
        {"plan.constraints.excluded[0].side": "MIDLINE for a midline one"},
    ),
    "technique nobody knows": (
        demanding(pinned=[Target(muscle="piriformis", side=RIGHT, technique="magic")]),
        {"plan.constraints.pinned[0].technique": "unknown technique"},
    ),
    "technique for other muscles": (
        demanding(pinned=[Target(muscle="piriformis", side=RIGHT, technique="suboccipital_cradle")]),
        {"plan.constraints.pinned[0].technique": "is not used on piriformis"},
    ),
    "technique of a region": (
        demanding(pinned=[Target(muscle="piriformis", side=RIGHT, technique="effleurage")]),
        {"plan.constraints.pinned[0].technique": "belongs to a region"},
    ),
    "demanded and excluded": (
        demanding(pinned=[Target(muscle="piriformis", side=RIGHT)], excluded=[Target(muscle="piriformis", side=RIGHT)]),
        {"plan.constraints.excluded[0]": "demanded by the same constraints"},
    ),
    "position nobody knows": (
        demanding(unavailable_positions=["prone", "hovering"]),
        {"plan.constraints.unavailable_positions[1]": "unknown position 'hovering'"},
    ),
    "too many positions": (
        demanding(unavailable_positions=["prone"] * 7),
        {"plan.constraints.unavailable_positions": "at most 6"},
    ),
    "pressure out of range": (demanding(max_pressure=0), {"plan.constraints.max_pressure": "not in [1, 5]"}),
    "hand load below 0": (
        demanding(hand_load_used_today=pb.HandLoad(wrist=-1)),
        {"plan.constraints.hand_load_used_today.wrist": "not in [0"},
    ),
    "too many pins": (
        demanding(pinned=[Target(muscle="piriformis", side=RIGHT)] * 65),
        {"plan.constraints.pinned": "at most 64"},
    ),
    "everything at once": (
        planning(
            parent="ada",
            plan_id="!",
            constraints=pb.Constraints(max_pressure=9, pinned=[Target(muscle="x", side=RIGHT)]),
        ),
        {
            "parent": "is not",
            "plan_id": "is not",
            "plan.constraints.max_pressure": "not in",
            "plan.constraints.pinned[0].muscle": "unknown muscle",
        },
    ),
}

OTHERS: dict[str, tuple[str, Any, dict[str, str]]] = {
    "plan without a name": ("GetPlan", s.GetPlanRequest(), {"name": "required"}),
    "plan with another name": ("GetPlan", s.GetPlanRequest(name=ASSESSMENT_NAME), {"name": "is not"}),
    "name with a way out": ("GetPlan", s.GetPlanRequest(name=f"{PLAN_NAME}/../x"), {"name": "is not"}),
    "revision 0": ("GetPlan", s.GetPlanRequest(name=PLAN_NAME, revision=0), {"revision": "not in"}),
    "view that is none": ("GetPlan", s.GetPlanRequest(name=PLAN_NAME, view=7), {"view": "7 is not"}),  # type: ignore[arg-type]
    "list of nobody": ("ListPlans", s.ListPlansRequest(), {"parent": "required"}),
    "page below nothing": ("ListPlans", s.ListPlansRequest(parent=CLIENT, page_size=-1), {"page_size": "negative"}),
    "state that is none": ("ListPlans", s.ListPlansRequest(parent=CLIENT, state=99), {"state": "99 is not"}),  # type: ignore[arg-type]
    "muscle without a name": ("GetMuscle", k.GetMuscleRequest(), {"name": "required"}),
    "zone as a muscle": ("GetMuscle", k.GetMuscleRequest(name="zones/temporal"), {"name": "is not muscles/{muscle}"}),
    "muscles of a stale page": ("ListMuscles", k.ListMusclesRequest(page_token="x"), {"page_token": "is not"}),
    "page of a negative size": ("ListZones", k.ListZonesRequest(page_size=-5), {"page_size": "negative"}),
    "zone nobody knows": ("TraceZone", k.TraceZoneRequest(zone="temple", side=RIGHT), {"zone": "mean temporal"}),
    "trace without a side": ("TraceZone", k.TraceZoneRequest(zone="temporal"), {"side": "required"}),
    "centre of a zone at the side": (
        "TraceZone", k.TraceZoneRequest(zone="temporal", side=pb.MIDLINE), {"side": "does not cross the midline"},
    ),
    "flag of nothing": (
        "ScreenHealth",
        k.ScreenHealthRequest(health_flags=[pb.AssessmentSnapshot.HealthFlag(answer="maybe")]),
        {"health_flags[0].condition": "required", "health_flags[0].answer": "is not one of"},
    ),
    "detail that the condition does not have": (
        "ScreenHealth",
        k.ScreenHealthRequest(
            health_flags=[
                pb.AssessmentSnapshot.HealthFlag(
                    condition="pregnancy",
                    answer="present",
                    zone="nowhere",
                    parameters=[
                        pb.AssessmentSnapshot.Parameter(key="platelets", number=3),
                        pb.AssessmentSnapshot.Parameter(key="weeks", text="many"),
                        pb.AssessmentSnapshot.Parameter(key="weeks", number=float("nan")),
                    ],
                )
            ]
        ),
        {
            "health_flags[0].zone": "unknown zone",
            "health_flags[0].parameters[0].key": "it has weeks",
            "health_flags[0].parameters[1]": "needs a number",
            "health_flags[0].parameters[2].number": "not a number",
        },
    ),
    "too many flags": (
        "ScreenHealth",
        k.ScreenHealthRequest(health_flags=[pb.AssessmentSnapshot.HealthFlag()] * 201),
        {"health_flags": "at most 200"},
    ),
}  # fmt: skip


async def refused_for(running: Running, method: str, request: Any, expected: dict[str, str]) -> None:
    refusal = await running.refused(method, request)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID")
    told = {problem.field: problem.problem for problem in refusal.fields}
    assert set(told) == set(expected)
    assert {field: text for field, text in expected.items() if text not in told[field]} == {}, told
    assert refusal.metadata["field_count"] == str(len(refusal.fields))


@pytest.mark.parametrize("name", CREATE)
async def test_bad_request_for_a_plan(in_memory: Running, name: str) -> None:
    request, expected = CREATE[name]
    await in_memory.assess()
    before = stored(in_memory)
    await refused_for(in_memory, "CreatePlan", request, expected)
    assert stored(in_memory) == before


@pytest.mark.parametrize("name", OTHERS)
async def test_bad_request(in_memory: Running, name: str) -> None:
    method, request, expected = OTHERS[name]
    await refused_for(in_memory, method, request, expected)


MISSING: dict[str, tuple[str, Any, str]] = {
    "plan": ("GetPlan", s.GetPlanRequest(name=PLAN_NAME), PLAN_NAME),
    "assessment": ("CreatePlan", planning(), ASSESSMENT_NAME),
    "assessment of a preview": ("CreatePlan", planning(validate_only=True), ASSESSMENT_NAME),
    "muscle": ("GetMuscle", k.GetMuscleRequest(name="muscles/wing"), "muscles/wing"),
    "zone": ("GetZone", k.GetZoneRequest(name="zones/wing"), "zones/wing"),
    "motion": ("GetMotion", k.GetMotionRequest(name="motions/wing"), "motions/wing"),
    "technique": ("GetTechnique", k.GetTechniqueRequest(name="techniques/wing"), "techniques/wing"),
    "condition": ("GetCondition", k.GetConditionRequest(name="conditions/wing"), "conditions/wing"),
    "source": ("GetSource", k.GetSourceRequest(name="sources/wing"), "sources/wing"),
}


@pytest.mark.parametrize("name", MISSING)
async def test_what_is_not_there_is_not_found(in_memory: Running, name: str) -> None:
    method, request, resource = MISSING[name]
    refusal = await in_memory.refused(method, request)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "RESOURCE_NOT_FOUND")
    assert refusal.metadata == {"resource": resource}


async def test_revision_that_is_not_there_is_not_found(in_memory: Running) -> None:
    await in_memory.assess()
    await in_memory.call("CreatePlan", planning())
    refusal = await in_memory.refused("GetPlan", s.GetPlanRequest(name=PLAN_NAME, revision=2))
    assert refusal.code is grpc.StatusCode.NOT_FOUND


def stored(running: Running) -> dict[str, object]:
    """Everything that the planner keeps of the clinic."""
    assert isinstance(running.store, MemoryStore)
    clinic = running.store.clinic(running.clinic)
    return {"revisions": dict(clinic.revisions), "requests": dict(clinic.requests), "entries": list(clinic.entries)}
