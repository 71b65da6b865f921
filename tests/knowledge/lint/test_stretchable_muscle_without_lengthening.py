"""A muscle that stops a motion by being short must have a technique that lengthens it."""

from __future__ import annotations

from knowledge.lint.stretchable_muscle_without_lengthening import check
from knowledge.model import Mechanism, Phase
from tests.support.literal_knowledge import knowledge, limits_motion, motion, muscle, technique, treated_by


def test_a_stretch_is_enough() -> None:
    base = knowledge(
        muscle("a"),
        motion("hip_flexion"),
        limits_motion("hip_flexion", "a"),
        technique("stretch", phase=Phase.LENGTHEN),
        treated_by("stretch", "a"),
    )
    assert list(check(base)) == []


def test_a_muscle_that_only_hurts_needs_none() -> None:
    base = knowledge(
        muscle("a"), motion("hip_flexion"), limits_motion("hip_flexion", "a", mechanism=Mechanism.PAINFUL_CONTRACTION)
    )
    assert list(check(base)) == []


def test_a_short_muscle_without_stretch_is_found() -> None:
    base = knowledge(
        muscle("a"),
        motion("hip_flexion"),
        limits_motion("hip_flexion", "a"),
        technique("press"),
        treated_by("press", "a"),
    )
    assert [finding.subject for finding in check(base)] == ["a"]
