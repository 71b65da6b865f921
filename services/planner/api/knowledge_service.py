"""The handlers of KnowledgeService: parse, look up, render. Nothing here touches a store or a person's data."""

from __future__ import annotations

from typing import Any

from myoplan.planner.v1 import knowledge_service_pb2 as pb
from myoplan.planner.v1.knowledge_service_pb2_grpc import KnowledgeServiceServicer
from services.planner.api import render_knowledge as render
from services.planner.api.pages import page_token
from services.planner.api.parse import Parser
from services.planner.graph.index import KnowledgeGraph
from services.planner.screen.rules import screen
from services.planner.usecases.knowledge import trace_motion, trace_zone


class KnowledgeService(KnowledgeServiceServicer):
    """Implements the contract over one compiled knowledge base."""

    def __init__(self, parser: Parser, graph: KnowledgeGraph) -> None:
        self._parse = parser
        self._graph = graph
        self._base = graph.base
        # It never changes while the process runs.
        self._described = render.knowledge_base(graph.base)

    async def GetKnowledgeBase(self, request: pb.GetKnowledgeBaseRequest, context: Any) -> pb.KnowledgeBase:
        """Describes the knowledge base."""
        return self._described

    async def GetMuscle(self, request: pb.GetMuscleRequest, context: Any) -> pb.Muscle:
        """Gets a muscle."""
        return render.muscle(self._graph, self._parse.named("muscle", self._base.muscles, request.name))

    async def ListMuscles(self, request: pb.ListMusclesRequest, context: Any) -> pb.ListMusclesResponse:
        """Lists muscles."""
        page, last = self._parse.page("ListMuscles", self._base.muscles, request)
        return pb.ListMusclesResponse(
            muscles=[render.muscle(self._graph, self._base.muscles[one]) for one in page],
            next_page_token=page_token("ListMuscles", last),
        )

    async def GetZone(self, request: pb.GetZoneRequest, context: Any) -> pb.Zone:
        """Gets a zone."""
        return render.zone(self._parse.named("zone", self._base.zones, request.name))

    async def ListZones(self, request: pb.ListZonesRequest, context: Any) -> pb.ListZonesResponse:
        """Lists zones."""
        page, last = self._parse.page("ListZones", self._base.zones, request)
        return pb.ListZonesResponse(
            zones=[render.zone(self._base.zones[one]) for one in page], next_page_token=page_token("ListZones", last)
        )

    async def GetMotion(self, request: pb.GetMotionRequest, context: Any) -> pb.Motion:
        """Gets a motion."""
        return render.motion(self._parse.named("motion", self._base.motions, request.name))

    async def ListMotions(self, request: pb.ListMotionsRequest, context: Any) -> pb.ListMotionsResponse:
        """Lists motions."""
        page, last = self._parse.page("ListMotions", self._base.motions, request)
        return pb.ListMotionsResponse(
            motions=[render.motion(self._base.motions[one]) for one in page],
            next_page_token=page_token("ListMotions", last),
        )

    async def GetTechnique(self, request: pb.GetTechniqueRequest, context: Any) -> pb.Technique:
        """Gets a technique."""
        return render.technique(self._parse.named("technique", self._base.techniques, request.name))

    async def ListTechniques(self, request: pb.ListTechniquesRequest, context: Any) -> pb.ListTechniquesResponse:
        """Lists techniques."""
        page, last = self._parse.page("ListTechniques", self._base.techniques, request)
        return pb.ListTechniquesResponse(
            techniques=[render.technique(self._base.techniques[one]) for one in page],
            next_page_token=page_token("ListTechniques", last),
        )

    async def GetCondition(self, request: pb.GetConditionRequest, context: Any) -> pb.Condition:
        """Gets a condition."""
        return render.condition(self._parse.named("condition", self._base.conditions, request.name))

    async def ListConditions(self, request: pb.ListConditionsRequest, context: Any) -> pb.ListConditionsResponse:
        """Lists conditions."""
        page, last = self._parse.page("ListConditions", self._base.conditions, request)
        return pb.ListConditionsResponse(
            conditions=[render.condition(self._base.conditions[one]) for one in page],
            next_page_token=page_token("ListConditions", last),
        )

    async def GetSource(self, request: pb.GetSourceRequest, context: Any) -> pb.Source:
        """Gets a source."""
        return render.source(self._parse.named("source", self._base.sources, request.name))

    async def ListSources(self, request: pb.ListSourcesRequest, context: Any) -> pb.ListSourcesResponse:
        """Lists sources."""
        page, last = self._parse.page("ListSources", self._base.sources, request)
        return pb.ListSourcesResponse(
            sources=[render.source(self._base.sources[one]) for one in page],
            next_page_token=page_token("ListSources", last),
        )

    async def TraceZone(self, request: pb.TraceZoneRequest, context: Any) -> pb.TraceZoneResponse:
        """Asks which muscles refer pain to a zone."""
        zone, side = self._parse.zone_and_side(request)
        return render.traced(trace_zone(self._graph, zone, side))

    async def TraceMotion(self, request: pb.TraceMotionRequest, context: Any) -> pb.TraceMotionResponse:
        """Asks which muscles limit a motion."""
        motion, side = self._parse.motion_and_side(request)
        return render.restricting(trace_motion(self._graph, motion, side))

    async def GetNeighbourhood(self, request: pb.GetNeighbourhoodRequest, context: Any) -> pb.Neighbourhood:
        """Gets a node with everything that is one edge away."""
        return render.neighbours(self._parse.neighbourhood(request), self._base)

    async def ScreenHealth(self, request: pb.ScreenHealthRequest, context: Any) -> pb.ScreenHealthResponse:
        """Screens health flags."""
        return render.screening(screen(self._parse.health_flags(request), self._base), self._base)
