"""The network drops at 50 random moments, the store and the console go away: no entry is lost, none is stored twice.

The moments: 20 of assessments, 18 of treatment rooms, 6 of closing visits, 6 of editing a plan. What was tapped is
compared with what the services stored, write by write. A seed stands in the name of its test and in every message.
"""

from __future__ import annotations

import random
import re
import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route

from cli.local.stack import console as start_console
from myoplan.assessment.v1.assessment_service_pb2 import GetAssessmentRequest
from myoplan.planner.v1.plan_pb2 import Plan, Step
from myoplan.planner.v1.session_pb2 import Session, SessionStep
from tests.support.browser import RunningConsole, Screen, findings, open_screen
from tests.support.network import Network
from tests.support.visits import approved, begun, planned, stored_plan, stored_session

MUSCLES = (
    "infraspinatus",
    "upper_trapezius",
    "middle_trapezius",
    "lower_trapezius",
    "teres_major",
    "posterior_deltoid",
)
DERIVED = {
    "tight": "TAUT",
    "tender": "TENDER",
    "latent": "LATENT_TRIGGER_POINT",
    "active": "ACTIVE_TRIGGER_POINT",
}
SLOW_MILLISECONDS = 60_000
UNTIL_CLEARED = 1000
"""More losses than there are tries: a page tries again by itself, however long the test takes to look at it."""
MINUTE = 60
MINUTE_MILLISECONDS = 60_000

Finding = tuple[str, str, str]


def fail(network: Network, moment: str, path: bytes) -> None:
    """Makes the network fail as the name of a moment says, for what is tapped next."""
    times = 2 if "twice" in moment else 1
    if moment.startswith("before"):
        network.cut()
    elif "does not arrive" in moment:
        network.lose("request", path, times)
    elif "the answer is lost" in moment:
        network.lose("answer", path, times)


def back(screen: Screen, network: Network) -> None:
    """The network is there again, and the browser notices."""
    network.mend()
    screen.page.evaluate("dispatchEvent(new Event('online'))")


def all_sent(page: Page, line: str = "queue") -> None:
    page.wait_for_function(f"() => !document.getElementById('{line}').textContent", timeout=SLOW_MILLISECONDS)


def again(screen: Screen, path: str) -> None:
    """Closes the page and opens another."""
    screen.page.close()
    screen.page = screen.context.new_page()
    screen.page.goto(screen.console.address + path)


# --- the assessment -----------------------------------------------------------------------------------------------


def palpating(screen: Screen) -> str:
    name = screen.console.open_assessment()
    screen.open(f"/{name}/palpate")
    screen.page.wait_for_selector("#palpate-chart [data-part]")
    return name


def history(console: RunningConsole, name: str) -> list[Finding | None]:
    """Returns what each write changed, in order; None: a write that changed no finding, or more than one."""
    seen: list[dict[tuple[str, str], str]] = []
    for number in range(1, console.stored(name).revision + 1):
        request = GetAssessmentRequest(name=name, revision=number)
        stored = console.assessments.GetAssessment(request, metadata=console.credentials(), timeout=10)
        seen.append({(muscle, side): kind for muscle, side, kind in findings(stored)})
    made: list[Finding | None] = []
    for before, after in pairwise(seen):
        changed = [(*spot, kind) for spot, kind in after.items() if before.get(spot) != kind]
        made.append(changed[0] if len(changed) == 1 else None)
    return made


def some_finding(chance: random.Random, made: Sequence[Finding]) -> tuple[str, str, str]:
    """Returns a muscle, a side and a level that the muscle does not have by now."""
    now = {(muscle, side): kind for muscle, side, kind in made}
    muscle, side = chance.choice(MUSCLES), chance.choice(("left", "right"))
    levels = [level for level, kind in DERIVED.items() if now.get((muscle, side.upper())) != kind]
    return muscle, side, chance.choice(levels)


def enter(
    screen: Screen, made: list[Finding], chance: random.Random, between: Callable[[], object] | None = None
) -> None:
    """Makes a finding by two taps, with something between them, and writes down that it was made."""
    muscle, side, level = some_finding(chance, made)
    screen.tap_region(f"back-surface-{muscle}--{side}")
    if between is not None:
        between()
    screen.tap(f".levels [value={level}]")
    # A tap is over before the page has heard of it; from the mark on, the device has it.
    screen.page.wait_for_selector(f"[id='back-surface-{muscle}--{side}'].mark-{level}", state="attached")
    made.append((muscle, side.upper(), DERIVED[level]))


ASSESSMENT_MOMENTS = (
    "before the taps",
    "between the taps",
    "after the taps",
    "the entry does not arrive",
    "the entry does not arrive twice",
    "the answer is lost",
    "the answer is lost twice",
    "reloaded under way",
    "the answer is lost twice, then reloaded",
    "closed without a network",
)


@pytest.mark.parametrize("seed", [1, 2])
def test_an_assessment_loses_nothing_and_doubles_nothing(tablet: Screen, network: Network, seed: int) -> None:
    chance = random.Random(seed)
    name, made = palpating(tablet), list[Finding]()
    for moment in chance.sample(ASSESSMENT_MOMENTS, len(ASSESSMENT_MOMENTS)):
        if not moment.endswith("taps"):
            back(tablet, network)
        fail(network, moment, b"/entries")
        enter(tablet, made, chance, network.cut if moment == "between the taps" else None)
        if moment == "after the taps":
            network.cut()
        if "reloaded" in moment:
            tablet.page.reload()
        if moment == "closed without a network":
            network.cut()
            enter(tablet, made, chance)
            network.mend()
            again(tablet, f"/{name}/palpate")
        if chance.random() < 0.5:
            back(tablet, network)
    back(tablet, network)
    all_sent(tablet.page)
    assert len(network.lost) >= 5, f"seed {seed}"
    assert history(tablet.console, name) == made, f"seed {seed}"


def test_a_queue_that_names_an_entry_anew_with_each_try_would_be_noticed(tablet: Screen, network: Network) -> None:
    """The control: the same losses, with another id each time it is sent."""
    chance, made = random.Random(3), list[Finding]()
    name = palpating(tablet)

    def rename(route: Route) -> None:
        route.continue_(post_data=re.sub(r"entry=[^&]+", f"entry={uuid.uuid4()}", route.request.post_data or ""))

    tablet.page.route("**/entries", rename)
    for _ in range(3):
        network.lose("answer", b"/entries", 2)
        enter(tablet, made, chance)
    all_sent(tablet.page)
    assert history(tablet.console, name) != made


def test_a_queue_that_is_empty_after_a_reload_would_be_noticed(tablet: Screen, network: Network) -> None:
    """The control: the device forgets."""
    chance, made = random.Random(4), list[Finding]()
    name = palpating(tablet)
    network.cut()
    enter(tablet, made, chance)
    tablet.page.evaluate("localStorage.clear()")
    network.mend()
    tablet.page.reload()
    all_sent(tablet.page)
    assert history(tablet.console, name) != made


def test_entries_made_without_a_network_are_marked_at_once_and_stored_when_it_is_back(screen: Screen) -> None:
    name = palpating(screen)
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


def test_entries_of_a_page_that_is_closed_go_out_from_another(tablet: Screen, network: Network) -> None:
    chance, made = random.Random(10), list[Finding]()
    name = palpating(tablet)
    network.cut()
    enter(tablet, made, chance)
    enter(tablet, made, chance)
    tablet.page.close()
    network.lose("request", b"/entries", UNTIL_CLEARED)
    network.mend()
    tablet.page = tablet.context.new_page()
    with tablet.page.expect_event("requestfailed", lambda request: request.url.endswith("/entries")):
        tablet.page.goto(f"{tablet.console.address}/today")
    tablet.page.wait_for_selector("#waiting:has-text('2 not sent yet')")
    assert history(tablet.console, name) == []
    network.clear()
    back(tablet, network)
    tablet.page.wait_for_selector("#waiting", state="hidden", timeout=SLOW_MILLISECONDS)
    assert history(tablet.console, name) == made


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


def test_the_console_is_started_again_and_the_entries_wait_for_their_person(
    browser: Browser, console: RunningConsole, tmp_path: Path
) -> None:
    """A restart signs everybody out. Another person at the device stores nothing that is not theirs."""
    (tmp_path / "logs").mkdir()
    chance, made = random.Random(5), list[Finding]()
    with ExitStack() as first, ExitStack() as second:
        network = Network(first.enter_context(start_console(console.running, tmp_path, lambda _: None)))
        tablet = open_screen(browser, replace(console, address=network.address))
        tablet.sign_in()
        name, page = palpating(tablet), tablet.page
        first.close()
        enter(tablet, made, chance)
        page.wait_for_selector("#queue:has-text('kept on this device')")
        network.target = second.enter_context(start_console(console.running, tmp_path, lambda _: None))
        enter(tablet, made, chance)
        back(tablet, network)
        page.wait_for_selector("#entry-problem:has-text('signed out')")
        for person in ("sara", "tess"):
            tablet.page = tablet.context.new_page()
            tablet.context.clear_cookies()
            tablet.sign_in(person)
            tablet.page.close()
            tablet.page = page
            back(tablet, network)
            if person == "sara":
                page.wait_for_selector("#entry-problem:has-text('does not belong to this sign-in')")
                assert "2 not sent yet" in page.locator("#queue").inner_text()
                assert history(console, name) == []
        all_sent(page)
        network.cut()
        tablet.context.close()
    assert history(console, name) == made
    assert tablet.faults == []


# --- the treatment room -------------------------------------------------------------------------------------------

ROOM_MOMENTS = (
    "before the tap",
    "after the tap",
    "the report does not arrive",
    "the report does not arrive twice",
    "the answer is lost",
    "the answer is lost twice",
    "reloaded under way",
    "reloaded without a network",
    "closed without a network",
)


@pytest.mark.parametrize("seed", [6, 7])
def test_a_treatment_loses_nothing_and_keeps_its_times(tablet: Screen, network: Network, seed: int) -> None:
    """Each step is worked for one to four minutes, at random, so that a time at a wrong step would be seen."""
    chance = random.Random(seed)
    plan = approved(tablet.console, planned(tablet.console))
    begun(tablet.console, plan)
    work = [step.id for step in plan.steps if step.phase != Step.TURN]
    minutes = {step: chance.randint(1, 4) for step in work}
    calm = [""] * (len(work) - len(ROOM_MOMENTS))
    moments = chance.sample([*ROOM_MOMENTS, *calm], len(work))
    tablet.page.clock.install()
    tablet.open(f"/{plan.name}/room")
    for step, moment in zip(work, moments, strict=True):
        page = tablet.page
        page.wait_for_selector("#room-kept:has-text('Kept on this device')")
        for _ in range(minutes[step]):
            page.clock.fast_forward(MINUTE_MILLISECONDS)
        if moment and not moment.endswith("tap"):
            back(tablet, network)
        fail(network, moment, b"/delivered")
        page.click("#room-next")
        if moment in {"after the tap", "reloaded without a network", "closed without a network"}:
            network.cut()
        if moment.startswith("reloaded"):
            page.reload()
        elif moment.startswith("closed"):
            again(tablet, f"/{plan.name}/room")
        if chance.random() < 0.5 or "without" in moment:
            back(tablet, network)
    back(tablet, network)
    assert tablet.page.locator("#room-end-title").is_visible(), f"seed {seed}"
    all_sent(tablet.page, "room-network")
    assert len(network.lost) >= 4, f"seed {seed}"
    session = stored_session(tablet.console, plan.name)
    assert {each.status for each in session.steps} == {SessionStep.DONE}, f"seed {seed}"
    worked, turned = dict[str, int](), 0
    for each in session.steps:
        turned += each.delivered.seconds
        if each.step.phase != Step.TURN:
            worked[each.step.id], turned = turned, 0
    assert {step: seconds // MINUTE for step, seconds in worked.items()} == minutes, f"seed {seed}"


# --- closing the visit --------------------------------------------------------------------------------------------


def test_closing_a_visit_loses_nothing_that_was_typed(tablet: Screen, network: Network) -> None:
    """Six moments: reloaded or closed while it is typed, with and without a network, and on the way of the last tap."""
    chance = random.Random(8)
    plan = approved(tablet.console, planned(tablet.console))
    begun(tablet.console, plan)
    path = f"/{plan.name}/finish"
    tablet.open(path)
    entries: list[Callable[[], None]] = [
        lambda: tablet.page.locator("input.short").first.fill("52,5"),
        lambda: tablet.tap("label:has([name=pain][value='3'])"),
        lambda: tablet.tap("label:has([name=reaction][value=sore])"),
        lambda: tablet.page.fill("[name=note]", "slept badly"),
    ]
    moments = ["reloaded", "closed", "closed without a network", "reloaded"]
    for entry, moment in zip(chance.sample(entries, len(entries)), chance.sample(moments, len(moments)), strict=True):
        if moment == "closed without a network":
            network.cut()
        entry()
        network.mend()
        if moment == "reloaded":
            tablet.page.reload()
        else:
            again(tablet, path)
    network.lose("request", b"/finish", UNTIL_CLEARED)
    tablet.tap("#finish-go")
    tablet.page.wait_for_selector("#finish-waits:has-text('closes the visit by itself')")
    assert stored_session(tablet.console, plan.name).state == Session.RUNNING
    network.cut()  # nothing slips through between the losses
    network.clear()
    network.lose("answer", b"/finish", 2)
    back(tablet, network)
    tablet.page.wait_for_selector("text=Planned against done", timeout=SLOW_MILLISECONDS)
    session = stored_session(tablet.console, plan.name)
    assert session.state == Session.FINISHED
    assert (session.retests[0].value, session.pain, session.reaction) == (52.5, 3, "Sore. slept badly")
    assert tablet.page.evaluate("Object.keys(localStorage).filter(each => each.includes('finish'))") == []


def test_a_page_that_forgets_what_was_typed_would_be_noticed(tablet: Screen) -> None:
    """The control: the device forgets, and the field is empty."""
    plan = approved(tablet.console, planned(tablet.console))
    begun(tablet.console, plan)
    tablet.open(f"/{plan.name}/finish")
    note = tablet.page.locator("[name=note]")
    note.fill("slept badly")
    tablet.page.reload()
    assert note.input_value() == "slept badly"
    tablet.page.evaluate("localStorage.clear()")
    tablet.page.reload()
    assert note.input_value() == ""


# --- editing a plan -----------------------------------------------------------------------------------------------

EDIT_MOMENTS = (
    "before the tap",
    "before another tap",
    "the edit does not arrive",
    "the edit does not arrive twice",
    "the answer is lost",
    "the answer is lost twice",
)


def lasting(plan: Plan, step: str) -> int:
    return next(each.duration.seconds for each in plan.steps if each.id == step)


def test_an_edit_is_made_once_or_the_page_says_that_there_is_no_answer(tablet: Screen, network: Network) -> None:
    """An edit is not kept for later: whoever is told that there was no answer taps again."""
    chance = random.Random(9)
    first = planned(tablet.console)
    step = next(each.id for each in first.steps if each.phase == Step.RELEASE)
    tablet.open(f"/{first.name}?step={step}")
    page = tablet.page
    expected = [lasting(first, step)]
    for number, moment in enumerate(chance.sample(EDIT_MOMENTS, len(EDIT_MOMENTS))):
        button = "#edit-shorter" if number % 2 == 0 else "#edit-longer"
        etag = page.locator("#plan").get_attribute("data-etag")
        fail(network, moment, b"/edit")
        tablet.tap(button)
        page.wait_for_function(
            "etag => document.getElementById('no-answer') || document.getElementById('plan').dataset.etag !== etag",
            arg=etag,
            timeout=SLOW_MILLISECONDS,
        )
        network.mend()
        network.clear()
        if page.locator("#no-answer").count():
            assert "no connection just now" in page.locator("#no-answer").inner_text()
            tablet.tap(button)
            page.wait_for_function(
                "etag => document.getElementById('plan').dataset.etag !== etag", arg=etag, timeout=SLOW_MILLISECONDS
            )
        assert page.locator("#no-answer, #told").count() == 0, moment
        expected.append(lasting(stored_plan(tablet.console, first.name), step))
        assert abs(expected[-1] - expected[-2]) in {30, 60}, moment
    after = stored_plan(tablet.console, first.name)
    assert after.version == first.version + len(EDIT_MOMENTS)
