"""A measured motion says which side is meant: the limb, the direction, or the middle."""

from __future__ import annotations

from knowledge.lint.motion_side_unknown import check
from tests.support.literal_knowledge import knowledge, midline_motion, motion


def test_two_limbs_or_the_middle_are_right() -> None:
    base = knowledge(motion("hip_flexion"), midline_motion("neck_flexion"))
    assert list(check(base)) == []


def test_one_side_only_is_found() -> None:
    base = knowledge(motion("hip_flexion", sides=("left",)))
    assert [finding.subject for finding in check(base)] == ["hip_flexion"]


def test_a_middle_with_two_sides_to_compare_is_found() -> None:
    base = knowledge(midline_motion("neck_flexion", compare_sides=True))
    assert [finding.subject for finding in check(base)] == ["neck_flexion"]
