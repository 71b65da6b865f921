"""Findings that are meant: each with the reason why it stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from knowledge.lint.finding import Finding
from knowledge.yaml_file import FileRefused, parse

LISTED = Path(__file__).parent / "exceptions.yaml"


@dataclass(frozen=True, slots=True)
class LintException:
    """What one rule finds about one subject, and why it stays so."""

    rule: str
    subject: str
    reason: str


def read_exceptions(path: Path = LISTED) -> tuple[LintException, ...]:
    """Returns the exceptions of a file, which gives for each rule its subjects with the reason. Raises FileRefused."""
    document = parse(path)
    if not isinstance(document, dict):
        raise FileRefused(1, "is no list of exceptions", "write rule, then subject: reason")
    return tuple(_exceptions(document))


def _exceptions(document: dict[str, object]) -> Iterator[LintException]:
    for rule, subjects in document.items():
        if not isinstance(subjects, dict):
            raise FileRefused(1, f"'{rule}' has the wrong form", "write subject: reason under it")
        for subject, reason in subjects.items():
            if not isinstance(reason, str) or not reason.strip():
                raise FileRefused(1, f"'{rule}' '{subject}' has no reason", "say why it stays so")
            yield LintException(rule, subject, reason)


def without_exceptions(findings: Iterable[Finding], exceptions: Iterable[LintException]) -> Iterator[Finding]:
    """Yields the findings that no exception names, then the exceptions that name none: those are findings too."""
    unused = {(exception.rule, exception.subject): exception for exception in exceptions}
    named = dict(unused)
    for finding in findings:
        if (finding.rule, finding.subject) in named:
            unused.pop((finding.rule, finding.subject), None)
        else:
            yield finding
    for exception in unused.values():
        told = f"'{exception.rule}' does not find it (any more)"
        yield Finding("stale_exception", exception.subject, told, "take it off the list of exceptions")
