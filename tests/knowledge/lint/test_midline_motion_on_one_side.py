"""A motion in the middle, such as bending the neck forward, is limited by the muscles of both sides."""

from __future__ import annotations

from knowledge.lint.midline_motion_on_one_side import check
from knowledge.model import Side
from tests.support.literal_knowledge import knowledge, limits_motion, midline_motion, motion, muscle


def test_both_sides_are_right() -> None:
    base = knowledge(muscle("a"), midline_motion("neck_flexion"), limits_motion("neck_flexion", "a", side=Side.BOTH))
    assert list(check(base)) == []


def test_a_limb_has_one_side() -> None:
    base = knowledge(muscle("a"), motion("hip_flexion"), limits_motion("hip_flexion", "a"))
    assert list(check(base)) == []


def test_one_side_is_found() -> None:
    base = knowledge(muscle("a"), midline_motion("neck_flexion"), limits_motion("neck_flexion", "a"))
    assert [finding.subject for finding in check(base)] == ["limits_motion neck_flexion -> a"]
