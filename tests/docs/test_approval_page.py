"""The page about approval says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from services.planner.domain.plan import State
from services.planner.review import release
from services.planner.review.page import table_as_text
from services.planner.usecases.comments import MOST_COMMENTS, MOST_DRAFTS
from services.planner.usecases.plans import USUAL_EXPIRY_HOURS
from services.planner.usecases.queue import MOST_LOOKED_AT

PAGE = Path(__file__).resolve().parents[2] / "docs" / "approval.md"
TEXT = PAGE.read_text()


def test_the_table_is_the_one_of_the_code() -> None:
    shown = re.search(r"<!-- table -->\n(.*)\n<!-- end of table -->", TEXT, re.DOTALL)
    assert shown
    assert shown[1].strip() == table_as_text(), "write what `table_as_text()` of services.planner.review.page returns"


def test_every_state_is_explained() -> None:
    assert re.findall(r"^\| ([A-Z_]+) \| [^|]+ \|$", TEXT, re.MULTILINE) == [state.name for state in State]


def test_figures_are_those_of_the_code() -> None:
    words = " ".join(TEXT.split())
    assert f"at most {release.SIGN_IN_SECONDS} seconds old" in words
    assert f"`MYOPLAN_PLAN_EXPIRY_HOURS` ({USUAL_EXPIRY_HOURS})" in words
    assert f"Up to {MOST_DRAFTS} drafts of a person and {MOST_COMMENTS} comments on a plan" in words
    assert f"newest {MOST_LOOKED_AT:,} plans" in words
