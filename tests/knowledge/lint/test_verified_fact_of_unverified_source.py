"""A fact is verified only if a page of its source was read."""

from __future__ import annotations

from knowledge.lint.verified_fact_of_unverified_source import check
from knowledge.model import Status
from tests.support.literal_knowledge import knowledge, motion, muscle, norm, source


def test_a_source_that_was_read_may_verify() -> None:
    base = knowledge(source("read", status=Status.VERIFIED), muscle("a", source="read", status=Status.VERIFIED))
    assert list(check(base)) == []


def test_an_unverified_fact_may_cite_any() -> None:
    base = knowledge(muscle("a"))
    assert list(check(base)) == []


def test_a_fact_of_an_unread_source_is_found() -> None:
    base = knowledge(muscle("a", status=Status.VERIFIED))
    assert [finding.subject for finding in check(base)] == ["a"]


def test_a_norm_of_an_unread_source_is_found() -> None:
    base = knowledge(motion("hip_flexion", norms=(norm(120, status=Status.VERIFIED),)))
    assert [finding.subject for finding in check(base)] == ["hip_flexion"]
