"""Sign-in by a clinic's identity provider: a real one, in a process of its own, over real services that trust it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from cli.local.stack import ServiceProcess
from myoplan.planner.v1.plan_pb2 import Attestation, Plan
from tests.support.browser import RunningConsole, Screen, open_screen
from tests.support.identity_provider import CLIENT_ID, CLIENT_SECRET, RunningProvider, running_provider
from tests.support.review_story import changed_and_signed, plan_of
from tests.support.visits import planned


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvidedConsole:
    """A console whose people sign in at a provider."""

    address: str
    provider: RunningProvider
    log: Path


@pytest.fixture(scope="module")
def provided(console: RunningConsole, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProvidedConsole]:
    folder = tmp_path_factory.mktemp("provider")
    with ExitStack() as ends:
        provider = ends.enter_context(running_provider(folder))
        shared = {
            "MYOPLAN_REDIS_URL": console.redis.url,
            "MYOPLAN_KEY_SET": str(provider.key_set),
            "MYOPLAN_ISSUER": provider.address,
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
        yield ProvidedConsole(address=served.address, provider=provider, log=served.log_file)


@pytest.fixture
def visitor(provided: ProvidedConsole, console: RunningConsole, browser: Browser) -> Iterator[Screen]:
    """Somebody at that console who is not signed in."""
    provided.provider.fault("")
    provided.provider.life(3600)
    screen = open_screen(browser, replace(console, address=provided.address))
    yield screen
    screen.context.close()
    assert [fault for fault in screen.faults if provided.provider.address not in fault] == []
    log = provided.log.read_text()
    assert "eyJ" not in log
    assert "renews-" not in log


def sign_in(screen: Screen, person: str = "sign-in") -> None:
    screen.page.click("a:has-text('Sign in with the clinic')")
    screen.page.click(f"#{person}")


def signed_in_long_ago(screen: Screen, path: str, person: str = "sign-in") -> None:
    """Signs in by what the provider remembers: the credential was entered an hour ago."""
    screen.page.goto(f"{screen.console.address}/sign-in")
    sign_in(screen, person)
    screen.page.wait_for_url("**/today")
    name = next(cookie["name"] for cookie in screen.context.cookies() if "session" in cookie["name"])
    screen.context.clear_cookies(name=name)
    screen.page.goto(f"{screen.console.address}{path}")
    screen.page.click("a:has-text('Sign in with the clinic')")
    screen.page.wait_for_url(f"**{path}")


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


def test_a_locked_session_goes_on_only_after_the_credential_is_entered_anew(
    visitor: Screen, provided: ProvidedConsole
) -> None:
    page = visitor.page
    page.goto(f"{visitor.console.address}/new-client")
    sign_in(visitor)
    page.wait_for_url("**/new-client")
    page.evaluate("document.dispatchEvent(new CustomEvent('myoplan:locked'))")
    page.wait_for_selector(".lock-screen a:has-text('Go on with the clinic')")
    assert page.locator(".lock-screen [name=password]").count() == 0
    page.goto(f"{visitor.console.address}/new-client")
    page.click(".menu summary")
    page.click("button:has-text('Lock now')")
    page.wait_for_url("**/lock?return=**")
    page.goto(f"{visitor.console.address}/new-client")
    assert "/lock" in page.url
    provided.provider.fault("silent")
    page.click("a:has-text('Go on with the clinic')")
    page.wait_for_selector("text=did not ask who you are, so the screen stays locked")
    provided.provider.fault("")
    page.click("a:has-text('Go on with the clinic')")
    page.click("#cancel")
    page.wait_for_selector("text=The screen stays locked")
    page.click("a:has-text('Go on with the clinic')")
    page.click("#sara")
    page.wait_for_selector("text=Somebody else signed in")
    page.goto(f"{visitor.console.address}/new-client")
    page.click("a:has-text('Go on with the clinic')")
    assert page.locator("#prompt").inner_text() == "again"
    page.click("#sign-in")
    page.wait_for_url("**/new-client")


def prove(screen: Screen) -> None:
    """Sends the signing form; proving comes first."""
    screen.page.click("button:has-text('Prove who you are')")


def is_unsigned(console: RunningConsole, plan: Plan) -> bool:
    stored = plan_of(console, plan.name)
    return stored.state == plan.state and len(stored.signatures) == len(plan.signatures)


def test_a_supervisor_proves_who_she_is_and_cosigns_with_everything_kept(
    visitor: Screen, console: RunningConsole
) -> None:
    plan, page = changed_and_signed(console), visitor.page
    signed_in_long_ago(visitor, f"/{plan.name}/review", "sara")
    page.check("[value=AGREE_EXCEPT]")
    page.fill("[name=attestation_text]", "Less on the left.")
    page.click("summary:has-text('Comment'):visible >> nth=0")
    comment = page.locator(".review-row .comment-new[open] textarea")
    comment.fill('Why this long?\n"Ten" <minutes>')
    page.locator(".review-row .comment-new[open] label:has([value=must_fix])").click()
    prove(visitor)
    assert page.locator("#prompt").inner_text() == "again"
    page.click("#sara")
    page.wait_for_url("**/review*#sign")
    page.wait_for_selector("text=You have proved who you are")
    assert is_unsigned(console, plan)
    assert page.is_checked("[value=AGREE_EXCEPT]")
    expect(page.locator("[name=attestation_text]")).to_be_visible()
    assert page.input_value("[name=attestation_text]") == "Less on the left."
    expect(comment).to_have_value('Why this long?\n"Ten" <minutes>')
    assert page.is_checked(".review-row .comment-new[open] [value=must_fix]")
    page.click("#release button.main")
    page.wait_for_url("**done=cosigned*")
    last = plan_of(console, plan.name).signatures[-1]
    assert (last.signer.id, last.attestation, last.text) == ("sara", Attestation.AGREE_EXCEPT, "Less on the left.")


def test_without_a_fresh_credential_nothing_is_signed(
    visitor: Screen, provided: ProvidedConsole, console: RunningConsole
) -> None:
    plan, page = changed_and_signed(console), visitor.page
    signed_in_long_ago(visitor, f"/{plan.name}/review", "sara")
    page.check("[value=REVIEWED_AND_AGREE]")

    def nothing_signed(told: str) -> None:
        page.wait_for_selector(f"#told:has-text('{told}')")
        assert is_unsigned(console, plan)
        assert page.is_checked("[value=REVIEWED_AND_AGREE]")

    provided.provider.fault("silent")
    prove(visitor)
    nothing_signed("did not ask who you are")
    provided.provider.fault("")
    prove(visitor)
    page.click("#cancel")
    nothing_signed("You came back without proving who you are")
    prove(visitor)
    page.click("#otto")
    nothing_signed("Somebody else signed in")
    provided.provider.fault("away")
    prove(visitor)
    page.click("#sara")
    page.wait_for_selector("text=does not answer")
    page.goto(f"{visitor.console.address}/{plan.name}/review")
    nothing_signed("You came back without proving who you are")
    page.goto(f"{visitor.console.address}/{plan.name}/review")
    assert not page.is_checked("[value=REVIEWED_AND_AGREE]")  # what was kept is given back once


def test_a_therapist_proves_who_they_are_and_approves(visitor: Screen, console: RunningConsole) -> None:
    plan, page = planned(console, "neck_pain_on_warfarin"), visitor.page
    signed_in_long_ago(visitor, f"/{plan.name}")
    page.check("#read-flags")
    prove(visitor)
    page.click("#cancel")
    page.wait_for_selector("#told:has-text('You came back without proving who you are')")
    prove(visitor)
    page.click("#sign-in")
    page.wait_for_url("**#approve")
    assert page.is_checked("#read-flags")
    assert is_unsigned(console, plan)
    page.click("#approve button.main")
    page.wait_for_selector("#onward")
    stored = plan_of(console, plan.name, "tess")
    assert stored.state == Plan.APPROVED
    assert stored.signatures[-1].signer.id == "ida"


def test_a_session_outlives_its_token_and_a_renewal_signs_nothing(
    visitor: Screen, provided: ProvidedConsole, console: RunningConsole
) -> None:
    plan, page, provider = changed_and_signed(console), visitor.page, provided.provider
    provider.life(1)  # [s]: sooner or later a request comes when the token is due
    provider.fault("renewed auth_time")
    before = len(provider.asked())
    signed_in_long_ago(visitor, f"/{plan.name}/review", "sara")

    def ask_until(line: str, address: str) -> None:
        for _ in range(100):
            if line in provider.asked()[before:]:
                return
            page.goto(f"{visitor.console.address}{address}")
        pytest.fail(f"the provider was never asked: {line}")

    ask_until("renewal", f"/{plan.name}/review")
    page.goto(f"{visitor.console.address}/{plan.name}/review")
    page.wait_for_selector("button:has-text('Prove who you are')")
    assert page.locator("button:has-text('Co-sign'):visible").count() == 0
    provider.fault("refuse")
    ask_until("renewal refused", "/today")
    page.wait_for_selector("text=asks again who you are")
    provider.fault("")
    provider.life(3600)
    page.click("a:has-text('Go on with the clinic')")
    page.click("#sara")
    page.wait_for_url("**/today")


def test_signing_out_ends_the_sign_in_at_the_provider_too(visitor: Screen, provided: ProvidedConsole) -> None:
    page = visitor.page
    page.goto(f"{visitor.console.address}/today")
    sign_in(visitor)
    page.wait_for_url("**/today")
    page.click(".menu summary")
    page.click("button:has-text('Sign out')")
    page.wait_for_url("**/sign-in")
    assert provided.provider.asked()[-2:] == ["revoke", f"end {CLIENT_ID}"]
    page.click("a:has-text('Sign in with the clinic')")
    assert page.locator("#prompt").inner_text() == "again"  # whoever sits there now has to say who they are
    page.click("#cancel")
    page.wait_for_selector("text=You came back without signing in")
    sign_in(visitor, "sara")
    page.wait_for_url("**/today")


@pytest.mark.parametrize("fault", ["nonce", "issuer", "audience", "expired"])
def test_a_token_that_is_not_right_lets_nobody_in(visitor: Screen, provided: ProvidedConsole, fault: str) -> None:
    provided.provider.fault(fault)
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
