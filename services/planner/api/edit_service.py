"""The handlers about editing a plan and about what else it could be: parse, call, render."""

from __future__ import annotations

from typing import Any

from myoplan.planner.v1 import edit_pb2
from myoplan.planner.v1 import plan_pb2 as pb
from myoplan.planner.v1.planner_service_pb2_grpc import PlannerServiceServicer
from services.planner.api import parse_edit, render, render_edit
from services.planner.api.parse import Parser
from services.planner.usecases.create import Planning
from services.planner.usecases.explain import explore_plan
from services.planner.usecases.revise import revise_plan
from services.runtime.callers import current_actor


class EditMethods(PlannerServiceServicer):
    """The part of PlannerService that edits plans."""

    _parse: Parser
    _planning: Planning

    async def RevisePlan(self, request: edit_pb2.RevisePlanRequest, context: Any) -> pb.Plan:
        """Edits a plan."""
        command = parse_edit.revise_plan(self._parse, current_actor(), request)
        return render.plan(await revise_plan(self._planning, command))

    async def ExplorePlan(self, request: edit_pb2.ExplorePlanRequest, context: Any) -> edit_pb2.Exploration:
        """Says what else a plan could be."""
        query = parse_edit.explore_plan(current_actor(), request)
        return render_edit.exploration(await explore_plan(self._planning, query))
