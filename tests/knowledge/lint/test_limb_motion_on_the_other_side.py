"""A motion of a limb is limited by muscles of that limb; only neck and trunk cross the middle."""

from __future__ import annotations

from knowledge.lint.limb_motion_on_the_other_side import check
from knowledge.model import Side
from tests.support.literal_knowledge import knowledge, limits_motion, motion, muscle


def test_the_same_limb_is_right() -> None:
    base = knowledge(muscle("a"), motion("hip_flexion"), limits_motion("hip_flexion", "a"))
    assert list(check(base)) == []


def test_the_neck_may_be_limited_from_the_other_side() -> None:
    base = knowledge(
        muscle("a"),
        motion("neck_rotation", side_means="direction"),
        limits_motion("neck_rotation", "a", side=Side.OPPOSITE),
    )
    assert list(check(base)) == []


def test_the_other_limb_is_found() -> None:
    base = knowledge(muscle("a"), motion("hip_flexion"), limits_motion("hip_flexion", "a", side=Side.OPPOSITE))
    assert [finding.subject for finding in check(base)] == ["limits_motion hip_flexion -> a"]
