"""The tablet in the client's hands: four places in eight taps, and nothing else of a record until it is given back."""

from __future__ import annotations

import pytest

from myoplan.assessment.v1 import assessment_pb2 as a
from tests.support.browser import PASSWORD, RunningConsole, Screen, new_client

PLACES = {
    "back-zones-back_of_neck--right": ("back_of_neck", "RIGHT", 6.0),
    "back-zones-back_of_shoulder--left": ("back_of_shoulder", "LEFT", 4.0),
    "back-zones-upper_thoracic_back--right": ("upper_thoracic_back", "RIGHT", 3.0),
    "back-zones-back_of_shoulder--right": ("back_of_shoulder", "RIGHT", 8.0),
}


@pytest.fixture
def name(console: RunningConsole) -> str:
    return console.open_assessment()


@pytest.fixture
def handed(screen: Screen, name: str) -> Screen:
    """A tablet that a therapist has just given to the client."""
    screen.give_away(name)
    screen.taps = 0
    return screen


def pains(assessment: a.Assessment) -> list[tuple[str, str, float]]:
    return sorted((each.zone, a.Side.Name(each.side), each.intensity) for each in assessment.pain_areas)


def test_a_client_draws_four_places_with_eight_taps(handed: Screen, name: str) -> None:
    """B5."""
    for region, (_, _, intensity) in PLACES.items():
        handed.tap_region(region)
        handed.tap(f".finding-bar [name=intensity][value='{intensity:g}']")
    handed.settle()
    assert handed.taps <= 8
    assert pains(handed.console.stored(name)) == sorted(PLACES.values())
    assert handed.page.locator("#pain-list li .side").all_text_contents() == ["RIGHT", "LEFT", "RIGHT", "RIGHT"]


def test_given_back_the_therapist_goes_on_where_the_client_ended(handed: Screen, name: str) -> None:
    region = next(iter(PLACES))
    handed.tap_region(region)
    handed.tap(".finding-bar [name=intensity][value='6']")
    handed.settle()
    handed.tap("header button.main")
    handed.page.wait_for_url(lambda url: "/lock?" in url)
    assert "Please give the tablet back" in handed.page.locator("main").inner_text()
    handed.page.fill("[name=password]", PASSWORD)
    handed.page.click("main button.main")
    handed.page.wait_for_url(f"**/{name}/pain")
    assert handed.page.locator("#pain-list strong").text_content() == "6/10"
    assert [each.zone for each in handed.console.stored(name).pain_areas] == ["back_of_neck"]
    handed.open("/today")
    assert handed.page.url.endswith("/today")


def test_nothing_else_opens_while_the_client_has_the_tablet(handed: Screen, name: str, console: RunningConsole) -> None:
    other = console.open_assessment(new_client())
    for path in ("/today", f"/{name}/palpate", f"/{other}/pain", "/knowledge/technique", f"/{other}/pain-map"):
        handed.page.goto(console.address + path)
        assert "/lock" in handed.page.url, path
        assert handed.page.locator("[name=password]").count() == 1
    assert handed.page.request.get(f"{console.address}/today.json").status == 423
    assert handed.page.request.get(f"{console.address}/{name}.json").status == 423
    assert handed.page.request.get(f"{console.address}/session.json").json()["state"] == "locked"
    handed.open(f"/{name}/pain-map")  # the way back to the drawing stays open
    assert handed.page.locator("#pain-chart").count() == 1
    assert handed.page.locator("header a").count() == 0


def test_only_pain_is_stored_while_the_client_has_the_tablet(handed: Screen, name: str) -> None:
    token = handed.page.locator("body").get_attribute("data-form-token") or ""
    sent = {"kind": "palpation", "muscle": "infraspinatus", "side": "right", "level": "active", "entry": "", "here": ""}
    answers = handed.page.evaluate(
        """async ({address, fields}) => {
          const send = (more) => fetch(address, {method: 'POST', headers: {'HX-Request': 'true'},
            body: new URLSearchParams({...fields, ...more})}).then((answer) => answer.status);
          return [await send({}), await send({kind: 'pain', zone: 'back_of_neck', intensity: '5'})];
        }""",
        {"address": f"/{name}/entries", "fields": {**sent, "form_token": token}},
    )
    assert answers == [423, 200]
    stored = handed.console.stored(name)
    assert list(stored.palpation_findings) == []
    assert pains(stored) == [("back_of_neck", "RIGHT", 5.0)]


def test_other_tabs_close_when_the_tablet_is_given_away(screen: Screen, name: str, console: RunningConsole) -> None:
    screen.open("/today")
    second = screen.context.new_page()
    second.goto(f"{console.address}/{name}/pain")
    second.tap("#give-form button")
    second.wait_for_url("**/pain-map")
    screen.page.wait_for_selector(".lock-screen")
    assert screen.page.locator("main").count() == 0
    second.wait_for_selector("#pain-chart [data-part]")
    assert second.locator(".lock-screen").count() == 0


def test_the_tablet_is_not_given_away_while_entries_wait(screen: Screen, name: str) -> None:
    screen.open(f"/{name}/pain")
    screen.page.wait_for_selector("#pain-chart [data-part]")
    screen.context.set_offline(True)
    screen.tap_region("back-zones-back_of_neck--right")
    screen.tap(".finding-bar [name=intensity][value='6']")
    screen.tap("#give-form button")
    screen.page.wait_for_selector("#entry-problem:has-text('not sent yet')")
    assert screen.page.url.endswith("/pain")
    screen.context.set_offline(False)
    screen.settle()
