"""A muscle that opposes a motion must itself drive the opposite motion, where that is measured."""

from __future__ import annotations

from knowledge.lint.asymmetric_antagonist import check
from tests.support.literal_knowledge import knowledge, motion, muscle, unit


def test_an_antagonist_that_drives_the_opposite_motion_is_right() -> None:
    base = knowledge(
        muscle("a"),
        muscle("b"),
        motion("hip_flexion"),
        motion("hip_extension"),
        unit("u", "hip_flexion", a="agonist", b="antagonist"),
        unit("v", "hip_extension", b="synergist", a="antagonist"),
    )
    assert list(check(base)) == []


def test_an_opposite_motion_that_nobody_measures_is_not_asked_for() -> None:
    base = knowledge(
        muscle("a"),
        muscle("b"),
        motion("toe_extension"),
        motion("hip_flexion"),
        unit("u", "toe_extension", a="agonist", b="antagonist"),
        unit("v", "hip_flexion", a="agonist"),
    )
    assert list(check(base)) == []


def test_a_test_position_does_not_make_another_motion() -> None:
    base = knowledge(
        muscle("a"),
        muscle("b"),
        motion("ankle_dorsiflexion_knee_bent"),
        motion("ankle_plantarflexion"),
        unit("u", "ankle_plantarflexion", a="agonist", b="antagonist"),
        unit("v", "ankle_dorsiflexion_knee_bent", b="agonist"),
    )
    assert list(check(base)) == []


def test_an_antagonist_that_drives_nothing_is_found() -> None:
    base = knowledge(
        muscle("a"),
        muscle("b"),
        motion("hip_flexion"),
        motion("hip_extension"),
        unit("u", "hip_flexion", a="agonist", b="antagonist"),
        unit("v", "hip_extension", a="antagonist", b="stabiliser"),
    )
    assert [finding.subject for finding in check(base)] == ["u -> b"]
