"""Where checks, re-tests and the arrival take place, whichever solver chose the work."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.planner.check.checker import check
from services.planner.check.findings import TREATMENT
from services.planner.domain.constraints import Constraints, HandLoad
from services.planner.domain.plan import OmissionKind, Phase, PlanContent
from services.planner.domain.snapshot import Snapshot
from services.planner.formulate.formulation import formulate
from services.planner.formulate.movement import movements
from services.planner.screen.limits import Limits
from services.planner.screen.rules import screen
from tests.support.planner import LEFT, RIGHT, active, all_absent, pain, plan, real_graph, reduced, steps_of

GRAPH = real_graph()
THIGH = Snapshot(
    age_years=40,
    pain_areas=(pain("posterior_thigh"),),
    palpations=(active("semitendinosus"), active("biceps_femoris_long_head")),
    rom_tests=(reduced("hip_straight_leg_raise"),),
    health_flags=all_absent(GRAPH.base),
)


def sound(content: PlanContent) -> PlanContent:
    assert check(content, GRAPH.base) == ()
    return content


def test_a_motion_is_measured_again_where_it_is_measured() -> None:
    (retest,) = steps_of(sound(plan(THIGH)), Phase.RETEST)
    assert (retest.motion, retest.position) == ("hip_straight_leg_raise", "supine")


def test_a_re_test_without_a_place_is_left_out_and_told() -> None:
    lying = replace(THIGH.preferences, unavailable_positions=("supine",))
    content = sound(plan(replace(THIGH, preferences=lying)))
    assert steps_of(content, Phase.RETEST) == []
    (left,) = [one for one in content.omissions if "re-test" in one.message]
    assert left.kind is OmissionKind.MISSING_PREREQUISITE
    assert "measured supine" in left.message


@pytest.mark.parametrize("minutes", [45, 60, 90])
def test_a_muscle_is_lengthened_where_the_joint_is_free(minutes: int) -> None:
    lengthenings = steps_of(sound(plan(THIGH, minutes)), Phase.LENGTHEN)
    assert lengthenings
    assert {step.position for step in lengthenings} <= {"supine", "side_lying_left"}
    assert all("Movement that lengthens it: " in step.instruction for step in lengthenings)
    assert all("RIGHT" in step.instruction for step in lengthenings)


def test_a_movement_names_its_own_side() -> None:
    sides = {move.motion.id: move.side for move in movements("upper_trapezius", RIGHT, GRAPH)}
    assert sides["cervical_side_bend"] is LEFT
    assert movements("frontalis", RIGHT, GRAPH) == ()


def test_checks_come_before_the_work_in_their_position() -> None:
    content = sound(plan(THIGH, 60))
    checks = steps_of(content, Phase.CONFIRM)
    assert checks
    for one in checks:
        work = [step for step in content.steps if step.position == one.position and step.phase in TREATMENT]
        assert work
        assert one.start_seconds < min(step.start_seconds for step in work)


def test_the_age_alone_asks_for_the_guardian_and_spares_the_child() -> None:
    content = sound(plan(replace(THIGH, age_years=12), 60))
    assert "minor_gentle" in {caution.rule for caution in content.cautions}
    assert ("under_eighteen", "guardian_agrees") in {(one.condition, one.parameter) for one in content.questions}
    ceiling = GRAPH.numbers.pain_ceiling_sensitised
    assert all((step.dose.pain_ceiling or 0) <= ceiling for step in content.steps if step.dose)


def test_at_most_three_mimics_are_described_and_none_that_cannot_be() -> None:
    belly = Snapshot(age_years=30, sex="male", pain_areas=(pain("lumbar"), pain("medial_thigh_groin")))
    told = [caution.message for caution in plan(belly).cautions if caution.rule == "serious_mimic"]
    assert len([one for one in told if one.startswith("Not muscular")]) == int(GRAPH.numbers.mimic_cautions_most)
    assert len(told) == int(GRAPH.numbers.mimic_cautions_most) + 1
    assert not any("womb" in one.lower() or "aorta about" in one.lower() for one in told)


def test_a_longer_session_bears_more_load_on_the_hands() -> None:
    limits = Limits(
        graph=GRAPH,
        screening=screen(THIGH.health_flags, GRAPH.base),
        preferences=THIGH.preferences,
        constraints=Constraints(),
    )
    hour, two_hours = (
        formulate((), limits, Constraints(), THIGH, seconds, GRAPH).problem.hand_load_cap for seconds in (3600, 7200)
    )
    assert two_hours == tuple(2 * load for load in hour)
    used = Constraints(hand_load_used_today=HandLoad(thumb=int(GRAPH.numbers.hand_load_cap_thumb_day) - 1))
    assert formulate((), limits, used, THIGH, 7200, GRAPH).problem.hand_load_cap[0] == 1
