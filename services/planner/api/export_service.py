"""The handler of ExportPlan: parse, call, render."""

from __future__ import annotations

from typing import Any

from myoplan.planner.v1 import review_pb2 as pb
from myoplan.planner.v1.planner_service_pb2_grpc import PlannerServiceServicer
from services.planner.api import names
from services.planner.api.reading import Reader
from services.planner.api.render_sheet import Sheets
from services.planner.usecases.create import Planning
from services.planner.usecases.export import DocumentKind, ExportPlan, export_plan
from services.runtime.callers import current_actor
from services.store.model import Actor

_MOST_REVISION = 2**53


class ExportMethods(PlannerServiceServicer):
    """The part of PlannerService that prints."""

    _planning: Planning
    _sheets: Sheets

    async def ExportPlan(self, request: pb.ExportPlanRequest, context: Any) -> pb.ExportPlanResponse:
        """Renders a plan as a document."""
        query = parse_export(current_actor(), request)
        return await self._sheets.sheet(await export_plan(self._planning.plans, query))


def parse_export(actor: Actor, request: pb.ExportPlanRequest) -> ExportPlan:
    """Reads ExportPlan. Raises RequestInvalid."""
    reader = Reader()
    name = reader.matching("name", request.name, names.PLAN_NAME, "clients/{client}/plans/{plan}")
    kind = reader.choice("format", request.format, pb.ExportPlanRequest.Format, required=True)
    revision = reader.whole("revision", request, "revision", 1, _MOST_REVISION)
    reader.raise_any()
    return ExportPlan(clinic=actor.clinic, name=name, revision=revision, kind=DocumentKind(kind))
