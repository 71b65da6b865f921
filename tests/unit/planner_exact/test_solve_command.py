"""`python -m services.planner.optimise`: a problem file in, a solution out, or one sentence."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.instances import Shape, instance
from services.planner.optimise import problem_file, solve

PROBLEM = instance(Shape(6, 3, 45))
TEXT = problem_file.write(PROBLEM)


def command(*arguments: str, text: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    whole = [sys.executable, "-m", "services.planner.optimise", *arguments]
    return subprocess.run(whole, input=text, capture_output=True, check=False)


def test_a_file_and_standard_input_give_the_solution_of_the_planner(tmp_path: Path) -> None:
    path = tmp_path / "problem.json"
    path.write_text(TEXT, encoding="utf-8")
    from_file, from_input = command(str(path)), command(text=TEXT.encode())
    expected = problem_file.write_solution(solve(PROBLEM))
    assert from_file.stdout.decode() == from_input.stdout.decode() == expected
    assert (from_file.returncode, from_input.returncode) == (0, 0)
    solution = json.loads(expected)
    assert solution["proven"]
    assert solution["upper_bound"] == solution["objective"] > 0
    assert {place["id"] for place in solution["placements"]} > {"arrival", "close"}


def test_the_work_limit_is_kept() -> None:
    answer = json.loads(command("--work-limit", "0", text=TEXT.encode()).stdout)
    assert answer["proven"] is (answer["upper_bound"] == answer["objective"])
    assert answer["upper_bound"] >= answer["objective"] > 0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", "Expecting value"),
        (b"{}", "its format is"),
        (b"\xff\xfe", "UTF-8"),
        (b"[" * 100_000, ""),
        (json.dumps(json.loads(TEXT) | {"half_minutes": 361}).encode(), "361 is more than 360"),
    ],
)
def test_what_is_no_problem_is_refused_with_one_sentence(text: bytes, told: str) -> None:
    answer = command(text=text)
    assert (answer.returncode, answer.stdout) == (2, b"")
    (line,) = answer.stderr.decode().splitlines()
    assert line.startswith("No planning problem: ")
    assert told in line


def test_a_file_that_is_not_there_is_refused() -> None:
    answer = command("nowhere.json")
    assert answer.returncode == 2
    assert answer.stderr.decode() == "No planning problem: nowhere.json cannot be read: No such file or directory.\n"
