"""What lies over what must come to an end at the bone."""

from __future__ import annotations

from knowledge.lint.overlies_cycle import check
from tests.support.literal_knowledge import knowledge, muscle, overlies


def test_layers_down_to_the_bone_are_right() -> None:
    base = knowledge(muscle("a"), muscle("b"), muscle("c"), overlies("a", "b"), overlies("b", "c"))
    assert list(check(base)) == []


def test_a_circle_is_found() -> None:
    base = knowledge(muscle("a"), muscle("b"), overlies("a", "b"), overlies("b", "a"))
    assert [finding.subject for finding in check(base)] == ["a -> b -> a"]
