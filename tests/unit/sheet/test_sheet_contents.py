"""What stands on a sheet, and how the plan stands."""

from __future__ import annotations

import re

import pytest

from myoplan.planner.v1.plan_pb2 import LEFT, RIGHT, Caution, Plan, Referral, Signature, Step, Target, Urgency
from sheet.contents import NOT_REVIEWED, Contents, contents_of
from sheet.session import Row
from tests.support.sheet import WORDS, approved, press, seconds, session, signature


def of(plan: Plan, newest: Plan | None = None) -> Contents:
    return contents_of(plan, WORDS, None, newest)


def rows(sheet: Contents) -> list[Row]:
    turns = [[block.turn] if block.turn else [] for block in sheet.blocks]
    return [
        row
        for turn, block in zip(turns, sheet.blocks, strict=True)
        for row in (*turn, *(row for group in block.groups for row in group.rows))
    ]


# --- how it stands ------------------------------------------------------------------------------------------------


def test_what_nobody_approved_says_so() -> None:
    for state in (Plan.PROPOSED, Plan.DRAFT, Plan.AWAITING_COSIGN, Plan.RETURNED):
        plan = session()
        plan.state = state
        assert (of(plan).standing.words, of(plan).standing.approved) == ("Suggested – not approved", False)


def test_approved_names_who_released_it() -> None:
    sheet = of(approved())
    assert (sheet.standing.words, sheet.standing.approved) == ("Approved", True)
    assert sheet.standing.detail == "By Sam Ortiz, 25 Nov 2026, 10:36 UTC."
    assert sheet.signatures == (
        "Written by Tim Rowe (trainee), 25 Nov 2026, 10:36 UTC",
        "Co-signed by Sam Ortiz (supervisor), 25 Nov 2026, 10:36 UTC: reviewed the findings and the plan and agrees",
    )


def test_a_signature_on_another_content_approves_nothing() -> None:
    plan = approved()
    for one in plan.signatures:
        one.digest = "f" * 64
    assert of(plan).standing.void
    assert of(plan).signatures == ()


def test_what_is_only_written_is_not_released() -> None:
    plan = approved()
    del plan.signatures[1]
    assert of(plan).standing.void


@pytest.mark.parametrize(
    "state", [Plan.STALE, Plan.SUPERSEDED, Plan.ENTERED_IN_ERROR, Plan.EXPIRED, Plan.DISCARDED, 99, 0]
)
def test_what_must_not_be_used_says_so(state: Plan.State.ValueType) -> None:
    plan = session()
    plan.state = state
    sheet = of(plan)
    assert (sheet.standing.words, sheet.standing.void) == ("Do not use", True)
    assert sheet.disposition == "Do not work by this plan"


def test_hold_is_stronger_than_any_signature() -> None:
    plan = approved()
    plan.hold, plan.hold_reason = True, "A new answer about blood thinners."
    assert of(plan).standing.detail == "On hold. A new answer about blood thinners."
    assert of(plan).standing.void


def test_an_earlier_revision_stands_as_the_newest_says() -> None:
    earlier, newest = session(), approved()
    assert of(earlier).standing.words == "Suggested – not approved"
    assert of(earlier, newest).standing.detail == "This is revision 1; the newest is 2."
    newest.hold = True
    assert of(approved(), newest).standing.void


def test_the_approved_version_stays_in_force_while_an_amendment_is_written() -> None:
    amended = approved()
    amended.state, amended.version, amended.revision, amended.digest = Plan.DRAFT, 2, 3, "e" * 64
    assert of(approved(), amended).standing.approved
    assert "Version 2 is being written." in of(approved(), amended).standing.detail
    assert of(amended).standing.words == "Suggested – not approved"
    assert "Version 1 is approved and in force." in of(amended).standing.detail


def test_review_notice_stands_until_everything_is_reviewed() -> None:
    plan = session()
    assert of(plan).review_notice == NOT_REVIEWED
    plan.knowledge_reviewed = True
    assert of(plan).review_notice == ""


# --- the session --------------------------------------------------------------------------------------------------


def test_every_step_is_there_once_and_in_order() -> None:
    sheet = of(session())
    assert [row.number for row in rows(sheet)] == [1, 2, 3, 4]
    assert [block.position for block in sheet.blocks] == ["Prone", "Supine"]
    assert [group.side for group in sheet.blocks[0].groups] == ["LEFT", "RIGHT"]
    assert sheet.blocks[0].groups[0].place == "shield muscle"
    assert sheet.blocks[1].turn
    assert sheet.blocks[1].turn.how == ("Turn the client: supine.", "Support: a bolster.")


def test_steps_in_a_row_on_one_muscle_stand_together() -> None:
    again = press("shield", LEFT)
    again.phase = Step.LENGTHEN
    sheet = of(session(press("shield", LEFT), again, press("shield", RIGHT)))
    assert [len(group.rows) for group in sheet.blocks[0].groups] == [2, 1]


def test_a_text_is_told_where_it_is_first_needed_and_pointed_at_later() -> None:
    stop = Caution(message="Stop when: it hurts.", rule="stop_when")
    site = Caution(message="Big vessel: keep off.", rule="endangerment_site")
    first, second, *_ = rows(of(session(press("shield", LEFT, (stop, site)), press("shield", RIGHT, (stop, site)))))
    assert (first.method, first.cautions) == ("Lean in and wait.", ("Stop when: it hurts.", "Big vessel: keep off."))
    assert (second.method, second.method_step) == ("", 1)
    assert (second.cautions, second.sites, second.caution_steps) == ((), ("Big vessel",), (1,))


def test_what_the_columns_say_is_not_said_again_and_nothing_else_is_lost() -> None:
    step = press("shield", LEFT, more="Only if the check found it tender. Placement: arm out. ")
    row = rows(of(session(step)))[0]
    assert row.how == ("Only if the check found it tender.", "Placement: arm out.")
    assert (row.dose, row.pressure, row.discomfort, row.minutes) == ("3 × 20 s", "3", "6", "2")
    step.instruction = "Do something else."
    assert rows(of(session(step)))[0].how == ("Do something else.",)


def test_ids_without_a_word_are_shown_as_they_are() -> None:
    assert of(session(press("never_heard_of", RIGHT))).blocks[0].groups[0].place == "never heard of"


def test_retest_has_the_value_before_and_a_blank() -> None:
    (one,) = of(session()).measured
    assert (one.motion, one.before, one.unit) == ("Bend, LEFT", "45°, pain 5/10", "°")


def test_left_out_is_short_and_its_count_complete() -> None:
    plan = session()
    for number in range(9):
        plan.omissions.add(muscle=f"m{number}", side=LEFT, kind=plan.omissions[0].kind, message="No time.")
    sheet = of(plan)
    assert sheet.left_out_count == 11
    assert [(one.kind, one.more) for one in sheet.left_out] == [("Not allowed", 0), ("No time", 6)]
    assert sheet.left_out[1].names[:2] == ("RIGHT cord (needs 6 min)", "LEFT m0")


def test_next_visit_names_what_comes_first_with_its_side() -> None:
    plan = session()
    plan.follow_up.suggested_interval.CopyFrom(seconds(7 * 86400))
    plan.follow_up.carry_over.append(Target(muscle="shield", side=RIGHT))
    assert of(plan).next_visit == "Next visit in about 7 days. Then first: RIGHT shield muscle."


# --- no session ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("disposition", [Plan.REFER, Plan.DO_NOT_TREAT, Plan.DISPOSITION_UNSPECIFIED])
def test_no_step_is_shown_when_nothing_is_allowed(disposition: Plan.Disposition.ValueType) -> None:
    plan = session()
    plan.disposition = disposition
    sheet = of(plan)
    assert (sheet.blocks, sheet.charts, sheet.measured, sheet.left_out) == ((), (), (), ())
    assert sheet.title == "No session today"
    assert re.match("Do not treat", sheet.disposition)


def test_referrals_come_first_the_most_urgent_at_the_top_and_are_not_said_twice() -> None:
    plan = session()
    plan.referrals.extend(
        [
            Referral(urgency=Urgency.SOON, message="See a doctor.", rule="a"),
            Referral(urgency=Urgency.EMERGENCY, message="Call now.", rule="b"),
        ]
    )
    plan.cautions.extend([Caution(message="Call now.", rule="b"), Caution(message="Be gentle.", rule="c")])
    sheet = of(plan)
    assert [one.lead for one in sheet.referrals] == ["Refer now: call an ambulance:", "Refer within days:"]
    assert [one.text for one in sheet.cautions] == ["Be gentle."]


def test_a_long_remark_says_where_the_rest_is() -> None:
    plan = approved()
    plan.addenda.add(text="word " * 400)
    (remark,) = of(plan).remarks
    assert len(remark.text) < 300
    assert remark.text.endswith("(the whole remark is in the stored plan)")


def test_a_returned_signature_releases_nothing() -> None:
    plan = approved()
    plan.signatures[1].CopyFrom(signature("Sam Ortiz", "supervisor", Signature.RETURNED))
    assert not of(plan).standing.approved
