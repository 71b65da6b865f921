"""The handlers of PlannerService: parse, call, render."""

from __future__ import annotations

from typing import Any

from myoplan.planner.v1 import plan_pb2 as pb
from myoplan.planner.v1 import planner_service_pb2 as service_pb
from myoplan.planner.v1.planner_service_pb2_grpc import PlannerServiceServicer
from services.planner.api import parse_plan, render, render_explain
from services.planner.api.parse import Parser
from services.planner.usecases.create import Planning, create_plan
from services.planner.usecases.explain import check_plan, compare_plans, explain_omission, replay_plan
from services.planner.usecases.read import get_plan, list_plans
from services.runtime.identity import Caller, current_caller
from services.store.model import Actor


def _actor_of(caller: Caller) -> Actor:
    return Actor(
        clinic=caller.clinic,
        person=caller.person,
        display_name=caller.display_name,
        roles=tuple(sorted(role.value for role in caller.roles)),
    )


def _actor() -> Actor:
    return _actor_of(current_caller())


class PlannerService(PlannerServiceServicer):
    """Implements the contract. Errors pass through; `errors.explain` says what they mean."""

    def __init__(self, parser: Parser, planning: Planning) -> None:
        self._parse = parser
        self._planning = planning

    async def on_denied(self, caller: Caller, method: str) -> None:
        """Leaves a trace of a call that the caller had no right to make."""
        await self._planning.plans.refuse(_actor_of(caller), method.rpartition("/")[2])

    async def CreatePlan(self, request: service_pb.CreatePlanRequest, context: Any) -> pb.Plan:  # noqa: ARG002, N802
        """Makes a plan."""
        command = self._parse.create_plan(_actor(), request)
        stored = await create_plan(self._planning, command)
        return render.plan(stored)

    async def GetPlan(self, request: service_pb.GetPlanRequest, context: Any) -> pb.Plan:  # noqa: ARG002, N802
        """Gets a plan."""
        query = self._parse.get_plan(_actor(), request)
        stored = await get_plan(self._planning.plans, query)
        return render.plan(stored, full=render.is_full(request.view, usual=True))

    async def ListPlans(self, request: service_pb.ListPlansRequest, context: Any) -> service_pb.ListPlansResponse:  # noqa: ARG002, N802
        """Lists plans."""
        query = self._parse.list_plans(_actor(), request)
        page = await list_plans(self._planning.plans, query)
        return render.plan_page(_actor(), request, page)

    async def ExplainOmission(  # noqa: N802
        self,
        request: service_pb.ExplainOmissionRequest,
        context: Any,  # noqa: ARG002
    ) -> service_pb.Explanation:
        """Explains why something is not in a plan."""
        query = self._parse.explain_omission(_actor(), request)
        return render_explain.explanation(await explain_omission(self._planning, query))

    async def ComparePlans(self, request: service_pb.ComparePlansRequest, context: Any) -> service_pb.PlanDiff:  # noqa: ARG002, N802
        """Compares two plans."""
        query = self._parse.compare_plans(_actor(), request)
        return render_explain.comparison(await compare_plans(self._planning, query))

    async def CheckPlan(self, request: service_pb.CheckPlanRequest, context: Any) -> service_pb.CheckPlanResponse:  # noqa: ARG002, N802
        """Checks any plan."""
        query = parse_plan.check_plan(self._parse, request)
        return render_explain.findings(await check_plan(self._planning, query))

    async def ReplayPlan(self, request: service_pb.ReplayPlanRequest, context: Any) -> service_pb.ReplayPlanResponse:  # noqa: ARG002, N802
        """Makes a plan again."""
        query = self._parse.replay_plan(_actor(), request)
        return render_explain.replay(await replay_plan(self._planning, query))
