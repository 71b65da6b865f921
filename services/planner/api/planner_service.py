"""The handlers of PlannerService: parse, call, render."""

from __future__ import annotations

from typing import Any

from myoplan.planner.v1 import plan_pb2 as pb
from myoplan.planner.v1 import planner_service_pb2 as service_pb
from myoplan.planner.v1.planner_service_pb2_grpc import PlannerServiceServicer
from services.planner.api import parse_plan, render, render_explain
from services.planner.api.audit_service import AuditMethods
from services.planner.api.edit_service import EditMethods
from services.planner.api.export_service import ExportMethods
from services.planner.api.learning_service import LearningMethods
from services.planner.api.parse import Parser
from services.planner.api.render_sheet import Sheets
from services.planner.api.review_service import ReviewMethods
from services.planner.api.session_service import SessionMethods
from services.planner.usecases.comments import Comments
from services.planner.usecases.create import Planning, create_plan
from services.planner.usecases.explain import check_plan, compare_plans, explain_omission, replay_plan
from services.planner.usecases.grants import Grants
from services.planner.usecases.predictions import Predicting
from services.planner.usecases.read import get_plan, list_plans
from services.planner.usecases.review import Reviewing
from services.planner.usecases.sessions import Working
from services.runtime.callers import actor_of, current_actor
from services.runtime.identity import Caller


class PlannerService(
    EditMethods,
    ReviewMethods,
    SessionMethods,
    LearningMethods,
    AuditMethods,
    ExportMethods,
    PlannerServiceServicer,
):
    """Implements the contract. Errors pass through; `errors.explain` says what they mean."""

    def __init__(
        self,
        parser: Parser,
        planning: Planning,
        reviewing: Reviewing,
        comments: Comments,
        grants: Grants,
        working: Working,
        predicting: Predicting,
    ) -> None:
        self._parse = parser
        self._planning = planning
        self._sheets = Sheets(parser.base)
        self._reviewing = reviewing
        self._comments = comments
        self._grants = grants
        self._working = working
        self._predicting = predicting

    async def on_denied(self, caller: Caller, method: str) -> None:
        """Leaves a trace of a call that the caller had no right to make."""
        await self._planning.plans.refuse(actor_of(caller), method.rpartition("/")[2])

    async def CreatePlan(self, request: service_pb.CreatePlanRequest, context: Any) -> pb.Plan:
        """Makes a plan."""
        command = self._parse.create_plan(current_actor(), request)
        stored = await create_plan(self._planning, command)
        return render.plan(stored)

    async def GetPlan(self, request: service_pb.GetPlanRequest, context: Any) -> pb.Plan:
        """Gets a plan."""
        query = self._parse.get_plan(current_actor(), request)
        stored = await get_plan(self._planning.plans, query)
        return render.plan(stored, full=render.is_full(request.view, usual=True))

    async def ListPlans(self, request: service_pb.ListPlansRequest, context: Any) -> service_pb.ListPlansResponse:
        """Lists plans."""
        query = self._parse.list_plans(current_actor(), request)
        page = await list_plans(self._planning.plans, query)
        return render.plan_page(current_actor(), request, page)

    async def ExplainOmission(
        self,
        request: service_pb.ExplainOmissionRequest,
        context: Any,
    ) -> service_pb.Explanation:
        """Explains why something is not in a plan."""
        query = self._parse.explain_omission(current_actor(), request)
        return render_explain.explanation(await explain_omission(self._planning, query))

    async def ComparePlans(self, request: service_pb.ComparePlansRequest, context: Any) -> service_pb.PlanDiff:
        """Compares two plans."""
        query = self._parse.compare_plans(current_actor(), request)
        return render_explain.comparison(await compare_plans(self._planning, self._working.sessions, query))

    async def CheckPlan(self, request: service_pb.CheckPlanRequest, context: Any) -> service_pb.CheckPlanResponse:
        """Checks any plan."""
        query = parse_plan.check_plan(self._parse, request)
        return render_explain.findings(await check_plan(self._planning, query))

    async def ReplayPlan(self, request: service_pb.ReplayPlanRequest, context: Any) -> service_pb.ReplayPlanResponse:
        """Makes a plan again."""
        query = self._parse.replay_plan(current_actor(), request)
        return render_explain.replay(await replay_plan(self._planning, query))
