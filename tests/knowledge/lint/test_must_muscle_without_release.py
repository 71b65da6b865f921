"""A muscle that every therapist expects to treat must have at least one release technique."""

from __future__ import annotations

from knowledge.lint.must_muscle_without_release import check
from knowledge.model import Phase, Tier
from tests.support.literal_knowledge import knowledge, muscle, technique, treated_by


def test_a_release_technique_is_enough() -> None:
    base = knowledge(muscle("a"), technique("press"), treated_by("press", "a"))
    assert list(check(base)) == []


def test_a_muscle_of_the_full_atlas_may_lack_it() -> None:
    base = knowledge(muscle("a", tier=Tier.SHOULD))
    assert list(check(base)) == []


def test_a_stretch_is_no_release() -> None:
    base = knowledge(muscle("a"), technique("stretch", phase=Phase.LENGTHEN), treated_by("stretch", "a"))
    assert [finding.subject for finding in check(base)] == ["a"]
