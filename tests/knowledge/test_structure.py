"""Plain values become frozen types, strictly, and every problem is told with its place."""

from __future__ import annotations

from typing import Any

import pytest

from knowledge.model import Access, Cuts, Dose, PositionChange, Range, SafetyRule, Urgency
from knowledge.structure import Mismatch, reader_of

RULE: dict[str, Any] = {
    "id": "r",
    "conditions": ["fever"],
    "scope": "refer",
    "message": "Send the client on.",
    "source": "book",
    "basis": "textbook",
    "confidence": "high",
    "status": "unverified",
}


def problems_of(type_: Any, values: Any) -> list[tuple[tuple[str | int, ...], str]]:
    with pytest.raises(Mismatch) as mismatch:
        reader_of(type_)(values)
    return list(mismatch.value.problems)


def test_words_lists_and_nested_facts_get_their_types() -> None:
    rule = reader_of(SafetyRule)({**RULE, "urgency": "soon", "cuts": {"muscles": ["a"], "max_pressure": 2}})
    assert rule.urgency is Urgency.SOON
    assert rule.cuts == Cuts(muscles=("a",), max_pressure=2)
    assert rule.at_least == 1


def test_nothing_is_not_a_value() -> None:
    assert reader_of(SafetyRule)({**RULE, "urgency": None}).urgency is None


def test_a_whole_number_is_a_number() -> None:
    assert reader_of(Range)({"min": 1, "usual": 1.5, "max": 2}) == Range(min=1.0, usual=1.5, max=2.0)


@pytest.mark.parametrize(
    ("type_", "values", "place", "word"),
    [
        (Dose, {"level": "short", "seconds": 60.0, "effect": 0.6, "tissue_load": 0}, ("seconds",), "whole number"),
        (Dose, {"level": "short", "seconds": True, "effect": 0.6, "tissue_load": 0}, ("seconds",), "whole number"),
        (Dose, {"level": 1, "seconds": 60, "effect": 0.6, "tissue_load": 0}, ("level",), "text"),
        (Dose, {"level": "short", "seconds": 60, "effect": "0.6", "tissue_load": 0}, ("effect",), "number"),
        (Dose, {"level": "short", "seconds": 60, "effect": 0.6}, ("tissue_load",), "missing"),
        (Dose, [], (), "fields with values"),
        (SafetyRule, {**RULE, "scope": "forbid"}, ("scope",), "one of refer, absolute, local, modify"),
        (SafetyRule, {**RULE, "conditions": "fever"}, ("conditions",), "a list"),
        (SafetyRule, {**RULE, "conditions": ["fever", 1]}, ("conditions", 1), "text"),
        (SafetyRule, {**RULE, "refer_and_treat": "yes"}, ("refer_and_treat",), "true or false"),
        (SafetyRule, {**RULE, "cuts": {"muscle": "a"}}, ("cuts", "muscle"), "not a field"),
        (PositionChange, {"between": ["a"], "seconds": 60}, ("between",), "a list of 2"),
        (Access, {"position": "standing"}, ("position",), "one of supine"),
    ],
)
def test_what_does_not_fit_is_told_at_its_place(type_: Any, values: Any, place: Any, word: str) -> None:
    assert any(found == place and word in message for found, message in problems_of(type_, values))


def test_every_problem_is_told_at_once() -> None:
    values = {**RULE, "scope": "forbid", "when": [{"parameter": "days", "below": "7"}, {"parameter": 1}], "colour": 1}
    del values["message"]
    assert [place for place, _ in problems_of(SafetyRule, values)] == [
        ("scope",),
        ("message",),
        ("when", 0, "below"),
        ("when", 1, "parameter"),
        ("colour",),
    ]
