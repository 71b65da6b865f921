"""The knowledge browser: lists with search and facets, one thing in full, its neighbours as a table and a picture."""

from __future__ import annotations

import shutil
from collections.abc import Callable

from playwright.sync_api import expect

from tests.support.browser import Screen


def test_lists_are_searched_and_narrowed(screen: Screen) -> None:
    page = screen.page
    screen.open("/knowledge")
    assert "0 of" in page.locator("#things").inner_text()
    everything = page.locator(".things tbody tr").count()
    assert everything > 150
    page.fill("#find", "levator")
    expect(page.locator(".things tbody tr")).not_to_have_count(everything)
    assert "levator scapulae" in page.locator(".things").inner_text()
    assert all("not clinically reviewed" in row.inner_text() for row in page.locator(".things tbody tr").all())
    screen.open("/knowledge/zone?facet=head_and_neck")
    rows = page.locator(".things tbody tr").all_inner_texts()
    assert rows
    assert all("head and neck" in row for row in rows)
    screen.open("/knowledge/zone?facet=head_and_neck&reviewed=yes")
    assert page.locator(".things").count() == 0
    for kind in ("muscle", "zone", "motion", "technique", "condition", "source"):
        told = page.request.get(f"{screen.console.address}/knowledge/{kind}.json").json()
        count = next(row["count"] for row in told["kinds"] if row["here"])
        assert len(told["things"]) == count


def test_a_thing_shows_its_fields_sources_and_review(screen: Screen) -> None:
    page = screen.page
    screen.open("/knowledge/muscle/levator_scapulae")
    text = page.locator("main").inner_text()
    assert "shoulder blade lifter" in text
    assert "not clinically reviewed" in page.locator("header").inner_text()
    row = page.locator(".edges:has-text('refers pain to') tbody tr").first
    assert "simons_travell_simons_1999" in row.inner_text()
    assert "not clinically reviewed" in row.inner_text()
    row.locator("a[href^='/knowledge/zone/']").click()
    page.wait_for_url("**/knowledge/zone/**")
    assert "levator scapulae" in page.locator(".edges").all_inner_texts().__str__()
    page.locator("a[href^='/knowledge/source/']").first.click()
    page.wait_for_url("**/knowledge/source/**")
    assert "What may be taken from it" in page.locator("main").inner_text()


def test_the_picture_has_links_where_graphviz_is_installed(screen: Screen) -> None:
    page = screen.page
    screen.open("/knowledge/muscle/levator_scapulae")
    told = page.request.get(f"{screen.console.address}/knowledge/muscle/levator_scapulae.json").json()
    assert told["edges"] == sum(len(group["edges"]) for group in told["groups"])
    if shutil.which("dot") is None:
        assert "Graphviz is not installed" in page.locator(".neighbours").inner_text()
        assert page.locator(".picture").count() == 0
        return
    assert 10 < page.locator(".picture svg g.node").count() <= 23
    page.locator(".picture svg a").filter(has_text="back of the neck").first.click()
    page.wait_for_url("**/knowledge/zone/back_of_neck")


def test_things_without_a_list_have_a_page_and_unknown_ones_none(screen: Screen) -> None:
    screen.open("/knowledge/safety_rule/blood_thinner")
    assert "anticoagulant" in screen.page.locator(".edges").first.inner_text()
    for path in ("/knowledge/muscle/no_such", "/knowledge/nonsense", "/knowledge/nonsense/x", "/knowledge/zone/a%22b"):
        answer = screen.page.goto(screen.console.address + path)
        assert answer is not None
        assert answer.status in {404, 422}, path


def test_without_scripts(windows: Callable[..., Screen]) -> None:
    screen = windows(java_script_enabled=False)
    screen.sign_in()
    page = screen.page
    page.goto(f"{screen.console.address}/knowledge/technique")
    page.fill("#find", "effleurage")
    page.locator("#find").press("Enter")
    page.wait_for_url("**find=effleurage**")
    page.locator(".thing").first.click()
    page.wait_for_url("**/knowledge/technique/**")
    assert "What to do" in page.locator("main").inner_text()
