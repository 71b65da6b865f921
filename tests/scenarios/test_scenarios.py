"""Runs every scenario of this folder through gRPC and through the domain; both must agree and be as expected.

A scenario is a case of `examples/cases`, what to change in it, the minutes, and what a therapist expects. The words of
`expect` are the functions below whose names begin with `expect_`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import json_format
from google.protobuf.duration_pb2 import Duration

from cli.cases import read_case
from cli.connection import Connection
from myoplan.assessment.v1.assessment_pb2 import Assessment
from myoplan.assessment.v1.assessment_service_pb2 import CompleteAssessmentRequest, CreateAssessmentRequest
from myoplan.planner.v1.plan_pb2 import Omission, Plan, Side, Step, Urgency
from myoplan.planner.v1.planner_service_pb2 import CreatePlanRequest
from services.planner.clients.assessment import read_assessment
from services.planner.domain.canonical import content_digest
from services.planner.domain.constraints import Constraints
from services.planner.graph.index import KnowledgeGraph
from services.planner.session.propose import PlanRequest
from services.planner.usecases.create import checked_plan

HERE = Path(__file__).parent
CASES = HERE.parents[1] / "examples" / "cases"
HANDS_ON = {Step.WARM_UP, Step.CONFIRM, Step.RELEASE, Step.LENGTHEN, Step.INTEGRATE}
TREATMENT = {Step.RELEASE, Step.LENGTHEN}


@dataclass(frozen=True)
class Scenario:
    """One file of this folder."""

    name: str
    assessment: Assessment
    minutes: float
    expect: dict[str, Any]


def read(path: Path) -> Scenario:
    document = yaml.safe_load(path.read_text())
    case = json_format.MessageToDict(read_case(CASES / f"{document['case']}.yaml"), preserving_proto_field_name=True)
    changed = {**case, **copy.deepcopy(document.get("change", {}))}
    if "health_flags" in document.get("change", {}):
        # A change of flags adds to the answers of the case; the same condition is answered anew.
        answered = {flag["condition"] for flag in document["change"]["health_flags"]}
        kept = [flag for flag in case.get("health_flags", []) if flag["condition"] not in answered]
        changed["health_flags"] = [*document["change"]["health_flags"], *kept]
    assessment = json_format.ParseDict(changed, Assessment())
    return Scenario(path.stem, assessment, document["minutes"], document["expect"])


SCENARIOS = [read(path) for path in sorted(HERE.glob("*.yaml"))]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_scenario(scenario: Scenario, services: Connection, graph: KnowledgeGraph) -> None:
    stored = recorded(scenario, services)
    plan = planned(scenario, services, stored)
    assert plan.digest == digest_in_the_domain(scenario, stored, graph), "gRPC and the domain disagree"
    problems = [problem for word, value in scenario.expect.items() for problem in EXPECTATIONS[word](plan, value)]
    assert problems == [], "\n".join([*problems, *summary(plan)])
    check_sums(plan)


def recorded(scenario: Scenario, services: Connection) -> Assessment:
    """Records and seals the case."""
    create = CreateAssessmentRequest(
        parent=f"clients/{scenario.name.replace('_', '-')}", assessment=scenario.assessment
    )
    opened = services.assessments.CreateAssessment(create, metadata=services.credentials)
    seal = CompleteAssessmentRequest(name=opened.name, etag=opened.etag)
    return services.assessments.CompleteAssessment(seal, metadata=services.credentials)


def planned(scenario: Scenario, services: Connection, stored: Assessment) -> Plan:
    """Plans and stores it."""
    budget = Duration(seconds=round(scenario.minutes * 60))
    request = CreatePlanRequest(
        parent=stored.name.partition("/assessments/")[0], plan=Plan(assessment=stored.name, time_budget=budget)
    )
    return services.plans.CreatePlan(request, metadata=services.credentials)


def digest_in_the_domain(scenario: Scenario, stored: Assessment, graph: KnowledgeGraph) -> str:
    """Plans the same without a server; returns what names the content, to the last byte."""
    read = read_assessment(stored)
    request = PlanRequest(
        assessment=read.name,
        assessment_etag=read.etag,
        snapshot=read.snapshot,
        constraints=Constraints(),
        time_budget_seconds=round(scenario.minutes * 60),
    )
    return content_digest(checked_plan(request, graph), 1)


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


def summary(plan: Plan) -> Iterator[str]:
    """Yields the plan in lines, to read beside a failure."""
    yield f"disposition {Plan.Disposition.Name(plan.disposition)}"
    for step in plan.steps:
        yield (
            f"{step.start_offset.seconds // 60:3} {step.duration.seconds / 60:4.1f} {Step.Phase.Name(step.phase):9} "
            f"{Side.Name(step.side):8} {step.muscle or step.region or step.motion} {step.technique} {step.position}"
        )
    for omission in plan.omissions:
        yield f"out {Side.Name(omission.side)} {omission.muscle} {omission.technique} {omission.message}"


def matches(step: Step, wanted: dict[str, Any]) -> bool:
    """Returns whether a step is what a line of a scenario names."""
    if "side" in wanted and step.side != Side.Value(wanted["side"]):
        return False
    return all(getattr(step, name) == value for name, value in wanted.items() if name != "side")


def treats(plan: Plan, wanted: dict[str, Any]) -> list[int]:
    return [place for place, step in enumerate(plan.steps) if step.phase in TREATMENT and matches(step, wanted)]


def expect_disposition(plan: Plan, wanted: str) -> Iterator[str]:
    found = Plan.Disposition.Name(plan.disposition)
    if found != wanted:
        yield f"disposition is {found}, not {wanted}"


def expect_must_include(plan: Plan, wanted: list[dict[str, Any]]) -> Iterator[str]:
    yield from (f"does not treat {one}" for one in wanted if not treats(plan, one))


def expect_must_include_one_of(plan: Plan, wanted: list[dict[str, Any]]) -> Iterator[str]:
    if not any(treats(plan, one) for one in wanted):
        yield f"treats none of {wanted}"


def expect_must_not_include(plan: Plan, wanted: list[dict[str, Any]]) -> Iterator[str]:
    yield from (f"has {one}" for one in wanted if any(matches(step, one) for step in plan.steps))


def expect_order(plan: Plan, wanted: list[str]) -> Iterator[str]:
    """The first step of each phase comes in this order."""
    phases = [Step.Phase.Name(step.phase) for step in plan.steps]
    missing = [phase for phase in wanted if phase not in phases]
    if missing:
        yield f"has no {', '.join(missing)}"
    elif sorted(wanted, key=phases.index) != wanted:
        yield f"phases come as {list(dict.fromkeys(phases))}"


def expect_first_then(plan: Plan, wanted: list[list[dict[str, Any]]]) -> Iterator[str]:
    """If both are treated, the first is done before the second begins."""
    for first, then in wanted:
        earlier, later = treats(plan, first), treats(plan, then)
        if earlier and later and min(later) < min(earlier):
            yield f"{then} comes before {first}"


def expect_retest(plan: Plan, wanted: list[dict[str, Any]]) -> Iterator[str]:
    retests = [step for step in plan.steps if step.phase == Step.RETEST]
    yield from (f"does not re-test {one}" for one in wanted if not any(matches(step, one) for step in retests))


def expect_left_out(plan: Plan, wanted: list[dict[str, Any]]) -> Iterator[str]:
    found = [(o.muscle, Side.Name(o.side), Omission.Kind.Name(o.kind)) for o in plan.omissions]
    yield from (f"does not say {one}" for one in wanted if (one["muscle"], one["side"], one["kind"]) not in found)


def expect_left_out_for_time(plan: Plan, wanted: bool) -> Iterator[str]:
    found = [omission for omission in plan.omissions if omission.kind == Omission.OVER_BUDGET]
    if bool(found) != wanted:
        yield "nothing is left out for time" if wanted else "something is left out for time"
    yield from (f"{o.muscle}: minutes not said" for o in found if not o.HasField("minutes_needed"))


def expect_no_hands_on_step(plan: Plan, wanted: bool) -> Iterator[str]:
    if any(step.phase in HANDS_ON for step in plan.steps) == wanted:
        yield "hands are on the client" if wanted else "no hand is on the client"


def expect_no_treatment(plan: Plan, wanted: bool) -> Iterator[str]:
    if any(step.phase in TREATMENT for step in plan.steps) == wanted:
        yield "a muscle is treated" if wanted else "no muscle is treated"


def expect_pressure_at_most(plan: Plan, wanted: int) -> Iterator[str]:
    yield from (f"{step.id}: pressure {step.pressure_level}" for step in plan.steps if step.pressure_level > wanted)


def expect_caution_about(plan: Plan, wanted: str) -> Iterator[str]:
    if not any(wanted in f"{caution.rule} {caution.message}".lower() for caution in plan.cautions):
        yield f"no caution about {wanted}: {[caution.message for caution in plan.cautions]}"


def expect_referral(plan: Plan, wanted: dict[str, str]) -> Iterator[str]:
    found = [Urgency.Name(referral.urgency) for referral in plan.referrals]
    if wanted["urgency"] not in found:
        yield f"refers {found}, not {wanted['urgency']}"


EXPECTATIONS: dict[str, Callable[[Plan, Any], Iterator[str]]] = {
    name.removeprefix("expect_"): function for name, function in list(globals().items()) if name.startswith("expect_")
}
