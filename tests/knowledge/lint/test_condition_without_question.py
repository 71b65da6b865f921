"""A condition that can change a plan must have a question that can be put to the client."""

from __future__ import annotations

from knowledge.lint.condition_without_question import check
from tests.support.literal_knowledge import condition, knowledge, parameter


def test_a_question_is_enough() -> None:
    base = knowledge(condition("fever"))
    assert list(check(base)) == []


def test_no_question_is_found() -> None:
    base = knowledge(condition("fever", question=" "))
    assert [finding.subject for finding in check(base)] == ["fever"]


def test_a_detail_without_question_is_found() -> None:
    base = knowledge(condition("fever", parameter("days_since", "number", question="")))
    assert [finding.subject for finding in check(base)] == ["fever.days_since"]
