"""Changes the intake of an assessment."""

from __future__ import annotations

from dataclasses import dataclass

from services.assessment.domain.assessment import Action, update
from services.assessment.domain.profile import Intake
from services.assessment.ports import StoredAssessment
from services.assessment.usecases.records import Records
from services.store.model import Actor, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """The fields at `paths` get the values in `intake`."""

    actor: Actor
    name: str
    etag: str
    intake: Intake
    paths: tuple[str, ...]
    request: Request | None


async def update_assessment(records: Records, command: Update) -> StoredAssessment:
    """Returns the assessment changed. Raises AssessmentMissing, StateForbids, EtagStale, LimitReached."""
    return await records.revise(
        command,
        Action.UPDATED,
        lambda assessment: update(assessment, command.intake, command.paths),
        changes=command.paths,
    )
