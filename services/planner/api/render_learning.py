"""Turns predictions and comparisons into messages."""

from __future__ import annotations

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from myoplan.planner.v1 import learning_pb2 as pb
from myoplan.planner.v1 import plan_pb2
from services.planner.api import render
from services.planner.api.pages import page_token
from services.planner.api.parse_learning import predictions_scope
from services.planner.domain.prediction import Count, Mark, PredictedStep, Prediction
from services.planner.domain.review import Person
from services.planner.learning.comparison import Row
from services.planner.usecases.predictions import PredictionPage, StoredPrediction, ThreeWay
from services.store.model import Actor

_MICROS = 1_000_000
_NANOS_PER_MICRO = 1000


def prediction(stored: StoredPrediction) -> pb.Prediction:
    """Returns the message of a prediction."""
    kept = stored.prediction
    message = pb.Prediction(
        name=kept.name,
        etag=stored.etag,
        assessment=kept.assessment,
        time_budget=Duration(seconds=kept.time_budget_seconds),
        person=_person(kept.person),
        steps=map(_step, kept.steps),
        reasoning=kept.reasoning,
        state=pb.Prediction.State.Value(kept.state.name),
        start_time=_timestamp(kept.start_micros),
        shown=kept.shown,
        marks=map(_mark, kept.marks),
    )
    if kept.lock_micros is not None:
        message.lock_time.CopyFrom(_timestamp(kept.lock_micros))
    return message


def _step(one: PredictedStep) -> pb.PredictedStep:
    message = pb.PredictedStep(target=render.target(one.target), sure=one.sure)
    if one.duration_seconds is not None:
        message.duration.CopyFrom(Duration(seconds=one.duration_seconds))
    return message


def _mark(mark: Mark) -> pb.Mark:
    return pb.Mark(
        criterion=mark.criterion,
        level=mark.level,
        comment=mark.comment,
        person=_person(mark.person),
        time=_timestamp(mark.time_micros),
    )


def comparison(found: ThreeWay) -> pb.ThreeWayComparison:
    """Returns the message of a comparison."""
    return pb.ThreeWayComparison(
        prediction=prediction(found.prediction),
        rows=map(_row, found.rows),
        proposal=render.plan(found.proposal),
        approved_plan=found.approved_plan,
    )


def _row(row: Row) -> pb.ThreeWayComparison.Row:
    return pb.ThreeWayComparison.Row(
        muscle=row.muscle,
        side=plan_pb2.Side.Value(row.side.name),
        predicted=row.predicted,
        proposed=row.proposed,
        approved=row.approved,
        predicted_techniques=row.predicted_techniques,
        proposed_techniques=row.proposed_techniques,
        approved_techniques=row.approved_techniques,
        verdict=pb.ThreeWayComparison.Verdict.Value(row.verdict.name),
        rationale=render.rationale(row.reasons),
        message=row.message,
    )


def prediction_page(
    actor: Actor, request: pb.ListPredictionsRequest, page: PredictionPage
) -> pb.ListPredictionsResponse:
    """Returns a page of predictions, with how those that were revealed came out, oldest first."""
    revealed = [(one.prediction, one.prediction.count) for one in reversed(page.predictions)]
    place = None if page.next_after is None else str(page.next_after)
    return pb.ListPredictionsResponse(
        predictions=map(prediction, page.predictions),
        counts=[_count(kept, count) for kept, count in revealed if count is not None],
        next_page_token=page_token(predictions_scope(actor, request), place),
    )


def _count(kept: Prediction, count: Count) -> pb.ListPredictionsResponse.Count:
    return pb.ListPredictionsResponse.Count(
        prediction=kept.name,
        person=kept.person.id,
        time=_timestamp(count.time_micros),
        agreed=count.agreed,
        missed=count.missed,
        added=count.added,
        unsafe=count.unsafe,
    )


def _person(person: Person) -> plan_pb2.Person:
    return plan_pb2.Person(id=person.id, display_name=person.display_name)


def _timestamp(micros: int) -> Timestamp:
    return Timestamp(seconds=micros // _MICROS, nanos=micros % _MICROS * _NANOS_PER_MICRO)
