"""A rule that protects a place says which place."""

from __future__ import annotations

from knowledge.lint.local_rule_cuts_nothing import check
from knowledge.model import Scope
from tests.support.literal_knowledge import condition, cuts, knowledge, rule


def test_a_place_is_said() -> None:
    base = knowledge(condition("c"), rule("r", "c", scope=Scope.LOCAL, cuts=cuts(flagged_zone=True)))
    assert list(check(base)) == []


def test_a_rule_that_modifies_may_only_tell() -> None:
    base = knowledge(condition("c"), rule("r", "c"))
    assert list(check(base)) == []


def test_no_place_is_found() -> None:
    base = knowledge(condition("c"), rule("r", "c", scope=Scope.LOCAL), rule("s", "c", scope=Scope.LOCAL, cuts=cuts()))
    assert [finding.subject for finding in check(base)] == ["r", "s"]
