"""Closing a visit, the report of it, and the progress over several visits."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from myoplan.planner.v1.plan_pb2 import Plan
from myoplan.planner.v1.session_pb2 import Session
from tests.support.browser import RunningConsole, Screen
from tests.support.visits import approved, assessed, begun, client_with_visits, planned, stored_session, worked


def running(screen: Screen) -> Plan:
    """Opens the page that closes the visit of a running session."""
    plan = approved(screen.console, planned(screen.console))
    begun(screen.console, plan)
    screen.open(f"/{plan.name}/finish")
    screen.taps = screen.keys = 0
    return plan


def test_a_visit_is_closed_with_at_most_eight_taps(screen: Screen) -> None:
    """B9: every re-test on its bar, pain, reaction, done."""
    plan = running(screen)
    for bar in screen.page.locator("svg.bar").all():
        screen.tap_bar(bar, 0.6)
    screen.tap("label:has([name=pain][value='3'])")
    screen.tap("label:has([name=reaction][value=sore])")
    screen.tap("#finish-go")
    screen.page.wait_for_selector("text=Planned against done")
    assert screen.taps + screen.keys <= 8
    session = stored_session(screen.console, plan.name)
    assert session.state == Session.FINISHED
    assert session.pain == 3
    assert session.reaction == "Sore"
    assert [each.value % 5 for each in session.retests] == [0.0] * len(session.retests)
    assert session.retests[0].before == 45


def test_the_report_says_what_was_planned_and_what_was_done(screen: Screen) -> None:
    plan = approved(screen.console, planned(screen.console))
    worked(screen.console, plan, pain=2)
    screen.open(f"/{plan.name}/finish")
    text = screen.page.locator("main").inner_text()
    assert "planned 44:30, worked 44:30" in text
    assert "45°" in text
    assert "+10°" in text
    assert "not what caused it" in text
    rows = screen.page.locator("tbody tr").all_inner_texts()
    assert sum("levator scapulae" in row and "RIGHT" in row for row in rows) >= 1


def test_a_value_that_is_no_number_is_told_and_nothing_typed_is_lost(screen: Screen) -> None:
    plan = running(screen)
    screen.page.locator("input.short").first.fill("fifty")
    screen.tap("label:has([name=pain][value='4'])")
    screen.page.fill("[name=note]", "slept badly")
    screen.tap("#finish-go")
    screen.page.wait_for_selector("[role=alert]")
    assert "write the value as a number" in screen.page.locator("[role=alert]").inner_text()
    assert screen.page.locator("input.short").first.input_value() == "fifty"
    assert screen.page.locator("[name=note]").input_value() == "slept badly"
    assert screen.page.locator("[name=pain][value='4']").is_checked()
    assert stored_session(screen.console, plan.name).state == Session.RUNNING


def test_a_value_that_no_body_has_is_told(screen: Screen) -> None:
    plan = running(screen)
    screen.page.locator("input.short").first.fill("900")
    screen.tap("#finish-go")
    screen.page.wait_for_selector("[role=alert]")
    assert "900 is not in" in screen.page.locator("[role=alert]").inner_text()
    assert stored_session(screen.console, plan.name).state == Session.RUNNING


def test_a_visit_is_closed_without_script(windows: Callable[..., Screen]) -> None:
    screen = windows(java_script_enabled=False)
    screen.sign_in()
    plan = approved(screen.console, planned(screen.console))
    begun(screen.console, plan)
    screen.page.goto(f"{screen.console.address}/{plan.name}/finish")
    screen.page.locator("input.short").first.fill("52,5")
    screen.page.click("#finish-go")
    assert stored_session(screen.console, plan.name).retests[0].value == 52.5


@pytest.fixture(scope="module")
def client(console: RunningConsole) -> str:
    return client_with_visits(console)


def test_progress_shows_what_is_beyond_measurement_error(screen: Screen, client: str) -> None:
    screen.open(f"/clients/{client}/progress")
    page = screen.page
    rotation = page.locator(".plot-card:has-text('neck rotation'):has-text('RIGHT')").first
    assert rotation.locator(".plot-dot").count() == 4
    assert rotation.locator(".plot-dot.filled").count() == 1
    assert rotation.locator(".plot-band").count() == 1
    assert "18° more" in rotation.locator("p").inner_text()
    label = rotation.locator("svg").get_attribute("aria-label") or ""
    assert "beyond measurement error" in label
    assert label.count("within measurement error") == 2
    rows = page.locator("tbody tr").all_inner_texts()
    assert len(rows) == 4
    assert "levator scapulae" in rows[0]
    assert "6 → 4" in rows[0]


def test_no_colour_says_better_or_worse(screen: Screen, client: str) -> None:
    """The colour of a plot is that of its side, whatever the sign of the change."""
    screen.open(f"/clients/{client}/progress")
    drawn = screen.page.locator(".plot-line, .plot-dot")
    colours = drawn.evaluate_all("all => all.map(each => getComputedStyle(each).stroke)")
    sides = screen.page.evaluate(
        """() => ['right', 'left'].map(side => { const span = document.createElement('span');
          span.className = `side-${side}`; document.body.append(span);
          const found = getComputedStyle(span).color; span.remove(); return found; })"""
    )
    assert set(colours) <= set(sides)


def test_progress_names_no_cause(screen: Screen, client: str) -> None:
    screen.open(f"/clients/{client}/progress")
    text = screen.page.locator("main").inner_text().lower()
    assert not re.findall(r"\b(because of|thanks to|due to|led to|improved|worsened|success|abnormal)\b", text)


def test_progress_as_json_and_with_one_visit(screen: Screen, client: str, console: RunningConsole) -> None:
    answer = screen.context.request.get(f"{console.address}/clients/{client}/progress.json").json()
    assert answer["visits"] == 4
    assert {each["side"] for each in answer["motions"]} == {"left", "right"}
    name = assessed(console)
    screen.open(f"/{name.partition('/assessments/')[0]}/progress")
    assert "only one visit" in screen.page.locator("main").inner_text()


def test_progress_of_nobody_is_a_missing_page(screen: Screen) -> None:
    answer = screen.page.goto(f"{screen.console.address}/clients/c-nobody/progress")
    assert answer is not None
    assert answer.status == 404
