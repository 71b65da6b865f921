"""The re-fit of a running session: never more than approved, done steps fixed, the best of what still fits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.planner.domain.constraints import Constraints, Target
from services.planner.domain.plan import Phase, PlanContent, Step
from services.planner.domain.session import SessionStep
from services.planner.domain.sides import Side
from services.planner.domain.snapshot import Snapshot
from tests.support.planner import HIP, NECK, RIGHT, plan, real_graph
from tests.support.session import DONE, DROPPED, PENDING, SKIPPED, Tried, after, begun, steps, tried

POSITIONS = [(), ("prone",), ("supine",), ("side_lying_left",), ("prone", "supine")]


def beyond_the_free_minutes(content: PlanContent, minutes: float) -> float:
    """Returns how many minutes have to be lost so that the steps lack `minutes`."""
    return content.slack_seconds / 60 + minutes


# --- nothing lost, nothing changed --------------------------------------------------------------------------------


@pytest.mark.parametrize("minutes", [30, 45, 60, 90, 120])
@pytest.mark.parametrize("snapshot", [NECK, HIP], ids=["neck", "hip"])
def test_where_nothing_is_lost_nothing_changes(snapshot: Snapshot, minutes: int) -> None:
    content = plan(snapshot, minutes)
    for count in range(len(content.steps) + 1):
        session = after(content, count)
        done = tried(content, session).found
        assert done.sentences == ("Nothing changes.",)
        assert [one.step for one in done.steps] == list(content.steps)


def test_a_second_re_fit_with_nothing_new_changes_nothing() -> None:
    content = plan(NECK, 60)
    lost = beyond_the_free_minutes(content, 12)
    first = tried(content, after(content, 6), lost)
    again = tried(content, first.found.steps, lost)
    assert again.found.sentences == ("Nothing changes.",)
    assert again.found.steps == first.found.steps


# --- what is lost -------------------------------------------------------------------------------------------------


def test_twelve_lost_minutes() -> None:
    content = plan(NECK, 60)
    session = after(content, 6)
    assert tried(content, session, lost=content.slack_seconds / 60).found.sentences == ("Nothing changes.",)
    found = tried(content, session, lost=beyond_the_free_minutes(content, 12))
    assert sum(step.duration_seconds for step in found.rest) <= found.seconds
    assert steps(found.found.steps, DONE) == list(content.steps[:6]), "what is done stays as it was"
    assert found.rest[-1].phase is Phase.CLOSE
    assert found.findings() == ()
    assert any("instead of" in sentence or "left out" in sentence for sentence in found.found.sentences)


def test_every_change_is_told_and_nothing_else() -> None:
    content = plan(HIP, 60)
    found = tried(content, after(content, 3), lost=beyond_the_free_minutes(content, 10))
    before = {one.step.id: one.step for one in found.session}
    for one in found.found.steps:
        was = before[one.step.id]
        told = [
            sentence for sentence in found.found.sentences if f"{one.step.duration_seconds / 60:g} minute" in sentence
        ]
        if one.status is PENDING and one.step.duration_seconds != was.duration_seconds:
            assert told, f"{one.step.id} is shorter and no sentence says so"
    dropped = [one for one in found.found.steps if one.status is DROPPED]
    assert len([sentence for sentence in found.found.sentences if "left out" in sentence]) == len(dropped)


def test_a_position_that_is_not_possible_any_more() -> None:
    content = plan(NECK, 120)
    assert any(step.position == "supine" for step in content.steps)
    found = tried(content, begun(content), unavailable=("supine",))
    assert not any(step.position == "supine" for step in found.rest)
    assert found.findings() == ()
    assert any("instead of" in sentence for sentence in found.found.sentences)
    # The control: the approved steps would not do.
    assert any("cannot be in this position" in finding.message for finding in found.findings(content.steps))


def test_the_words_follow_the_minutes_and_the_position() -> None:
    content = plan(NECK, 60)
    found = tried(content, after(content, 6), lost=beyond_the_free_minutes(content, 12))
    for one in found.found.steps:
        if one.status is PENDING and one.step.phase is not Phase.TURN:
            assert f"{one.step.duration_seconds / 60:g} minute" in one.step.instruction


def test_what_was_dropped_comes_back_only_within_what_was_approved() -> None:
    content = plan(NECK, 60)
    short = tried(content, after(content, 6), lost=beyond_the_free_minutes(content, 12))
    assert steps(short.found.steps, DROPPED)
    longer = tried(content, short.found.steps, lost=0)
    assert [one.step for one in longer.found.steps] == list(content.steps)
    assert any("back in" in sentence for sentence in longer.found.sentences)


@pytest.mark.parametrize("left", [0, 30, 60, 90, 120, 180])
def test_the_close_is_kept_as_long_as_there_is_time_for_it(left: int) -> None:
    content = plan(NECK, 60)
    session = after(content, 6)
    elapsed = sum(one.delivered_seconds or 0 for one in session)
    found = tried(content, session, lost=(content.time_budget_seconds - elapsed - left) / 60)
    shortest = min(dose.seconds for dose in real_graph().base.techniques[content.steps[-1].technique].doses)
    assert any(step.phase is Phase.CLOSE for step in found.rest) == (left >= shortest)
    assert found.findings() == ()


def test_work_without_its_warm_up_is_left_out() -> None:
    content = plan(NECK, 60)
    session = tuple(replace(one, status=SKIPPED) if one.step.phase is Phase.WARM_UP else one for one in begun(content))
    found = tried(content, session)
    assert not [step for step in found.rest if step.phase is Phase.RELEASE]
    assert any("what has to come before it was not done" in sentence for sentence in found.found.sentences)


def test_what_a_person_demands_is_kept_first() -> None:
    wanted = Target(muscle="levator_scapulae", side=RIGHT)
    free, demanded = plan(NECK, 60), plan(NECK, 60, Constraints(must_include=(wanted,)))
    kept_only_on_demand = 0
    for lost in range(15, 56, 5):
        plain = _treats_levator(tried(free, after(free, 2), lost))
        asked = _treats_levator(tried(demanded, after(demanded, 2), lost))
        assert asked or not plain
        kept_only_on_demand += asked and not plain
    assert kept_only_on_demand, "there are minutes at which the demand decides"


def _treats_levator(found: Tried) -> bool:
    return ("levator_scapulae", RIGHT) in {(step.muscle, step.side) for step in found.rest}


# --- everything ---------------------------------------------------------------------------------------------------


@st.composite
def sessions(draw: st.DrawFn) -> tuple[PlanContent, tuple[SessionStep, ...], float, tuple[str, ...]]:
    content = plan(draw(st.sampled_from([NECK, HIP])), draw(st.sampled_from([30, 60, 90, 120])))
    session = after(content, draw(st.integers(0, len(content.steps))))
    if draw(st.booleans()):
        out = draw(st.sampled_from(session))
        session = tuple(
            replace(one, status=SKIPPED) if one is out and one.status is PENDING else one for one in session
        )
    return content, session, draw(st.integers(0, 120)) / 2, draw(st.sampled_from(POSITIONS))


@settings(max_examples=60, deadline=None)
@given(sessions())
def test_no_re_fit_is_ever_more_than_approved(
    drawn: tuple[PlanContent, tuple[SessionStep, ...], float, tuple[str, ...]],
) -> None:
    content, session, lost, unavailable = drawn
    found = tried(content, session, lost, unavailable)
    assert found.findings() == ()
    over = [one for one in found.found.steps if one.status in {DONE, SKIPPED}]
    assert over == [one for one in session if one.status in {DONE, SKIPPED}]
    ids = [one.step.id for one in found.found.steps if one.step.phase is not Phase.TURN]
    assert sorted(ids) == sorted(one.step.id for one in session if one.step.phase is not Phase.TURN)


# --- the checker --------------------------------------------------------------------------------------------------


def _swapped(rest: list[Step], phase: Phase, other: Phase) -> list[Step]:
    one = next(place for place, step in enumerate(rest) if step.phase is phase)
    two = next(place for place, step in enumerate(rest) if step.phase is other)
    rest[one], rest[two] = rest[two], rest[one]
    return rest


BROKEN: dict[str, Callable[[Tried], list[Step]]] = {
    "a step that was done": lambda found: [*found.rest, found.content.steps[0]],
    "a step twice": lambda found: [*found.rest, found.rest[0]],
    "a step nobody approved": lambda found: [replace(found.rest[0], id="release-invented"), *found.rest[1:]],
    "a longer step": lambda found: [replace(found.rest[0], duration_seconds=3600), *found.rest[1:]],
    "a step of no length": lambda found: [replace(found.rest[0], duration_seconds=0), *found.rest[1:]],
    "between two doses": lambda found: [replace(found.rest[0], duration_seconds=45), *found.rest[1:]],
    "the other side": lambda found: [replace(found.rest[0], side=Side.LEFT), *found.rest[1:]],
    "another technique": lambda found: [replace(found.rest[0], technique="petrissage"), *found.rest[1:]],
    "pressed harder": lambda found: [replace(found.rest[0], pressure_level=5), *found.rest[1:]],
    "no turn": lambda found: [step for step in found.rest if step.phase is not Phase.TURN],
    "a short turn": lambda found: [
        replace(step, duration_seconds=30) if step.phase is Phase.TURN else step for step in found.rest
    ],
    "lengthened before it is released": lambda found: _swapped(found.rest, Phase.RELEASE, Phase.LENGTHEN),
    "lengthened without a release": lambda found: [step for step in found.rest if step.phase is not Phase.RELEASE],
    "measured before the work": lambda found: sorted(found.rest, key=lambda step: step.phase is not Phase.RETEST),
    "the close first": lambda found: found.rest[::-1],
}


@pytest.mark.parametrize("kind", BROKEN)
def test_the_checker_catches_a_broken_rest(kind: str) -> None:
    content = plan(NECK, 90)
    found = tried(content, after(content, 6))
    assert {step.phase for step in found.rest} >= {Phase.TURN, Phase.RETEST, Phase.LENGTHEN}
    assert found.findings() == ()
    broken = BROKEN[kind](found)
    assert broken != found.rest
    assert found.findings(broken), kind


def test_the_checker_counts_the_minutes() -> None:
    content = plan(NECK, 90)
    found = tried(content, after(content, 6), lost=beyond_the_free_minutes(content, 8))
    assert found.findings() == ()
    assert [finding.rule for finding in found.findings(content.steps[6:])] == ["rest"]
