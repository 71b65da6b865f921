"""Turns sessions and their report into messages."""

from __future__ import annotations

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from myoplan.planner.v1 import plan_pb2
from myoplan.planner.v1 import session_pb2 as pb
from services.planner.api import render
from services.planner.domain.session import Retest, SessionChange, SessionStep
from services.planner.usecases.sessions import DeliveryReport, StoredSession

_MICROS = 1_000_000
_NANOS_PER_MICRO = 1000


def session(stored: StoredSession) -> pb.Session:
    """Returns the message of a session."""
    kept = stored.session
    message = pb.Session(
        plan=kept.plan,
        version=kept.version,
        digest=kept.digest,
        etag=stored.etag,
        state=pb.Session.State.Value(kept.state.name),
        start_time=_timestamp(kept.start_micros),
        therapist=plan_pb2.Person(id=kept.therapist.id, display_name=kept.therapist.display_name),
        steps=map(_step, kept.steps),
        changes=map(_change, kept.changes),
        retests=map(_retest, kept.retests),
        pain=kept.pain,
        reaction=kept.reaction,
    )
    if kept.finish_micros is not None:
        message.finish_time.CopyFrom(_timestamp(kept.finish_micros))
    return message


def _step(one: SessionStep) -> pb.SessionStep:
    message = pb.SessionStep(
        step=render.step(one.step),
        status=pb.SessionStep.Status.Value(one.status.name),
        approved_duration=Duration(seconds=one.approved_seconds),
        note=one.note,
        pressure_level=one.pressure_level,
    )
    if one.delivered_seconds is not None:
        message.delivered.CopyFrom(Duration(seconds=one.delivered_seconds))
    return message


def _change(change: SessionChange) -> pb.SessionChange:
    return pb.SessionChange(
        time=_timestamp(change.time_micros),
        lost=Duration(seconds=change.lost_seconds),
        unavailable_positions=change.unavailable_positions,
        sentences=change.sentences,
    )


def _retest(retest: Retest) -> pb.Retest:
    return pb.Retest(
        motion=retest.motion,
        side=plan_pb2.Side.Value(retest.side.name),
        value=retest.value,
        pain=retest.pain,
        before=retest.before,
    )


def report(found: DeliveryReport) -> pb.DeliveryReport:
    """Returns the message of a report."""
    return pb.DeliveryReport(
        techniques=[
            pb.DeliveryReport.TechniqueDelivery(
                technique=one.technique,
                steps_planned=one.steps_planned,
                steps_done=one.steps_done,
                planned=Duration(seconds=one.planned_seconds),
                delivered=Duration(seconds=one.delivered_seconds),
                sessions_retested=one.sessions_retested,
                median_pain_change=one.median_pain_change,
            )
            for one in found.techniques
        ],
        sessions=found.sessions,
    )


def _timestamp(micros: int) -> Timestamp:
    return Timestamp(seconds=micros // _MICROS, nanos=micros % _MICROS * _NANOS_PER_MICRO)
