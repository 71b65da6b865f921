"""The curated knowledge makes sense: no rule of the linter finds anything but what is listed with its reason."""

from __future__ import annotations

import pytest

from knowledge.lint.exceptions import read_exceptions
from knowledge.lint.finding import Finding
from knowledge.lint.linter import lint
from knowledge.lint.registry import RULES
from knowledge.load import load


@pytest.fixture(scope="module")
def findings() -> tuple[Finding, ...]:
    return lint(load(), read_exceptions())


@pytest.mark.parametrize("rule", [*RULES, "stale_exception"])
def test_the_curated_knowledge_passes(rule: str, findings: tuple[Finding, ...]) -> None:
    assert [str(finding) for finding in findings if finding.rule == rule] == []
