"""A group word stands for at least two muscles; a second name of one muscle belongs to that muscle."""

from __future__ import annotations

from knowledge.lint.group_of_one import check
from tests.support.literal_knowledge import group, knowledge, muscle


def test_two_members_make_a_group() -> None:
    base = knowledge(muscle("a"), muscle("b"), group("whole", "a", "b"))
    assert list(check(base)) == []


def test_one_member_is_found() -> None:
    base = knowledge(muscle("a"), group("whole", "a"))
    assert [finding.subject for finding in check(base)] == ["whole"]
