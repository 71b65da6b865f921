"""Shows the treatment room, begins the session, takes reports of steps, and re-fits what is left.

Reports come from a queue on the device, each under an id that makes it safe to send again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC

import grpc
from google.protobuf.duration_pb2 import Duration
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from myoplan.planner.v1.plan_pb2 import Plan
from myoplan.planner.v1.planner_service_pb2 import GetPlanRequest, PlanView
from myoplan.planner.v1.session_pb2 import (
    Delivery,
    GetSessionRequest,
    RecordDeliveryRequest,
    RefitSessionRequest,
    Session,
    SessionStep,
    StartSessionRequest,
)
from services.console.clients import PLAN_SECONDS, READ_SECONDS, WRITE_SECONDS
from services.console.pages.room.context import room_page
from services.console.plain import plain
from services.console.web import Form, Visit, action, derived_id, page, problem
from services.console.wording import SECONDS
from services.runtime.client import error_of

MOST_SECONDS = 6 * 3600
MOST_LOST_MINUTES = 180
PRESSURES = range(1, 6)


def plan_name(visit: Visit) -> str:
    """Returns the name of the plan of this page."""
    return f"clients/{visit.request.path_params['client']}/plans/{visit.request.path_params['plan']}"


async def read_session(visit: Visit) -> Session | None:
    """Returns the session of the plan; None: nobody has begun it."""
    try:
        return await visit.console.services.plans.GetSession(
            GetSessionRequest(name=plan_name(visit)), timeout=READ_SECONDS
        )
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.NOT_FOUND:
            raise
        return None


async def read_approved(visit: Visit) -> Plan:
    """Returns the plan as it was approved; if no version is, as it is."""
    plans, name = visit.console.services.plans, plan_name(visit)
    plan = await plans.GetPlan(GetPlanRequest(name=name, view=PlanView.FULL), timeout=READ_SECONDS)
    if not plan.approved_revision or plan.version == plan.approved_version:
        return plan
    request = GetPlanRequest(name=name, revision=plan.approved_revision, view=PlanView.FULL)
    approved = await plans.GetPlan(request, timeout=READ_SECONDS)
    approved.etag = plan.etag  # a session is begun on the newest revision
    return approved


async def show(visit: Visit) -> Response:
    """Shows the room."""
    plan, session = await asyncio.gather(read_approved(visit), read_session(visit))
    return visit.show("room.html", room_page(visit, plan, session), reviewed=plan.knowledge_reviewed)


async def _now(visit: Visit, session: Session) -> Response:
    """Answers a script with the session as it is, and a plain form with the page."""
    if not visit.wants_part:
        return visit.go(f"/{plan_name(visit)}/room")
    return JSONResponse(plain(room_page(visit, await read_approved(visit), session)))


async def start(visit: Visit, form: Form) -> Response:
    """Begins the session. A session that runs already is gone on with."""
    request = StartSessionRequest(
        name=plan_name(visit),
        etag=form.get("etag", ""),
        request_id=derived_id(form.get("request_id", ""), f"start {form.get('etag', '')}"),
    )
    try:
        session = await visit.console.services.plans.StartSession(request, timeout=WRITE_SECONDS)
    except grpc.aio.AioRpcError:
        running = await read_session(visit)
        if running is None:
            raise
        session = running
    return await _now(visit, session)


async def deliver(visit: Visit, form: Form) -> Response:
    """Stores the report of one step, and of the turn before it."""
    step = _delivery(form)
    if step is None:
        return problem(visit, 422, "invalid", (visit.t("room.unreadable"),))
    turn = Delivery(
        step=form.get("turn", ""),
        status=SessionStep.DONE,
        delivered=Duration(seconds=_whole(form.get("turn_seconds", ""), MOST_SECONDS) or 0),
    )
    both = [turn, step] if turn.step else [step]
    try:
        session = await _record(visit, form, both)
    except grpc.aio.AioRpcError as error:
        # A re-fit may have done away with the turn; the step counts all the same.
        if not turn.step or error_of(error).code is not grpc.StatusCode.INVALID_ARGUMENT:
            raise
        session = await _record(visit, form, [step])
    return JSONResponse({"etag": session.etag})


async def _record(visit: Visit, form: Form, deliveries: Sequence[Delivery]) -> Session:
    purpose = f"delivered {[each.step for each in deliveries]}"
    request = RecordDeliveryRequest(
        name=plan_name(visit), deliveries=deliveries, request_id=derived_id(form.get("entry", ""), purpose)
    )
    return await visit.console.services.plans.RecordDelivery(request, timeout=WRITE_SECONDS)


def _delivery(form: Form) -> Delivery | None:
    pressure = _whole(form.get("pressure", ""), PRESSURES.stop - 1)
    if form.get("status") == "skipped":
        return Delivery(step=form.get("step", ""), status=SessionStep.SKIPPED)
    seconds = _whole(form.get("seconds", ""), MOST_SECONDS)
    if form.get("status") != "done" or seconds is None:
        return None
    return Delivery(
        step=form.get("step", ""),
        status=SessionStep.DONE,
        delivered=Duration(seconds=seconds),
        pressure_level=pressure if pressure in PRESSURES else None,
    )


def _whole(text: str, most: int) -> int | None:
    if not text.isascii() or not text.isdigit():
        return None
    return min(int(text), most)


async def refit(visit: Visit, form: Form) -> Response:
    """Re-fits what is left of the session: minutes were lost, a position is not possible, or time has run over."""
    session = await read_session(visit)
    if session is None:
        return problem(visit, 409, "state")
    begun = session.start_time.ToDatetime(tzinfo=UTC)
    elapsed = int((visit.console.clock() - begun).total_seconds())
    lost = _whole(form.get("lost", ""), MOST_LOST_MINUTES) or 0
    positions = [form["position"]] if form.get("position") else []
    request = RefitSessionRequest(
        name=plan_name(visit),
        elapsed=Duration(seconds=max(0, min(elapsed, MOST_SECONDS))),
        lost=Duration(seconds=lost * SECONDS) if lost else None,
        unavailable_positions=positions,
        request_id=derived_id(form.get("request_id", ""), f"refit {elapsed} {lost} {positions}"),
    )
    return await _now(visit, await visit.console.services.plans.RefitSession(request, timeout=PLAN_SECONDS))


_ADDRESS = "/clients/{client}/plans/{plan}/room"

ROUTES: Sequence[Route] = (
    *page(_ADDRESS, show),
    *action(_ADDRESS + "/start", start),
    *action(_ADDRESS + "/delivered", deliver),
    *action(_ADDRESS + "/refit", refit),
)
