"""Measures what a person at the screen waits for: Chromium with its processor four times slower and 100 ms of network.

A wait begins when the finger goes down and ends with the first picture that shows what was waited for. Waits for the
server are told on top of the latency: less 100 ms for every request that had to follow another.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from statistics import median

import httpx
from playwright.sync_api import Browser, CDPSession, Request, sync_playwright

from myoplan.planner.v1.plan_pb2 import Plan, Step
from tests.support.browser import RunningConsole, Screen, launch, open_screen
from tests.support.visits import planned

SLOWER = 4
LATENCY_MS = 100
MARK_MS, SWAP_MS, REFIT_MS, PAINT_MS = 100, 200, 1000, 1500
BUSY_AFTER_MS = 300
A_MOMENT_MS = 100
"""So much later than BUSY_AFTER_MS a busy state may be seen: the most that still counts as at once."""
SLOW_PLANNER_SECONDS = 1.5
REFITTED = ("neck_pain", "low_back_and_leg_pain", "stiff_shoulder", "knee_pain")
REGIONS = tuple(
    f"back-surface-{muscle}--{side}"
    for muscle in ("upper_trapezius", "middle_trapezius", "infraspinatus")
    for side in ("right", "left")
)
LEVELS = ("tight", "tender", "latent", "active")

# Resolves to the time from the next finger down to the picture that shows something which `selector` finds.
WATCH = """selector => {
  let down = 0;
  addEventListener('pointerdown', event => { down ||= event.timeStamp; }, { capture: true, once: true });
  window.waited = new Promise(resolve => {
    const look = () => {
      if (!down || !document.querySelector(selector)) return;
      watching.disconnect();
      requestAnimationFrame(() => {
        const shown = new MessageChannel();
        shown.port1.onmessage = () => resolve(performance.now() - down);
        shown.port2.postMessage(0);
      });
    };
    const watching = new MutationObserver(look);
    watching.observe(document, { subtree: true, childList: true, attributes: true });
  });
}"""
PAINTED = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


@dataclass(frozen=True, slots=True)
class Goal:
    """What was found beside the most that it may be."""

    what: str
    found: float
    most: float
    unit: str

    @property
    def verdict(self) -> str:
        """The outcome in one word."""
        return "met" if self.found <= self.most else "MISSED"


def measured(console: RunningConsole, times: int) -> list[Goal]:
    """Prints what each thing takes and returns the goals."""
    print(f"\nload {os.getloadavg()[0]:.2f}; processor ×1/{SLOWER}, latency {LATENCY_MS} ms; {times} times each [ms]")
    print(f"{'':44}{'p50':>9}{'p95':>9}{'most':>9}")
    with sync_playwright() as playwright:
        browser = launch(playwright)
        try:
            return [
                Goal("tap to mark, p95", _told("tap to mark", _marks(browser, console, times)), MARK_MS, "ms"),
                Goal("a step chosen, p95 on top of the latency", _steps(browser, console, times), SWAP_MS, "ms"),
                Goal("an edit, p95 on top of the latency", _edits(browser, console, times), SWAP_MS, "ms"),
                *_refits(browser, console, times),
                *_first_paints(browser, console, times),
            ]
        finally:
            browser.close()


def _told(what: str, times: Sequence[float]) -> float:
    """Prints a line and returns the 95th percentile."""
    p95 = sorted(times)[max(0, ceil(0.95 * len(times)) - 1)]
    print(f"{what:44}{median(times):>9.0f}{p95:>9.0f}{max(times):>9.0f}")
    return p95


# --- a slow device -------------------------------------------------------------------------------------------------


@contextmanager
def _slow(browser: Browser, console: RunningConsole) -> Iterator[tuple[Screen, CDPSession]]:
    """A signed-in tablet with a slow processor on a slow network."""
    screen = open_screen(browser, console)
    screen.context.set_default_timeout(60_000)
    screen.sign_in()
    device = screen.context.new_cdp_session(screen.page)
    device.send("Network.enable")
    device.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    conditions = {"offline": False, "latency": LATENCY_MS, "downloadThroughput": -1, "uploadThroughput": -1}
    device.send("Network.emulateNetworkConditions", conditions)
    try:
        yield screen, device
    finally:
        screen.context.close()


def _wait(screen: Screen, tapped: str, shown: str) -> float:
    """Taps, and returns the time [ms] until what `shown` selects is on the screen."""
    target = screen.page.locator(tapped)
    target.scroll_into_view_if_needed()
    screen.page.evaluate(WATCH, shown)
    screen.tap(target)
    waited: float = screen.page.evaluate("window.waited")
    return waited


def _on_top(screen: Screen, wait: Callable[[], float]) -> float:
    """Returns a wait less the latency of its requests."""
    requests: list[str] = []

    def count(request: Request) -> None:
        if request.resource_type in {"xhr", "fetch"}:
            requests.append(request.url)

    screen.page.on("request", count)
    waited = wait()
    screen.page.remove_listener("request", count)
    return waited - LATENCY_MS * len(requests)


# --- what is measured ----------------------------------------------------------------------------------------------


def _marks(browser: Browser, console: RunningConsole, times: int) -> list[float]:
    """Taps a muscle and then what it is like; while the answers to earlier taps come in."""
    with _slow(browser, console) as (screen, _):
        screen.open(f"/{console.open_assessment()}/palpate")
        screen.page.wait_for_selector(f"[id='{REGIONS[0]}']")
        found = []
        for number in range(times):
            region, level = REGIONS[number % len(REGIONS)], LEVELS[(number // len(REGIONS)) % len(LEVELS)]
            screen.tap_region(region)
            found.append(_wait(screen, f".levels [value={level}]", f"[id='{region}'].mark-{level}"))
        screen.settle()
    return found


def _before(screen: Screen) -> None:
    screen.page.evaluate("document.getElementById('plan').setAttribute('data-before', '')")


def _swapped(screen: Screen, tapped: str) -> float:
    _before(screen)
    return _wait(screen, tapped, "#plan:not([data-before])")


def _steps(browser: Browser, console: RunningConsole, times: int) -> float:
    plan = planned(console)
    steps = [step.id for step in plan.steps if step.phase != Step.TURN]
    with _slow(browser, console) as (screen, _):
        screen.open(f"/{plan.name}")
        taps = [f"[id='step-{steps[number % len(steps)]}'] .step-link" for number in range(times)]
        return _told("a step chosen", [_on_top(screen, lambda tap=tap: _swapped(screen, tap)) for tap in taps])  # type: ignore[misc]


def _edits(browser: Browser, console: RunningConsole, times: int) -> float:
    plan = planned(console)
    step = next(step for step in plan.steps if step.phase == Step.RELEASE)
    with _slow(browser, console) as (screen, _):
        screen.open(f"/{plan.name}?step={step.id}")
        return _told("a step pinned", [_on_top(screen, lambda: _swapped(screen, "#edit-pin")) for _ in range(times)])


def _refits(browser: Browser, console: RunningConsole, times: int) -> Iterator[Goal]:
    plans = [planned(console, case) for case in REFITTED]
    found: list[float] = []
    with _slow(browser, console) as (screen, _):
        for number, plan in enumerate(plans):
            found += _refitted(screen, plan, len(range(number, times, len(plans))))
        yield Goal("a plan fitted again, p95", _told("a plan fitted again", found), REFIT_MS, "ms")
        busy = []
        with httpx.Client(base_url=console.address) as beside:
            beside.get("/slow", params={"seconds": SLOW_PLANNER_SECONDS})
            for plan in plans:
                screen.open(f"/{plan.name}")
                busy.append(_wait(screen, "#edit-refit", "[aria-busy=true]"))
                screen.page.wait_for_selector("#plan[data-etag]:not([aria-busy=true])")
            beside.get("/slow", params={"seconds": 0})
        waited = _told("a slow planner until the page is busy", busy)
        yield Goal("a slow planner until the page says so", waited, BUSY_AFTER_MS + A_MOMENT_MS, "ms")


def _refitted(screen: Screen, plan: Plan, times: int) -> list[float]:
    screen.open(f"/{plan.name}")
    return [_swapped(screen, "#edit-refit") for _ in range(times)]


def _first_paints(browser: Browser, console: RunningConsole, times: int) -> Iterator[Goal]:
    """Opens an assessment whose client was here before, with nothing kept from earlier pages, then with all of it."""
    name = console.open_assessment(planned(console).name.split("/")[1])
    for kept in (False, True):
        with _slow(browser, console) as (screen, device):
            device.send("Network.setCacheDisabled", {"cacheDisabled": not kept})
            found = []
            for _ in range(times):
                screen.page.goto("about:blank")
                screen.open(f"/{name}/palpate")
                found.append(screen.page.evaluate(PAINTED))
        what = "first paint of an assessment" + (", files kept" if kept else ", first visit")
        yield Goal(f"{what}, p95", _told(what, found), PAINT_MS, "ms")
