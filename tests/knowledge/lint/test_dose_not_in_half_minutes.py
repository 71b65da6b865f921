"""A session is laid out in half minutes, and so is every dose."""

from __future__ import annotations

from knowledge.lint.dose_not_in_half_minutes import check
from tests.support.literal_knowledge import dose, knowledge, technique


def test_half_minutes_are_right() -> None:
    base = knowledge(technique("press", doses=(dose("usual", 90, 0.8),)))
    assert list(check(base)) == []


def test_anything_else_is_found() -> None:
    base = knowledge(technique("press", doses=(dose("short", 45, 0.6), dose("usual", 90, 0.8))))
    assert [finding.subject for finding in check(base)] == ["press.short"]
