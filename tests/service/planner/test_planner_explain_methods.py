"""What is left out, how plans differ, what is wrong with a plan and whether it comes out again, over gRPC."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import MessageToJson, Parse

from myoplan.assessment.v1 import assessment_pb2 as a
from myoplan.planner.v1 import plan_pb2 as pb
from myoplan.planner.v1 import planner_service_pb2 as s
from services.planner.domain.canonical import content_digest
from services.planner.domain.plan import Plan
from services.planner.storage.documents import JsonDocuments
from services.store.memory import MemoryStore
from services.store.model import Actor, Write
from tests.support.planner_service import CLIENT, PLAN_NAME, Running, headache, planning

SECOND = f"{CLIENT}/plans/second"
LEVATOR = pb.Target(muscle="levator_scapulae", side=pb.RIGHT)
FULL_PLAN = s.GetPlanRequest(name=PLAN_NAME)


async def two_plans(service: Running) -> tuple[pb.Plan, pb.Plan]:
    """One of an hour, and one without the levator scapulae."""
    await service.assess()
    first = await service.call("CreatePlan", planning())
    without = pb.Constraints(excluded=[LEVATOR])
    return first, await service.call("CreatePlan", planning(plan_id="second", constraints=without))


def why_not(name: str = PLAN_NAME, **fields: Any) -> s.ExplainOmissionRequest:
    return s.ExplainOmissionRequest(**{"name": name, "muscle": LEVATOR.muscle, "side": LEVATOR.side, **fields})


async def checked(service: Running, plan: pb.Plan) -> list[tuple[str, str]]:
    answer = await service.call("CheckPlan", s.CheckPlanRequest(plan=plan))
    return [(finding.rule, finding.step) for finding in answer.findings]


# --- CheckPlan ----------------------------------------------------------------------------------------------------


async def test_nothing_is_wrong_with_our_own_plan(service: Running) -> None:
    for plan in await two_plans(service):
        assert await checked(service, plan) == []
        assert await checked(service, Parse(MessageToJson(plan), pb.Plan())) == [], "not as JSON either"
    preview = await service.call("CreatePlan", planning(30, validate_only=True))
    assert await checked(service, preview) == []


async def test_what_a_hand_spoilt_is_found_and_nothing_is_stored(in_memory: Running) -> None:
    plan, _ = await two_plans(in_memory)
    assert isinstance(in_memory.store, MemoryStore)
    before = len(in_memory.store.clinic(in_memory.clinic).entries)
    place = next(n for n, step in enumerate(plan.steps) if step.phase == pb.Step.RELEASE)
    plan.steps[place].pressure_level = 5
    plan.steps[place].technique = "magic"
    found = await checked(in_memory, plan)
    assert ("technique", plan.steps[place].id) in found
    assert ("pressure_cap", plan.steps[place].id) in found
    assert ("digest", "") in found
    plan.ClearField("digest")
    assert ("digest", "") not in await checked(in_memory, plan)
    assert len(in_memory.store.clinic(in_memory.clinic).entries) == before
    assert await in_memory.call("GetPlan", FULL_PLAN) != plan


async def test_a_red_flag_added_by_hand_is_seen(in_memory: Running) -> None:
    plan, _ = await two_plans(in_memory)
    plan.snapshot.health_flags.add(id="flag-added", condition="bladder_or_bowel_change", answer="present")
    assert "disposition" in {rule for rule, _ in await checked(in_memory, plan)}


async def test_a_plan_of_no_clinic_and_of_other_knowledge_can_be_checked(in_memory: Running) -> None:
    plan, _ = await two_plans(in_memory)
    plan.name, plan.knowledge_revision, plan.digest = "", "other", ""
    answer = await in_memory.call("CheckPlan", s.CheckPlanRequest(plan=plan), clinic="another-clinic")
    assert [finding.rule for finding in answer.findings] == ["origin"]


async def test_what_is_no_plan_is_refused_with_every_field(in_memory: Running) -> None:
    refusal = await in_memory.refused("CheckPlan", s.CheckPlanRequest())
    assert (refusal.code, [one.field for one in refusal.fields]) == (grpc.StatusCode.INVALID_ARGUMENT, ["plan"])
    refusal = await in_memory.refused("CheckPlan", s.CheckPlanRequest(plan=pb.Plan(steps=[pb.Step()])))
    assert {one.field for one in refusal.fields} == {
        "plan.snapshot",
        "plan.disposition",
        "plan.time_budget",
        "plan.planned_duration",
        "plan.slack",
        "plan.steps[0].phase",
        "plan.steps[0].start_offset",
        "plan.steps[0].duration",
        "plan.optimality.objective",
    }


# --- ReplayPlan ---------------------------------------------------------------------------------------------------


async def test_stored_plans_come_out_again(service: Running) -> None:
    for plan in await two_plans(service):
        answer = await service.call("ReplayPlan", s.ReplayPlanRequest(name=plan.name))
        assert answer == s.ReplayPlanResponse(identical=True)


async def test_a_later_assessment_changes_nothing(service: Running) -> None:
    first, _ = await two_plans(service)
    await service.amend(first.assessment, first.assessment_etag)
    assert (await service.call("ReplayPlan", s.ReplayPlanRequest(name=PLAN_NAME))).identical


async def store_changed(service: Running, **changes: Any) -> str:
    """Stores a plan like the first one with other content, as another planner or a bug would have; returns its name."""
    kept: Plan = JsonDocuments().decode((await service.store.read(service.clinic, PLAN_NAME)).content)
    content = replace(kept.content, **changes)
    forged = replace(kept, name=f"{CLIENT}/plans/forged", content=content, digest=content_digest(content, 1))
    await service.store.write(
        Write(
            actor=Actor(clinic=service.clinic, person="tess", display_name="Tess", roles=("therapist",)),
            name=forged.name,
            expected_etag=None,
            content=JsonDocuments().encode(forged),
            action="CREATED",
            time_micros=forged.create_micros,
            facts={"state": "PROPOSED", "client": CLIENT},
            request=None,
        )
    )
    return forged.name


async def test_a_plan_that_does_not_come_out_again_is_different(in_memory: Running) -> None:
    await two_plans(in_memory)
    name = await store_changed(in_memory, slack_seconds=7)
    answer = await in_memory.call("ReplayPlan", s.ReplayPlanRequest(name=name))
    assert not answer.identical
    assert answer.first_difference.startswith("slack_seconds: stored 7, made again ")
    assert answer.reason_not_replayable == ""


@pytest.mark.parametrize("field", ["planner_version", "knowledge_revision"])
async def test_not_replayable_is_never_different(in_memory: Running, field: str) -> None:
    await two_plans(in_memory)
    name = await store_changed(in_memory, slack_seconds=7, **{field: "other"})
    answer = await in_memory.call("ReplayPlan", s.ReplayPlanRequest(name=name))
    assert (answer.identical, answer.first_difference) == (False, "")
    assert "other" in answer.reason_not_replayable
    explained = await in_memory.call("ExplainOmission", why_not(name, muscle="piriformis"))
    assert explained.reason_not_replayable == answer.reason_not_replayable


# --- ComparePlans -------------------------------------------------------------------------------------------------


async def test_two_plans_are_compared_with_their_reasons(service: Running) -> None:
    first, second = await two_plans(service)
    answer = await service.call("ComparePlans", s.ComparePlansRequest(earlier=PLAN_NAME, later=SECOND))
    assert not answer.identical
    assert answer.earlier_disposition == answer.later_disposition == first.disposition
    assert answer.earlier_time_budget == answer.later_time_budget == Duration(seconds=3600)
    gone = [one for one in answer.steps if list(one.differences) == [s.StepDiff.REMOVED]]
    levator = [one for one in gone if one.earlier.muscle == LEVATOR.muscle]
    assert {step.id for step in first.steps if step.muscle == LEVATOR.muscle} == {one.earlier.id for one in levator}
    for one in levator:
        assert one.earlier.rationale.reasons
        assert one.omission.kind == pb.Omission.EXCLUDED_BY_PERSON
        assert not one.HasField("later")
    ids = {step.id: step for step in second.steps}
    for one in answer.steps:
        if s.StepDiff.DURATION in one.differences:
            assert one.earlier.duration != one.later.duration
            assert ids[one.later.id] == one.later


async def test_a_plan_is_identical_to_itself_and_to_its_twin(service: Running) -> None:
    await two_plans(service)
    await service.call("CreatePlan", planning(plan_id="twin"))
    for later in (PLAN_NAME, f"{CLIENT}/plans/twin"):
        answer = await service.call("ComparePlans", s.ComparePlansRequest(earlier=PLAN_NAME, later=later))
        assert answer.identical
        assert len(answer.steps) == 0


# --- ExplainOmission ----------------------------------------------------------------------------------------------


async def test_every_change_that_is_named_brings_it_in(service: Running) -> None:
    await service.assess()
    short = await service.call("CreatePlan", planning(18))
    answers = {}
    for muscle in ("upper_trapezius", "levator_scapulae"):
        answers[muscle] = await service.call("ExplainOmission", why_not(muscle=muscle))
    out = [muscle for muscle, answer in answers.items() if not answer.included]
    assert out, "eighteen minutes are not enough for both"
    for muscle in out:
        answer = answers[muscle]
        assert answer.omissions[0] in short.omissions
        assert answer.candidate in short.candidates
        assert s.Explanation.TIME_BUDGET in {change.kind for change in answer.changes}
        for number, change in enumerate(answer.changes):
            assert change.kind in {s.Explanation.TIME_BUDGET, s.Explanation.EXCLUSIONS, s.Explanation.DEMAND}
            constraints = pb.Constraints()
            if change.kind == s.Explanation.EXCLUSIONS:
                constraints.excluded.extend(change.targets)
            if change.kind == s.Explanation.DEMAND:
                constraints.must_include.extend(change.targets)
            minutes = change.time_budget.seconds / 60 or 18
            again = await service.call(
                "CreatePlan", planning(minutes, plan_id=f"{muscle.replace('_', '-')}-{number}", constraints=constraints)
            )
            assert muscle in {step.muscle for step in again.steps if step.phase == pb.Step.RELEASE}


async def test_an_exclusion_is_explained_by_itself(service: Running) -> None:
    await two_plans(service)
    answer = await service.call("ExplainOmission", why_not(SECOND))
    assert [one.kind for one in answer.omissions] == [pb.Omission.EXCLUDED_BY_PERSON]
    (change,) = answer.changes
    assert change.kind == s.Explanation.EXCLUSION_LIFTED
    assert list(change.targets) == [LEVATOR]
    assert (await service.call("ExplainOmission", why_not())).included


async def test_what_safety_forbids_is_brought_in_by_nothing(in_memory: Running) -> None:
    lesion = a.HealthFlag(condition="skin_lesion", answer=a.HealthFlag.PRESENT, zone="back_of_neck", side=a.RIGHT)
    await in_memory.assess(headache(health_flags=[lesion]))
    await in_memory.call("CreatePlan", planning())
    answer = await in_memory.call("ExplainOmission", why_not())
    assert not answer.included
    assert len(answer.changes) == 0
    assert "Nothing brings it in" in answer.message
    assert answer.omissions[0].kind == pb.Omission.CONTRAINDICATED
    assert answer.omissions[0].rationale.reasons[0].findings


# --- all of them --------------------------------------------------------------------------------------------------

MISSING = {
    "ExplainOmission": why_not(f"{CLIENT}/plans/none"),
    "ReplayPlan": s.ReplayPlanRequest(name=f"{CLIENT}/plans/none"),
    "ComparePlans": s.ComparePlansRequest(earlier=PLAN_NAME, later=f"{CLIENT}/plans/none"),
}


@pytest.mark.parametrize("method", MISSING)
async def test_what_does_not_exist_is_not_found(in_memory: Running, method: str) -> None:
    await two_plans(in_memory)
    refusal = await in_memory.refused(method, MISSING[method])
    assert (refusal.code, refusal.metadata) == (grpc.StatusCode.NOT_FOUND, {"resource": f"{CLIENT}/plans/none"})


async def test_another_clinic_finds_nothing(service: Running) -> None:
    await two_plans(service)
    for method, request in {
        "ExplainOmission": why_not(),
        "ReplayPlan": s.ReplayPlanRequest(name=PLAN_NAME),
        "ComparePlans": s.ComparePlansRequest(earlier=PLAN_NAME, later=SECOND),
    }.items():
        refusal = await service.refused(method, request, clinic=f"{service.clinic}-b")
        assert refusal.code is grpc.StatusCode.NOT_FOUND


BAD: dict[str, tuple[str, Any, dict[str, str]]] = {
    "nothing asked": (
        "ExplainOmission",
        s.ExplainOmissionRequest(),
        {"name": "required", "muscle": "required", "side": "required"},
    ),
    "misspelt": ("ExplainOmission", why_not(muscle="levator_scapula"), {"muscle": "did you mean levator_scapulae?"}),
    "wrong side": ("ExplainOmission", why_not(side=pb.MIDLINE), {"side": "LEFT or RIGHT"}),
    "technique of a region": ("ExplainOmission", why_not(technique="effleurage"), {"technique": "belongs to a region"}),
    "name of another form": ("ReplayPlan", s.ReplayPlanRequest(name="first"), {"name": "clients/{client}/plans"}),
    "no names": ("ComparePlans", s.ComparePlansRequest(), {"earlier": "required", "later": "required"}),
    "a revision": (
        "ComparePlans",
        s.ComparePlansRequest(earlier=f"{PLAN_NAME}@2", later=PLAN_NAME),
        {"earlier": "is not"},
    ),
}


@pytest.mark.parametrize("name", BAD)
async def test_bad_requests_name_every_field(in_memory: Running, name: str) -> None:
    method, request, expected = BAD[name]
    refusal = await in_memory.refused(method, request)
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert [one.field for one in refusal.fields] == list(expected)
    for field, problem in expected.items():
        assert problem in next(one.problem for one in refusal.fields if one.field == field)
