"""The handlers of learning mode: parse, call, render."""

from __future__ import annotations

from typing import Any

from myoplan.planner.v1 import learning_pb2 as pb
from myoplan.planner.v1.planner_service_pb2_grpc import PlannerServiceServicer
from services.planner.api import parse_learning, render_learning
from services.planner.api.parse import Parser
from services.planner.usecases.predictions import (
    Predicting,
    grade_prediction,
    list_predictions,
    lock_prediction,
    reveal_prediction,
    start_prediction,
)
from services.runtime.callers import current_actor


class LearningMethods(PlannerServiceServicer):
    """The part of PlannerService about predictions."""

    _parse: Parser
    _predicting: Predicting

    async def StartPrediction(self, request: pb.StartPredictionRequest, context: Any) -> pb.Prediction:
        """Begins a prediction."""
        command = parse_learning.start_prediction(self._parse, current_actor(), request)
        return render_learning.prediction(await start_prediction(self._predicting, command))

    async def LockPrediction(self, request: pb.LockPredictionRequest, context: Any) -> pb.Prediction:
        """Locks a prediction."""
        command = parse_learning.lock_prediction(self._parse, current_actor(), request)
        return render_learning.prediction(await lock_prediction(self._predicting, command))

    async def RevealPrediction(self, request: pb.RevealPredictionRequest, context: Any) -> pb.ThreeWayComparison:
        """Compares a prediction."""
        command = parse_learning.reveal_prediction(current_actor(), request)
        return render_learning.comparison(await reveal_prediction(self._predicting, command))

    async def GradePrediction(self, request: pb.GradePredictionRequest, context: Any) -> pb.Prediction:
        """Marks a prediction."""
        command = parse_learning.grade_prediction(current_actor(), request)
        return render_learning.prediction(await grade_prediction(self._predicting, command))

    async def ListPredictions(self, request: pb.ListPredictionsRequest, context: Any) -> pb.ListPredictionsResponse:
        """Lists predictions."""
        query = parse_learning.list_predictions(current_actor(), request)
        page = await list_predictions(self._predicting, query)
        return render_learning.prediction_page(query.actor, request, page)
