"""CompareAssessments, as a client sees it."""

from __future__ import annotations

from typing import Any

import grpc
import pytest

from myoplan.assessment.v1 import assessment_pb2 as a
from myoplan.assessment.v1 import assessment_service_pb2 as s
from tests.support.assessment import CLIENT, LEFT, NAME, Running, pain, recording, rom

SECOND = f"{CLIENT}/assessments/second"
Change = s.AssessmentComparison


def comparing(**changes: Any) -> s.CompareAssessmentsRequest:
    return s.CompareAssessmentsRequest(**{"parent": CLIENT, "earlier": NAME, "later": SECOND, **changes})


async def two_visits(service: Running) -> None:
    first = a.Assessment(pain_areas=[pain(intensity=6)], rom_tests=[rom(48.0), rom(70.0, side=LEFT)])
    second = a.Assessment(pain_areas=[pain(intensity=2)], rom_tests=[rom(70.0), rom(71.0, side=LEFT)])
    await service.create(assessment=first)
    await service.create(assessment=second, assessment_id="second")


async def test_two_visits(service: Running) -> None:
    await two_visits(service)
    found = await service.call("CompareAssessments", comparing())
    assert (found.earlier, found.earlier_revision, found.later, found.later_revision) == (NAME, 1, SECOND, 1)
    right, left = found.motions
    assert (right.motion, right.side, right.mode) == ("cervical_rotation", a.RIGHT, a.RomTest.ACTIVE)
    assert (right.earlier_value, right.later_value, right.change, right.same_examiner) == (48, 70, 22, True)
    assert right.verdict == Change.BEYOND_ERROR
    assert right.measurement_error > 0
    assert right.error_source
    assert (left.change, left.verdict) == (1, Change.WITHIN_ERROR)
    (hurt,) = found.pain_areas
    assert (hurt.earlier_intensity, hurt.later_intensity, hurt.change) == (6, 2, -4)
    assert hurt.verdict == Change.NOT_COMPARABLE
    assert not hurt.HasField("threshold")
    assert "from 6 to 2 of 10" in hurt.message


async def test_two_revisions_of_one(service: Running) -> None:
    await two_visits(service)
    await service.call("RecordFindings", recording(rom_tests=[rom(60.0)]))
    found = await service.call("CompareAssessments", comparing(later=NAME, earlier_revision=1, later_revision=2))
    assert [change.change for change in found.motions] == [12, 0]


@pytest.mark.parametrize(
    "changes",
    [
        {"earlier": SECOND, "later": NAME},
        {"later": NAME},
        {"later": NAME, "earlier_revision": 1, "later_revision": 1},
    ],
    ids=["exchanged", "itself", "the same revision"],
)
async def test_the_later_one_has_to_be_later(service: Running, changes: dict[str, Any]) -> None:
    await two_visits(service)
    refusal = await service.refused("CompareAssessments", comparing(**changes))
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert [problem.field for problem in refusal.fields] == ["later"]


async def test_a_voided_assessment_is_not_compared(service: Running) -> None:
    await two_visits(service)
    newest = await service.get(SECOND)
    await service.call("VoidAssessment", s.VoidAssessmentRequest(name=SECOND, etag=newest.etag, reason="wrong client"))
    for changes in ({}, {"later_revision": 1}):
        refusal = await service.refused("CompareAssessments", comparing(**changes))
        assert (refusal.code.name, refusal.reason) == ("FAILED_PRECONDITION", "STATE_FORBIDS")


async def test_every_problem_is_named_at_once(service: Running) -> None:
    request = comparing(earlier="clients/eve/assessments/x", later="nonsense", earlier_revision=0, later_revision=-1)
    refusal = await service.refused("CompareAssessments", request)
    assert {problem.field for problem in refusal.fields} == {
        "earlier", "later", "earlier_revision", "later_revision",
    }  # fmt: skip


async def test_what_does_not_exist_is_not_found(service: Running) -> None:
    await service.create()
    refusal = await service.refused("CompareAssessments", comparing())
    assert (refusal.code.name, refusal.metadata["resource"]) == ("NOT_FOUND", SECOND)
