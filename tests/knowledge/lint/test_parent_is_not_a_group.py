"""The whole of which a muscle is a part must be a group that lists the part among its members."""

from __future__ import annotations

from knowledge.lint.parent_is_not_a_group import check
from tests.support.literal_knowledge import group, knowledge, muscle


def test_a_group_with_the_part_is_right() -> None:
    base = knowledge(muscle("a", parent="whole"), muscle("b"), group("whole", "a", "b"))
    assert list(check(base)) == []


def test_no_parent_is_right() -> None:
    base = knowledge(muscle("a"))
    assert list(check(base)) == []


def test_an_unknown_parent_is_found() -> None:
    base = knowledge(muscle("a", parent="whole"))
    assert [finding.subject for finding in check(base)] == ["a"]


def test_a_group_without_the_part_is_found() -> None:
    base = knowledge(muscle("a", parent="whole"), muscle("b"), group("whole", "b"))
    assert [finding.subject for finding in check(base)] == ["a"]
