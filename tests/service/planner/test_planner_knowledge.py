"""The knowledge service: everything the plans are made from can be looked up, with its evidence."""

from __future__ import annotations

from typing import Any

import pytest

from myoplan.planner.v1 import knowledge_service_pb2 as k
from myoplan.planner.v1 import plan_pb2 as pb
from services.planner.graph.index import compile_graph
from tests.support.planner import load_once
from tests.support.planner_service import Running

BASE = load_once()
KINDS = ("muscles", "zones", "motions", "techniques", "conditions", "sources")
Flag = pb.AssessmentSnapshot.HealthFlag


async def test_knowledge_base_is_described(in_memory: Running) -> None:
    found = await in_memory.call("GetKnowledgeBase", k.GetKnowledgeBaseRequest())
    assert found.revision == BASE.revision
    assert found.counts["muscle"] == len(BASE.muscles)
    assert found.counts["refers_to"] == len(BASE.refers_to)
    assert found.fact_count > sum(found.counts[kind] for kind in ("refers_to", "treated_by"))
    assert not found.reviewed
    assert found.reviewed_count == 0


@pytest.mark.parametrize("kind", KINDS)
async def test_every_node_is_listed_once_in_order_and_can_be_got(in_memory: Running, kind: str) -> None:
    one = kind.removesuffix("s")
    ask, listed, token = getattr(k, f"List{kind.title()}Request"), list[Any](), ""
    while True:
        page = await in_memory.call(f"List{kind.title()}", ask(page_size=70, page_token=token))
        listed += getattr(page, kind)
        token = page.next_page_token
        if not token:
            break
    assert [node.name for node in listed] == [f"{kind}/{identifier}" for identifier in sorted(getattr(BASE, kind))]
    get = getattr(k, f"Get{one.title()}Request")
    for node in (listed[0], listed[-1]):
        assert await in_memory.call(f"Get{one.title()}", get(name=node.name)) == node


async def test_page_size_has_a_usual_and_a_most(in_memory: Running) -> None:
    assert len((await in_memory.call("ListConditions", k.ListConditionsRequest())).conditions) == 50
    most = await in_memory.call("ListConditions", k.ListConditionsRequest(page_size=10_000))
    assert len(most.conditions) == 200


async def test_muscle_has_its_pattern_and_evidence(in_memory: Running) -> None:
    found = await in_memory.call("GetMuscle", k.GetMuscleRequest(name="muscles/upper_trapezius"))
    assert {"temporal", "back_of_neck"} <= {referral.zone for referral in found.refers_to}
    assert all(referral.evidence.source in BASE.sources for referral in found.refers_to)
    assert found.paired
    assert found.access[0].HasField("quality")
    assert found.evidence.reviewed_by == []


async def test_technique_has_doses_shortest_first(in_memory: Running) -> None:
    request = k.GetTechniqueRequest(name="techniques/trigger_point_pressure_release")
    found = await in_memory.call("GetTechnique", request)
    seconds = [dose.seconds for dose in found.doses]
    assert seconds == sorted(seconds)
    assert found.phase == pb.Step.RELEASE
    assert found.instruction
    assert found.stop_when


async def test_motion_and_condition_have_their_details(in_memory: Running) -> None:
    motion = await in_memory.call("GetMotion", k.GetMotionRequest(name="motions/cervical_rotation"))
    assert motion.norms
    assert motion.limit_max > 0
    condition = await in_memory.call("GetCondition", k.GetConditionRequest(name="conditions/pregnancy"))
    assert condition.ask_always
    assert "weeks" in {parameter.key for parameter in condition.parameters}


async def test_trace_names_side_role_confidence_source_and_weight(in_memory: Running) -> None:
    found = await in_memory.call("TraceZone", k.TraceZoneRequest(zone="temporal", side=pb.LEFT))
    assert found.muscles[0].role == k.PRIMARY
    assert {one.side for one in found.muscles} == {pb.LEFT}
    ranks = [(one.role, -one.weight) for one in found.muscles]
    assert ranks == sorted(ranks)
    assert all(one.source in BASE.sources and one.confidence in {"high", "medium", "low"} for one in found.muscles)
    expected = {edge.muscle for edge in compile_graph(BASE).referrals_to["temporal"]}
    assert {one.muscle for one in found.muscles} == expected


async def test_every_zone_is_traced(in_memory: Running) -> None:
    for zone in BASE.zones.values():
        found = await in_memory.call("TraceZone", k.TraceZoneRequest(zone=zone.id, side=pb.RIGHT))
        assert found.muscles, f"nothing refers to {zone.id}"


async def test_screening_tells_rules_strictest_first_with_cuts_and_questions(in_memory: Running) -> None:
    flags = [
        Flag(id="f-1", condition="anticoagulant", answer="present"),
        Flag(id="f-2", condition="bladder_or_bowel_change", answer="unknown"),
    ]
    found = await in_memory.call("ScreenHealth", k.ScreenHealthRequest(health_flags=flags))
    assert found.disposition == pb.Plan.REFER
    scopes = [rule.scope for rule in found.rules]
    assert scopes == sorted(scopes)
    assert found.rules[0].findings == ["f-2"]
    assert any(rule.cuts for rule in found.rules if "anticoagulant" in rule.conditions)
    assert all(rule.evidence.source in BASE.sources for rule in found.rules)
    asked = {question.condition for question in found.questions}
    assert "bladder_or_bowel_change" in asked
    assert "pregnancy" in asked
    assert "anticoagulant" not in {question.condition for question in found.questions if not question.parameter}


async def test_screening_nothing_allows_everything_and_asks(in_memory: Running) -> None:
    found = await in_memory.call("ScreenHealth", k.ScreenHealthRequest())
    assert found.disposition == pb.Plan.TREAT
    assert len(found.rules) == 0
    assert {one.condition for one in found.questions} == {c.id for c in BASE.conditions.values() if c.ask_always}


async def test_place_of_a_flag_is_in_the_cuts(in_memory: Running) -> None:
    flag = Flag(condition="skin_lesion", answer="present", zone="posterior_leg", side=pb.LEFT)
    found = await in_memory.call("ScreenHealth", k.ScreenHealthRequest(health_flags=[flag]))
    assert any("LEFT" in cut for rule in found.rules for cut in rule.cuts)
    placeless = Flag(condition="skin_lesion", answer="present")
    found = await in_memory.call("ScreenHealth", k.ScreenHealthRequest(health_flags=[placeless]))
    assert any("until the place is known" in cut for rule in found.rules for cut in rule.cuts)
    assert "zone" in {question.parameter for question in found.questions}
