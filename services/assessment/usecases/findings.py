"""Records findings and takes them back."""

from __future__ import annotations

from dataclasses import dataclass

from services.assessment.domain.assessment import Action, record, retract
from services.assessment.domain.errors import EtagStale
from services.assessment.domain.findings import Findings
from services.assessment.ports import StoredAssessment
from services.assessment.usecases.records import Records
from services.store.model import Actor, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Findings to add or replace. An empty `etag` appends to whatever is stored."""

    actor: Actor
    name: str
    etag: str
    findings: Findings
    request: Request | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Retract:
    """Findings to take back."""

    actor: Actor
    name: str
    etag: str
    finding_ids: tuple[str, ...]
    reason: str
    request: Request | None


async def record_findings(records: Records, command: Record) -> StoredAssessment:
    """Returns the assessment with the findings in it.

    Without an etag it goes on until the deadline of the call when others write at the same time. Raises
    AssessmentMissing, StateForbids, RequestInvalid, LimitReached, and EtagStale only if an etag was given.
    """
    while True:
        try:
            async with records.one_at_a_time(command.actor.clinic, command.name):
                return await records.revise(
                    command,
                    Action.FINDINGS_RECORDED,
                    lambda assessment: record(assessment, command.findings),
                    changes=command.findings.ids(),
                )
        except EtagStale:
            if command.etag:
                raise


async def retract_findings(records: Records, command: Retract) -> StoredAssessment:
    """Returns the assessment without the findings; earlier revisions keep them.

    Raises AssessmentMissing, StateForbids, EtagStale, FindingsMissing.
    """
    return await records.revise(
        command,
        Action.FINDINGS_RETRACTED,
        lambda assessment: retract(assessment, command.finding_ids),
        reason=command.reason,
        changes=command.finding_ids,
    )
