"""A condition that no safety rule names changes nothing, and that must be meant."""

from __future__ import annotations

from knowledge.lint.condition_without_rule import check
from tests.support.literal_knowledge import condition, knowledge, rule


def test_a_condition_with_a_rule_is_right() -> None:
    base = knowledge(condition("fever"), rule("r", "fever"))
    assert list(check(base)) == []


def test_one_that_is_always_asked_is_another_finding() -> None:
    base = knowledge(condition("fever", ask_always=True))
    assert list(check(base)) == []


def test_a_condition_that_changes_nothing_is_found() -> None:
    base = knowledge(condition("fever"))
    assert [finding.subject for finding in check(base)] == ["fever"]
