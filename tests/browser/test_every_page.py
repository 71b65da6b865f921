"""What holds for every page: for other eyes, for fingers, on paper, with the review notice, and as data.

Every page is opened once, in the dark theme, and looked at in all these ways; the tests below tell what was seen.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from pypdf import PdfReader

from myoplan.assessment.v1 import assessment_pb2 as a
from myoplan.planner.v1.review_pb2 import Comment
from services.console.bodychart_files import REGIONS
from tests.support.browser import PHONE, TABLET, RunningConsole, Screen, new_client, open_screen
from tests.support.review_story import draft, releases, review_pages, said, signed
from tests.support.visits import working_pages

EYES = Path(__file__).with_name("every_page.js").read_text(encoding="utf-8")
NARROW = (320, 640)
ZOOMED = (TABLET[0] // 2, TABLET[1] // 2)
"""What is left of a tablet at 200 % zoom."""
NOTICE = "Not clinically reviewed"
STANDARD = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
COLOURS = {"type": "rule", "values": ["color-contrast"]}
PLACES = {"type": "rule", "values": ["target-size", "scrollable-region-focusable"]}
"""What of the standard depends on the theme, and what on the size of the window: only that is asked for again."""
STILL = 4
"""Pixels: where a part of a page is replaced, the page may move by no more."""
MANY_FINDINGS = 60
MANY_MOTIONS = (
    "temporomandibular_lateral_excursion",
    "cervical_rotation",
    "cervical_side_bend",
    "shoulder_horizontal_adduction",
    "scapular_upward_rotation",
    "thoracolumbar_rotation",
    "hip_straight_leg_raise",
    "ankle_dorsiflexion_knee_straight",
    "knee_flexion",
    "wrist_ulnar_deviation",
)
LONG_COMMENT = "Please look at the referral once more, it may explain the pain behind the ear. " * 20 + "W" * 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was seen on one page; every list is of faults, `sizes` by what the window was like."""

    title: str
    rules: list[str]
    small: list[str]
    notice: list[str]
    order: list[str]
    grey: list[str]
    forced: list[str]
    moving: list[str]
    printed: list[str]
    sizes: Mapping[str, list[str]]


def see(page: Page, function: str, *given: object) -> Any:
    """Calls a function of every_page.js on a page."""
    return page.evaluate(f"(given) => ({EYES}).{function}(...given)", list(given))


def crowded(console: RunningConsole) -> dict[str, tuple[str, str]]:
    """Returns pages with more on them than anybody has: 60 findings, 20 tests, the longest names, long comments."""
    regions = json.loads(REGIONS.read_text(encoding="utf-8"))["regions"]
    muscles = {each["part"] for each in regions if each["kind"] == "muscle" and each["side"] == "left"}
    longest = sorted(muscles, key=lambda name: (-len(name), name))[: MANY_FINDINGS // 2]
    sides = (a.LEFT, a.RIGHT)
    content: dict[str, Any] = {
        "client_label": "A label as long as labels can be",
        "complaint": "Pain after a long drive. " * 40,
        "palpation_findings": [
            a.PalpationFinding(muscle=muscle, side=side, taut_band=True, spot_tenderness=True, referred_pain=True)
            for muscle in longest
            for side in sides
        ],
        "rom_tests": [
            a.RomTest(motion=motion, side=side, mode=a.RomTest.ACTIVE, measured=a.RomTest.Measurement(value=20))
            for motion in MANY_MOTIONS
            for side in sides
        ],
    }
    opened, sealed = console.open_assessment(**content), console.open_assessment(**content)
    console.seal(sealed)
    plan = signed(console, draft(console, sealed, minutes=90))
    said(
        console,
        plan,
        Comment(kind=Comment.MUST_FIX, text=LONG_COMMENT),
        Comment(step=releases(plan)[0].id, kind=Comment.QUESTION, text=LONG_COMMENT),
    )
    return {
        "many findings": ("tess", f"/{opened}/palpate"),
        "many tests": ("tess", f"/{opened}/rom"),
        "long plan": ("tess", f"/{plan.name}"),
        "long comments": ("sara", f"/{plan.name}/review"),
    }


@pytest.fixture(scope="module")
def pages(console: RunningConsole) -> dict[str, tuple[str, str]]:
    """Who opens which page: one of each kind, and the crowded ones."""
    client = new_client()
    sealed = console.open_example(client)
    plan = console.plan(sealed)
    opened = console.open_assessment(client)
    sections = ("flags", "pain", "palpate", "rom", "fit")
    own = {
        "today": "/today",
        "new client": "/new-client",
        "client": f"/clients/{client}",
        **{section: f"/{opened}/{section}" for section in sections},
        "sealed": f"/{sealed}",
        "plan": f"/{plan}",
        "why not": f"/{plan}/why-not/upper_trapezius/left",
        "nowhere": "/nowhere",
        **working_pages(console),
    }
    return {**{name: ("tess", path) for name, path in own.items()}, **review_pages(console), **crowded(console)}


@pytest.fixture(scope="module")
def looks(browser: Browser, console: RunningConsole, pages: dict[str, tuple[str, str]]) -> dict[str, Look]:
    """Every page, opened once and looked at in every way; and the page to sign in."""
    seen: dict[str, Look] = {}
    for person in dict.fromkeys(person for person, _ in pages.values()):
        screen = open_screen(browser, console, dark=True, reduced_motion="reduce")
        if not seen:
            screen.open("/sign-in")
            seen["sign in"] = looked_at(screen.page)
        screen.sign_in(person)
        for name, (whose, path) in pages.items():
            if whose == person:
                screen.open(path)
                if screen.page.locator(".chart-column:visible").count():
                    screen.page.wait_for_selector(".chart-column:visible svg [data-part]")
                seen[name] = looked_at(screen.page)
        if person == "tess":
            screen.give_away(pages["pain"][1].strip("/").removesuffix("/pain"))
            seen["pain map"] = looked_at(screen.page)
        assert screen.faults == []
        screen.context.close()
    return seen


def looked_at(page: Page) -> Look:
    """Looks at the page that is open."""
    order, grey, moving = see(page, "order"), see(page, "grey"), see(page, "moving")
    page.emulate_media(forced_colors="active")
    forced = see(page, "forced")
    page.emulate_media(forced_colors="none", media="print")
    printed = see(page, "printed")
    page.emulate_media(media="screen")
    sizes = {"tablet": see(page, "geometry")}
    for name, (width, height), spaced in (
        ("320 pixels wide", NARROW, False),
        ("320 pixels wide, own spacing", NARROW, True),
        ("at twice the size", ZOOMED, False),
    ):
        page.set_viewport_size({"width": width, "height": height})
        see(page, "spaced", spaced)
        sizes[name] = see(page, "geometry")
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    see(page, "spaced", False)
    page.evaluate("document.querySelectorAll('main details').forEach(each => { each.open = true; })")
    rules, small = [*broken(page, PLACES)], see(page, "small")
    sizes["a phone"] = see(page, "geometry")
    page.set_viewport_size({"width": TABLET[0], "height": TABLET[1]})
    rules += broken(page, STANDARD)
    small += see(page, "small")
    page.emulate_media(color_scheme="light")
    rules += broken(page, COLOURS)
    page.emulate_media(color_scheme="dark")
    return Look(
        title=page.title(),
        rules=rules,
        small=small,
        notice=see(page, "notice"),
        order=order,
        grey=grey,
        forced=forced,
        moving=moving,
        printed=printed,
        sizes=sizes,
    )


def broken(page: Page, asked: Mapping[str, object]) -> list[str]:
    """Returns the accessibility rules that the page breaks as it is, each with where."""
    found = Axe().run(page, options={"runOnly": asked}).response["violations"]
    return [f"{rule['id']}: {node['html'][:160]}" for rule in found for node in rule["nodes"][:3]]


def faults(looks: Mapping[str, Look], of: Callable[[Look], list[str]]) -> dict[str, list[str]]:
    """Returns the faults of the pages that have any."""
    return {name: of(look)[:6] for name, look in looks.items() if of(look)}


def test_no_page_breaks_an_accessibility_rule(looks: dict[str, Look]) -> None:
    assert faults(looks, lambda look: look.rules) == {}


def test_every_control_is_large_enough_for_a_finger(looks: dict[str, Look]) -> None:
    assert faults(looks, lambda look: look.small) == {}


def test_every_page_carries_the_review_notice_which_nobody_can_close(looks: dict[str, Look]) -> None:
    assert faults(looks, lambda look: look.notice) == {}


def test_every_page_is_there_as_data(windows: Callable[..., Screen], pages: dict[str, tuple[str, str]]) -> None:
    screens = {person: windows() for person in dict.fromkeys(person for person, _ in pages.values())}
    for person, screen in screens.items():
        screen.sign_in(person)
    for name, (person, path) in pages.items():
        address, _, query = path.partition("?")
        got = screens[person].page.request.get(f"{screens[person].console.address}{address}.json?{query}")
        assert got.ok or name == "nowhere", path
        assert got.json()["title"]


@pytest.mark.parametrize(
    "window", ["tablet", "a phone", "320 pixels wide", "320 pixels wide, own spacing", "at twice the size"]
)
def test_nothing_is_cut_off_or_covered(looks: dict[str, Look], window: str) -> None:
    assert faults(looks, lambda look: look.sizes[window]) == {}


def test_colours_of_the_device_keep_borders_choices_and_the_chart(looks: dict[str, Look]) -> None:
    assert faults(looks, lambda look: look.forced) == {}


def test_nothing_is_told_by_colour_alone(looks: dict[str, Look]) -> None:
    assert faults(looks, lambda look: look.grey) == {}


def test_pages_have_headings_in_order_landmarks_and_a_title_of_their_own(
    looks: dict[str, Look], pages: dict[str, tuple[str, str]]
) -> None:
    assert faults(looks, lambda look: look.order) == {}
    places: dict[str, set[str]] = {}
    for name, look in looks.items():
        places.setdefault(look.title, set()).add(pages[name][1].partition("?")[0] if name in pages else name)
    assert {title: paths for title, paths in places.items() if len(paths) > 1} == {}
    assert [title for title in places if not title.removesuffix(" · Myoplan").strip()] == []


def test_nothing_moves_for_whoever_wants_no_movement(looks: dict[str, Look]) -> None:
    assert faults(looks, lambda look: look.moving) == {}


def test_paper_shows_the_review_notice_and_dark_ink(looks: dict[str, Look]) -> None:
    assert faults(looks, lambda look: look.printed) == {}


def test_the_notice_is_on_every_sheet_of_a_printed_page(
    windows: Callable[..., Screen], pages: dict[str, tuple[str, str]]
) -> None:
    screen = windows(dark=True)
    screen.sign_in()
    for name, sheets in (("long plan", 2), ("report", 1), ("progress", 1)):
        screen.open(pages[name][1])
        printed = [sheet.extract_text() for sheet in PdfReader(io.BytesIO(screen.page.pdf(format="A4"))).pages]
        assert len(printed) >= sheets, name
        assert [NOTICE in " ".join(text.split()) for text in printed] == [True] * len(printed), name


def test_the_eyes_see_what_is_wrong(browser: Browser) -> None:
    """The control: a page with every fault."""
    page = browser.new_page(viewport={"width": 320, "height": 640})
    page.set_content(
        """<style>.card{width:200px}.a{position:relative;left:20px;width:90px}.b{width:90px;margin-left:-30px}
        .cut{overflow:hidden;width:40px;white-space:nowrap}.tiny{font-size:11px}.wide{width:400px}
        .plain,.chosen{border:0}.spin{animation:spin 9s infinite}@keyframes spin{to{rotate:1turn}}
        html{scroll-behavior:smooth}.small-button{width:20px;white-space:nowrap;padding:0}</style>
        <h1>One</h1><h1>Two</h1><main><h3>Three</h3><button class="a plain">one</button><button class="b">two</button>
        <p class="cut">words that do not fit</p><p class="tiny">small</p>
        <div class="card"><button class="wide">x</button></div>
        <button class="small-button">longer than it is</button>
        <button aria-pressed="true" class="chosen">chosen</button>
        <span class="side">LEFT</span><i class="spin">turning</i><p style="color:#eee">light</p></main>"""
    )
    ways = ("geometry", "order", "grey", "forced", "moving", "printed", "small", "notice")
    seen = " ".join([*(fault for way in ways for fault in see(page, way)), *broken(page, STANDARD)])
    page.close()
    for fault in (
        "scrolls sideways by",
        'button.a.plain "one" lies on button.b "two"',
        "is cut off by p.cut",
        "is 11.0 px small",
        "sticks out of its card",
        "is larger than its control",
        "2 × heading of the page",
        "0 × header",
        'h3. "Three" comes after a heading of level 1',
        "no language",
        "the skip link is not first",
        "has the border of another side",
        'button.a.plain "one" has no border',
        'button.chosen "chosen" does not look chosen',
        "CSSAnimation of i.spin",
        "html.",
        "no review notice",
        "is on the paper",
        "is too light for paper",
        "is too small for a finger",
        "the review notice is not there",
        "color-contrast:",
        "html-has-lang:",
    ):
        assert fault in seen, fault


def test_the_other_colours_are_really_forced(windows: Callable[..., Screen]) -> None:
    """The control: what is drawn without an exception does take the colours of the device."""
    screen = windows(forced_colors="active")
    screen.open("/sign-in")
    assert screen.page.evaluate("matchMedia('(forced-colors: active)').matches")
    colours = screen.page.evaluate(
        "[...document.querySelectorAll('.notice, main .main')].map(each => getComputedStyle(each).backgroundColor)"
    )
    assert "rgb(251, 240, 213)" not in colours
    assert "rgb(11, 95, 107)" not in colours


def test_a_change_is_announced_once(screen: Screen) -> None:
    name = screen.console.open_assessment()
    screen.open(f"/{name}/palpate")
    screen.page.wait_for_selector("#palpate-chart [data-part]")
    screen.page.evaluate(
        """() => {
          window.announced = [];
          for (const place of document.querySelectorAll('[aria-live=polite], [role=status], [role=alert]')) {
            new MutationObserver(() => { if (place.textContent.trim()) announced.push(place.textContent.trim()); })
              .observe(place, {childList: true, characterData: true, subtree: true});
          }
        }"""
    )
    for side, level in (("left", "active"), ("right", "latent")):
        screen.tap_region(f"back-surface-upper_trapezius--{side}")
        screen.tap(f".levels [value={level}]")
        screen.settle()
    told = [text for text in screen.page.evaluate("announced") if "trapezius" in text]
    assert told == ["upper trapezius, LEFT, Active. 1 finding.", "upper trapezius, RIGHT, Latent. 2 findings."]


# What is pressed on which page (after scrolling down by so much), and what is there when its part was replaced.
SWAPS = (
    ("plan", ".steps .step:nth-child(8) .step-link", ".steps .step:nth-child(8).here"),
    ("plan", "#edit-longer", "#edit-undo"),
    ("plan", "#edit-pin", "#edit-pin[aria-pressed=true]"),
    ("plan", ".left-out .quiet-link", ".left-out .why-not"),
    ("review", ".review-seen button[value=yes]", ".review-seen button[value=no]"),
    ("review", ".comment-question .comment-acts form button", ".comment-question.closed"),
)


def test_a_replaced_part_takes_neither_the_focus_nor_the_place(
    windows: Callable[..., Screen], pages: dict[str, tuple[str, str]]
) -> None:
    opened: dict[str, Screen] = {}
    for name, pressed, then in SWAPS:
        person, path = pages[name]
        if name not in opened:
            opened[name] = windows(size=(820, 600))
            opened[name].sign_in(person)
            opened[name].open(path)
        page = opened[name].page
        button = page.locator(pressed).first
        button.scroll_into_view_if_needed()
        button.focus()
        before = button.evaluate("each => [each.getBoundingClientRect().top, scrollY]")
        page.keyboard.press("Enter")
        page.wait_for_selector(then)
        page.wait_for_function("() => !document.querySelector('.htmx-request, .htmx-swapping, .htmx-settling')")
        focus, after = page.evaluate("() => [document.activeElement.outerHTML.slice(0, 120), scrollY]")
        assert not focus.startswith("<body"), (pressed, focus)
        assert abs(after - before[1]) <= STILL, (pressed, before, after)


def test_search_keeps_what_is_typed_and_where(windows: Callable[..., Screen]) -> None:
    screen = windows()
    screen.sign_in()
    found = {"/today": "#visits h2:has-text('zzz')", "/knowledge/technique": "#things h2:has-text('· 0')"}
    for path, part in found.items():
        screen.open(path)
        screen.page.locator("#find").press_sequentially("zzz")
        screen.page.wait_for_selector(part)
        assert screen.page.evaluate("[document.activeElement.id, document.activeElement.value]") == ["find", "zzz"]
