"""A rule may test only details that its conditions ask for, or it fires without the test."""

from __future__ import annotations

from knowledge.lint.unknown_rule_parameter import check
from knowledge.model import When
from tests.support.literal_knowledge import condition, knowledge, parameter, rule


def test_a_detail_of_the_condition_is_right() -> None:
    base = knowledge(
        condition("injury", parameter("days_since", "number")),
        rule("r", "injury", when=(When(parameter="days_since", below=7),)),
    )
    assert list(check(base)) == []


def test_every_flag_has_an_onset() -> None:
    base = knowledge(condition("injury"), rule("r", "injury", when=(When(parameter="onset_days", below=7),)))
    assert list(check(base)) == []


def test_of_two_conditions_together_one_may_ask() -> None:
    base = knowledge(
        condition("swelling"),
        condition("surgery", parameter("days_since", "number")),
        rule("r", "swelling", "surgery", at_least=2, when=(When(parameter="days_since", below=7),)),
    )
    assert list(check(base)) == []


def test_a_detail_nobody_asks_is_found() -> None:
    base = knowledge(condition("injury"), rule("r", "injury", when=(When(parameter="days_since", below=7),)))
    assert [finding.subject for finding in check(base)] == ["r"]


def test_a_condition_that_fires_without_the_test_is_found() -> None:
    base = knowledge(
        condition("swelling"),
        condition("surgery", parameter("days_since", "number")),
        rule("r", "swelling", "surgery", when=(When(parameter="days_since", below=7),)),
    )
    assert [finding.subject for finding in check(base)] == ["r"]
