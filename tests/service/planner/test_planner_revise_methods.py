"""Editing over gRPC: what is stored, what is refused, what is compared and explored."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from myoplan.planner.v1 import edit_pb2 as e
from myoplan.planner.v1 import plan_pb2 as pb
from myoplan.planner.v1 import planner_service_pb2 as s
from services.store.memory import MemoryStore
from tests.support.planner_service import PLAN_NAME, Running, headache, new_request_id, planning, tender

LEVATOR = pb.Target(muscle="levator_scapulae", side=pb.RIGHT)
TRAPEZIUS = pb.Target(muscle="upper_trapezius", side=pb.RIGHT)


async def planned(service: Running, **changes: Any) -> pb.Plan:
    """Records an assessment and plans an hour from it."""
    await service.assess(changes.pop("assessment", None))
    plan: pb.Plan = await service.call("CreatePlan", planning(**changes))
    return plan


def revising(plan: pb.Plan, *edits: e.PlanEdit, **fields: Any) -> e.RevisePlanRequest:
    return e.RevisePlanRequest(**{"name": PLAN_NAME, "etag": plan.etag, "edits": edits, **fields})


def release(plan: pb.Plan, muscle: str) -> pb.Step:
    return next(step for step in plan.steps if step.phase == pb.Step.RELEASE and step.muscle == muscle)


# --- what an edit does --------------------------------------------------------------------------------------------


async def test_edits_make_the_next_version_and_say_what_changed(service: Running) -> None:
    plan = await planned(service)
    edits = (
        e.PlanEdit(pin=TRAPEZIUS),
        e.PlanEdit(exclude=LEVATOR),
        e.PlanEdit(set_duration=e.SetDuration(step=release(plan, TRAPEZIUS.muscle).id, duration=Duration(seconds=180))),
    )
    revised = await service.call("RevisePlan", revising(plan, *edits, reason="less on the neck"))
    assert (revised.revision, revised.version, revised.state) == (2, 2, pb.Plan.DRAFT)
    assert revised.digest != plan.digest
    assert list(revised.constraints.excluded) == [LEVATOR]
    assert TRAPEZIUS in revised.constraints.pinned
    assert [timed.duration.seconds for timed in revised.constraints.durations] == [180]
    assert release(revised, TRAPEZIUS.muscle).duration.seconds == 180
    assert not any(step.muscle == LEVATOR.muscle for step in revised.steps)
    assert "RIGHT levator scapulae left out: it was taken out." in revised.change.sentences
    assert (revised.change.from_version, revised.change.reason) == (1, "less on the neck")
    assert revised == await service.call("GetPlan", s.GetPlanRequest(name=PLAN_NAME))


async def test_an_edited_plan_replays_and_checks(service: Running) -> None:
    plan = await planned(service)
    revised = await service.call("RevisePlan", revising(plan, e.PlanEdit(exclude=LEVATOR)))
    answer = await service.call("ReplayPlan", s.ReplayPlanRequest(name=PLAN_NAME))
    assert answer.identical, answer
    found = await service.call("CheckPlan", s.CheckPlanRequest(plan=revised))
    assert list(found.findings) == []


async def test_a_preview_shows_the_same_and_stores_nothing(service: Running) -> None:
    plan = await planned(service)
    edit = e.PlanEdit(exclude=LEVATOR)
    preview = await service.call("RevisePlan", revising(plan, edit, validate_only=True))
    assert (preview.name, preview.etag, preview.revision) == ("", "", 0)
    assert await service.call("GetPlan", s.GetPlanRequest(name=PLAN_NAME)) == plan
    stored = await service.call("RevisePlan", revising(plan, edit))
    assert list(stored.steps) == list(preview.steps)
    assert list(stored.change.sentences) == list(preview.change.sentences)


async def test_a_repeated_request_gives_the_first_result(service: Running) -> None:
    plan = await planned(service)
    request = revising(plan, e.PlanEdit(exclude=LEVATOR), request_id=new_request_id())
    first = await service.call("RevisePlan", request)
    assert await service.call("RevisePlan", request) == first
    request.edits.add(refit=e.Refit())
    refusal = await service.refused("RevisePlan", request)
    assert refusal.reason == "REQUEST_ID_REUSED"


async def test_whoever_edits_contributes(service: Running) -> None:
    plan = await planned(service)
    revised = await service.call("RevisePlan", revising(plan, e.PlanEdit(exclude=LEVATOR)), roles=["trainee"])
    assert [one.trainee for one in revised.contributors] == [True]


async def test_a_preference_is_set_aside_with_a_reason(service: Running) -> None:
    found = headache(
        palpation_findings=[tender("upper_trapezius"), tender("levator_scapulae"), tender("splenius_cervicis")]
    )
    plan = await planned(service, assessment=found)
    first, *_, last = (step.id for step in plan.steps if step.phase == pb.Step.RELEASE)
    move = e.MoveStep(step=last, before=first)
    refusal = await service.refused("RevisePlan", revising(plan, e.PlanEdit(move=move)))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "RULE_NEEDS_OVERRIDE")
    assert refusal.metadata["rule"] in {"superficial_before_deep", "key_before_satellite"}
    override = pb.Override(reason_code=pb.Override.OTHER, comment="the client cannot wait for it")
    revised = await service.call("RevisePlan", revising(plan, e.PlanEdit(move=move, override=override)))
    rules = {one.rule for one in revised.constraints.overrides}
    assert refusal.metadata["rule"] in rules
    for one in revised.constraints.overrides:
        assert (one.comment, bool(one.person.id), one.HasField("time")) == (override.comment, True, True)
    assert rules <= {caution.rule for caution in revised.cautions}
    order = [step.id for step in revised.steps]
    assert order.index(last) < order.index(first)
    checked = await service.call("CheckPlan", s.CheckPlanRequest(plan=revised))
    assert list(checked.findings) == []


# --- what is refused ----------------------------------------------------------------------------------------------


async def test_every_field_problem_at_once_and_nothing_changes(service: Running) -> None:
    plan = await planned(service)
    edits = (
        e.PlanEdit(),
        e.PlanEdit(pin=pb.Target(muscle="no_muscle", side=pb.RIGHT)),
        e.PlanEdit(move=e.MoveStep(step="release-x")),
        e.PlanEdit(mark_position_unavailable="upside_down"),
        e.PlanEdit(set_technique=e.SetTechnique(step="x", technique="magic")),
        e.PlanEdit(refit=e.Refit(), override=pb.Override(reason_code=pb.Override.OTHER)),
    )
    refusal = await service.refused("RevisePlan", revising(plan, *edits, etag=""))
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert {problem.field for problem in refusal.fields} == {
        "etag",
        "edits[0]",
        "edits[1].pin.muscle",
        "edits[2].move",
        "edits[3].mark_position_unavailable",
        "edits[4].set_technique.technique",
        "edits[5].override.comment",
    }
    assert (await service.refused("RevisePlan", revising(plan))).code is grpc.StatusCode.INVALID_ARGUMENT
    assert await service.call("GetPlan", s.GetPlanRequest(name=PLAN_NAME)) == plan


async def test_steps_that_the_plan_does_not_have_are_named(service: Running) -> None:
    plan = await planned(service)
    move = e.MoveStep(step="release-nothing", before="release-nobody")
    refusal = await service.refused("RevisePlan", revising(plan, e.PlanEdit(move=move)))
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert [problem.field for problem in refusal.fields] == ["edits[0].move.step", "edits[0].move.before"]


async def test_a_stale_etag_aborts(service: Running) -> None:
    plan = await planned(service)
    await service.call("RevisePlan", revising(plan, e.PlanEdit(exclude=LEVATOR)))
    refusal = await service.refused("RevisePlan", revising(plan, e.PlanEdit(exclude=TRAPEZIUS)))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH")


async def test_safety_is_told_and_leaves_one_entry(in_memory: Running) -> None:
    plan = await planned(in_memory)
    assert isinstance(in_memory.store, MemoryStore)
    before = len(in_memory.store.clinic(in_memory.clinic).entries)
    pin = pb.Target(muscle="coccygeus", side=pb.LEFT)
    refusal = await in_memory.refused("RevisePlan", revising(plan, e.PlanEdit(pin=pin)))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "DEMAND_UNSAFE")
    assert refusal.metadata["rule"] == "refer_only"
    assert len(in_memory.store.clinic(in_memory.clinic).entries) == before + 1
    assert await in_memory.call("GetPlan", s.GetPlanRequest(name=PLAN_NAME)) == plan


async def test_a_clash_is_told_with_its_smallest_loosening(service: Running) -> None:
    plan = await planned(service)
    edits = (
        e.PlanEdit(pin=TRAPEZIUS),
        e.PlanEdit(pin=LEVATOR),
        e.PlanEdit(set_time_budget=Duration(seconds=3 * 60)),
    )
    refusal = await service.refused("RevisePlan", revising(plan, *edits))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "EDITS_CONFLICT")
    assert int(refusal.metadata["conflicts"]) == len(refusal.preconditions)
    assert "The session has 3 minutes." in refusal.preconditions[0]
    assert "A session of " in refusal.preconditions[0]


@pytest.mark.parametrize(("role", "code"), [("auditor", "PERMISSION_DENIED"), ("system", "PERMISSION_DENIED")])
async def test_only_staff_edits(in_memory: Running, role: str, code: str) -> None:
    plan = await planned(in_memory)
    refusal = await in_memory.refused("RevisePlan", revising(plan, e.PlanEdit(exclude=LEVATOR)), roles=[role])
    assert refusal.code.name == code


# --- demands of a new plan ----------------------------------------------------------------------------------------


async def test_a_new_plan_keeps_demanded_minutes_and_order(service: Running) -> None:
    plain = await planned(service)
    step = release(plain, TRAPEZIUS.muscle)
    wanted = pb.Target(muscle=step.muscle, side=step.side, technique=step.technique)
    constraints = pb.Constraints(durations=[pb.TargetDuration(target=wanted, duration=Duration(seconds=150))])
    plan = await service.call("CreatePlan", planning(plan_id="timed", constraints=constraints))
    assert release(plan, TRAPEZIUS.muscle).duration.seconds == 150
    assert plan.constraints == constraints


async def test_a_new_plan_says_which_demands_cannot_hold(service: Running) -> None:
    await service.assess()
    demanded = [TRAPEZIUS, LEVATOR, pb.Target(muscle="splenius_capitis", side=pb.RIGHT)]
    constraints = pb.Constraints(must_include=demanded)
    plan = await service.call("CreatePlan", planning(12, constraints=constraints))
    assert plan.conflicts
    assert plan.steps, "what fits is planned"
    assert all("The session has 12 minutes." in conflict.demands for conflict in plan.conflicts)
    assert all(conflict.loosenings for conflict in plan.conflicts)
    checked = await service.call("CheckPlan", s.CheckPlanRequest(plan=plan))
    assert list(checked.findings) == []


async def test_bad_demands_are_named(in_memory: Running) -> None:
    await in_memory.assess()
    vague = pb.TargetDuration(target=TRAPEZIUS, duration=Duration(seconds=150))
    constraints = pb.Constraints(
        durations=[vague],
        sequences=[pb.Sequence(first=TRAPEZIUS, then=LEVATOR)],
        overrides=[
            pb.Override(rule="gravity", reason_code=pb.Override.TEACHING),
            pb.Override(rule="warm_up_before_deep_work", reason_code=pb.Override.TEACHING),
        ],
    )
    refusal = await in_memory.refused("CreatePlan", planning(constraints=constraints))
    assert {problem.field for problem in refusal.fields} == {
        "plan.constraints.durations[0].target.technique",
        "plan.constraints.sequences[0].first.technique",
        "plan.constraints.sequences[0].then.technique",
        "plan.constraints.overrides[0].rule",
        "plan.constraints.overrides[1].rule",
    }


# --- comparing and exploring --------------------------------------------------------------------------------------


async def test_revisions_are_compared_in_sentences(service: Running) -> None:
    plan = await planned(service)
    await service.call("RevisePlan", revising(plan, e.PlanEdit(exclude=LEVATOR)))
    both = s.ComparePlansRequest(earlier=PLAN_NAME, later=PLAN_NAME, earlier_revision=1)
    diff = await service.call("ComparePlans", both)
    assert "RIGHT levator scapulae left out: it was taken out." in diff.sentences
    assert not diff.identical
    same = s.ComparePlansRequest(earlier=PLAN_NAME, later=PLAN_NAME, earlier_revision=2, later_revision=2)
    assert (await service.call("ComparePlans", same)).identical
    missing = s.ComparePlansRequest(earlier=PLAN_NAME, later=PLAN_NAME, later_revision=7)
    assert (await service.refused("ComparePlans", missing)).code is grpc.StatusCode.NOT_FOUND


async def test_exploring_adds_up_and_stores_nothing(service: Running) -> None:
    plan = await planned(service, minutes=30)
    found = await service.call("ExplorePlan", e.ExplorePlanRequest(name=PLAN_NAME, alternatives=2))
    assert sum(share.benefit for share in found.benefit_by_rule) == plan.optimality.objective
    assert [change.time_budget.seconds // 60 for change in found.minutes] == [20, 25, 35, 40]
    assert all(change.message for change in found.minutes)
    assert len(found.alternatives) <= 2
    assert await service.call("GetPlan", s.GetPlanRequest(name=PLAN_NAME)) == plan
    refusal = await service.refused("ExplorePlan", e.ExplorePlanRequest(name=PLAN_NAME, alternatives=6))
    assert [problem.field for problem in refusal.fields] == ["alternatives"]
