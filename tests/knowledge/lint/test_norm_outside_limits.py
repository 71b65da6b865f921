"""A reference value that cannot be measured is a slip of the pen."""

from __future__ import annotations

from knowledge.lint.norm_outside_limits import check
from tests.support.literal_knowledge import knowledge, motion, norm


def test_a_norm_that_can_be_measured_is_right() -> None:
    base = knowledge(motion("hip_flexion", norms=(norm(120, value_max=135, age_min=20, age_max=44),)))
    assert list(check(base)) == []


def test_a_norm_beyond_the_limit_is_found() -> None:
    base = knowledge(motion("hip_flexion", norms=(norm(190),)))
    assert [finding.subject for finding in check(base)] == ["hip_flexion"]


def test_ends_turned_round_are_found() -> None:
    base = knowledge(motion("hip_flexion", norms=(norm(120, value_max=110),)))
    assert [finding.subject for finding in check(base)] == ["hip_flexion"]


def test_ages_turned_round_are_found() -> None:
    base = knowledge(motion("hip_flexion", norms=(norm(120, age_min=44, age_max=20),)))
    assert [finding.subject for finding in check(base)] == ["hip_flexion"]
