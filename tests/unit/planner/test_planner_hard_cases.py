"""What nobody should ask for gets a clear answer: an honest short plan, or what clashes and what would help."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.planner.check import check
from services.planner.domain.constraints import Constraints, Target
from services.planner.domain.errors import DemandUnsafe, EditsConflict
from services.planner.domain.plan import PlanContent
from services.planner.domain.reasons import Rule
from services.planner.domain.snapshot import Answer, Snapshot
from services.planner.explain.explore import explore
from services.planner.explain.replay import replay
from services.planner.session.conflicts import has
from tests.support.edits import edit, edited, planned, releases, target
from tests.support.planner import (
    HIP,
    LEFT,
    MIDLINE,
    NECK,
    RIGHT,
    active,
    flag,
    load_once,
    pain,
    plan,
    real_graph,
    reduced,
    treated,
    unremarkable,
)

TRAPEZIUS = Target(muscle="upper_trapezius", side=RIGHT)
LEVATOR = Target(muscle="levator_scapulae", side=RIGHT)


def sound(content: PlanContent) -> PlanContent:
    """Returns the plan, which is right and comes out again."""
    assert check(content, load_once()) == ()
    assert replay(content, real_graph()).identical
    return content


def test_three_minutes_give_an_honest_short_plan() -> None:
    content = sound(plan(NECK, 3))
    assert content.planned_seconds <= 180
    assert treated(content) == []
    assert {(one.muscle, one.side) for one in content.omissions} >= {("upper_trapezius", RIGHT)}


def test_three_minutes_with_a_pin_say_how_many_are_needed() -> None:
    content = sound(plan(NECK, 3, Constraints(pinned=(TRAPEZIUS,))))
    (conflict,) = content.conflicts
    assert conflict.demands == ("RIGHT upper trapezius is pinned.", "The session has 3 minutes.")
    assert conflict.loosenings[0].startswith("A session of ")
    assert conflict.loosenings[1:] == ("Do without RIGHT upper trapezius.",)
    enough = float(conflict.loosenings[0].split()[3])
    assert has(plan(NECK, enough, Constraints(pinned=(TRAPEZIUS,))), TRAPEZIUS)
    assert not has(plan(NECK, enough - 0.5, Constraints(pinned=(TRAPEZIUS,))), TRAPEZIUS)


def test_a_contraindicated_pin_is_refused_and_the_text_names_no_illness() -> None:
    coccygeus = Target(muscle="coccygeus", side=LEFT)
    with pytest.raises(DemandUnsafe) as refused:
        plan(HIP, 60, Constraints(pinned=(coccygeus,)))
    assert refused.value.rule == Rule.REFER_ONLY
    assert "LEFT coccygeus" in str(refused.value)


def test_pins_that_do_not_fit_clash_minimally() -> None:
    """Without any one of the demands of a clash the others hold, alone in a session."""
    pins = tuple(target(step) for step in releases(planned("neck")))
    content = sound(plan(NECK, 8, Constraints(pinned=pins)))
    assert content.conflicts
    assert treated(content), "what fits is planned"
    for conflict in content.conflicts:
        clashing = [pin for pin in pins if any(_name(pin) in said for said in conflict.demands)]
        assert not all(has(plan(NECK, 8, Constraints(pinned=tuple(clashing))), pin) for pin in clashing)
        for left in clashing:
            rest = tuple(pin for pin in clashing if pin != left)
            assert all(has(plan(NECK, 8, Constraints(pinned=rest)), pin) for pin in rest)


def _name(pin: Target) -> str:
    return load_once().muscles[pin.muscle].names[0]


def test_a_demand_in_a_position_that_nobody_can_take_names_the_positions() -> None:
    every = tuple(load_once().positions)
    content = sound(plan(NECK, 60, Constraints(pinned=(TRAPEZIUS,), unavailable_positions=every)))
    (conflict,) = content.conflicts
    positions = [said for said in conflict.demands if said.startswith("The client cannot be ")]
    assert len(positions) + 1 == len(conflict.demands)
    assert positions
    assert any("Find a way" in said for said in conflict.loosenings)
    assert content.steps == ()


def test_an_empty_assessment_says_so_and_can_still_be_steered() -> None:
    empty = sound(plan(Snapshot()))
    assert empty.steps == ()
    assert Rule.NO_FINDING in {caution.rule for caution in empty.cautions}
    steered = sound(edited(empty, edit("include", TRAPEZIUS)))
    assert has(steered, TRAPEZIUS)
    assert explore(empty, 3, real_graph()).alternatives == ()


def test_every_muscle_tender_on_both_sides_is_planned_edited_and_explained() -> None:
    spots = [
        (muscle.id, side)
        for muscle in load_once().muscles.values()
        for side in ((LEFT, RIGHT) if muscle.paired else (MIDLINE,))
    ]
    sore = Snapshot(
        pain_areas=(pain("back_of_head"), pain("lumbar", LEFT)),
        palpations=tuple(active(muscle, side) for muscle, side in spots),
    )
    content = sound(plan(sore))
    assert 0 < len(treated(content)) <= 7
    out = target(releases(content)[0])
    after = sound(edited(content, edit("exclude", out)))
    assert not has(after, out)
    assert set(treated(after)) < set(treated(content)), "freed minutes stay free"


def test_contradictory_findings_give_a_plan_and_say_nothing_twice() -> None:
    torn = Snapshot(
        pain_areas=(pain("back_of_head"), replace(pain("back_of_head", intensity=0.0), id="none")),
        palpations=(
            active("upper_trapezius"),
            replace(unremarkable("upper_trapezius"), id="nothing"),
            unremarkable("levator_scapulae"),
            replace(active("levator_scapulae"), id="something"),
        ),
        rom_tests=(reduced("cervical_rotation", LEFT), replace(reduced("cervical_rotation", LEFT), id="again")),
        health_flags=(flag("fever_or_infection"), replace(flag("fever_or_infection", Answer.ABSENT), id="no-fever")),
    )
    content = plan(torn)
    assert check(content, load_once()) == ()
    assert not content.disposition.hands_on, "of two answers the stricter counts"
    well = sound(plan(replace(torn, health_flags=())))
    assert len(treated(well)) == len(set(treated(well)))


def test_a_clash_with_the_day_of_the_hands_does_not_hide() -> None:
    """A demand that no session holds has no loosening by minutes, and the plan does not pretend one."""
    before = planned("neck")
    step = releases(before)[0]
    with pytest.raises(EditsConflict) as clash:
        edited(
            before,
            edit("pin", target(step, technique=True)),
            *(edit("mark_position_unavailable", position=one) for one in load_once().positions),
        )
    assert not any("A session of" in said for one in clash.value.conflicts for said in one.loosenings)
