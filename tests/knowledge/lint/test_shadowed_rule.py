"""A rule that another, stricter one always covers changes nothing and hides what is meant."""

from __future__ import annotations

from knowledge.lint.shadowed_rule import check
from knowledge.model import Scope, Urgency, When
from tests.support.literal_knowledge import condition, cuts, knowledge, rule


def test_a_rule_that_cuts_more_is_not_covered() -> None:
    base = knowledge(
        condition("c"),
        rule("r", "c", cuts=cuts(max_pressure=3)),
        rule("s", "c", cuts=cuts(max_pressure=2), when=(When(parameter="days", below=7),)),
    )
    assert list(check(base)) == []


def test_a_rule_that_only_tells_something_is_right() -> None:
    base = knowledge(condition("c"), rule("r", "c", cuts=cuts(max_pressure=3)), rule("s", "c"))
    assert list(check(base)) == []


def test_a_referral_covers_a_stop_and_not_the_reverse() -> None:
    base = knowledge(
        condition("c"), rule("r", "c", scope=Scope.ABSOLUTE), rule("s", "c", scope=Scope.REFER, urgency=Urgency.SOON)
    )
    assert [finding.subject for finding in check(base)] == ["r"]


def test_a_limit_inside_a_stricter_one_is_found() -> None:
    base = knowledge(
        condition("c"),
        rule("r", "c", cuts=cuts(max_pressure=2)),
        rule("s", "c", cuts=cuts(max_pressure=3), when=(When(parameter="days", below=7),)),
    )
    assert [finding.subject for finding in check(base)] == ["s"]


def test_a_cut_under_a_stop_is_found() -> None:
    base = knowledge(
        condition("c"),
        condition("d"),
        rule("r", "c", cuts=cuts(flagged_zone=True)),
        rule("s", "c", "d", scope=Scope.ABSOLUTE),
    )
    assert [finding.subject for finding in check(base)] == ["r"]


def test_of_two_equal_rules_the_later_is_found() -> None:
    base = knowledge(condition("c"), rule("r", "c", scope=Scope.ABSOLUTE), rule("s", "c", scope=Scope.ABSOLUTE))
    assert [finding.subject for finding in check(base)] == ["s"]
