"""What holds for every page: accessible in both themes, the review notice, no fault, small enough, and its JSON."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.support.browser import PHONE, TABLET, RunningConsole, Screen, new_client
from tests.support.visits import working_pages

AXE = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
MOST_PAGE_BYTES = 200 * 1024
MOST_SCRIPT_BYTES = 60 * 1024
NOTICE = "Not clinically reviewed"


@pytest.fixture(scope="package")
def visited(console: RunningConsole) -> dict[str, str]:
    """The address of one page of each kind, with something on it."""
    client = new_client()
    first = console.open_example(client)
    plan = console.plan(first)
    second = console.open_assessment(client)
    return {
        "today": "/today",
        "new client": "/new-client",
        "client": f"/clients/{client}",
        "new visit": f"/clients/{client}/new-visit",
        "flags": f"/{second}/flags",
        "pain": f"/{second}/pain",
        "palpate": f"/{second}/palpate",
        "rom": f"/{second}/rom",
        "fit": f"/{second}/fit",
        "sealed": f"/{first}",
        "plan": f"/{plan}",
        "why not": f"/{plan}/why-not/upper_trapezius/left",
        **working_pages(console),
    }


@pytest.mark.parametrize(
    ("dark", "size"), [(False, TABLET), (True, TABLET), (False, PHONE)], ids=["light", "dark", "phone"]
)
def test_no_page_breaks_an_accessibility_rule(
    windows: Callable[..., Screen], visited: dict[str, str], dark: bool, size: tuple[int, int]
) -> None:
    screen = windows(dark=dark, size=size)
    axe = Axe()
    found = {}
    screen.page.goto(f"{screen.console.address}/sign-in")
    found["sign-in"] = axe.run(screen.page, options=AXE).response["violations"]
    screen.sign_in()
    for name, path in visited.items():
        screen.open(path)
        if screen.page.locator(".chart-column:visible").count():
            screen.page.wait_for_selector(".chart-column:visible svg [data-part]")
        found[name] = axe.run(screen.page, options=AXE).response["violations"]
        wide = screen.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{name} scrolls sideways"
    screen.give_away(visited["pain"].strip("/").removesuffix("/pain"))
    found["pain map"] = axe.run(screen.page, options=AXE).response["violations"]
    told = {
        name: [(rule["id"], [node["html"][:160] for node in rule["nodes"][:3]]) for rule in rules]
        for name, rules in found.items()
        if rules
    }
    assert told == {}


def test_every_page_carries_the_review_notice_which_nobody_can_close(screen: Screen, visited: dict[str, str]) -> None:
    for path in ("/sign-in", *visited.values(), "/nowhere"):
        screen.open(path)
        notice = screen.page.locator(".notice")
        assert NOTICE in notice.inner_text(), path
        assert notice.locator("button, a, input").count() == 0


def test_every_control_is_large_enough_for_a_finger(screen: Screen, visited: dict[str, str]) -> None:
    small = """() => [...document.querySelectorAll('button, a.button, select, input:not([type=hidden]), summary')]
      .filter(each => each.checkVisibility() && !each.closest('.skip, .unseen'))
      .map(each => [each.closest('label.choice, label.tick') || each, each])
      .map(([area, each]) => [each.outerHTML.slice(0, 120), area.getBoundingClientRect()])
      .filter(([, box]) => box.width && (box.width < 44 || box.height < 44) && !(box.height >= 24 && box.width > 200))
      .map(([text]) => text)"""
    for name, path in visited.items():
        screen.open(path)
        assert screen.page.evaluate(small) == [], name


def test_pages_are_small(screen: Screen, visited: dict[str, str]) -> None:
    sizes: dict[str, int] = {}
    screen.page.on("response", lambda answer: sizes.update({answer.url: len(gzip.compress(answer.body()))}))
    for name in ("palpate", "plan"):
        sizes.clear()
        screen.open(visited[name])
        screen.page.wait_for_selector("svg [data-part]")
        fonts = sum(size for url, size in sizes.items() if url.endswith(".woff2"))
        scripts = sum(size for url, size in sizes.items() if url.endswith(".js"))
        assert sum(sizes.values()) - fonts <= MOST_PAGE_BYTES, (name, sizes)
        assert 0 < scripts <= MOST_SCRIPT_BYTES, (name, scripts)


def test_a_muscle_is_never_named_without_its_side_on_the_plan(screen: Screen, visited: dict[str, str]) -> None:
    screen.open(visited["plan"])
    for row in screen.page.locator(".steps .step").all():
        text = row.inner_text()
        if "—" in text and "effleurage" not in text:
            assert any(side in text for side in ("LEFT", "RIGHT", "MIDLINE")), text
    for text in screen.page.locator(".left-out").all_text_contents():
        assert any(side in text for side in ("LEFT", "RIGHT", "MIDLINE")), text


def test_steps_are_chosen_in_the_list_and_on_the_timeline(screen: Screen, visited: dict[str, str]) -> None:
    screen.open(visited["plan"])
    page = screen.page
    page.locator(".steps .step").nth(1).locator("a").click()
    page.wait_for_selector(".steps .step:nth-child(2).here")
    assert page.locator("#why h2").inner_text().startswith("Why step 2")
    assert "step=" in page.url
    page.locator(".timeline .block[hx-get]").first.click()
    page.wait_for_selector(".steps .step:nth-child(1).here")
    page.go_back()
    page.wait_for_selector(".steps .step:nth-child(2).here")


def test_what_was_left_out_says_what_it_would_take(screen: Screen, visited: dict[str, str]) -> None:
    screen.open(visited["plan"])
    screen.page.locator(".left-out a.button").first.click()
    screen.page.wait_for_selector(".left-out .why-not")
    assert screen.page.locator(".left-out .why-not").inner_text().strip()


def test_reflow_at_320_pixels_and_at_twice_the_size(windows: Callable[..., Screen], visited: dict[str, str]) -> None:
    screen = windows(size=(320, 640))
    screen.sign_in()
    for name, path in visited.items():
        screen.open(path)
        assert screen.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name
