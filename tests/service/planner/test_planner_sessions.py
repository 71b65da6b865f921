"""Working an approved plan, as a client sees it: the plan stays as it was approved, whatever happens in the room."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from myoplan.planner.v1 import plan_pb2 as pb
from myoplan.planner.v1 import planner_service_pb2 as service_pb
from myoplan.planner.v1 import session_pb2 as s
from services.planner.review import acts
from services.planner.storage.documents import JsonDocuments
from services.planner.usecases.plans import Plans, planner_actor, reviewer_of
from tests.support.planner_service import PLAN_NAME, Running, new_request_id, planning
from tests.support.store import new_clinic
from tests.support.working import (
    DONE,
    PENDING,
    SKIPPED,
    approve,
    approved_plan,
    begin,
    delivery,
    refitting,
    reporting,
    started,
    worked,
)

GET = s.GetSessionRequest(name=PLAN_NAME)
GET_PLAN = service_pb.GetPlanRequest(name=PLAN_NAME)


def finishing(**changes: Any) -> s.FinishSessionRequest:
    return s.FinishSessionRequest(name=PLAN_NAME, **changes)


def retest(value: float | None = 70.0, **changes: Any) -> s.Retest:
    return s.Retest(**{"motion": "cervical_rotation", "side": pb.LEFT, "value": value, **changes})


async def put_on_hold(service: Running) -> None:
    """Puts the plan on hold as the planner does when it learns of a contraindication."""
    plans = Plans(store=service.store, documents=JsonDocuments(), clock=lambda: 1, new_id=new_request_id)
    stored = await plans.read(service.clinic, PLAN_NAME, None)
    actor = planner_actor(service.clinic)
    held = acts.hold(stored.plan, by=reviewer_of(actor), reason="a new contraindication", now_micros=2)
    await plans.update(actor, held, stored.etag, "HOLD", "", None)


# Beginning


async def test_a_session_begins_with_the_steps_as_approved(service: Running) -> None:
    plan = await approved_plan(service)
    session = await begin(service, plan)
    assert (session.plan, session.version, session.digest) == (plan.name, plan.approved_version, plan.digest)
    assert session.state == s.Session.RUNNING
    assert session.therapist.id == "tess"
    assert [one.step for one in session.steps] == list(plan.steps)
    assert {one.status for one in session.steps} == {PENDING}
    assert all(one.approved_duration == one.step.duration for one in session.steps)
    assert await service.call("GetSession", GET) == session
    assert await service.call("GetPlan", GET_PLAN) == plan, "the plan is not touched"


async def test_only_an_approved_plan_is_worked(in_memory: Running) -> None:
    await in_memory.assess()
    plan = await in_memory.call("CreatePlan", planning())
    refusal = await in_memory.refused("StartSession", s.StartSessionRequest(name=plan.name, etag=plan.etag))
    assert (refusal.code.name, refusal.reason) == ("FAILED_PRECONDITION", "STATE_FORBIDS")
    assert refusal.metadata["state"] == "PROPOSED"
    await approve(in_memory, plan)
    stale = await in_memory.refused("StartSession", s.StartSessionRequest(name=plan.name, etag=plan.etag))
    assert (stale.code.name, stale.reason) == ("ABORTED", "ETAG_MISMATCH")
    assert (await in_memory.refused("GetSession", GET)).code is grpc.StatusCode.NOT_FOUND


async def test_a_plan_is_worked_once_and_a_repeated_request_is_the_same_one(service: Running) -> None:
    plan = await approved_plan(service)
    request = s.StartSessionRequest(name=plan.name, etag=plan.etag, request_id=new_request_id())
    first = await service.call("StartSession", request)
    assert await service.call("StartSession", request) == first
    refusal = await service.refused("StartSession", s.StartSessionRequest(name=plan.name, etag=plan.etag))
    assert (refusal.code.name, refusal.reason) == ("FAILED_PRECONDITION", "STATE_FORBIDS")


async def test_of_two_who_begin_at_once_one_does(service: Running) -> None:
    plan = await approved_plan(service)
    request = s.StartSessionRequest(name=plan.name, etag=plan.etag)
    answers = await asyncio.gather(
        *(service.call("StartSession", request, person=one) for one in ("tess", "ruth")), return_exceptions=True
    )
    assert sum(isinstance(one, s.Session) for one in answers) == 1


async def test_a_plan_on_hold_is_not_begun_nor_re_fitted_and_what_was_done_is_recorded(in_memory: Running) -> None:
    session = await started(in_memory)
    await put_on_hold(in_memory)
    kept = await worked(in_memory, session, 2)
    assert [one.status for one in kept.steps[:2]] == [DONE, DONE]
    refusal = await in_memory.refused("RefitSession", refitting(5, 5))
    assert (refusal.code.name, refusal.metadata["state"]) == ("FAILED_PRECONDITION", "ON_HOLD")
    finished = await in_memory.call("FinishSession", finishing(pain=3))
    assert finished.state == s.Session.FINISHED


async def test_a_plan_on_hold_is_not_begun(in_memory: Running) -> None:
    await approved_plan(in_memory)
    await put_on_hold(in_memory)
    plan = await in_memory.call("GetPlan", GET_PLAN)
    refusal = await in_memory.refused("StartSession", s.StartSessionRequest(name=PLAN_NAME, etag=plan.etag))
    assert refusal.metadata["state"] == "ON_HOLD"


# Reporting


async def test_steps_are_reported_in_any_order_and_the_last_report_stands(service: Running) -> None:
    session = await started(service)
    ids = [one.step.id for one in session.steps]
    await service.call("RecordDelivery", reporting(delivery(ids[3], 90), delivery(ids[1], None, note="not today")))
    again = await service.call("RecordDelivery", reporting(delivery(ids[3], 120, pressure_level=2)))
    status = {one.step.id: one for one in again.steps}
    assert (status[ids[3]].status, status[ids[3]].delivered.seconds, status[ids[3]].pressure_level) == (DONE, 120, 2)
    assert (status[ids[1]].status, status[ids[1]].note) == (SKIPPED, "not today")
    assert not status[ids[1]].HasField("delivered")
    assert [one.step.id for one in again.steps][:2] == [ids[1], ids[3]], "what is over comes first"
    same = await service.call("RecordDelivery", reporting(delivery(ids[3], 120, pressure_level=2)))
    assert same == again, "the same report writes nothing"


async def test_reports_from_two_tablets_at_once_are_all_kept(service: Running) -> None:
    session = await started(service)
    ids = [one.step.id for one in session.steps]
    await asyncio.gather(*(service.call("RecordDelivery", reporting(delivery(one))) for one in ids))
    found = await service.call("GetSession", GET)
    assert {one.status for one in found.steps} == {DONE}
    assert await service.store.verify(service.clinic) == ()


async def test_an_etag_that_is_given_is_compared(in_memory: Running) -> None:
    session = await started(in_memory)
    first = session.steps[0].step.id
    await in_memory.call("RecordDelivery", reporting(delivery(first), etag=session.etag))
    refusal = await in_memory.refused("RecordDelivery", reporting(delivery(first, 90), etag=session.etag))
    assert (refusal.code.name, refusal.reason) == ("ABORTED", "ETAG_MISMATCH")


@pytest.mark.parametrize(
    ("report", "fields"),
    [
        ([s.Delivery(step="x", status=DONE)], {"deliveries[0].delivered"}),
        ([delivery("x", None), s.Delivery(status=SKIPPED)], {"deliveries[1].step"}),
        ([s.Delivery(step="x", status=PENDING)], {"deliveries[0].status"}),
        ([s.Delivery(step="x", status=SKIPPED, delivered=Duration(seconds=1))], {"deliveries[0].delivered"}),
        ([delivery("x"), delivery("x")], {"deliveries[1].step"}),
        ([delivery("x", 60, pressure_level=6), delivery("y", 25000)], {
            "deliveries[0].pressure_level", "deliveries[1].delivered",
        }),
        ([], {"deliveries"}),
        ([delivery("x", note="n" * 3000)], {"deliveries[0].note"}),
    ],
    ids=["no time", "no step", "no such status", "left out for a minute", "twice", "two at once", "nothing", "long"],
)  # fmt: skip
async def test_wrong_reports_name_every_field(in_memory: Running, report: list[s.Delivery], fields: set[str]) -> None:
    refusal = await in_memory.refused("RecordDelivery", reporting(*report))
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert {problem.field for problem in refusal.fields} == fields


async def test_a_step_that_is_not_of_the_session(in_memory: Running) -> None:
    before = await started(in_memory)
    good = before.steps[0].step.id
    refusal = await in_memory.refused("RecordDelivery", reporting(delivery(good), delivery("release-nothing")))
    assert [problem.field for problem in refusal.fields] == ["deliveries[1].step"]
    assert await in_memory.call("GetSession", GET) == before


# Re-fitting


async def test_minutes_are_lost(service: Running) -> None:
    session = await started(service)
    plan = await service.call("GetPlan", GET_PLAN)
    kept = await worked(service, session, 6)
    elapsed = sum(one.step.duration.seconds for one in session.steps[:6]) / 60
    lost = plan.slack.seconds / 60 + 8
    refitted = await service.call("RefitSession", refitting(elapsed, lost))
    assert [one for one in refitted.steps if one.status == DONE] == [one for one in kept.steps if one.status == DONE]
    to_come = [one for one in refitted.steps if one.status == PENDING]
    left = plan.time_budget.seconds - round(60 * (elapsed + lost))
    assert sum(one.step.duration.seconds for one in to_come) <= left
    assert to_come[-1].step.phase == pb.Step.CLOSE
    (change,) = refitted.changes
    assert change.lost.seconds == round(60 * lost)
    assert change.sentences
    assert await service.call("GetPlan", GET_PLAN) == plan, "the plan is not touched"
    again = await service.call("RefitSession", refitting(elapsed, 5, "supine"))
    assert len(again.changes) == 2, "what is lost adds up"
    assert not [one for one in again.steps if one.status == PENDING and one.step.position == "supine"]


async def test_a_repeated_re_fit_loses_the_minutes_once(service: Running) -> None:
    await started(service)
    request = refitting(0, 20, request_id=new_request_id())
    first = await service.call("RefitSession", request)
    assert await service.call("RefitSession", request) == first
    assert len((await service.call("GetSession", GET)).changes) == 1


@pytest.mark.parametrize(
    ("request_", "fields"),
    [
        (s.RefitSessionRequest(name=PLAN_NAME), {"elapsed"}),
        (refitting(400), {"elapsed"}),
        (refitting(1, 0.25), {"lost"}),
        (refitting(1, 5, "upside_down", "prone"), {"unavailable_positions[0]"}),
        (s.RefitSessionRequest(name="x", elapsed=Duration(seconds=1), request_id="1"), {"name", "request_id"}),
    ],
    ids=["no time", "a day", "seconds lost", "no such position", "name and id"],
)
async def test_wrong_re_fits_name_every_field(
    in_memory: Running, request_: s.RefitSessionRequest, fields: set[str]
) -> None:
    refusal = await in_memory.refused("RefitSession", request_)
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert {problem.field for problem in refusal.fields} == fields


# Finishing


async def test_a_session_is_finished_with_its_re_tests(service: Running) -> None:
    session = await started(service)
    await worked(service, session, 3)
    request = finishing(
        retests=[retest(), retest(None, side=pb.RIGHT, pain=2)],
        pain=2.5,
        reaction="Lighter.",
        request_id=new_request_id(),
    )
    finished = await service.call("FinishSession", request)
    assert finished.state == s.Session.FINISHED
    assert finished.HasField("finish_time")
    left, right = finished.retests
    assert (left.before, left.value) == (45, 70), "the value of the assessment stands beside the new one"
    assert (right.before, right.HasField("value"), right.pain) == (75, False, 2)
    assert (finished.pain, finished.reaction) == (2.5, "Lighter.")
    assert await service.call("FinishSession", request) == finished
    for method, late in (
        ("RecordDelivery", reporting(delivery(session.steps[5].step.id))),
        ("RefitSession", refitting(9)),
    ):
        refusal = await service.refused(method, late)
        assert (refusal.code.name, refusal.metadata["state"]) == ("FAILED_PRECONDITION", "FINISHED")


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"pain": 11}, {"pain"}),
        ({"pain": float("nan")}, {"pain"}),
        ({"retests": [retest(900)]}, {"retests[0].value"}),
        ({"retests": [retest(motion="flying"), retest(side=pb.MIDLINE)]}, {"retests[0].motion", "retests[1].side"}),
        ({"retests": [retest(), retest(5)]}, {"retests[1]"}),
        ({"reaction": "x" * 5000}, {"reaction"}),
    ],
    ids=["pain", "no number", "value", "motion and side", "twice", "reaction"],
)
async def test_wrong_ends_name_every_field(in_memory: Running, changes: dict[str, Any], fields: set[str]) -> None:
    refusal = await in_memory.refused("FinishSession", finishing(**changes))
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert {problem.field for problem in refusal.fields} >= fields


# Looking back


async def test_planned_against_delivered(service: Running) -> None:
    session = await started(service)
    empty = await service.call("ReportDelivery", s.ReportDeliveryRequest(parent="clients/-"))
    assert empty.sessions == 0, "a running session is not counted"
    await worked(service, session, len(session.steps) - 1)
    await service.call("FinishSession", finishing(retests=[retest()], pain=2))
    found = await service.call("ReportDelivery", s.ReportDeliveryRequest(parent="clients/ada"))
    assert found.sessions == 1
    last, *others = sorted(found.techniques, key=lambda one: one.steps_done == one.steps_planned)
    assert (last.technique, last.steps_done) == (session.steps[-1].step.technique, last.steps_planned - 1)
    assert not last.HasField("median_pain_change"), "it was not done"
    for one in others:
        assert one.median_pain_change == -4, "from 6, the worst of the assessment, to 2"
        assert one.sessions_retested == 1
        steps = [step for step in session.steps if step.step.technique == one.technique]
        assert one.steps_planned == len(steps)
        assert one.planned.seconds == sum(step.step.duration.seconds for step in steps)
    minutes = [one.delivered.seconds for one in found.techniques]
    assert minutes == sorted(minutes, reverse=True)
    nobody = await service.call("ReportDelivery", s.ReportDeliveryRequest(parent="clients/-"), clinic=new_clinic())
    assert not nobody.techniques


async def test_a_plan_compared_with_what_was_delivered(in_memory: Running) -> None:
    request = service_pb.ComparePlansRequest(earlier=PLAN_NAME, later=PLAN_NAME, later_delivered=True)
    session = await started(in_memory)
    step = session.steps[0].step
    await in_memory.call("RecordDelivery", reporting(delivery(step.id, step.duration.seconds + 60)))
    found = await in_memory.call("ComparePlans", request)
    removed = [one for one in found.steps if service_pb.StepDiff.REMOVED in one.differences]
    changed = [one for one in found.steps if service_pb.StepDiff.DURATION in one.differences]
    assert len(removed) == len(session.steps) - 1
    assert [one.later.duration.seconds for one in changed] == [step.duration.seconds + 60]
    not_done = [sentence for sentence in found.sentences if sentence.endswith("was not done.")]
    assert not_done
    assert not [sentence for sentence in found.sentences if "left out" in sentence or "no finding" in sentence]


async def test_another_clinic_sees_no_session(in_memory: Running) -> None:
    await started(in_memory)
    other = new_clinic()
    for method, request in (
        ("GetSession", GET),
        ("RecordDelivery", reporting(delivery("x"))),
        ("RefitSession", refitting(1)),
        ("FinishSession", finishing()),
        ("StartSession", s.StartSessionRequest(name=PLAN_NAME, etag="1-0")),
    ):
        assert (await in_memory.refused(method, request, clinic=other)).code is grpc.StatusCode.NOT_FOUND, method
