"""Both services as processes, for every scenario of the run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest
from google.protobuf.duration_pb2 import Duration

from cli.connection import Connection, connected
from cli.local.stack import private_stack
from knowledge.load import load
from myoplan.assessment.v1.assessment_pb2 import Assessment, HealthFlag
from myoplan.assessment.v1.assessment_service_pb2 import CompleteAssessmentRequest, CreateAssessmentRequest
from myoplan.planner.v1 import plan_pb2 as pb
from myoplan.planner.v1.edit_pb2 import RevisePlanRequest
from myoplan.planner.v1.planner_service_pb2 import CreatePlanRequest
from services.planner.clients.assessment import read_assessment
from services.planner.domain.constraints import Constraints, HandLoad, Target
from services.planner.domain.sides import Side
from services.planner.graph.index import KnowledgeGraph, compile_graph
from services.planner.session.propose import PlanRequest
from tests.scenarios.edits import messages
from tests.scenarios.scenario import Scenario


class Scenarios:
    """Records the assessments of scenarios, each once, and plans from them over gRPC."""

    def __init__(self, services: Connection, asked_always: Iterable[str]) -> None:
        self._services = services
        self._asked_always = tuple(asked_always)
        self._recorded: dict[str, Assessment] = {}

    def recorded(self, scenario: Scenario) -> Assessment:
        """Returns the sealed assessment, with what the service derived from its findings."""
        if scenario.name not in self._recorded:
            create = CreateAssessmentRequest(
                parent=f"clients/{scenario.name.replace('_', '-')}", assessment=self._answered(scenario)
            )
            opened = self._services.assessments.CreateAssessment(create, metadata=self._services.credentials)
            seal = CompleteAssessmentRequest(name=opened.name, etag=opened.etag)
            self._recorded[scenario.name] = self._services.assessments.CompleteAssessment(
                seal, metadata=self._services.credentials
            )
        return self._recorded[scenario.name]

    def _answered(self, scenario: Scenario) -> Assessment:
        """Adds a no to every question of every intake that the scenario does not answer, unless it says otherwise."""
        assessment = Assessment()
        assessment.CopyFrom(scenario.assessment)
        if scenario.asks_the_rest:
            answered = {flag.condition for flag in assessment.health_flags}
            assessment.health_flags.extend(
                HealthFlag(condition=condition, answer=HealthFlag.ABSENT)
                for condition in self._asked_always
                if condition not in answered
            )
        return assessment

    def plan(self, scenario: Scenario) -> pb.Plan:
        """Plans over gRPC and stores the plan."""
        stored = self.recorded(scenario)
        request = CreatePlanRequest(
            parent=stored.name.partition("/assessments/")[0],
            plan=pb.Plan(
                assessment=stored.name,
                constraints=scenario.constraints,
                time_budget=Duration(seconds=round(scenario.minutes * 60)),
            ),
        )
        return self._services.plans.CreatePlan(request, metadata=self._services.credentials)

    def revised(self, plan: pb.Plan, scenario: Scenario) -> pb.Plan:
        """Edits a plan over gRPC."""
        request = RevisePlanRequest(name=plan.name, etag=plan.etag, edits=messages(scenario.edits, plan))
        return self._services.plans.RevisePlan(request, metadata=self._services.credentials)

    def request(self, scenario: Scenario) -> PlanRequest:
        """Returns what the planner is asked, to plan the same without a server."""
        found = read_assessment(self.recorded(scenario))
        return PlanRequest(
            assessment=found.name,
            assessment_etag=found.etag,
            snapshot=found.snapshot,
            constraints=_constraints(scenario.constraints),
            time_budget_seconds=round(scenario.minutes * 60),
        )


def _constraints(message: pb.Constraints) -> Constraints:
    load = message.hand_load_used_today
    return Constraints(
        pinned=_targets(message.pinned),
        excluded=_targets(message.excluded),
        unavailable_positions=tuple(message.unavailable_positions),
        max_pressure=message.max_pressure if message.HasField("max_pressure") else None,
        must_include=_targets(message.must_include),
        hand_load_used_today=HandLoad(thumb=load.thumb, wrist=load.wrist, elbow=load.elbow, tool=load.tool)
        if message.HasField("hand_load_used_today")
        else None,
    )


def _targets(messages: Iterable[pb.Target]) -> tuple[Target, ...]:
    return tuple(
        Target(muscle=target.muscle, side=Side(pb.Side.Name(target.side).lower()), technique=target.technique)
        for target in messages
    )


@pytest.fixture(scope="session")
def services() -> Iterator[Connection]:
    """A connection to a stack of its own, as the demo therapist."""
    with private_stack(lambda _: None) as running, connected(running) as connection:
        yield connection


@pytest.fixture(scope="session")
def graph() -> KnowledgeGraph:
    """The knowledge graph, as the planner compiles it."""
    return compile_graph(load())


@pytest.fixture(scope="session")
def scenarios(services: Connection, graph: KnowledgeGraph) -> Scenarios:
    """What records and plans the scenarios."""
    always = (condition.id for condition in graph.base.conditions.values() if condition.ask_always)
    return Scenarios(services, always)
