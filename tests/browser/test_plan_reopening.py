"""Plans that are not simply a draft any more: being worked, worked, sent back, or overtaken by their assessment."""

from __future__ import annotations

from collections.abc import Callable

import grpc
from playwright.sync_api import Locator, expect

from myoplan.assessment.v1 import assessment_pb2 as a
from myoplan.assessment.v1.assessment_service_pb2 import AmendAssessmentRequest, RecordFindingsRequest
from myoplan.planner.v1.edit_pb2 import MoveStep, PlanEdit, RevisePlanRequest
from myoplan.planner.v1.plan_pb2 import Plan, Step
from myoplan.planner.v1.review_pb2 import ListPlanEventsRequest, PlanEvent, ReturnPlanRequest, WatchPlansRequest
from myoplan.planner.v1.session_pb2 import FinishSessionRequest
from services.console.pages.plan.edits import neighbour
from services.runtime.client import error_of
from tests.support.browser import PASSWORD, RunningConsole, Screen
from tests.support.review_story import (
    changed_and_signed,
    draft,
    edited,
    lasting,
    plan_of,
    releases,
    sealed_case,
    signed,
)
from tests.support.visits import approved, begun, planned, stored_plan

Windows = Callable[..., Screen]
ONWARD = "#onward"
WHY_AGAIN = "Say why you take this plan up again"
SENT_BACK = "Less on the levator, please."
SLOW_MILLISECONDS = 30_000  # a plan that is made for the first time
PATIENCE_SECONDS = 30
MOST_PREFERENCES = 4


def settled(screen: Screen, target: Locator | str) -> None:
    """Taps something and waits until the plan on the page is another revision, or the page says why it is not."""
    before = screen.page.locator("#plan").get_attribute("data-etag")
    screen.page.evaluate("document.getElementById('told')?.setAttribute('data-before', '')")
    screen.tap(target)
    screen.page.wait_for_function(
        """before => document.querySelector('#told:not([data-before])')
          || document.getElementById('plan').dataset.etag !== before""",
        arg=before,
        timeout=SLOW_MILLISECONDS,
    )


def told(screen: Screen) -> str:
    return screen.page.locator("#told").inner_text()


def sent_back(console: RunningConsole, plan: Plan) -> Plan:
    """Has the supervisor send a plan back."""
    request = ReturnPlanRequest(name=plan.name, etag=plan.etag, digest=plan.digest, reason=SENT_BACK)
    return console.plans.ReturnPlan(request, metadata=console.credentials("sara"), timeout=10)


def opened_again(console: RunningConsole, assessment: str, answer: a.HealthFlag) -> None:
    """Opens a sealed assessment again and records another answer in it."""
    request = AmendAssessmentRequest(name=assessment, etag=console.stored(assessment).etag, reason="asked again")
    console.assessments.AmendAssessment(request, metadata=console.credentials(), timeout=10)
    recording = RecordFindingsRequest(name=assessment, health_flags=[answer])
    console.assessments.RecordFindings(recording, metadata=console.credentials(), timeout=10)


def learnt(console: RunningConsole, plan: Plan, wanted: Callable[[PlanEvent], bool]) -> None:
    """Waits until the planner has learnt that the assessment of a plan changed, and has acted on it."""
    parent = plan.name.partition("/plans/")[0]
    events = console.plans.WatchPlans(
        WatchPlansRequest(parent=parent), metadata=console.credentials(), timeout=PATIENCE_SECONDS
    )
    assert any(wanted(event) for event in events)
    events.cancel()


def reasons(console: RunningConsole, plan: Plan) -> list[str]:
    """Returns why a plan was edited, as its history has it, newest first."""
    request = ListPlanEventsRequest(parent=plan.name)
    events = console.plans.ListPlanEvents(request, metadata=console.credentials(), timeout=10).events
    return [each.reason for each in events if each.action == "EDITED"]


# --- being worked, and worked ---------------------------------------------------------------------------------------


def test_the_plan_leads_to_the_treatment_then_back_to_it_then_to_what_was_done(screen: Screen) -> None:
    console, page = screen.console, screen.page
    plan = approved(console, planned(console))
    screen.open(f"/{plan.name}")
    assert page.locator(ONWARD).inner_text() == "Start treatment"
    begun(console, plan)
    screen.open(f"/{plan.name}")
    assert page.locator(ONWARD).inner_text() == "Back to the treatment"
    assert page.locator("text=Change the approved plan").count() == 1
    screen.tap(ONWARD)
    page.wait_for_selector("#room-next:visible")
    finishing = FinishSessionRequest(name=plan.name, pain=3)
    console.plans.FinishSession(finishing, metadata=console.credentials(), timeout=10)
    screen.open(f"/{plan.name}")
    assert page.locator(ONWARD).inner_text() == "What was done"
    assert page.locator("text=Start treatment").count() == 0
    assert page.locator("text=Change the approved plan").count() == 0, "a plan is worked once"
    screen.tap(ONWARD)
    page.wait_for_selector("text=Planned against done")


def test_a_plan_on_hold_leads_back_to_a_treatment_that_runs_but_begins_none(screen: Screen) -> None:
    console, page = screen.console, screen.page
    working, waiting = (approved(console, planned(console)) for _ in range(2))
    begun(console, working)
    for plan in (working, waiting):
        thinner = a.HealthFlag(condition="anticoagulant", answer=a.HealthFlag.PRESENT)
        opened_again(console, plan.assessment, thinner)
        learnt(console, plan, lambda event: event.hold)
    screen.open(f"/{waiting.name}")
    assert "On hold" in page.locator("#plan-heading").inner_text()
    assert page.locator(ONWARD).count() == 0
    screen.open(f"/{working.name}")
    assert "On hold" in page.locator("#plan-heading").inner_text()
    assert page.locator(ONWARD).inner_text() == "Back to the treatment"


# --- sent back ------------------------------------------------------------------------------------------------------


def test_a_plan_that_was_sent_back_asks_why_it_is_taken_up_again(windows: Windows) -> None:
    screen = windows()
    screen.sign_in("theo")
    console, page = screen.console, screen.page
    plan = sent_back(console, changed_and_signed(console))
    step = releases(plan)[0]
    screen.open(f"/{plan.name}")
    assert f"Sara sent it back: {SENT_BACK}" in page.locator(".plan-main").inner_text()
    assert page.locator("#sign-and-send, #approve").count() == 0, "what was sent back is not signed as it was"
    settled(screen, "#edit-pin")
    assert WHY_AGAIN in told(screen)
    assert "was sent back" in told(screen)
    page.click("#told button.main")
    assert page.evaluate("document.querySelector('#told [name=reason]').validity.valueMissing")
    assert plan_of(console, plan.name) == plan
    screen.tap("#told a:has-text('Leave it as it is')")
    page.wait_for_selector("#told", state="detached")
    screen.settle()
    assert plan_of(console, plan.name) == plan

    settled(screen, "#edit-pin")
    page.fill("#told [name=reason]", "Looked at the levator again.")
    settled(screen, "#told button.main")
    taken_up = plan_of(console, plan.name)
    assert (taken_up.state, taken_up.version) == (Plan.DRAFT, plan.version + 1)
    assert next(each for each in taken_up.steps if each.id == step.id).pinned
    assert reasons(console, plan)[0] == "Looked at the levator again."
    # The control: a draft asks nothing, also not when the change is taken back.
    settled(screen, "#edit-undo")
    assert page.locator("#told").count() == 0
    back = plan_of(console, plan.name)
    assert (back.state, [each.pinned for each in back.steps]) == (Plan.DRAFT, [each.pinned for each in plan.steps])
    assert page.locator("#sign-and-send").count() == 1


def test_a_reason_given_is_not_asked_for_again_with_a_preference(windows: Windows) -> None:
    """One question after the other: why again, then why against each preference; what was answered is kept."""
    screen = windows(java_script_enabled=False)
    screen.sign_in("theo")
    console, page = screen.console, screen.page
    suggested = draft(console, sealed_case(console, "neck_pain_on_warfarin"))
    plan = sent_back(console, signed(console, suggested))
    step = against_a_preference(console, plan)
    page.goto(f"{console.address}/{plan.name}?step={step.id}")
    page.click("#edit-earlier")
    assert WHY_AGAIN in told(screen)
    page.fill("#told [name=reason]", "As we said.")
    page.click("#told button.main")
    asked = 0
    while page.locator("#told").count():
        assert "goes against a preference" in told(screen)
        page.check("#told [value=TEACHING]")
        page.click("#told button.main")
        asked += 1
        assert asked <= MOST_PREFERENCES
    after = plan_of(console, plan.name)
    assert (after.state, after.version) == (Plan.DRAFT, plan.version + 1)
    assert len(after.constraints.overrides) == asked > 0
    assert reasons(console, plan)[0] == "As we said."


def against_a_preference(console: RunningConsole, plan: Plan) -> Step:
    """Returns a step that a preference keeps after the one before it."""
    for step in releases(plan):
        other = neighbour(plan, step, earlier=True)
        if other is None:
            continue
        edit = PlanEdit(move=MoveStep(step=step.id, before=other.id))
        request = RevisePlanRequest(name=plan.name, etag=plan.etag, edits=[edit], reason="trial", validate_only=True)
        try:
            console.plans.RevisePlan(request, metadata=console.credentials("theo"), timeout=30)
        except grpc.RpcError as error:
            if error_of(error).reason == "RULE_NEEDS_OVERRIDE":
                return step
    raise AssertionError("no move of this plan goes against a preference")


# --- overtaken by its assessment ------------------------------------------------------------------------------------


def test_a_plan_whose_assessment_changed_is_planned_on_the_assessment_of_today(screen: Screen) -> None:
    console, page = screen.console, screen.page
    suggested = draft(console, sealed_case(console), person="tess")
    set_by_hand = releases(suggested)[0]
    plan = edited(console, suggested, lasting(set_by_hand, 210), person="tess")
    left_open = screen.context.new_page()
    left_open.goto(f"{console.address}/{plan.name}")
    thinner = a.HealthFlag(condition="anticoagulant", answer=a.HealthFlag.PRESENT)
    opened_again(console, plan.assessment, thinner)
    learnt(console, plan, lambda event: event.state == Plan.STALE)

    left_open.fill("#approve [name=password]", PASSWORD)
    left_open.click("#approve button.main")
    expect(left_open.locator("#told")).to_contain_text("Somebody changed this plan", timeout=SLOW_MILLISECONDS)
    left_open.close()  # behind another tab, every tap would wait for seconds
    screen.open(f"/{plan.name}")
    assert "Inputs changed" in page.locator("#plan-heading").inner_text()
    assert "It cannot be signed or approved like this" in page.locator(".plan-main").inner_text()
    assert page.locator("#approve, #sign-and-send, #onward").count() == 0
    stale = stored_plan(console, plan.name)
    settled(screen, "#edit-refit")
    assert WHY_AGAIN in told(screen)
    assert "The assessment changed" in told(screen)
    page.fill("#told [name=reason]", "Asked about blood thinners.")
    settled(screen, "#told button.main")
    assert "The assessment is open again" in told(screen)
    assert stored_plan(console, plan.name) == stale

    console.seal(plan.assessment)
    settled(screen, "#edit-refit")
    page.fill("#told [name=reason]", "Asked about blood thinners.")
    settled(screen, "#told button.main")
    assert "something that was set by hand before" in told(screen)
    assert "RIGHT levator scapulae" in told(screen)
    assert stored_plan(console, plan.name) == stale
    settled(screen, "#edit-out")
    page.fill("#told [name=reason]", "Asked about blood thinners.")
    settled(screen, "#told button.main")
    again = stored_plan(console, plan.name)
    assert (again.state, again.version) == (Plan.DRAFT, stale.version + 1)
    assert again.assessment_etag == console.stored(plan.assessment).etag != stale.assessment_etag
    assert (set_by_hand.muscle, set_by_hand.side) not in {(each.muscle, each.side) for each in again.steps}
    assert reasons(console, plan)[0] == "Asked about blood thinners."
    assert page.locator("#approve #release [name=password]").count() == 1
    assert page.locator("#read-flags").count() == 1, "what the new answer means has to be read before the release"
