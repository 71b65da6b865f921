"""Reads requests about predictions."""

from __future__ import annotations

from myoplan.planner.v1 import learning_pb2 as pb
from services.planner.api import names
from services.planner.api.parse import Parser
from services.planner.api.reading import Reader
from services.planner.domain.constraints import Target
from services.planner.domain.plan import STEP_SECONDS
from services.planner.domain.prediction import PredictedStep
from services.planner.domain.sides import Side
from services.planner.learning.rubric import CRITERIA, LEVELS
from services.planner.usecases.predictions import (
    GivenMark,
    GradePrediction,
    ListPredictions,
    LockPrediction,
    RevealPrediction,
    StartPrediction,
)
from services.store.model import Actor

_PREDICTION = "clients/{client}/predictions/{prediction}"
_MOST_STEPS = 32
_MOST_WORDS = 2048


def start_prediction(parser: Parser, actor: Actor, request: pb.StartPredictionRequest) -> StartPrediction:
    """Reads StartPrediction."""
    reader = Reader()
    most = int(parser.base.planning["session_minutes_most"].value)
    parent = reader.matching("parent", request.parent, names.CLIENT_NAME, "clients/{client}")
    assessment = reader.matching(
        "prediction.assessment",
        request.prediction.assessment,
        names.ASSESSMENT_NAME,
        "clients/{client}/assessments/{assessment}",
    )
    if not reader.problems and not assessment.startswith(f"{parent}/"):
        reader.tell("prediction.assessment", f"is not an assessment of {parent}")
    budget = request.prediction.time_budget
    if not request.prediction.HasField("time_budget") or not 0 < budget.seconds <= 60 * most:
        reader.tell("prediction.time_budget", f"is required: more than 0 and at most {most} minutes")
    elif budget.nanos or budget.seconds % STEP_SECONDS:
        reader.tell("prediction.time_budget", f"is not a multiple of {STEP_SECONDS} seconds")
    command = StartPrediction(
        actor=actor,
        assessment=assessment,
        time_budget_seconds=budget.seconds,
        request=reader.request("StartPrediction", request.request_id, assessment, budget.seconds),
    )
    reader.raise_any()
    return command


def lock_prediction(parser: Parser, actor: Actor, request: pb.LockPredictionRequest) -> LockPrediction:
    """Reads LockPrediction."""
    reader = Reader()
    name = _name(reader, request.name)
    etag = _etag(reader, request.etag)
    steps: tuple[PredictedStep, ...] = ()
    if reader.most("steps", request.steps, _MOST_STEPS):
        steps = tuple(_step(parser, reader, f"steps[{n}]", one) for n, one in enumerate(request.steps))
    reasoning = reader.text("reasoning", request.reasoning, _MOST_WORDS)
    command = LockPrediction(
        actor=actor,
        name=name,
        etag=etag,
        steps=steps,
        reasoning=reasoning,
        show_me=request.show_me,
        request=reader.request("LockPrediction", request.request_id, name, etag, steps, reasoning, request.show_me),
    )
    reader.raise_any()
    return command


def _step(parser: Parser, reader: Reader, path: str, message: pb.PredictedStep) -> PredictedStep:
    target = parser.target(reader, f"{path}.target.", message.target)
    seconds = None
    if message.HasField("duration"):
        seconds = message.duration.seconds
        if message.duration.nanos or seconds <= 0 or seconds % STEP_SECONDS:
            reader.tell(f"{path}.duration", f"is not a multiple of {STEP_SECONDS} seconds")
    return PredictedStep(
        target=target or Target(muscle="", side=Side.MIDLINE), duration_seconds=seconds, sure=message.sure
    )


def reveal_prediction(actor: Actor, request: pb.RevealPredictionRequest) -> RevealPrediction:
    """Reads RevealPrediction."""
    reader = Reader()
    name, etag = _name(reader, request.name), _etag(reader, request.etag)
    command = RevealPrediction(
        actor=actor,
        name=name,
        etag=etag,
        request=reader.request("RevealPrediction", request.request_id, name, etag),
    )
    reader.raise_any()
    return command


def grade_prediction(actor: Actor, request: pb.GradePredictionRequest) -> GradePrediction:
    """Reads GradePrediction."""
    reader = Reader()
    name, etag = _name(reader, request.name), _etag(reader, request.etag)
    if not request.marks:
        reader.tell("marks", "is required: at least one criterion")
    marks: tuple[GivenMark, ...] = ()
    if reader.most("marks", request.marks, len(CRITERIA)):
        marks = tuple(_mark(reader, f"marks[{n}]", one) for n, one in enumerate(request.marks))
    seen: set[str] = set()
    for index, one in enumerate(marks):
        if one.criterion in seen:
            reader.tell(f"marks[{index}].criterion", "is marked twice")
        seen.add(one.criterion)
    command = GradePrediction(
        actor=actor,
        name=name,
        etag=etag,
        marks=marks,
        request=reader.request("GradePrediction", request.request_id, name, etag, marks),
    )
    reader.raise_any()
    return command


def _mark(reader: Reader, path: str, message: pb.Mark) -> GivenMark:
    if message.criterion not in CRITERIA:
        reader.tell(f"{path}.criterion", f"is not one of {', '.join(CRITERIA)}")
    if message.level not in LEVELS:
        levels = ", ".join(f"{level} ({meaning})" for level, meaning in LEVELS.items())
        reader.tell(f"{path}.level", f"{message.level} is not one of {levels}")
    return GivenMark(
        criterion=message.criterion,
        level=message.level,
        comment=reader.text(f"{path}.comment", message.comment, _MOST_WORDS),
    )


def list_predictions(actor: Actor, request: pb.ListPredictionsRequest) -> ListPredictions:
    """Reads ListPredictions."""
    reader = Reader()
    parent = reader.matching("parent", request.parent, names.CLIENT_NAME_OR_ALL, "clients/{client} or clients/-")
    after = reader.place(predictions_scope(actor, request), request.page_token)
    query = ListPredictions(
        actor=actor,
        parent=parent,
        person=request.person,
        page_size=reader.page_size(request.page_size),
        after=int(after) if after else None,
    )
    reader.raise_any()
    return query


def predictions_scope(actor: Actor, request: pb.ListPredictionsRequest) -> str:
    """Returns what a page of predictions was asked for, all but its size."""
    return f"ListPredictions {actor.clinic} {actor.person} {request.parent} {request.person}"


def _name(reader: Reader, value: str) -> str:
    return reader.matching("name", value, names.PREDICTION_NAME, _PREDICTION)


def _etag(reader: Reader, value: str) -> str:
    if not value:
        reader.tell("etag", "is required: the etag of the prediction as you saw it")
    return value
