"""A tablet throws the treatment room away while the network is gone: it opens again, for the same person alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from playwright.sync_api import Browser, Error

from myoplan.planner.v1.plan_pb2 import Plan, Step
from myoplan.planner.v1.session_pb2 import Session, SessionStep
from tests.support.browser import PASSWORD, RunningConsole, Screen, open_screen
from tests.support.network import Network
from tests.support.visits import approved, begun, planned, stored_session

KEPT = """async () => {
  const found = [];
  for (const name of await caches.keys())
    for (const each of await (await caches.open(name)).keys()) found.push(new URL(each.url).pathname);
  return found.filter(path => !path.startsWith('/static/'));
}"""
WORKERS = "async () => (await navigator.serviceWorker.getRegistrations()).map(each => new URL(each.scope).pathname)"
GONE = f"async () => !(await ({KEPT})()).length && !(await ({WORKERS})()).length"
GUARD = 700
"""Milliseconds after which a second tap on Next counts; the page ignores one within 600."""


def running(console: RunningConsole) -> Plan:
    plan = approved(console, planned(console))
    begun(console, plan)
    return plan


def enter(screen: Screen, plan: Plan) -> None:
    """Opens the room of a session that runs, and waits until the device has it, and nothing else."""
    screen.open(f"/{plan.name}/room")
    screen.page.wait_for_selector("#room-kept:has-text('Kept on this device until')")
    assert screen.page.evaluate(KEPT) == [f"/{plan.name}/room"]
    assert screen.page.evaluate(WORKERS) == [f"/{plan.name}/room"]


def opens(screen: Screen, path: str) -> bool:
    """Says whether a page opens in a new tab."""
    tab = screen.context.new_page()
    try:
        tab.goto(screen.console.address + path)
    except Error as error:
        if "ERR_" not in error.message:  # anything but a network that does not answer
            raise
        return False
    finally:
        tab.close()
    return True


def step_of(screen: Screen) -> str:
    return screen.page.locator("#room-count").inner_text().partition(" of ")[0]


def seconds_left(screen: Screen) -> int:
    minutes, seconds = screen.page.locator("#room-timer").inner_text().split(":")
    return int(minutes) * 60 + int(seconds)


def test_opened_again_without_a_network_the_room_goes_on_and_what_is_tapped_is_stored(
    tablet: Screen, network: Network
) -> None:
    plan, page = running(tablet.console), tablet.page
    page.clock.install()
    enter(tablet, plan)
    page.click("#room-next")
    page.wait_for_function("() => !document.getElementById('room-network').textContent")
    page.clock.fast_forward(40_000)
    before = seconds_left(tablet)
    network.cut()
    page.reload()
    assert step_of(tablet) == "Step 2"
    assert 0 <= before - seconds_left(tablet) <= 60  # it counted on meanwhile
    page.wait_for_selector("#room-chart svg")
    told = page.locator("#room-away").inner_text()
    assert re.search(r"No connection since \d\d:\d\d: this page comes from this device, as it was at \d\d:\d\d", told)
    for step in ("Step 3", "Step 4"):
        page.clock.fast_forward(GUARD)
        page.click("#room-next")
        assert step_of(tablet) == step
    page.reload()
    assert step_of(tablet) == "Step 4"
    assert "2 not sent yet" in page.locator("#room-network").inner_text()
    assert not opens(tablet, f"/{plan.name}")  # the control: what opens without a network comes from the device
    assert not opens(tablet, f"/{plan.name}/room.json")
    network.mend()
    page.evaluate("dispatchEvent(new Event('online'))")
    page.wait_for_function("() => !document.getElementById('room-network').textContent")
    page.wait_for_selector("#room-away", state="hidden")
    steps = stored_session(tablet.console, plan.name).steps
    work = [each.status for each in steps if each.step.phase != Step.TURN]
    assert work[:4] == [SessionStep.DONE] * 3 + [SessionStep.PENDING]
    page.wait_for_selector("#room-kept:has-text('Kept on this device until')")
    assert page.evaluate(KEPT) == [f"/{plan.name}/room"]


def sign_out(screen: Screen, _: Plan) -> None:
    screen.page.click(".menu summary")
    screen.page.click("form[action='/sign-out'] button")
    screen.page.wait_for_url("**/sign-in")


def lock(screen: Screen, plan: Plan) -> None:
    screen.page.click(".menu summary")
    screen.page.click("form[action='/lock/now'] button")
    screen.page.wait_for_url("**/lock?**")
    screen.page.wait_for_function(GONE)
    screen.page.fill("main [name=password]", PASSWORD)
    screen.page.click("main button.main")
    screen.page.wait_for_url("**/room")
    screen.page.wait_for_selector("#room-kept:has-text('Kept on this device until')")
    sign_out(screen, plan)


def lock_without_leaving_the_page(screen: Screen, _: Plan) -> None:
    """As when nobody touched it; who unlocks it has it kept again, and locks again here."""
    for again in (True, False):
        screen.page.evaluate("document.dispatchEvent(new CustomEvent('myoplan:locked'))")
        screen.page.wait_for_function(GONE)
        if again:
            screen.page.fill(".lock-screen [name=password]", PASSWORD)
            screen.page.click(".lock-screen button.main")
            screen.page.wait_for_function(f"async () => (await ({KEPT})()).length === 1")


def let_another_sign_in(screen: Screen, plan: Plan) -> None:
    """The session ended while nobody looked: with a network nothing kept is shown, and a colleague signs in."""
    screen.context.clear_cookies()
    screen.page.goto(f"{screen.console.address}/{plan.name}/room")
    assert "/sign-in" in screen.page.url
    screen.sign_in("sara")


def close_the_visit(screen: Screen, plan: Plan) -> None:
    screen.open(f"/{plan.name}/finish")
    screen.tap("#finish-go")
    screen.page.wait_for_selector("text=Planned against done")
    assert stored_session(screen.console, plan.name).state == Session.FINISHED


ENDS: Sequence[Callable[[Screen, Plan], None]] = (
    sign_out,
    lock,
    lock_without_leaving_the_page,
    let_another_sign_in,
    close_the_visit,
)


def test_the_kept_page_goes_when_it_must(tablet: Screen, network: Network) -> None:
    """Before each end it is there, and opens without a network; after it neither the page nor its worker is."""
    other, plan = running(tablet.console), running(tablet.console)
    enter(tablet, other)
    enter(tablet, plan)  # the one of the other session goes
    network.cut()
    assert not opens(tablet, f"/{other.name}/room")
    network.mend()
    for end in ENDS:
        enter(tablet, plan)
        network.cut()
        assert opens(tablet, f"/{plan.name}/room"), end.__name__
        network.mend()
        end(tablet, plan)
        tablet.page.wait_for_function(GONE)
        network.cut()
        assert not opens(tablet, f"/{plan.name}/room"), end.__name__
        network.mend()
        tablet.context.clear_cookies()
        tablet.sign_in()


def test_when_its_time_is_over_it_is_not_shown_and_goes(tablet: Screen, network: Network) -> None:
    plan = running(tablet.console)
    enter(tablet, plan)
    tablet.page.evaluate(
        """async address => {
          const cache = await caches.open('myoplan.room'), page = await cache.match(address);
          const headers = new Headers(page.headers), until = Number(headers.get('x-kept-until')) - Date.now();
          if (until < 70 * 60000 || until > 80 * 60000) throw new Error(`kept for ${until} ms`);
          headers.set('x-kept-until', String(Date.now() - 1));
          await cache.put(address, new Response(await page.text(), {headers}));
        }""",
        f"/{plan.name}/room",
    )
    network.cut()
    assert not opens(tablet, f"/{plan.name}/room")
    assert tablet.page.evaluate(KEPT) == []


def test_where_a_browser_cannot_keep_it_the_page_says_so(browser: Browser, console: RunningConsole) -> None:
    """As on plain http from another machine, where browsers offer no worker."""
    screen = open_screen(browser, console)
    screen.context.add_init_script("Object.defineProperty(window, 'isSecureContext', {value: false})")
    screen.sign_in()
    plan = running(console)
    screen.open(f"/{plan.name}/room")
    screen.page.wait_for_selector("#room-kept:has-text('cannot be opened again')")
    assert screen.page.evaluate(KEPT) == []
    screen.context.close()
    assert screen.faults == []
