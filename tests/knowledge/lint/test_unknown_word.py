"""A field with a fixed set of words holds one of them."""

from __future__ import annotations

from knowledge.lint.unknown_word import check
from tests.support.literal_knowledge import dose, knowledge, motion, muscle, technique, zone


def test_plain_things_are_right() -> None:
    base = knowledge(muscle("a"), motion("hip_flexion"), technique("press"), zone("z"))
    assert list(check(base)) == []


def test_a_word_of_another_field_is_found() -> None:
    base = knowledge(technique("press", acts_on="tendon"))
    assert [finding.subject for finding in check(base)] == ["press"]


def test_a_nested_word_is_found() -> None:
    base = knowledge(technique("press", doses=(dose("huge", 90, 0.8),)))
    assert [finding.subject for finding in check(base)] == ["press"]
