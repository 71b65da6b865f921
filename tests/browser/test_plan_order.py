"""Putting the steps of a plan in another order by dragging: with mouse and finger, refused, too late, offline."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import CDPSession, Locator, Request

from myoplan.planner.v1.edit_pb2 import PlanEdit, RevisePlanRequest
from myoplan.planner.v1.plan_pb2 import Plan, Step, Target
from tests.support.browser import RunningConsole, Screen
from tests.support.visits import approved, planned, stored_plan

SLOW_MILLISECONDS = 30_000  # a plan that is made for the first time
WAY = 12  # in how many moves a finger or a mouse goes its way
TALL = (1180, 2400)  # the whole list, so that no test has to scroll while it drags


def releases(plan: Plan) -> list[Step]:
    return [step for step in plan.steps if step.phase == Step.RELEASE]


def order(plan: Plan) -> list[str]:
    return [step.id for step in plan.steps if step.phase != Step.TURN]


def shown(screen: Screen) -> list[str]:
    rows = screen.page.locator(".steps .step").evaluate_all("rows => rows.map(row => row.id)")
    return [row.removeprefix("step-") for row in rows]


def row(screen: Screen, step: Step) -> Locator:
    return screen.page.locator(f"[id='step-{step.id}']")


def way(screen: Screen, step: Step, other: Step, *, below: bool = False) -> list[tuple[float, float]]:
    """Returns the points from the handle of a step to the upper or lower part of the row of another one."""
    start = row(screen, step).locator(".step-handle").bounding_box()
    end = row(screen, other).locator(".step-link").bounding_box()
    assert start is not None
    assert end is not None
    x, y = start["x"] + start["width"] / 2, start["y"] + start["height"] / 2
    goal = end["y"] + end["height"] * (0.9 if below else 0.1)
    return [(x + 2 * n / WAY, y + (goal - y) * n / WAY) for n in range(WAY + 1)]


def drag(screen: Screen, step: Step, other: Step, *, below: bool = False) -> None:
    """Takes a step by its handle with the mouse and lets it go over another one."""
    points = way(screen, step, other, below=below)
    screen.page.mouse.move(*points[0])
    screen.page.mouse.down()
    for point in points[1:]:
        screen.page.mouse.move(*point)
    screen.page.mouse.up()


def drag_by_finger(screen: Screen, step: Step, other: Step, *, below: bool = False) -> None:
    """The same with a finger, as the browser gets it from a touch screen."""
    points = way(screen, step, other, below=below)
    finger: CDPSession = screen.context.new_cdp_session(screen.page)

    def touch(kind: str, *at: tuple[float, float]) -> None:
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in at]})

    touch("touchStart", points[0])
    for point in points[1:]:
        touch("touchMove", point)
    touch("touchEnd")
    finger.detach()


def settled(screen: Screen, do: Callable[[], object]) -> None:
    """Does something and waits until the plan on the page is another revision, or the page says why it is not."""
    before = screen.page.locator("#plan").get_attribute("data-etag")
    do()
    screen.page.wait_for_function(
        "before => document.getElementById('told') || document.getElementById('plan').dataset.etag !== before",
        arg=before,
        timeout=SLOW_MILLISECONDS,
    )


def told(screen: Screen) -> str:
    return screen.page.locator("#told").inner_text()


def opened(screen: Screen, case: str = "neck_pain") -> Plan:
    plan = planned(screen.console, case)
    screen.open(f"/{plan.name}")
    return plan


def test_a_step_is_dragged_past_others_by_mouse_and_back_by_finger(windows: Callable[..., Screen]) -> None:
    screen = windows(size=TALL)
    screen.sign_in()
    plan = opened(screen)
    sent: list[Request] = []
    screen.page.on("request", lambda request: sent.append(request) if request.method == "POST" else None)
    first, last = releases(plan)[0], releases(plan)[-1]
    settled(screen, lambda: drag(screen, last, first))
    moved = stored_plan(screen.console, plan.name)
    assert len(sent) == 1
    assert moved.version == plan.version + 1
    assert releases(moved)[0].id == last.id
    assert releases(moved)[0].pinned
    assert shown(screen) == order(moved)
    # What the page shows now can be dragged again, and a later move stands against the one before.
    settled(screen, lambda: drag_by_finger(screen, last, releases(moved)[-1], below=True))
    back = stored_plan(screen.console, plan.name)
    assert len(sent) == 2
    assert back.version == moved.version + 1
    assert releases(back)[-1].id == last.id
    assert shown(screen) == order(back)
    settled(screen, lambda: screen.page.click("#edit-undo"))
    assert order(stored_plan(screen.console, plan.name)) == order(moved)


def test_what_may_not_be_goes_back_and_the_page_says_why(windows: Callable[..., Screen]) -> None:
    screen = windows(size=TALL, reduced_motion="reduce")
    screen.sign_in()
    plan = opened(screen)
    first = releases(plan)[0]
    warm_up = next(step for step in plan.steps if step.phase == Step.WARM_UP)
    settled(screen, lambda: drag(screen, first, warm_up))
    assert "A rule of safety forbids this" in told(screen)
    assert screen.page.locator("#told li").count() >= 1
    assert shown(screen) == order(plan)
    # Without a connection the row goes back too.
    screen.open(f"/{plan.name}")
    screen.context.set_offline(True)
    drag(screen, releases(plan)[-1], first)
    screen.page.wait_for_function(
        "rows => [...document.querySelectorAll('.steps .step')].map(row => row.id).join() === rows",
        arg=",".join(f"step-{each}" for each in order(plan)),
    )
    assert screen.page.locator(".step-moves").count() == 0
    screen.context.set_offline(False)
    # Somebody else was faster.
    pin = Target(muscle=first.muscle, side=first.side, technique=first.technique)
    request = RevisePlanRequest(name=plan.name, etag=plan.etag, edits=[PlanEdit(pin=pin)])
    now = screen.console.plans.RevisePlan(request, metadata=screen.console.credentials(), timeout=30)
    settled(screen, lambda: drag(screen, releases(plan)[-1], first))
    assert "changed this plan after you opened it" in told(screen)
    assert shown(screen) == order(now) == order(plan)
    assert stored_plan(screen.console, plan.name).revision == now.revision


def test_a_preference_is_asked_for_and_then_the_step_stands_where_it_was_dropped(
    windows: Callable[..., Screen],
) -> None:
    screen = windows(size=TALL)
    screen.sign_in()
    plan = opened(screen, "neck_pain_on_warfarin")
    first, last = releases(plan)[0], releases(plan)[-1]
    settled(screen, lambda: drag(screen, last, first))
    asked = 0
    while screen.page.locator(".question").count():
        asked += 1
        assert shown(screen) == order(plan)
        screen.page.locator(".question label:has([value=CLIENT_WISH])").click()
        screen.page.evaluate("document.getElementById('told').id = ''")
        settled(screen, lambda: screen.page.click(".question button.main"))
    moved = stored_plan(screen.console, plan.name)
    assert asked >= 1
    assert len(moved.constraints.overrides) == asked
    assert releases(moved)[0].id == last.id


def test_only_what_can_stand_elsewhere_has_a_handle(screen: Screen, console: RunningConsole) -> None:
    plan = opened(screen)
    handles = screen.page.locator(".step-handle")
    muscles = [step for step in plan.steps if step.muscle]
    assert handles.count() == len(muscles) < len(plan.steps)
    for step in muscles:
        box = row(screen, step).locator(".step-handle").bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 44
    assert screen.page.locator(".turn .step-handle").count() == 0
    done = approved(console, planned(console))
    screen.open(f"/{done.name}")
    assert screen.page.locator(".step-link").count() > 0
    assert handles.count() == 0
