"""A technique that is used on no muscle is never in a plan."""

from __future__ import annotations

from knowledge.lint.unused_technique import check
from knowledge.model import Phase
from tests.support.literal_knowledge import knowledge, muscle, technique, treated_by


def test_a_technique_in_use_is_right() -> None:
    base = knowledge(muscle("a"), technique("press"), treated_by("press", "a"))
    assert list(check(base)) == []


def test_the_closing_rest_belongs_to_no_muscle() -> None:
    base = knowledge(technique("rest", phase=Phase.CLOSE))
    assert list(check(base)) == []


def test_a_technique_for_nothing_is_found() -> None:
    base = knowledge(technique("press"))
    assert [finding.subject for finding in check(base)] == ["press"]
