"""Changing a plan until it is released: by taps, keys, without script, in two tabs, against preference and safety."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Locator

from myoplan.planner.v1.plan_pb2 import Plan, Step
from tests.support.browser import PASSWORD, RunningConsole, Screen
from tests.support.visits import approved, planned, stored_plan

WARFARIN = "neck_pain_on_warfarin"
SLOW_MILLISECONDS = 30_000  # a plan or a sheet that is made for the first time


def settled(screen: Screen, do: Callable[[], object]) -> None:
    """Does something and waits until the plan on the page is another revision, or the page says why it is not."""
    before = screen.page.locator("#plan").get_attribute("data-etag")
    screen.page.evaluate("document.getElementById('told')?.setAttribute('data-before', '')")
    do()
    screen.page.wait_for_function(
        """before => document.querySelector('#told:not([data-before])')
          || document.getElementById('plan').dataset.etag !== before""",
        arg=before,
        timeout=SLOW_MILLISECONDS,
    )


def tap(screen: Screen, target: Locator | str) -> None:
    settled(screen, lambda: screen.tap(target))


def select(screen: Screen, step: Step) -> None:
    screen.tap(f"[id='step-{step.id}'] .step-link")
    screen.page.wait_for_selector(f"[id='step-{step.id}'].here")


def releases(plan: Plan) -> list[Step]:
    return [step for step in plan.steps if step.phase == Step.RELEASE]


def told(screen: Screen) -> str:
    return screen.page.locator("#told").inner_text()


def opened(screen: Screen, case: str = "neck_pain", minutes: int = 50) -> Plan:
    plan = planned(screen.console, case, minutes)
    screen.open(f"/{plan.name}")
    return plan


def test_every_button_of_a_step_is_stored(screen: Screen) -> None:
    plan = opened(screen)
    first, second = releases(plan)[:2]
    select(screen, first)
    tap(screen, "#edit-pin")
    assert screen.page.locator("#edit-pin").inner_text() == "Pinned"
    tap(screen, "#edit-later")
    moved = stored_plan(screen.console, plan.name)
    order = [step.id for step in moved.steps]
    assert order.index(second.id) < order.index(first.id)
    assert "before" in screen.page.locator(".changed").inner_text()
    was = next(step for step in moved.steps if step.id == first.id)
    tap(screen, "#edit-shorter")
    shorter = stored_plan(screen.console, plan.name)
    now = next(step for step in shorter.steps if step.id == first.id)
    assert was.duration.seconds - now.duration.seconds in {30, 60}
    tap(screen, "#edit-out")
    without = stored_plan(screen.console, plan.name)
    assert not [step for step in without.steps if (step.muscle, step.side) == (first.muscle, first.side)]


def test_another_technique_takes_the_place_of_a_step(screen: Screen) -> None:
    plan = opened(screen)
    step = releases(plan)[0]
    select(screen, step)
    wanted = screen.page.locator("#edit-technique option").first.get_attribute("value")
    tap(screen, "form:has(#edit-technique) button")
    after = stored_plan(screen.console, plan.name)
    assert [each.technique for each in releases(after) if each.muscle == step.muscle] == [wanted]
    assert screen.page.locator(".step.here .step-what strong").inner_text()


def test_what_was_left_out_can_be_added_and_blocked_things_cannot(screen: Screen) -> None:
    plan = opened(screen)
    blocked = screen.page.locator(".left-out.blocked button")
    assert blocked.count() == 0
    row = screen.page.locator(".left-out:has(button[value=include])").first
    muscle = row.locator("[name=muscle]").get_attribute("value")
    tap(screen, row.locator("button[value=include]"))
    after = stored_plan(screen.console, plan.name)
    assert [each.muscle for each in after.constraints.must_include] == [muscle]
    assert muscle in {step.muscle for step in after.steps}


def test_minutes_and_a_position_that_is_not_possible(screen: Screen) -> None:
    plan = opened(screen)
    screen.page.select_option("#edit-minutes", "60")
    tap(screen, "button[value=minutes]")
    assert stored_plan(screen.console, plan.name).time_budget.seconds == 3600
    screen.page.select_option("#edit-position", "seated")
    tap(screen, "button[value=position]")
    after = stored_plan(screen.console, plan.name)
    assert list(after.constraints.unavailable_positions) == ["seated"]
    assert "seated" not in {step.position for step in after.steps}
    assert "Planned without" in screen.page.locator("main").inner_text()


def test_undo_leads_back_and_the_plan_before_is_one_tap_away(screen: Screen) -> None:
    plan = opened(screen)
    step = releases(plan)[0]
    select(screen, step)
    tap(screen, "#edit-shorter")
    shorter = stored_plan(screen.console, plan.name)
    assert shorter.version == plan.version + 1
    screen.tap(".changed a:last-child")
    screen.page.wait_for_selector("text=an earlier version")
    assert screen.page.locator(".step-controls, #approve, #edit-refit").count() == 0
    screen.open(f"/{plan.name}?step={step.id}")
    tap(screen, "#edit-undo")
    back = stored_plan(screen.console, plan.name)
    assert [(each.id, each.duration.seconds) for each in releases(back)] == [
        (each.id, each.duration.seconds) for each in releases(plan)
    ]
    assert not [each for each in back.steps if each.pinned]


def test_pin_leave_out_and_refit_take_five_taps(screen: Screen) -> None:
    """B7."""
    plan = opened(screen)
    first, second = releases(plan)[:2]
    screen.taps = 0
    select(screen, first)
    tap(screen, "#edit-pin")
    select(screen, second)
    tap(screen, "#edit-out")
    tap(screen, "#edit-refit")
    assert screen.taps <= 5
    after = stored_plan(screen.console, plan.name)
    assert (first.muscle, first.side) in {(step.muscle, step.side) for step in after.steps if step.pinned}
    assert second.muscle not in {step.muscle for step in releases(after)}


def test_why_a_step_is_there_takes_one_tap(screen: Screen) -> None:
    """B12: the trail is in view after one tap, for the last step as for the first."""
    plan = opened(screen)
    last = releases(plan)[-1]
    screen.taps = 0
    screen.tap(f"[id='step-{last.id}'] .step-link")
    screen.page.wait_for_selector(f"[id='step-{last.id}'].here")
    assert screen.taps == 1
    why = screen.page.locator("#why h2")
    assert why.inner_text().startswith("Why step")
    box = why.bounding_box()
    assert box is not None
    assert 0 <= box["y"] < 820
    assert screen.page.locator("#why .trail").count() >= 1


def test_editing_by_keyboard_alone(screen: Screen) -> None:
    plan = opened(screen)
    page, first = screen.page, releases(plan)[0]
    numbers = [step.id for step in plan.steps if step.phase != Step.TURN]
    selected = numbers.index(first.id)
    screen.press("j")
    page.wait_for_selector(f"[id='step-{numbers[selected + 1]}'].here")
    screen.press("k")
    page.wait_for_selector(f"[id='step-{first.id}'].here")
    settled(screen, lambda: screen.press("p"))
    assert next(s for s in stored_plan(screen.console, plan.name).steps if s.id == first.id).pinned
    settled(screen, lambda: screen.press("["))
    assert stored_plan(screen.console, plan.name).constraints.durations
    settled(screen, lambda: screen.press("Alt+ArrowDown"))
    assert stored_plan(screen.console, plan.name).constraints.sequences
    settled(screen, lambda: screen.press("u"))
    settled(screen, lambda: screen.press("f"))
    settled(screen, lambda: screen.press("o"))
    after = stored_plan(screen.console, plan.name)
    assert first.muscle not in {step.muscle for step in releases(after)}
    screen.press("w")
    assert page.evaluate("document.activeElement.closest('#why') !== null")
    screen.press("a")
    assert page.evaluate("document.activeElement.name") == "password"
    assert stored_plan(screen.console, plan.name).state == Plan.DRAFT


def test_a_preference_asks_for_a_reason_and_then_gives_way(screen: Screen) -> None:
    plan = opened(screen, WARFARIN)
    last = releases(plan)[-1]
    select(screen, last)
    for _ in releases(plan):
        if screen.page.locator("#edit-earlier").is_disabled() or screen.page.locator(".question").count():
            break
        tap(screen, "#edit-earlier")
    assert screen.page.locator(".question h2").inner_text().startswith("This goes against a preference")
    before = stored_plan(screen.console, plan.name)
    screen.tap(".question label:has([value=CLIENT_WISH])")
    tap(screen, ".question button.main")
    after = stored_plan(screen.console, plan.name)
    assert after.version == before.version + 1
    assert [each.reason_code for each in after.constraints.overrides]
    assert all(each.person.id == "tess" for each in after.constraints.overrides)


def test_a_rule_of_safety_is_named_and_nothing_goes_round_it(screen: Screen) -> None:
    plan = opened(screen, WARFARIN)
    select(screen, releases(plan)[0])
    options = screen.page.locator("#edit-technique option").evaluate_all("all => all.map(each => each.value)")
    stopped = []
    for technique in options:
        screen.open(f"/{plan.name}?step={releases(plan)[0].id}")
        screen.page.select_option("#edit-technique", technique)
        tap(screen, "form:has(#edit-technique) button")
        if screen.page.locator("#told.stop").count():
            stopped.append(technique)
            assert "rule of safety" in told(screen)
            assert screen.page.locator("#told li").count() >= 1
            assert screen.page.locator("#told form, #told button").count() == 0
            break
    assert stopped
    assert stored_plan(screen.console, plan.name).steps == plan.steps


def test_what_cannot_hold_together_offers_ways_that_work(screen: Screen) -> None:
    plan = opened(screen, minutes=30)
    for _ in range(12):
        if screen.page.locator(".question").count():
            break
        tap(screen, screen.page.locator(".left-out button[value=include]:visible").first)
    assert "cannot hold together" in told(screen)
    ways = screen.page.locator(".question button[name=loosen]")
    assert ways.count() >= 1
    before = stored_plan(screen.console, plan.name)
    tap(screen, ways.first)
    assert screen.page.locator(".question").count() == 0
    assert stored_plan(screen.console, plan.name).version == before.version + 1


def test_a_stale_tab_says_so_and_shows_the_plan_as_it_is(screen: Screen) -> None:
    plan = opened(screen)
    first = releases(plan)[0]
    select(screen, first)
    other = screen.context.new_page()
    other.goto(f"{screen.console.address}/{plan.name}?step={first.id}")
    other.locator("#edit-pin").click()
    other.wait_for_selector(".changed")
    now = stored_plan(screen.console, plan.name)
    tap(screen, "#edit-out")
    assert "changed this plan after you opened it" in told(screen)
    assert screen.page.locator("#plan").get_attribute("data-etag") == now.etag
    assert screen.page.locator("#edit-pin").inner_text() == "Pinned"
    assert stored_plan(screen.console, plan.name).revision == now.revision
    tap(screen, "#edit-out")
    assert stored_plan(screen.console, plan.name).revision == now.revision + 1


def test_an_untouched_plan_with_a_flag_is_approved_with_two_taps(screen: Screen) -> None:
    """B6: the flag is ticked, the button leads to the PIN, Enter approves."""
    plan = opened(screen, WARFARIN)
    screen.taps = 0
    screen.tap("#read-flags")
    screen.tap("header a[href='#approve']")
    assert screen.page.evaluate("document.activeElement.name") == "password"
    screen.page.keyboard.type(PASSWORD)
    screen.page.keyboard.press("Enter")
    screen.page.wait_for_selector("header a[href$='/room']")
    assert screen.taps <= 2
    after = stored_plan(screen.console, plan.name)
    assert after.state == Plan.APPROVED
    assert all(flag.person.id == "tess" for flag in after.acknowledgements)
    assert len(after.acknowledgements) == 2


def test_control_without_the_tick_or_with_a_wrong_pin_nothing_is_approved(screen: Screen) -> None:
    plan = opened(screen, WARFARIN)
    screen.page.fill("[name=password]", PASSWORD)
    screen.tap("#approve button.main")
    screen.page.wait_for_selector("#told")
    assert "Tick that you have read" in told(screen)
    screen.tap("#read-flags")
    screen.page.fill("[name=password]", "not the password")
    screen.tap("#approve button.main")
    screen.page.wait_for_selector("text=not right")
    assert screen.page.locator("#read-flags").is_checked()
    after = stored_plan(screen.console, plan.name)
    assert after.state == Plan.PROPOSED
    assert not any(flag.HasField("person") for flag in after.acknowledgements)


def test_a_trainee_signs_and_sends_and_cannot_approve(windows: Callable[..., Screen]) -> None:
    screen = windows()
    screen.sign_in("theo")
    opened(screen)
    assert screen.page.locator("#approve, header a[href$='/room']").count() == 0
    screen.tap("#sign-and-send")
    screen.page.wait_for_url("**/review#sign")
    screen.page.select_option("#sign [name=cosigner]", "sara")
    screen.page.fill("#sign [name=password]", PASSWORD)
    screen.tap("#sign button.main")
    screen.page.wait_for_url("**done=signed**")


def test_everything_works_without_script(windows: Callable[..., Screen]) -> None:
    screen = windows(java_script_enabled=False)
    screen.sign_in()
    plan = planned(screen.console)
    step = releases(plan)[0]
    page = screen.page
    page.goto(f"{screen.console.address}/{plan.name}?step={step.id}")
    page.click("#edit-pin")
    page.click("#edit-shorter")
    page.click("#edit-undo")
    page.click("#edit-refit")
    page.fill("[name=password]", PASSWORD)
    page.click("#approve button.main")
    after = stored_plan(screen.console, plan.name)
    assert after.state == Plan.APPROVED
    page.click("summary:has-text('Change the approved plan')")
    page.fill("[name=reason]", "the client moved in the shower")
    page.click("text=Begin a new version")
    assert stored_plan(screen.console, plan.name).state == Plan.DRAFT


def test_the_sheet_is_a_pdf(screen: Screen, console: RunningConsole) -> None:
    plan = approved(console, planned(console))
    answer = screen.context.request.get(f"{console.address}/{plan.name}/sheet", timeout=SLOW_MILLISECONDS)
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.body().startswith(b"%PDF")


def test_what_changed_is_told_against_the_plan_before(screen: Screen) -> None:
    plan = opened(screen)
    select(screen, releases(plan)[0])
    tap(screen, "#edit-out")
    screen.tap(".changed a:first-of-type")
    screen.page.wait_for_url("**/changes?from=1")
    assert "left out" in screen.page.locator("main li").first.inner_text()
