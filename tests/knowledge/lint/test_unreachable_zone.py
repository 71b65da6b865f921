"""Every zone that a client can shade must lead to at least one muscle."""

from __future__ import annotations

from knowledge.lint.unreachable_zone import check
from knowledge.model import Role
from tests.support.literal_knowledge import knowledge, muscle, refers_to, zone


def test_a_zone_that_a_muscle_refers_to_is_reached() -> None:
    base = knowledge(muscle("a"), zone("z"), refers_to("a", "z", role=Role.SPILLOVER))
    assert list(check(base)) == []


def test_a_zone_nobody_refers_to_is_found() -> None:
    base = knowledge(zone("z"))
    assert [finding.subject for finding in check(base)] == ["z"]
