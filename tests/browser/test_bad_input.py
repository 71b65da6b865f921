"""What people and other sites may try: nothing is executed, nothing of another clinic is shown, nothing is stored."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from myoplan.assessment.v1 import assessment_pb2 as a
from tests.support.browser import RunningConsole, Screen, findings, new_client

MARKUP = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7*7 }}${7*7}",
    '=HYPERLINK("http://x")',
    "'; DROP TABLE clients; --",
    "</textarea><svg onload=alert(1)>",
    "\u0627\u0644\u0639\u0631\u0628\u064a\u0629 right to left",
)


@pytest.mark.parametrize("text", MARKUP)
def test_markup_in_every_text_field_is_only_text(screen: Screen, text: str) -> None:
    client = new_client()
    screen.open("/new-client")
    page = screen.page
    page.fill("[name=client]", client)
    page.fill("[name=label]", text)
    page.fill("[name=complaint]", text)
    page.click("main button.main")
    page.wait_for_url("**/assessments/*")
    assert text.strip() in page.locator("h1").inner_text()
    name = page.evaluate("location.pathname").strip("/")
    page.fill("#more-condition", text[:120])
    page.locator("#more-condition").press("Enter")
    page.wait_for_selector("#entry-problem .wrong")
    screen.open(f"/{name}/palpate")
    page.fill("#find-muscle", text[:60])
    page.locator("#find-muscle").press("Enter")
    screen.open(f"/{name}/rom")
    page.fill(".rom-value >> nth=0", text[:6]) if page.locator(".rom-value").count() else None
    screen.open("/today?find=" + text.replace("&", "%26").replace("#", "%23").replace("%", "%25"))
    screen.open(f"/clients/{client}")
    assert text.strip() in page.locator("h1").inner_text()
    assert page.locator("main script, main img").count() == 0
    stored = screen.console.stored(name)
    assert stored.client_label == text.strip()
    assert list(stored.health_flags) == []


def test_an_override_of_the_writing_direction_is_told_beside_its_field(screen: Screen) -> None:
    screen.open("/new-client")
    screen.page.fill("[name=client]", new_client())
    screen.page.fill("[name=label]", "\u202eA.B.\u202c")
    screen.page.click("main button.main")
    assert "writing direction" in screen.page.locator("#wrong-label").inner_text()


def test_markup_in_an_address_is_only_a_missing_page(screen: Screen) -> None:
    for path in ("/clients/<script>alert(1)</script>", "/clients/%22%3E%3Cimg%20src=x%20onerror=alert(1)%3E/plans/x"):
        screen.page.goto(screen.console.address + path)
        assert screen.page.locator("main script, main img").count() == 0


def test_another_clinics_addresses_are_missing_pages(windows: Callable[..., Screen], console: RunningConsole) -> None:
    client = new_client()
    name = console.open_assessment(client, complaint="not for others")
    screen = windows()
    screen.sign_in("otto")
    missing = screen.page.goto(f"{console.address}/clients/{new_client()}/assessments/none")
    assert missing is not None
    nothing = screen.page.locator("main").inner_text()
    for path in (f"/{name}", f"/{name}/palpate", f"/{name}.json", f"/clients/{client}", f"/clients/{client}/new-visit"):
        answer = screen.page.goto(console.address + path)
        assert answer is not None
        assert answer.status == 404, path
        assert "not for others" not in screen.page.content()
        if not path.endswith(".json"):
            assert screen.page.locator("main").inner_text() == nothing
    screen.open("/today")
    assert client.upper() not in screen.page.content()


def test_a_forged_form_stores_nothing(screen: Screen, windows: Callable[..., Screen], console: RunningConsole) -> None:
    name = console.open_assessment()
    send = """([address, token]) => fetch(address, {method: 'POST',
      body: new URLSearchParams({kind: 'palpation', muscle: 'infraspinatus', side: 'right', level: 'active',
                                 form_token: token})}).then(answer => answer.status)"""
    screen.open("/today")
    other = windows()
    other.sign_in("sara")
    stolen = other.page.evaluate("document.body.dataset.formToken")
    for token in ("", "x", "Zm9yZ2Vk" * 6, stolen):
        assert screen.page.evaluate(send, [f"/{name}/entries", token]) == 403
    own = screen.page.evaluate("document.body.dataset.formToken")
    assert findings(console.stored(name)) == []
    # The control: with the right token the same form is stored.
    assert screen.page.evaluate(send, [f"/{name}/entries", own]) == 200
    assert len(findings(console.stored(name))) == 1


def test_a_form_of_another_site_is_refused(screen: Screen, console: RunningConsole) -> None:
    name = console.open_assessment()
    screen.open("/today")
    token = screen.page.evaluate("document.body.dataset.formToken")
    body = {"kind": "palpation", "muscle": "infraspinatus", "side": "right", "level": "active", "form_token": token}
    address = f"{console.address}/{name}/entries"
    for headers in (
        {"Origin": "https://elsewhere.test"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        answer = screen.context.request.post(address, form=body, headers=headers)
        assert answer.status == 403
    assert screen.context.request.post(address, form=body).status == 403  # no browser sends a form without saying so
    assert findings(console.stored(name)) == []
    answer = screen.context.request.post(address, form=body, headers={"Origin": console.address})
    assert answer.status == 200
    assert len(findings(console.stored(name))) == 1


def test_a_value_the_service_refuses_is_told_and_nothing_is_stored(screen: Screen, console: RunningConsole) -> None:
    name = console.open_assessment(pain_areas=[a.PainArea(zone="back_of_neck", side=a.RIGHT)])
    screen.open(f"/{name}/rom")
    screen.page.fill("#v-cervical_rotation-right", "999")
    screen.page.keyboard.press("Tab")
    screen.page.wait_for_selector("#entry-problem .wrong")
    screen.settle()
    assert "Not stored" in screen.page.locator("#entry-problem").inner_text()
    assert list(console.stored(name).rom_tests) == []


def test_two_tabs_on_one_assessment_both_keep_their_entries(screen: Screen, console: RunningConsole) -> None:
    name = console.open_assessment()
    screen.open(f"/{name}/palpate")
    second = Screen(console=console, context=screen.context, page=screen.context.new_page())
    second.open(f"/{name}/palpate")
    for each, side in ((screen, "left"), (second, "right")):
        each.page.bring_to_front()
        each.tap_region(f"back-surface-infraspinatus--{side}")
        each.tap(".levels [value=active]")
        each.settle()
    assert len(findings(console.stored(name))) == 2
