"""The network drops, and the store goes away: no entry is lost, none is stored twice, and the page says so."""

from __future__ import annotations

import random

import pytest
from playwright.sync_api import Route

from tests.support.browser import RunningConsole, Screen, findings

MUSCLES = (
    "infraspinatus",
    "upper_trapezius",
    "middle_trapezius",
    "lower_trapezius",
    "teres_major",
    "posterior_deltoid",
)
LEVELS = ("tight", "tender", "latent", "active")
DERIVED = {
    "tight": "TAUT",
    "tender": "TENDER",
    "latent": "LATENT_TRIGGER_POINT",
    "active": "ACTIVE_TRIGGER_POINT",
}
DROPS = 25


def test_entries_made_without_a_network_are_marked_at_once_and_stored_when_it_is_back(screen: Screen) -> None:
    name = screen.console.open_assessment()
    screen.open(f"/{name}/palpate")
    screen.page.wait_for_selector("#palpate-chart [data-part]")
    screen.context.set_offline(True)
    screen.tap_region("back-surface-infraspinatus--right")
    screen.tap(".levels [value=active]")
    region = screen.page.locator("[id=back-surface-infraspinatus--right]")
    assert "mark-active" in (region.get_attribute("class") or "")
    screen.page.wait_for_selector("#queue:has-text('kept on this device')")
    assert screen.page.locator("#findings .pending").count() == 1
    assert findings(screen.console.stored(name)) == []
    screen.context.set_offline(False)
    screen.settle()
    assert findings(screen.console.stored(name)) == [("infraspinatus", "RIGHT", "ACTIVE_TRIGGER_POINT")]
    assert screen.page.locator("#findings .pending").count() == 0


def test_entries_survive_a_page_that_is_closed_while_the_network_is_away(screen: Screen) -> None:
    name = screen.console.open_assessment()
    screen.open(f"/{name}/palpate")
    screen.page.wait_for_selector("#palpate-chart [data-part]")
    screen.context.set_offline(True)
    screen.tap_region("back-surface-infraspinatus--left")
    screen.tap(".levels [value=tender]")
    screen.page.close()
    screen.context.set_offline(False)
    screen.page = screen.context.new_page()
    screen.open(f"/{name}/palpate")
    screen.settle()
    assert findings(screen.console.stored(name)) == [("infraspinatus", "LEFT", "TENDER")]


@pytest.mark.parametrize("seed", [1, 2])
def test_drops_at_random_moments_lose_nothing_and_double_nothing(screen: Screen, seed: int) -> None:
    """Every answer can be lost after it was made: an entry is sent again under its id and stored once."""
    chance = random.Random(seed)
    name = screen.console.open_assessment()
    screen.open(f"/{name}/palpate")
    screen.page.wait_for_selector("#palpate-chart [data-part]")
    lost = 0

    def unreliable(route: Route) -> None:
        nonlocal lost
        fate = chance.choice(("through", "before", "after"))
        if fate == "through" or lost >= DROPS:
            route.continue_()
            return
        lost += 1
        if fate == "after":
            route.fetch()  # the server has it, the answer never arrives
        route.abort()

    screen.page.route("**/entries", unreliable)
    wanted: dict[tuple[str, str], str] = {}
    for _ in range(DROPS):
        muscle, side, level = chance.choice(MUSCLES), chance.choice(("left", "right")), chance.choice(LEVELS)
        screen.tap_region(f"back-surface-{muscle}--{side}")
        screen.tap(f".levels [value={level}]")
        wanted[muscle, side.upper()] = DERIVED[level]
    screen.page.wait_for_function("() => !document.getElementById('queue').textContent", timeout=90_000)
    assert lost > DROPS / 2
    assert findings(screen.console.stored(name)) == sorted(
        (muscle, side, kind) for (muscle, side), kind in wanted.items()
    )


def test_a_lost_store_is_told_and_the_entry_is_kept(screen: Screen, console: RunningConsole) -> None:
    name = console.open_assessment()
    screen.open(f"/{name}/palpate")
    screen.page.wait_for_selector("#palpate-chart [data-part]")
    screen.open("/new-client")
    page = screen.page
    page.fill("[name=client]", "c-store-lost")
    page.fill("[name=complaint]", "typed before the store went away")
    page.evaluate("sessionStorage.setItem('ready', 'yes')")
    second = Screen(console=console, context=screen.context, page=screen.context.new_page())
    second.open(f"/{name}/palpate")
    second.page.wait_for_selector("#palpate-chart [data-part]")
    with console.without_store():
        page.click("main button.main")
        page.wait_for_selector("text=Nothing was lost or changed")
        assert page.locator("input[type=hidden][name=complaint]").input_value() == "typed before the store went away"
        second.tap_region("back-surface-infraspinatus--right")
        second.tap(".levels [value=active]")
        second.page.wait_for_selector("#entry-problem:has-text('Nothing was lost or changed')")
    second.page.wait_for_function("() => !document.getElementById('queue').textContent", timeout=60_000)
    assert findings(console.stored(name)) == [("infraspinatus", "RIGHT", "ACTIVE_TRIGGER_POINT")]
    page.click("button:has-text('Try again')")
    page.wait_for_url("**/clients/c-store-lost/assessments/*")
