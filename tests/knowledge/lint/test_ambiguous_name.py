"""One word must not mean two things of the same kind."""

from __future__ import annotations

from knowledge.lint.ambiguous_name import check
from tests.support.literal_knowledge import condition, group, knowledge, muscle, zone


def test_different_names_are_right() -> None:
    base = knowledge(muscle("a", names=("biceps of the arm",)), muscle("b", names=("biceps of the thigh",)))
    assert list(check(base)) == []


def test_a_muscle_and_a_zone_may_share_a_word() -> None:
    base = knowledge(muscle("a", names=("calf",)), zone("z", names=("calf",)))
    assert list(check(base)) == []


def test_a_name_may_repeat_its_own_id() -> None:
    base = knowledge(muscle("upper_trapezius", names=("Upper Trapezius", "upper trapezius")))
    assert list(check(base)) == []


def test_one_word_for_two_muscles_is_found() -> None:
    base = knowledge(muscle("a", names=("biceps",)), muscle("b", names=("Biceps",)))
    assert [finding.subject for finding in check(base)] == ["b"]


def test_one_word_for_a_muscle_and_a_group_is_found() -> None:
    base = knowledge(muscle("a", names=("calf",)), muscle("b"), group("calf", "a", "b"))
    assert [finding.subject for finding in check(base)] == ["calf"]


def test_one_word_for_two_conditions_is_found() -> None:
    base = knowledge(condition("flu", names=("cold",)), condition("chill", names=("cold",)))
    assert [finding.subject for finding in check(base)] == ["chill"]
