"""What a form of the plan page means as edits, what loosens a clash, and what takes the last edit back."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration

from myoplan.planner.v1.edit_pb2 import MoveStep, PlanEdit
from myoplan.planner.v1.plan_pb2 import LEFT, RIGHT, Constraints, Override, Plan, Sequence, Step, Target, TargetDuration
from services.console.pages.plan.edits import (
    EditUnreadable,
    edits_of,
    excluding,
    given_overrides,
    loosening,
    loosenings,
    neighbour,
    taking_back,
)
from tests.support.planner import load_once

NO_MINUTES = ("", "x", "nan", "0", "181", "7.3")
TRAPEZIUS, LEVATOR = "upper_trapezius", "levator_scapulae"


def step(muscle: str, phase: Step.Phase.ValueType = Step.RELEASE, technique: str = "stripping", **more: Any) -> Step:
    name = f"{Step.Phase.Name(phase).lower()}-{muscle}-right-{technique}"
    fields = {"side": RIGHT, "duration": Duration(seconds=300), **more}
    return Step(id=name, phase=phase, muscle=muscle, technique=technique, **fields)


def plan(*steps: Step, minutes: int = 50, **constraints: Any) -> Plan:
    return Plan(
        name="clients/c-1/plans/p-1",
        steps=steps or (step(TRAPEZIUS), step(TRAPEZIUS, Step.LENGTHEN), step(LEVATOR), step(LEVATOR, Step.LENGTHEN)),
        time_budget=Duration(seconds=60 * minutes),
        constraints=Constraints(**constraints),
    )


def of(kind: str, on: Step | None = None, **form: str) -> PlanEdit:
    (edit,) = edits_of({"edit": kind, "step": on.id if on is not None else "", **form}, plan(), load_once())
    return edit


def target(muscle: str, technique: str = "") -> Target:
    return Target(muscle=muscle, side=RIGHT, technique=technique)


@pytest.mark.parametrize(
    ("kind", "on", "form", "expected"),
    [
        ("pin", step(LEVATOR), {}, PlanEdit(pin=target(LEVATOR, "stripping"))),
        ("out", step(LEVATOR), {}, PlanEdit(exclude=target(LEVATOR))),
        ("out", step(LEVATOR, Step.LENGTHEN), {}, PlanEdit(exclude=target(LEVATOR, "stripping"))),
        ("minutes", None, {"minutes": "45,5"}, PlanEdit(set_time_budget=Duration(seconds=2730))),
        ("position", None, {"position": "prone"}, PlanEdit(mark_position_unavailable="prone")),
        (
            "include",
            None,
            {"muscle": "scalenes", "side": "left"},
            PlanEdit(include=Target(muscle="scalenes", side=LEFT)),
        ),
    ],
)
def test_a_button_is_one_edit(kind: str, on: Step | None, form: dict[str, str], expected: PlanEdit) -> None:
    assert of(kind, on, **form) == expected


def test_minutes_go_by_one_and_by_a_half_where_one_is_too_far() -> None:
    assert of("longer", step(LEVATOR)).set_duration.duration.seconds == 360
    assert of("shorter", step(LEVATOR)).set_duration.duration.seconds == 240
    assert of("longer", step(LEVATOR), by="half").set_duration.duration.seconds == 330


def test_a_step_changes_places_with_the_next_of_its_kind_on_another_muscle() -> None:
    assert of("earlier", step(LEVATOR)).move.before == step(TRAPEZIUS).id
    assert of("later", step(TRAPEZIUS, Step.LENGTHEN)).move.after == step(LEVATOR, Step.LENGTHEN).id
    assert neighbour(plan(), step(TRAPEZIUS), earlier=True) is None


def test_a_pin_is_taken_back_as_it_was_set() -> None:
    whole = plan(pinned=[target(LEVATOR)])
    form = {"edit": "unpin", "step": step(LEVATOR).id}
    assert edits_of(form, whole, load_once()) == (PlanEdit(unpin=target(LEVATOR)),)
    narrow = plan(pinned=[target(LEVATOR, "stripping")])
    assert edits_of(form, narrow, load_once()) == (PlanEdit(unpin=target(LEVATOR, "stripping")),)


@pytest.mark.parametrize(
    ("form", "key"),
    [
        ({}, "plan.edit.no_edit"),
        ({"edit": "delete everything"}, "plan.edit.no_edit"),
        ({"edit": "pin", "step": "no such step"}, "plan.edit.no_step"),
        ({"edit": "earlier", "step": step(TRAPEZIUS).id}, "plan.edit.first"),
        ({"edit": "later", "step": step(LEVATOR).id}, "plan.edit.last"),
        ({"edit": "position"}, "plan.edit.no_position"),
        ({"edit": "refit", "loosen": "drop table"}, "plan.edit.no_edit"),
        *(({"edit": "minutes", "minutes": text}, "plan.edit.minutes_number") for text in NO_MINUTES),
    ],
)
def test_what_says_nothing_is_named(form: dict[str, str], key: str) -> None:
    with pytest.raises(EditUnreadable) as problem:
        edits_of(form, plan(), load_once())
    assert problem.value.key == key


def test_an_override_goes_with_the_edit() -> None:
    form = {"rule": "superficial_before_deep", "reason_code": "CLIENT_WISH", "comment": " she asked "}
    override = of("earlier", step(LEVATOR), **form).override
    assert (override.rule, override.reason_code, override.comment) == (
        "superficial_before_deep",
        Override.CLIENT_WISH,
        "she asked",
    )


def test_loosenings_begin_with_the_length_that_the_refusal_names() -> None:
    told = ("These cannot hold together: A. What would help: A session of 54.5 minutes holds them. Or: Do without B.",)
    pinned = plan(pinned=[target(LEVATOR, "stripping")], must_include=[target(TRAPEZIUS)])
    ways = list(loosenings(pinned, (PlanEdit(include=target("scalenes")),), told))
    assert ways[0] == "minutes 3270"
    assert ways[-2:] == ["without levator_scapulae 2 stripping", "without upper_trapezius 2"]
    assert loosening(ways[0]) == (PlanEdit(set_time_budget=Duration(seconds=3270)),)
    assert loosening(ways[-2]) == (PlanEdit(exclude=target(LEVATOR, "stripping")),)
    assert loosening("") == ()


def test_no_longer_session_is_offered_where_the_length_itself_was_asked_for() -> None:
    ways = list(loosenings(plan(), (PlanEdit(set_time_budget=Duration(seconds=600)),), ()))
    assert ways == []


@pytest.mark.parametrize(
    ("now", "back"),
    [
        ({"pinned": [target(LEVATOR)]}, [PlanEdit(unpin=target(LEVATOR))]),
        ({"excluded": [target(LEVATOR)]}, [PlanEdit(include=target(LEVATOR))]),
        ({"must_include": [target("scalenes")]}, [PlanEdit(exclude=target("scalenes"))]),
        ({"minutes": 60}, [PlanEdit(set_time_budget=Duration(seconds=3000))]),
        ({"unavailable_positions": ["prone"], "pinned": [target(LEVATOR)]}, []),
        ({}, []),
    ],
)
def test_the_last_edit_is_taken_back_by_its_opposite(now: dict[str, Any], back: list[PlanEdit]) -> None:
    assert list(taking_back(plan(), plan(**now))) == back


def test_minutes_and_order_go_back_with_the_pin_they_brought() -> None:
    key = target(LEVATOR, "stripping")
    longer = TargetDuration(target=key, duration=Duration(seconds=360))
    after = plan(pinned=[key], durations=[longer])
    kinds = [edit.WhichOneof("edit") for edit in taking_back(plan(), after)]
    assert kinds == ["set_duration", "unpin"]
    first, second = step(LEVATOR), step(TRAPEZIUS)
    order = Sequence(first=target(LEVATOR, "stripping"), then=target(TRAPEZIUS, "stripping"))
    moved = plan(first, second, sequences=[order])
    (edit,) = taking_back(plan(second, first), moved)
    assert (edit.move.step, edit.move.after) == (first.id, second.id)


def stretch(muscle: str) -> Step:
    return step(muscle, Step.LENGTHEN, "stretch")


THREE = (
    step(TRAPEZIUS),
    stretch(TRAPEZIUS),
    step(LEVATOR),
    stretch(LEVATOR),
    step("scalenes"),
    stretch("scalenes"),
)


def dropped(on: Step, *steps: Step, **form: Any) -> list[tuple[str, str]]:
    """Returns the moves of a drop: the word for the place, and the step that stands there."""
    constraints = form.pop("constraints", {})
    whole = plan(*(steps or THREE), **constraints)
    edits = edits_of({"edit": "move", "step": on.id, **form}, whole, load_once())
    assert {edit.move.step for edit in edits} == {on.id}
    places = [edit.move.WhichOneof("place") or "" for edit in edits]
    return [(place, getattr(edit.move, place)) for place, edit in zip(places, edits, strict=True)]


def test_a_step_that_is_dropped_moves_past_every_muscle_on_its_way_and_its_own_steps_go_along() -> None:
    down = dropped(step(TRAPEZIUS), after=step("scalenes").id)
    assert down == [("after", stretch(LEVATOR).id), ("after", step("scalenes").id)]
    up = dropped(step("scalenes"), before=step(TRAPEZIUS).id)
    assert up == [("before", step(LEVATOR).id), ("before", step(TRAPEZIUS).id)]


def test_what_needs_its_own_muscle_first_is_moved_before_it_so_that_the_planner_names_the_rule() -> None:
    assert dropped(stretch(LEVATOR), before=step(LEVATOR).id) == [("before", step(LEVATOR).id)]
    lengthening = stretch("scalenes")
    assert dropped(step("scalenes"), after=lengthening.id) == [("after", lengthening.id)]
    base = load_once()
    cold = step(TRAPEZIUS, technique="pincer_compression")
    warm_up = Step(
        id="warm-up", phase=Step.WARM_UP, technique="effleurage", region=base.muscles[TRAPEZIUS].region, side=RIGHT
    )
    assert dropped(cold, step(LEVATOR), warm_up, cold, before="warm-up") == [("before", "warm-up")]
    assert dropped(cold, step(LEVATOR), warm_up, cold, before=step(LEVATOR).id) == [("before", step(LEVATOR).id)]
    elsewhere = Step(id="warm-up", phase=Step.WARM_UP, technique="effleurage", region="leg")
    with pytest.raises(EditUnreadable):
        dropped(cold, elsewhere, cold, before="warm-up")


def test_an_older_move_that_says_the_opposite_is_taken_back_by_the_drop() -> None:
    older = Sequence(first=target(LEVATOR, "stripping"), then=target("scalenes", "stripping"))
    moves = dropped(step("scalenes"), before=step(TRAPEZIUS).id, constraints={"sequences": [older]})
    assert ("before", step(LEVATOR).id) in moves


@pytest.mark.parametrize(
    "form",
    [{}, {"before": "no such step"}, {"after": step(TRAPEZIUS).id}, {"before": step("scalenes").id}],
    ids=["no place", "nothing of the plan", "itself", "the wrong way"],
)
def test_a_drop_that_passes_nothing_is_told(form: dict[str, str]) -> None:
    with pytest.raises(EditUnreadable) as problem:
        dropped(step(TRAPEZIUS), **form)
    assert problem.value.key == "plan.edit.no_place"


def test_every_preference_that_a_drop_goes_against_is_answered_one_after_the_other() -> None:
    """The answers before are kept, and an edit carries one; the only edit is made twice for two."""
    form = {
        "edit": "earlier",
        "step": step(LEVATOR).id,
        "rule": "one",
        "reason_code": "OTHER",
        "comment": " so\nit is ",
    }
    kept = given_overrides(form)
    both = edits_of({**form, "overrides": kept, "rule": "two", "reason_code": "TEACHING"}, plan(), load_once())
    assert [(each.override.rule, each.override.reason_code) for each in both] == [
        ("one", Override.OTHER),
        ("two", Override.TEACHING),
    ]
    assert both[0].override.comment == "so it is"
    assert both[0].move == both[1].move


def test_a_far_move_is_taken_back_to_the_place_where_the_step_stood() -> None:
    """What was moved goes back, never what it passed; its pin goes with it."""
    moved, levator, trapezius = step("scalenes"), target(LEVATOR, "stripping"), target(TRAPEZIUS, "stripping")
    scalenes = target("scalenes", "stripping")
    orders = [Sequence(first=scalenes, then=levator), Sequence(first=scalenes, then=trapezius)]
    after = plan(*THREE[4:], *THREE[:4], pinned=[scalenes], sequences=orders)
    edits = taking_back(plan(*THREE), after)
    assert [edit.move.after for edit in edits[:-1]] == [
        step(LEVATOR).id,
        step(TRAPEZIUS).id,
        stretch(LEVATOR).id,
    ]
    assert {edit.move.step for edit in edits[:-1]} == {moved.id}
    assert edits[-1] == PlanEdit(unpin=scalenes)


def test_a_step_that_was_moved_later_is_the_one_that_goes_back() -> None:
    trapezius = target(TRAPEZIUS, "stripping")
    order = Sequence(first=target(LEVATOR, "stripping"), then=trapezius)
    after = plan(THREE[2], THREE[0], pinned=[trapezius], sequences=[order])
    assert list(taking_back(plan(THREE[0], THREE[2]), after)) == [
        PlanEdit(move=MoveStep(step=THREE[0].id, before=THREE[2].id)),
        PlanEdit(unpin=trapezius),
    ]


def test_leaving_out_a_check_takes_the_muscle_out() -> None:
    assert excluding(step(LEVATOR, Step.CONFIRM)) == target(LEVATOR)
