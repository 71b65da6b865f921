"""The time of a dose must fit what the technique itself says about seconds, holds and repetitions."""

from __future__ import annotations

from knowledge.lint.dose_outside_range import check
from knowledge.model import Range
from tests.support.literal_knowledge import ONCE, knowledge, technique


def test_a_dose_between_least_and_most_is_right() -> None:
    base = knowledge(technique("press", seconds=Range(min=30, usual=60, max=90), repetitions=ONCE))
    assert list(check(base)) == []


def test_holds_count_with_the_seconds() -> None:
    base = knowledge(
        technique(
            "push",
            seconds=Range(min=10, usual=20, max=30),
            hold_seconds=Range(min=5, usual=7, max=10),
            repetitions=Range(min=2, usual=3, max=4),
        )
    )
    assert list(check(base)) == []


def test_without_ranges_every_dose_is_right() -> None:
    base = knowledge(technique("rest"))
    assert list(check(base)) == []


def test_a_dose_shorter_than_one_application_is_found() -> None:
    base = knowledge(technique("press", seconds=Range(min=120, usual=120, max=180)))
    assert [finding.subject for finding in check(base)] == ["press.usual"]


def test_a_dose_longer_than_all_repetitions_is_found() -> None:
    base = knowledge(
        technique("press", seconds=Range(min=5, usual=10, max=20), repetitions=Range(min=1, usual=2, max=4))
    )
    assert [finding.subject for finding in check(base)] == ["press.usual"]
