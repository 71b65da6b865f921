"""What the methods of the planner do, over gRPC, on both stores."""

from __future__ import annotations

from dataclasses import replace

import grpc
import pytest

from myoplan.assessment.v1 import assessment_pb2 as a
from myoplan.planner.v1 import plan_pb2 as pb
from myoplan.planner.v1 import planner_service_pb2 as s
from services.planner.check import check
from services.planner.clients.assessment import read_assessment
from services.planner.domain.canonical import content_digest
from services.planner.domain.constraints import Constraints
from services.planner.session.propose import PlanRequest
from services.planner.storage.documents import JsonDocuments
from services.planner.usecases.create import checked_plan
from services.planner.usecases.read import PAGE_BYTES
from services.store.model import Actor, Write
from tests.support.planner import load_once, real_graph
from tests.support.planner_service import (
    ASSESSMENT_NAME,
    CLIENT,
    PLAN_NAME,
    Running,
    headache,
    new_request_id,
    planning,
    tender,
)

LEVATOR = pb.Target(muscle="levator_scapulae", side=pb.RIGHT)


async def test_plan_is_made_stored_and_read_again(service: Running) -> None:
    await service.assess()
    made = await service.call("CreatePlan", planning())
    assert (made.name, made.revision, made.version, made.state) == (PLAN_NAME, 1, 1, pb.Plan.PROPOSED)
    assert made.author == pb.Person(id="tess", display_name="Tess")
    assert made.create_time.seconds > 0
    assert made.disposition == pb.Plan.TREAT
    assert made.uid
    assert made.etag.startswith("1-")
    assert await service.call("GetPlan", s.GetPlanRequest(name=PLAN_NAME)) == made
    assert await service.call("GetPlan", s.GetPlanRequest(name=PLAN_NAME, revision=1)) == made


async def test_minutes_add_up_on_the_wire(service: Running) -> None:
    await service.assess()
    made = await service.call("CreatePlan", planning(50))
    assert sum(step.duration.seconds for step in made.steps) == made.planned_duration.seconds
    assert made.planned_duration.seconds + made.slack.seconds == made.time_budget.seconds == 3000
    assert all(step.rationale.reasons and step.instruction for step in made.steps)
    assert {step.muscle for step in made.steps if step.phase == pb.Step.RELEASE} >= {
        "upper_trapezius",
        "levator_scapulae",
    }
    assert made.optimality.proven
    assert made.optimality.upper_bound == made.optimality.objective > 0, "no plan of the same minutes is better"


async def test_grpc_and_the_domain_agree(in_memory: Running) -> None:
    name = await in_memory.assess()
    made = await in_memory.call("CreatePlan", planning())
    stored = await in_memory.store.read(in_memory.clinic, PLAN_NAME)
    kept = JsonDocuments().decode(stored.content)
    request = PlanRequest(
        assessment=name,
        assessment_etag=made.assessment_etag,
        snapshot=kept.content.snapshot,
        constraints=Constraints(),
        time_budget_seconds=3600,
    )
    content = checked_plan(request, real_graph())
    assert content == kept.content
    assert made.digest == kept.digest == content_digest(content, 1)
    assert check(content, real_graph().base) == ()


async def test_preview_is_the_same_plan_and_leaves_nothing(service: Running) -> None:
    await service.assess()
    preview = await service.call("CreatePlan", planning(validate_only=True))
    refusal = await service.refused("GetPlan", s.GetPlanRequest(name=PLAN_NAME))
    assert refusal.code is grpc.StatusCode.NOT_FOUND
    made = await service.call("CreatePlan", planning())
    assert (preview.name, preview.uid, preview.etag, preview.revision) == ("", "", "", 0)
    assert not preview.HasField("create_time")
    assert preview.digest == made.digest
    assert list(preview.steps) == list(made.steps)


async def test_open_assessment_can_be_previewed_and_not_planned_from(service: Running) -> None:
    await service.open()
    assert (await service.call("CreatePlan", planning(validate_only=True))).steps
    refusal = await service.refused("CreatePlan", planning())
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "STATE_FORBIDS")
    assert refusal.metadata == {"resource": ASSESSMENT_NAME, "state": "OPEN", "needed": "COMPLETED"}


async def test_voided_assessment_is_not_even_previewed(service: Running) -> None:
    opened = await service.open()
    await service.void(opened.name, opened.etag)
    for preview in (True, False):
        refusal = await service.refused("CreatePlan", planning(validate_only=preview))
        assert refusal.code is grpc.StatusCode.FAILED_PRECONDITION
        assert refusal.metadata["state"] == "VOIDED"


async def test_plan_names_the_revision_it_read(service: Running) -> None:
    name = await service.assess()
    first = await service.call("CreatePlan", planning())
    request = s.GetPlanRequest(name=PLAN_NAME)
    sealed = await service.call("GetPlan", request)
    assert sealed.assessment == name
    amended = await service.amend(name, first.assessment_etag)
    assert amended.etag != first.assessment_etag
    assert (await service.call("GetPlan", request)) == first, "a stored plan does not change with its assessment"


async def test_red_flag_is_a_result(service: Running) -> None:
    ill = a.HealthFlag(condition="bladder_or_bowel_change", answer=a.HealthFlag.PRESENT)
    await service.assess(headache(health_flags=[ill]))
    made = await service.call("CreatePlan", planning())
    assert made.disposition == pb.Plan.REFER
    assert len(made.steps) == 0
    assert made.planned_duration.seconds == 0
    assert made.slack == made.time_budget
    assert made.referrals[0].urgency == pb.EMERGENCY
    assert made.unanswered_questions


async def test_nothing_found_and_no_time_are_results(service: Running) -> None:
    await service.assess()
    short = await service.call("CreatePlan", planning(1))
    assert len(short.steps) == 0
    assert all(o.HasField("minutes_needed") for o in short.omissions if o.kind == pb.Omission.OVER_BUDGET)
    empty = await service.assess(a.Assessment(), "second")
    nothing = await service.call("CreatePlan", planning(plan_id="second", assessment=empty))
    assert len(nothing.candidates) == len(nothing.steps) == 0
    assert nothing.cautions


async def test_constraints_steer_and_come_back(service: Running) -> None:
    await service.assess()
    constraints = pb.Constraints(
        pinned=[LEVATOR],
        excluded=[pb.Target(muscle="upper_trapezius", side=pb.RIGHT)],
        unavailable_positions=["prone"],
        max_pressure=2,
        hand_load_used_today=pb.HandLoad(thumb=3),
    )
    made = await service.call("CreatePlan", planning(constraints=constraints))
    assert made.constraints.pinned == constraints.pinned
    assert made.constraints.max_pressure == 2
    assert made.constraints.hand_load_used_today.thumb == 3
    assert {step.muscle for step in made.steps if step.pinned} == {"levator_scapulae"}
    assert "upper_trapezius" not in {step.muscle for step in made.steps}
    assert "prone" not in {step.position for step in made.steps}
    assert all(step.pressure_level <= 2 for step in made.steps)
    out = [o for o in made.omissions if o.muscle == "upper_trapezius"]
    assert [o.kind for o in out] == [pb.Omission.EXCLUDED_BY_PERSON]


async def test_unsafe_demand_is_a_failed_precondition_without_the_illness(service: Running) -> None:
    lesion = a.HealthFlag(condition="skin_lesion", answer=a.HealthFlag.PRESENT, zone="back_of_neck", side=a.RIGHT)
    await service.assess(headache(health_flags=[lesion]))
    refusal = await service.refused("CreatePlan", planning(constraints=pb.Constraints(pinned=[LEVATOR])))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "DEMAND_UNSAFE")
    assert len(refusal.preconditions) == 1
    assert "RIGHT levator scapulae" in refusal.preconditions[0]
    assert refusal.metadata["rule"] in load_once().rules, "whoever calls may read the plan"
    assert "lesion" not in refusal.message
    assert "lesion" not in refusal.preconditions[0]
    assert "lesion" not in service.log.getvalue()


async def test_taken_id_is_refused(service: Running) -> None:
    await service.assess()
    await service.call("CreatePlan", planning())
    refusal = await service.refused("CreatePlan", planning(30))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ALREADY_EXISTS, "RESOURCE_ALREADY_EXISTS")


async def test_id_is_made_where_none_is_given(service: Running) -> None:
    await service.assess()
    one = await service.call("CreatePlan", planning(plan_id=""))
    other = await service.call("CreatePlan", planning(plan_id=""))
    assert one.name != other.name
    assert one.name.startswith(f"{CLIENT}/plans/p-")


async def test_repeated_request_returns_the_first_result(service: Running) -> None:
    name = await service.assess()
    request = planning(plan_id="", request_id=new_request_id())
    first = await service.call("CreatePlan", request)
    await service.amend(name, first.assessment_etag)
    assert await service.call("CreatePlan", request) == first, "even though the assessment is open again"
    listed = await service.call("ListPlans", s.ListPlansRequest(parent=CLIENT))
    assert len(listed.plans) == 1


async def test_request_id_with_another_body_is_refused(service: Running) -> None:
    await service.assess()
    request_id = new_request_id()
    await service.call("CreatePlan", planning(request_id=request_id))
    refusal = await service.refused("CreatePlan", planning(45, request_id=request_id))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_ID_REUSED")
    assert refusal.metadata == {"request_id": request_id}


async def test_request_id_of_another_person_is_another_request(service: Running) -> None:
    await service.assess()
    request_id = new_request_id()
    one = await service.call("CreatePlan", planning(plan_id="", request_id=request_id))
    other = await service.call("CreatePlan", planning(plan_id="", request_id=request_id), person="ben")
    assert one.name != other.name


async def test_list_is_newest_first_in_pages(service: Running) -> None:
    await service.assess()
    for number in range(5):
        await service.call("CreatePlan", planning(20, plan_id=f"plan-{number}"))
    names, token = [], ""
    while True:
        request = s.ListPlansRequest(parent=CLIENT, page_size=2, page_token=token)
        page = await service.call("ListPlans", request)
        names += [plan.name.rpartition("/")[2] for plan in page.plans]
        token = page.next_page_token
        if not token:
            break
    assert names == [f"plan-{number}" for number in (4, 3, 2, 1, 0)]


async def test_a_list_without_details_holds_as_many_as_were_asked_for(in_memory: Running) -> None:
    """Whole, the plans of a busy clinic are too much for one answer; a list of what there is has to be complete."""
    await in_memory.assess()
    made = await in_memory.call("CreatePlan", planning(60))
    stored = await in_memory.store.read(in_memory.clinic, made.name)
    actor = Actor(clinic=in_memory.clinic, person="tess", display_name="Tess", roles=("therapist",))
    others = [f"{made.name}-{n}" for n in range(PAGE_BYTES // JsonDocuments().size(stored.content) + 1)]
    copied = Write(actor=actor, name="", expected_etag=None, content=stored.content, action="CREATED", time_micros=1)
    for name in others:
        await in_memory.store.write(replace(copied, name=name))
    basic = await in_memory.call("ListPlans", s.ListPlansRequest(parent=CLIENT, page_size=200))
    full = await in_memory.call("ListPlans", s.ListPlansRequest(parent=CLIENT, page_size=200, view=s.FULL))
    assert len(basic.plans) == len(others) + 1
    assert not basic.next_page_token
    assert 1 < len(full.plans) < len(basic.plans)
    assert full.next_page_token


async def test_views_show_more_or_less(service: Running) -> None:
    await service.assess()
    await service.call("CreatePlan", planning())
    (listed,) = (await service.call("ListPlans", s.ListPlansRequest(parent="clients/-"))).plans
    assert len(listed.steps) == len(listed.candidates) == len(listed.omissions) == len(listed.aftercare) == 0
    assert not listed.HasField("snapshot")
    assert listed.digest
    full = s.ListPlansRequest(parent=CLIENT, view=s.FULL, state=pb.Plan.PROPOSED)
    assert (await service.call("ListPlans", full)).plans[0].steps
    basic = s.GetPlanRequest(name=PLAN_NAME, view=s.BASIC)
    assert not (await service.call("GetPlan", basic)).steps


@pytest.mark.parametrize("token", ["x", "bm90IGEgdG9rZW4=", "\u00e9", "A" * 600])
async def test_page_token_of_nobody_is_refused(in_memory: Running, token: str) -> None:
    refusal = await in_memory.refused("ListPlans", s.ListPlansRequest(parent=CLIENT, page_token=token))
    assert [problem.field for problem in refusal.fields] == ["page_token"]


async def test_page_token_of_another_list_is_refused(in_memory: Running) -> None:
    await in_memory.assess()
    for number in range(2):
        await in_memory.call("CreatePlan", planning(20, plan_id=f"plan-{number}"))
    page = await in_memory.call("ListPlans", s.ListPlansRequest(parent=CLIENT, page_size=1))
    other = s.ListPlansRequest(parent="clients/-", page_token=page.next_page_token)
    refusal = await in_memory.refused("ListPlans", other)
    assert [problem.field for problem in refusal.fields] == ["page_token"]


async def test_assessment_is_read_as_it_was_recorded(in_memory: Running) -> None:
    opened = await in_memory.open()
    found = read_assessment(opened)
    assert found.state == "OPEN"
    assert found.snapshot.rom_tests[0].verdict.value == "reduced"
    assert {p.classification.value for p in found.snapshot.palpations} == {"active_trigger_point"}
    assert found.snapshot.age_years == 41
    assert found.snapshot.preferences.intraoral_allowed is None


async def test_motions_that_were_not_tested_say_nothing(in_memory: Running) -> None:
    skipped = a.RomTest(
        motion="cervical_rotation", side=a.LEFT, mode=a.RomTest.ACTIVE, not_tested=a.RomTest.NotTested(reason="painful")
    )
    opened = await in_memory.open(headache(rom_tests=[skipped]))
    assert read_assessment(opened).snapshot.rom_tests == ()


async def test_every_muscle_tender_is_answered(in_memory: Running) -> None:
    base = real_graph().base
    paired = [muscle.id for muscle in base.muscles.values() if muscle.paired]
    everything = a.Assessment(palpation_findings=[tender(muscle, side) for muscle in paired for side in (1, 2)])
    name = await in_memory.assess(everything)
    made = await in_memory.call("CreatePlan", planning(assessment=name))
    assert made.steps
    assert any("more muscles" in caution.message for caution in made.cautions)
