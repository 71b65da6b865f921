"""Creates an assessment."""

from __future__ import annotations

from dataclasses import dataclass

from services.assessment.domain.assessment import Assessment, Person, contents, record
from services.assessment.domain.findings import Findings
from services.assessment.domain.profile import Intake
from services.assessment.ports import StoredAssessment
from services.assessment.usecases.records import Records
from services.store.model import Actor, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """A new assessment under `parent` (`clients/{client}`). An empty `assessment_id` is made by the service."""

    actor: Actor
    parent: str
    assessment_id: str
    intake: Intake
    findings: Findings
    request: Request | None


async def create_assessment(records: Records, command: Create) -> StoredAssessment:
    """Returns the assessment created, OPEN. Raises AssessmentExists, LimitReached."""
    uid = records.new_id()
    name = f"{command.parent}/assessments/{command.assessment_id or uid}"
    if earlier := await records.replay(name, command.actor, command.request):
        return earlier
    author = Person(id=command.actor.person, display_name=command.actor.display_name)
    empty = Assessment(name=name, uid=uid, author=author, create_time=records.clock(), intake=command.intake)
    assessment = record(empty, command.findings)
    return await records.create(command.actor, assessment, contents(assessment), command.request)
