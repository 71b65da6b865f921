"""A longer dose does more, and each further minute does less than the one before."""

from __future__ import annotations

from knowledge.lint.dose_not_concave import check
from tests.support.literal_knowledge import dose, knowledge, technique


def test_less_and_less_gain_is_right() -> None:
    base = knowledge(
        technique("press", doses=(dose("short", 60, 0.6), dose("usual", 120, 0.9), dose("long", 180, 1.0)))
    )
    assert list(check(base)) == []


def test_no_gain_is_found() -> None:
    base = knowledge(technique("press", doses=(dose("short", 60, 0.8), dose("usual", 120, 0.8))))
    assert [finding.subject for finding in check(base)] == ["press"]


def test_more_gain_late_than_early_is_found() -> None:
    base = knowledge(technique("press", doses=(dose("short", 60, 0.3), dose("usual", 120, 0.9))))
    assert [finding.subject for finding in check(base)] == ["press"]


def test_less_load_from_more_work_is_found() -> None:
    base = knowledge(technique("press", doses=(dose("short", 60, 0.6, 2), dose("usual", 120, 0.9, 1))))
    assert [finding.subject for finding in check(base)] == ["press"]
