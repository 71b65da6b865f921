"""What else a plan could be: other muscles nearly as good, other lengths, and what the benefit rests on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.planner.domain.constraints import Constraints, Sequence, Target, TargetDuration
from services.planner.domain.errors import EditNeedsOverride
from services.planner.domain.plan import PlanContent
from services.planner.domain.snapshot import Snapshot
from services.planner.explain.changes import NOTHING, sentences
from services.planner.explain.explore import benefit_by_rule, explore, treated
from services.planner.explain.replay import replay
from tests.support.edits import edit, edited, planned, releases, target
from tests.support.planner import HIP, NECK, RIGHT, active, pain, plan, real_graph

SORE = Snapshot(
    pain_areas=(pain("back_of_head"), pain("temporal"), pain("back_of_neck")),
    palpations=tuple(
        active(muscle)
        for muscle in (
            "upper_trapezius",
            "levator_scapulae",
            "splenius_capitis",
            "semispinalis_capitis",
            "scalenus_medius",
            "temporalis",
            "masseter_superficial",
        )
    ),
)


@pytest.mark.parametrize("minutes", [20, 30, 60])
@pytest.mark.parametrize("snapshot", [NECK, HIP, SORE], ids=["neck", "hip", "sore"])
def test_the_parts_of_the_benefit_add_up_to_it(snapshot: Snapshot, minutes: int) -> None:
    content = plan(snapshot, minutes)
    assert sum(share.benefit for share in benefit_by_rule(content, real_graph())) == content.optimality.objective


def test_the_parts_of_an_edited_plan_add_up_too() -> None:
    before = planned("neck")
    step = releases(before)[0]
    for one in (
        edit("set_duration", step=step.id, duration_seconds=210),
        edit("include", Target(muscle="infraspinatus", side=RIGHT)),
        edit("set_time_budget", duration_seconds=30 * 60),
    ):
        after = edited(before, one)
        assert sum(share.benefit for share in benefit_by_rule(after, real_graph())) == after.optimality.objective


def test_alternatives_treat_other_muscles_and_are_nearly_as_good() -> None:
    content = plan(SORE, 30)
    found = explore(content, 3, real_graph())
    assert found.alternatives
    mine = set(treated(content))
    seen: list[tuple[Target, ...]] = []
    for one in found.alternatives:
        assert one.added or one.removed
        assert set(one.removed) <= mine
        assert not set(one.added) & mine
        assert 10 * one.objective >= 9 * content.optimality.objective
        assert one.sentences
        seen.append((*one.added, *one.removed))
    assert len(set(seen)) == len(seen)
    assert [one.objective for one in found.alternatives] == sorted(
        (a.objective for a in found.alternatives), reverse=True
    )


def test_more_minutes_never_lower_the_benefit() -> None:
    content = plan(SORE, 30)
    changes = {one.time_budget_seconds // 60: one for one in explore(content, 1, real_graph()).minutes}
    assert list(changes) == [20, 25, 35, 40]
    objectives = [changes[20], changes[25], changes[35], changes[40]]
    assert [one.objective for one in objectives] == sorted(one.objective for one in objectives)
    assert changes[25].objective <= content.optimality.objective <= changes[35].objective
    assert changes[20].removed or changes[20].objective < content.optimality.objective
    assert all(one.message.startswith(("5 minutes", "10 minutes")) for one in objectives)


def test_a_plan_of_other_knowledge_is_not_explored() -> None:
    content = replace(planned("neck"), knowledge_revision="other")
    found = explore(content, 3, real_graph())
    assert (found.alternatives, found.minutes, found.benefit_by_rule) == ((), (), ())
    assert found.reason_not_replayable


# --- minutes and order as demands of a new plan -------------------------------------------------------------------


def pressed(content: PlanContent, place: int) -> Target:
    return target(releases(content)[place], technique=True)


def test_demanded_minutes_hold_in_a_new_plan() -> None:
    wanted = TargetDuration(target=pressed(planned("neck"), 0), duration_seconds=180)
    content = plan(NECK, 60, Constraints(durations=(wanted,)))
    step = next(one for one in releases(content) if one.muscle == wanted.target.muscle)
    assert step.duration_seconds == 180
    assert replay(content, real_graph()).identical


def test_a_demanded_order_holds_in_a_new_plan_or_needs_an_override() -> None:
    first, last = pressed(planned("neck"), 0), pressed(planned("neck"), -1)
    content = plan(NECK, 60, Constraints(sequences=(Sequence(first=last, then=first),)))
    order = [target(step, technique=True) for step in releases(content)]
    assert order.index(last) < order.index(first)
    hip_first, hip_last = pressed(planned("hip"), 0), pressed(planned("hip"), -1)
    with pytest.raises(EditNeedsOverride):
        plan(HIP, 60, Constraints(sequences=(Sequence(first=hip_last, then=hip_first),)))


def test_orders_that_run_in_a_circle_are_told_as_a_clash() -> None:
    first, last = pressed(planned("neck"), 0), pressed(planned("neck"), -1)
    circle = (Sequence(first=last, then=first), Sequence(first=first, then=last))
    content = plan(NECK, 60, Constraints(sequences=circle))
    (conflict,) = content.conflicts
    assert len(conflict.demands) == 2
    assert all(" comes before " in said for said in conflict.demands)
    assert all(said.startswith("Give up that ") for said in conflict.loosenings)
    assert len(conflict.loosenings) == 2


# --- sentences ----------------------------------------------------------------------------------------------------


def test_sentences_name_side_and_minutes() -> None:
    before, after = planned("neck"), planned("neck", 30)
    said = sentences(before, after, real_graph())
    assert said[0] == "The session 60 → 30 minutes."
    assert any(one.startswith("RIGHT levator scapulae ") and " → " in one for one in said)
    assert sentences(before, before, real_graph()) == (NOTHING,)
    without = edited(before, edit("exclude", target(releases(before)[0])))
    assert "RIGHT upper trapezius left out: it was taken out." in sentences(before, without, real_graph())
    assert any(one.startswith("RIGHT upper trapezius comes in: ") for one in sentences(without, before, real_graph()))
