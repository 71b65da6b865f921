"""Reads assessments over gRPC with the caller's own token, and turns their messages into snapshots."""

from __future__ import annotations

from typing import Any

import grpc

from myoplan.assessment.v1 import assessment_pb2 as pb
from myoplan.assessment.v1.assessment_service_pb2 import GetAssessmentRequest
from myoplan.assessment.v1.assessment_service_pb2_grpc import AssessmentServiceStub
from services.planner.domain.errors import (
    AssessmentRefused,
    AssessmentUnavailable,
    DeadlinePassed,
    KnowledgeDiffers,
    PlannerError,
    ResourceDamaged,
    ResourceMissing,
)
from services.planner.domain.sides import Side
from services.planner.domain.snapshot import (
    Answer,
    Classification,
    HealthFlag,
    LimitedBy,
    Mode,
    PainArea,
    Palpation,
    Parameter,
    Preferences,
    RomTest,
    Snapshot,
    Verdict,
)
from services.planner.ports import ReadAssessment
from services.runtime.deadline import seconds_left

_NANOS_PER_MICRO = 1000
_MICROS = 1_000_000


class GrpcAssessments:
    """Implements `Assessments` over a channel that sends the caller's token; it keeps to what the deadline leaves."""

    def __init__(self, channel: grpc.aio.Channel, knowledge_revision: str) -> None:
        self._stub: Any = AssessmentServiceStub(channel)
        self._knowledge_revision = knowledge_revision

    async def read(self, name: str) -> ReadAssessment:
        """Returns the newest revision of an assessment."""
        try:
            found = await self._stub.GetAssessment(GetAssessmentRequest(name=name), timeout=seconds_left())
        except grpc.aio.AioRpcError as error:
            raise _meaning(error.code(), name) from error
        if found.knowledge_revision != self._knowledge_revision:
            # Two words for one thing, or one for two: while a deployment is under way, trying again helps.
            raise KnowledgeDiffers(found.knowledge_revision, self._knowledge_revision)
        return read_assessment(found)


def _meaning(code: grpc.StatusCode, name: str) -> PlannerError:
    """What a failed read means here. Whatever is no answer about the assessment is that the service gave none."""
    match code:
        case grpc.StatusCode.NOT_FOUND:
            return ResourceMissing(name)
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return DeadlinePassed()
        case grpc.StatusCode.DATA_LOSS:
            return ResourceDamaged(name)
        case grpc.StatusCode.UNAUTHENTICATED | grpc.StatusCode.PERMISSION_DENIED:
            return AssessmentRefused()
    return AssessmentUnavailable()


def read_assessment(message: pb.Assessment) -> ReadAssessment:
    """Returns what the planner needs of an assessment."""
    scheduled = message.scheduled_time
    return ReadAssessment(
        name=message.name,
        etag=message.etag,
        state=pb.Assessment.State.Name(message.state),
        snapshot=snapshot_of(message),
        scheduled_micros=scheduled.seconds * _MICROS + scheduled.nanos // _NANOS_PER_MICRO
        if message.HasField("scheduled_time")
        else None,
    )


def snapshot_of(message: pb.Assessment) -> Snapshot:
    """Returns the findings that a plan is made from; motions that were not tested say nothing and stay out."""
    profile, preferences = message.profile, message.preferences
    return Snapshot(
        age_years=_optional(profile, "age_years"),
        sex=_word(pb.ClientProfile.Sex, profile.sex) if profile.sex else "",
        pain_areas=tuple(
            PainArea(id=area.id, zone=area.zone, side=_side(area.side), intensity=_optional(area, "intensity"))
            for area in message.pain_areas
        ),
        palpations=tuple(map(_palpation, message.palpation_findings)),
        rom_tests=tuple(_rom_test(test) for test in message.rom_tests if test.HasField("measured")),
        health_flags=tuple(map(_health_flag, message.health_flags)),
        preferences=Preferences(
            pressure_tolerance=_optional(preferences, "pressure_tolerance"),
            unavailable_positions=tuple(preferences.unavailable_positions),
            focus_zones=tuple(preferences.focus_zones),
            avoid_techniques=tuple(preferences.avoid_techniques),
            regions_not_to_touch=tuple(preferences.consents.regions_not_to_touch),
            intraoral_allowed=_optional(preferences.consents, "intraoral_allowed"),
        ),
    )


def _palpation(finding: pb.PalpationFinding) -> Palpation:
    return Palpation(
        id=finding.id,
        muscle=finding.muscle,
        side=_side(finding.side),
        classification=Classification(_word(pb.PalpationFinding.Classification, finding.classification)),
        tenderness=_optional(finding, "tenderness"),
        taut_band=_optional(finding, "taut_band"),
        spot_tenderness=_optional(finding, "spot_tenderness"),
        referred_pain=_optional(finding, "referred_pain"),
        reproduces_familiar_pain=_optional(finding, "reproduces_familiar_pain"),
    )


def _rom_test(test: pb.RomTest) -> RomTest:
    measured, meaning = test.measured, test.interpretation
    return RomTest(
        id=test.id,
        motion=test.motion,
        side=_side(test.side),
        mode=Mode(_word(pb.RomTest.Mode, test.mode)),
        value=_optional(measured, "value"),
        pain=_optional(measured, "pain"),
        verdict=Verdict(_word(pb.RomTest.Verdict, meaning.verdict)) if meaning.verdict else Verdict.NOT_DERIVED,
        deficit=_optional(meaning, "deficit"),
        side_difference=_optional(meaning, "side_difference"),
        limited_by=LimitedBy(_word(pb.RomTest.LimitedBy, measured.limited_by))
        if measured.limited_by
        else LimitedBy.NOT_STATED,
    )


def _health_flag(flag: pb.HealthFlag) -> HealthFlag:
    return HealthFlag(
        id=flag.id,
        condition=flag.condition,
        answer=Answer(_word(pb.HealthFlag.Answer, flag.answer)),
        zone=flag.zone,
        side=_side(flag.side) if flag.side else None,
        onset_days=_optional(flag, "onset_days"),
        parameters=tuple(
            Parameter(
                key=parameter.key,
                number=_optional(parameter, "number"),
                text=_optional(parameter, "text"),
                truth=_optional(parameter, "truth"),
            )
            for parameter in flag.parameters
        ),
    )


def _side(number: int) -> Side:
    return Side(_word(pb.Side, number))


def _word(enum: Any, number: int) -> str:
    name: str = enum.Name(number)
    return name.lower()


def _optional(message: Any, field: str) -> Any:
    return getattr(message, field) if message.HasField(field) else None
