"""Finished plans: what brings in what is out, how two differ, whether one comes out again, and the way back in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import combinations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knowledge.model import Scope, Urgency
from myoplan.planner.v1 import plan_pb2 as pb
from myoplan.planner.v1 import planner_service_pb2 as service_pb
from services.planner.api import render
from services.planner.api.parse import Parser
from services.planner.api.parse_plan import check_plan
from services.planner.domain.canonical import content_digest
from services.planner.domain.constraints import Constraints, HandLoad, Target
from services.planner.domain.errors import DemandUnsafe, RequestInvalid
from services.planner.domain.plan import OmissionKind, Plan, PlanContent, State, Step
from services.planner.domain.review import Person
from services.planner.domain.snapshot import Preferences, Snapshot
from services.planner.explain.compare import Difference, _longest_rising, compare
from services.planner.explain.omission import (
    FORBIDDEN,
    INCLUDED,
    NO_FINDING,
    NOTHING_TRIED,
    OTHERWISE_TREATED,
    Change,
    ChangeKind,
    Explanation,
    explain_omission,
)
from services.planner.explain.replay import Replay, replay, request_of
from services.planner.graph.index import KnowledgeGraph
from services.planner.ports import StoredPlan
from services.planner.session.conflicts import has
from services.planner.session.propose import propose
from tests.support import literal_knowledge as lk
from tests.support.planner import (
    HIP,
    LEFT,
    NECK,
    RIGHT,
    active,
    demands,
    flag,
    load_once,
    pain,
    plan,
    real_graph,
    reduced,
    small_graph,
    snapshots,
)

SHIELD = Target(muscle="shield", side=RIGHT)
CORD = Target(muscle="cord", side=RIGHT)
WING = Target(muscle="wing", side=RIGHT)
BARE = Target(muscle="bare", side=RIGHT)
few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@cache
def graph() -> KnowledgeGraph:
    return small_graph(
        lk.muscle("bare"),
        lk.condition("ill"),
        lk.condition("sore", takes_zone=True),
        lk.rule("stop", "ill", scope=Scope.REFER, urgency=Urgency.SAME_DAY),
        lk.rule("here", "sore", scope=Scope.LOCAL, cuts=lk.cuts(flagged_zone=True)),
    )


FOUND = Snapshot(
    pain_areas=(pain("nape"),),
    palpations=(active("shield"), active("cord"), active("wing")),
    rom_tests=(reduced("neck_rotation", LEFT),),
    preferences=Preferences(pressure_tolerance=3),
)


def made(minutes: float = 40, constraints: Constraints | None = None, snapshot: Snapshot = FOUND) -> PlanContent:
    return plan(snapshot, minutes, constraints, graph())


def explained(content: PlanContent, target: Target) -> Explanation:
    return explain_omission(content, target, graph())


def of_kind(explanation: Explanation, kind: ChangeKind) -> Change:
    return next(change for change in explanation.changes if change.kind is kind)


# --- why not ------------------------------------------------------------------------------------------------------


def left_out_for_time() -> tuple[PlanContent, Target]:
    """The first short session that leaves out something for time."""
    for half_minutes in range(20, 80):
        content = made(half_minutes / 2)
        for target in (SHIELD, CORD, WING):
            for omission in content.omissions:
                about = (omission.muscle, omission.side) == (target.muscle, target.side)
                if about and omission.kind is OmissionKind.OVER_BUDGET and any(step.muscle for step in content.steps):
                    return content, target
    raise AssertionError("every session has room for everything")


def test_the_longer_session_has_it_and_half_a_minute_less_has_not() -> None:
    content, target = left_out_for_time()
    explanation = explained(content, target)
    assert not explanation.included
    assert [one.kind for one in explanation.omissions] == [OmissionKind.OVER_BUDGET]
    assert explanation.message == explanation.omissions[0].message
    enough = of_kind(explanation, ChangeKind.TIME_BUDGET).time_budget_seconds
    assert enough is not None
    assert content.time_budget_seconds < enough <= 180 * 60
    assert enough % 30 == 0
    request = request_of(content)
    assert has(propose(replace(request, time_budget_seconds=enough), graph()), target)
    assert not has(propose(replace(request, time_budget_seconds=enough - 30), graph()), target)


def test_leaving_out_something_else_makes_room() -> None:
    found = 0
    for minutes in (12, 15, 18, 20, 22, 25):
        content = made(minutes)
        for target in (SHIELD, CORD, WING):
            for change in explained(content, target).changes:
                if change.kind is ChangeKind.EXCLUSIONS:
                    found += 1
                    assert 1 <= len(change.targets) <= 2
                    again = propose(
                        replace(request_of(content), constraints=Constraints(excluded=change.targets)), graph()
                    )
                    assert has(again, target)
                    assert target not in change.targets
    assert found


def test_nothing_demanded_is_offered_to_be_left_out() -> None:
    for minutes in (15, 18, 20, 25):
        content = made(minutes, Constraints(must_include=(WING,)))
        for target in (SHIELD, CORD):
            targets = [one for change in explained(content, target).changes for one in change.targets]
            assert WING not in targets


def test_what_a_person_took_out_comes_back_when_that_is_taken_back() -> None:
    content = made(40, Constraints(excluded=(WING,)))
    explanation = explained(content, WING)
    assert [one.kind for one in explanation.omissions] == [OmissionKind.EXCLUDED_BY_PERSON]
    assert explanation.changes == (Change(kind=ChangeKind.EXCLUSION_LIFTED, targets=(WING,)),)


def test_what_safety_cuts_is_brought_in_by_nothing() -> None:
    sore = replace(FOUND, health_flags=(flag("sore", zone="upper_arm", side=RIGHT),))
    explanation = explained(made(40, snapshot=sore), WING)
    assert explanation.message == FORBIDDEN
    assert explanation.changes == ()
    assert [one.kind for one in explanation.omissions] == [OmissionKind.CONTRAINDICATED]
    assert explanation.omissions[0].reasons[0].rule == "here"
    assert explanation.omissions[0].reasons[0].findings


def test_without_a_session_nothing_is_brought_in() -> None:
    refused = made(40, snapshot=replace(FOUND, health_flags=(flag("ill"),)))
    assert not refused.disposition.hands_on
    for target in (WING, BARE):
        assert (explained(refused, target).message, explained(refused, target).changes) == (FORBIDDEN, ())


def test_what_no_finding_points_to_says_so() -> None:
    explanation = explained(made(40), BARE)
    assert explanation.message == f"{NO_FINDING} {NOTHING_TRIED}", "no technique is known for it either"
    assert explanation.candidate is None
    assert explanation.omissions == ()
    without = Snapshot(palpations=(active("wing"),))
    asked = explained(made(60, snapshot=without), CORD)
    assert asked.message == NO_FINDING
    assert asked.changes == (Change(kind=ChangeKind.DEMAND, targets=(CORD,)),)


def test_what_is_in_needs_no_explanation() -> None:
    content = made(40)
    step = next(step for step in content.steps if step.muscle == "wing" and step.technique == "press")
    assert explained(content, WING) == Explanation(included=True, message=INCLUDED)
    assert explained(content, replace(WING, technique=step.technique)).included


def test_another_technique_on_a_treated_muscle() -> None:
    content = made(40)
    glide = replace(WING, technique="glide")
    assert not has(content, glide)
    explanation = explained(content, glide)
    assert explanation.message == OTHERWISE_TREATED
    assert explanation.candidate is not None
    for change in explanation.changes:
        assert change.targets in {(glide,), (replace(WING, technique="press"),)}
    assert of_kind(explanation, ChangeKind.DEMAND)


def test_the_candidate_brings_its_edges() -> None:
    explanation = explained(made(40, Constraints(excluded=(SHIELD,)), FOUND), SHIELD)
    assert explanation.candidate is not None
    assert any(reason.path for reason in explanation.candidate.reasons)


def test_another_planner_s_plan_is_explained_and_nothing_is_tried() -> None:
    content, target = left_out_for_time()
    explanation = explained(replace(content, planner_version="0"), target)
    assert explanation.omissions
    assert explanation.changes == ()
    assert "version 0" in explanation.reason_not_replayable
    assert NOTHING_TRIED not in explanation.message


# --- compare ------------------------------------------------------------------------------------------------------


def changed(content: PlanContent, place: int, **fields: object) -> PlanContent:
    steps = list(content.steps)
    steps[place] = replace(steps[place], **fields)  # type: ignore[arg-type]
    return replace(content, steps=tuple(steps))


def place_of(content: PlanContent, wanted: Callable[[Step], bool]) -> int:
    return next(place for place, step in enumerate(content.steps) if wanted(step))


def test_a_plan_is_like_itself() -> None:
    found = compare(made(), made())
    assert found.identical
    assert found.steps == ()


def test_what_differs_beside_the_steps_is_not_identical() -> None:
    found = compare(made(), replace(made(), assessment_etag="2-0123456789abcdef"))
    assert not found.identical
    assert found.steps == ()


def test_a_shorter_plan_lacks_steps_and_says_why() -> None:
    short, target = left_out_for_time()
    found = compare(made(60), short)
    gone = [one for one in found.steps if one.differences == (Difference.REMOVED,)]
    assert {one.earlier.muscle for one in gone if one.earlier} >= {target.muscle}
    for one in gone:
        assert one.later is None
        if one.earlier and (one.earlier.muscle, one.earlier.side) == (target.muscle, target.side):
            assert one.omission is not None
            assert one.omission.kind is OmissionKind.OVER_BUDGET
            assert one.omission.reasons
            assert one.earlier.reasons
    back = compare(short, made(60))
    kinds = [one.differences for one in back.steps]
    assert kinds.count((Difference.ADDED,)) == len(gone)
    assert all(one.later and one.earlier is None for one in back.steps if one.differences == (Difference.ADDED,))


def test_minutes_pressure_and_position_are_told() -> None:
    content = made()
    place = place_of(content, lambda step: step.muscle == "wing")
    other = changed(content, place, duration_seconds=30, pressure_level=1, position="supine")
    (found,) = compare(content, other).steps
    assert found.differences == (Difference.DURATION, Difference.PRESSURE, Difference.POSITION)
    assert found.earlier == content.steps[place]
    assert found.later == other.steps[place]


def test_a_step_that_moved_is_one_difference() -> None:
    content = made()
    steps = [content.steps[0], *content.steps[2:-1], content.steps[1], content.steps[-1]]
    (found,) = compare(content, replace(content, steps=tuple(steps))).steps
    assert found.differences == (Difference.ORDER,)
    assert found.earlier == content.steps[1]


def test_order_of_the_report() -> None:
    content = made()
    wing = place_of(content, lambda step: step.muscle == "wing")
    shorter = changed(content, 0, duration_seconds=30)
    steps = list(shorter.steps)
    new = replace(steps.pop(wing), muscle="bare")
    steps.insert(len(steps) - 1, steps.pop(wing))
    found = compare(content, replace(content, steps=(*steps, new)))
    assert [one.differences for one in found.steps] == [
        (Difference.ADDED,), (Difference.REMOVED,), (Difference.DURATION,), (Difference.ORDER,)
    ]  # fmt: skip


def test_steps_that_do_the_same_twice_are_told_apart() -> None:
    content = made()
    turn = content.steps[place_of(content, lambda step: step.id.startswith("turn"))]
    (found,) = compare(content, replace(content, steps=(*content.steps, turn))).steps
    assert found.differences == (Difference.ADDED,)


@given(st.permutations(range(6)))
def test_as_few_steps_as_possible_count_as_moved(places: list[int]) -> None:
    rising = [set(some) for n in range(7) for some in combinations(places, n) if list(some) == sorted(some)]
    kept = _longest_rising(places)
    assert kept in rising
    assert len(kept) == max(map(len, rising))


# --- replay -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("snapshot", [NECK, HIP, Snapshot()])
def test_a_plan_comes_out_again(snapshot: Snapshot) -> None:
    assert replay(plan(snapshot), real_graph()) == Replay(identical=True)


def test_the_first_value_that_differs_is_named() -> None:
    content = made()
    place = place_of(content, lambda step: step.muscle == "wing")
    longer = replay(changed(content, place, duration_seconds=990), graph())
    assert not longer.identical
    assert longer.first_difference.startswith(f"steps[{place}].duration_seconds: stored 990, made again ")
    fewer = replay(replace(content, steps=content.steps[:-1]), graph())
    last = len(content.steps) - 1
    assert fewer.first_difference == f"steps[{last}]: stored nothing, made again {content.steps[-1].id}"
    reason = replace(content.steps[place].reasons[0], rule="x" * 100)
    told = replay(changed(content, place, reasons=(reason,)), graph())
    assert told.first_difference.startswith(f"steps[{place}].reasons[0].rule: stored {'x' * 80}…, made again ")


def test_a_demand_that_is_refused_now_is_a_difference() -> None:
    sore = replace(FOUND, health_flags=(flag("sore", zone="upper_arm", side=RIGHT),))
    forged = replace(made(40, snapshot=sore), constraints=Constraints(pinned=(WING,)))
    assert replay(forged, graph()).first_difference == "what was demanded is refused now"


@pytest.mark.parametrize("field", ["planner_version", "knowledge_revision"])
def test_what_another_planner_or_other_knowledge_made_is_not_replayable_and_never_different(field: str) -> None:
    found = replay(replace(made(), steps=(), **{field: "other"}), graph())  # type: ignore[arg-type]
    assert (found.identical, found.first_difference) == (False, "")
    assert "other" in found.reason_not_replayable


# --- the way back from a message ----------------------------------------------------------------------------------


def message_of(content: PlanContent) -> pb.Plan:
    kept = Plan(
        name="clients/ada/plans/first",
        uid="5f0c5b9e-6f1f-4b7e-9a55-0d9a3f1f8a01",
        version=1,
        state=State.PROPOSED,
        content=content,
        digest=content_digest(content, 1),
        author=Person(id="tess", display_name="Tess"),
        create_micros=1,
        update_micros=1,
    )
    return render.plan(StoredPlan(plan=kept, etag="1-0", revision=1))


PARSER = Parser(load_once())


def read_back(message: pb.Plan) -> PlanContent:
    return check_plan(PARSER, service_pb.CheckPlanRequest(plan=message)).content


@few
@given(snapshot=snapshots(load_once()), demanded=demands(load_once()), half_minutes=st.integers(1, 240))
def test_every_plan_comes_back_from_its_message(snapshot: Snapshot, demanded: Constraints, half_minutes: int) -> None:
    # A request names no demand twice.
    once = replace(
        demanded,
        pinned=tuple(dict.fromkeys(demanded.pinned)),
        must_include=tuple(dict.fromkeys(demanded.must_include)),
    )
    try:
        content = plan(snapshot, half_minutes / 2, once)
    except DemandUnsafe:
        return
    assert read_back(message_of(content)) == content


def test_a_plan_with_everything_comes_back() -> None:
    demanded = Constraints(
        pinned=(Target(muscle="upper_trapezius", side=RIGHT),),
        excluded=(Target(muscle="levator_scapulae", side=RIGHT, technique=""),),
        hand_load_used_today=HandLoad(thumb=2),
        max_pressure=3,
    )
    content = plan(replace(NECK, health_flags=(flag("hypertension"),)), 45, demanded)
    query = check_plan(PARSER, service_pb.CheckPlanRequest(plan=message_of(content)))
    assert query.content == content
    assert (query.version, query.digest) == (1, content_digest(content, 1))


def problems(edit: Callable[[pb.Plan], object]) -> dict[str, str]:
    message = message_of(plan(NECK))
    edit(message)
    with pytest.raises(RequestInvalid) as refused:
        read_back(message)
    return {problem.field: problem.problem for problem in refused.value.problems}


EDITS: dict[str, tuple[Callable[[pb.Plan], object], str, str]] = {
    "no snapshot": (lambda p: p.ClearField("snapshot"), "plan.snapshot", "is required"),
    "no disposition": (lambda p: p.ClearField("disposition"), "plan.disposition", "is required"),
    "no budget": (lambda p: p.ClearField("time_budget"), "plan.time_budget", "is required"),
    "no planned time": (lambda p: p.ClearField("planned_duration"), "plan.planned_duration", "is required"),
    "no objective": (lambda p: p.ClearField("optimality"), "plan.optimality.objective", "is required"),
    "version below 0": (lambda p: setattr(p, "version", -1), "plan.version", "is not in"),
    "phase that is none": (lambda p: setattr(p.steps[1], "phase", 99), "plan.steps[1].phase", "99 is not one of"),
    "step without length": (lambda p: p.steps[0].ClearField("duration"), "plan.steps[0].duration", "is required"),
    "part of a second": (
        lambda p: setattr(p.steps[0].duration, "nanos", 1), "plan.steps[0].duration", "whole number of seconds"
    ),
    "weight that is no number": (
        lambda p: setattr(p.candidates[0].rationale.reasons[0], "contribution", float("nan")),
        "plan.candidates[0].rationale.reasons[0].contribution", "is not a number",
    ),
    "no score": (lambda p: p.candidates[0].ClearField("score"), "plan.candidates[0].score", "is required"),
    "no kind": (lambda p: p.omissions[0].ClearField("kind"), "plan.omissions[0].kind", "is required"),
    "urgency": (lambda p: p.referrals.add(), "plan.referrals[0].urgency", "is required"),
    "side": (lambda p: p.follow_up.carry_over.add(), "plan.follow_up.carry_over[0].side", "is required"),
    "unknown zone": (
        lambda p: setattr(p.snapshot.pain_areas[0], "zone", "temporl"), "plan.snapshot.pain_areas[0].zone", "temporal"
    ),
    "unknown word": (
        lambda p: setattr(p.snapshot.rom_tests[0], "mode", "fast"),
        "plan.snapshot.rom_tests[0].mode", "is not one of active, passive, resisted",
    ),
    "finding without id": (
        lambda p: p.snapshot.palpation_findings[0].ClearField("id"),
        "plan.snapshot.palpation_findings[0].id", "is required",
    ),
    "unknown region": (
        lambda p: p.snapshot.preferences.regions_not_to_touch.append("moon"),
        "plan.snapshot.preferences.regions_not_to_touch[0]", "unknown region",
    ),
    "unknown condition": (
        lambda p: p.snapshot.health_flags.add(id="f", condition="moon", answer="present"),
        "plan.snapshot.health_flags[0].condition", "unknown condition",
    ),
    "sex": (lambda p: setattr(p.snapshot, "sex", "other"), "plan.snapshot.sex", "is not one of"),
    "too many steps": (
        lambda p: p.steps.extend([p.steps[0]] * 360), "plan.steps", "at most 360"
    ),
}  # fmt: skip


@pytest.mark.parametrize("edit", EDITS.values(), ids=list(EDITS))
def test_what_no_plan_can_be_made_of_is_refused(edit: tuple[Callable[[pb.Plan], object], str, str]) -> None:
    change, field, problem = edit
    found = problems(change)
    assert list(found) == [field]
    assert problem in found[field]


def test_all_field_problems_are_told_at_once() -> None:
    def spoil(message: pb.Plan) -> None:
        message.ClearField("disposition")
        message.steps[0].ClearField("phase")
        message.snapshot.pain_areas[0].zone = "moon"

    assert list(problems(spoil)) == ["plan.disposition", "plan.snapshot.pain_areas[0].zone", "plan.steps[0].phase"]


def test_no_plan_at_all_is_refused() -> None:
    with pytest.raises(RequestInvalid, match="plan: is required"):
        check_plan(PARSER, service_pb.CheckPlanRequest())
