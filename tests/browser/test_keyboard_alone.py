"""The whole story of a visit by the keyboard alone: no mouse, no finger, and at every stop one sees where one is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from myoplan.assessment.v1 import assessment_pb2 as a
from myoplan.planner.v1.plan_pb2 import Plan, Step
from myoplan.planner.v1.session_pb2 import Session, SessionStep
from tests.support.browser import PASSWORD, Screen, findings, new_client
from tests.support.visits import stored_plan, stored_session

MOST_TABS = 25
"""Presses of Tab to the next thing to do; more would be absurd."""
GUARD_MILLISECONDS = 700
"""After which a second press of Next counts; the page ignores one within 600."""
SLOW_MILLISECONDS = 30_000  # a plan that is made for the first time

# What only a pointer does. A click that a key made has no number of presses in it.
POINTERS = """for (const kind of ['pointerdown', 'mousedown', 'touchstart', 'click']) {
  addEventListener(kind, event => {
    if (kind !== 'click' || event.detail > 0) tellPointer(`${kind} ${event.pointerType || ''}`);
  }, true);
}"""

# Where the focus is, whether it is what was looked for, whether one sees it, and whether it is marked. A choice is
# drawn by its label, a region of the chart has a thick border instead of an outline, and the parts of a date are marked
# by the browser inside the field.
STOP = """wanted => {
  const at = document.activeElement;
  if (!at || at === document.body) return {what: 'nothing', here: false, seen: false, ring: false};
  const drawn = at.closest('.choice')?.querySelector('span') || at;
  const box = drawn.getBoundingClientRect(), look = getComputedStyle(drawn);
  const seen = at.checkVisibility() && box.width > 1 && box.height > 1
    && box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth;
  const ring = look.outlineStyle !== 'none' && parseFloat(look.outlineWidth) >= 2;
  const thick = at instanceof SVGElement && parseFloat(look.strokeWidth) >= 4;
  const marked = ring || thick || at.type === 'datetime-local';
  return {what: at.outerHTML.slice(0, 120), here: Boolean(wanted) && at.matches(wanted), seen, ring: marked};
}"""


def pointers_of(screen: Screen) -> list[str]:
    """Writes down, from now on, everything that a pointer does in a window."""
    told: list[str] = []
    screen.context.expose_function("tellPointer", lambda text: told.append(text))  # noqa: PLW0108 - a builtin cannot be exposed
    screen.context.add_init_script(POINTERS)
    return told


@dataclass(slots=True)
class Keyboard:
    """Somebody who has a keyboard and nothing else. `legs`: how many Tabs each thing took."""

    screen: Screen
    legs: dict[str, int] = field(default_factory=dict)

    def tab_to(self, target: str) -> None:
        """Goes on by Tab until a thing has the focus; every stop on the way is seen and marked."""
        for presses in range(1, MOST_TABS + 1):
            self.screen.press("Tab")
            stop = self.screen.page.evaluate(STOP, target)
            assert stop["seen"], stop
            assert stop["ring"], stop
            if stop["here"]:
                self.legs[target] = max(presses, self.legs.get(target, 0))
                return
        raise AssertionError(f"{target} is more than {MOST_TABS} Tabs away; legs so far: {self.legs}")

    def at(self, target: str) -> None:
        """Waits until a thing has the focus, and one sees it."""
        self.screen.page.wait_for_function("wanted => document.activeElement?.matches(wanted)", arg=target)
        stop = self.screen.page.evaluate(STOP, target)
        assert stop["seen"], stop
        assert stop["ring"], stop

    def write(self, text: str, *then: str) -> None:
        """Types into the field that has the focus, and presses keys."""
        self.screen.page.keyboard.type(text)
        self.screen.press(*then)

    def press(self, *keys: str) -> None:
        self.screen.press(*keys)

    def sign_in(self) -> None:
        self.screen.page.goto(f"{self.screen.console.address}/today")
        self.tab_to("[name=person]")
        self.write("tess")
        self.tab_to("[name=password]")
        self.write(PASSWORD, "Enter")
        self.screen.page.wait_for_selector("#visits")


def revised(keyboard: Keyboard, *keys: str) -> None:
    """Presses keys and waits until the plan on the page is another revision; the focus is not lost."""
    page = keyboard.screen.page
    before = page.locator("#plan").get_attribute("data-etag")
    keyboard.press(*keys)
    page.wait_for_function(
        "before => document.getElementById('plan').dataset.etag !== before", arg=before, timeout=SLOW_MILLISECONDS
    )
    page.wait_for_function("() => document.activeElement !== document.body")
    assert page.locator("#told").count() == 0


def begin(keyboard: Keyboard) -> str:
    """Opens the assessment of a new client from Today; returns its name."""
    screen, page = keyboard.screen, keyboard.screen.page
    keyboard.tab_to("a[href='/new-client']")
    keyboard.press("Enter")
    keyboard.at("[name=client]")
    keyboard.write(new_client())
    keyboard.tab_to("[name=age]")
    keyboard.write("41")
    keyboard.tab_to("[name=sex]")
    keyboard.press("f")
    keyboard.tab_to("main button.main")
    keyboard.press("Enter")
    page.wait_for_url("**/assessments/*")
    screen.settle()
    name: str = page.evaluate("location.pathname").strip("/")
    return name


def ask(keyboard: Keyboard) -> None:
    """Answers the health questions: one with yes, all others with no."""
    screen, page = keyboard.screen, keyboard.screen.page
    while page.evaluate("document.activeElement.id") != "a-anticoagulant-present":
        assert screen.keys < 200, "j does not come to the question"
        keyboard.press("j")
        keyboard.at(".flag-answers button")
    keyboard.press("Enter")
    screen.settle()
    keyboard.at("#a-anticoagulant-present[aria-pressed=true]")
    keyboard.press("1")
    keyboard.at("section[data-section=flags]")
    keyboard.tab_to("#flags button.main")
    keyboard.press("Enter")
    screen.settle()


def shade(keyboard: Keyboard, name: str) -> None:
    """Enters two places, by the list and on the chart."""
    screen = keyboard.screen
    keyboard.press("2")
    keyboard.at("section[data-section=pain]")
    keyboard.press("/")
    keyboard.write("back neck r 6", "Enter")
    screen.settle()
    keyboard.at("#find-zone")
    keyboard.press("Escape")
    keyboard.tab_to("#pain-chart [data-part]")
    keyboard.press("ArrowDown")
    keyboard.at("#pain-chart [data-part]:not([data-part=back_of_neck])")
    keyboard.press("4", "Escape")
    screen.settle()
    assert sorted(each.intensity for each in screen.console.stored(name).pain_areas) == [4, 6]


def palpate(keyboard: Keyboard, name: str) -> None:
    """Enters findings by the list and on the chart, takes two steps back, and turns the chart."""
    screen, page = keyboard.screen, keyboard.screen.page
    keyboard.press("3")
    keyboard.at("section[data-section=palpate]")
    page.wait_for_selector("#palpate-chart [data-part]")
    keyboard.press("/")
    keyboard.write("lev r 3", "Enter")
    screen.settle()
    keyboard.at("#find-muscle")
    keyboard.write("infraspin", "Enter")
    keyboard.at("#muscle-picks .side-pick-left")
    keyboard.tab_to("#muscle-picks .side-pick-right")
    keyboard.press("Enter")
    keyboard.at("[data-part=infraspinatus][data-side=right]")
    keyboard.press("4", "x")
    keyboard.at("[data-part=infraspinatus][data-side=left]")
    keyboard.press("1", "ArrowUp")
    keyboard.at("#palpate-chart [data-part]:not([data-part=infraspinatus])")
    up = (
        page.evaluate("document.activeElement.dataset.part"),
        page.evaluate("document.activeElement.dataset.side").upper(),
    )
    keyboard.press("2")
    screen.settle()
    assert findings(screen.console.stored(name)) == sorted(
        [
            ("infraspinatus", "RIGHT", "ACTIVE_TRIGGER_POINT"),
            ("infraspinatus", "LEFT", "TAUT"),
            ("levator_scapulae", "RIGHT", "LATENT_TRIGGER_POINT"),
            (*up, "TENDER"),
        ]
    )
    keyboard.press("1", "0", "Escape", "u", "u")
    screen.settle()
    assert (*up, "TENDER") in findings(screen.console.stored(name))
    for key, word in (("b", "Front"), ("b", "Back"), ("d", "deep"), ("d", "surface")):
        keyboard.press(key)
        page.wait_for_function(
            "word => document.querySelector('#palpate-chart svg.body').getAttribute('aria-label').toLowerCase()"
            ".includes(word)",
            arg=word.lower(),
        )


def measure(keyboard: Keyboard, name: str) -> None:
    """Measures one motion on both sides."""
    screen = keyboard.screen
    keyboard.press("4", "j")
    keyboard.at(".rom-value[id$=-right]")
    keyboard.write("45", "Enter")
    keyboard.at(".rom-value[id$=-left]")
    keyboard.write("70", "Enter", "Escape")
    screen.settle()
    assert [each.measured.value for each in screen.console.stored(name).rom_tests] == [45, 70]


def fit(keyboard: Keyboard) -> str:
    """Fits a plan of 50 minutes; returns its name."""
    page = keyboard.screen.page
    keyboard.press("f")
    keyboard.at("section[data-section=fit]")
    keyboard.tab_to("[name=minutes]")
    keyboard.press("ArrowRight", "ArrowRight")
    assert page.locator("[name=minutes][value='50']").is_checked()
    keyboard.press("f")
    page.wait_for_url("**/plans/*", timeout=SLOW_MILLISECONDS)
    name: str = page.evaluate("location.pathname").strip("/")
    return name


def change(keyboard: Keyboard, name: str) -> None:
    """Walks through the plan, and changes it."""
    screen, page = keyboard.screen, keyboard.screen.page
    plan = stored_plan(screen.console, name)
    work = [step for step in plan.steps if step.phase == Step.RELEASE]
    assert len(work) >= 2
    while not page.locator(f"[id='step-{work[0].id}'].here").count():
        here = page.locator(".step.here").get_attribute("id")
        keyboard.press("j")
        page.wait_for_function("here => document.querySelector('.step.here')?.id !== here", arg=here)
        keyboard.at(".step-link[aria-current]")
    keyboard.press("w")
    keyboard.at("#why h2")
    revised(keyboard, "p")
    assert page.locator("#edit-pin").get_attribute("aria-pressed") == "true"
    revised(keyboard, "[")
    assert stored_plan(screen.console, name).constraints.durations
    revised(keyboard, "]")
    revised(keyboard, "u")
    keyboard.press("j")
    page.wait_for_selector(f"[id='step-{work[0].id}']:not(.here)")
    keyboard.at(".step-link[aria-current]")
    keyboard.press("k")
    page.wait_for_selector(f"[id='step-{work[0].id}'].here")
    keyboard.press("j")
    page.wait_for_selector(f"[id='step-{work[0].id}']:not(.here)")
    left_out = page.evaluate("document.querySelector('.step.here').id.slice(5)")
    gone = next(step for step in stored_plan(screen.console, name).steps if step.id == left_out)
    revised(keyboard, "o")
    revised(keyboard, "f")
    after = stored_plan(screen.console, name)
    assert (gone.muscle, gone.side) not in {(step.muscle, step.side) for step in after.steps if step.muscle}
    assert (work[0].muscle, work[0].side) in {(step.muscle, step.side) for step in after.steps if step.pinned}


def approve(keyboard: Keyboard, name: str) -> None:
    """Ticks what has to be read, and approves the plan."""
    screen, page = keyboard.screen, keyboard.screen.page
    keyboard.press("a")
    keyboard.at("#read-flags")
    keyboard.press("Space", "a")
    keyboard.at("[name=password]")
    assert stored_plan(screen.console, name).state == Plan.DRAFT
    keyboard.write(PASSWORD, "Enter")
    page.wait_for_selector("header a[href$='/room']")
    assert stored_plan(screen.console, name).state == Plan.APPROVED


def treat(keyboard: Keyboard, name: str) -> None:
    """Works every step, and takes one back."""
    screen, page = keyboard.screen, keyboard.screen.page
    page.clock.install()
    keyboard.tab_to("header a[href$='/room']")
    keyboard.press("Enter")
    page.wait_for_url("**/room")
    keyboard.tab_to("#room-start button")
    keyboard.press("Enter")
    page.wait_for_selector("#room-next:visible")
    keyboard.tab_to("#room-next")
    steps = [step for step in stored_plan(screen.console, name).steps if step.phase != Step.TURN]
    page.clock.fast_forward(GUARD_MILLISECONDS)
    keyboard.press("Enter")
    assert page.locator("#room-count").inner_text().startswith("Step 2 ")
    keyboard.press("u")
    assert page.locator("#room-count").inner_text().startswith("Step 1 ")
    for _ in steps:
        keyboard.at("#room-next")
        page.clock.fast_forward(GUARD_MILLISECONDS)
        keyboard.press("Enter")
    keyboard.at("#room-end-title")
    page.wait_for_function("() => !document.getElementById('room-network').textContent")
    assert {each.status for each in stored_session(screen.console, name).steps} == {SessionStep.DONE}


def close(keyboard: Keyboard, name: str) -> None:
    """Measures again, asks, and closes the visit; then looks at the progress."""
    screen, page = keyboard.screen, keyboard.screen.page
    keyboard.tab_to("#room-finish[href]")
    keyboard.press("Enter")
    page.wait_for_url("**/finish")
    fields = page.locator("input.short").evaluate_all("all => all.map(each => each.id)")
    for each in fields:
        keyboard.tab_to(f"[id='{each}']")
        keyboard.write("55")
    keyboard.tab_to("[name=pain]")
    keyboard.press("Space", "ArrowRight", "ArrowRight", "ArrowRight")
    keyboard.tab_to("[name=reaction]")
    keyboard.press("Space")
    keyboard.tab_to("#finish-go")
    keyboard.press("Enter")
    page.wait_for_selector("text=Planned against done")
    session = stored_session(screen.console, name)
    assert session.state == Session.FINISHED
    assert session.pain == 3
    assert session.reaction == "As expected"
    assert [each.value for each in session.retests] == [55.0] * len(fields)
    keyboard.tab_to("header a[href$='/progress']")
    keyboard.press("Enter")
    page.wait_for_url("**/progress")


def test_a_whole_visit_by_the_keyboard_alone(windows: Callable[..., Screen]) -> None:
    screen = windows(finger=False)
    pointers = pointers_of(screen)
    keyboard = Keyboard(screen)
    keyboard.sign_in()
    assessment = begin(keyboard)
    ask(keyboard)
    shade(keyboard, assessment)
    palpate(keyboard, assessment)
    measure(keyboard, assessment)
    plan = fit(keyboard)
    change(keyboard, plan)
    approve(keyboard, plan)
    treat(keyboard, plan)
    close(keyboard, plan)
    page = screen.page
    keyboard.press("?")
    page.wait_for_selector("#help[open]")
    keyboard.press("Escape")
    page.wait_for_selector("#help:not([open])", state="attached")
    keyboard.press("g", "r")
    page.wait_for_url("**/review")
    keyboard.press("g", "t")
    page.wait_for_url("**/today")
    keyboard.press("j")
    keyboard.at(".visit-go")
    assert screen.console.stored(assessment).state == a.Assessment.COMPLETED
    assert pointers == []
    print("Tabs:", keyboard.legs)


def test_last_visit_is_confirmed_row_by_row_without_losing_the_focus(windows: Callable[..., Screen]) -> None:
    screen = windows(finger=False)
    keyboard = Keyboard(screen)
    keyboard.sign_in()
    client = new_client()
    muscles = ("infraspinatus", "levator_scapulae", "upper_trapezius")
    before = [a.PalpationFinding(muscle=each, side=a.RIGHT, taut_band=True) for each in muscles]
    screen.console.seal(screen.console.open_assessment(client, palpation_findings=before))
    name = screen.console.open_assessment(client)
    screen.open(f"/{name}/palpate")
    page, keys = screen.page, screen.page.keyboard
    keyboard.press("j", "j")
    keyboard.at("#unconfirmed li:nth-child(2) [data-row]")
    keys.down("Enter")
    page.wait_for_function("() => document.querySelectorAll('#unconfirmed li').length === 2")
    keyboard.at("#unconfirmed li:nth-child(2) [data-row]")
    keys.down("Enter")  # a finger that stays on the key confirms nothing more
    keys.up("Enter")
    screen.settle()
    assert len(findings(screen.console.stored(name))) == 1
    keyboard.tab_to("#unconfirmed li:nth-child(2) [value=active]")
    keyboard.press("Enter")
    screen.settle()
    keyboard.at("#unconfirmed li:nth-child(1) [data-row]")
    keyboard.press("Enter")
    screen.settle()
    keyboard.at("section[data-section=palpate]")
    levels = [level for _, _, level in findings(screen.console.stored(name))]
    assert sorted(levels) == ["ACTIVE_TRIGGER_POINT", "TAUT", "TAUT"]


def test_single_keys_are_off_in_fields_and_can_be_turned_off(windows: Callable[..., Screen]) -> None:
    """WCAG 2.1.4."""
    screen = windows(finger=False)
    keyboard = Keyboard(screen)
    keyboard.sign_in()
    name = screen.console.open_assessment()
    screen.open(f"/{name}/palpate")
    page, here = screen.page, "section[data-section={}]:not([hidden])"
    keyboard.press("/")
    keyboard.at("#find-muscle")
    keyboard.write("2 g t b d x u f ? 4")
    assert page.locator("#find-muscle").input_value() == "2 g t b d x u f ? 4"
    assert page.locator(here.format("palpate")).count() == 1
    keyboard.press("Escape", "2")
    page.wait_for_selector(here.format("pain"))
    keyboard.press("5")
    page.wait_for_selector(here.format("fit"))

    screen.open(f"/{name}/flags")
    keyboard.tab_to(".menu summary")
    keyboard.press("Enter")
    keyboard.tab_to("#shortcuts-on")
    keyboard.press("Space", "Escape")
    keyboard.at(".menu summary")
    keyboard.press("2", "f", "/", "?", "j", "g", "t")
    assert page.locator(here.format("flags")).count() == 1
    assert page.locator("#help[open]").count() == 0
    keyboard.at(".menu summary")
    screen.open(f"/{name}/flags")
    keyboard.press("2")
    assert page.locator(here.format("flags")).count() == 1
    keyboard.tab_to(".menu summary")
    keyboard.press("Enter")
    keyboard.tab_to("#shortcuts-on")
    keyboard.press("Space", "Escape", "2")
    page.wait_for_selector(here.format("pain"))


def test_control_a_finger_and_a_mouse_are_noticed(windows: Callable[..., Screen]) -> None:
    screen = windows()
    pointers = pointers_of(screen)
    screen.page.goto(f"{screen.console.address}/sign-in")
    screen.page.tap("[name=person]")
    assert {"pointerdown touch", "touchstart "} <= set(pointers)
    pointers.clear()
    screen.page.click("[name=password]")
    assert "pointerdown mouse" in pointers


def test_control_a_focus_that_is_not_marked_is_noticed(windows: Callable[..., Screen]) -> None:
    screen = windows(finger=False)
    screen.page.goto(f"{screen.console.address}/sign-in")
    screen.press("Tab")
    assert screen.page.evaluate(STOP, "a.skip") | {"what": ""} == {"what": "", "here": True, "seen": True, "ring": True}
    screen.page.evaluate("document.styleSheets[0].insertRule('*:focus-visible{outline:none!important}')")
    assert screen.page.evaluate(STOP, "a.skip")["ring"] is False
