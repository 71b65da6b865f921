"""Whatever a fact names, a source above all, must exist."""

from __future__ import annotations

from knowledge.lint.dangling_reference import check
from tests.support.literal_knowledge import knowledge, motion, muscle, norm, refers_to, zone


def test_names_that_exist_are_right() -> None:
    base = knowledge(muscle("a"), zone("z"), refers_to("a", "z"))
    assert list(check(base)) == []


def test_an_unknown_source_is_found() -> None:
    base = knowledge(muscle("a", source="nobody"))
    assert [finding.subject for finding in check(base)] == ["a"]


def test_an_unknown_end_of_an_edge_is_found() -> None:
    base = knowledge(muscle("a"), refers_to("a", "nowhere"))
    assert [finding.subject for finding in check(base)] == ["refers_to a -> nowhere"]


def test_an_unknown_source_of_a_norm_is_found() -> None:
    base = knowledge(motion("hip_flexion", norms=(norm(120, source="nobody"),)))
    assert [finding.subject for finding in check(base)] == ["hip_flexion"]
