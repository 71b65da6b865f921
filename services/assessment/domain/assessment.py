"""An assessment and the ways in which it changes. Every change returns a new value, with all derived parts derived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from knowledge.model import Motion
from services.assessment.domain import limits
from services.assessment.domain.classification import classify
from services.assessment.domain.errors import (
    FieldProblem,
    FindingsMissing,
    LimitReached,
    RequestInvalid,
    StateForbids,
)
from services.assessment.domain.findings import Finding, Findings
from services.assessment.domain.interpretation import interpret
from services.assessment.domain.profile import Intake, with_changes


class State(StrEnum):
    """Where an assessment stands."""

    OPEN = "OPEN"
    COMPLETED = "COMPLETED"
    VOIDED = "VOIDED"


class Action(StrEnum):
    """What can happen to an assessment."""

    CREATED = "CREATED"
    UPDATED = "UPDATED"
    FINDINGS_RECORDED = "FINDINGS_RECORDED"
    FINDINGS_RETRACTED = "FINDINGS_RETRACTED"
    COMPLETED = "COMPLETED"
    VOIDED = "VOIDED"
    AMENDED = "AMENDED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A member of the clinic's staff, as the credential names them."""

    id: str
    display_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """What was found in one client at one visit. Times are in UTC.

    `complete_time` is when it was last completed, None while it never was.
    """

    name: str
    uid: str
    author: Person
    create_time: datetime
    state: State = State.OPEN
    intake: Intake = field(default_factory=Intake)
    findings: Findings = field(default_factory=Findings)
    complete_time: datetime | None = None

    @property
    def client(self) -> str:
        """The client, `clients/{client}`."""
        return self.name.partition("/assessments/")[0]


def update(assessment: Assessment, given: Intake, paths: tuple[str, ...]) -> Assessment:
    """Returns the assessment with the intake fields at `paths` taken from `given`. Raises StateForbids."""
    _need(assessment, State.OPEN)
    return replace(assessment, intake=with_changes(assessment.intake, given, paths))


def record(assessment: Assessment, new: Findings) -> Assessment:
    """Returns the assessment with findings added, or replaced where their id is known, in place.

    Raises StateForbids, RequestInvalid for an id that another kind of finding has, LimitReached.
    """
    _need(assessment, State.OPEN)
    kind_of = {finding.id: kind for kind, findings in assessment.findings.kinds() for finding in findings}
    problems = [
        FieldProblem(f"{kind}[{index}].id", f"'{finding.id}' is one of the {kind_of[finding.id]} of this assessment")
        for kind, findings in new.kinds()
        for index, finding in enumerate(findings)
        if kind_of.get(finding.id, kind) != kind
    ]
    if problems:
        raise RequestInvalid(problems)
    merged = {kind: _merged(getattr(assessment.findings, kind), findings) for kind, findings in new.kinds() if findings}
    recorded = replace(assessment, findings=_replaced(assessment.findings, merged))
    for kind, findings in recorded.findings.kinds():
        if len(findings) > limits.FINDINGS[kind]:
            raise LimitReached(assessment.name, kind, limits.FINDINGS[kind])
    return recorded


def retract(assessment: Assessment, ids: tuple[str, ...]) -> Assessment:
    """Returns the assessment without the findings named. Raises StateForbids, FindingsMissing."""
    _need(assessment, State.OPEN)
    known = set(assessment.findings.ids())
    if missing := tuple(identifier for identifier in ids if identifier not in known):
        raise FindingsMissing(assessment.name, missing)
    left = {
        kind: tuple(finding for finding in findings if finding.id not in ids)
        for kind, findings in assessment.findings.kinds()
    }
    return replace(assessment, findings=_replaced(assessment.findings, left))


def complete(assessment: Assessment, now: datetime) -> Assessment:
    """Returns the assessment sealed. Raises StateForbids unless it is OPEN."""
    _need(assessment, State.OPEN)
    return replace(assessment, state=State.COMPLETED, complete_time=now)


def void(assessment: Assessment) -> Assessment:
    """Returns the assessment voided, for good. Raises StateForbids if it was voided before."""
    _need(assessment, State.OPEN, State.COMPLETED)
    return replace(assessment, state=State.VOIDED)


def amend(assessment: Assessment) -> Assessment:
    """Returns a sealed assessment opened again. Raises StateForbids unless it is COMPLETED."""
    _need(assessment, State.COMPLETED)
    return replace(assessment, state=State.OPEN)


def derive(assessment: Assessment, motions: Mapping[str, Motion]) -> Assessment:
    """Returns the assessment with everything derived from its findings, all of them in view."""
    findings, profile = assessment.findings, assessment.intake.profile
    return replace(
        assessment,
        findings=replace(
            findings,
            palpation_findings=tuple(
                replace(finding, classification=classify(finding)) for finding in findings.palpation_findings
            ),
            rom_tests=tuple(
                replace(test, interpretation=interpret(test, findings.rom_tests, motions.get(test.motion), profile))
                for test in findings.rom_tests
            ),
        ),
    )


def contents(assessment: Assessment) -> tuple[str, ...]:
    """Returns the intake fields that hold something and the ids of all findings: what changed when it was created."""
    empty = Intake()
    filled = [
        each.name for each in fields(Intake) if getattr(assessment.intake, each.name) != getattr(empty, each.name)
    ]
    return (*filled, *assessment.findings.ids())


def _need(assessment: Assessment, *states: State) -> None:
    if assessment.state not in states:
        raise StateForbids(assessment.name, assessment.state, " or ".join(states))


def _merged(old: tuple[Finding, ...], new: tuple[Finding, ...]) -> tuple[Finding, ...]:
    return tuple({finding.id: finding for finding in (*old, *new)}.values())


def _replaced(findings: Findings, kinds: Mapping[str, Any]) -> Findings:
    return replace(findings, **kinds)
