"""What an error of the planner means for its caller. No other file of the service names a status code."""

from __future__ import annotations

import grpc

from services.planner.domain.errors import (
    ActorLacksRight,
    AssessmentRefused,
    AssessmentStateForbids,
    AssessmentUnavailable,
    BreakGlassNeeded,
    DeadlinePassed,
    DemandUnsafe,
    DigestDiffers,
    EditNeedsOverride,
    EditsConflict,
    InputsChanged,
    KnowledgeDiffers,
    LimitReached,
    OwnWork,
    PlanChanged,
    PlanExists,
    PlanStateForbids,
    PredictionForbidden,
    PredictionOpen,
    ReleaseBlocked,
    RequestInvalid,
    ResourceDamaged,
    ResourceMissing,
    SignInTooOld,
)
from services.planner.domain.plan import Conflict
from services.runtime.status import CallRefused, FieldProblem
from services.runtime.store_errors import RETRY_AFTER_SECONDS, explain_store
from services.store.model import RequestReused


def explain(error: Exception) -> CallRefused | None:
    """Returns what the caller may know about an error, None if it is a bug (a plan that our own checker refuses is)."""
    return (
        _explain_request(error)
        or _explain_refusal(error)
        or _explain_resource(error)
        or _explain_demand(error)
        or _explain_learning(error)
        or _explain_store(error)
        or _explain_assessments(error)
    )


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
        case BreakGlassNeeded(client=client):
            return CallRefused(
                code=grpc.StatusCode.PERMISSION_DENIED,
                reason="BREAK_GLASS_NEEDED",
                message="reading records of this client needs a grant of emergency access that has not ended",
                metadata={"client": client},
            )
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
    return None


def _explain_demand(error: Exception) -> CallRefused | None:
    match error:
        case DemandUnsafe(sentences=sentences, rule=rule):
            return CallRefused(
                code=grpc.StatusCode.FAILED_PRECONDITION,
                reason="DEMAND_UNSAFE",
                message="what is demanded is forbidden by a safety rule or a consent that was not given",
                metadata={"rule": rule},
                preconditions=sentences,
            )
        case EditNeedsOverride(rule=rule, sentence=sentence):
            return CallRefused(
                code=grpc.StatusCode.FAILED_PRECONDITION,
                reason="RULE_NEEDS_OVERRIDE",
                message="this goes against a preference; send it again with an override that says why",
                metadata={"rule": rule},
                preconditions=(sentence,),
            )
        case EditsConflict(conflicts=conflicts):
            return CallRefused(
                code=grpc.StatusCode.FAILED_PRECONDITION,
                reason="EDITS_CONFLICT",
                message="the demands cannot hold together",
                metadata={"conflicts": str(len(conflicts))},
                preconditions=tuple(map(_conflict, conflicts)),
            )
    return None


def _conflict(conflict: Conflict) -> str:
    """Returns the demands that clash and what loosens them, in one text."""
    told = f"These cannot hold together: {' '.join(conflict.demands)}"
    return f"{told} What would help: {' Or: '.join(conflict.loosenings)}" if conflict.loosenings else told


def _explain_refusal(error: Exception) -> CallRefused | None:
    return _explain_no_right(error) or _explain_not_now(error)


def _explain_no_right(error: Exception) -> CallRefused | None:
    match error:
        case ActorLacksRight(resource=resource, action=action, roles=roles):
            return CallRefused(
                code=grpc.StatusCode.PERMISSION_DENIED,
                reason=error.REASON,
                message=str(error),
                metadata={"method": action, "roles": ",".join(roles), "resource": resource},
            )
        case OwnWork(resource=resource):
            return CallRefused(
                code=grpc.StatusCode.PERMISSION_DENIED,
                reason=error.REASON,
                message=str(error),
                metadata={"resource": resource},
            )
        case SignInTooOld(most_seconds=most_seconds):
            return CallRefused(
                code=grpc.StatusCode.UNAUTHENTICATED,
                reason="SIGN_IN_TOO_OLD",
                message=str(error),
                metadata={"most_seconds": str(most_seconds)},
            )
    return None


def _explain_not_now(error: Exception) -> CallRefused | None:
    match error:
        case PlanChanged(resource=resource) | DigestDiffers(resource=resource) | InputsChanged(resource=resource):
            return CallRefused(
                code=grpc.StatusCode.ABORTED,
                reason=error.REASON,
                message=str(error),
                metadata={"resource": resource},
            )
        case PlanStateForbids(resource=resource, state=state, needed=needed):
            return CallRefused(
                code=grpc.StatusCode.FAILED_PRECONDITION,
                reason=error.REASON,
                message=str(error),
                metadata={"resource": resource, "state": state, "needed": needed},
                preconditions=(str(error),),
            )
        case ReleaseBlocked(open_must_fix=open_must_fix, unread_flags=unread_flags):
            return CallRefused(
                code=grpc.StatusCode.FAILED_PRECONDITION,
                reason=error.REASON,
                message=str(error),
                metadata={"open_must_fix": str(len(open_must_fix)), "unread_flags": str(len(unread_flags))},
                preconditions=(
                    *(f"the comment {one} must be fixed and is open" for one in open_must_fix),
                    *(f"nobody has read the flag {one}" for one in unread_flags),
                ),
            )
        case LimitReached(limit=limit, most=most):
            return CallRefused(
                code=grpc.StatusCode.RESOURCE_EXHAUSTED,
                reason="LIMIT_EXCEEDED",
                message=str(error),
                metadata={"limit": limit, "most": str(most)},
            )
    return None


def _explain_learning(error: Exception) -> CallRefused | None:
    match error:
        case PredictionOpen(assessment=assessment):
            return CallRefused(
                code=grpc.StatusCode.PERMISSION_DENIED,
                reason="PREDICTION_OPEN",
                message=str(error),
                metadata={"resource": assessment},
            )
        case PredictionForbidden(resource=resource, state=state, needed=needed):
            return CallRefused(
                code=grpc.StatusCode.FAILED_PRECONDITION,
                reason="STATE_FORBIDS",
                message=str(error),
                metadata={"resource": resource, "state": state, "needed": needed},
                preconditions=(str(error),),
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
