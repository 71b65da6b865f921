"""The audit trail of one plan, as ListPlanEvents tells it."""

from __future__ import annotations

import grpc

from myoplan.planner.v1 import review_pb2 as pb
from services.store.model import Write
from tests.support.planner_service import PLAN_NAME, Running, planning
from tests.support.store import person


async def revised(running: Running, times: int) -> None:
    """Makes a plan and writes it again so many times, as one person after another."""
    await running.assess()
    await running.call("CreatePlan", planning(20))
    for number in range(times):
        newest = await running.store.read(running.clinic, PLAN_NAME)
        await running.store.write(
            Write(
                actor=person(running.clinic, f"p{number}"),
                name=PLAN_NAME,
                expected_etag=newest.entry.etag,
                content=newest.content,
                action="REVISED",
                time_micros=1_800_000_000_000_000 + number,
                reason=f"reason {number}",
                facts=newest.entry.facts,
            )
        )


async def test_events_say_who_did_what_when_and_why_newest_first(service: Running) -> None:
    await revised(service, 2)
    answer = await service.call("ListPlanEvents", pb.ListPlanEventsRequest(parent=PLAN_NAME))
    assert [event.revision for event in answer.events] == [3, 2, 1]
    assert [(event.person.id, event.reason) for event in answer.events[:2]] == [("p1", "reason 1"), ("p0", "reason 0")]
    assert {event.plan for event in answer.events} == {PLAN_NAME}
    assert [event.previous_seal for event in answer.events] == [*[event.seal for event in answer.events[1:]], ""]
    assert answer.events[0].roles == ["therapist"]
    assert answer.next_page_token == ""


async def test_pages_hold_every_event_once(service: Running) -> None:
    await revised(service, 4)
    seen: list[int] = []
    token = ""
    while True:
        request = pb.ListPlanEventsRequest(parent=PLAN_NAME, page_size=2, page_token=token)
        answer = await service.call("ListPlanEvents", request)
        seen += [event.revision for event in answer.events]
        token = answer.next_page_token
        if not token:
            break
    assert seen == [5, 4, 3, 2, 1]


async def test_another_plans_token_and_name_are_refused(service: Running) -> None:
    await revised(service, 1)
    page = await service.call("ListPlanEvents", pb.ListPlanEventsRequest(parent=PLAN_NAME, page_size=1))
    other = pb.ListPlanEventsRequest(parent="clients/ada/plans/other", page_token=page.next_page_token)
    refusal = await service.refused("ListPlanEvents", other)
    assert [problem.field for problem in refusal.fields] == ["page_token"]
    refusal = await service.refused("ListPlanEvents", pb.ListPlanEventsRequest(parent="clients/ada", page_size=-1))
    assert [problem.field for problem in refusal.fields] == ["parent", "page_size"]
    missing = await service.refused("ListPlanEvents", pb.ListPlanEventsRequest(parent="clients/ada/plans/none"))
    assert missing.code is grpc.StatusCode.NOT_FOUND
    foreign = await service.refused("ListPlanEvents", pb.ListPlanEventsRequest(parent=PLAN_NAME), clinic="elsewhere")
    assert foreign.code is grpc.StatusCode.NOT_FOUND
