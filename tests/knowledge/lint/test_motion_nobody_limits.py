"""A motion that is measured must tell something: at least one muscle limits it."""

from __future__ import annotations

from knowledge.lint.motion_nobody_limits import check
from tests.support.literal_knowledge import knowledge, limits_motion, motion, muscle


def test_one_muscle_is_enough() -> None:
    base = knowledge(muscle("a"), motion("hip_flexion"), limits_motion("hip_flexion", "a"))
    assert list(check(base)) == []


def test_a_motion_that_tells_nothing_is_found() -> None:
    base = knowledge(motion("hip_flexion"))
    assert [finding.subject for finding in check(base)] == ["hip_flexion"]
