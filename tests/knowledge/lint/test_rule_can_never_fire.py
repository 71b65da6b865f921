"""A rule must be able to fire: it cannot need more conditions than it names, nor tests that exclude each other."""

from __future__ import annotations

from knowledge.lint.rule_can_never_fire import check
from knowledge.model import When
from tests.support.literal_knowledge import condition, knowledge, parameter, rule


def test_two_of_two_can_fire() -> None:
    base = knowledge(condition("c"), condition("d"), rule("r", "c", "d", at_least=2))
    assert list(check(base)) == []


def test_two_of_one_is_found() -> None:
    base = knowledge(condition("c"), rule("r", "c", at_least=2))
    assert [finding.subject for finding in check(base)] == ["r"]


def test_none_needed_is_found() -> None:
    base = knowledge(condition("c"), rule("r", "c", at_least=0))
    assert [finding.subject for finding in check(base)] == ["r"]


def test_tests_that_exclude_each_other_are_found() -> None:
    base = knowledge(
        condition("c", parameter("days", "number")),
        rule("r", "c", when=(When(parameter="days", at_least=10), When(parameter="days", below=5))),
    )
    assert [finding.subject for finding in check(base)] == ["r"]
