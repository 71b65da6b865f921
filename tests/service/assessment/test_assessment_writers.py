"""Writes that are repeated, and writes at the same time."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from myoplan.assessment.v1 import assessment_pb2 as a
from myoplan.assessment.v1 import assessment_service_pb2 as s
from services.runtime.limits import Limits
from services.store.redis import RedisStore
from tests.support.assessment import (
    CLIENT,
    NAME,
    Running,
    Snapshot,
    assessment_server,
    new_request_id,
    pain,
    posture,
    recording,
    updating,
)
from tests.support.redis_server import RedisServer
from tests.support.store import SEALER, new_clinic

WRITERS = 32


async def test_every_write_can_be_repeated(service: Running, snapshot: Snapshot) -> None:
    """The first result comes back, whatever happened since; nothing is written a second time."""
    done: list[tuple[str, Any, Any]] = []

    async def write(method: str, kind: Any, **fields: Any) -> a.Assessment:
        request = kind(request_id=new_request_id(), **fields)
        answer: a.Assessment = await service.call(method, request)
        done.append((method, request, answer))
        return answer

    start = a.Assessment(pain_areas=[pain(id="x")])
    created = await write("CreateAssessment", s.CreateAssessmentRequest, parent=CLIENT, assessment=start)
    name = created.name
    recorded = await write("RecordFindings", s.RecordFindingsRequest, name=name, posture_observations=[posture()])
    update = updating("complaint", etag=recorded.etag, complaint="x")
    update.assessment.name = name
    updated = await write(
        "UpdateAssessment",
        s.UpdateAssessmentRequest,
        assessment=update.assessment,
        update_mask=update.update_mask,
    )
    fields = {"name": name, "etag": updated.etag, "reason": "r"}
    retracted = await write("RetractFindings", s.RetractFindingsRequest, finding_ids=["x"], **fields)
    sealed = await write("CompleteAssessment", s.CompleteAssessmentRequest, name=name, etag=retracted.etag)
    amended = await write("AmendAssessment", s.AmendAssessmentRequest, name=name, etag=sealed.etag, reason="r")
    await write("VoidAssessment", s.VoidAssessmentRequest, name=name, etag=amended.etag, reason="r")
    with_request_id = {
        method.name
        for method in s.DESCRIPTOR.services_by_name["AssessmentService"].methods
        if "request_id" in method.input_type.fields_by_name
    }
    assert {method for method, _, _ in done} == with_request_id

    before = await snapshot()
    for method, request, answer in done:
        assert await service.call(method, request) == answer, method
    assert await snapshot() == before


async def test_an_id_belongs_to_the_person(service: Running) -> None:
    request = recording(posture_observations=[posture()], request_id=new_request_id())
    await service.create()
    first = await service.call("RecordFindings", request)
    assert (await service.call("RecordFindings", request, person="kim")).revision == first.revision + 1


@pytest.mark.parametrize("times", [8])
async def test_the_same_request_at_the_same_time_happens_once(service: Running, times: int) -> None:
    request = s.CreateAssessmentRequest(parent=CLIENT, assessment=a.Assessment(), request_id=new_request_id())
    answers = await asyncio.gather(*(service.call("CreateAssessment", request) for _ in range(times)))
    assert len({answer.SerializeToString() for answer in answers}) == 1
    page = await service.call("ListAssessments", s.ListAssessmentsRequest(parent=CLIENT))
    assert len(page.assessments) == 1
    recording_ = recording(name=answers[0].name, posture_observations=[posture()], request_id=new_request_id())
    recorded = await asyncio.gather(*(service.call("RecordFindings", recording_) for _ in range(times)))
    assert {answer.revision for answer in recorded} == {2}


async def test_a_repeated_write_with_a_stale_etag_is_still_the_first_result(service: Running) -> None:
    created = await service.create()
    request = s.CompleteAssessmentRequest(name=NAME, etag=created.etag, request_id=new_request_id())
    sealed = await service.call("CompleteAssessment", request)
    assert await service.call("CompleteAssessment", request) == sealed
    request.request_id = new_request_id()
    assert (await service.refused("CompleteAssessment", request)).reason == "ETAG_MISMATCH"


async def test_of_many_with_the_same_etag_one_wins(service: Running) -> None:
    created = await service.create()
    requests = [updating("complaint", etag=created.etag, complaint=f"complaint {number}") for number in range(12)]
    answers = await asyncio.gather(
        *(service.call("UpdateAssessment", request) for request in requests), return_exceptions=True
    )
    won = [answer for answer in answers if isinstance(answer, a.Assessment)]
    assert len(won) == 1
    assert (await service.get()).complaint == won[0].complaint
    assert (await service.get()).revision == 2


async def test_32_writers_of_one_assessment_all_succeed(tmp_path: Path, redis: RedisServer) -> None:
    """Two processes of the service, as far as the store can tell; every acknowledged finding is there, none twice."""
    clinic, limits = new_clinic(), Limits(calls_per_clinic=WRITERS)
    async with (
        RedisStore(redis.url, "assessment", SEALER) as one,
        RedisStore(redis.url, "assessment", SEALER) as two,
        assessment_server(tmp_path, one, clinic, limits=limits) as first,
    ):
        (tmp_path / "second").mkdir()
        async with assessment_server(tmp_path / "second", two, clinic, limits=limits) as second:
            await first.create()

            async def add(number: int) -> a.Assessment:
                service = (first, second)[number % 2]
                area = posture(id=f"seen-{number}")
                call = service.stub.RecordFindings(
                    recording(posture_observations=[area], request_id=new_request_id()),
                    metadata=service.credentials(),
                    timeout=5,  # the deadline of a client that sets none
                )
                return await call

            answers = await asyncio.gather(*(add(number) for number in range(WRITERS)))
            stored = await first.get()
            ids = [each.id for each in stored.posture_observations]
            assert Counter(ids) == Counter(f"seen-{number}" for number in range(WRITERS))
            assert {answer.revision for answer in answers} == set(range(2, WRITERS + 2))
            assert await one.verify(clinic) == ()


async def test_32_writers_in_one_process(service: Running, tmp_path: Path) -> None:
    (tmp_path / "wide").mkdir()
    wide = Limits(calls_per_clinic=WRITERS)
    async with assessment_server(tmp_path / "wide", service.store, service.clinic, limits=wide) as running:
        await running.create()
        await asyncio.gather(
            *(
                running.call("RecordFindings", recording(posture_observations=[posture(id=f"seen-{number}")]))
                for number in range(WRITERS)
            )
        )
        assert len((await running.get()).posture_observations) == WRITERS
        assert (await running.get()).revision == WRITERS + 1
