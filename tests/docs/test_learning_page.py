"""The page about learning mode lists the rubric as the code has it."""

from __future__ import annotations

import re
from pathlib import Path

from services.planner.learning.comparison import RowVerdict
from services.planner.learning.rubric import CRITERIA, LEVELS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "learning.md").read_text()


def test_the_criteria_are_those_of_the_rubric() -> None:
    listed = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", PAGE, re.MULTILINE))
    assert listed == dict(CRITERIA)


def test_the_levels_and_verdicts_are_there() -> None:
    assert f"Levels: {', '.join(f'{level} {word}' for level, word in LEVELS.items())}." in PAGE
    assert re.findall(r"^\| ([A-Z]+) \|", PAGE, re.MULTILINE) == [verdict.name for verdict in RowVerdict]
