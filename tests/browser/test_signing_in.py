"""Sign-in, the lock and Today, in the browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from cli.local.stack import console as start_console
from tests.support.browser import PASSWORD, RunningConsole, Screen, findings, new_client, open_screen

LOCK_SECONDS = 3


def test_a_wrong_password_is_told_and_the_right_one_leads_to_where_one_wanted(windows: Callable[..., Screen]) -> None:
    screen = windows()
    screen.page.goto(f"{screen.console.address}/new-client")
    assert "/sign-in?return=/new-client" in screen.page.url
    screen.page.fill("[name=person]", "tess")
    screen.page.fill("[name=password]", "wrong")
    screen.page.click("main button.main")
    assert "do not go together" in screen.page.locator("[role=alert]").inner_text()
    assert screen.page.input_value("[name=person]") == "tess"
    screen.page.fill("[name=password]", PASSWORD)
    screen.page.click("main button.main")
    screen.page.wait_for_url("**/new-client")
    [session] = [each for each in screen.context.cookies() if each["name"].startswith("session")]
    assert session["httpOnly"]
    assert session["sameSite"] == "Lax"
    assert screen.page.evaluate("document.cookie") == ""


def test_today_shows_the_visit_and_leads_to_it(screen: Screen) -> None:
    client = new_client()
    screen.console.open_assessment(client, client_label="Z.Z.")
    screen.open("/today")
    row = screen.page.locator(f".visit:has-text('{client.upper()}')").first
    assert "Z.Z." in row.inner_text()
    screen.page.fill("#find", client)
    screen.page.wait_for_selector("#visits h2:has-text('Found')")
    screen.page.locator(f".visit:has-text('{client.upper()}') .visit-go").first.click()
    screen.page.wait_for_url(f"**/clients/{client}/assessments/*")


def test_what_is_wrong_with_a_new_client_stands_beside_the_field(screen: Screen) -> None:
    screen.open("/new-client")
    screen.page.fill("[name=client]", "Ada Lovelace!")
    screen.page.fill("[name=label]", "A.L.")
    screen.page.fill("[name=age]", "old")
    screen.page.fill("[name=complaint]", "neck")
    screen.page.click("main button.main")
    assert screen.page.locator("#wrong-age").is_visible()
    screen.page.fill("[name=age]", "41")
    screen.page.click("main button.main")
    assert screen.page.locator("#wrong-client").is_visible()
    assert screen.page.input_value("[name=label]") == "A.L."
    assert screen.page.input_value("[name=complaint]") == "neck"


@pytest.fixture
def locking(
    console: RunningConsole, browser: Browser, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Screen]:
    """A therapist at a second console over the same services, one that locks after a few seconds."""
    (tmp_path / "logs").mkdir()
    monkeypatch.setenv("MYOPLAN_IDLE_MINUTES", str(LOCK_SECONDS / 60))
    with start_console(console.running, tmp_path, lambda _: None) as address:
        screen = open_screen(browser, replace(console, address=address))
        screen.sign_in()
        yield screen
        screen.context.close()
        assert screen.faults == []


def unlock(screen: Screen) -> None:
    screen.page.fill(".lock-screen [name=password]", PASSWORD)
    screen.page.click(".lock-screen button.main")
    screen.page.wait_for_selector(".lock-screen", state="detached")


def test_the_lock_takes_the_page_away_and_gives_it_back_as_it_was(locking: Screen) -> None:
    page = locking.page
    locking.open("/new-client")
    page.fill("[name=client]", "c-half-typed")
    page.fill("[name=complaint]", "half a sentence")
    page.wait_for_selector(".lock-screen", timeout=LOCK_SECONDS * 4000)
    assert "half a sentence" not in page.content()
    assert page.locator("[name=complaint]").count() == 0
    page.fill(".lock-screen [name=password]", "wrong")
    page.click(".lock-screen button.main")
    page.wait_for_selector(".lock-screen .wrong:has-text('do not go together')")
    unlock(locking)
    assert page.input_value("[name=client]") == "c-half-typed"
    assert page.input_value("[name=complaint]") == "half a sentence"
    page.click("main button.main")
    page.wait_for_url("**/clients/c-half-typed/assessments/*")


def test_an_entry_made_while_the_server_has_locked_is_stored_after_the_unlock(locking: Screen) -> None:
    page = locking.page
    name = locking.console.open_assessment()
    locking.open(f"/{name}/palpate")
    page.wait_for_selector("#palpate-chart [data-part]")
    page.evaluate(
        "fetch('/lock/now', {method: 'POST', headers: {'HX-Request': 'true'}, "
        "body: new URLSearchParams({form_token: document.body.dataset.formToken})})"
    )
    page.wait_for_function("fetch('/session.json').then(a => a.json()).then(s => s.state === 'locked')")
    locking.tap_region("back-surface-infraspinatus--right")
    locking.tap(".levels [value=active]")
    page.wait_for_selector(".lock-screen")
    assert findings(locking.console.stored(name)) == []
    unlock(locking)
    locking.settle()
    assert findings(locking.console.stored(name)) == [("infraspinatus", "RIGHT", "ACTIVE_TRIGGER_POINT")]


def test_a_form_sent_to_a_locked_session_without_scripts_is_kept(
    windows: Callable[..., Screen], console: RunningConsole
) -> None:
    screen = windows(java_script_enabled=False)
    screen.sign_in()
    client = new_client()
    page = screen.page
    page.goto(f"{console.address}/new-client")
    page.fill("[name=client]", client)
    page.fill("[name=complaint]", "kept through the lock")
    other = screen.context.new_page()  # locks the session from another tab
    other.goto(f"{console.address}/today")
    other.click(".menu summary")
    other.click("button:has-text('Lock now')")
    page.click("main button.main")
    assert "/lock" in page.url
    page.fill("[name=password]", PASSWORD)
    page.click("main button.main")
    assert "Your entry is kept" in page.content()
    page.click("button:has-text('Try again')")
    page.wait_for_url(f"**/clients/{client}/assessments/*")


def test_the_theme_is_kept(screen: Screen) -> None:
    screen.open("/today")
    assert screen.page.locator("html").get_attribute("data-theme") == "system"
    screen.page.click(".menu summary")
    screen.page.click("[name=theme][value=dark]")
    screen.settle()
    assert screen.page.locator("html").get_attribute("data-theme") == "dark"
    assert screen.page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(18, 22, 28)"
