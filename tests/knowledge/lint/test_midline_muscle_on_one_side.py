"""A muscle in the middle of the body has no other side to refer to or to be limited from."""

from __future__ import annotations

from knowledge.lint.midline_muscle_on_one_side import check
from knowledge.model import Side
from tests.support.literal_knowledge import knowledge, limits_motion, motion, muscle, refers_to, satellite_of, zone


def test_a_paired_muscle_may_refer_across() -> None:
    base = knowledge(muscle("a"), zone("z"), refers_to("a", "z", side=Side.OPPOSITE))
    assert list(check(base)) == []


def test_a_midline_muscle_refers_to_both_sides() -> None:
    base = knowledge(muscle("a", paired=False), zone("z"), refers_to("a", "z", side=Side.BOTH))
    assert list(check(base)) == []


def test_the_other_side_of_the_middle_is_found() -> None:
    base = knowledge(
        muscle("a", paired=False),
        muscle("b"),
        zone("z"),
        motion("neck_rotation"),
        refers_to("a", "z", side=Side.OPPOSITE),
        limits_motion("neck_rotation", "a", side=Side.OPPOSITE),
        satellite_of("b", "a", side=Side.OPPOSITE),
    )
    assert [finding.subject for finding in check(base)] == [
        "refers_to a -> z",
        "limits_motion neck_rotation -> a",
        "satellite_of b -> a",
    ]
