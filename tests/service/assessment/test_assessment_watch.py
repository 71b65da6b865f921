"""Events: in order, each at least once, from a cursor on, and nothing of a record in them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from myoplan.assessment.v1 import assessment_pb2 as a
from myoplan.assessment.v1 import assessment_service_pb2 as s
from services.assessment.api import positions
from tests.support.assessment import CLIENT, NAME, Running, pain, recording

ALL = "clients/-"


async def take(service: Running, count: int, **fields: Any) -> list[s.AssessmentEvent]:
    """Returns the next events and leaves."""
    watching = service.watch(s.WatchAssessmentsRequest(**{"parent": ALL, **fields}))
    async with asyncio.timeout(10):
        events = [await watching.read() for _ in range(count)]
    watching.cancel()
    return events


async def test_events_say_who_did_what_to_which(service: Running) -> None:
    created = await service.create(assessment=a.Assessment(complaint="secret words", pain_areas=[pain()]))
    sealed = await service.call(
        "CompleteAssessment", s.CompleteAssessmentRequest(name=NAME, etag=created.etag), person="kim"
    )
    first, second = await take(service, 2)
    assert (first.action, first.state, first.revision) == (s.CREATED, a.Assessment.OPEN, 1)
    assert (second.action, second.state, second.revision) == (s.COMPLETED, a.Assessment.COMPLETED, 2)
    assert (first.assessment, first.etag, first.person) == (NAME, created.etag, created.author)
    assert (second.etag, second.person.id, second.time) == (sealed.etag, "kim", sealed.update_time)
    assert b"secret" not in first.SerializeToString()
    assert b"back_of_head" not in first.SerializeToString()


async def test_a_watch_goes_on_behind_its_cursor(service: Running) -> None:
    for number in range(6):
        await service.create(assessment_id=f"n{number}")
    everything = await take(service, 6)
    assert [event.assessment[-2:] for event in everything] == [f"n{number}" for number in range(6)]
    for number, event in enumerate(everything[:-1]):
        assert await take(service, 5 - number, cursor=event.cursor) == everything[number + 1 :]


async def test_new_events_arrive_as_they_happen(service: Running) -> None:
    await service.create()
    (first,) = await take(service, 1)
    watching = service.watch(s.WatchAssessmentsRequest(parent=ALL, cursor=first.cursor))
    reading = asyncio.ensure_future(watching.read())
    recorded = await service.call("RecordFindings", recording(pain_areas=[pain()]))
    async with asyncio.timeout(10):
        event = await reading
    watching.cancel()
    assert (event.action, event.revision, event.etag) == (s.FINDINGS_RECORDED, 2, recorded.etag)


async def test_refusals_are_no_events(service: Running) -> None:
    await service.create(assessment_id="n0")
    await service.refused("ListAssessments", s.ListAssessmentsRequest(parent=CLIENT), roles=["admin"])
    await service.create(assessment_id="n1")
    events = await take(service, 2)
    assert [event.action for event in events] == [s.CREATED, s.CREATED]


async def test_one_client_can_be_watched(service: Running) -> None:
    for client in ("ada", "ad", "ada-b", "ada"):
        await service.create(parent=f"clients/{client}", assessment_id="")
    events = await take(service, 2, parent=CLIENT)
    assert {event.assessment.partition("/assessments/")[0] for event in events} == {CLIENT}
    (other,) = await take(service, 1, parent="clients/ad")
    assert other.assessment.startswith("clients/ad/")


async def test_a_cursor_nobody_was_given_is_refused(service: Running) -> None:
    """Of a place behind the end, say: a store that was put back would otherwise leave its watchers waiting."""
    await service.create()
    await service.create(assessment_id="second")
    first, second = await take(service, 2)
    right = positions.event_position(second.cursor)
    assert right is not None
    name, other_etag = right.name, first.etag
    for text in (
        f"{right.seq + 7} {right.revision} {right.etag} {name}",
        f"{right.seq} {right.revision + 1} {right.etag} {name}",
        f"{right.seq} {right.revision} {other_etag} {name}",
        f"{right.seq} {right.revision} {right.etag} {CLIENT}/assessments/third",
    ):
        request = s.WatchAssessmentsRequest(parent=ALL, cursor=positions._pack(text))
        refusal = await service.refused("WatchAssessments", request)
        assert [problem.field for problem in refusal.fields] == ["cursor"]
    assert first.cursor != second.cursor


@pytest.mark.parametrize("watchers", [4])
async def test_every_watcher_sees_everything(service: Running, watchers: int) -> None:
    streams = [service.watch(s.WatchAssessmentsRequest(parent=ALL)) for _ in range(watchers)]
    for number in range(3):
        await service.create(assessment_id=f"n{number}")
    async with asyncio.timeout(10):
        seen = await asyncio.gather(*(read(stream, 3) for stream in streams))
    assert all(events == seen[0] for events in seen)
    for stream in streams:
        stream.cancel()


async def read(stream: Any, count: int) -> list[s.AssessmentEvent]:
    return [await stream.read() for _ in range(count)]
