"""Who may call what: the one table. A method without a row keeps the server from starting."""

from __future__ import annotations

from collections.abc import Mapping

from myoplan.planner.v1 import knowledge_service_pb2
from services.runtime.identity import Role

PLANNER = "myoplan.planner.v1.PlannerService"
KNOWLEDGE = "myoplan.planner.v1.KnowledgeService"

_PLANS = frozenset({Role.TRAINEE, Role.THERAPIST, Role.SUPERVISOR, Role.SYSTEM})
_READS = _PLANS | {Role.AUDITOR}

# The role admin runs the machines and has no business with clinical records.
_PLANNER: Mapping[str, frozenset[Role]] = {
    "CreatePlan": _PLANS,
    "GetPlan": _READS,
    "ListPlans": _READS,
    "ExplainOmission": _READS,
    "ComparePlans": _READS,
    "CheckPlan": _READS,
    "ReplayPlan": _READS,
}
# Knowledge is public within the product: whoever has a credential may read all of it.
_KNOWLEDGE_METHODS = knowledge_service_pb2.DESCRIPTOR.services_by_name["KnowledgeService"].methods

RIGHTS: Mapping[str, frozenset[Role]] = {
    **{f"/{PLANNER}/{method}": roles for method, roles in _PLANNER.items()},
    **{f"/{KNOWLEDGE}/{method.name}": frozenset(Role) for method in _KNOWLEDGE_METHODS},
}
"""Full method name -> the roles that may call it."""
