"""The handlers of the audit trail: parse, call, render."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from myoplan.planner.v1 import review_pb2 as pb
from myoplan.planner.v1.planner_service_pb2_grpc import PlannerServiceServicer
from services.planner.api import names, parse_access, render_access
from services.planner.api.pages import page_token
from services.planner.api.reading import Reader
from services.planner.usecases.create import Planning
from services.planner.usecases.events import EventPage, ListPlanEvents, list_plan_events
from services.planner.usecases.grants import Grants
from services.planner.usecases.watch import watch_plans
from services.runtime.callers import current_actor
from services.store.model import Actor


class AuditMethods(PlannerServiceServicer):
    """The part of PlannerService about what happened to plans, and who read them in an emergency."""

    _planning: Planning
    _grants: Grants

    async def ListPlanEvents(self, request: pb.ListPlanEventsRequest, context: Any) -> pb.ListPlanEventsResponse:
        """Lists what happened to a plan."""
        query = parse_events(current_actor(), request)
        return render_events(query.clinic, request, await list_plan_events(self._planning.plans, query))

    async def WatchPlans(
        self,
        request: pb.WatchPlansRequest,
        context: Any,
    ) -> AsyncIterator[pb.PlanEvent]:
        """Streams events."""
        query = parse_access.watch_plans(current_actor(), request)
        async with aclosing(watch_plans(self._planning.plans, query)) as entries:
            async for entry in entries:
                yield render_access.event(entry)

    async def RequestBreakGlass(self, request: pb.RequestBreakGlassRequest, context: Any) -> pb.BreakGlassGrant:
        """Gives emergency access."""
        return render_access.grant(await self._grants.give(parse_access.request_break_glass(current_actor(), request)))

    async def ListBreakGlassGrants(
        self,
        request: pb.ListBreakGlassGrantsRequest,
        context: Any,
    ) -> pb.ListBreakGlassGrantsResponse:
        """Lists emergency access."""
        page = await self._grants.page(parse_access.list_grants(current_actor(), request))
        return render_access.grant_page(current_actor(), request, page)


def parse_events(actor: Actor, request: pb.ListPlanEventsRequest) -> ListPlanEvents:
    """Reads ListPlanEvents."""
    reader = Reader()
    name = reader.matching("parent", request.parent, names.PLAN_NAME, "clients/{client}/plans/{plan}")
    after = reader.place(_scope(actor.clinic, request), request.page_token)
    query = ListPlanEvents(
        clinic=actor.clinic,
        name=name,
        page_size=reader.page_size(request.page_size),
        after=int(after) if after else None,
    )
    reader.raise_any()
    return query


def render_events(clinic: str, request: pb.ListPlanEventsRequest, page: EventPage) -> pb.ListPlanEventsResponse:
    """Returns a page of events."""
    place = None if page.next_after is None else str(page.next_after)
    return pb.ListPlanEventsResponse(
        events=map(render_access.event, page.entries), next_page_token=page_token(_scope(clinic, request), place)
    )


def _scope(clinic: str, request: pb.ListPlanEventsRequest) -> str:
    """Returns what a page was asked for, all but its size."""
    return f"ListPlanEvents {clinic} {request.parent}"
