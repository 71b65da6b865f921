"""A rule can keep hands off the flagged place only if the condition asks where that is."""

from __future__ import annotations

from knowledge.lint.place_never_asked import check
from tests.support.literal_knowledge import condition, cuts, knowledge, rule, zone


def test_a_condition_that_asks_where_is_right() -> None:
    base = knowledge(condition("c", takes_zone=True), rule("r", "c", cuts=cuts(flagged_zone=True)))
    assert list(check(base)) == []


def test_zones_named_by_the_rule_need_no_question() -> None:
    base = knowledge(condition("c"), zone("z"), rule("r", "c", cuts=cuts(zones=("z",))))
    assert list(check(base)) == []


def test_a_place_nobody_asks_for_is_found() -> None:
    base = knowledge(condition("c"), rule("r", "c", cuts=cuts(flagged_zone=True)))
    assert [finding.subject for finding in check(base)] == ["r"]
