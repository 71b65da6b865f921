"""Turning a client by way of a third position is never quicker than turning directly."""

from __future__ import annotations

from knowledge.lint.positions_not_a_metric import check
from tests.support.literal_knowledge import knowledge, position, position_change


def test_direct_turns_are_quickest() -> None:
    base = knowledge(
        position("prone"),
        position("seated"),
        position("supine"),
        position_change("prone", "supine", 60),
        position_change("supine", "seated", 60),
        position_change("prone", "seated", 90),
    )
    assert list(check(base)) == []


def test_a_pair_without_time_is_found() -> None:
    base = knowledge(
        position("prone"),
        position("seated"),
        position("supine"),
        position_change("prone", "supine", 60),
        position_change("supine", "seated", 60),
    )
    assert [finding.subject for finding in check(base)] == ["prone -> seated"]


def test_a_detour_that_is_quicker_is_found() -> None:
    base = knowledge(
        position("prone"),
        position("seated"),
        position("supine"),
        position_change("prone", "supine", 30),
        position_change("supine", "seated", 30),
        position_change("prone", "seated", 90),
    )
    assert [finding.subject for finding in check(base)] == ["prone -> seated"]
