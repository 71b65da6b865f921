"""Sign-in by a clinic's identity provider: a real one, in a process of its own, over real services that trust it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from cli.local.stack import ServiceProcess
from tests.support.browser import RunningConsole, Screen, open_screen
from tests.support.identity_provider import CLIENT_ID, CLIENT_SECRET

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvidedConsole:
    """A console whose people sign in at a provider; `fault` makes the provider do something wrong."""

    address: str
    provider: str
    folder: Path
    log: Path

    def fault(self, name: str) -> None:
        (self.folder / "fault").write_text(name)


@pytest.fixture(scope="module")
def provided(console: RunningConsole, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProvidedConsole]:
    folder = tmp_path_factory.mktemp("provider")
    with ExitStack() as ends:
        provider = ends.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", "tests.support.identity_provider", str(folder)],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        )
        ends.callback(provider.terminate)
        assert provider.stdout is not None
        issuer = provider.stdout.readline().rsplit(" on ", 1)[1].strip()
        shared = {
            "MYOPLAN_REDIS_URL": console.redis.url,
            "MYOPLAN_KEY_SET": str(folder / "keys.json"),
            "MYOPLAN_ISSUER": issuer,
            "MYOPLAN_SEAL_KEY_FILE": str(console.keys.seal_key_file),
            "MYOPLAN_ADDRESS": "127.0.0.1:0",
        }
        started: dict[str, ServiceProcess] = {}

        def start(name: str, settings: dict[str, str]) -> ServiceProcess:
            process = started[name] = ServiceProcess(name, {**shared, **settings}, folder)
            ends.callback(process.stop)
            process.start()
            return process

        assessment = start("assessment", {})
        planner = start("planner", {"MYOPLAN_ASSESSMENT_ADDRESS": assessment.address})
        served = start(
            "console",
            {
                "MYOPLAN_ASSESSMENT_ADDRESS": assessment.address,
                "MYOPLAN_PLANNER_ADDRESS": planner.address,
                "MYOPLAN_CLIENT_ID": CLIENT_ID,
                "MYOPLAN_CLIENT_SECRET": CLIENT_SECRET,
            },
        )
        yield ProvidedConsole(address=served.address, provider=issuer, folder=folder, log=served.log_file)


@pytest.fixture
def visitor(provided: ProvidedConsole, console: RunningConsole, browser: Browser) -> Iterator[Screen]:
    """Somebody at that console who is not signed in."""
    provided.fault("")
    screen = open_screen(browser, replace(console, address=provided.address))
    yield screen
    screen.context.close()
    assert [fault for fault in screen.faults if provided.provider not in fault] == []


def sign_in(screen: Screen) -> None:
    screen.page.click("a:has-text('Sign in with the clinic')")
    screen.page.click("#sign-in")


def test_a_person_signs_in_at_the_provider_and_comes_back_to_the_page(visitor: Screen) -> None:
    visitor.page.goto(f"{visitor.console.address}/new-client")
    sign_in(visitor)
    visitor.page.wait_for_url("**/new-client")
    visitor.page.fill("[name=client]", "c-by-ida")
    visitor.page.click("main button.main")
    visitor.page.wait_for_url("**/clients/c-by-ida/assessments/*")
    # No token is in the page, in the cookies or in what scripts can reach.
    cookies = " ".join(str(cookie) for cookie in visitor.context.cookies())
    kept = visitor.page.evaluate("JSON.stringify([localStorage, sessionStorage])")
    assert "eyJ" not in cookies + kept + visitor.page.content()


def test_a_locked_session_goes_on_after_the_credential_is_entered_anew(visitor: Screen) -> None:
    visitor.page.goto(f"{visitor.console.address}/today")
    sign_in(visitor)
    visitor.page.wait_for_url("**/today")
    visitor.page.goto(f"{visitor.console.address}/new-client")
    visitor.page.click(".menu summary")
    visitor.page.click("button:has-text('Lock now')")
    visitor.page.goto(f"{visitor.console.address}/new-client")
    assert "/lock" in visitor.page.url
    visitor.page.click("a:has-text('Go on with the clinic')")
    assert visitor.page.locator("#prompt").inner_text() == "again"
    visitor.page.click("#sign-in")
    visitor.page.wait_for_url("**/new-client")


@pytest.mark.parametrize("fault", ["nonce", "issuer", "audience", "expired"])
def test_a_token_that_is_not_right_lets_nobody_in(visitor: Screen, provided: ProvidedConsole, fault: str) -> None:
    provided.fault(fault)
    visitor.page.goto(f"{visitor.console.address}/today")
    sign_in(visitor)
    visitor.page.wait_for_selector("text=did not let you in")
    visitor.page.goto(f"{visitor.console.address}/today")
    assert "/sign-in" in visitor.page.url


def test_an_answer_that_another_browser_asked_for_is_refused(
    visitor: Screen, provided: ProvidedConsole, browser: Browser, console: RunningConsole
) -> None:
    """An attacker cannot sign a victim in as themselves: the answer is bound to the browser that began."""
    visitor.page.goto(f"{visitor.console.address}/sign-in")
    visitor.page.route("**/sign-in/callback*", lambda route: route.abort())
    visitor.page.click("a:has-text('Sign in with the clinic')")
    with visitor.page.expect_request("**/sign-in/callback*") as asked:
        visitor.page.click("#sign-in", no_wait_after=True)
    victim = open_screen(browser, replace(console, address=provided.address))
    try:
        victim.page.goto(asked.value.url)
        assert "did not let you in" in victim.page.content()
        victim.page.goto(f"{provided.address}/today")
        assert "/sign-in" in victim.page.url
    finally:
        victim.context.close()


def test_forged_answers_are_refused(visitor: Screen) -> None:
    for query in ("", "?code=x&state=y", "?state=" + "a" * 500):
        answer = visitor.page.goto(f"{visitor.console.address}/sign-in/callback{query}")
        assert answer is not None
        assert answer.status == 403


def test_a_provider_that_is_away_is_told(
    provided: ProvidedConsole, console: RunningConsole, windows: Callable[..., Screen], tmp_path: Path
) -> None:
    process = ServiceProcess(
        "console",
        {
            "MYOPLAN_ADDRESS": "127.0.0.1:0",
            "MYOPLAN_ISSUER": "http://127.0.0.1:9",
            "MYOPLAN_CLIENT_ID": CLIENT_ID,
            "MYOPLAN_ASSESSMENT_ADDRESS": console.running.assessment,
            "MYOPLAN_PLANNER_ADDRESS": console.running.planner,
        },
        tmp_path,
    )
    process.start()
    try:
        screen = windows()
        screen.page.goto(f"{process.address}/sign-in/provider")
        assert "does not answer" in screen.page.content()
        screen.faults.clear()  # this window belongs to another console
    finally:
        process.stop()
    assert provided.log.exists()
