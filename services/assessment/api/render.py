"""Domain values as messages of the contract."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

from myoplan.assessment.v1 import assessment_pb2 as pb
from myoplan.assessment.v1 import assessment_service_pb2 as service_pb
from services.assessment.api import positions
from services.assessment.domain.assessment import Assessment, Person
from services.assessment.domain.findings import (
    HealthFlag,
    Interpretation,
    Measurement,
    PainArea,
    PalpationFinding,
    PostureObservation,
    RomTest,
    Side,
)
from services.assessment.domain.profile import ClientProfile, SessionPreferences
from services.assessment.ports import StoredAssessment
from services.assessment.usecases.read import AssessmentPage, List
from services.assessment.usecases.records import EPOCH
from services.assessment.usecases.revisions import ListRevisions, RevisionPage
from services.store.model import Entry

_SECOND, _MICROSECOND = timedelta(seconds=1), timedelta(microseconds=1)


# The hash of the knowledge base is as long as this.
REVISION_AT_MOST = "0" * 64


def assessment(stored: StoredAssessment, knowledge_revision: str) -> pb.Assessment:
    """Returns a stored assessment as a message."""
    whole = stored.assessment
    intake, findings = whole.intake, whole.findings
    message = pb.Assessment(
        name=whole.name,
        uid=whole.uid,
        etag=stored.etag,
        revision=stored.revision,
        state=pb.Assessment.State.Value(whole.state.name),
        client_label=intake.client_label,
        complaint=intake.complaint,
        goals=intake.goals,
        lifestyle=intake.lifestyle,
        daily_activities=intake.daily_activities,
        allergies=intake.allergies,
        pain_areas=map(_pain_area, findings.pain_areas),
        palpation_findings=map(_palpation, findings.palpation_findings),
        rom_tests=map(_rom_test, findings.rom_tests),
        posture_observations=map(_posture, findings.posture_observations),
        health_flags=map(_flag, findings.health_flags),
        author=_person(whole.author),
        create_time=_timestamp(whole.create_time),
        update_time=_timestamp(stored.update_time),
        knowledge_revision=knowledge_revision,
    )
    _add_intake(message, whole)
    if whole.complete_time is not None:
        message.complete_time.CopyFrom(_timestamp(whole.complete_time))
    return message


def message_bytes(stored: StoredAssessment) -> int:
    """Returns how large a stored assessment is as a message, with room for what is not stored."""
    return assessment(stored, REVISION_AT_MOST).ByteSize()


def assessment_page(query: List, page: AssessmentPage, knowledge_revision: str) -> service_pb.ListAssessmentsResponse:
    """Returns a page of assessments; the token of the next page is good for the same query only."""
    return service_pb.ListAssessmentsResponse(
        assessments=[assessment(stored, knowledge_revision) for stored in page.assessments],
        next_page_token=positions.page_token(positions.list_scope(query), page.next_after),
    )


def revision_page(query: ListRevisions, page: RevisionPage) -> service_pb.ListAssessmentRevisionsResponse:
    """Returns a page of revisions; the token of the next page is good for the same query only."""
    return service_pb.ListAssessmentRevisionsResponse(
        revisions=map(_revision, page.entries),
        next_page_token=positions.page_token(positions.revisions_scope(query), page.next_after),
    )


def event(entry: Entry) -> service_pb.AssessmentEvent:
    """Returns an event: who did what to which assessment, nothing of its content."""
    return service_pb.AssessmentEvent(
        cursor=positions.cursor(entry),
        action=service_pb.Action.Value(entry.action),
        assessment=entry.name,
        etag=entry.etag,
        revision=entry.revision,
        state=pb.Assessment.State.Value(entry.facts["state"]),
        person=pb.Person(id=entry.person, display_name=entry.display_name),
        time=_timestamp(EPOCH + entry.time_micros * _MICROSECOND),
    )


def _revision(entry: Entry) -> service_pb.AssessmentRevision:
    return service_pb.AssessmentRevision(
        revision=entry.revision,
        etag=entry.etag,
        action=service_pb.Action.Value(entry.action),
        person=pb.Person(id=entry.person, display_name=entry.display_name),
        time=_timestamp(EPOCH + entry.time_micros * _MICROSECOND),
        reason=entry.reason,
        changes=entry.changes,
    )


def _person(person: Person) -> pb.Person:
    return pb.Person(id=person.id, display_name=person.display_name)


def _timestamp(moment: datetime) -> Timestamp:
    seconds, rest = divmod(moment - EPOCH, _SECOND)
    return Timestamp(seconds=seconds, nanos=rest // _MICROSECOND * 1000)


def _add_intake(message: pb.Assessment, whole: Assessment) -> None:
    """Adds the parts of the intake that can be absent as a whole."""
    intake = whole.intake
    if intake.profile != ClientProfile():
        sex = intake.profile.sex
        message.profile.CopyFrom(
            pb.ClientProfile(
                age_years=intake.profile.age_years,
                sex=pb.ClientProfile.SEX_UNSPECIFIED if sex is None else pb.ClientProfile.Sex.Value(sex.name),
            )
        )
    if intake.preferences != SessionPreferences():
        message.preferences.CopyFrom(_preferences(intake.preferences))
    if intake.scheduled_time is not None:
        message.scheduled_time.CopyFrom(_timestamp(intake.scheduled_time))


def _preferences(preferences: SessionPreferences) -> pb.SessionPreferences:
    consents = preferences.consents
    return pb.SessionPreferences(
        pressure_tolerance=preferences.pressure_tolerance,
        unavailable_positions=preferences.unavailable_positions,
        focus_zones=preferences.focus_zones,
        avoid_techniques=preferences.avoid_techniques,
        consents=pb.SessionPreferences.Consents(
            regions_not_to_touch=consents.regions_not_to_touch, intraoral_allowed=consents.intraoral_allowed
        ),
    )


def _side(side: Side | None) -> pb.Side.ValueType:
    return pb.SIDE_UNSPECIFIED if side is None else pb.Side.Value(side.name)


def _pain_area(area: PainArea) -> pb.PainArea:
    return pb.PainArea(
        id=area.id,
        zone=area.zone,
        side=_side(area.side),
        intensity=area.intensity,
        qualities=area.qualities,
        onset_days=area.onset_days,
    )


def _palpation(finding: PalpationFinding) -> pb.PalpationFinding:
    return pb.PalpationFinding(
        id=finding.id,
        muscle=finding.muscle,
        side=_side(finding.side),
        site=finding.site,
        taut_band=finding.taut_band,
        spot_tenderness=finding.spot_tenderness,
        tenderness=finding.tenderness,
        local_twitch=finding.local_twitch,
        referred_pain=finding.referred_pain,
        referred_to=[
            pb.ReferredZone(zone=referred.zone, side=_side(referred.side)) for referred in finding.referred_to
        ],
        reproduces_familiar_pain=finding.reproduces_familiar_pain,
        pressure_pain_threshold_kpa=finding.pressure_pain_threshold_kpa,
        tone=finding.tone,
        note=finding.note,
        classification=pb.PalpationFinding.Classification.Value(finding.classification.name),
    )


def _rom_test(test: RomTest) -> pb.RomTest:
    message = pb.RomTest(
        id=test.id,
        motion=test.motion,
        side=_side(test.side),
        mode=pb.RomTest.Mode.Value(test.mode.name),
        instrument=test.instrument,
        examiner=test.examiner,
    )
    if isinstance(test.outcome, Measurement):
        message.measured.CopyFrom(_measurement(test.outcome))
    else:
        message.not_tested.reason = test.outcome.reason
    if test.interpretation is not None:
        message.interpretation.CopyFrom(_interpretation(test.interpretation))
    return message


def _measurement(measurement: Measurement) -> pb.RomTest.Measurement:
    limited_by = measurement.limited_by
    return pb.RomTest.Measurement(
        value=measurement.value,
        pain=measurement.pain,
        end_feel=measurement.end_feel,
        limited_by=(
            pb.RomTest.LIMITED_BY_UNSPECIFIED if limited_by is None else pb.RomTest.LimitedBy.Value(limited_by.name)
        ),
    )


def _interpretation(interpretation: Interpretation) -> pb.RomTest.Interpretation:
    return pb.RomTest.Interpretation(
        norm_value=interpretation.norm_value,
        norm_source=interpretation.norm_source,
        deficit=interpretation.deficit,
        side_difference=interpretation.side_difference,
        verdict=pb.RomTest.Verdict.Value(interpretation.verdict.name),
    )


def _posture(observation: PostureObservation) -> pb.PostureObservation:
    return pb.PostureObservation(
        id=observation.id,
        observation=observation.observation,
        zone=observation.zone,
        side=_side(observation.side),
        note=observation.note,
    )


def _flag(flag: HealthFlag) -> pb.HealthFlag:
    return pb.HealthFlag(
        id=flag.id,
        condition=flag.condition,
        answer=pb.HealthFlag.Answer.Value(flag.answer.name),
        zone=flag.zone,
        side=_side(flag.side),
        onset_days=flag.onset_days,
        parameters=_parameters(flag),
        note=flag.note,
    )


def _parameters(flag: HealthFlag) -> Iterable[pb.HealthFlag.Parameter]:
    for parameter in flag.parameters:
        match parameter.value:
            case bool(truth):
                yield pb.HealthFlag.Parameter(key=parameter.key, truth=truth)
            case str(text):
                yield pb.HealthFlag.Parameter(key=parameter.key, text=text)
            case number:
                yield pb.HealthFlag.Parameter(key=parameter.key, number=number)
