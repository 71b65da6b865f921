"""A rule that sends the client to somebody says how soon."""

from __future__ import annotations

from knowledge.lint.refer_without_urgency import check
from knowledge.model import Scope, Urgency
from tests.support.literal_knowledge import condition, knowledge, rule


def test_how_soon_is_said() -> None:
    base = knowledge(condition("c"), rule("r", "c", scope=Scope.REFER, urgency=Urgency.SOON))
    assert list(check(base)) == []


def test_only_referring_needs_it() -> None:
    base = knowledge(condition("c"), rule("r", "c"))
    assert list(check(base)) == []


def test_not_saying_it_is_found() -> None:
    base = knowledge(condition("c"), rule("r", "c", scope=Scope.REFER))
    assert [finding.subject for finding in check(base)] == ["r"]
