"""Reads requests about sessions."""

from __future__ import annotations

from google.protobuf.duration_pb2 import Duration

from knowledge.model import KnowledgeBase
from myoplan.planner.v1 import session_pb2 as pb
from services.planner.api import names
from services.planner.api.parse import read_side
from services.planner.api.reading import Reader
from services.planner.domain.plan import STEP_SECONDS
from services.planner.domain.session import Delivery, Retest, StepStatus
from services.planner.domain.sides import Side
from services.planner.usecases.sessions import FinishSession, RecordDelivery, RefitSession, StartSession
from services.store.model import Actor

_PLAN = "clients/{client}/plans/{plan}"
_MOST_DELIVERIES = 64
_MOST_NOTE = 2048
_MOST_REACTION = 4096
_MOST_RETESTS = 64
_FIRMEST = 5
_WORST_PAIN = 10
_LONGEST_SECONDS = 6 * 3600
_REPORTED = {pb.SessionStep.DONE: StepStatus.DONE, pb.SessionStep.SKIPPED: StepStatus.SKIPPED}


def start_session(actor: Actor, request: pb.StartSessionRequest) -> StartSession:
    """Reads StartSession."""
    reader = Reader()
    plan = _plan(reader, request.name)
    if not request.etag:
        reader.tell("etag", "is required: the etag of the plan as you saw it")
    command = StartSession(
        actor=actor,
        plan=plan,
        etag=request.etag,
        request=reader.request("StartSession", request.request_id, plan, request.etag),
    )
    reader.raise_any()
    return command


def get_session(request: pb.GetSessionRequest) -> str:
    """Reads GetSession and returns the name of the plan."""
    reader = Reader()
    plan = _plan(reader, request.name)
    reader.raise_any()
    return plan


def record_delivery(actor: Actor, request: pb.RecordDeliveryRequest) -> RecordDelivery:
    """Reads RecordDelivery."""
    reader = Reader()
    plan = _plan(reader, request.name)
    deliveries: list[Delivery] = []
    if not request.deliveries:
        reader.tell("deliveries", "is required: at least one step")
    if reader.most("deliveries", request.deliveries, _MOST_DELIVERIES):
        deliveries = [_delivery(reader, f"deliveries[{n}]", one) for n, one in enumerate(request.deliveries)]
    seen: set[str] = set()
    for index, one in enumerate(deliveries):
        if one.step in seen:
            reader.tell(f"deliveries[{index}].step", "is reported twice")
        seen.add(one.step)
    command = RecordDelivery(
        actor=actor,
        plan=plan,
        etag=request.etag,
        deliveries=tuple(deliveries),
        request=reader.request("RecordDelivery", request.request_id, plan, request.etag, tuple(deliveries)),
    )
    reader.raise_any()
    return command


def _delivery(reader: Reader, path: str, message: pb.Delivery) -> Delivery:
    status = _REPORTED.get(message.status)
    if status is None:
        reader.tell(f"{path}.status", "is required: DONE or SKIPPED")
    if not message.step:
        reader.tell(f"{path}.step", "is required: the id of a step")
    seconds = _seconds(reader, f"{path}.delivered", message.delivered) if message.HasField("delivered") else None
    if status is StepStatus.DONE and seconds is None:
        reader.tell(f"{path}.delivered", "is required with DONE: how long the step was worked")
    if status is StepStatus.SKIPPED and seconds is not None:
        reader.tell(f"{path}.delivered", "is not for a step that was left out")
    return Delivery(
        step=message.step,
        status=status or StepStatus.SKIPPED,
        delivered_seconds=seconds,
        note=reader.text(f"{path}.note", message.note, _MOST_NOTE),
        pressure_level=reader.whole(f"{path}.pressure_level", message, "pressure_level", 1, _FIRMEST),
    )


def refit_session(base: KnowledgeBase, actor: Actor, request: pb.RefitSessionRequest) -> RefitSession:
    """Reads RefitSession."""
    reader = Reader()
    plan = _plan(reader, request.name)
    if not request.HasField("elapsed"):
        reader.tell("elapsed", "is required: the time since the session began")
    elapsed = _seconds(reader, "elapsed", request.elapsed)
    lost = _seconds(reader, "lost", request.lost)
    if lost % STEP_SECONDS:
        reader.tell("lost", f"is not a multiple of {STEP_SECONDS} seconds")
    positions = tuple(dict.fromkeys(request.unavailable_positions))
    if reader.most("unavailable_positions", request.unavailable_positions, len(base.positions)):
        for index, word in enumerate(request.unavailable_positions):
            reader.known(f"unavailable_positions[{index}]", "position", base.positions, word)
    command = RefitSession(
        actor=actor,
        plan=plan,
        elapsed_seconds=elapsed,
        lost_seconds=lost,
        unavailable_positions=positions,
        request=reader.request("RefitSession", request.request_id, plan, elapsed, lost, positions),
    )
    reader.raise_any()
    return command


def finish_session(base: KnowledgeBase, actor: Actor, request: pb.FinishSessionRequest) -> FinishSession:
    """Reads FinishSession."""
    reader = Reader()
    plan = _plan(reader, request.name)
    retests: list[Retest] = []
    if reader.most("retests", request.retests, _MOST_RETESTS):
        retests = [_retest(reader, base, f"retests[{n}]", one) for n, one in enumerate(request.retests)]
    seen: set[tuple[str, Side]] = set()
    for index, one in enumerate(retests):
        if (one.motion, one.side) in seen:
            reader.tell(f"retests[{index}]", "is the same motion and side as one before")
        seen.add((one.motion, one.side))
    pain = _pain(reader, "pain", request)
    reaction = reader.text("reaction", request.reaction, _MOST_REACTION)
    command = FinishSession(
        actor=actor,
        plan=plan,
        retests=tuple(retests),
        pain=pain,
        reaction=reaction,
        request=reader.request("FinishSession", request.request_id, plan, tuple(retests), pain, reaction),
    )
    reader.raise_any()
    return command


def _retest(reader: Reader, base: KnowledgeBase, path: str, message: pb.Retest) -> Retest:
    motion = reader.known(f"{path}.motion", "motion", base.motions, message.motion)
    side = read_side(reader, f"{path}.side", message.side, required=True)
    if motion and side and side.value not in motion.sides:
        reader.tell(f"{path}.side", f"{' or '.join(one.upper() for one in motion.sides)}: that is how it is measured")
    value = reader.number(f"{path}.value", message.value) if message.HasField("value") else None
    if motion and value is not None and not motion.limit_min <= value <= motion.limit_max:
        reader.tell(f"{path}.value", f"{value:g} is not in [{motion.limit_min:g}, {motion.limit_max:g}]")
    return Retest(
        motion=message.motion, side=side or Side.MIDLINE, value=value, pain=_pain(reader, f"{path}.pain", message)
    )


def report_delivery(request: pb.ReportDeliveryRequest) -> str:
    """Reads ReportDelivery and returns the parent."""
    reader = Reader()
    parent = reader.matching("parent", request.parent, names.CLIENT_NAME_OR_ALL, "clients/{client} or clients/-")
    reader.raise_any()
    return parent


def _plan(reader: Reader, name: str) -> str:
    return reader.matching("name", name, names.PLAN_NAME, _PLAN)


def _pain(reader: Reader, path: str, message: pb.Retest | pb.FinishSessionRequest) -> float | None:
    if not message.HasField("pain"):
        return None
    pain = reader.number(path, message.pain)
    if not 0 <= pain <= _WORST_PAIN:
        reader.tell(path, f"{pain:g} is not in [0, {_WORST_PAIN}]")
    return pain


def _seconds(reader: Reader, path: str, duration: Duration) -> int:
    if duration.nanos or not 0 <= duration.seconds <= _LONGEST_SECONDS:
        reader.tell(path, f"is not whole seconds from 0 to {_LONGEST_SECONDS // 3600} hours")
        return 0
    return duration.seconds
