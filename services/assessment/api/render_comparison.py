"""A comparison of two assessments as a message of the contract."""

from __future__ import annotations

from myoplan.assessment.v1 import assessment_pb2 as pb
from myoplan.assessment.v1 import assessment_service_pb2 as service_pb
from services.assessment.domain.comparison import ChangeVerdict, MotionChange, PainChange
from services.assessment.usecases.compare import Compared

_Message = service_pb.AssessmentComparison


def comparison(compared: Compared) -> service_pb.AssessmentComparison:
    """Returns what changed as a message."""
    return _Message(
        earlier=compared.earlier.assessment.name,
        earlier_revision=compared.earlier.revision,
        later=compared.later.assessment.name,
        later_revision=compared.later.revision,
        motions=map(_motion, compared.comparison.motions),
        pain_areas=map(_pain, compared.comparison.pain_areas),
    )


def _motion(change: MotionChange) -> service_pb.AssessmentComparison.MotionChange:
    return _Message.MotionChange(
        motion=change.motion,
        side=pb.Side.Value(change.side.name),
        mode=pb.RomTest.Mode.Value(change.mode.name),
        earlier_value=change.earlier_value,
        later_value=change.later_value,
        change=change.change,
        measurement_error=change.measurement_error,
        error_source=change.error_source,
        same_examiner=change.same_examiner,
        instrument=change.instrument,
        verdict=_verdict(change.verdict),
        message=change.message,
    )


def _pain(change: PainChange) -> service_pb.AssessmentComparison.PainChange:
    return _Message.PainChange(
        zone=change.zone,
        side=pb.Side.Value(change.side.name),
        earlier_intensity=change.earlier_intensity,
        later_intensity=change.later_intensity,
        change=change.change,
        threshold=change.threshold,
        threshold_source=change.threshold_source,
        verdict=_verdict(change.verdict),
        message=change.message,
    )


def _verdict(verdict: ChangeVerdict) -> service_pb.AssessmentComparison.Verdict.ValueType:
    return _Message.Verdict.Value(verdict.name)
