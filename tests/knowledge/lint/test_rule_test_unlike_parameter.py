"""A rule tests a detail in the way it is asked: a number by limits, a choice by words, a truth by yes or no."""

from __future__ import annotations

from knowledge.lint.rule_test_unlike_parameter import check
from knowledge.model import When
from tests.support.literal_knowledge import condition, knowledge, parameter, rule


def test_number_choice_and_truth_are_right() -> None:
    base = knowledge(
        condition(
            "c",
            parameter("days", "number", min=0, max=100),
            parameter("stage", "text", choices=("early", "late")),
            parameter("agreed", "truth"),
        ),
        rule(
            "r",
            "c",
            when=(
                When(parameter="days", below=7),
                When(parameter="stage", is_one_of=("late",)),
                When(parameter="agreed", is_true=False),
            ),
        ),
    )
    assert list(check(base)) == []


def test_a_number_tested_as_truth_is_found() -> None:
    base = knowledge(
        condition("c", parameter("days", "number")), rule("r", "c", when=(When(parameter="days", is_true=True),))
    )
    assert [finding.subject for finding in check(base)] == ["r"]


def test_an_unknown_choice_is_found() -> None:
    base = knowledge(
        condition("c", parameter("stage", "text", choices=("early",))),
        rule("r", "c", when=(When(parameter="stage", is_one_of=("late",)),)),
    )
    assert [finding.subject for finding in check(base)] == ["r"]


def test_a_limit_that_no_answer_reaches_is_found() -> None:
    base = knowledge(
        condition("c", parameter("days", "number", min=0, max=100)),
        rule("r", "c", when=(When(parameter="days", at_least=200),)),
    )
    assert [finding.subject for finding in check(base)] == ["r"]


def test_a_test_for_nothing_is_found() -> None:
    base = knowledge(condition("c", parameter("days", "number")), rule("r", "c", when=(When(parameter="days"),)))
    assert [finding.subject for finding in check(base)] == ["r"]
