"""Every zone that a client can shade must have at least one muscle that usually refers there."""

from __future__ import annotations

from knowledge.lint.zone_without_primary_muscle import check
from knowledge.model import Role
from tests.support.literal_knowledge import knowledge, muscle, refers_to, zone


def test_one_usual_muscle_is_enough() -> None:
    base = knowledge(muscle("a"), zone("z"), refers_to("a", "z"))
    assert list(check(base)) == []


def test_a_zone_nobody_refers_to_is_another_finding() -> None:
    base = knowledge(zone("z"))
    assert list(check(base)) == []


def test_a_zone_of_spillover_only_is_found() -> None:
    base = knowledge(muscle("a"), zone("z"), refers_to("a", "z", role=Role.SPILLOVER))
    assert [finding.subject for finding in check(base)] == ["z"]
