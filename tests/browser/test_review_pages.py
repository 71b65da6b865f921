"""The review of a plan by a trainee and a supervisor: the queue, the page, comments, suggestions, signatures."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from myoplan.planner.v1.plan_pb2 import Attestation, Plan, Signature
from myoplan.planner.v1.review_pb2 import Comment, CreateCommentRequest, ListCommentsRequest
from tests.support.browser import PASSWORD, RunningConsole, Screen
from tests.support.review_story import (
    changed_and_signed,
    draft,
    edited,
    lasting,
    leave_out,
    plan_of,
    releases,
    said,
    sealed_case,
    signed,
)

Windows = Callable[..., Screen]


@pytest.fixture
def supervisor(windows: Windows) -> Screen:
    screen = windows()
    screen.sign_in("sara")
    return screen


@pytest.fixture
def trainee(windows: Windows) -> Screen:
    screen = windows()
    screen.sign_in("theo")
    return screen


def comments_on(console: RunningConsole, plan: Plan) -> tuple[Comment, ...]:
    request = ListCommentsRequest(parent=plan.name)
    return tuple(console.plans.ListComments(request, metadata=console.credentials("sara"), timeout=10).comments)


def row(name: str) -> str:
    client = name.split("/")[1].upper()
    return f".queue-row:has-text('{client}')"


def test_the_queue_is_in_the_order_of_the_sessions(supervisor: Screen) -> None:
    console = supervisor.console
    later = signed(console, draft(console, sealed_case(console, minutes_ahead=300)))
    sooner = changed_and_signed(console, sealed_case(console, minutes_ahead=5))
    flagged = signed(console, draft(console, sealed_case(console, "neck_pain_on_warfarin", minutes_ahead=290)))
    supervisor.open("/review")
    codes = supervisor.page.locator("section:has(h2:has-text('Your turn')) .queue-row strong").all_inner_texts()
    places = [codes.index(each.name.split("/")[1].upper()) for each in (sooner, flagged, later)]
    assert places == sorted(places)
    text = supervisor.page.locator(row(sooner.name)).inner_text()
    assert "Theo" in text
    assert "change" in text
    assert "RIGHT" in text
    assert "signed and waits to be co-signed" in text
    assert "2 flags" in supervisor.page.locator(row(flagged.name)).inner_text()
    assert "as suggested" in supervisor.page.locator(row(later.name)).inner_text()


def test_a_supervisor_reads_three_changes_comments_and_requests_within_nine_taps(supervisor: Screen) -> None:
    """B10."""
    console = supervisor.console
    suggested = draft(console, sealed_case(console, "stiff_shoulder"))
    work = releases(suggested)
    plan = signed(console, edited(console, suggested, *(lasting(step, 240) for step in work[:3])))
    supervisor.open("/review")
    supervisor.tap(f"{row(plan.name)} .visit-go")
    supervisor.page.wait_for_url("**/review")
    expect(supervisor.page.locator(".review-row")).to_have_count(3)
    for place in range(3):
        supervisor.tap(supervisor.page.locator(".review-row").nth(place).locator(".review-seen button"))
        expect(supervisor.page.locator("#seen-count")).to_have_text(f"Seen {place + 1} of 3")
    first = supervisor.page.locator(".review-row").first
    supervisor.tap(first.locator(".comment-new > summary"))
    supervisor.tap(first.locator("label.choice:has([value=must_fix])"))
    first.locator("textarea").fill("Why so short? What did you feel?")
    supervisor.tap(first.locator("button:has-text('Keep as a draft')"))
    supervisor.page.wait_for_selector(".drafts")
    supervisor.page.fill("#request textarea", "See the comment.")
    supervisor.tap("#request button")
    supervisor.page.wait_for_selector(".done:has-text('Changes requested')")
    assert supervisor.taps <= 9
    stored = plan_of(console, plan.name)
    assert stored.state == Plan.RETURNED
    assert stored.open_must_fix == 1
    assert stored.signatures[-1].text == "See the comment."


def test_a_clean_plan_is_co_signed_within_three_taps_and_a_pin(supervisor: Screen) -> None:
    """B11."""
    console = supervisor.console
    plan = signed(console, draft(console, sealed_case(console, "stiff_shoulder")))
    supervisor.open("/review")
    supervisor.tap(f"{row(plan.name)} .visit-go")
    supervisor.page.wait_for_url("**/review")
    supervisor.tap("#sign label:has-text('I reviewed findings and plan')")
    supervisor.page.keyboard.type(PASSWORD)
    supervisor.tap("#sign button")
    supervisor.page.wait_for_selector(".done:has-text('Co-signed')")
    assert supervisor.taps <= 3
    stored = plan_of(console, plan.name)
    assert stored.state == Plan.APPROVED
    last = stored.signatures[-1]
    assert (last.signer.id, last.meaning, last.attestation, last.digest) == (
        "sara",
        Signature.COSIGNED,
        Attestation.REVIEWED_AND_AGREE,
        plan.digest,
    )
    supervisor.open("/review")
    assert (
        plan.name.split("/")[1].upper() in supervisor.page.locator("section:has(h2:has-text('Co-signed'))").inner_text()
    )


def test_no_signature_without_attestation_or_with_a_wrong_password(windows: Windows) -> None:
    screen = windows(java_script_enabled=False)
    screen.sign_in("sara")
    plan = signed(screen.console, draft(screen.console, sealed_case(screen.console)))
    address = f"{screen.console.address}/{plan.name}/review"
    screen.page.goto(address)
    screen.page.locator("#release").evaluate("form => form.noValidate = true")
    screen.page.fill("#release [name=password]", PASSWORD)
    screen.page.click("#release button")
    assert "A bare signature is not enough" in screen.page.locator("#told").inner_text()
    screen.page.goto(address)
    screen.page.check("#release [value=AGREE_EXCEPT]")
    screen.page.fill("[name=attestation_text]", "Less on the left side.")
    screen.page.fill("#release [name=password]", "wrong")
    screen.page.click("#release button")
    assert "password or PIN is not right" in screen.page.locator("#told").inner_text()
    assert screen.page.input_value("[name=attestation_text]") == "Less on the left side."
    assert screen.page.input_value("#release [name=password]") == ""
    assert plan_of(screen.console, plan.name).state == Plan.AWAITING_COSIGN
    screen.page.fill("#release [name=password]", PASSWORD)
    screen.page.click("#release button")
    assert "Co-signed" in screen.page.locator(".done").inner_text()
    assert plan_of(screen.console, plan.name).signatures[-1].text == "Less on the left side."


def test_a_stale_tab_says_so_and_keeps_what_was_typed(supervisor: Screen) -> None:
    console, page = supervisor.console, supervisor.page
    plan = changed_and_signed(console)
    supervisor.open(f"/{plan.name}/review")
    page.fill("#request textarea", "Put the levator back, please.")
    said(console, plan, Comment(kind=Comment.NOTE, text="From another tab."))
    page.click("#request button")
    page.wait_for_selector("#told:has-text('changed since you read it')")
    assert page.input_value("#request textarea") == "Put the levator back, please."
    assert "From another tab." in page.locator("main").inner_text()
    assert plan_of(console, plan.name).state == Plan.AWAITING_COSIGN
    page.click("#request button")
    page.wait_for_selector(".done:has-text('Changes requested')")
    assert plan_of(console, plan.name).state == Plan.RETURNED


def test_two_releases_from_two_tabs_sign_once(supervisor: Screen) -> None:
    console = supervisor.console
    plan = signed(console, draft(console, sealed_case(console)))
    other = supervisor.context.new_page()
    for page in (supervisor.page, other):
        page.goto(f"{console.address}/{plan.name}/review")
        page.check("#release [value=PRESENT]")
        page.fill("#release [name=password]", PASSWORD)
    supervisor.page.click("#release button")
    supervisor.page.wait_for_selector(".done:has-text('Co-signed')")
    other.click("#release button")
    other.wait_for_selector("#told")
    assert [each.meaning for each in plan_of(console, plan.name).signatures].count(Signature.COSIGNED) == 1


def test_the_story_of_a_suggestion(supervisor: Screen, trainee: Screen) -> None:
    """Returned with a must-fix and a suggestion; taken over in one tap; signed again; released."""
    console = supervisor.console
    plan = changed_and_signed(console)
    gone = next(
        each for each in releases(plan_of(console, plan.name, revision=1)) if each.id not in {s.id for s in plan.steps}
    )
    supervisor.open(f"/{plan.name}/review")
    removed = supervisor.page.locator(f"[id='row-{gone.id}']")
    assert "removed" in removed.inner_text()
    removed.locator(".comment-new > summary").click()
    removed.locator("label.choice:has([value=must_fix])").click()
    removed.locator("textarea").fill("Rotation is limited. What does this muscle do?")
    removed.locator(".suggest > summary").click()
    removed.locator("[name=suggest]").check()
    removed.locator("button:has-text('Keep as a draft')").click()
    supervisor.page.wait_for_selector(".drafts .suggested-comes")
    trainee.open(f"/{plan.name}/review")
    assert "Rotation is limited" not in trainee.page.content()
    supervisor.page.fill("#request textarea", "One thing to fix.")
    supervisor.page.click("#request button")
    supervisor.page.wait_for_selector(".done:has-text('Changes requested')")
    assert supervisor.page.locator("#release").count() == 0

    trainee.open("/review")
    assert "sent back" in trainee.page.locator(row(plan.name)).inner_text()
    trainee.page.locator(f"{row(plan.name)} .visit-go").click()
    trainee.page.wait_for_selector("button:has-text('Take over')")
    assert trainee.page.locator("button:has-text('Resolve')").count() == 0, "a must-fix is not the trainee's to resolve"
    trainee.tap("button:has-text('Take over')")
    trainee.page.wait_for_selector(".done:has-text('Taken over')")
    assert trainee.taps == 1
    assert gone.muscle in {step.muscle for step in plan_of(console, plan.name).steps}
    trainee.page.select_option("[name=cosigner]", "sara")
    trainee.page.fill("#sign [name=password]", PASSWORD)
    trainee.page.click("#sign button")
    trainee.page.wait_for_selector(".done:has-text('Signed and sent')")
    assert trainee.page.locator("#release").count() == 0, "nobody releases their own work"

    supervisor.open(f"/{plan.name}/review?view=since")
    assert "added" in supervisor.page.locator(f"[id='row-{gone.id}']").inner_text()
    supervisor.page.check("#release [value=EXAMINED_PATIENT]")
    supervisor.page.fill("#release [name=password]", PASSWORD)
    supervisor.page.click("#release button")
    supervisor.page.wait_for_selector(".done:has-text('Co-signed')")
    stored = plan_of(console, plan.name)
    assert stored.state == Plan.APPROVED
    assert stored.signatures[-1].attestation == Attestation.EXAMINED_PATIENT


def test_a_must_fix_that_is_open_blocks_the_signature_in_words(supervisor: Screen) -> None:
    console = supervisor.console
    plan = changed_and_signed(console)
    said(console, plan, Comment(kind=Comment.MUST_FIX, text="Look again."))
    supervisor.open(f"/{plan.name}/review")
    assert supervisor.page.locator("#release button").is_disabled()
    assert "must-fix comment is open" in supervisor.page.locator("#sign").inner_text()
    supervisor.page.click("button:has-text('Resolve')")
    supervisor.page.wait_for_selector(".comment:has-text('resolved by Sara')")
    assert supervisor.page.locator("#release button").is_enabled()


def test_questions_are_answered(supervisor: Screen, trainee: Screen) -> None:
    console = supervisor.console
    plan = changed_and_signed(console)
    said(console, plan, Comment(kind=Comment.QUESTION, text="Why not the levator?"))
    trainee.open(f"/{plan.name}/review")
    trainee.page.locator(".answer > summary").click()
    trainee.page.keyboard.type("The client did not want it today.")
    trainee.page.locator(".answer button").click()
    trainee.page.wait_for_selector(".drafts")
    trainee.page.click(".drafts button.main")
    trainee.page.wait_for_selector(".answers:has-text('did not want it today')")
    supervisor.open(f"/{plan.name}/review")
    assert "did not want it today" in supervisor.page.locator(".answers").inner_text()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_a_draft_is_deleted_and_nobody_has_seen_it(windows: Windows, console: RunningConsole, scripts: bool) -> None:
    plan = signed(console, draft(console, sealed_case(console, "stiff_shoulder")))
    for text in ("Too rash.", "Kept."):
        request = CreateCommentRequest(parent=plan.name, comment=Comment(kind=Comment.NOTE, text=text))
        console.plans.CreateComment(request, metadata=console.credentials("sara"), timeout=10)
    screen = windows(java_script_enabled=scripts)
    screen.sign_in("sara", f"/{plan.name}/review")
    drafts, delete = screen.page.locator(".drafts li"), screen.page.get_by_role("button", name="Delete draft")
    expect(drafts).to_have_count(2)
    gone_elsewhere = screen.context.new_page()
    gone_elsewhere.goto(screen.page.url)
    delete.first.click()
    expect(screen.page.locator(".done")).to_have_text("The draft is deleted. Nobody else has seen it.")
    expect(drafts).to_have_count(1)
    gone_elsewhere.get_by_role("button", name="Delete draft").first.click()
    expect(gone_elsewhere.locator(".done")).to_contain_text("The draft is deleted.")
    screen.page.click(".drafts button.main")
    expect(screen.page.locator(".comment-text")).to_have_text(["Kept."])
    assert [each.text for each in comments_on(console, plan)] == ["Kept."]


def test_flags_are_read_before_the_release(supervisor: Screen) -> None:
    console = supervisor.console
    plan = signed(console, draft(console, sealed_case(console, "neck_pain_on_warfarin")))
    supervisor.open(f"/{plan.name}/review")
    assert "flag has not been read" in supervisor.page.locator("#sign").inner_text()
    for left in (1, 0):
        supervisor.page.locator("button:has-text('I have read it')").first.click()
        expect(supervisor.page.locator(".flag-row button")).to_have_count(left)
    assert supervisor.page.locator("#release button").is_enabled()
    assert "read by Sara" in supervisor.page.locator(".flag-row").first.inner_text()


def test_a_therapist_approves_their_own_plan_here(screen: Screen) -> None:
    plan = draft(screen.console, sealed_case(screen.console), person="tess")
    screen.open(f"/{plan.name}/review")
    assert screen.page.locator("[name=attestation]").count() == 0
    screen.page.fill("#release [name=password]", PASSWORD)
    screen.page.click("#release button")
    screen.page.wait_for_selector(".done:has-text('Approved')")
    assert plan_of(screen.console, plan.name).state == Plan.APPROVED


def test_keys_move_the_focus_and_sign_nothing(supervisor: Screen) -> None:
    console = supervisor.console
    suggested = draft(console, sealed_case(console))
    work = releases(suggested)
    plan = signed(console, edited(console, suggested, leave_out(work[0]), lasting(work[2], 210)))
    supervisor.open(f"/{plan.name}/review")
    page = supervisor.page
    page.keyboard.press("j")
    page.keyboard.press("j")
    second = page.locator(".review-row").nth(1).get_attribute("id")
    assert page.evaluate("document.activeElement.id") == second
    page.keyboard.press("e")
    page.wait_for_selector("#seen-count:has-text('Seen 1')")
    expect(page.locator(f"[id='{second}']")).to_be_focused()
    page.keyboard.press("c")
    assert page.evaluate("document.activeElement.closest('.review-row').id") == second
    assert page.evaluate("document.activeElement.tagName") == "TEXTAREA"
    page.locator("body").click(position={"x": 2, "y": 2})
    page.keyboard.press("r")
    assert page.evaluate("document.activeElement.name") == "reason"
    page.locator("body").click(position={"x": 2, "y": 2})
    page.keyboard.press("s")
    assert page.evaluate("document.activeElement.name") == "attestation"
    assert plan_of(console, plan.name).state == Plan.AWAITING_COSIGN


def test_what_people_write_is_text(supervisor: Screen) -> None:
    console = supervisor.console
    plan = changed_and_signed(console)
    said(console, plan, Comment(kind=Comment.NOTE, text="<script>alert(1)</script>\u202e=1+1 <b>bold</b>"))
    supervisor.open(f"/{plan.name}/review")
    assert "<script>alert(1)</script>" in supervisor.page.locator(".comment-text").inner_text()
    assert supervisor.page.locator(".comment b:has-text('bold')").count() == 0


def test_another_clinic_and_a_wrong_role_see_nothing(windows: Windows, console: RunningConsole) -> None:
    plan = changed_and_signed(console)
    other = windows()
    other.sign_in("otto")
    answer = other.page.goto(f"{console.address}/{plan.name}/review")
    assert answer is not None
    assert answer.status == 404
    assert "Theo" not in other.page.content()


def test_minutes_and_technique_can_be_suggested(supervisor: Screen, trainee: Screen) -> None:
    console = supervisor.console
    suggested = draft(console, sealed_case(console))
    work = releases(suggested)
    plan = signed(console, edited(console, suggested, lasting(work[2], 210)))
    supervisor.open(f"/{plan.name}/review")
    changed = supervisor.page.locator(".change-changed").first
    changed.locator(".comment-new > summary").click()
    changed.locator("textarea").fill("Give it longer.")
    changed.locator(".suggest > summary").click()
    changed.locator("[name=suggest_minutes]").fill("six")
    changed.locator("button:has-text('Keep as a draft')").click()
    supervisor.page.wait_for_selector("#told:has-text('Write the minutes')")
    again = supervisor.page.locator(".change-changed").first
    assert again.locator("textarea").input_value() == "Give it longer."
    again.locator("[name=suggest_minutes]").fill("5.5")
    again.locator("button:has-text('Keep as a draft')").click()
    supervisor.page.wait_for_selector(".drafts")
    supervisor.page.click(".drafts button.main")
    supervisor.page.wait_for_selector(".comment .suggested-comes:has-text('5.5′')")
    trainee.open(f"/{plan.name}/review")
    trainee.page.click("button:has-text('Take over')")
    trainee.page.wait_for_selector(".done:has-text('Taken over')")
    stored = plan_of(console, plan.name)
    assert next(step for step in stored.steps if step.id == work[2].id).duration.seconds == 330
    assert stored.state == Plan.DRAFT


def test_the_same_as_data(supervisor: Screen) -> None:
    console = supervisor.console
    plan = changed_and_signed(console)
    told = supervisor.page.request.get(f"{console.address}/{plan.name}/review.json").json()
    assert told["digest"] == plan.digest
    assert {each["step"]["change"] for each in told["rows"]} >= {"removed"}
    assert [each["grade"] for each in told["checks"]].count("wrong") == 0
    queue = supervisor.page.request.get(f"{console.address}/review.json").json()
    assert f"/{plan.name}/review" in {each["address"] for each in queue["yours"]}


def test_a_password_is_never_kept_with_an_entry(windows: Windows) -> None:
    """The form waits behind the lock; the password in it does not, so it is asked for again."""
    screen = windows(java_script_enabled=False)
    screen.sign_in("sara")
    page = screen.page
    plan = signed(screen.console, draft(screen.console, sealed_case(screen.console)))
    page.goto(f"{screen.console.address}/{plan.name}/review")
    page.check("#release [value=PRESENT]")
    page.fill("#release [name=password]", PASSWORD)
    other = screen.context.new_page()
    other.goto(f"{screen.console.address}/today")
    other.click(".menu summary")
    other.click("button:has-text('Lock now')")
    page.click("#release button")
    page.fill("[name=password]", PASSWORD)
    page.click("main button.main")
    assert "Your entry is kept" in page.content()
    assert PASSWORD not in page.content()
    page.click("button:has-text('Try again')")
    assert "Enter your password or PIN" in page.locator("#told").inner_text()
    assert page.is_checked("#release [value=PRESENT]")
    assert plan_of(screen.console, plan.name).state == Plan.AWAITING_COSIGN
