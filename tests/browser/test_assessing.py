"""One whole assessment, as a therapist does it: by chart, list and keyboard, within the number of taps allowed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Route

from myoplan.assessment.v1 import assessment_pb2 as a
from tests.support.browser import RunningConsole, Screen, findings, new_client

CHOSEN = (
    ("back", "surface", "upper_trapezius", "right", "active"),
    ("back", "surface", "infraspinatus", "right", "active"),
    ("back", "surface", "upper_trapezius", "left", "tight"),
    ("back", "surface", "middle_trapezius", "right", "latent"),
    ("back", "deep", "levator_scapulae", "right", "tender"),
    ("back", "deep", "supraspinatus", "left", "nothing"),
)
EXPECTED = [
    ("infraspinatus", "RIGHT", "ACTIVE_TRIGGER_POINT"),
    ("levator_scapulae", "RIGHT", "TENDER"),
    ("middle_trapezius", "RIGHT", "LATENT_TRIGGER_POINT"),
    ("supraspinatus", "LEFT", "UNREMARKABLE"),
    ("upper_trapezius", "LEFT", "TAUT"),
    ("upper_trapezius", "RIGHT", "ACTIVE_TRIGGER_POINT"),
]
TYPED = {
    "upper_trapezius": "upper trap",
    "infraspinatus": "infraspin",
    "middle_trapezius": "middle trap",
    "levator_scapulae": "lev",
    "supraspinatus": "supraspin",
}
KEYS = {"tight": "1", "tender": "2", "latent": "3", "active": "4", "nothing": "5"}


def by_chart(screen: Screen) -> None:
    depth = "surface"
    for view, layer, muscle, side, level in CHOSEN:
        if layer != depth:
            screen.tap("#palpate-chart .chart-depths button:not([aria-pressed=true])")
            screen.page.wait_for_selector(f"[id^={view}-{layer}-]")
            depth = layer
        screen.tap_region(f"{view}-{layer}-{muscle}--{side}")
        screen.tap(f".levels [value={level}]")


def by_list(screen: Screen) -> None:
    for _, _, muscle, side, level in CHOSEN:
        screen.page.fill("#find-muscle", TYPED[muscle])
        screen.tap(f"#muscle-picks li:first-child .side-pick-{side}")
        screen.tap(f".levels [value={level}]")


def by_keyboard(screen: Screen) -> None:
    for _, _, muscle, side, level in CHOSEN:
        screen.press("/")
        screen.page.keyboard.type(f"{TYPED[muscle]} {side[0]} {KEYS[level]}")
        screen.press("Enter")


def by_chart_and_keys(screen: Screen) -> None:
    """The chart has the focus: arrows walk, x goes to the other side, a digit is the finding."""
    screen.page.wait_for_selector("#palpate-chart [data-part]")
    for view, layer, muscle, side, level in CHOSEN:
        if screen.page.locator(f"[id={view}-{layer}-{muscle}--{side}]").count() == 0:
            screen.page.locator("#palpate-chart .chart-depths button:not([aria-pressed=true])").focus()
            screen.press("Enter")
            screen.page.wait_for_selector(f"[id={view}-{layer}-{muscle}--{side}]")
        screen.page.locator(f"[id={view}-{layer}-{muscle}--{side}]").focus()
        screen.press(KEYS[level])


@pytest.mark.parametrize("way", [by_chart, by_list, by_keyboard, by_chart_and_keys])
def test_every_way_stores_the_same_findings(screen: Screen, way: Callable[[Screen], None]) -> None:
    name = screen.console.open_assessment()
    screen.open(f"/{name}/palpate")
    way(screen)
    screen.settle()
    assert findings(screen.console.stored(name)) == EXPECTED
    shown = screen.page.locator("#findings li").all_inner_texts()
    assert len(shown) == len(EXPECTED)
    assert all("RIGHT" in row or "LEFT" in row for row in shown)


def test_a_finding_by_chart_takes_two_taps(screen: Screen) -> None:
    """B3."""
    name = screen.console.open_assessment()
    screen.open(f"/{name}/palpate")
    screen.tap_region("back-surface-infraspinatus--left")
    screen.tap(".levels [value=active]")
    screen.settle()
    assert findings(screen.console.stored(name)) == [("infraspinatus", "LEFT", "ACTIVE_TRIGGER_POINT")]
    assert screen.taps == 2


def test_a_finding_by_keyboard_takes_nine_keys(screen: Screen) -> None:
    """B4: / lev r 3 and Enter."""
    name = screen.console.open_assessment()
    screen.open(f"/{name}/palpate")
    screen.press("/", *"lev r 3", "Enter")
    screen.settle()
    assert findings(screen.console.stored(name)) == [("levator_scapulae", "RIGHT", "LATENT_TRIGGER_POINT")]
    assert screen.keys <= 9


def test_a_side_is_never_guessed(screen: Screen) -> None:
    name = screen.console.open_assessment()
    screen.open(f"/{name}/palpate")
    screen.press("/")
    screen.page.keyboard.type("lev 3")
    screen.press("Enter")
    assert "choose a side" in screen.page.locator("#palpate-said").inner_text()
    screen.settle()
    assert findings(screen.console.stored(name)) == []


def test_a_new_client_takes_at_most_forty_two_taps(screen: Screen) -> None:
    """B1: 2 flags, 3 zones, 6 findings, 4 motions on both sides, fit."""
    client = new_client()
    screen.open("/new-client")
    screen.page.fill("[name=client]", client)
    screen.page.fill("[name=age]", "41")
    screen.page.select_option("[name=sex]", "female")
    screen.page.click("main button.main")
    screen.page.wait_for_url("**/assessments/*")
    screen.settle()
    name = screen.page.evaluate("location.pathname").strip("/")

    screen.tap("#flag-osteoporosis [value=present]")
    screen.tap("#flag-anticoagulant [value=present]")
    screen.settle()
    screen.tap("#flags button.main")
    screen.settle()

    screen.tap("#sections [data-to=pain]")
    screen.page.wait_for_selector("#pain-chart [data-part=back_of_neck]")
    for zone, side, intensity in (
        ("back_of_neck", "right", 6),
        ("upper_thoracic_back", "right", 5),
        ("upper_thoracic_back", "left", 3),
    ):
        screen.tap_region(f"back-zones-{zone}--{side}")
        screen.tap(f"#pain-chart .scale [value='{intensity}']")
    screen.settle()

    screen.tap("#sections [data-to=palpate]")
    screen.page.wait_for_selector("#palpate-chart [data-part=upper_trapezius]")
    by_chart(screen)
    screen.settle()

    screen.tap("#sections [data-to=rom]")
    bars = screen.page.locator("#rom-rows svg.bar:visible")
    assert bars.count() >= 8
    for place in range(8):
        screen.tap_bar(screen.page.locator("#rom-rows svg.bar:visible").nth(place), 0.5)
    screen.settle()

    screen.tap("header [data-to=fit]")
    screen.tap("label.choice:has([name=minutes][value='60'])")
    screen.tap("#fit-form button.main")
    screen.page.wait_for_url("**/plans/*")
    assert screen.taps <= 42, screen.taps

    stored = screen.console.stored(name)
    assert stored.state == a.Assessment.COMPLETED
    assert len(stored.pain_areas) == 3
    assert findings(stored) == EXPECTED
    assert len(stored.rom_tests) == 8
    told = {each.condition for each in stored.health_flags if each.answer == a.HealthFlag.PRESENT}
    assert told == {"osteoporosis", "anticoagulant"}
    assert len(stored.health_flags) == 11
    assert screen.page.locator(".steps .step").count() > 3


def last_visit(console: RunningConsole, client: str) -> list[tuple[str, str, str]]:
    """Seals a visit with seven findings, three places and two motions; returns its findings."""
    muscles = (
        "infraspinatus",
        "levator_scapulae",
        "middle_trapezius",
        "supraspinatus",
        "teres_minor",
        "rhomboid_major",
    )
    first = console.open_assessment(
        client,
        palpation_findings=[
            *(a.PalpationFinding(muscle=muscle, side=a.RIGHT, spot_tenderness=True) for muscle in muscles),
            a.PalpationFinding(muscle="upper_trapezius", side=a.LEFT, spot_tenderness=True),
        ],
        pain_areas=[
            a.PainArea(zone=zone, side=a.RIGHT, intensity=6)
            for zone in ("back_of_neck", "upper_thoracic_back", "back_of_shoulder")
        ],
        rom_tests=[
            a.RomTest(motion=motion, side=side, mode=a.RomTest.ACTIVE, measured=a.RomTest.Measurement(value=30))
            for motion in ("cervical_rotation", "cervical_side_bend")
            for side in (a.RIGHT, a.LEFT)
        ],
        health_flags=[a.HealthFlag(condition="anticoagulant", answer=a.HealthFlag.ABSENT)],
    )
    console.seal(first)
    return list(findings(console.stored(first)))


def test_a_returning_client_takes_at_most_eighteen_taps(screen: Screen, console: RunningConsole) -> None:
    """B2: 3 places, 4 findings confirmed and 2 changed, 4 motions; nothing is carried over without a tap."""
    client = new_client()
    before = last_visit(console, client)
    name = console.open_assessment(client)
    screen.open(f"/{name}/flags")
    page = screen.page
    screen.taps = 0

    screen.tap("#flags button:has-text('Nothing new')")
    screen.settle()

    screen.tap("#sections [data-to=pain]")
    for zone, intensity in (("back_of_neck", 4), ("upper_thoracic_back", 3), ("back_of_shoulder", 6)):
        screen.tap(f"#pain-list li:has(#pain-{zone}-right) .scale [value='{intensity}']")
        screen.settle()

    screen.tap("#sections [data-to=palpate]")
    assert not console.stored(name).palpation_findings
    row = "#unconfirmed li:has(input[value={}])"
    for muscle in ("teres_minor", "supraspinatus", "levator_scapulae", "infraspinatus"):
        screen.tap(page.locator(row.format(muscle)).get_by_text("Same", exact=True))
        screen.settle()
    for muscle, level in (("middle_trapezius", "nothing"), ("rhomboid_major", "active")):
        screen.tap(f"{row.format(muscle)} [value={level}]")
        screen.settle()

    screen.tap("#sections [data-to=rom]")
    for place in range(4):
        screen.tap_bar(page.locator("#rom-rows svg.bar:visible").nth(place), 0.5)
    screen.settle()
    assert screen.taps <= 18, screen.taps

    stored = console.stored(name)
    assert [(each.zone, each.intensity) for each in stored.pain_areas] == [
        ("back_of_neck", 4),
        ("upper_thoracic_back", 3),
        ("back_of_shoulder", 6),
    ]
    changed = {"middle_trapezius": "UNREMARKABLE", "rhomboid_major": "ACTIVE_TRIGGER_POINT"}
    confirmed = [each for each in before if each[0] != "upper_trapezius"]
    assert findings(stored) == [(muscle, side, changed.get(muscle, level)) for muscle, side, level in confirmed]
    assert page.locator("#unconfirmed li").count() == 1, "the finding that nobody tapped still waits"
    assert len(stored.rom_tests) == 4
    assert 30 not in {each.measured.value for each in stored.rom_tests}
    assert [each.condition for each in stored.health_flags] == ["anticoagulant"]


def test_a_double_tap_confirms_only_the_row_that_it_hit_first(screen: Screen, console: RunningConsole) -> None:
    client = new_client()
    last_visit(console, client)
    name = console.open_assessment(client)
    screen.open(f"/{name}/palpate")
    page = screen.page
    rows = page.locator("#unconfirmed li")
    all_rows = rows.count()
    box = rows.first.get_by_text("Same", exact=True).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.up()
    page.wait_for_function("count => document.querySelectorAll('#unconfirmed li').length === count", arg=all_rows - 1)
    page.mouse.down(click_count=2)
    page.mouse.up(click_count=2)
    screen.settle()
    assert len(console.stored(name).palpation_findings) == 1
    page.mouse.down()  # control: a tap of its own is for the row that is there now
    page.mouse.up()
    page.wait_for_function("count => document.querySelectorAll('#unconfirmed li').length === count", arg=all_rows - 2)


def test_undo_puts_everything_back(screen: Screen) -> None:
    name = screen.console.open_assessment(
        palpation_findings=[
            a.PalpationFinding(
                muscle="infraspinatus", side=a.RIGHT, spot_tenderness=True, tenderness=7, note="kept by undo"
            )
        ]
    )
    before = screen.console.stored(name)
    screen.open(f"/{name}/palpate")
    screen.tap_region("back-surface-infraspinatus--right")
    screen.tap(".levels [value=clear]")
    screen.tap_region("back-surface-upper_trapezius--left")
    screen.tap(".levels [value=tight]")
    screen.settle()
    assert [each.muscle for each in screen.console.stored(name).palpation_findings] == ["upper_trapezius"]
    screen.press("u")
    screen.settle()
    screen.press("Control+z")
    screen.settle()
    assert list(screen.console.stored(name).palpation_findings) == list(before.palpation_findings)
    assert screen.page.locator("#undo button").is_disabled()


def test_undo_takes_back_what_is_still_on_its_way_and_nothing_else(screen: Screen) -> None:
    name = screen.console.open_assessment()
    screen.open(f"/{name}/palpate")
    page = screen.page
    screen.tap_region("back-surface-infraspinatus--right")
    screen.tap(".levels [value=tight]")
    screen.settle()
    held: list[Route] = []
    page.route("**/entries", lambda route: held.append(route))  # noqa: PLW0108 - a builtin cannot be called back
    screen.tap_region("back-surface-upper_trapezius--left")
    with page.expect_request("**/entries"):
        screen.tap(".levels [value=active]")
    screen.press("u")
    held[0].continue_()
    screen.settle()
    assert findings(screen.console.stored(name)) == [("infraspinatus", "RIGHT", "TAUT")]


def test_the_chart_shows_what_was_chosen_last_however_late_a_picture_comes(screen: Screen) -> None:
    page, held = screen.page, dict[str, Route]()
    page.route("**/deep.json", lambda route: held.update(deep=route))
    screen.open(f"/{screen.console.open_assessment()}/palpate")
    page.wait_for_selector("#palpate-chart [id^=back-surface-]")
    page.fill("#find-muscle", TYPED["supraspinatus"])
    with page.expect_request("**/deep.json"):
        screen.tap("#muscle-picks li:first-child .side-pick-right")
    screen.tap_region("back-surface-infraspinatus--left")
    page.wait_for_selector("#palpate-picked:has-text('infraspinatus')")
    with page.expect_event("requestfinished", lambda request: request.url.endswith("/deep.json")):
        held["deep"].continue_()
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert page.locator("#palpate-chart path.picked").get_attribute("id") == "back-surface-infraspinatus--left"
    screen.tap(".levels [value=active]")
    page.wait_for_selector("[id='back-surface-infraspinatus--left'].mark-active")
    screen.settle()
    screen.press("d")  # control: what is asked for now is shown
    page.wait_for_selector("#palpate-chart [id^=back-deep-]")


def test_last_visit_is_confirmed_finding_by_finding(screen: Screen) -> None:
    client = new_client()
    first = screen.console.open_assessment(
        client,
        palpation_findings=[
            a.PalpationFinding(
                muscle=muscle, side=a.RIGHT, taut_band=True, spot_tenderness=True, reproduces_familiar_pain=True
            )
            for muscle in ("infraspinatus", "levator_scapulae")
        ],
        health_flags=[a.HealthFlag(condition="anticoagulant", answer=a.HealthFlag.ABSENT)],
        rom_tests=[
            a.RomTest(
                motion="cervical_rotation",
                side=a.RIGHT,
                mode=a.RomTest.ACTIVE,
                measured=a.RomTest.Measurement(value=52),
            )
        ],
    )
    screen.console.seal(first)
    name = screen.console.open_assessment(client)
    screen.open(f"/{name}/palpate")
    assert findings(screen.console.stored(name)) == []
    screen.tap("#unconfirmed li:has-text('infraspinatus') button:has-text('Same')")
    screen.settle()
    screen.tap("#unconfirmed li:has-text('levator') [data-pick]")
    screen.page.wait_for_selector(".picked:has-text('levator scapulae · RIGHT')")
    assert len(screen.console.stored(name).palpation_findings) == 1
    screen.tap("#unconfirmed li:has-text('levator') [value=tender]")
    screen.settle()
    assert findings(screen.console.stored(name)) == [
        ("infraspinatus", "RIGHT", "ACTIVE_TRIGGER_POINT"),
        ("levator_scapulae", "RIGHT", "TENDER"),
    ]
    assert screen.page.locator("#unconfirmed").is_hidden()
    screen.tap("#sections [data-to=rom]")
    screen.tap("#rom-rows button:has-text('Same (52°)')")
    screen.tap("#sections [data-to=flags]")
    screen.tap("#flags button:has-text('Nothing new')")
    screen.settle()
    stored = screen.console.stored(name)
    assert [each.measured.value for each in stored.rom_tests] == [52]
    assert [each.condition for each in stored.health_flags] == ["anticoagulant"]


def test_a_hard_flag_opens_its_rule(screen: Screen) -> None:
    name = screen.console.open_assessment()
    screen.open(f"/{name}/flags")
    screen.tap("#flag-new_neurological_signs [value=present]")
    screen.settle()
    assert screen.page.locator("#flag-new_neurological_signs .stop").count() >= 1
    assert "No hands-on work today" in screen.page.locator("#flags > .stop").inner_text()


def test_details_of_a_condition_are_saved_as_they_are_typed(screen: Screen) -> None:
    name = screen.console.open_assessment()
    screen.open(f"/{name}/flags")
    screen.tap("#flag-pregnancy [value=present]")
    screen.settle()
    screen.page.fill("#p-pregnancy-weeks", "20")
    screen.page.keyboard.press("Tab")
    screen.settle()
    [flag] = screen.console.stored(name).health_flags
    assert [(each.key, each.number) for each in flag.parameters] == [("weeks", 20)]


def test_motions_by_bar_and_by_keypad(screen: Screen) -> None:
    name = screen.console.open_assessment(pain_areas=[a.PainArea(zone="back_of_neck", side=a.RIGHT, intensity=6)])
    screen.open(f"/{name}/rom")
    row = screen.page.locator("section.rom:has(#rom-cervical_rotation)")
    scale = int(row.locator("svg.bar").first.get_attribute("data-scale") or "0")
    screen.tap_bar(row.locator("svg.bar").first, 51 / scale)
    screen.settle()
    screen.tap("#v-cervical_rotation-left")
    screen.tap("#keypad [data-key='7']")
    screen.tap("#keypad [data-key='0']")
    screen.tap("#keypad [data-key=next]")
    screen.settle()
    tests = {(each.motion, each.side): each.measured.value for each in screen.console.stored(name).rom_tests}
    assert tests == {("cervical_rotation", a.RIGHT): 50, ("cervical_rotation", a.LEFT): 70}
    screen.tap("#e-cervical_rotation-right")
    screen.settle()
    [right] = [each for each in screen.console.stored(name).rom_tests if each.side == a.RIGHT]
    assert right.measured.limited_by == a.RomTest.PAIN
    assert right.measured.value == 50


def test_without_scripts_the_same_forms_work(windows: Callable[..., Screen], console: RunningConsole) -> None:
    screen = windows(java_script_enabled=False)
    screen.sign_in()
    name = console.open_assessment()
    page = screen.page
    page.goto(f"{console.address}/{name}/palpate")
    page.select_option("#palpate-form [name=muscle]", "infraspinatus")
    page.check("#palpate-side-right", force=True)
    page.click("#palpate-form [value=active]")
    page.wait_for_url("**/palpate")
    page.goto(f"{console.address}/{name}/pain")
    page.select_option("#pain-form [name=zone]", "back_of_neck")
    page.check("#pain-side-left", force=True)
    page.click("#pain-form [value='6']")
    page.goto(f"{console.address}/{name}/flags")
    page.click("#flags button.main")
    page.goto(f"{console.address}/{name}/rom")
    page.fill("#v-cervical_rotation-right", "52")
    page.click(".rom-form:has(#v-cervical_rotation-right) button")
    page.goto(f"{console.address}/{name}/palpate")
    page.click("#findings button[value=clear]")
    page.click("#undo button")
    page.goto(f"{console.address}/{name}/fit")
    page.check("[name=minutes][value='45']", force=True)
    page.click("#fit-form button.main")
    page.wait_for_url("**/plans/*")
    stored = console.stored(name)
    assert findings(stored) == [("infraspinatus", "RIGHT", "ACTIVE_TRIGGER_POINT")]
    assert [(each.zone, each.side, each.intensity) for each in stored.pain_areas] == [("back_of_neck", a.LEFT, 6)]
    assert [each.measured.value for each in stored.rom_tests] == [52]
    page.click(".steps .step:nth-child(2) a")
    assert page.locator("#why").is_visible()
