"""Muscles that are examined together include those that pull the other way."""

from __future__ import annotations

from knowledge.lint.unit_without_antagonist import check
from tests.support.literal_knowledge import knowledge, midline_motion, motion, muscle, unit


def test_agonist_and_antagonist_are_right() -> None:
    base = knowledge(
        muscle("a"), muscle("b"), motion("hip_flexion"), unit("u", "hip_flexion", a="agonist", b="antagonist")
    )
    assert list(check(base)) == []


def test_in_rotation_the_other_side_opposes() -> None:
    base = knowledge(
        muscle("a"), motion("neck_rotation", side_means="direction"), unit("u", "neck_rotation", a="agonist")
    )
    assert list(check(base)) == []


def test_nobody_pulling_the_other_way_is_found() -> None:
    base = knowledge(muscle("a"), midline_motion("neck_flexion"), unit("u", "neck_flexion", a="agonist"))
    assert [finding.subject for finding in check(base)] == ["u"]


def test_nobody_moving_is_found() -> None:
    base = knowledge(muscle("a"), motion("hip_flexion"), unit("u", "hip_flexion", a="antagonist"))
    assert [finding.subject for finding in check(base)] == ["u"]
