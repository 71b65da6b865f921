"""A source that no fact cites does not belong to the list of sources."""

from __future__ import annotations

from knowledge.lint.unused_source import check
from tests.support.literal_knowledge import knowledge, motion, muscle, norm, source


def test_a_cited_source_is_right() -> None:
    base = knowledge(muscle("a"))
    assert list(check(base)) == []


def test_a_norm_cites_too() -> None:
    base = knowledge(source("study"), motion("hip_flexion", norms=(norm(120, source="study"),)))
    assert list(check(base)) == []


def test_a_source_nobody_cites_is_found() -> None:
    base = knowledge(source("other"), muscle("a"))
    assert [finding.subject for finding in check(base)] == ["other"]
