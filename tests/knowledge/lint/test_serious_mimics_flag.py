"""A zone warns of serious diseases that imitate muscle pain when, and only when, such a disease is named for it."""

from __future__ import annotations

from knowledge.lint.serious_mimics_flag import check
from knowledge.model import Urgency
from tests.support.literal_knowledge import knowledge, mimic, zone


def test_a_flag_with_its_mimic_is_right() -> None:
    base = knowledge(zone("z", serious_mimics=True), mimic("clot", Urgency.SAME_DAY, "z"))
    assert list(check(base)) == []


def test_a_mimic_that_can_wait_needs_no_flag() -> None:
    base = knowledge(zone("z"), mimic("sinus", Urgency.ROUTINE, "z"))
    assert list(check(base)) == []


def test_a_flag_without_mimic_is_found() -> None:
    base = knowledge(zone("z", serious_mimics=True), mimic("sinus", Urgency.ROUTINE, "z"))
    assert [finding.subject for finding in check(base)] == ["z"]


def test_an_emergency_without_flag_is_found() -> None:
    base = knowledge(zone("z"), mimic("bleed", Urgency.EMERGENCY, "z"))
    assert [finding.subject for finding in check(base)] == ["z"]
