"""Runs every rule of the linter over a knowledge base."""

from __future__ import annotations

from collections.abc import Iterable

from knowledge.lint import dangling_reference
from knowledge.lint.exceptions import LintException, without_exceptions
from knowledge.lint.finding import Finding
from knowledge.lint.registry import RULES
from knowledge.model import KnowledgeBase


def lint(base: KnowledgeBase, exceptions: Iterable[LintException] = ()) -> tuple[Finding, ...]:
    """Returns what the rules find and no exception names, by rule and subject.

    While something that a fact names does not exist, only that is told: the other rules follow names.
    """
    if missing := tuple(dangling_reference.check(base)):
        return missing
    findings = [finding for check in RULES.values() for finding in check(base)]
    return tuple(sorted(dict.fromkeys(without_exceptions(findings, exceptions))))
