"""Shows the progress of a client."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import grpc
from starlette.responses import Response
from starlette.routing import Route

from myoplan.assessment.v1.assessment_pb2 import Assessment
from myoplan.assessment.v1.assessment_service_pb2 import (
    AssessmentComparison,
    CompareAssessmentsRequest,
    ListAssessmentsRequest,
)
from myoplan.planner.v1.plan_pb2 import Plan
from myoplan.planner.v1.planner_service_pb2 import ListPlansRequest, PlanView
from myoplan.planner.v1.session_pb2 import GetSessionRequest, Session
from services.console.clients import READ_SECONDS
from services.console.pages.progress.context import Material, Worked, progress_page, when
from services.console.web import Visit, page, problem

MOST_LISTED = 200
MOST_VISITS = 12


async def show(visit: Visit) -> Response:
    """Shows the newest visits of a client against the first of them."""
    client = visit.request.path_params["client"]
    parent = f"clients/{client}"
    services = visit.console.services
    listed, planned = await asyncio.gather(
        services.assessments.ListAssessments(
            ListAssessmentsRequest(parent=parent, page_size=MOST_LISTED), timeout=READ_SECONDS
        ),
        services.plans.ListPlans(
            ListPlansRequest(parent=parent, page_size=MOST_LISTED, view=PlanView.BASIC), timeout=READ_SECONDS
        ),
    )
    used = sorted(
        (each for each in listed.assessments if each.state != Assessment.VOIDED), key=lambda each: when(visit, each)
    )
    if not used:
        return problem(visit, 404, "missing")
    visits = used[-MOST_VISITS:]
    names = {each.name for each in visits}
    plans = [each for each in planned.plans if each.approved_version and each.assessment in names][:MOST_VISITS]
    comparisons, sessions = await asyncio.gather(
        asyncio.gather(*(_compared(visit, parent, visits[0], each) for each in visits[1:])),
        asyncio.gather(*(_session(visit, plan) for plan in plans)),
    )
    worked: dict[str, Worked] = {}
    for plan, session in zip(plans, sessions, strict=True):  # newest first; what was worked counts
        if plan.assessment not in worked or (session is not None and worked[plan.assessment].session is None):
            worked[plan.assessment] = Worked(plan=plan, session=session)
    found = Material(
        client=client,
        visits=tuple(visits),
        comparisons=tuple(comparisons),
        worked=worked,
        more=len(used) > len(visits),
    )
    return visit.show("progress.html", progress_page(visit, found))


async def _compared(visit: Visit, parent: str, first: Assessment, later: Assessment) -> AssessmentComparison:
    request = CompareAssessmentsRequest(parent=parent, earlier=first.name, later=later.name)
    return await visit.console.services.assessments.CompareAssessments(request, timeout=READ_SECONDS)


async def _session(visit: Visit, plan: Plan) -> Session | None:
    try:
        return await visit.console.services.plans.GetSession(GetSessionRequest(name=plan.name), timeout=READ_SECONDS)
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.NOT_FOUND:
            raise
        return None


ROUTES: Sequence[Route] = page("/clients/{client}/progress", show)
