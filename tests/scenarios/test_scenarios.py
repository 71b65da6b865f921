"""Runs every scenario of this folder through gRPC and through the domain; both must agree and be as expected.

A scenario is a case or an assessment of its own, the minutes, what people demand, and what a therapist expects. The
mirrored scenario, with left and right exchanged everywhere, has to give the mirrored plan.
"""

from __future__ import annotations

import grpc
import pytest

from myoplan.planner.v1.plan_pb2 import Plan
from services.planner.domain.canonical import content_digest
from services.planner.domain.errors import DemandUnsafe
from services.planner.domain.plan import PlanContent
from services.planner.domain.sides import Side
from services.planner.domain.snapshot import Snapshot
from services.planner.graph.index import KnowledgeGraph
from services.planner.session.propose import PlanRequest
from services.planner.usecases.create import checked_plan
from services.runtime.client import error_of
from tests.scenarios.conftest import Scenarios
from tests.scenarios.expectations import problems, summary
from tests.scenarios.scenario import SCENARIOS, Scenario
from tests.support.planner import mirrored


def named(scenario: Scenario) -> str:
    return scenario.name


PLANNED = [scenario for scenario in SCENARIOS if not scenario.refused]
REFUSED = [scenario for scenario in SCENARIOS if scenario.refused]


@pytest.mark.parametrize("scenario", PLANNED, ids=named)
def test_scenario(scenario: Scenario, scenarios: Scenarios, graph: KnowledgeGraph) -> None:
    plan = scenarios.plan(scenario)
    content = checked_plan(scenarios.request(scenario), graph)
    assert plan.digest == content_digest(content, 1), "gRPC and the domain disagree"
    assert scenario.expect, "a scenario without expectations says nothing"
    found = problems(plan, scenario.expect)
    assert found == [], "\n".join([*found, *summary(plan)])
    check_sums(plan)


@pytest.mark.parametrize("scenario", REFUSED, ids=named)
def test_refused_demand(scenario: Scenario, scenarios: Scenarios, graph: KnowledgeGraph) -> None:
    with pytest.raises(DemandUnsafe) as in_the_domain:
        checked_plan(scenarios.request(scenario), graph)
    with pytest.raises(grpc.RpcError) as over_grpc:
        scenarios.plan(scenario)
    assert scenario.refused in str(in_the_domain.value)
    assert any(scenario.refused in sentence for sentence in error_of(over_grpc.value).preconditions)


@pytest.mark.parametrize("scenario", PLANNED, ids=named)
def test_mirrored_scenario(scenario: Scenario, scenarios: Scenarios, graph: KnowledgeGraph) -> None:
    request = scenarios.request(scenario)
    plan, mirror = checked_plan(request, graph), checked_plan(mirrored(request), graph)
    assert mirror.optimality == plan.optimality
    if names_a_side(request):
        expected = mirrored(plan)
        assert outline(mirror) == outline(expected)
        assert mirror == expected


def names_a_side(request: PlanRequest) -> bool:
    """Whether anything says which side goes first where nothing else decides; without it the left does."""
    snapshot: Snapshot = request.snapshot
    sides = [
        finding.side
        for findings in (snapshot.pain_areas, snapshot.palpations, snapshot.rom_tests, snapshot.health_flags)
        for finding in findings
    ]
    return Side.LEFT in sides or Side.RIGHT in sides


def outline(content: PlanContent) -> list[str]:
    """Returns a plan in lines, so that a difference can be read."""
    return [f"{step.start_seconds} {step.id} {step.position} {step.duration_seconds}" for step in content.steps]


def check_sums(plan: Plan) -> None:
    """The minutes add up, whatever the scenario expects."""
    planned, end = 0, 0
    for step in plan.steps:
        assert step.start_offset.seconds == end
        assert step.duration.seconds % 30 == 0
        planned += step.duration.seconds
        end = planned
        assert step.rationale.reasons, f"{step.id} has no reason"
    assert planned == plan.planned_duration.seconds
    assert planned + plan.slack.seconds == plan.time_budget.seconds
