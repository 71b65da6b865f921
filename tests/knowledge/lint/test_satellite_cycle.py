"""Following satellites to their key must come to an end: in a circle nothing is the key."""

from __future__ import annotations

from knowledge.lint.satellite_cycle import check
from tests.support.literal_knowledge import knowledge, muscle, satellite_of


def test_a_chain_to_a_key_is_right() -> None:
    base = knowledge(
        muscle("a"), muscle("b"), muscle("c"), satellite_of("a", "b"), satellite_of("b", "c"), satellite_of("a", "c")
    )
    assert list(check(base)) == []


def test_a_circle_is_found() -> None:
    base = knowledge(
        muscle("a"), muscle("b"), muscle("c"), satellite_of("a", "b"), satellite_of("b", "c"), satellite_of("c", "a")
    )
    assert [finding.subject for finding in check(base)] == ["a -> b -> c -> a"]


def test_every_circle_is_found() -> None:
    base = knowledge(
        muscle("a"),
        muscle("b"),
        muscle("c"),
        satellite_of("a", "b"),
        satellite_of("b", "a"),
        satellite_of("c", "b"),
        satellite_of("b", "c"),
    )
    assert [finding.subject for finding in check(base)] == ["a -> b -> a", "b -> c -> b"]
