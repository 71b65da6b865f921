"""The treatment room, touched as in a treatment: nothing goes on by itself, and nothing is lost without a network."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from myoplan.planner.v1.plan_pb2 import Plan, Step
from myoplan.planner.v1.session_pb2 import Session, SessionStep
from tests.support.browser import RunningConsole, Screen
from tests.support.visits import approved, begun, planned, stored_session

ROOM = (820, 1180)
GUARD = 700
"""Milliseconds after which a second tap counts; the page ignores one within 600."""


@pytest.fixture
def room(windows: Callable[..., Screen]) -> Screen:
    """A tablet held upright, with a clock that the test moves on, on which a therapist is signed in."""
    screen = windows(size=ROOM)
    screen.page.clock.install()
    screen.sign_in()
    return screen


def ready(screen: Screen, minutes: int = 50) -> Plan:
    """Opens the room of an approved plan."""
    plan = approved(screen.console, planned(screen.console, minutes=minutes))
    screen.open(f"/{plan.name}/room")
    screen.taps = 0
    return plan


def start(screen: Screen) -> None:
    screen.tap("#room-start button")
    screen.page.wait_for_selector("#room-next:visible")


def go_on(screen: Screen, button: str = "#room-next") -> None:
    screen.page.clock.fast_forward(GUARD)
    screen.tap(button)


def work(plan: Plan) -> list[Step]:
    """The steps that take a tap each; a turn belongs to the step after it."""
    return [step for step in plan.steps if step.phase != Step.TURN]


def sent(screen: Screen) -> None:
    """Waits until nothing waits on the device any more."""
    screen.page.wait_for_function("() => !document.getElementById('room-network').textContent")
    screen.page.wait_for_load_state("networkidle")


def status(session: Session) -> dict[str, int]:
    return {each.step.id: each.status for each in session.steps}


def count(screen: Screen) -> str:
    return screen.page.locator("#room-count").inner_text()


def test_a_whole_treatment_takes_one_tap_a_step(room: Screen) -> None:
    """B8: Start and one tap for each step, so a treatment of 9 steps takes 10."""
    plan = ready(room)
    start(room)
    for _ in work(plan):
        go_on(room)
    assert room.page.locator("#room-end-title").inner_text() == "All steps are done."
    assert room.taps <= len(work(plan)) + 2
    sent(room)
    assert set(status(stored_session(room.console, plan.name)).values()) == {SessionStep.DONE}


def test_a_second_tap_at_once_does_nothing(room: Screen) -> None:
    plan = ready(room)
    start(room)
    room.page.clock.fast_forward(GUARD)
    room.page.evaluate("() => { const next = document.getElementById('room-next'); next.click(); next.click(); }")
    assert count(room).startswith("Step 2 ")
    go_on(room)
    assert count(room).startswith("Step 3 ")
    sent(room)
    done = [each for each in stored_session(room.console, plan.name).steps if each.status == SessionStep.DONE]
    assert len([each for each in done if each.step.phase != Step.TURN]) == 2


def test_nothing_goes_on_by_itself_and_the_timer_counts_on(room: Screen) -> None:
    plan = ready(room)
    start(room)
    for _ in range(45):  # longer than a session may be idle: hands at work do not touch the screen
        room.page.clock.fast_forward(60_000)
    assert room.page.locator(".lock-screen").count() == 0
    assert count(room).startswith("Step 1 ")
    assert room.page.locator("#room-timer.over").inner_text().startswith("+4")
    go_on(room)
    sent(room)
    first = stored_session(room.console, plan.name).steps[0]
    assert 2690 <= first.delivered.seconds <= 2720


def test_one_minute_more(room: Screen) -> None:
    ready(room)
    start(room)
    before = room.page.locator("#room-of").inner_text()
    room.tap("#room-more")
    after = room.page.locator("#room-of").inner_text()
    assert int(after.split()[1].split(":")[0]) == int(before.split()[1].split(":")[0]) + 1


def test_back_for_five_seconds(room: Screen) -> None:
    plan = ready(room)
    start(room)
    room.page.clock.fast_forward(30_000)
    go_on(room)
    assert room.page.locator("#room-toast").is_visible()
    room.tap("#room-back")
    assert count(room).startswith("Step 1 ")
    room.page.clock.fast_forward(20_000)
    go_on(room)
    room.page.clock.fast_forward(6_000)
    assert room.page.locator("#room-toast").is_hidden()
    sent(room)
    assert 50 <= stored_session(room.console, plan.name).steps[0].delivered.seconds <= 56


def test_skipped_and_softer_are_stored(room: Screen) -> None:
    plan = ready(room)
    start(room)
    go_on(room, "#room-skip")
    pressed = next(n for n, step in enumerate(work(plan)) if step.pressure_level > 1)
    for _ in range(pressed - 1):
        go_on(room)
    room.tap("#room-softer")
    assert "Softer" in room.page.locator("#room-cautions").inner_text()
    go_on(room)
    sent(room)
    session = {each.step.id: each for each in stored_session(room.console, plan.name).steps}
    assert session[work(plan)[0].id].status == SessionStep.SKIPPED
    step = work(plan)[pressed]
    assert session[step.id].pressure_level == step.pressure_level - 1


def test_the_visit_cannot_be_closed_while_steps_wait_on_the_device(room: Screen) -> None:
    ready(room)
    start(room)
    room.context.set_offline(True)
    go_on(room)
    go_on(room, "#room-stop")
    assert "not sent yet" in room.page.locator("#room-network").inner_text()
    assert room.page.locator("#room-finish").get_attribute("href") is None
    room.context.set_offline(False)
    room.page.clock.fast_forward(20_000)
    sent(room)
    assert room.page.locator("#room-finish").get_attribute("href").endswith("/finish")  # type: ignore[union-attr]


def test_the_page_goes_on_where_it_was_after_a_reload(room: Screen) -> None:
    plan = ready(room)
    start(room)
    go_on(room)
    room.page.clock.fast_forward(40_000)
    sent(room)
    here, timer = count(room), room.page.locator("#room-timer").inner_text()
    room.open(f"/{plan.name}/room")
    assert count(room) == here
    again = room.page.locator("#room-timer").inner_text()
    seconds = [int(text.split(":")[0]) * 60 + int(text.split(":")[1]) for text in (timer, again)]
    assert 0 <= seconds[0] - seconds[1] <= 20


def test_minutes_lost_are_refitted_and_told(room: Screen) -> None:
    plan = ready(room)
    start(room)
    go_on(room)
    sent(room)
    before = int(count(room).split()[-1])
    room.tap("#room-change")
    room.tap("[data-lost='15']")
    room.page.wait_for_selector("#room-said:visible", timeout=30_000)
    assert room.page.locator("#room-said").inner_text().startswith("Re-fitted:")
    session = stored_session(room.console, plan.name)
    assert session.changes[0].lost.seconds == 900
    assert all(text in room.page.locator("#room-said").inner_text() for text in session.changes[0].sentences)
    assert int(count(room).split()[-1]) <= before
    assert session.steps[0].status == SessionStep.DONE


def test_a_position_that_is_not_possible_is_refitted(room: Screen) -> None:
    plan = ready(room)
    start(room)
    room.tap("#room-change")
    room.tap("[data-position=supine]")
    room.page.wait_for_selector("#room-said:visible", timeout=30_000)
    pending = [each for each in stored_session(room.console, plan.name).steps if each.status == SessionStep.PENDING]
    assert "supine" not in {each.step.position for each in pending}


def test_a_refit_without_a_network_says_so(room: Screen) -> None:
    plan = ready(room)
    start(room)
    room.context.set_offline(True)
    room.tap("#room-change")
    room.tap("[data-lost='5']")
    room.page.wait_for_selector("#room-said:visible")
    assert "no connection" in room.page.locator("#room-said").inner_text()
    assert not stored_session(room.console, plan.name).changes


def test_running_over_is_asked_about_once_at_a_change_of_position(room: Screen) -> None:
    plan = ready(room)
    start(room)
    turns = [n for n, step in enumerate(plan.steps) if step.phase == Step.TURN]
    before = len([step for step in plan.steps[: turns[0]] if step.phase != Step.TURN])
    for number in range(before):
        room.page.clock.fast_forward("04:30")
        assert room.page.locator("#room-late").is_hidden()
        go_on(room)
        assert room.page.locator("#room-late").is_visible() is (number == before - 1)
    assert "min over" in room.page.locator("#room-late").inner_text()
    room.tap("#room-late-leave")
    assert room.page.locator("#room-late").is_hidden()


def test_it_says_when_the_screen_does_not_stay_awake(windows: Callable[..., Screen]) -> None:
    screen = windows(size=ROOM)
    screen.context.add_init_script(
        "Object.defineProperty(navigator, 'wakeLock', {value: {request: () => Promise.reject(new Error('no'))}})"
    )
    screen.sign_in()
    ready(screen)
    start(screen)
    screen.page.wait_for_function("() => document.getElementById('room-wake').textContent")
    assert "does not keep the screen on" in screen.page.locator("#room-wake").inner_text()


def test_control_it_asks_for_the_screen_to_stay_awake(windows: Callable[..., Screen]) -> None:
    screen = windows(size=ROOM)
    screen.context.add_init_script(
        "Object.defineProperty(navigator, 'wakeLock', "
        "{value: {request: kind => { window.asked = kind; return Promise.resolve({}); }}})"
    )
    screen.sign_in()
    ready(screen)
    start(screen)
    assert screen.page.evaluate("window.asked") == "screen"
    assert screen.page.locator("#room-wake").inner_text() == ""


def test_the_room_is_dark_and_its_buttons_are_large(room: Screen) -> None:
    ready(room)
    start(room)
    page = room.page
    assert page.locator("html").get_attribute("data-theme") == "dark"
    names = ("next", "more", "skip", "softer", "change", "stop")
    boxes = {name: page.locator(f"#room-{name}").bounding_box() for name in names}
    assert boxes["next"] is not None
    assert boxes["next"]["height"] >= 150
    for name, box in boxes.items():
        assert box is not None, name
        assert box["height"] >= 76, name
        assert box["y"] >= ROOM[1] / 2, name
        assert box["y"] + box["height"] <= ROOM[1], name
    assert page.locator("#room-chime").is_checked() is False


def test_a_plan_that_is_not_approved_cannot_be_worked(room: Screen, console: RunningConsole) -> None:
    plan = planned(console)
    room.open(f"/{plan.name}/room")
    assert "cannot be worked" in room.page.locator("main").inner_text()
    assert room.page.locator("#room-start").count() == 0


def test_a_session_that_runs_already_is_gone_on_with(room: Screen) -> None:
    plan = approved(room.console, planned(room.console))
    room.open(f"/{plan.name}/room")
    begun(room.console, plan)
    start(room)
    assert count(room).startswith("Step 1 ")


def test_the_whole_session_is_in_the_page_and_in_its_json(room: Screen) -> None:
    plan = ready(room)
    session = begun(room.console, plan)
    told = room.context.request.get(f"{room.console.address}/{plan.name}/room.json").json()
    assert [each["id"] for each in told["steps"]] == [each.step.id for each in session.steps]
    assert told["state"] == "running"
    assert [each["number"] for each in told["steps"] if not each["turn"]] == list(range(1, len(work(plan)) + 1))
    assert {each["side"] for each in told["steps"] if each["muscle"]} <= {"left", "right", "midline"}
    closing = room.context.request.get(f"{room.console.address}/{plan.name}/finish.json").json()
    assert [each["before"] for each in closing["rows"]] == ["45°"]
