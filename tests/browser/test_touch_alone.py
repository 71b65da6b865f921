"""The whole story of a visit by fingers alone, the tablet turned again and again, and the treatment room on a phone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Locator

from myoplan.assessment.v1 import assessment_pb2 as a
from myoplan.planner.v1.plan_pb2 import Plan, Step
from myoplan.planner.v1.session_pb2 import Session, SessionStep
from tests.support.browser import PASSWORD, PHONE, TABLET, Screen, findings, new_client
from tests.support.visits import approved, planned, stored_plan, stored_session

GUARD_MILLISECONDS = 700
"""After which a second tap on Next counts; the page ignores one within 600."""
SLOW_MILLISECONDS = 30_000  # a plan that is made for the first time

# What no finger does: a pointer that is no touch, a mouse that no touch led to, a key outside a field that was touched.
OTHERS = """{
  const touched = new WeakSet();
  let last = -Infinity;
  addEventListener('touchstart', event => {
    last = event.timeStamp;
    const field = event.target.closest('input,textarea') || event.target.closest('label')?.control;
    if (field) touched.add(field);
  }, true);
  for (const kind of ['pointerdown', 'click']) addEventListener(kind, event => {
    if (event.isTrusted && (kind !== 'click' || event.detail > 0) && event.pointerType !== 'touch')
      tellOther(`${kind} ${event.pointerType}`);
  }, true);
  addEventListener('mousedown', event => { if (event.timeStamp - last > 1500) tellOther('mousedown'); }, true);
  addEventListener('keydown', event => {
    const field = event.target.closest?.('input:not([type=checkbox]):not([type=radio]),textarea');
    if (!field || !touched.has(field) || event.key === 'Enter' || event.key === 'Tab') tellOther(`key ${event.key}`);
  }, true);
}"""

# What shows only while a pointer hovers: a style that does more than decorate, a title that stands nowhere else. What
# is hidden from a screen reader, such as the handle that drags a step, has its equal beside it.
HOVERS = """() => {
  const rules = list => [...list].flatMap(rule => rule.cssRules?.length ? [rule, ...rules(rule.cssRules)] : [rule]);
  const decorates = /^(text-decoration|stroke|color|background|outline|border)/;
  const styles = [...document.styleSheets].flatMap(sheet => rules(sheet.cssRules))
    .filter(rule => rule.selectorText?.includes(':hover') && [...rule.style].some(each => !decorates.test(each)))
    .map(rule => rule.cssText);
  const text = document.body.innerText.toLowerCase();
  const titles = [...document.querySelectorAll('body [title]:not([aria-hidden=true])')].map(each => each.title)
    .filter(title => title.toLowerCase().split(/[^a-z]+/).some(word => word.length > 3 && !text.includes(word)));
  return [...styles, ...titles];
}"""
LISTENS_FOR_HOVER = ("mouseenter", "mouseover", "pointerenter", "pointerover")


def others_of(screen: Screen) -> list[str]:
    """Writes down, from now on, everything in a window that no finger did."""
    told: list[str] = []
    screen.context.expose_function("tellOther", lambda text: told.append(text))  # noqa: PLW0108 - a builtin cannot be exposed
    screen.context.add_init_script(OTHERS)
    return told


@dataclass(slots=True)
class Fingers:
    """Somebody who holds a tablet and has nothing else."""

    screen: Screen

    def tap(self, target: Locator | str) -> None:
        self.screen.tap(target)

    def write(self, field: str, text: str) -> None:
        """Touches a field and types into it, as the keyboard on the screen does."""
        self.tap(field)
        self.screen.page.keyboard.type(text)

    def turn(self) -> None:
        """Turns the tablet, and looks at the page: nothing sticks out, and nothing needs a pointer that hovers."""
        size = self.screen.page.viewport_size
        assert size is not None
        self.screen.page.set_viewport_size({"width": size["height"], "height": size["width"]})
        self.look()

    def look(self) -> None:
        page = self.screen.page
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, page.url
        hidden = page.evaluate(HOVERS)
        assert hidden == [], (page.url, hidden)
        source = page.content()
        assert not [word for word in LISTENS_FOR_HOVER if word in source], page.url

    def sign_in(self) -> None:
        self.screen.page.goto(f"{self.screen.console.address}/today")
        self.write("[name=person]", "tess")
        self.write("[name=password]", PASSWORD)
        self.turn()
        self.tap("main button.main")
        self.screen.page.wait_for_selector("#visits")


def begin(fingers: Fingers) -> str:
    """Opens the assessment of a new client from Today, and answers the health questions; returns its name."""
    screen, page = fingers.screen, fingers.screen.page
    fingers.tap("a[href='/new-client']")
    fingers.write("[name=client]", new_client())
    fingers.write("[name=age]", "41")
    fingers.turn()
    fingers.tap("main button.main")
    page.wait_for_url("**/assessments/*")
    screen.settle()
    name: str = page.evaluate("location.pathname").strip("/")

    fingers.tap("#flag-anticoagulant [value=present]")
    screen.settle()
    fingers.turn()
    fingers.tap("#flags button.main")
    screen.settle()
    return name


def touch_the_body(fingers: Fingers, name: str) -> None:
    """Shades and palpates, on the chart and from the list."""
    screen, page = fingers.screen, fingers.screen.page
    fingers.tap("#sections [data-to=pain]")
    page.wait_for_selector("#pain-chart [data-part=back_of_neck]")
    screen.tap_region("back-zones-back_of_neck--right")
    fingers.tap("#pain-chart .scale [value='6']")
    fingers.turn()
    screen.tap_region("back-zones-upper_thoracic_back--left")
    fingers.tap("#pain-chart .scale [value='3']")
    screen.settle()

    fingers.tap("#sections [data-to=palpate]")
    page.wait_for_selector("#palpate-chart [data-part=upper_trapezius]")
    screen.tap_region("back-surface-upper_trapezius--right")
    fingers.tap(".levels [value=active]")
    fingers.turn()
    fingers.tap("#palpate-chart .chart-depths button:not([aria-pressed=true])")
    screen.tap_region("back-deep-levator_scapulae--right")
    fingers.tap(".levels [value=latent]")
    fingers.write("#find-muscle", "infraspin")
    fingers.tap("#muscle-picks .side-pick-left")
    fingers.tap(".levels [value=tight]")
    screen.settle()
    fingers.tap("#undo button")
    screen.settle()
    assert findings(screen.console.stored(name)) == [
        ("levator_scapulae", "RIGHT", "LATENT_TRIGGER_POINT"),
        ("upper_trapezius", "RIGHT", "ACTIVE_TRIGGER_POINT"),
    ]


def measure_and_fit(fingers: Fingers, name: str) -> str:
    """Measures on a bar and with the keypad, and fits a plan; returns its name."""
    screen, page = fingers.screen, fingers.screen.page
    fingers.tap("#sections [data-to=rom]")
    screen.tap_bar(page.locator("#rom-rows svg.bar:visible").first, 0.5)
    screen.settle()
    fingers.turn()
    fingers.tap("#v-cervical_rotation-left")
    for key in ("7", "0", "next"):
        fingers.tap(f"#keypad [data-key='{key}']")
    fingers.tap(".end-pain >> nth=0")
    screen.settle()
    tests = screen.console.stored(name).rom_tests
    assert 70 in {each.measured.value for each in tests}
    assert a.RomTest.PAIN in {each.measured.limited_by for each in tests}

    fingers.tap("header [data-to=fit]")
    fingers.turn()
    fingers.tap("label.choice:has([name=minutes][value='50'])")
    fingers.tap("#fit-form button.main")
    page.wait_for_url("**/plans/*", timeout=SLOW_MILLISECONDS)
    plan: str = page.evaluate("location.pathname").strip("/")
    return plan


def revised(fingers: Fingers, target: str) -> None:
    """Taps and waits until the plan on the page is another revision."""
    page = fingers.screen.page
    before = page.locator("#plan").get_attribute("data-etag")
    fingers.tap(target)
    page.wait_for_function(
        "before => document.getElementById('plan').dataset.etag !== before", arg=before, timeout=SLOW_MILLISECONDS
    )
    assert page.locator("#told").count() == 0


def change_and_approve(fingers: Fingers, name: str) -> None:
    """Pins a step, shortens it and takes that back, leaves another out, and approves the plan."""
    screen, page = fingers.screen, fingers.screen.page
    first, second = [step for step in stored_plan(screen.console, name).steps if step.phase == Step.RELEASE][:2]

    def select(step: Step) -> None:
        fingers.tap(f"[id='step-{step.id}'] .step-link")
        page.wait_for_selector(f"[id='step-{step.id}'].here")

    select(first)
    assert page.locator("#why h2").is_visible()
    revised(fingers, "#edit-pin")
    revised(fingers, "#edit-shorter")
    revised(fingers, "#edit-undo")
    fingers.turn()
    select(second)
    revised(fingers, "#edit-out")
    revised(fingers, "#edit-refit")
    after = stored_plan(screen.console, name)
    assert (first.muscle, first.side) in {(step.muscle, step.side) for step in after.steps if step.pinned}
    assert (second.muscle, second.side) not in {(step.muscle, step.side) for step in after.steps if step.muscle}
    fingers.tap("header a[href='#approve']")
    assert page.evaluate("document.activeElement.id") == "read-flags"
    fingers.tap("#read-flags")
    fingers.tap("header a[href='#approve']")
    fingers.write("#approve [name=password]", PASSWORD)
    fingers.tap("#approve button.main")
    page.wait_for_selector("header a[href$='/room']")
    assert stored_plan(screen.console, name).state == Plan.APPROVED


def treat(fingers: Fingers, name: str) -> None:
    """Works every step, takes one back, and turns the tablet in between."""
    screen, page = fingers.screen, fingers.screen.page
    page.wait_for_url("**/room")
    fingers.tap("#room-start button")
    page.wait_for_selector("#room-next:visible")
    steps = [step for step in stored_plan(screen.console, name).steps if step.phase != Step.TURN]
    page.clock.fast_forward(GUARD_MILLISECONDS)
    fingers.tap("#room-next")
    fingers.tap("#room-back")
    assert page.locator("#room-count").inner_text().startswith("Step 1 ")
    fingers.tap("#room-more")
    fingers.turn()
    for _ in steps:
        page.clock.fast_forward(GUARD_MILLISECONDS)
        fingers.tap("#room-next")
    page.wait_for_selector("#room-finish[href]")
    assert {each.status for each in stored_session(screen.console, name).steps} == {SessionStep.DONE}


def close(fingers: Fingers, name: str) -> None:
    """Measures again, asks, and closes the visit; then looks at the progress."""
    screen, page = fingers.screen, fingers.screen.page
    fingers.tap("#room-finish")
    page.wait_for_url("**/finish")
    for bar in page.locator("svg.bar").all():
        screen.tap_bar(bar, 0.6)
    fingers.turn()
    fingers.tap("label:has([name=pain][value='3'])")
    fingers.tap("label:has([name=reaction][value=sore])")
    fingers.write("[name=note]", "slept badly")
    fingers.tap("#finish-go")
    page.wait_for_selector("text=Planned against done")
    session = stored_session(screen.console, name)
    assert (session.state, session.pain) == (Session.FINISHED, 3)
    assert session.reaction.startswith("Sore")
    assert "slept badly" in session.reaction
    fingers.turn()
    fingers.tap("header a[href$='/progress']")
    page.wait_for_url("**/progress")
    fingers.look()


def test_a_whole_visit_by_touch_alone(windows: Callable[..., Screen]) -> None:
    screen = windows(size=TABLET)
    others = others_of(screen)
    fingers = Fingers(screen)
    fingers.sign_in()
    assessment = begin(fingers)
    touch_the_body(fingers, assessment)
    plan = measure_and_fit(fingers, assessment)
    change_and_approve(fingers, plan)
    screen.page.clock.install()
    fingers.tap("header a[href$='/room']")
    treat(fingers, plan)
    close(fingers, plan)
    fingers.tap("header .place[href='/today']")
    screen.page.wait_for_selector("#visits")
    fingers.turn()
    assert screen.console.stored(assessment).state == a.Assessment.COMPLETED
    assert others == []


def test_the_treatment_room_on_a_phone(windows: Callable[..., Screen]) -> None:
    screen = windows(size=PHONE)
    others = others_of(screen)
    fingers, page = Fingers(screen), screen.page
    page.clock.install()
    page.goto(f"{screen.console.address}/today")
    fingers.write("[name=person]", "tess")
    fingers.write("[name=password]", PASSWORD)
    fingers.tap("main button.main")
    page.wait_for_selector("#visits")
    plan = approved(screen.console, planned(screen.console))
    page.goto(f"{screen.console.address}/{plan.name}/room")
    fingers.look()
    fingers.tap("#room-start button")
    page.wait_for_selector("#room-next:visible")
    fingers.look()
    box = page.locator("#room-next").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= PHONE[1], "Next is not on the screen at once"
    for button in ("#room-next", "#room-skip", "#room-next"):
        page.clock.fast_forward(GUARD_MILLISECONDS)
        fingers.tap(button)
    fingers.tap("#room-softer")
    fingers.tap("#room-change")
    page.wait_for_selector("#room-changes[open]")
    fingers.look()
    fingers.tap("#room-changes form button")
    page.clock.fast_forward(GUARD_MILLISECONDS)
    fingers.tap("#room-stop")
    assert page.locator("#room-end-title").inner_text() == "Stopped"
    fingers.tap("#room-resume")
    fingers.tap("#room-stop")
    page.wait_for_selector("#room-finish[href]")
    work = [step for step in stored_session(screen.console, plan.name).steps if step.step.phase != Step.TURN]
    assert [each.status for each in work[:3]] == [SessionStep.DONE, SessionStep.SKIPPED, SessionStep.DONE]
    fingers.tap("#room-finish")
    page.wait_for_url("**/finish")
    assert others == []


def test_control_what_no_finger_did_is_noticed(windows: Callable[..., Screen]) -> None:
    screen = windows()
    others, page = others_of(screen), screen.page
    page.goto(f"{screen.console.address}/sign-in")
    page.tap("[name=person]")
    page.keyboard.type("tess")
    assert others == []
    page.keyboard.press("Tab")
    page.keyboard.type("s")
    page.click("[name=password]")
    assert {"key Tab", "key s", "pointerdown mouse", "click mouse"} <= set(others)


def test_control_what_shows_only_under_a_pointer_is_noticed(windows: Callable[..., Screen]) -> None:
    screen = windows()
    page = screen.page
    page.goto(f"{screen.console.address}/sign-in")
    assert page.evaluate(HOVERS) == []
    page.evaluate("document.styleSheets[0].insertRule('a:hover .secret{display:block}')")
    page.evaluate("document.querySelector('h2').title = 'nothing else says this elsewhere'")
    assert len(page.evaluate(HOVERS)) == 2
