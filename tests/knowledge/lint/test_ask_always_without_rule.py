"""What every client is asked must be able to change the plan."""

from __future__ import annotations

from knowledge.lint.ask_always_without_rule import check
from tests.support.literal_knowledge import condition, knowledge, rule


def test_a_condition_with_a_rule_is_right() -> None:
    base = knowledge(condition("fever", ask_always=True), rule("r", "fever"))
    assert list(check(base)) == []


def test_one_that_is_not_always_asked_is_another_finding() -> None:
    base = knowledge(condition("fever"))
    assert list(check(base)) == []


def test_a_question_to_everybody_that_changes_nothing_is_found() -> None:
    base = knowledge(condition("fever", ask_always=True))
    assert [finding.subject for finding in check(base)] == ["fever"]
