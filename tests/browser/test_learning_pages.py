"""Learning mode: nothing of the answer before the lock, the comparison after it, marks, and earlier predictions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from myoplan.planner.v1.learning_pb2 import ListPredictionsRequest, Prediction
from tests.support.browser import RunningConsole, Screen
from tests.support.review_story import draft, releases, sealed_case, signed

Windows = Callable[..., Screen]


def predictions(console: RunningConsole, assessment: str, person: str = "sara") -> list[Prediction]:
    request = ListPredictionsRequest(parent=assessment.partition("/assessments/")[0])
    listed = console.plans.ListPredictions(request, metadata=console.credentials(person), timeout=10)
    return [each for each in listed.predictions if each.assessment == assessment]


def as_trainee(windows: Windows, **more: Any) -> Screen:
    screen = windows(**more)
    screen.sign_in("theo")
    return screen


def fill(screen: Screen, n: int, muscle: str, side: str, sure: str = "no", minutes: str = "") -> None:
    screen.page.fill(f"[name=muscle-{n}]", muscle)
    screen.page.check(f"[name=side-{n}][value={side}]", force=True)
    screen.page.check(f"[name=sure-{n}][value={sure}]", force=True)
    if minutes:
        screen.page.fill(f"[name=minutes-{n}]", minutes)


def words_of_the_answer(console: RunningConsole, assessment: str) -> set[str]:
    """Returns what a plan of the assessment says: muscles, techniques and step ids that the assessment does not say."""
    plan = draft(console, assessment, person="tess")
    muscles = {step.muscle for step in plan.steps if step.muscle} | {each.muscle for each in plan.candidates}
    told = muscles | {muscle.replace("_", " ") for muscle in muscles} | {plan.digest, plan.name}
    told |= {step.id for step in plan.steps if step.muscle} | {step.technique for step in plan.steps if step.technique}
    told |= {step.instruction for step in plan.steps if step.instruction} | {each.message for each in plan.omissions}
    assert len(told) > 50
    return told


def test_nothing_of_the_answer_is_sent_before_the_lock(windows: Windows) -> None:
    screen = as_trainee(windows)
    console, page = screen.console, screen.page
    assessment = sealed_case(console)
    answer = words_of_the_answer(console, assessment)
    sent: dict[str, str] = {}
    page.on(
        "response",
        lambda got: sent.update({got.url: got.text()}) if "/static/" not in got.url and got.status == 200 else None,
    )
    screen.open(f"/{assessment}/predict")
    page.click("main button.main")
    page.wait_for_selector("#prediction")
    screen.settle()
    source = page.content()
    as_data = page.request.get(f"{console.address}/{assessment}/predict.json").text()
    learn = page.request.get(f"{console.address}/learn.json").text()
    today = page.request.get(f"{console.address}/today.json").text()
    # The list of all muscles is the same for every client, so it tells nothing; it is left out of what is searched.
    every_muscle = json.loads(as_data)["muscles"]
    assert len(every_muscle) > 150
    without_list = json.dumps({**json.loads(as_data), "muscles": []})
    bodies = [re.sub(r"<datalist.*?</datalist>", "", text, flags=re.DOTALL) for text in (source, *sent.values())]
    for text in (*bodies, without_list, learn, today):
        found = {word for word in answer if word in text}
        assert found == set()
    addresses = [url for url in sent if "/static/chart/" in url]
    assert all("/zones.json" in url for url in addresses)
    for path in (f"/{assessment}/fit", "/review"):
        text = page.request.get(console.address + path).text()
        assert not any(word in text for word in answer if word.startswith("release-"))
    plan = draft(console, assessment, person="tess")
    for path in (f"/{plan.name}", f"/{plan.name}/review", f"/{plan.name}.json"):
        got = page.request.get(console.address + path)
        assert got.status == 403
        assert "Lock your prediction" in got.text()
        assert not any(word in got.text() for word in answer)


def test_predict_lock_reveal_and_mark(windows: Windows) -> None:
    screen = as_trainee(windows)
    console, page = screen.console, screen.page
    assessment = sealed_case(console, "stiff_shoulder")
    treated = [(step.muscle, step.side) for step in releases(draft(console, assessment, person="tess"))]
    screen.open("/learn")
    client = assessment.split("/")[1].upper()
    page.locator(f".case-row:has-text('{client}') .visit-go").click()
    page.click("main button.main")
    page.wait_for_selector("#prediction")
    fill(screen, 1, "infraspinatus", "right", "yes", "6")
    fill(screen, 2, "upper trapezius", "left")
    page.fill("[name=reasoning]", "Turning in hurts <b>most</b>.")
    page.click("button:has-text('Lock my answer')")
    page.wait_for_selector(".compare")
    rows = {row.get_attribute("id"): row.inner_text() for row in page.locator(".compare tbody tr").all()}
    assert "Agreed" in rows["infraspinatus-right"]
    assert "1 · Sure · 6′" in rows["infraspinatus-right"]
    assert "Added" in rows["upper_trapezius-left"]
    missed = [text for text in rows.values() if "Missed" in text]
    assert len(missed) == len(set(treated)) - 1
    assert all("?" in text and "not named" in text for text in missed)
    assert "Turning in hurts <b>most</b>." in page.locator("main").inner_text()

    trail = page.locator("#infraspinatus-right details")
    trail.locator("summary").click()
    trail.locator(".show-referral").click()
    page.wait_for_selector(".referral .refers-usual")
    assert page.locator(".referral .refers-sometimes, .referral .refers-usual").count() >= 2
    page.click("#learn-views button:has-text('Back')")
    page.wait_for_selector(".referral .refers-point")
    assert page.locator(".body .mark-pain").count() >= 1

    address = page.evaluate("location.pathname")
    screen.open(f"/{assessment}/predict")
    assert page.evaluate("location.pathname") == address, "who has locked does not predict again"


def test_a_supervisor_marks_by_the_rubric_and_the_trainee_reads_it(windows: Windows) -> None:
    screen = as_trainee(windows)
    console, page = screen.console, screen.page
    assessment = sealed_case(console, "stiff_shoulder")
    client = assessment.split("/")[1].upper()
    screen.open(f"/{assessment}/predict")
    page.click("main button.main")
    page.wait_for_selector("#prediction")
    fill(screen, 1, "infraspinatus", "right")
    page.click("button:has-text('Lock my answer')")
    page.wait_for_selector(".compare")
    address = page.evaluate("location.pathname")

    teacher = windows()
    teacher.sign_in("sara")
    teacher.open("/learn")
    teacher.page.locator(f"tr:has-text('{client}') a.button").click()
    teacher.page.wait_for_selector("#marks form")
    teacher.page.click("#marks form button")
    teacher.page.wait_for_selector("[role=alert]:has-text('Choose a level')")
    teacher.page.check("[name=level-reasoning][value='3']", force=True)
    teacher.page.fill("[name=comment-reasoning]", "Say which test told you.")
    teacher.page.check("[name=level-safety][value='4']", force=True)
    teacher.page.click("#marks form button")
    teacher.page.wait_for_selector("#marks li:has-text('with a hint')")
    [stored] = predictions(console, assessment)
    assert {(mark.criterion, mark.level, mark.person.id) for mark in stored.marks} == {
        ("reasoning", 3, "sara"),
        ("safety", 4, "sara"),
    }
    screen.open(address)
    assert "Say which test told you." in page.locator("#marks").inner_text()
    assert page.locator("#marks form").count() == 0
    screen.open("/learn")
    past = page.locator(f".past tr:has-text('{client}')").inner_text()
    assert "marked" in past

    plan = signed(console, draft(console, assessment))
    teacher.open(f"/{plan.name}/review")
    assert "Theo named 1 of the" in teacher.page.locator("aside").inner_text()


def test_what_is_wrong_is_told_at_once_and_nothing_typed_is_lost(windows: Windows) -> None:
    screen = as_trainee(windows, java_script_enabled=False)
    console, page = screen.console, screen.page
    assessment = sealed_case(console)
    page.goto(f"{console.address}/{assessment}/predict")
    page.click("main button.main")
    page.fill("[name=muscle-1]", "no such muscle")
    page.fill("[name=muscle-4]", "infraspinatus")
    page.fill("[name=muscle-6]", "levator scapulae")
    page.check("[name=side-6][value=right]", force=True)
    page.fill("[name=minutes-6]", "six")
    page.fill("[name=reasoning]", "kept")
    page.click("button:has-text('Lock my answer')")
    told = page.locator("[role=alert]").inner_text()
    assert "Line 1" in told
    assert "Line 4" in told
    assert "Line 6" in told
    assert page.input_value("[name=reasoning]") == "kept"
    assert page.input_value("[name=muscle-1]") == "no such muscle"
    assert page.is_checked("[name=side-6][value=right]")
    [stored] = predictions(console, assessment)
    assert stored.state == Prediction.OPEN


def test_asking_to_be_shown_is_allowed_and_kept(windows: Windows) -> None:
    screen = as_trainee(windows, java_script_enabled=False)
    console, page = screen.console, screen.page
    assessment = sealed_case(console)
    page.goto(f"{console.address}/{assessment}/predict")
    page.click("main button.main")
    page.click("button:has-text('show me')")
    assert "You asked to be shown" in page.locator("main").inner_text()
    [stored] = predictions(console, assessment)
    assert stored.shown
    assert stored.state == Prediction.REVEALED


def test_who_has_worked_on_a_plan_cannot_predict_it(windows: Windows) -> None:
    screen = as_trainee(windows)
    console, page = screen.console, screen.page
    assessment = sealed_case(console)
    draft(console, assessment)
    screen.open("/learn")
    assert page.locator(f".case-row:has-text('{assessment.split('/')[1].upper()}')").count() == 0
    screen.open(f"/{assessment}/predict")
    page.click("main button.main")
    page.wait_for_selector("[role=alert]:has-text('already worked')")
    assert predictions(console, assessment) == []


def test_a_prediction_of_somebody_else_is_not_for_trainees(windows: Windows, console: RunningConsole) -> None:
    screen = windows()
    screen.sign_in("tess")
    assessment = sealed_case(console)
    screen.open(f"/{assessment}/predict")
    screen.page.click("main button.main")
    screen.page.wait_for_selector("#prediction")
    screen.page.click("button:has-text('show me')")
    screen.page.wait_for_selector(".compare")
    address = screen.page.evaluate("location.pathname")
    trainee = as_trainee(windows)
    answer = trainee.page.goto(console.address + address)
    assert answer is not None
    assert answer.status == 404
