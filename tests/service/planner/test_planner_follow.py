"""The planner follows assessments: what is not released becomes stale, what is approved goes on hold if it has to."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import grpc
import pytest

from myoplan.assessment.v1 import assessment_pb2 as a
from myoplan.assessment.v1 import assessment_service_pb2 as s
from myoplan.planner.v1 import plan_pb2 as pb
from myoplan.planner.v1 import planner_service_pb2 as service_pb
from myoplan.planner.v1 import review_pb2
from services.planner.clients.follow import NOTED_AFTER_EVENTS, Follower, tokens_in
from services.planner.review.table import Action
from services.planner.storage.documents import JsonDocuments
from services.planner.storage.json_records import cursor_documents
from services.planner.usecases.inputs import CURSOR_NAME, Cursors
from services.planner.usecases.plans import Plans
from services.runtime.client import open_channel
from services.runtime.logs import make_logger
from services.store.model import RecordMissing
from tests.support.planner import load_once
from tests.support.planner_service import ASSESSMENT_NAME, CLIENT, PLAN_NAME, Running, new_request_id, planning, ticking
from tests.support.working import approve, approved_plan

STALE, HELD = Action.INPUTS_CHANGED.entry, Action.FLAG_RAISED.entry
GET = service_pb.GetPlanRequest(name=PLAN_NAME)
WATCH = review_pb2.WatchPlansRequest(parent=CLIENT)


def follower(service: Running, **changes: Any) -> Follower:
    """Returns a follower of the test's clinic, over the store of its planner."""
    clock = ticking()

    def tokens() -> dict[str, str]:
        return {service.clinic: service.issuer.token(clinic=service.clinic, roles=["system"], person="planner")}

    given: dict[str, Any] = {
        "open_channel": lambda token: open_channel(service.assessment_server.address, token_source=token),
        "tokens": tokens,
        "plans": Plans(store=service.store, documents=JsonDocuments(), clock=clock, new_id=new_request_id),
        "cursors": Cursors(store=service.store, documents=cursor_documents(), clock=clock),
        "base": load_once(),
        "logger": make_logger(stream=io.StringIO()),
        "wait_seconds": 0.01,
        "look_seconds": 0.05,
    }
    return Follower(**{**given, **changes})


@asynccontextmanager
async def followed(service: Running, **changes: Any) -> AsyncIterator[None]:
    """Follows for the length of a with block."""
    task = asyncio.create_task(follower(service, **changes).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(service: Running, action: str) -> review_pb2.PlanEvent:
    """Returns the first event with this action; waits for it as a client would."""
    call: Any = service.planner.WatchPlans(WATCH, metadata=service.credentials(), timeout=8)
    try:
        while True:
            event: review_pb2.PlanEvent = await call.read()
            if event.action == action:
                return event
    finally:
        call.cancel()


async def amended(service: Running, *flags: a.HealthFlag) -> None:
    """Opens the assessment again, records flags and seals it."""
    newest = await service.assessments.GetAssessment(
        s.GetAssessmentRequest(name=ASSESSMENT_NAME), metadata=service.credentials()
    )
    opened = await service.amend(ASSESSMENT_NAME, newest.etag)
    if flags:
        record = s.RecordFindingsRequest(name=ASSESSMENT_NAME, health_flags=flags)
        opened = await service.assessments.RecordFindings(record, metadata=service.credentials())
    seal = s.CompleteAssessmentRequest(name=ASSESSMENT_NAME, etag=opened.etag)
    await service.assessments.CompleteAssessment(seal, metadata=service.credentials())


def present(condition: str, **changes: Any) -> a.HealthFlag:
    return a.HealthFlag(condition=condition, answer=a.HealthFlag.PRESENT, **changes)


async def reached_the_end(service: Running, identifier: str = "last") -> None:
    """Returns when everything that has happened so far was followed: a plan made from another assessment is stale."""
    name = await service.assess(identifier=identifier)
    made = await service.call("CreatePlan", planning(assessment=name, plan_id=identifier))
    newest = await service.assessments.GetAssessment(s.GetAssessmentRequest(name=name), metadata=service.credentials())
    await service.amend(name, newest.etag)
    call: Any = service.planner.WatchPlans(WATCH, metadata=service.credentials(), timeout=8)
    try:
        while True:
            event = await call.read()
            if event.plan == made.name and event.state == pb.Plan.STALE:
                return
    finally:
        call.cancel()


# Effects


async def test_a_draft_becomes_stale_when_its_assessment_is_amended(service: Running) -> None:
    await service.assess()
    await service.call("CreatePlan", planning())
    async with followed(service):
        await amended(service)
        event = await until(service, STALE)
    plan = await service.call("GetPlan", GET)
    assert plan.state == pb.Plan.STALE
    assert plan.hold_reason == "The assessment has changed since the plan was made."
    assert event.person.id == "planner"
    assert await service.store.verify(service.clinic) == ()


async def test_an_approved_plan_goes_on_hold_for_a_new_contraindication(service: Running) -> None:
    approved = await approved_plan(service)
    async with followed(service):
        await amended(service, present("anticoagulant"))
        event = await until(service, HELD)
    plan = await service.call("GetPlan", GET)
    assert (plan.state, plan.hold, plan.approved_version) == (pb.Plan.APPROVED, True, approved.version)
    assert "forbids a step of the plan" in plan.hold_reason
    assert event.reason == "the assessment has a new contraindication", "nothing of what it is"
    usable = review_pb2.ListUsablePlansRequest(parent=CLIENT)
    assert not (await service.call("ListUsablePlans", usable)).plans


async def test_a_finding_counts_before_the_assessment_is_sealed_again(in_memory: Running) -> None:
    await approved_plan(in_memory)
    newest = await in_memory.assessments.GetAssessment(
        s.GetAssessmentRequest(name=ASSESSMENT_NAME), metadata=in_memory.credentials()
    )
    async with followed(in_memory):
        await in_memory.amend(ASSESSMENT_NAME, newest.etag)
        record = s.RecordFindingsRequest(name=ASSESSMENT_NAME, health_flags=[present("anticoagulant")])
        await in_memory.assessments.RecordFindings(record, metadata=in_memory.credentials())
        await until(in_memory, HELD)


async def test_an_amendment_that_forbids_nothing_leaves_an_approved_plan_in_use(in_memory: Running) -> None:
    approved = await approved_plan(in_memory)
    async with followed(in_memory):
        await amended(in_memory, present("skin_lesion", zone="heel", side=a.LEFT))
        await reached_the_end(in_memory)
    assert await in_memory.call("GetPlan", GET) == approved


async def test_a_voided_assessment(in_memory: Running) -> None:
    await in_memory.assess()
    await in_memory.call("CreatePlan", planning(plan_id="draft"))
    await approve(in_memory, await in_memory.call("CreatePlan", planning()))
    newest = await in_memory.assessments.GetAssessment(
        s.GetAssessmentRequest(name=ASSESSMENT_NAME), metadata=in_memory.credentials()
    )
    async with followed(in_memory):
        await in_memory.void(ASSESSMENT_NAME, newest.etag)
        await until(in_memory, STALE)
        await until(in_memory, HELD)
    assert "voided" in (await in_memory.call("GetPlan", GET)).hold_reason
    draft = await in_memory.call("GetPlan", service_pb.GetPlanRequest(name=f"{CLIENT}/plans/draft"))
    assert (draft.state, "voided" in draft.hold_reason) == (pb.Plan.STALE, True)


# Stops and starts


async def test_what_happened_while_nobody_followed_is_made_up_for(service: Running) -> None:
    await service.assess()
    await service.call("CreatePlan", planning())
    await amended(service)
    assert (await service.call("GetPlan", GET)).state == pb.Plan.PROPOSED, "the control: nobody followed"
    async with followed(service):
        await until(service, STALE)


async def test_following_again_from_the_start_changes_nothing_twice(service: Running) -> None:
    approved = await approved_plan(service)
    await service.call("CreatePlan", planning(plan_id="draft"))
    async with followed(service):
        await amended(service, present("anticoagulant"))
        await until(service, HELD)
        await reached_the_end(service)
    before = await service.call("GetPlan", GET)
    assert before.revision == approved.revision + 1
    cursors = Cursors(store=service.store, documents=cursor_documents(), clock=ticking())
    noted, etag = await cursors.read(service.clinic)
    assert noted
    await cursors.move(service.clinic, "", etag)
    async with followed(service):
        await amended(service)
        await reached_the_end(service, "second-last")
    after = await service.call("GetPlan", GET)
    assert (after.revision, after.hold) == (before.revision, True)


async def test_a_cursor_that_the_assessment_service_never_gave_begins_anew(in_memory: Running) -> None:
    cursors = Cursors(store=in_memory.store, documents=cursor_documents(), clock=ticking())
    await cursors.move(in_memory.clinic, "bm9uc2Vuc2U", None)
    await in_memory.assess()
    await in_memory.call("CreatePlan", planning())
    async with followed(in_memory):
        await amended(in_memory)
        await until(in_memory, STALE)


async def test_the_assessment_service_goes_away_and_comes_back(in_memory: Running) -> None:
    await in_memory.assess()
    await in_memory.call("CreatePlan", planning())
    places = iter(["127.0.0.1:1", "127.0.0.1:1"])

    def channel(token: Any) -> grpc.aio.Channel:
        return open_channel(next(places, in_memory.assessment_server.address), token_source=token)

    async with followed(in_memory, open_channel=channel):
        await amended(in_memory)
        await until(in_memory, STALE)


async def test_a_token_that_has_ended_is_read_anew(in_memory: Running) -> None:
    await in_memory.assess()
    await in_memory.call("CreatePlan", planning())
    ended = in_memory.issuer.token(clinic=in_memory.clinic, roles=["system"], valid_seconds=-3600)
    fresh = in_memory.issuer.token(clinic=in_memory.clinic, roles=["system"])
    asked: list[None] = []

    def tokens() -> dict[str, str]:
        asked.append(None)
        return {in_memory.clinic: ended if len(asked) < 4 else fresh}

    async with followed(in_memory, tokens=tokens):
        await amended(in_memory)
        await until(in_memory, STALE)


async def test_the_place_is_noted_after_many_events_that_change_nothing(in_memory: Running) -> None:
    with pytest.raises(RecordMissing):
        await in_memory.store.read(in_memory.clinic, CURSOR_NAME)
    async with followed(in_memory):
        for number in range(NOTED_AFTER_EVENTS):
            await in_memory.open(identifier=f"a-{number}")
        async with asyncio.timeout(20), aclosing(in_memory.store.events(in_memory.clinic, 0)) as events:  # type: ignore[type-var]
            assert (await anext(events)).name == CURSOR_NAME


def test_a_file_of_tokens(in_memory: Running, tmp_path: Any) -> None:
    path = tmp_path / "tokens"
    assert tokens_in(path) == {}
    one, two = (in_memory.issuer.token(clinic=clinic) for clinic in ("north", "south"))
    path.write_text(f"{one}\nnonsense\n\n{two}\n")
    assert tokens_in(path) == {"north": one, "south": two}
