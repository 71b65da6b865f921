"""Comparing a plan with the version before it, and with what was done of it."""

from __future__ import annotations

from typing import Any

from google.protobuf.duration_pb2 import Duration

from myoplan.planner.v1.plan_pb2 import Plan, Step
from myoplan.planner.v1.session_pb2 import Delivery, FinishSessionRequest, RecordDeliveryRequest, SessionStep
from tests.support.browser import RunningConsole, Screen
from tests.support.review_story import edited, lasting, leave_out, releases
from tests.support.visits import approved, begun, planned

MORE_SECONDS = 120


def otherwise_worked(console: RunningConsole) -> tuple[Plan, list[Step]]:
    """Returns a plan that was changed, approved, and worked: one muscle longer, one skipped.

    With it its releases as they were suggested; the last of them was left out before the approval.
    """
    suggested = planned(console)
    work = releases(suggested)
    changed = edited(console, suggested, leave_out(work[-1]), lasting(work[0], 330), person="tess")
    plan = approved(console, changed)
    session = begun(console, plan)
    longer, skipped = releases(plan)[0].id, releases(plan)[1].id
    done = [_delivery(each, longer=longer, skipped=skipped) for each in session.steps]
    call: dict[str, Any] = {"metadata": console.credentials(), "timeout": 10}
    console.plans.RecordDelivery(RecordDeliveryRequest(name=plan.name, deliveries=done), **call)
    console.plans.FinishSession(FinishSessionRequest(name=plan.name, pain=2), **call)
    return plan, work


def _delivery(each: SessionStep, *, longer: str, skipped: str) -> Delivery:
    if each.step.id == skipped:
        return Delivery(step=skipped, status=SessionStep.SKIPPED)
    more = MORE_SECONDS if each.step.id == longer else 4  # seconds that nobody plans in
    seconds = each.step.duration.seconds + more
    return Delivery(step=each.step.id, status=SessionStep.DONE, delivered=Duration(seconds=seconds))


def cells(screen: Screen, step: Step) -> list[str]:
    """Returns what stands in the columns of a step, the signs and words below the times included."""
    texts = screen.page.locator(f"[id='compared-{step.id}'] td[data-label]").all_inner_texts()
    return [" ".join(text.split()) for text in texts]


def test_a_worked_plan_stands_beside_what_was_suggested_and_approved(screen: Screen, console: RunningConsole) -> None:
    plan, suggested = otherwise_worked(console)
    screen.open(f"/{plan.name}/finish")
    screen.tap("a[href$='/changes']")
    screen.page.wait_for_url("**/changes")
    assert screen.page.locator("th").all_inner_texts()[1:] == ["Step", "Suggested", "Approved", "Done"]
    longer, skipped, gone = suggested[0], suggested[1], suggested[-1]
    assert cells(screen, longer) == ["6:00", "5:30 ~ 0.5 min shorter", "7:30 ~ done longer by 2 min"]
    planned_time = cells(screen, skipped)[0]
    assert cells(screen, skipped)[1:] == [planned_time, "– − not done, skipped"]
    before, now, done = cells(screen, gone)
    assert before.endswith(":30")
    assert now.startswith("– none − removed")
    assert done == "–"
    same = next(step for step in plan.steps if step.phase == Step.CONFIRM)
    assert cells(screen, same)[2].endswith("= done as planned")
    assert "1 not done" in screen.page.locator("main").inner_text()
    for text in screen.page.locator(".compared", has_text="release").all_inner_texts():
        assert any(side in text for side in ("LEFT", "RIGHT", "MIDLINE")), text
    screen.open(f"/{plan.name}/review")
    screen.tap("a[href$='/changes']")
    screen.page.wait_for_url("**/changes")


def test_the_comparison_is_there_as_json_and_without_a_session_it_has_no_column_for_it(
    screen: Screen, console: RunningConsole
) -> None:
    plan, suggested = otherwise_worked(console)
    asked = screen.context.request
    page = asked.get(f"{console.address}/{plan.name}/changes.json").json()
    assert page["columns"] == ["Suggested", "Approved", "Done"]
    assert page["report"] == f"/{plan.name}/finish"
    skipped = next(row for row in page["rows"] if row["id"] == suggested[1].id)
    assert (skipped["done"], skipped["done_differs"]["kind"]) == ("", "removed")
    fresh = planned(console)
    changed = edited(console, fresh, leave_out(releases(fresh)[-1]), person="tess")
    page = asked.get(f"{console.address}/{changed.name}/changes.json?from=1").json()
    assert page["columns"] == ["Suggested", "Now"]
    assert page["sentences"]
    assert {row["done_differs"] for row in page["rows"]} == {None}
    assert [row["differs"]["kind"] for row in page["rows"] if row["id"] == releases(fresh)[-1].id] == ["removed"]
    for wrong in ("from=9", "from=x"):
        assert asked.get(f"{console.address}/{changed.name}/changes.json?{wrong}").status == 404
