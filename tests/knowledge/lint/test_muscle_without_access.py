"""A muscle that may be treated must say how the client lies and how the hand takes it."""

from __future__ import annotations

from knowledge.lint.muscle_without_access import check
from knowledge.model import Tier
from tests.support.literal_knowledge import knowledge, muscle


def test_an_access_is_enough() -> None:
    base = knowledge(muscle("a"))
    assert list(check(base)) == []


def test_a_muscle_always_referred_needs_none() -> None:
    base = knowledge(muscle("a", access=(), tier=Tier.REFER))
    assert list(check(base)) == []


def test_no_access_is_found() -> None:
    base = knowledge(muscle("a", access=(), tier=Tier.SHOULD))
    assert [finding.subject for finding in check(base)] == ["a"]
