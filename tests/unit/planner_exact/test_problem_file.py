"""The problem as a JSON document."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings

from benchmarks.instances import Shape, instance
from services.planner.domain.problem import Problem
from services.planner.optimise.problem_file import ProblemFileInvalid, read, write
from tests.unit.planner_exact.small_problems import problems


@given(problems())
@settings(max_examples=100, deadline=None)
def test_what_is_written_is_read_back(problem: Problem) -> None:
    assert read(write(problem)) == problem
    assert write(read(write(problem))) == write(problem)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"format": "myoplan planning problem 0"}, "format"),
        ({"half_minutes": 1.5}, "1.5 is no whole number"),
        ({"half_minutes": -1}, "-1 is no whole number"),
        ({"half_minutes": True}, "True is no whole number"),
        ({"hand_load_cap": [1, 2, 3]}, "not enough values"),
        ({"before": [["nowhere", "nothing"]]}, "'nowhere'|'nothing'"),
        ({"companions": []}, "companion"),
        ({"tasks": []}, "task"),
        ({"position_changes": []}, "pair of positions"),
        ({"position_order": []}, "position"),
        ({"frame": [{}]}, "'id' is missing"),
    ],
)
def test_a_broken_document_is_refused_with_what_is_wrong(change: dict[str, object], told: str) -> None:
    document = json.loads(write(instance(Shape(5, 1, 60)))) | change
    with pytest.raises(ProblemFileInvalid, match=told):
        read(json.dumps(document))


@pytest.mark.parametrize("text", ["", "[]", "{", "null", "{}"])
def test_what_is_no_problem_is_refused(text: str) -> None:
    with pytest.raises(ProblemFileInvalid):
        read(text)
