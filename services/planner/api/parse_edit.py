"""Reads edits, overrides and what constraints say about minutes and order, and RevisePlan and ExplorePlan."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from google.protobuf.duration_pb2 import Duration

from myoplan.planner.v1 import edit_pb2
from myoplan.planner.v1 import plan_pb2 as pb
from services.planner.api import names
from services.planner.api.parse import Parser
from services.planner.api.parse_demands import override
from services.planner.api.reading import Reader
from services.planner.domain.edits import Edit, EditKind
from services.planner.explain.explore import MOST_ALTERNATIVES, USUAL_ALTERNATIVES
from services.planner.usecases.explain import ExplorePlan
from services.planner.usecases.revise import RevisePlan
from services.store.model import Actor

MOST_EDITS = 64
_MOST_WORD = 128
_MOST_REASON = 2048
_PLAN = "clients/{client}/plans/{plan}"
# As the contract writes it; nothing is longer than a day.
_MOST_SECONDS = 86_400


def revise_plan(parser: Parser, actor: Actor, request: edit_pb2.RevisePlanRequest) -> RevisePlan:
    """Reads RevisePlan."""
    reader = Reader()
    name = reader.matching("name", request.name, names.PLAN_NAME, _PLAN)
    etag = reader.text("etag", request.etag, _MOST_WORD, least=1)
    if not request.edits:
        reader.tell("edits", f"is required: 1 to {MOST_EDITS} edits")
    wanted = edits(parser, reader, "edits", request.edits)
    reason = reader.text("reason", request.reason, _MOST_REASON)
    asked = (name, etag, wanted, reason, request.validate_only)
    command = RevisePlan(
        actor=actor,
        name=name,
        etag=etag,
        edits=wanted,
        reason=reason,
        validate_only=request.validate_only,
        request=reader.request("RevisePlan", request.request_id, *asked),
    )
    reader.raise_any()
    return command


def explore_plan(actor: Actor, request: edit_pb2.ExplorePlanRequest) -> ExplorePlan:
    """Reads ExplorePlan."""
    reader = Reader()
    if not 0 <= request.alternatives <= MOST_ALTERNATIVES:
        reader.tell("alternatives", f"{request.alternatives} is not in [0, {MOST_ALTERNATIVES}]")
    query = ExplorePlan(
        clinic=actor.clinic,
        name=reader.matching("name", request.name, names.PLAN_NAME, _PLAN),
        alternatives=request.alternatives or USUAL_ALTERNATIVES,
    )
    reader.raise_any()
    return query


def edits(parser: Parser, reader: Reader, path: str, messages: Sequence[edit_pb2.PlanEdit]) -> tuple[Edit, ...]:
    """Reads edits. Whether a plan has the steps that they name is for the plan to say."""
    if not reader.most(path, messages, MOST_EDITS):
        return ()
    read = (_edit(parser, reader, f"{path}[{number}]", message) for number, message in enumerate(messages))
    return tuple(edit for edit in read if edit)


def _edit(parser: Parser, reader: Reader, path: str, message: edit_pb2.PlanEdit) -> Edit | None:
    word = message.WhichOneof("edit")
    if word is None:
        reader.tell(path, f"is required: one of {', '.join(EditKind)}")
        return None
    kind = EditKind(word)
    said = getattr(message, word)
    fields: dict[str, Any] = _FIELDS[kind](parser, reader, f"{path}.{word}", said)
    if message.HasField("override"):
        fields["override"] = override(reader, f"{path}.override", message.override)
    return Edit(kind=kind, **fields)


_Read = Callable[[Parser, Reader, str, Any], dict[str, Any]]


def _target(parser: Parser, reader: Reader, path: str, message: pb.Target) -> dict[str, Any]:
    return {"target": parser.target(reader, f"{path}.", message)}


def _move(_: Parser, reader: Reader, path: str, message: edit_pb2.MoveStep) -> dict[str, Any]:
    place = message.WhichOneof("place")
    if place is None:
        reader.tell(path, "is required: before or after which step")
        return {"step": message.step}
    return {
        "step": reader.text(f"{path}.step", message.step, _MOST_WORD, least=1),
        place: reader.text(f"{path}.{place}", getattr(message, place), _MOST_WORD, least=1),
    }


def _set_duration(_: Parser, reader: Reader, path: str, message: edit_pb2.SetDuration) -> dict[str, Any]:
    given = message.HasField("duration")
    if not given:
        reader.tell(f"{path}.duration", "is required")
    return {
        "step": reader.text(f"{path}.step", message.step, _MOST_WORD, least=1),
        "duration_seconds": _seconds(reader, f"{path}.duration", message.duration) if given else 0,
    }


def _set_technique(parser: Parser, reader: Reader, path: str, message: edit_pb2.SetTechnique) -> dict[str, Any]:
    reader.known(f"{path}.technique", "technique", parser.base.techniques, message.technique)
    return {
        "step": reader.text(f"{path}.step", message.step, _MOST_WORD, least=1),
        "technique": message.technique,
    }


def _set_time_budget(_: Parser, reader: Reader, path: str, message: Duration) -> dict[str, Any]:
    return {"duration_seconds": _seconds(reader, path, message)}


def _position(parser: Parser, reader: Reader, path: str, message: str) -> dict[str, Any]:
    reader.known(path, "position", parser.base.positions, message)
    return {"position": message}


def _refit(_: Parser, __: Reader, ___: str, ____: edit_pb2.Refit) -> dict[str, Any]:
    return {}


_FIELDS: Mapping[EditKind, _Read] = {
    EditKind.PIN: _target,
    EditKind.UNPIN: _target,
    EditKind.EXCLUDE: _target,
    EditKind.INCLUDE: _target,
    EditKind.MOVE: _move,
    EditKind.SET_DURATION: _set_duration,
    EditKind.SET_TECHNIQUE: _set_technique,
    EditKind.SET_TIME_BUDGET: _set_time_budget,
    EditKind.MARK_POSITION_UNAVAILABLE: _position,
    EditKind.REFIT: _refit,
}


def _seconds(reader: Reader, path: str, message: Duration) -> int:
    """Reads a duration in whole seconds; what lengths there are is for the plan to say."""
    if message.nanos:
        reader.tell(path, "is not a whole number of seconds")
    if not -_MOST_SECONDS <= message.seconds <= _MOST_SECONDS:
        reader.tell(path, "is not a time in a session")
    return message.seconds
