"""What holds for the largest pages and the plan: small enough, a side with every muscle, one selection everywhere."""

from __future__ import annotations

import gzip

import pytest

from tests.support.browser import RunningConsole, Screen, new_client

MOST_PAGE_BYTES = 200 * 1024
MOST_SCRIPT_BYTES = 60 * 1024


@pytest.fixture(scope="module")
def visited(console: RunningConsole) -> dict[str, str]:
    """The addresses of the largest pages."""
    client = new_client()
    plan = console.plan(console.open_example(client))
    return {"palpate": f"/{console.open_assessment(client)}/palpate", "plan": f"/{plan}"}


def test_pages_are_small(screen: Screen, visited: dict[str, str]) -> None:
    sizes: dict[str, int] = {}
    screen.page.on("response", lambda answer: sizes.update({answer.url: len(gzip.compress(answer.body()))}))
    for name, path in visited.items():
        sizes.clear()
        screen.open(path)
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
