"""Requests become commands, or everything that is wrong with them is told at once."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from itertools import product
from math import copysign
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from myoplan.assessment.v1 import assessment_pb2 as a
from myoplan.assessment.v1 import assessment_service_pb2 as s
from services.assessment.api import names
from services.assessment.api.parse import Parser
from services.assessment.domain.errors import RequestInvalid
from services.assessment.domain.finding_ids import FINDING_ID
from services.assessment.domain.findings import LimitedBy, Measurement, NotTested, Side
from services.assessment.domain.profile import Sex
from services.store.model import Actor
from tests.support.assessment import (
    CLIENT,
    LEFT,
    MIDLINE,
    NAME,
    RIGHT,
    flag,
    knowledge,
    new_request_id,
    pain,
    palpation,
    posture,
    recording,
    rom,
    updating,
    whole_assessment,
)
from tests.support.bad_assessments import BAD, BAD_NAMES, UNSEEN, Bad

TESS = Actor(clinic="clinic-a", person="tess", display_name="Tess", roles=("therapist",))
METHODS = {
    "CreateAssessment": "create",
    "GetAssessment": "get",
    "ListAssessments": "list",
    "UpdateAssessment": "update",
    "RecordFindings": "record",
    "RetractFindings": "retract",
    "CompleteAssessment": "complete",
    "VoidAssessment": "void",
    "AmendAssessment": "amend",
    "ListAssessmentRevisions": "revisions",
    "CompareAssessments": "compare",
    "WatchAssessments": "watch",
}


@pytest.fixture(scope="module")
def parser() -> Parser:
    return Parser(knowledge())


def parsed(parser: Parser, method: str, request: Any) -> Any:
    return getattr(parser, METHODS[method])(TESS, request)


def problems(parser: Parser, method: str, request: Any) -> dict[str, str]:
    with pytest.raises(RequestInvalid) as caught:
        parsed(parser, method, request)
    return {problem.field: problem.problem for problem in caught.value.problems}


def test_every_method_has_a_parser() -> None:
    methods = s.DESCRIPTOR.services_by_name["AssessmentService"].methods
    assert set(METHODS) == {method.name for method in methods}


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.title)
def test_bad_requests_name_every_wrong_field_and_no_other(parser: Parser, bad: Bad) -> None:
    said = problems(parser, bad.method, bad.request)
    assert set(said) == set(bad.says)
    for field, part in bad.says.items():
        assert part in said[field], field


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.title)
def test_nothing_unseen_comes_back(parser: Parser, bad: Bad) -> None:
    """What somebody sent may be quoted, never with what could change how the message reads."""
    for problem in problems(parser, bad.method, bad.request).values():
        assert problem.isprintable()
        assert len(problem) < 400


def test_a_whole_assessment_is_read(parser: Parser) -> None:
    command = parser.create(
        TESS, s.CreateAssessmentRequest(parent=CLIENT, assessment=whole_assessment(), assessment_id="first")
    )
    assert (command.parent, command.assessment_id, command.request) == (CLIENT, "first", None)
    intake, findings = command.intake, command.findings
    assert (intake.profile.age_years, intake.profile.sex) == (41, Sex.FEMALE)
    assert intake.scheduled_time == datetime(2026, 5, 28, 20, 26, 40, 250_000, UTC)
    assert intake.preferences.consents.intraoral_allowed is False
    assert intake.preferences.focus_zones == ("back_of_neck",)
    first, second, third = findings.rom_tests
    assert first.outcome == Measurement(value=48.0, pain=4.0, end_feel="early firm", limited_by=LimitedBy.CONTRACTION)
    assert (second.examiner, third.examiner) == ("kim", "tess"), "whoever names no examiner measured alone"
    assert third.outcome == NotTested(reason="painful")
    assert findings.pain_areas[0].onset_days == 0
    assert findings.ids() == (
        "pain-back_of_head-right",
        "pain-back_of_head-midline",
        "palpation-upper_trapezius-right-shoulder_slope",
        "palpation-upper_trapezius-left",
        "rom-cervical_rotation-right-active",
        "rom-cervical_rotation-left-active",
        "rom-cervical_flexion-midline-active",
        findings.posture_observations[0].id,
        findings.posture_observations[1].id,
        "flag-anticoagulant",
        "flag-pregnancy",
        "flag-skin_lesion-heel-left",
    )


def test_absent_is_not_zero(parser: Parser) -> None:
    asked = palpation(tenderness=0.0, taut_band=False, referred_pain=False)
    command = parser.record(TESS, recording(palpation_findings=[asked, palpation(side=LEFT)]))
    zero, absent = command.findings.palpation_findings
    assert (zero.tenderness, zero.taut_band, zero.referred_pain) == (0.0, False, False)
    assert (absent.tenderness, absent.taut_band, absent.referred_pain) == (None, None, None)


def test_minus_zero_is_zero(parser: Parser) -> None:
    command = parser.record(
        TESS,
        recording(
            pain_areas=[pain(intensity=-0.0)],
            rom_tests=[rom(-0.0)],
            health_flags=[flag(condition="pregnancy", parameters=[a.HealthFlag.Parameter(key="weeks", number=-0.0)])],
        ),
    )
    findings = command.findings
    weeks = findings.health_flags[0].parameters[0].value
    for number in (findings.pain_areas[0].intensity, findings.rom_tests[0].value, weeks):
        assert number == 0.0
        assert copysign(1, float(number)) == 1


@pytest.mark.parametrize("value", [0, 10, 1e-6])
def test_the_ends_of_a_range_are_in_it(parser: Parser, value: float) -> None:
    (area,) = parser.record(TESS, recording(pain_areas=[pain(intensity=value)])).findings.pain_areas
    assert area.intensity == value


def test_every_motion_takes_its_own_sides_and_limits(parser: Parser) -> None:
    for motion in knowledge().motions.values():
        for side in Side:
            test = rom(motion.limit_max, motion=motion.id, side=a.Side.Value(side.name))
            if side in motion.sides:
                (read,) = parser.record(TESS, recording(rom_tests=[test])).findings.rom_tests
                assert read.value == motion.limit_max
            else:
                assert set(problems(parser, "RecordFindings", recording(rom_tests=[test]))) == {"rom_tests[0].side"}
        own = a.Side.Value(Side(motion.sides[0]).name)
        for value in (motion.limit_min - 0.1, motion.limit_max + 0.1):
            said = problems(parser, "RecordFindings", recording(rom_tests=[rom(value, motion=motion.id, side=own)]))
            assert set(said) == {"rom_tests[0].measured.value"}


def test_every_zone_and_muscle_takes_its_own_sides(parser: Parser) -> None:
    words = knowledge()
    for zone, side in product(words.zones.values(), (LEFT, RIGHT, MIDLINE)):
        request = recording(pain_areas=[pain(zone=zone.id, side=side)])
        if side != MIDLINE or zone.crosses_midline:
            parser.record(TESS, request)
        else:
            assert set(problems(parser, "RecordFindings", request)) == {"pain_areas[0].side"}
    for muscle, side in product(words.muscles.values(), (LEFT, RIGHT, MIDLINE)):
        request = recording(palpation_findings=[palpation(muscle=muscle.id, side=side)])
        if muscle.paired == (side != MIDLINE):
            parser.record(TESS, request)
        else:
            assert set(problems(parser, "RecordFindings", request)) == {"palpation_findings[0].side"}


def test_every_derived_id_is_an_id(parser: Parser) -> None:
    words = knowledge()
    for muscle in words.muscles.values():
        side = LEFT if muscle.paired else MIDLINE
        sites = [palpation(muscle=muscle.id, side=side, site=site.id) for site in muscle.sites]
        for identifier in parser.record(TESS, recording(palpation_findings=sites)).findings.ids():
            assert FINDING_ID.fullmatch(identifier)
    for condition in words.conditions:
        (identifier,) = parser.record(TESS, recording(health_flags=[flag(condition=condition)])).findings.ids()
        assert FINDING_ID.fullmatch(identifier)


def test_derived_ids_stay_the_same_and_hold_no_text(parser: Parser) -> None:
    one, again, other = (
        parser.record(TESS, recording(posture_observations=[posture(observation=text)])).findings.ids()[0]
        for text in ("Forward head", "  forward  HEAD ", "forward heads")
    )
    assert one == again != other
    assert "head" not in one


def test_text_is_normalised(parser: Parser) -> None:
    request = recording(posture_observations=[posture(observation="Scha\u0308del", note="two\nlines\tand a tab")])
    (observation,) = parser.record(TESS, request).findings.posture_observations
    assert observation.observation == "Schädel"
    assert observation.note == "two\nlines\tand a tab"


def test_a_note_of_8_kib_is_fine(parser: Parser) -> None:
    parser.record(TESS, recording(health_flags=[flag(note="ä" * 4096)]))


def test_where_it_referred_says_that_it_did(parser: Parser) -> None:
    request = recording(palpation_findings=[palpation(referred_to=[a.ReferredZone(zone="temporal", side=LEFT)])])
    (finding,) = parser.record(TESS, request).findings.palpation_findings
    assert finding.referred_pain is None
    assert finding.referred_to[0].zone == "temporal"


def test_a_flag_may_leave_its_side_out(parser: Parser) -> None:
    request = recording(
        health_flags=[flag(condition="skin_lesion", zone="heel"), flag(condition="fracture", side=LEFT)]
    )
    both, one = parser.record(TESS, request).findings.health_flags
    assert (both.zone, both.side) == ("heel", None)
    assert (one.zone, one.side) == ("", Side.LEFT)


def test_output_only_fields_are_ignored(parser: Parser) -> None:
    sent = whole_assessment()
    plain = parser.create(TESS, s.CreateAssessmentRequest(parent=CLIENT, assessment=sent))
    sent.name, sent.uid, sent.etag, sent.revision, sent.state = "nonsense", "x", "x", -1, a.Assessment.VOIDED
    sent.create_time.CopyFrom(Timestamp(seconds=-(2**62)))
    sent.palpation_findings[0].classification = 99  # type: ignore[assignment]
    sent.rom_tests[0].interpretation.CopyFrom(a.RomTest.Interpretation(norm_value=float("nan"), verdict=99))  # type: ignore[arg-type]
    assert parser.create(TESS, s.CreateAssessmentRequest(parent=CLIENT, assessment=sent)) == plain


def test_an_update_looks_only_at_what_the_mask_names(parser: Parser) -> None:
    request = updating("complaint", "profile.sex", complaint="better", client_label="x" * 100)
    request.assessment.profile.CopyFrom(a.ClientProfile(age_years=999, sex=a.ClientProfile.MALE))
    command = parser.update(TESS, request)
    assert command.paths == ("complaint", "profile.sex")
    assert (command.intake.complaint, command.intake.profile.sex) == ("better", Sex.MALE)
    request.update_mask.paths.append("profile")
    assert set(problems(parser, "UpdateAssessment", request)) == {"assessment.profile.age_years"}


@pytest.mark.parametrize("name", BAD_NAMES)
def test_bad_names_match_nothing(name: str) -> None:
    assert not names.ASSESSMENT_NAME.fullmatch(name)


@pytest.mark.parametrize("identifier", ["a", "0", "a-1", "a" * 63, "a" + "-" * 61 + "a"])
def test_good_ids(parser: Parser, identifier: str) -> None:
    name = f"clients/{identifier}/assessments/{identifier}"
    assert parser.get(TESS, s.GetAssessmentRequest(name=name)).name == name


@pytest.mark.parametrize(
    "parent", [*UNSEEN.values(), "", "clients/", "clients/--", "clients/*", "ada", "clients/ada/x"]
)
def test_bad_parents(parser: Parser, parent: str) -> None:
    assert set(problems(parser, "ListAssessments", s.ListAssessmentsRequest(parent=parent))) == {"parent"}
    assert set(problems(parser, "WatchAssessments", s.WatchAssessmentsRequest(parent=parent))) == {"parent"}


@pytest.mark.parametrize(("asked", "given"), [(0, 50), (1, 1), (200, 200), (201, 200), (2**31 - 1, 200)])
def test_page_sizes(parser: Parser, asked: int, given: int) -> None:
    assert parser.list(TESS, s.ListAssessmentsRequest(parent=CLIENT, page_size=asked)).page_size == given
    assert parser.revisions(TESS, s.ListAssessmentRevisionsRequest(name=NAME, page_size=asked)).page_size == given


def test_a_repeated_request_has_the_same_digest_and_another_body_another(parser: Parser) -> None:
    request_id = new_request_id()

    def request(**changes: Any) -> Any:
        return parser.record(TESS, recording(**{"pain_areas": [pain()], "request_id": request_id, **changes})).request

    assert request() == request() == request(request_id=request_id.upper())
    assert request().body_digest == request(request_id=new_request_id()).body_digest
    for changes in ({"etag": "1-0"}, {"name": f"{CLIENT}/assessments/second"}, {"pain_areas": [pain(intensity=0)]}):
        assert request(**changes).body_digest != request().body_digest
    assert parser.record(TESS, recording(pain_areas=[pain()])).request is None


def test_a_request_full_of_unknown_words_is_refused_quickly(parser: Parser) -> None:
    """Looking for what a word may have meant must not become a way to keep the service busy."""
    request = recording(
        palpation_findings=[
            palpation(id=f"p{n}", muscle=f"some unknown word of the largest length, {n:>20}") for n in range(400)
        ],
        health_flags=[
            flag(id=f"f{n}", condition=f"another unknown word, also rather a long one {n:>18}") for n in range(200)
        ],
    )
    began = time.process_time()
    assert len(problems(parser, "RecordFindings", request)) == 600
    assert time.process_time() - began < 1.0


def test_64_tests_are_read_within_5_milliseconds(parser: Parser) -> None:
    request = recording(rom_tests=[rom(id=f"t{n}") for n in range(64)], request_id=new_request_id())

    def seconds() -> float:
        began = time.process_time()
        parser.record(TESS, request)
        return time.process_time() - began

    assert min(seconds() for _ in range(5)) < 0.005


def test_mask_paths_are_fields_of_the_contract(parser: Parser) -> None:
    """Every field of the intake can be updated, and nothing else."""
    derived = {"name", "uid", "etag", "revision", "state", "author", "create_time", "update_time", "complete_time"}
    derived |= {"knowledge_revision"}
    kinds = {"pain_areas", "palpation_findings", "rom_tests", "posture_observations", "health_flags"}

    def paths(message: Any, prefix: str = "") -> set[str]:
        found = set()
        for field in message.fields:
            if prefix or field.name not in derived | kinds:
                found.add(prefix + field.name)
                inside = field.message_type
                if inside and not field.is_repeated and inside.file is message.file:
                    found |= paths(inside, f"{prefix}{field.name}.")
        return found

    for path in paths(a.Assessment.DESCRIPTOR):
        request = s.UpdateAssessmentRequest(
            assessment=a.Assessment(name=NAME, etag="1-0"), update_mask=FieldMask(paths=[path])
        )
        assert parser.update(TESS, request).paths == (path,)
