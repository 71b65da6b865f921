"""What takes long says so after a moment, and tapping twice makes nothing twice."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, Route

from myoplan.planner.v1.planner_service_pb2 import ListPlansRequest
from tests.support.browser import RunningConsole, Screen
from tests.support.visits import assessed, planned, stored_plan

BUSY, IDLE = "#main[aria-busy=true]", "#main:not([aria-busy])"
AFTER_MILLISECONDS = 300
# Playwright looks at no page that is on its way to the next: the page itself tells.
TELL_BUSY = """() => new MutationObserver(() => console.log(document.getElementById('busy').textContent))
  .observe(document.getElementById('busy'), { childList: true })"""


def held(page: Page, address: str) -> list[Route]:
    """Keeps what is sent to an address until the test lets it go on: a planner that takes its time."""
    routes: list[Route] = []
    page.route(address, lambda route: routes.append(route))  # noqa: PLW0108 - Playwright marks what it calls
    return routes


def touch(screen: Screen, target: Locator, times: int = 1) -> None:
    """Taps without waiting for what the tap begins."""
    target.scroll_into_view_if_needed()
    box = target.bounding_box()
    assert box is not None
    for _ in range(times):
        screen.page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def plans_of(console: RunningConsole, assessment: str) -> int:
    request = ListPlansRequest(parent=assessment.partition("/assessments/")[0])
    return len(console.plans.ListPlans(request, metadata=console.credentials(), timeout=10).plans)


def test_a_plan_that_is_fitted_again_says_so_after_a_moment_and_is_fitted_once(screen: Screen) -> None:
    plan = planned(screen.console)
    screen.page.clock.install()
    screen.open(f"/{plan.name}")
    routes = held(screen.page, "**/edit")
    screen.page.clock.pause_at(screen.page.evaluate("Date.now() / 1000 + 1"))
    button = screen.page.locator("#edit-refit")
    touch(screen, button, times=2)
    screen.page.clock.run_for(AFTER_MILLISECONDS - 1)
    assert screen.page.locator(BUSY).count() == 0
    screen.page.clock.run_for(1)
    screen.page.wait_for_selector(BUSY)
    assert screen.page.locator("#busy").inner_text() == "Working …"
    screen.page.clock.resume()
    assert len(routes) == 1
    routes[0].continue_()
    screen.page.wait_for_selector(IDLE)
    assert screen.page.locator("#busy").inner_text() == ""
    assert stored_plan(screen.console, plan.name).version <= plan.version + 1


def test_a_plan_that_is_made_says_so_and_two_taps_make_one(screen: Screen) -> None:
    assessment = assessed(screen.console)
    go = screen.page.locator("#fit-form button.main")
    screen.open(f"/{assessment}/fit")
    screen.page.check("[name=minutes][value='45']", force=True)
    routes = held(screen.page, "**/fit")
    screen.page.evaluate(TELL_BUSY)
    with screen.page.expect_console_message(lambda told: told.text == "Working …"):
        touch(screen, go)
    routes[0].abort()
    screen.page.unroute("**/fit")

    screen.open(f"/{assessment}/fit")
    screen.page.check("[name=minutes][value='45']", force=True)
    touch(screen, go, times=2)
    screen.page.wait_for_url("**/plans/*")
    assert plans_of(screen.console, assessment) == 1

    screen.open(f"/{assessment}/fit")  # control: a form that was opened anew makes a plan of its own
    screen.page.check("[name=minutes][value='45']", force=True)
    touch(screen, go)
    screen.page.wait_for_url("**/plans/*")
    assert plans_of(screen.console, assessment) == 2
