"""What an error of the planner means for its caller. No other file of the service names a status code."""

from __future__ import annotations

import grpc

from services.planner.domain.errors import (
    AssessmentRefused,
    AssessmentStateForbids,
    AssessmentUnavailable,
    DeadlinePassed,
    DemandUnsafe,
    KnowledgeDiffers,
    PlanExists,
    RequestInvalid,
    ResourceDamaged,
    ResourceMissing,
)
from services.runtime.status import CallRefused, FieldProblem
from services.runtime.store_errors import RETRY_AFTER_SECONDS, explain_store
from services.store.model import RequestReused


def explain(error: Exception) -> CallRefused | None:
    """Returns what the caller may know about an error, None if it is a bug (a plan that our own checker refuses is)."""
    return _explain_request(error) or _explain_resource(error) or _explain_store(error) or _explain_assessments(error)


def _explain_request(error: Exception) -> CallRefused | None:
    match error:
        case RequestInvalid(problems=problems):
            only = problems[0]
            return CallRefused(
                code=grpc.StatusCode.INVALID_ARGUMENT,
                reason="FIELD_INVALID",
                message=f"{only.field}: {only.problem}" if len(problems) == 1 else f"{len(problems)} fields are wrong",
                metadata={"field_count": str(len(problems))},
                fields=tuple(FieldProblem(problem.field, problem.problem) for problem in problems),
            )
        case RequestReused():
            return CallRefused(
                code=grpc.StatusCode.INVALID_ARGUMENT,
                reason="REQUEST_ID_REUSED",
                message="the request_id was used before with another body",
                metadata={"request_id": str(error)},
            )
    return None


def _explain_resource(error: Exception) -> CallRefused | None:
    match error:
        case ResourceMissing(resource=resource):
            return CallRefused(
                code=grpc.StatusCode.NOT_FOUND,
                reason="RESOURCE_NOT_FOUND",
                message=str(error),
                metadata={"resource": resource},
            )
        case PlanExists(resource=resource):
            return CallRefused(
                code=grpc.StatusCode.ALREADY_EXISTS,
                reason="RESOURCE_ALREADY_EXISTS",
                message=str(error),
                metadata={"resource": resource},
            )
        case AssessmentStateForbids(assessment=assessment, state=state, needed=needed):
            return CallRefused(
                code=grpc.StatusCode.FAILED_PRECONDITION,
                reason="STATE_FORBIDS",
                message=str(error),
                metadata={"resource": assessment, "state": state, "needed": needed},
                preconditions=(str(error),),
            )
        case DemandUnsafe(sentences=sentences):
            return CallRefused(
                code=grpc.StatusCode.FAILED_PRECONDITION,
                reason="STATE_FORBIDS",
                message="what is demanded is forbidden by a safety rule or a consent that was not given",
                metadata={"state": "FORBIDDEN", "needed": "a plan without these demands"},
                preconditions=sentences,
            )
    return None


def _explain_store(error: Exception) -> CallRefused | None:
    match error:
        case ResourceDamaged(resource=resource):
            return CallRefused(
                code=grpc.StatusCode.DATA_LOSS,
                reason="RECORD_DAMAGED",
                message="what is stored does not match its seal; it is not served",
                metadata={"resource": resource},
            )
    return explain_store(error)


def _explain_assessments(error: Exception) -> CallRefused | None:
    match error:
        case AssessmentUnavailable():
            return CallRefused(
                code=grpc.StatusCode.UNAVAILABLE,
                reason="ASSESSMENT_UNAVAILABLE",
                message="the assessment service does not answer; try again with the same request_id",
                retry_after_seconds=RETRY_AFTER_SECONDS,
            )
        case KnowledgeDiffers(theirs=theirs, ours=ours):
            return CallRefused(
                code=grpc.StatusCode.UNAVAILABLE,
                reason="ASSESSMENT_UNAVAILABLE",
                message="the assessment service works with another revision of the knowledge base; give both the same",
                metadata={"assessment_knowledge": theirs, "planner_knowledge": ours},
                retry_after_seconds=RETRY_AFTER_SECONDS,
            )
        case AssessmentRefused():
            return CallRefused(
                code=grpc.StatusCode.PERMISSION_DENIED,
                reason="ROLE_LACKS_RIGHT",
                message="the assessment service does not let this caller read the assessment",
                metadata={"method": "GetAssessment"},
            )
        case DeadlinePassed():
            return CallRefused(
                code=grpc.StatusCode.DEADLINE_EXCEEDED,
                reason="DEADLINE_TOO_SHORT",
                message="the deadline passed before the assessment was read",
            )
    return None
