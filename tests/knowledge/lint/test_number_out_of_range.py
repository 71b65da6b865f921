"""A share lies between 0 and 1, a pressure between 1 and 5, a pain between 0 and 10."""

from __future__ import annotations

from knowledge.lint.number_out_of_range import check
from knowledge.model import Range
from tests.support.literal_knowledge import condition, cuts, dose, knowledge, muscle, rule, technique


def test_plain_things_are_right() -> None:
    base = knowledge(muscle("a"), technique("press"))
    assert list(check(base)) == []


def test_a_share_above_one_is_found() -> None:
    base = knowledge(muscle("a", palpability=1.5))
    assert [finding.subject for finding in check(base)] == ["a"]


def test_a_nested_number_is_found() -> None:
    base = knowledge(technique("press", doses=(dose("usual", 90, 80),)))
    assert [finding.subject for finding in check(base)] == ["press"]


def test_a_range_out_of_order_is_found() -> None:
    base = knowledge(technique("press", pressure=Range(min=3, usual=2, max=4)))
    assert [finding.subject for finding in check(base)] == ["press"]


def test_a_pressure_of_the_wrong_scale_is_found() -> None:
    base = knowledge(condition("c"), rule("r", "c", cuts=cuts(max_pressure=9)))
    assert [finding.subject for finding in check(base)] == ["r"]
