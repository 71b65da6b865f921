"""A muscle that no pain, motion or other muscle leads to is never found in a client."""

from __future__ import annotations

from knowledge.lint.orphan_muscle import check
from tests.support.literal_knowledge import knowledge, limits_motion, motion, muscle, refers_to, satellite_of, zone


def test_a_muscle_that_refers_is_led_to() -> None:
    base = knowledge(muscle("a"), zone("z"), refers_to("a", "z"))
    assert list(check(base)) == []


def test_a_key_is_led_to() -> None:
    base = knowledge(muscle("a"), muscle("b"), satellite_of("a", "b"))
    assert list(check(base)) == []


def test_a_muscle_that_limits_is_led_to() -> None:
    base = knowledge(muscle("a"), motion("hip_flexion"), limits_motion("hip_flexion", "a"))
    assert list(check(base)) == []


def test_a_muscle_without_edges_is_found() -> None:
    base = knowledge(muscle("a"))
    assert [finding.subject for finding in check(base)] == ["a"]
