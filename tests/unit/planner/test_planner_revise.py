"""Edits: each kind does what it says, changes as little as possible, and comes out again from what is stored."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import Phase as Step
from hypothesis import strategies as st

from services.planner.check import check
from services.planner.domain.constraints import Override, OverrideReason, Target
from services.planner.domain.edits import Edit, EditKind
from services.planner.domain.errors import EditInvalid, EditNeedsOverride, EditsConflict, EditUnsafe
from services.planner.domain.plan import OmissionKind, Phase, PlanContent
from services.planner.domain.reasons import Rule
from services.planner.domain.snapshot import Preferences
from services.planner.explain.changes import NOTHING
from services.planner.explain.replay import replay
from services.planner.session.conflicts import has
from tests.support.edits import MARA, WISH, edit, edited, planned, planned_from, releases, revised, target, work
from tests.support.planner import HIP, LEFT, NECK, RIGHT, flag, load_once, plan, real_graph, treated

# Planning is slow to shrink; the failing draw is short as it is.
UNSHRUNK = (Step.explicit, Step.reuse, Step.generate)
INFRASPINATUS = Target(muscle="infraspinatus", side=RIGHT)


def others(content: PlanContent, muscle: str) -> list[tuple[str, int, str]]:
    """Returns the work on all muscles but one."""
    return [one for one in work(content) if f"-{muscle}-" not in one[0]]


# --- each kind ----------------------------------------------------------------------------------------------------


def test_a_pin_marks_the_step_and_changes_nothing_else() -> None:
    before = planned("neck")
    after = edited(before, edit("pin", target(releases(before)[0])))
    assert work(after) == work(before)
    assert [step.pinned for step in releases(after)] == [True, False, False]
    assert after.constraints.pinned == (target(releases(before)[0]),)


def test_a_pin_is_taken_back_and_the_step_stays() -> None:
    before = edited(planned("neck"), edit("pin", target(releases(planned("neck"))[0])))
    after = edited(before, edit("unpin", target(releases(before)[0])))
    assert work(after) == work(before)
    assert not any(step.pinned for step in after.steps)


def test_what_only_a_pin_held_goes_with_it() -> None:
    before = edited(planned("neck"), edit("include", INFRASPINATUS), edit("pin", INFRASPINATUS))
    after = edited(before, edit("unpin", INFRASPINATUS))
    assert ("infraspinatus", RIGHT) in treated(after), "it is still to be included"
    out = edited(before, edit("exclude", INFRASPINATUS))
    assert ("infraspinatus", RIGHT) not in treated(out)


def test_an_exclusion_takes_out_and_the_freed_minutes_stay_free() -> None:
    before = planned("neck")
    muscle = releases(before)[0].muscle
    after = edited(before, edit("exclude", target(releases(before)[0])))
    assert others(after, muscle) == others(before, muscle)
    assert not any(step.muscle == muscle for step in after.steps)
    gone = sum(step.duration_seconds for step in before.steps if step.muscle == muscle)
    assert after.slack_seconds == before.slack_seconds + gone


def test_a_technique_can_be_taken_out_alone() -> None:
    before = planned("neck")
    step = releases(before)[0]
    after = edited(before, edit("exclude", target(step, technique=True)))
    assert (step.muscle, step.side) in treated(after)
    assert not any(one.technique == step.technique and one.muscle == step.muscle for one in after.steps)
    assert others(after, step.muscle) == others(before, step.muscle)


def test_an_inclusion_brings_in_and_lets_stand_what_there_is_room_for() -> None:
    before = planned("neck")
    after = edited(before, edit("include", INFRASPINATUS))
    assert ("infraspinatus", RIGHT) in treated(after)
    assert others(after, "infraspinatus") == work(before)
    assert [step.id for step in after.steps if step.phase is Phase.RETEST] == [
        step.id for step in before.steps if step.phase is Phase.RETEST
    ], "the re-test stays although it needs a turn"


def test_an_inclusion_takes_an_exclusion_back() -> None:
    out = target(releases(planned("neck"))[0])
    without = edited(planned("neck"), edit("exclude", out))
    back = edited(without, edit("include", out))
    assert back.constraints.excluded == ()
    assert has(back, out)


def test_set_minutes_are_exact_and_pinned_and_the_rest_stays() -> None:
    before = planned("neck")
    step = releases(before)[0]
    after = edited(before, edit("set_duration", step=step.id, duration_seconds=210))
    assert next(one for one in after.steps if one.id == step.id).duration_seconds == 210
    assert others(after, step.muscle) == others(before, step.muscle)
    assert [one.id for one in after.steps] == [one.id for one in before.steps]
    assert next(one for one in after.steps if one.id == step.id).pinned
    again = edited(after, edit("set_duration", step=step.id, duration_seconds=300))
    assert [one.duration_seconds for one in again.constraints.durations] == [300]


def test_the_technique_of_a_step_changes_in_its_place() -> None:
    before = planned("neck")
    step = releases(before)[0]
    after = edited(before, edit("set_technique", step=step.id, technique="myofascial_release"))
    place = [one.id for one in before.steps].index(step.id)
    assert (after.steps[place].technique, after.steps[place].muscle) == ("myofascial_release", step.muscle)
    assert others(after, step.muscle) == others(before, step.muscle)


def test_a_shorter_session_gives_up_grown_minutes_before_any_step() -> None:
    before = planned("hip")
    after = edited(before, edit("set_time_budget", duration_seconds=45 * 60))
    assert after.time_budget_seconds == 45 * 60
    assert work(after) == work(before)


def test_a_longer_session_changes_nothing_by_itself() -> None:
    before = planned("hip")
    after = edited(before, edit("set_time_budget", duration_seconds=90 * 60))
    assert after.steps == before.steps
    left = [one for one in after.omissions if one.reasons[0].rule == Rule.LEFT_AS_IT_WAS]
    assert left, "what there is room for now is named"
    assert all(one.kind is OmissionKind.DOMINATED for one in left)


def test_a_refit_uses_what_became_free_and_only_then_changes() -> None:
    longer = edited(planned("hip", 30), edit("set_time_budget", duration_seconds=90 * 60))
    anew = edited(longer, edit("refit"))
    assert anew.optimality.objective > longer.optimality.objective
    assert anew.optimality == plan(HIP, 90).optimality
    best = planned("neck")
    assert revised(best, edit("refit")).sentences == (NOTHING,), "the plan is as good as the best"


def test_a_position_that_falls_away_moves_the_work() -> None:
    before = planned("hip")
    position = releases(before)[0].position
    after = edited(before, edit("mark_position_unavailable", position=position))
    assert not any(step.position == position for step in after.steps)
    assert set(treated(after)) == set(treated(before))


def test_a_step_moves_and_the_others_keep_their_order() -> None:
    before = planned("neck")
    first, *_, last = releases(before)
    after = edited(before, edit("move", step=last.id, before=first.id))
    ids = [step.id for step in releases(after)]
    assert ids.index(last.id) < ids.index(first.id)
    rest = [step.id for step in releases(before) if step.id != last.id]
    assert [one for one in ids if one != last.id] == rest
    assert sorted(work(after)) == sorted(work(before))
    back = edited(after, edit("move", step=last.id, after=first.id))
    assert len(back.constraints.sequences) == 1, "the later move stands against the earlier one"


def test_edits_of_one_request_work_together() -> None:
    before = planned("neck")
    first, _, last = releases(before)
    after = edited(
        before,
        edit("exclude", target(first)),
        edit("set_technique", step=last.id, technique="myofascial_release"),
        edit("set_duration", step=last.id, duration_seconds=150),
    )
    made = [step for step in after.steps if step.technique == "myofascial_release"]
    assert [(step.muscle, step.duration_seconds) for step in made] == [(last.muscle, 150)]


def test_demands_beyond_what_the_hands_can_take_are_decided_quickly() -> None:
    """Once took a minute: an order told pair by pair tied all muscles together."""
    content = planned("neck")
    for kind, muscle in (
        ("pin", "splenius_cervicis"),
        ("include", "cervical_multifidi"),
        ("pin", "semispinalis_capitis"),
    ):
        content = edited(content, edit(kind, Target(muscle=muscle, side=RIGHT)))
    assert len(content.constraints.demanded) == 3
    assert all(has(content, one) for one in content.constraints.demanded)


# --- order --------------------------------------------------------------------------------------------------------


def against_a_preference(content: PlanContent) -> Edit:
    """Returns a move that puts a satellite before its key."""
    first, *_, last = releases(content)
    return edit("move", step=last.id, before=first.id)


def test_a_preference_needs_an_override_and_the_override_is_kept_and_told() -> None:
    before = planned("hip")
    move = against_a_preference(before)
    with pytest.raises(EditNeedsOverride) as needed:
        edited(before, move)
    assert needed.value.rule == Rule.KEY_BEFORE_SATELLITE
    after = edited(before, replace(move, override=replace(WISH, comment="asks for it")))
    (kept,) = after.constraints.overrides
    assert (kept.rule, kept.person, kept.time_micros) == (Rule.KEY_BEFORE_SATELLITE, MARA.person, MARA.time_micros)
    told = [caution.message for caution in after.cautions if caution.rule == Rule.KEY_BEFORE_SATELLITE]
    assert len(told) == 1
    assert "Mara" in told[0]
    assert "asks for it" in told[0]
    order = [step.id for step in after.steps]
    assert order.index(move.step) < order.index(move.before)


def test_the_checker_accepts_the_order_only_with_the_override() -> None:
    before = planned("hip")
    after = edited(before, replace(against_a_preference(before), override=WISH))
    assert check(after, load_once()) == ()
    without = replace(after, constraints=replace(after.constraints, overrides=()))
    assert {finding.rule for finding in check(without, load_once())} == {"sequence"}
    elsewhere = replace(after.constraints.overrides[0], targets=(INFRASPINATUS,))
    forged = replace(after, constraints=replace(after.constraints, overrides=(elsewhere,)))
    assert "sequence" in {finding.rule for finding in check(forged, load_once())}


def test_the_checker_refuses_what_nobody_may_set_aside() -> None:
    before = planned("neck")
    safety = Override(rule="warm_up_before_deep_work", reason=OverrideReason.TEACHING)
    silent = Override(rule="key_before_satellite", reason=OverrideReason.OTHER)
    for override in (safety, silent):
        forged = replace(before, constraints=replace(before.constraints, overrides=(override,)))
        assert "override" in {finding.rule for finding in check(forged, load_once())}


def test_the_checker_holds_the_plan_to_set_minutes_and_order() -> None:
    before = planned("neck")
    step = releases(before)[0]
    timed = edited(before, edit("set_duration", step=step.id, duration_seconds=210))
    other = replace(timed.constraints.durations[0], duration_seconds=240)
    forged = replace(timed, constraints=replace(timed.constraints, durations=(other,)))
    assert "set_duration" in {finding.rule for finding in check(forged, load_once())}
    moved = edited(before, edit("move", step=releases(before)[-1].id, before=step.id))
    (order,) = moved.constraints.sequences
    turned = replace(order, first=order.then, then=order.first)
    forged = replace(moved, constraints=replace(moved.constraints, sequences=(turned,)))
    assert "set_order" in {finding.rule for finding in check(forged, load_once())}


def test_safety_is_not_overridden() -> None:
    before = planned("neck")
    step = releases(before)[0]
    warm_up = next(one for one in before.steps if one.phase is Phase.WARM_UP)
    lengthening = next(one for one in before.steps if one.phase is Phase.LENGTHEN and one.muscle == step.muscle)
    for move in (
        edit("move", step=step.id, before=warm_up.id, override=WISH),
        edit("move", step=lengthening.id, before=step.id, override=WISH),
    ):
        with pytest.raises(EditUnsafe):
            edited(before, move)
    named = replace(WISH, rule="outside_before_inside_the_mouth")
    with pytest.raises(EditUnsafe):
        edited(before, replace(against_a_preference(before), override=named))


def test_an_override_that_sets_nothing_aside_is_not_kept() -> None:
    before = planned("neck")
    after = edited(before, edit("pin", target(releases(before)[0]), override=WISH))
    assert after.constraints.overrides == ()


# --- what an edit cannot do ---------------------------------------------------------------------------------------


def test_every_problem_is_named_at_once() -> None:
    before = planned("neck")
    step = releases(before)[0]
    with pytest.raises(EditInvalid) as refused:
        edited(
            before,
            edit("move", step="release-nothing", before=step.id),
            edit("set_duration", step=step.id, duration_seconds=3600),
            edit("set_technique", step=step.id, technique="arrival_check"),
            edit("set_technique", step=step.id, technique="no_such_technique"),
            edit("set_time_budget", duration_seconds=0),
            edit("set_time_budget", duration_seconds=1000 * 60),
            edit("set_time_budget", duration_seconds=3 * 60 + 1),
            edit("mark_position_unavailable", position="upside_down"),
            edit("unpin", target(step)),
            edit("move", step=before.steps[0].id, before=step.id),
            edit("pin", Target(muscle=step.muscle, side=RIGHT, technique="arrival_check")),
            edit("move", step=step.id, after=step.id),
            edit("pin", target(step), override=Override(rule="gravity", reason=OverrideReason.TEACHING)),
        )
    assert [problem.field.split(".")[0] for problem in refused.value.problems] == [f"edits[{n}]" for n in range(13)]


def test_edits_that_take_each_other_back_are_refused() -> None:
    before = planned("neck")
    with pytest.raises(EditInvalid, match="taken back"):
        edited(before, edit("pin", INFRASPINATUS), edit("exclude", INFRASPINATUS))


def test_a_pin_where_no_hand_may_be_is_refused() -> None:
    before = planned_from(replace(NECK, preferences=Preferences(regions_not_to_touch=("upper_back_and_shoulder",))))
    with pytest.raises(EditUnsafe) as refused:
        edited(before, edit("pin", INFRASPINATUS))
    assert refused.value.rule == Rule.REGION_NOT_TO_TOUCH
    with pytest.raises(EditUnsafe):
        edited(before, edit("include", Target(muscle="coccygeus", side=LEFT)))


def test_a_muscle_inside_the_mouth_needs_consent() -> None:
    inner = Target(muscle="pterygoid_lateral_inferior", side=RIGHT)
    muscle = next(one for one in load_once().muscles.values() if one.handling.value == "intraoral")
    with pytest.raises(EditUnsafe) as refused:
        edited(planned("neck"), edit("pin", replace(inner, muscle=muscle.id)))
    assert refused.value.rule == Rule.INTRAORAL_CONSENT


def test_no_edit_demands_hands_on_work_that_the_flags_forbid() -> None:
    refer = next(
        rule
        for rule in load_once().rules.values()
        if rule.scope.value == "absolute" and rule.at_least == 1 and not rule.when
    )
    before = planned_from(replace(NECK, health_flags=(flag(refer.conditions[0]),)))
    assert not before.disposition.hands_on
    with pytest.raises(EditUnsafe):
        edited(before, edit("pin", INFRASPINATUS))
    assert edited(before, edit("exclude", INFRASPINATUS)).steps == ()


def test_demands_that_cannot_hold_name_the_clash_and_the_smallest_loosening() -> None:
    before = planned("neck")
    pins = [edit("pin", target(step)) for step in releases(before)]
    with pytest.raises(EditsConflict) as clash:
        edited(before, *pins, edit("set_time_budget", duration_seconds=10 * 60))
    conflict = clash.value.conflicts[0]
    assert "The session has 10 minutes." in conflict.demands
    assert any(sentence.startswith("A session of ") for sentence in conflict.loosenings)
    minutes = float(conflict.loosenings[0].split()[3])
    wanted = [one for one in pins if any(_name(one) in said for said in conflict.demands)]
    edited(before, *wanted, edit("set_time_budget", duration_seconds=round(60 * minutes)))
    with pytest.raises(EditsConflict):
        edited(before, *wanted, edit("set_time_budget", duration_seconds=round(60 * minutes) - 30))


def _name(pin: Edit) -> str:
    assert pin.target
    return load_once().muscles[pin.target.muscle].names[0]


def test_a_pin_whose_positions_all_fall_away_clashes_with_them() -> None:
    before = planned("neck")
    pin = edit("pin", target(releases(before)[0]))
    positions = [edit("mark_position_unavailable", position=one) for one in load_once().positions]
    with pytest.raises(EditsConflict) as clash:
        edited(before, pin, *positions)
    (conflict,) = clash.value.conflicts
    assert all(
        sentence.startswith("The client cannot be ") or sentence.endswith(" is pinned.")
        for sentence in conflict.demands
    )
    assert any(sentence.startswith("Find a way for the client to be ") for sentence in conflict.loosenings)


# --- properties ---------------------------------------------------------------------------------------------------


@st.composite
def edits_of(draw: st.DrawFn, content: PlanContent) -> Edit:
    """Returns one edit of a plan."""
    step = draw(st.sampled_from(releases(content)))
    muscles = [Target(muscle=one.muscle, side=one.side) for one in content.candidates[:15]]
    kinds = {
        EditKind.PIN: st.builds(edit, st.just("pin"), st.sampled_from(muscles)),
        EditKind.INCLUDE: st.builds(edit, st.just("include"), st.sampled_from(muscles)),
        EditKind.EXCLUDE: st.builds(edit, st.just("exclude"), st.sampled_from(muscles)),
        EditKind.SET_DURATION: st.builds(
            edit, st.just("set_duration"), step=st.just(step.id), duration_seconds=st.sampled_from([90, 150, 210, 330])
        ),
        EditKind.SET_TIME_BUDGET: st.builds(
            edit, st.just("set_time_budget"), duration_seconds=st.integers(20, 200).map(lambda n: 30 * n)
        ),
        EditKind.MOVE: st.builds(
            edit,
            st.just("move"),
            step=st.just(step.id),
            before=st.sampled_from([one.id for one in releases(content) if one is not step]),
            override=st.just(WISH),
        ),
    }
    drawn: Edit = draw(st.one_of(*kinds.values()))
    return drawn


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck), phases=UNSHRUNK)
@given(data=st.data(), name=st.sampled_from(["neck", "hip"]))
def test_every_edited_plan_holds_what_was_asked_passes_the_checker_and_comes_out_again(
    data: st.DataObject, name: str
) -> None:
    before = planned(name)
    asked = data.draw(edits_of(before))
    try:
        after = edited(before, asked)
    except (EditUnsafe, EditsConflict, EditNeedsOverride):
        return
    assert check(after, load_once()) == ()
    assert replay(after, real_graph()).identical
    assert all(has(after, one) for one in after.constraints.pinned if asked.kind is EditKind.PIN)
    assert not any(has(after, one) for one in after.constraints.excluded)
    if asked.kind is EditKind.EXCLUDE and asked.target:
        assert others(after, asked.target.muscle) == [
            one for one in others(before, asked.target.muscle) if one in work(after)
        ]
    if asked.kind is EditKind.SET_DURATION:
        muscle = asked.step.split("-")[1]
        assert others(after, muscle) == others(before, muscle), "there is room, so nothing else changes"


@settings(deadline=None, max_examples=15, suppress_health_check=list(HealthCheck), phases=UNSHRUNK)
@given(data=st.data(), name=st.sampled_from(["neck", "hip"]))
def test_edits_one_after_the_other_hold_together(data: st.DataObject, name: str) -> None:
    content = planned(name)
    for _ in range(3):
        try:
            content = edited(content, data.draw(edits_of(planned(name))))
        except (EditUnsafe, EditsConflict, EditNeedsOverride, EditInvalid):
            continue
        assert check(content, load_once()) == ()
        assert all(has(content, one) for one in content.constraints.pinned)
        assert not any(has(content, one) for one in content.constraints.excluded)
    assert replay(content, real_graph()).identical
