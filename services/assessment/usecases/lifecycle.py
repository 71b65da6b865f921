"""Seals, voids and reopens assessments."""

from __future__ import annotations

from dataclasses import dataclass

from services.assessment.domain.assessment import Action, amend, complete, void
from services.assessment.ports import StoredAssessment
from services.assessment.usecases.records import Records
from services.store.model import Actor, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeState:
    """A decision about an assessment; completing one needs no `reason`."""

    actor: Actor
    name: str
    etag: str
    reason: str
    request: Request | None


async def complete_assessment(records: Records, command: ChangeState) -> StoredAssessment:
    """Returns the assessment sealed. Raises AssessmentMissing, StateForbids, EtagStale."""
    return await records.revise(command, Action.COMPLETED, lambda assessment: complete(assessment, records.clock()))


async def void_assessment(records: Records, command: ChangeState) -> StoredAssessment:
    """Returns the assessment voided, for good. Raises AssessmentMissing, StateForbids, EtagStale."""
    return await records.revise(command, Action.VOIDED, void, reason=command.reason)


async def amend_assessment(records: Records, command: ChangeState) -> StoredAssessment:
    """Returns the assessment opened again; the sealed revision stays. Raises as the others do."""
    return await records.revise(command, Action.AMENDED, amend, reason=command.reason)
