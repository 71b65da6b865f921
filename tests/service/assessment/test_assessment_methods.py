"""Every method of the contract, as a client sees it."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from myoplan.assessment.v1 import assessment_pb2 as a
from myoplan.assessment.v1 import assessment_service_pb2 as s
from services.assessment.usecases.read import PAGE_BYTES
from tests.support.assessment import (
    CLIENT,
    LEFT,
    NAME,
    Running,
    flag,
    pain,
    palpation,
    posture,
    recording,
    rom,
    updating,
    whole_assessment,
)

DERIVED = ("knowledge_revision", "name", "uid", "etag", "revision", "state", "author", "create_time", "update_time")


def as_sent(stored: a.Assessment) -> a.Assessment:
    """Returns an assessment without what the service adds."""
    plain: Any = a.Assessment()
    plain.CopyFrom(stored)
    for field in DERIVED:
        plain.ClearField(field)
    findings: list[Any] = [
        *plain.pain_areas,
        *plain.palpation_findings,
        *plain.rom_tests,
        *plain.posture_observations,
        *plain.health_flags,
    ]
    for finding in findings:
        finding.ClearField("id")
        for derived in ("classification", "interpretation"):
            if derived in finding.DESCRIPTOR.fields_by_name:
                finding.ClearField(derived)
    answer: a.Assessment = plain
    return answer


async def decide(service: Running, method: str, etag: str, **fields: Any) -> a.Assessment:
    """Calls a method that needs a name and an etag."""
    kind = getattr(s, f"{method}Request")
    answer: a.Assessment = await service.call(method, kind(name=NAME, etag=etag, **fields))
    return answer


async def test_what_is_created_is_read_back_whole(service: Running) -> None:
    created = await service.create(assessment=whole_assessment())
    assert (created.name, created.revision, created.state) == (NAME, 1, a.Assessment.OPEN)
    assert created.author == a.Person(id="tess", display_name="Tess")
    assert created.uid
    assert created.etag
    sent = whole_assessment()
    sent.rom_tests[2].examiner = "tess"
    assert as_sent(created) == sent
    assert await service.get() == created
    assert created.palpation_findings[0].classification == a.PalpationFinding.ACTIVE_TRIGGER_POINT
    meaning = created.rom_tests[0].interpretation
    assert meaning.verdict == a.RomTest.REDUCED
    assert meaning.norm_source
    assert meaning.side_difference == -22
    assert not created.rom_tests[2].HasField("interpretation"), "nothing was measured"


async def test_an_empty_assessment_is_one(service: Running) -> None:
    created = await service.create()
    assert as_sent(created) == a.Assessment()


async def test_an_id_is_made_where_none_is_given(service: Running) -> None:
    one, two = [await service.create(assessment_id="") for _ in range(2)]
    assert one.name != two.name
    assert await service.get(one.name) == one


async def test_a_taken_id_is_refused(service: Running) -> None:
    created = await service.create()
    refusal = await service.refused(
        "CreateAssessment",
        s.CreateAssessmentRequest(parent=CLIENT, assessment_id="first", assessment=a.Assessment(complaint="other")),
    )
    assert (refusal.code.name, refusal.reason) == ("ALREADY_EXISTS", "RESOURCE_ALREADY_EXISTS")
    assert await service.get() == created


async def test_findings_are_added_and_replaced(service: Running) -> None:
    await service.create(assessment=a.Assessment(pain_areas=[pain(intensity=6)]))
    recorded = await service.call(
        "RecordFindings", recording(pain_areas=[pain(intensity=3), pain(side=LEFT)], posture_observations=[posture()])
    )
    assert [(area.side, area.intensity) for area in recorded.pain_areas] == [(a.RIGHT, 3), (a.LEFT, 0)]
    assert recorded.revision == 2
    assert (await service.get(revision=1)).pain_areas[0].intensity == 6


async def test_a_side_recorded_later_changes_what_the_first_means(service: Running) -> None:
    await service.create(assessment=a.Assessment(rom_tests=[rom(70)]))
    assert (await service.get()).rom_tests[0].interpretation.verdict == a.RomTest.WITHIN_NORM
    recorded = await service.call("RecordFindings", recording(rom_tests=[rom(95, side=LEFT)]))
    first, second = recorded.rom_tests
    assert (first.interpretation.verdict, first.interpretation.side_difference) == (a.RomTest.REDUCED, -25)
    assert second.interpretation.verdict == a.RomTest.WITHIN_NORM


async def test_an_id_of_another_kind_is_a_field_problem(service: Running) -> None:
    created = await service.create(assessment=a.Assessment(pain_areas=[pain(id="x")]))
    refusal = await service.refused("RecordFindings", recording(posture_observations=[posture(id="x")]))
    assert (refusal.reason, refusal.fields[0].field) == ("FIELD_INVALID", "posture_observations[0].id")
    assert await service.get() == created


async def test_findings_are_taken_back_and_stay_in_the_history(service: Running) -> None:
    created = await service.create(assessment=a.Assessment(pain_areas=[pain(id="x"), pain(id="y", side=LEFT)]))
    left = await decide(service, "RetractFindings", created.etag, finding_ids=["x"], reason="wrong side")
    assert [area.id for area in left.pain_areas] == ["y"]
    assert await service.get(revision=1) == created
    refusal = await service.refused(
        "RetractFindings", s.RetractFindingsRequest(name=NAME, etag=left.etag, finding_ids=["x", "y"], reason="again")
    )
    assert (refusal.code.name, refusal.metadata["resource"]) == ("NOT_FOUND", NAME)
    assert "x" in refusal.message
    assert await service.get() == left


async def test_an_update_changes_what_the_mask_names(service: Running) -> None:
    created = await service.create(assessment=whole_assessment())
    request = updating("complaint", "profile.age_years", "goals", etag=created.etag, complaint="less pain")
    updated = await service.call("UpdateAssessment", request)
    assert (updated.complaint, list(updated.goals)) == ("less pain", [])
    assert not updated.profile.HasField("age_years"), "the mask names it and it is absent"
    assert updated.profile.sex == a.ClientProfile.FEMALE
    assert updated.lifestyle == created.lifestyle
    assert updated.rom_tests[0].interpretation.norm_value != created.rom_tests[0].interpretation.norm_value


async def test_from_open_to_sealed_to_open_to_void(service: Running) -> None:
    created = await service.create(assessment=a.Assessment(complaint="x"))
    sealed = await decide(service, "CompleteAssessment", created.etag)
    assert sealed.state == a.Assessment.COMPLETED
    assert sealed.HasField("complete_time")
    amended = await decide(service, "AmendAssessment", sealed.etag, reason="a finding was missing")
    assert (amended.state, amended.complete_time) == (a.Assessment.OPEN, sealed.complete_time)
    assert await service.get(revision=2) == sealed, "the sealed revision stays readable"
    voided = await decide(service, "VoidAssessment", amended.etag, reason="another client")
    assert (voided.state, voided.complaint, voided.revision) == (a.Assessment.VOIDED, "x", 4)


async def test_a_state_that_forbids_it_says_so(service: Running) -> None:
    created = await service.create(assessment=a.Assessment(pain_areas=[pain(id="x")]))
    sealed = await decide(service, "CompleteAssessment", created.etag)
    etag = sealed.etag
    for method, request in {
        "UpdateAssessment": updating("complaint", etag=etag, complaint="x"),
        "RecordFindings": recording(pain_areas=[pain()]),
        "RetractFindings": s.RetractFindingsRequest(name=NAME, etag=etag, finding_ids=["x"], reason="r"),
        "CompleteAssessment": s.CompleteAssessmentRequest(name=NAME, etag=etag),
    }.items():
        refusal = await service.refused(method, request)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "STATE_FORBIDS")
        assert refusal.metadata == {"resource": NAME, "state": "COMPLETED", "needed": "OPEN"}
        assert len(refusal.preconditions) == 1
    assert await service.get() == sealed
    voided = await decide(service, "VoidAssessment", etag, reason="r")
    for method in ("VoidAssessment", "AmendAssessment"):
        kind = getattr(s, f"{method}Request")
        refusal = await service.refused(method, kind(name=NAME, etag=voided.etag, reason="r"))
        assert refusal.metadata["state"] == "VOIDED"


@pytest.mark.parametrize("etag", ["stale", "1-0000000000000000", "nonsense"])
async def test_a_wrong_etag_is_aborted(service: Running, etag: str) -> None:
    created = await service.create(assessment=a.Assessment(pain_areas=[pain(id="x")]))
    newest = await service.call("RecordFindings", recording(pain_areas=[pain(id="y", side=LEFT)]))
    etag = created.etag if etag == "stale" else etag
    for method, request in {
        "UpdateAssessment": updating("complaint", etag=etag, complaint="x"),
        "RecordFindings": recording(pain_areas=[pain()], etag=etag),
        "RetractFindings": s.RetractFindingsRequest(name=NAME, etag=etag, finding_ids=["x"], reason="r"),
        "CompleteAssessment": s.CompleteAssessmentRequest(name=NAME, etag=etag),
        "VoidAssessment": s.VoidAssessmentRequest(name=NAME, etag=etag, reason="r"),
        "AmendAssessment": s.AmendAssessmentRequest(name=NAME, etag=etag, reason="r"),
    }.items():
        refusal = await service.refused(method, request)
        assert (refusal.code.name, refusal.reason) == ("ABORTED", "ETAG_MISMATCH"), method
        assert refusal.metadata == {"resource": NAME}
    assert await service.get() == newest


async def test_what_does_not_exist_is_not_found(service: Running) -> None:
    await service.create()
    missing = f"{CLIENT}/assessments/second"
    for request in (s.GetAssessmentRequest(name=missing), s.GetAssessmentRequest(name=NAME, revision=2)):
        refusal = await service.refused("GetAssessment", request)
        assert (refusal.code.name, refusal.metadata) == ("NOT_FOUND", {"resource": request.name})


async def test_an_assessment_does_not_outgrow_a_message(service: Running) -> None:
    await service.create()
    note = "x" * 8192
    flags = [flag(condition="skin_lesion", id=f"f{n}", note=note) for n in range(20)]
    recorded = await service.call("RecordFindings", recording(health_flags=flags))
    more = [flag(condition="skin_lesion", id=f"g{n}", note=note) for n in range(20)]
    refusal = await service.refused("RecordFindings", recording(health_flags=more))
    assert (refusal.code.name, refusal.reason) == ("RESOURCE_EXHAUSTED", "LIMIT_EXCEEDED")
    assert refusal.metadata == {"resource": NAME, "limit": "assessment_bytes", "most": "262144"}
    assert await service.get() == recorded


async def test_an_assessment_holds_so_many_findings(service: Running) -> None:
    await service.create(assessment=a.Assessment(pain_areas=[pain(id=f"p{n}") for n in range(128)]))
    refusal = await service.refused("RecordFindings", recording(pain_areas=[pain(id="one-more")]))
    assert refusal.metadata == {"resource": NAME, "limit": "pain_areas", "most": "128"}


async def test_the_largest_assessment_travels(service: Running) -> None:
    """All kinds full, within one message each way."""
    await service.create(
        assessment=a.Assessment(
            pain_areas=[pain(id=f"p{n}", intensity=5) for n in range(128)],
            palpation_findings=[palpation(id=f"m{n}", taut_band=True, spot_tenderness=True) for n in range(400)],
            rom_tests=[rom(id=f"r{n}") for n in range(256)],
            posture_observations=[posture(id=f"o{n}") for n in range(128)],
            health_flags=[flag(id=f"h{n}") for n in range(200)],
        )
    )
    read = await service.get()
    assert len(read.palpation_findings) + len(read.rom_tests) == 656
    assert read.ByteSize() < 256 * 1024


# Lists


async def listed(service: Running, **fields: Any) -> list[list[str]]:
    """Returns the ids of all pages."""
    request = s.ListAssessmentsRequest(**{"parent": CLIENT, **fields})
    pages = []
    while True:
        page = await service.call("ListAssessments", request)
        pages.append([assessment.name.rpartition("/")[2] for assessment in page.assessments])
        request.page_token = page.next_page_token
        if not request.page_token:
            return pages


async def test_assessments_are_listed_newest_first_in_pages(service: Running) -> None:
    for number in range(5):
        await service.create(assessment_id=f"n{number}")
    await service.create(parent="clients/ben", assessment_id="other")
    assert await listed(service) == [["n4", "n3", "n2", "n1", "n0"]]
    assert await listed(service, page_size=2) == [["n4", "n3"], ["n2", "n1"], ["n0"]]
    assert await listed(service, page_size=5) == [["n4", "n3", "n2", "n1", "n0"]]
    assert await listed(service, parent="clients/-", page_size=4) == [["other", "n4", "n3", "n2"], ["n1", "n0"]]
    assert await listed(service, parent="clients/nobody") == [[]]


async def test_a_list_holds_whole_assessments(service: Running) -> None:
    created = await service.create(assessment=whole_assessment())
    page = await service.call("ListAssessments", s.ListAssessmentsRequest(parent=CLIENT))
    assert list(page.assessments) == [created]


async def test_a_list_may_ask_for_a_state(service: Running) -> None:
    for number in range(40):
        created = await service.create(assessment_id=f"n{number}")
        if number % 3 == 0:
            await service.call("CompleteAssessment", s.CompleteAssessmentRequest(name=created.name, etag=created.etag))
    pages = await listed(service, state=a.Assessment.COMPLETED, page_size=5)
    assert [identifier for page in pages for identifier in page] == [f"n{number}" for number in range(39, -1, -3)]
    assert max(len(page) for page in pages) == 5
    assert await listed(service, state=a.Assessment.VOIDED) == [[]]


async def test_a_page_stays_below_the_largest_message(service: Running) -> None:
    note = "x" * 8000
    for number in range(20):
        flags = [flag(condition="skin_lesion", id=f"f{n}", note=note) for n in range(30)]
        await service.create(assessment_id=f"n{number}", assessment=a.Assessment(health_flags=flags))
    request = s.ListAssessmentsRequest(parent=CLIENT, page_size=200)
    names: list[str] = []
    sizes = []
    while True:
        page = await service.call("ListAssessments", request)
        names += [assessment.name.rpartition("/")[2] for assessment in page.assessments]
        sizes.append(page.ByteSize())
        request.page_token = page.next_page_token
        if not page.next_page_token:
            break
    assert names == [f"n{number}" for number in range(19, -1, -1)]
    assert len(sizes) == 2
    assert max(sizes) < PAGE_BYTES + 1024


async def test_a_token_of_another_list_is_refused(service: Running) -> None:
    for number in range(3):
        await service.create(assessment_id=f"n{number}")
    first = await service.call("ListAssessments", s.ListAssessmentsRequest(parent=CLIENT, page_size=1))
    token = first.next_page_token
    for request in (
        s.ListAssessmentsRequest(parent="clients/-", page_token=token),
        s.ListAssessmentsRequest(parent=CLIENT, state=a.Assessment.OPEN, page_token=token),
    ):
        refusal = await service.refused("ListAssessments", request)
        assert [problem.field for problem in refusal.fields] == ["page_token"]
    revisions = s.ListAssessmentRevisionsRequest(name=f"{CLIENT}/assessments/n0", page_token=token)
    assert (await service.refused("ListAssessmentRevisions", revisions)).reason == "FIELD_INVALID"


async def test_revisions_say_who_did_what(service: Running) -> None:
    created = await service.create(assessment=a.Assessment(complaint="x", pain_areas=[pain(id="p")]))
    await service.call("RecordFindings", recording(rom_tests=[rom(id="r")]), person="kim")
    newest = await service.get()
    updated = await service.call("UpdateAssessment", updating("goals", etag=newest.etag, goals=["walk"]))
    retracted = await decide(service, "RetractFindings", updated.etag, finding_ids=["p"], reason="wrong client")
    await decide(service, "CompleteAssessment", retracted.etag)
    answer = await service.call("ListAssessmentRevisions", s.ListAssessmentRevisionsRequest(name=NAME))
    told = [
        (each.revision, s.Action.Name(each.action), each.person.id, each.reason, list(each.changes))
        for each in answer.revisions
    ]
    assert told == [
        (5, "COMPLETED", "tess", "", []),
        (4, "FINDINGS_RETRACTED", "tess", "wrong client", ["p"]),
        (3, "UPDATED", "tess", "", ["goals"]),
        (2, "FINDINGS_RECORDED", "kim", "", ["r"]),
        (1, "CREATED", "tess", "", ["complaint", "p"]),
    ]
    assert answer.revisions[-1].etag == created.etag
    assert answer.revisions[-1].time == created.create_time or answer.revisions[-1].time == created.update_time
    assert not answer.next_page_token


async def test_revisions_come_in_pages(service: Running) -> None:
    await service.create()
    for number in range(6):
        await service.call("RecordFindings", recording(pain_areas=[pain(intensity=number)]))
    request = s.ListAssessmentRevisionsRequest(name=NAME, page_size=3)
    pages = []
    while True:
        page = await service.call("ListAssessmentRevisions", request)
        pages.append([each.revision for each in page.revisions])
        request.page_token = page.next_page_token
        if not page.next_page_token:
            break
    assert pages == [[7, 6, 5], [4, 3, 2], [1]]


async def test_every_revision_stays_as_it_was(service: Running) -> None:
    revisions = [await service.create(assessment=whole_assessment())]
    revisions.append(await service.call("RecordFindings", recording(pain_areas=[pain(intensity=1)])))
    revisions.append(await decide(service, "CompleteAssessment", revisions[-1].etag))
    revisions.append(await decide(service, "AmendAssessment", revisions[-1].etag, reason="r"))
    revisions.append(
        await service.call(
            "UpdateAssessment",
            s.UpdateAssessmentRequest(
                assessment=a.Assessment(name=NAME, etag=revisions[-1].etag),
                update_mask=FieldMask(paths=["complaint", "preferences"]),
            ),
        )
    )
    revisions.append(await decide(service, "VoidAssessment", revisions[-1].etag, reason="r"))
    for number, revision in enumerate(revisions, start=1):
        assert await service.get(revision=number) == revision
    assert await service.get() == revisions[-1]


async def test_no_method_deletes() -> None:
    methods = s.DESCRIPTOR.services_by_name["AssessmentService"].methods
    assert not [method.name for method in methods if method.name.startswith(("Delete", "Purge", "Remove"))]


async def test_no_health_data_in_the_log(service: Running) -> None:
    canary = "canary-of-the-client"
    await service.create(assessment=a.Assessment(complaint=canary, pain_areas=[pain(id=canary)]))
    await service.call("RecordFindings", recording(posture_observations=[posture(observation=canary)]))
    await service.refused("RecordFindings", recording(palpation_findings=[palpation(muscle=canary)]))
    assert service.log.getvalue()
    assert canary not in service.log.getvalue()
