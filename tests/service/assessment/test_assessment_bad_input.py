"""Bad input is one clear error that names every wrong field, and no stored key changes."""

from __future__ import annotations

from typing import Any

import grpc
import pytest

from myoplan.assessment.v1 import assessment_pb2 as a
from myoplan.assessment.v1 import assessment_service_pb2 as s
from myoplan.assessment.v1.assessment_service_pb2 import RecordFindingsRequest
from tests.support.assessment import Running, Snapshot, flag, new_request_id, palpation, recording, whole_assessment
from tests.support.bad_assessments import BAD, Bad


async def test_every_bad_request_changes_nothing(service: Running, snapshot: Snapshot) -> None:
    """All of them against one assessment that has everything, so that there is something to change."""
    await service.create(assessment=whole_assessment())
    before = await snapshot()
    for bad in BAD:
        refusal = await service.refused(bad.method, bad.request)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID"), bad.title
        check_fields(bad, {problem.field: problem.problem for problem in refusal.fields})
        assert refusal.metadata["field_count"] == str(len(bad.says))
    assert await snapshot() == before


def check_fields(bad: Bad, said: dict[str, str]) -> None:
    assert set(said) == set(bad.says), bad.title
    for field, part in bad.says.items():
        assert part in said[field], bad.title


async def test_bytes_that_are_no_message(service: Running, snapshot: Snapshot) -> None:
    await service.create()
    before = await snapshot()
    method: Any = service.channel.unary_unary("/myoplan.assessment.v1.AssessmentService/RecordFindings")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await method(b"\xff\xff not a message", metadata=service.credentials())
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert await snapshot() == before


async def test_a_message_of_1_mib(service: Running, snapshot: Snapshot) -> None:
    await service.create()
    before = await snapshot()
    request = recording(health_flags=[flag(note="x" * 2**20)])
    assert (await service.refused("RecordFindings", request)).code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert await snapshot() == before


async def test_hundreds_of_problems_are_counted_and_the_first_are_named(service: Running) -> None:
    await service.create()
    request = recording(palpation_findings=[palpation(id=f"p{n}", muscle="upper_trapezus", side=0) for n in range(400)])
    refusal = await service.refused("RecordFindings", request)
    assert refusal.metadata["field_count"] == "800"
    assert 20 < len(refusal.fields) <= 101
    assert refusal.fields[-1].problem == f"{800 - len(refusal.fields) + 1} more are not listed"


async def test_fields_that_nobody_knows_are_ignored(service: Running) -> None:
    """A newer client may send more than this service knows."""
    await service.create()
    request = RecordFindingsRequest.FromString(
        recording(palpation_findings=[palpation()]).SerializeToString() + b"\xba\x3e\x03abc"
    )
    recorded = await service.call("RecordFindings", request)
    assert len(recorded.palpation_findings) == 1


async def test_a_wrong_request_does_not_use_up_its_id(service: Running) -> None:
    await service.create()
    request_id = new_request_id()
    bad = recording(palpation_findings=[palpation(tenderness=11)], request_id=request_id)
    assert (await service.refused("RecordFindings", bad)).reason == "FIELD_INVALID"
    good = recording(palpation_findings=[palpation(tenderness=1)], request_id=request_id)
    assert (await service.call("RecordFindings", good)).revision == 2


async def test_the_same_request_id_with_another_body(service: Running, snapshot: Snapshot) -> None:
    request_id = new_request_id()
    created = await service.create(request_id=request_id)
    recorded = await service.call("RecordFindings", recording(palpation_findings=[palpation()], request_id=request_id))
    assert recorded.revision == 2, "another method has ids of its own"
    before = await snapshot()
    other = s.CreateAssessmentRequest(
        parent="clients/ada", assessment_id="second", assessment=a.Assessment(), request_id=request_id
    )
    for method, request in {
        "CreateAssessment": other,
        "RecordFindings": recording(palpation_findings=[palpation(tenderness=2)], request_id=request_id),
    }.items():
        refusal = await service.refused(method, request)
        assert (refusal.code.name, refusal.reason) == ("INVALID_ARGUMENT", "REQUEST_ID_REUSED")
        assert refusal.metadata == {"request_id": request_id}
    assert await snapshot() == before
    assert created.revision == 1
