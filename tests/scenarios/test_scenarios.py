"""Runs every scenario of this folder through gRPC and through the domain; both must agree and be as expected.

A scenario is a case or an assessment of its own, the minutes, what people demand, and what a therapist expects. The
mirrored scenario, with left and right exchanged everywhere, has to give the mirrored plan.
"""

from __future__ import annotations

import grpc
import pytest

from myoplan.planner.v1.plan_pb2 import Plan
from services.planner.domain.canonical import content_digest
from services.planner.domain.errors import DemandUnsafe, EditInvalid, EditNeedsOverride, EditsConflict
from services.planner.domain.plan import PlanContent
from services.planner.domain.sides import Side
from services.planner.domain.snapshot import Snapshot
from services.planner.graph.index import KnowledgeGraph
from services.planner.revise import revise
from services.planner.session.propose import PlanRequest
from services.planner.usecases.create import checked_plan
from services.runtime.client import error_of
from tests.scenarios import edits
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
    before = plan = scenarios.plan(scenario)
    content = checked_plan(scenarios.request(scenario), graph)
    if scenario.edits:
        assert plan.digest == content_digest(content, plan.version), "gRPC and the domain disagree about the first plan"
        plan = scenarios.revised(plan, scenario)
        content = edits.revised(content, scenario.edits, graph, plan).content
    assert plan.digest == content_digest(content, plan.version), "gRPC and the domain disagree"
    assert scenario.expect, "a scenario without expectations says nothing"
    found = [*problems(plan, scenario.expect), *edits.touched(before, plan, scenario.untouched)]
    assert found == [], "\n".join([*found, *summary(plan), *plan.change.sentences])
    check_sums(plan)


@pytest.mark.parametrize("scenario", REFUSED, ids=named)
def test_refused_demand(scenario: Scenario, scenarios: Scenarios, graph: KnowledgeGraph) -> None:
    def made() -> PlanContent:
        content = checked_plan(scenarios.request(scenario), graph)
        return edits.revised(content, scenario.edits, graph, None).content

    with pytest.raises((DemandUnsafe, EditInvalid, EditNeedsOverride, EditsConflict)) as in_the_domain:
        made()
    with pytest.raises(grpc.RpcError) as over_grpc:
        scenarios.revised(scenarios.plan(scenario), scenario)
    error = error_of(over_grpc.value)
    assert scenario.refused in edits.told(in_the_domain.value)
    assert any(scenario.refused in sentence for sentence in (*error.preconditions, error.message))


@pytest.mark.parametrize("scenario", PLANNED, ids=named)
def test_mirrored_scenario(scenario: Scenario, scenarios: Scenarios, graph: KnowledgeGraph) -> None:
    request = scenarios.request(scenario)
    plan, mirror = checked_plan(request, graph), checked_plan(mirrored(request), graph)
    if scenario.edits:
        asked = edits.asked(scenario.edits, plan, graph)
        plan = revise(plan, asked, graph, stamped=edits.NOBODY).content
        mirror = revise(mirror, mirrored(asked), graph, stamped=edits.NOBODY).content
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
