"""Compares two assessments of one client."""

from __future__ import annotations

from dataclasses import dataclass

from services.assessment.domain.assessment import State
from services.assessment.domain.comparison import Comparison, compare
from services.assessment.domain.errors import FieldProblem, RequestInvalid, StateForbids
from services.assessment.ports import StoredAssessment
from services.assessment.usecases.records import Records


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareAssessments:
    """Two assessments of a client of a clinic; a revision that is None is the newest."""

    clinic: str
    earlier: str
    later: str
    earlier_revision: int | None
    later_revision: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Two assessments and what changed between them."""

    earlier: StoredAssessment
    later: StoredAssessment
    comparison: Comparison


async def compare_assessments(records: Records, query: CompareAssessments) -> Compared:
    """Returns what changed. Raises AssessmentMissing, StateForbids, RequestInvalid if the later one is not later."""
    earlier = await _usable(records, query.clinic, query.earlier, query.earlier_revision)
    later = await _usable(records, query.clinic, query.later, query.later_revision)
    if not _in_order(earlier, later):
        raise RequestInvalid([FieldProblem("later", "is not later than the earlier one; exchange the two")])
    words = records.vocabulary
    return Compared(
        earlier=earlier,
        later=later,
        comparison=compare(
            earlier.assessment.findings, later.assessment.findings, words.motions, words.zones, words.planning
        ),
    )


async def _usable(records: Records, clinic: str, name: str, revision: int | None) -> StoredAssessment:
    """Returns a revision of an assessment that is not voided: one that was, may be another client's."""
    newest = await records.read(clinic, name)
    if newest.assessment.state is State.VOIDED:
        raise StateForbids(name, newest.assessment.state, f"{State.OPEN} or {State.COMPLETED}")
    return newest if revision is None else await records.read(clinic, name, revision)


def _in_order(earlier: StoredAssessment, later: StoredAssessment) -> bool:
    """Whether the second was begun after the first; of one assessment, whether it is the higher revision."""
    if earlier.assessment.name == later.assessment.name:
        return earlier.revision < later.revision
    return earlier.assessment.create_time <= later.assessment.create_time
