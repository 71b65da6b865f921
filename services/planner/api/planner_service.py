"""The handlers of PlannerService: parse, call, render."""

from __future__ import annotations

from typing import Any

from myoplan.planner.v1 import plan_pb2 as pb
from myoplan.planner.v1 import planner_service_pb2 as service_pb
from myoplan.planner.v1.planner_service_pb2_grpc import PlannerServiceServicer
from services.planner.api import render
from services.planner.api.parse import Parser
from services.planner.usecases.create import Planning, create_plan
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
