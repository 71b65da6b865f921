"""What holds for every page of review, learning and knowledge: accessible, for fingers, with the review notice."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.test_every_page import AXE, NOTICE
from tests.support.browser import PHONE, TABLET, RunningConsole, Screen
from tests.support.review_story import review_pages

SMALL = """() => [...document.querySelectorAll('button, a.button, select, input:not([type=hidden]), summary, textarea')]
  .filter(each => each.checkVisibility() && !each.closest('.skip, .unseen'))
  .map(each => [each.closest('label.choice, label.tick') || each, each])
  .map(([area, each]) => [each.outerHTML.slice(0, 120), area.getBoundingClientRect()])
  .filter(([, box]) => box.width && (box.width < 44 || box.height < 44) && !(box.height >= 24 && box.width > 200))
  .map(([text]) => text)"""


@pytest.fixture(scope="package")
def pages(console: RunningConsole) -> dict[str, tuple[str, str]]:
    """The address of one page of each kind, with who opens it."""
    return review_pages(console)


@pytest.mark.parametrize("size", [TABLET, PHONE], ids=["tablet", "phone"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_pages_of_review_and_learning_break_no_rule(
    windows: Callable[..., Screen], pages: dict[str, tuple[str, str]], dark: bool, size: tuple[int, int]
) -> None:
    axe, found = Axe(), {}
    screens = {person: windows(dark=dark, size=size) for person in ("sara", "theo")}
    for person, screen in screens.items():
        screen.sign_in(person)
    for name, (person, path) in pages.items():
        screen = screens[person]
        screen.open(path)
        screen.page.evaluate("document.querySelectorAll('main details').forEach(each => { each.open = true; })")
        rules = axe.run(screen.page, options=AXE).response["violations"]
        told: list[object] = [(rule["id"], [node["html"][:160] for node in rule["nodes"][:3]]) for rule in rules]
        if screen.page.evaluate("document.documentElement.scrollWidth - innerWidth") > 0:
            told.append("scrolls sideways")
        told += screen.page.evaluate(SMALL)
        if NOTICE not in screen.page.locator(".notice").inner_text():
            told.append("no review notice")
        if told:
            found[name] = told
    assert found == {}


def test_every_one_of_them_is_there_as_data(windows: Callable[..., Screen], pages: dict[str, tuple[str, str]]) -> None:
    screens = {person: windows() for person in ("sara", "theo")}
    for person, screen in screens.items():
        screen.sign_in(person)
    for person, path in pages.values():
        address, _, query = path.partition("?")
        got = screens[person].page.request.get(f"{screens[person].console.address}{address}.json?{query}")
        assert got.ok, path
        assert got.json()["title"]
