"""What an error of the service means for its caller. No other file of the service names a status code."""

from __future__ import annotations

import grpc

from services.assessment.domain.errors import (
    AssessmentDamaged,
    AssessmentExists,
    AssessmentMissing,
    EtagStale,
    FindingsMissing,
    LimitReached,
    RequestInvalid,
    StateForbids,
)
from services.runtime.status import CallRefused, FieldProblem
from services.runtime.store_errors import explain_store
from services.store.model import RequestReused


def explain(error: Exception) -> CallRefused | None:
    """Returns what the caller may know about an error, None if it is a bug."""
    return _explain_request(error) or _explain_resource(error) or _explain_store(error)


def _explain_request(error: Exception) -> CallRefused | None:
    match error:
        case RequestInvalid(problems=problems):
            count = len(problems)
            return CallRefused(
                code=grpc.StatusCode.INVALID_ARGUMENT,
                reason="FIELD_INVALID",
                message=f"{problems[0].field}: {problems[0].problem}" if count == 1 else f"{count} fields are wrong",
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
        case AssessmentMissing(name=name) | FindingsMissing(name=name):
            return CallRefused(
                code=grpc.StatusCode.NOT_FOUND,
                reason="RESOURCE_NOT_FOUND",
                message=str(error),
                metadata={"resource": name},
            )
        case AssessmentExists(name=name):
            return CallRefused(
                code=grpc.StatusCode.ALREADY_EXISTS,
                reason="RESOURCE_ALREADY_EXISTS",
                message=str(error),
                metadata={"resource": name},
            )
        case StateForbids(name=name, state=state, needed=needed):
            return CallRefused(
                code=grpc.StatusCode.FAILED_PRECONDITION,
                reason="STATE_FORBIDS",
                message=str(error),
                metadata={"resource": name, "state": state, "needed": needed},
                preconditions=(str(error),),
            )
        case EtagStale(name=name):
            return CallRefused(
                code=grpc.StatusCode.ABORTED,
                reason="ETAG_MISMATCH",
                message=f"{error}; read it again and decide again",
                metadata={"resource": name},
            )
        case LimitReached(name=name, limit=limit, most=most):
            return CallRefused(
                code=grpc.StatusCode.RESOURCE_EXHAUSTED,
                reason="LIMIT_EXCEEDED",
                message=str(error),
                metadata={"resource": name, "limit": limit, "most": str(most)},
            )
    return None


def _explain_store(error: Exception) -> CallRefused | None:
    match error:
        case AssessmentDamaged(name=name):
            return CallRefused(
                code=grpc.StatusCode.DATA_LOSS,
                reason="RECORD_DAMAGED",
                message="what is stored does not match its seal; it is not served",
                metadata={"resource": name},
            )
    return explain_store(error)
