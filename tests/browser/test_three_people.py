"""The story of one plan from draft to progress: a trainee, a supervisor and a therapist, each in their own window.

Only the pages act. Nobody looks at the services before the story is over.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Locator, expect

from myoplan.planner.v1.plan_pb2 import Attestation, Plan, Signature, Step
from myoplan.planner.v1.review_pb2 import Comment, ListCommentsRequest, ListPlanEventsRequest
from myoplan.planner.v1.session_pb2 import ReportDeliveryRequest, Session, SessionStep
from tests.support.browser import PASSWORD, RunningConsole, Screen, new_client
from tests.support.review_story import plan_of, sealed_case
from tests.support.visits import stored_session

Windows = Callable[..., Screen]
ROOM = (820, 1180)
SLOW_MILLISECONDS = 30_000  # three windows and everything they need, on a machine that is busy
FOUR_WEEKS_AGO = -28 * 24 * 60
STEP_MILLISECONDS = 120_000
LOST_MINUTES = 12
DONE_BEFORE_THE_LOSS = 3
CHANGED = "changed since you read it"

TRAIL = [
    ("CREATED", "theo"),
    ("EDITED", "theo"),
    ("EDITED", "theo"),
    ("SIGNED", "theo"),
    ("COMMENTED", "sara"),
    ("RETURNED", "sara"),
    ("EDITED", "theo"),
    ("COMMENTED", "theo"),
    ("SIGNED", "theo"),
    ("COMMENT_RESOLVED", "sara"),
    ("COSIGNED", "sara"),
]
"""What happened to the plan, one revision each."""
BESIDE_THE_PLAN = Counter({
    ("assessments", "CREATED", "tess"): 2,
    ("assessments", "COMPLETED", "tess"): 2,
    ("comment_drafts", "COMMENT_DRAFTED", "sara"): 2,
    ("comment_drafts", "DRAFTS_CLEARED", "sara"): 1,
    ("comment_drafts", "COMMENT_DRAFTED", "theo"): 1,
    ("comment_drafts", "DRAFTS_CLEARED", "theo"): 1,
    ("sessions", "SESSION_STARTED", "tess"): 1,
    ("sessions", "SESSION_REFITTED", "tess"): 1,
    ("sessions", "SESSION_FINISHED", "tess"): 1,
})  # fmt: skip
REFUSED = Counter({
    ("ApprovePlan", "sara", "ETAG_MISMATCH"): 1,
    ("ApprovePlan", "tess", "ETAG_MISMATCH"): 2,
    ("WithdrawPlan", "theo", "ETAG_MISMATCH"): 2,
})  # fmt: skip
"""What was tried from pages that were left open."""


@dataclass
class Stage:
    """Three people at work on one plan."""

    console: RunningConsole
    theo: Screen
    sara: Screen
    tess: Screen
    client: str
    assessment: str
    plan: str = ""
    told: str = ""
    report: str = ""

    @property
    def row(self) -> str:
        """The row of the plan in the queue."""
        return f".queue-row:has-text('{self.client.upper()}')"

    @property
    def review(self) -> str:
        return f"/{self.plan}/review"


def test_a_trainee_drafts_a_supervisor_reviews_and_a_therapist_works_it(
    windows: Windows, console: RunningConsole
) -> None:
    client = new_client()
    sealed_case(console, client=client, minutes_ahead=FOUR_WEEKS_AGO)
    theo, sara, tess = windows(), windows(), windows(size=ROOM)
    tess.page.clock.install()
    for screen, person in ((theo, "theo"), (sara, "sara"), (tess, "tess")):
        screen.context.set_default_timeout(SLOW_MILLISECONDS)
        screen.sign_in(person)
    assessment = sealed_case(console, client=client)
    stage = Stage(console, theo, sara, tess, client, assessment)

    drafted(stage)
    first, gone = changed_and_sent(stage)
    old_releases_are_refused(stage, stage.sara, stage.tess)
    the_trainee_finds_no_way_to_release(stage)
    sent_back(stage, first, gone)
    an_old_withdrawal_is_refused(stage)
    taken_over_and_sent_again(stage, gone)
    old_releases_are_refused(stage, stage.tess)
    nobody_works_it_yet(stage)
    cosigned(stage, first, gone)
    an_old_withdrawal_is_refused(stage)
    worked(stage)
    closed(stage)
    followed(stage)

    check_signatures(stage)
    check_session(stage)
    check_audit(stage)


def says(place: Locator, text: str) -> None:
    """Waits until a place of a page holds a text."""
    expect(place).to_contain_text(text, timeout=SLOW_MILLISECONDS)


# --- the trainee ----------------------------------------------------------------------------------------------------


def drafted(stage: Stage) -> None:
    """The trainee has a plan made from the sealed assessment; the two others open it and leave it open."""
    theo = stage.theo
    theo.open("/today")
    theo.tap(f".visit-go[href='/{stage.assessment}/fit']")
    theo.page.wait_for_selector("#fit-form")
    theo.tap("#fit-form label.choice:has([name=minutes][value='50'])")
    theo.tap("#fit-form button.big")
    theo.page.wait_for_url("**/plans/*")
    stage.plan = theo.page.evaluate("location.pathname").strip("/")
    for other in (stage.sara, stage.tess):
        about_to_release(stage, other)


def about_to_release(stage: Stage, screen: Screen) -> None:
    """Opens the review and fills in everything but the last tap."""
    screen.open(stage.review)
    screen.page.check("#release [value=REVIEWED_AND_AGREE]")
    screen.page.fill("#release [name=password]", PASSWORD)


def changed_and_sent(stage: Stage) -> tuple[str, str]:
    """The trainee shortens one step, leaves another out, and sends it; returns the ids of both."""
    theo = stage.theo
    first, *_, last = theo.page.locator("[id^='step-release-']").evaluate_all("all => all.map(each => each.id)")
    for row, button in ((first, "#edit-shorter"), (last, "#edit-out")):
        theo.tap(f"[id='{row}'] .step-link")
        theo.page.wait_for_selector(f"[id='{row}'].here")
        edited(theo, button)
    theo.tap("#sign-and-send")
    theo.page.wait_for_url("**/review#sign")
    signed_and_sent(theo)
    return first.removeprefix("step-"), last.removeprefix("step-")


def edited(screen: Screen, button: str) -> None:
    before = screen.page.locator("#plan").get_attribute("data-etag")
    screen.tap(button)
    screen.page.wait_for_selector(f"#plan:not([data-etag='{before}'])")
    assert screen.page.locator("#told").count() == 0


def signed_and_sent(screen: Screen) -> None:
    screen.page.select_option("#sign [name=cosigner]", "sara")
    screen.page.fill("#sign [name=password]", PASSWORD)
    screen.tap("#sign button.main")
    screen.page.wait_for_selector(".done:has-text('Signed and sent')")


def the_trainee_finds_no_way_to_release(stage: Stage) -> None:
    """The control: no page offers it to him, and sent all the same with what is current it is refused."""
    theo = stage.theo
    for address in ("/review", f"/{stage.plan}", stage.review):
        theo.open(address)
        offered = theo.page.locator("main a, main button, header.top a, header.top button").all_inner_texts()
        assert not [text for text in offered if "co-sign" in text.lower() or "approve" in text.lower()], address
        assert theo.page.locator("#release, [name=attestation]").count() == 0
    for act in ("cosign", "approve"):
        assert "Your role may not do this" in sends(stage, theo, act)


def sends(stage: Stage, screen: Screen, act: str) -> str:
    """Sends a form that the page does not offer, with its own etag and digest; returns what the answer tells."""
    told: str = screen.page.evaluate(
        """async ([address, fields]) => {
          const sent = document.querySelector('form:has([name=digest])');
          for (const name of ['etag', 'digest', 'request_id']) fields[name] = sent.elements[name].value;
          fields.form_token = document.body.dataset.formToken;
          const answer = await fetch(address, {method: 'POST', body: new URLSearchParams(fields)});
          const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
          return page.getElementById('told')?.textContent || '';
        }""",
        [f"{stage.review}/{act}", {"attestation": "PRESENT", "attest": "yes", "password": PASSWORD}],
    )
    return told


def taken_over_and_sent_again(stage: Stage, gone: str) -> None:
    """It is the trainee's turn: he takes the suggestion, answers, and sends it; the therapist looked in between."""
    theo = stage.theo
    theo.open("/review")
    yours = theo.page.locator(f"section:has(h2:has-text('Your turn')) {stage.row}")
    says(yours, "It was sent back")
    theo.tap(yours.locator(".visit-go"))
    theo.page.wait_for_selector("#review")
    must_fix = theo.page.locator(f"[id='row-{gone}'] .comment-must_fix")
    says(must_fix, "Rotation is limited")
    assert must_fix.locator("button:has-text('Resolve')").count() == 0, "a must-fix is not the trainee's to resolve"
    theo.tap(must_fix.locator("button:has-text('Take over')"))
    theo.page.wait_for_selector(".done:has-text('Taken over')")
    about_to_release(stage, stage.tess)
    theo.tap(".comment-question .answer > summary")
    theo.page.wait_for_selector(".comment-question .answer textarea:focus")
    theo.page.keyboard.type("It was sore for two days last time.")
    theo.tap(".comment-question .answer button")
    theo.page.wait_for_selector(".drafts")
    theo.tap(".drafts button.main")
    theo.page.wait_for_selector(".answers:has-text('sore for two days')")
    signed_and_sent(theo)


# --- the supervisor -------------------------------------------------------------------------------------------------


def sent_back(stage: Stage, first: str, gone: str) -> None:
    """The supervisor finds it in her queue and sends it back with a must-fix, a suggestion and a question."""
    sara = stage.sara
    opened_from_queue(stage)
    assert "removed" in sara.page.locator(f"[id='row-{gone}']").inner_text()
    assert "changed" in sara.page.locator(f"[id='row-{first}']").inner_text()
    draft_comment(sara, gone, "must_fix", "Rotation is limited. What does this muscle do?", suggest=True)
    draft_comment(sara, first, "question", "Why so short?")
    sara.page.fill("#request textarea", "Two things.")
    sara.tap("#request button")
    sara.page.wait_for_selector(".done:has-text('Changes requested')")
    assert sara.page.locator("#release").count() == 0


def opened_from_queue(stage: Stage) -> None:
    sara = stage.sara
    sara.open("/review")
    sara.tap(f"section:has(h2:has-text('Your turn')) {stage.row} .visit-go")
    sara.page.wait_for_selector("#review")


def draft_comment(screen: Screen, step: str, kind: str, text: str, *, suggest: bool = False) -> None:
    row = screen.page.locator(f"[id='row-{step}']")
    before = screen.page.locator(".drafts li").count()
    screen.tap(row.locator(".comment-new > summary"))
    screen.tap(row.locator(f"label.choice:has([value={kind}])"))
    row.locator("textarea").fill(text)
    if suggest:
        screen.tap(row.locator(".suggest > summary"))
        row.locator("[name=suggest]").check()
    screen.tap(row.locator("button:has-text('Keep as a draft')"))
    expect(screen.page.locator(".drafts label.tick")).to_have_count(before + 1, timeout=SLOW_MILLISECONDS)


def cosigned(stage: Stage, first: str, gone: str) -> None:
    """The supervisor sees only what changed since she looked, reads the answer, and co-signs what she saw."""
    sara = stage.sara
    opened_from_queue(stage)
    assert "Theo" in sara.page.locator("header.top").inner_text()
    sara.tap("nav a:has-text('Since my last look')")
    sara.page.wait_for_url("**view=since*")
    assert sara.page.locator(f"[id='row-{gone}'].change-added").count() == 1
    assert sara.page.locator(f"[id='row-{first}'].change-same").count() == 1, "she knew that it was shortened"
    changes = sara.page.locator(".review-row:not(.change-same)")
    muscle = sara.page.locator(f"[id='row-{gone}'] .review-what strong").inner_text()
    assert set(changes.locator(".review-what strong").all_inner_texts()) == {muscle}, (
        "its release, and what goes with it"
    )
    assert "change-changed" not in " ".join(changes.evaluate_all("all => all.map(each => each.className)"))
    assert "sore for two days" in sara.page.locator(".answers").inner_text()
    sara.tap(".comment-question > .comment-acts button:has-text('Resolve')")
    sara.page.wait_for_selector(".comment-question:has-text('resolved by Sara')")
    sara.page.check("#release [value=REVIEWED_AND_AGREE]")
    sara.page.fill("#release [name=password]", PASSWORD)
    sara.tap("#release button")
    sara.page.wait_for_selector(".done:has-text('Co-signed')")


# --- pages that were left open --------------------------------------------------------------------------------------


def old_releases_are_refused(stage: Stage, *screens: Screen) -> None:
    """Somebody taps the release of a page that was open before the trainee sent: it says so, and keeps no password."""
    for screen in screens:
        screen.tap("#release button")
        says(screen.page.locator("#told"), CHANGED)
        assert "In review" in screen.page.locator("header.top").inner_text()
        for password in screen.page.locator("[name=password]").all():
            assert password.input_value() == ""
    # Now that they see the plan as it is, only the one who was asked can co-sign it.
    assert stage.tess.page.locator("#release").count() == 0
    assert "waits for the person who was asked" in stage.tess.page.locator("main").inner_text()


def an_old_withdrawal_is_refused(stage: Stage) -> None:
    """The trainee's page still offers to take the plan back, after the supervisor has decided."""
    theo = stage.theo
    theo.page.locator("details:has(form[action$='/withdraw']) > summary").tap()
    theo.page.fill("form[action$='/withdraw'] [name=reason]", "One more look.")
    theo.tap("form[action$='/withdraw'] button")
    says(theo.page.locator("#told"), CHANGED)


def nobody_works_it_yet(stage: Stage) -> None:
    stage.tess.open(f"/{stage.plan}/room")
    assert "cannot be worked" in stage.tess.page.locator("main").inner_text()


# --- the therapist --------------------------------------------------------------------------------------------------


def worked(stage: Stage) -> None:
    """The therapist starts, loses twelve minutes, is told what the re-fit changes, and works the rest."""
    tess = stage.tess
    tess.open("/today")
    tess.tap(f".visit-go[href='/{stage.plan}']")
    tess.page.wait_for_selector("#plan")
    assert "Approved" in tess.page.locator("#plan-heading").inner_text()
    tess.tap("#onward")
    tess.page.wait_for_url("**/room")
    tess.tap("#room-start button")
    tess.page.wait_for_selector("#room-next:visible")
    for _ in range(DONE_BEFORE_THE_LOSS):
        go_on(tess)
    stored(tess)
    tess.tap("#room-change")
    tess.tap(f"[data-lost='{LOST_MINUTES}']")
    says(tess.page.locator("#room-said"), "Re-fitted:")
    stage.told = tess.page.locator("#room-said").inner_text()
    left = int(tess.page.locator("#room-count").inner_text().split()[-1]) - DONE_BEFORE_THE_LOSS
    for _ in range(left):
        go_on(tess)
    assert tess.page.locator("#room-end-title").inner_text() == "All steps are done."
    stored(tess)


def go_on(screen: Screen) -> None:
    screen.page.clock.fast_forward(STEP_MILLISECONDS)
    screen.tap("#room-next")


def stored(screen: Screen) -> None:
    """Waits until nothing waits on the device any more."""
    screen.page.wait_for_function("() => !document.getElementById('room-network').textContent")


def closed(stage: Stage) -> None:
    """She measures again, asks for the pain and how the client is, and reads planned against done."""
    tess = stage.tess
    tess.tap("#room-finish")
    tess.page.wait_for_selector("#finish")
    for bar in tess.page.locator("svg.bar").all():
        tess.tap_bar(bar, 0.7)
    tess.tap("label:has([name=pain][value='2'])")
    tess.tap("label:has([name=reaction][value=as_expected])")
    tess.tap("#finish-go")
    tess.page.wait_for_selector("text=Planned against done")
    stage.report = tess.page.locator("main").inner_text()
    assert "Tess" in stage.report
    assert "As expected" in stage.report
    tess.tap("header.top a.main")
    tess.page.wait_for_url("**/progress")
    assert "2 visits" in tess.page.locator("header.top").inner_text()
    assert "6 → 2" in tess.page.locator("main tbody").last.inner_text()


def followed(stage: Stage) -> None:
    """The two others are led from the plan to what was done."""
    for screen in (stage.theo, stage.sara):
        screen.open(f"/{stage.plan}")
        assert screen.page.locator("#onward").inner_text() == "What was done"
        assert screen.page.locator("text=Start treatment").count() == 0
    stage.theo.tap("#onward")
    stage.theo.page.wait_for_selector("text=Planned against done")


# --- what the services have stored ----------------------------------------------------------------------------------


def check_signatures(stage: Stage) -> None:
    """Who did what to which content, revision by revision."""
    console = stage.console
    request = ListPlanEventsRequest(parent=stage.plan)
    events = console.plans.ListPlanEvents(request, metadata=console.credentials("sara"), timeout=10).events
    assert [(each.action, each.person.id) for each in reversed(events)] == TRAIL
    revisions = [plan_of(console, stage.plan, revision=number) for number in range(1, len(TRAIL) + 1)]
    returned, final = revisions[5], revisions[-1]
    assert [each.version for each in revisions] == [1, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4]
    assert len({each.digest for each in revisions}) == final.version
    assert meanings(returned) == [("theo", Signature.AUTHORED), ("sara", Signature.RETURNED)]
    assert {each.digest for each in returned.signatures} == {returned.digest}
    assert meanings(revisions[6]) == [], "an edit makes a version that nobody has signed"
    assert meanings(final) == [("theo", Signature.AUTHORED), ("sara", Signature.COSIGNED)]
    assert {each.digest for each in final.signatures} == {final.digest} != {returned.digest}
    assert final.signatures[-1].attestation == Attestation.REVIEWED_AND_AGREE
    assert (final.state, final.approved_version, final.hold) == (Plan.APPROVED, final.version, False)
    assert [(each.person.id, each.trainee) for each in final.contributors] == [("theo", True)]
    said = console.plans.ListComments(
        ListCommentsRequest(parent=stage.plan), metadata=console.credentials("sara"), timeout=10
    ).comments
    assert Counter((each.author.id, each.status) for each in said if not each.reply_to) == Counter(
        [("sara", Comment.TAKEN), ("sara", Comment.RESOLVED)]
    )


def meanings(plan: Plan) -> list[tuple[str, Any]]:
    return [(each.signer.id, each.meaning) for each in plan.signatures]


def check_session(stage: Stage) -> None:
    """The session worked what was co-signed, less twelve minutes, and the report counts it once."""
    console, plan = stage.console, plan_of(stage.console, stage.plan)
    session = stored_session(console, stage.plan)
    assert (session.state, session.therapist.id) == (Session.FINISHED, "tess")
    assert (session.version, session.digest) == (plan.version, plan.digest)
    assert [each.lost.seconds for each in session.changes] == [LOST_MINUTES * 60]
    work = [each for each in session.steps if each.step.phase != Step.TURN]
    approved = {each.id: each.duration.seconds for each in plan.steps if each.phase != Step.TURN}
    assert {each.step.id for each in work} == set(approved)
    assert {each.status for each in work} <= {SessionStep.DONE, SessionStep.DROPPED}
    done = [each for each in work if each.status == SessionStep.DONE]
    assert all(each.step.duration.seconds <= approved[each.step.id] for each in done)
    assert sum(each.step.duration.seconds for each in done) < sum(approved.values())
    assert all(each.delivered.seconds > 0 for each in done)
    for sentence in session.changes[0].sentences:
        assert sentence in stage.told
        assert sentence in stage.report
    assert session.pain == 2
    assert session.retests
    assert all(each.HasField("before") for each in session.retests)
    report = console.plans.ReportDelivery(
        ReportDeliveryRequest(parent=f"clients/{stage.client}"), metadata=console.credentials("sara"), timeout=10
    )
    assert report.sessions == 1
    assert sum(each.steps_done for each in report.techniques) == len(done)


def check_audit(stage: Stage) -> None:
    """The clinic verifies as sound; the trail holds everything that was done to the plan once, and every refusal."""
    planner, assessment = (
        verifying(stage, service, module)
        for service, module in (("planner", "services.planner.verify"), ("assessment", "services.store.verify"))
    )
    entries = [*sound(planner, "planner"), *sound(assessment, "assessment")]
    own = [each for each in entries if each["name"].startswith(f"clients/{stage.client}/")]
    written = Counter((each["name"].split("/")[2], each["action"], each["person"]) for each in own if each["revision"])
    delivered = written.pop(("sessions", "DELIVERED", "tess"))
    assert delivered >= DONE_BEFORE_THE_LOSS
    assert written == Counter(("plans", *each) for each in TRAIL) + BESIDE_THE_PLAN
    refused = Counter((each["action"], each["person"], each["reason"]) for each in own if not each["revision"])
    assert refused == REFUSED
    lacking = {(each["action"], each["person"]) for each in entries if each["reason"] == "ROLE_LACKS_RIGHT"}
    assert lacking >= {("CosignPlan", "theo"), ("ApprovePlan", "theo")}


def verifying(stage: Stage, service: str, module: str) -> subprocess.Popen[str]:
    """Begins to verify the clinic as an auditor does."""
    running = stage.console.running
    arguments = ["--url", running.store_url, "--service", service, "--clinic", "demo", "--print-entries"]
    sealed = ["--key", str(stage.console.keys.seal_key_file), "--anchor", f"{running.anchors}/{service}.json"]
    return subprocess.Popen([sys.executable, "-m", module, *arguments, *sealed], stdout=subprocess.PIPE, text=True)


def sound(verifying: subprocess.Popen[str], service: str) -> list[dict[str, Any]]:
    """Returns the entries of a clinic that has to be sound."""
    output, _ = verifying.communicate()
    *entries, verdict = output.splitlines()
    assert verdict.startswith(f"{service} demo: sound, "), verdict
    assert verifying.returncode == 0
    return [json.loads(entry) for entry in entries]
