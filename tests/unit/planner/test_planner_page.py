"""The page about planning says what the code does: every rule with its sentence, every sequencing rule in its order."""

from __future__ import annotations

import re
from pathlib import Path

from services.planner.domain.reasons import Rule
from services.planner.formulate.order import RULES
from services.planner.formulate.precedence import ORDER_RULES
from tests.support.planner import load_once

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "planning.md").read_text()


def test_page_lists_every_rule_once_in_order() -> None:
    assert re.findall(r"^\| `([a-z_]+)` \| .+\. \|$", PAGE, re.MULTILINE) == [rule.value for rule in Rule]


def test_no_safety_rule_has_the_name_of_a_rule_of_the_planner() -> None:
    assert set(Rule) & set(load_once().rules) == set()


def test_page_lists_the_sequencing_rules() -> None:
    assert len(re.findall(r"^\d\. ", PAGE, re.MULTILINE)) == len(RULES)


def test_page_says_which_rules_of_order_can_be_set_aside() -> None:
    listed = re.findall(r"^\| (never|with a reason) \| `([a-z_]+)` \| (.+) \|$", PAGE, re.MULTILINE)
    rules = [("never" if one.safety else "with a reason", name, one.sentence) for name, one in ORDER_RULES.items()]
    assert listed == rules
