"""Turns edits, what people demand of minutes and order, and explorations into messages."""

from __future__ import annotations

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from myoplan.planner.v1 import edit_pb2
from myoplan.planner.v1 import plan_pb2 as pb
from services.planner.domain.constraints import Override, Target, TargetDuration
from services.planner.domain.constraints import Sequence as Order
from services.planner.domain.edits import Edit, EditKind
from services.planner.explain.explore import Alternative, Exploration, MinutesChange

_MICROS = 1_000_000
_NANOS_PER_MICRO = 1000
_TARGETED = {EditKind.PIN, EditKind.UNPIN, EditKind.EXCLUDE, EditKind.INCLUDE}


def edit(asked: Edit) -> edit_pb2.PlanEdit:
    """Returns the message of an edit."""
    message = edit_pb2.PlanEdit()
    part = getattr(message, asked.kind.value)
    if asked.kind in _TARGETED and asked.target:
        part.CopyFrom(_target(asked.target))
    elif asked.kind is EditKind.MOVE:
        places = {name: one for name, one in (("before", asked.before), ("after", asked.after)) if one}
        part.CopyFrom(edit_pb2.MoveStep(step=asked.step, **places))
    elif asked.kind is EditKind.SET_DURATION:
        part.CopyFrom(edit_pb2.SetDuration(step=asked.step, duration=Duration(seconds=asked.duration_seconds or 0)))
    elif asked.kind is EditKind.SET_TECHNIQUE:
        part.CopyFrom(edit_pb2.SetTechnique(step=asked.step, technique=asked.technique))
    elif asked.kind is EditKind.SET_TIME_BUDGET:
        part.CopyFrom(Duration(seconds=asked.duration_seconds or 0))
    elif asked.kind is EditKind.MARK_POSITION_UNAVAILABLE:
        message.mark_position_unavailable = asked.position
    else:
        part.SetInParent()
    if asked.override:
        message.override.CopyFrom(override(asked.override))
    return message


def duration(timed: TargetDuration) -> pb.TargetDuration:
    """Returns the message of minutes that a person set."""
    return pb.TargetDuration(target=_target(timed.target), duration=Duration(seconds=timed.duration_seconds))


def sequence(order: Order) -> pb.Sequence:
    """Returns the message of an order that a person set."""
    return pb.Sequence(first=_target(order.first), then=_target(order.then))


def override(aside: Override) -> pb.Override:
    """Returns the message of a rule that a person set aside."""
    message = pb.Override(
        rule=aside.rule,
        reason_code=pb.Override.ReasonCode.Value(aside.reason.name),
        comment=aside.comment,
        targets=map(_target, aside.targets),
    )
    if aside.person:
        message.person.CopyFrom(pb.Person(id=aside.person, display_name=aside.display_name))
    if aside.time_micros:
        micros = aside.time_micros
        message.time.CopyFrom(Timestamp(seconds=micros // _MICROS, nanos=micros % _MICROS * _NANOS_PER_MICRO))
    return message


def exploration(found: Exploration) -> edit_pb2.Exploration:
    """Returns the message of an exploration."""
    return edit_pb2.Exploration(
        alternatives=map(_alternative, found.alternatives),
        minutes=map(_minutes, found.minutes),
        benefit_by_rule=[
            edit_pb2.Exploration.RuleShare(rule=share.rule, benefit=share.benefit) for share in found.benefit_by_rule
        ],
        reason_not_replayable=found.reason_not_replayable,
    )


def _alternative(found: Alternative) -> edit_pb2.Exploration.Alternative:
    return edit_pb2.Exploration.Alternative(
        objective=found.objective,
        added=map(_target, found.added),
        removed=map(_target, found.removed),
        sentences=found.sentences,
    )


def _minutes(found: MinutesChange) -> edit_pb2.Exploration.MinutesChange:
    return edit_pb2.Exploration.MinutesChange(
        time_budget=Duration(seconds=found.time_budget_seconds),
        objective=found.objective,
        added=map(_target, found.added),
        removed=map(_target, found.removed),
        message=found.message,
    )


def _target(target: Target) -> pb.Target:
    return pb.Target(muscle=target.muscle, side=pb.Side.Value(target.side.name), technique=target.technique)
