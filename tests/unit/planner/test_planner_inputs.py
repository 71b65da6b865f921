"""What newer findings say against an approved plan."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.planner.domain.snapshot import Answer, HealthFlag, Snapshot
from services.planner.ports import ReadAssessment
from services.planner.usecases.inputs import hold_reason, new_contraindications
from tests.support.planner import NECK, all_absent, flag, load_once, plan

ASKED = replace(NECK, health_flags=all_absent(load_once()))


def answered(*answers: HealthFlag) -> Snapshot:
    given = {one.condition for one in answers}
    kept = tuple(one for one in ASKED.health_flags if one.condition not in given)
    return replace(ASKED, health_flags=(*kept, *answers))


def reason(snapshot: Snapshot, state: str = "COMPLETED") -> str:
    found = ReadAssessment(name="a", etag="2", state=state, snapshot=snapshot, scheduled_micros=None)
    return hold_reason(plan(ASKED), found, load_once())


def test_what_forbids_nothing_leaves_the_plan_in_use() -> None:
    assert reason(ASKED) == ""
    assert reason(replace(ASKED, pain_areas=())) == "", "less pain forbids nothing"
    elsewhere = flag("skin_lesion", zone="heel")
    assert reason(answered(elsewhere)) == ""


@pytest.mark.parametrize(
    "answer",
    [
        flag("fever_or_infection"),
        flag("anticoagulant"),
        flag("skin_lesion", zone="back_of_neck"),
        flag("skin_lesion", Answer.UNKNOWN),
    ],
    ids=lambda one: f"{one.condition} {one.zone}",
)
def test_a_new_contraindication_says_which(answer: HealthFlag) -> None:
    if answer.condition not in load_once().conditions:
        pytest.fail(f"{answer.condition} is no condition of the knowledge base")
    said = reason(answered(answer))
    assert said.startswith("The assessment now says something that forbids a step of the plan.")
    assert any(rule.message in said for rule in load_once().rules.values())


def test_what_was_known_when_it_was_approved_is_nothing_new() -> None:
    known = answered(flag("anticoagulant"))
    approved = plan(known)
    assert new_contraindications(approved, known, load_once()) == ()


def test_a_consent_that_is_taken_back() -> None:
    approved = plan(ASKED)
    region = load_once().muscles["upper_trapezius"].region
    closed = replace(ASKED, preferences=replace(ASKED.preferences, regions_not_to_touch=(region,)))
    assert "not to be touched" in " ".join(new_contraindications(approved, closed, load_once()))


def test_a_voided_assessment() -> None:
    assert "voided" in reason(ASKED, state="VOIDED")
