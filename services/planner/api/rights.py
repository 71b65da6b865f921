"""Who may call what: the one table. A method without a row keeps the server from starting."""

from __future__ import annotations

from collections.abc import Mapping

from myoplan.planner.v1 import knowledge_service_pb2
from services.runtime.identity import Role

PLANNER = "myoplan.planner.v1.PlannerService"
KNOWLEDGE = "myoplan.planner.v1.KnowledgeService"

_PLANS = frozenset({Role.TRAINEE, Role.THERAPIST, Role.SUPERVISOR, Role.SYSTEM})
_READS = _PLANS | {Role.AUDITOR}
_STAFF = frozenset({Role.TRAINEE, Role.THERAPIST, Role.SUPERVISOR})
_LICENSED = frozenset({Role.THERAPIST, Role.SUPERVISOR})

# The role admin runs the machines and has no business with clinical records; these it reads with a grant of emergency
# access to the client and not otherwise (`usecases.emergency`).
_EMERGENCY = _READS | {Role.ADMIN}

_PLANNER: Mapping[str, frozenset[Role]] = {
    "CreatePlan": _PLANS,
    "GetPlan": _EMERGENCY,
    "ListPlans": _EMERGENCY,
    "ExplainOmission": _READS,
    "ComparePlans": _READS,
    "CheckPlan": _READS,
    "ReplayPlan": _READS,
    "ExplorePlan": _READS,
    "ExportPlan": _EMERGENCY,
    # Editing and releasing. What a person may do to a given plan is decided by `review.table`.
    "RevisePlan": _STAFF,
    "SignPlan": _STAFF,
    "ApprovePlan": _LICENSED,
    "CosignPlan": _LICENSED,
    "ReturnPlan": _LICENSED,
    "WithdrawPlan": _STAFF,
    "DiscardPlan": _STAFF,
    "ReassignCosigner": frozenset({Role.SUPERVISOR}),
    "AmendPlan": _STAFF,
    "ReattestPlan": _LICENSED,
    "AddAddendum": _STAFF,
    "MarkPlanEnteredInError": _LICENSED,
    "AcknowledgeFlag": _LICENSED,
    # Reviewing.
    "CreateComment": _STAFF,
    "DeleteComment": _STAFF,
    "PublishComments": _STAFF,
    "ListComments": _STAFF | {Role.AUDITOR, Role.ADMIN},
    "ResolveComment": _STAFF,
    "TakeSuggestion": _STAFF,
    "ListReviewQueue": _STAFF,
    "ListUsablePlans": _READS,
    "ListOverrides": _LICENSED | {Role.AUDITOR},
    # Learning.
    "StartPrediction": _STAFF,
    "LockPrediction": _STAFF,
    "RevealPrediction": _STAFF,
    "GradePrediction": frozenset({Role.SUPERVISOR}),
    "ListPredictions": _STAFF,
    # Working.
    "StartSession": _STAFF,
    "GetSession": _EMERGENCY,
    "RecordDelivery": _STAFF,
    "RefitSession": _STAFF,
    "FinishSession": _STAFF,
    "ReportDelivery": _LICENSED | {Role.AUDITOR},
    # Audit.
    "ListPlanEvents": _EMERGENCY,
    "WatchPlans": _READS,
    "RequestBreakGlass": frozenset({Role.ADMIN}),
    "ListBreakGlassGrants": frozenset({Role.SUPERVISOR, Role.AUDITOR, Role.ADMIN}),
}
# Knowledge is public within the product: whoever has a credential may read all of it.
_KNOWLEDGE_METHODS = knowledge_service_pb2.DESCRIPTOR.services_by_name["KnowledgeService"].methods

RIGHTS: Mapping[str, frozenset[Role]] = {
    **{f"/{PLANNER}/{method}": roles for method, roles in _PLANNER.items()},
    **{f"/{KNOWLEDGE}/{method.name}": frozenset(Role) for method in _KNOWLEDGE_METHODS},
}
"""Full method name -> the roles that may call it."""
