"""A muscle that every therapist expects to find must have at least one zone it usually refers to."""

from __future__ import annotations

from knowledge.lint.must_muscle_without_primary_zone import check
from knowledge.model import Role, Tier
from tests.support.literal_knowledge import knowledge, muscle, refers_to, zone


def test_a_primary_zone_is_enough() -> None:
    base = knowledge(muscle("a"), zone("z"), refers_to("a", "z"))
    assert list(check(base)) == []


def test_a_muscle_of_the_full_atlas_may_lack_it() -> None:
    base = knowledge(muscle("a", tier=Tier.SHOULD))
    assert list(check(base)) == []


def test_spillover_alone_is_found() -> None:
    base = knowledge(muscle("a"), zone("z"), refers_to("a", "z", role=Role.SPILLOVER))
    assert [finding.subject for finding in check(base)] == ["a"]
