"""The handlers about working an approved plan: parse, call, render."""

from __future__ import annotations

from typing import Any

from myoplan.planner.v1 import session_pb2 as pb
from myoplan.planner.v1.planner_service_pb2_grpc import PlannerServiceServicer
from services.planner.api import parse_session, render_session
from services.planner.usecases.sessions import (
    Working,
    finish_session,
    get_session,
    record_delivery,
    refit_session,
    report_delivery,
    start_session,
)
from services.runtime.callers import current_actor


class SessionMethods(PlannerServiceServicer):
    """The part of PlannerService that works plans."""

    _working: Working

    async def StartSession(self, request: pb.StartSessionRequest, context: Any) -> pb.Session:
        """Begins a session."""
        command = parse_session.start_session(current_actor(), request)
        return render_session.session(await start_session(self._working, command))

    async def GetSession(self, request: pb.GetSessionRequest, context: Any) -> pb.Session:
        """Gets a session."""
        plan = parse_session.get_session(request)
        return render_session.session(await get_session(self._working, current_actor().clinic, plan))

    async def RecordDelivery(self, request: pb.RecordDeliveryRequest, context: Any) -> pb.Session:
        """Reports steps."""
        command = parse_session.record_delivery(current_actor(), request)
        return render_session.session(await record_delivery(self._working, command))

    async def RefitSession(self, request: pb.RefitSessionRequest, context: Any) -> pb.Session:
        """Re-fits the rest."""
        command = parse_session.refit_session(self._working.graph.base, current_actor(), request)
        return render_session.session(await refit_session(self._working, command))

    async def FinishSession(self, request: pb.FinishSessionRequest, context: Any) -> pb.Session:
        """Finishes a session."""
        command = parse_session.finish_session(self._working.graph.base, current_actor(), request)
        return render_session.session(await finish_session(self._working, command))

    async def ReportDelivery(self, request: pb.ReportDeliveryRequest, context: Any) -> pb.DeliveryReport:
        """Reports planned against delivered."""
        parent = parse_session.report_delivery(request)
        return render_session.report(await report_delivery(self._working, current_actor().clinic, parent))
