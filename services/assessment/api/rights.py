"""Who may call what: the one table. A method without a row keeps the server from starting."""

from __future__ import annotations

from collections.abc import Mapping

from services.runtime.identity import Role

SERVICE = "myoplan.assessment.v1.AssessmentService"

_DECIDES = frozenset({Role.THERAPIST, Role.SUPERVISOR})
_RECORDS = _DECIDES | {Role.TRAINEE, Role.SYSTEM}
_READS = _RECORDS | {Role.AUDITOR}

# The role admin runs the machines and has no business with clinical records.
_TABLE: Mapping[str, frozenset[Role]] = {
    "CreateAssessment": _RECORDS,
    "GetAssessment": _READS,
    "ListAssessments": _READS,
    "UpdateAssessment": _RECORDS,
    "RecordFindings": _RECORDS,
    "RetractFindings": _RECORDS,
    "CompleteAssessment": _RECORDS,
    "VoidAssessment": _DECIDES,
    "AmendAssessment": _DECIDES,
    "ListAssessmentRevisions": _READS,
    "CompareAssessments": _READS,
    "WatchAssessments": _READS,
}

RIGHTS: Mapping[str, frozenset[Role]] = {f"/{SERVICE}/{method}": roles for method, roles in _TABLE.items()}
"""Full method name -> the roles that may call it."""
