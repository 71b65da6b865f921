"""Two statements about the same pair must not exclude one another."""

from __future__ import annotations

from knowledge.lint.contradictory_edges import check
from knowledge.model import Mechanism, Role, Side
from tests.support.literal_knowledge import (
    knowledge,
    limits_motion,
    motion,
    muscle,
    refers_to,
    satellite_of,
    technique,
    treated_by,
    zone,
)


def test_two_sides_may_differ() -> None:
    base = knowledge(
        muscle("a"),
        motion("neck_rotation", side_means="direction"),
        limits_motion("neck_rotation", "a", side=Side.OPPOSITE),
        limits_motion("neck_rotation", "a", mechanism=Mechanism.PAINFUL_CONTRACTION),
    )
    assert list(check(base)) == []


def test_two_test_variants_may_differ() -> None:
    base = knowledge(
        muscle("a"),
        motion("hip_flexion"),
        limits_motion("hip_flexion", "a", test_variant="knee straight"),
        limits_motion("hip_flexion", "a", mechanism=Mechanism.PAINFUL_CONTRACTION),
    )
    assert list(check(base)) == []


def test_a_driving_muscle_may_hurt_and_be_weak() -> None:
    base = knowledge(
        muscle("a"),
        motion("hip_flexion"),
        limits_motion("hip_flexion", "a", mechanism=Mechanism.INHIBITED),
        limits_motion("hip_flexion", "a", mechanism=Mechanism.PAINFUL_CONTRACTION),
    )
    assert list(check(base)) == []


def test_usual_and_occasional_is_found() -> None:
    base = knowledge(
        muscle("a"), zone("z"), refers_to("a", "z", side=Side.BOTH), refers_to("a", "z", role=Role.SPILLOVER)
    )
    assert [finding.subject for finding in check(base)] == ["refers_to a -> z"]


def test_short_and_contracting_is_found() -> None:
    base = knowledge(
        muscle("a"),
        motion("hip_flexion"),
        limits_motion("hip_flexion", "a"),
        limits_motion("hip_flexion", "a", mechanism=Mechanism.INHIBITED),
    )
    assert [finding.subject for finding in check(base)] == ["limits_motion hip_flexion -> a"]


def test_two_orders_are_found() -> None:
    base = knowledge(muscle("a"), technique("press"), treated_by("press", "a"), treated_by("press", "a", order=2))
    assert [finding.subject for finding in check(base)] == ["treated_by press -> a"]


def test_two_mechanisms_of_one_satellite_are_found() -> None:
    base = knowledge(muscle("a"), muscle("b"), satellite_of("a", "b"), satellite_of("a", "b", mechanism="synergist"))
    assert [finding.subject for finding in check(base)] == ["satellite_of a -> b"]
