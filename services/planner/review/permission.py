"""Reads the table for one plan and one person."""

from __future__ import annotations

from services.planner.domain.errors import ActorLacksRight, OwnWork, PlanStateForbids
from services.planner.domain.plan import Plan
from services.planner.domain.review import Meaning, Reviewer
from services.planner.review.table import Action, Need, Relation, Row, rows


def permit(plan: Plan, action: Action, by: Reviewer, *, strict: bool = False) -> Row:
    """Returns the row that lets `by` do `action` to the plan as it is. `strict`: the clinic wants strict four-eyes.

    Raises ActorLacksRight, PlanStateForbids, OwnWork, in this order: a role that never may learns nothing of the state.
    """
    possible = rows(action)
    if not any(role in row.who for row in possible for role in by.roles):
        raise ActorLacksRight(plan.name, action.value, by.roles)
    row = next((row for row in possible if plan.state in row.states), None)
    if row is None or (row.in_force and plan.approved is None):
        needed = sorted({state.name for row in possible for state in row.states})
        raise PlanStateForbids(plan.name, plan.state.name, " or ".join(needed))
    if acting_role(plan, row, by, strict=strict) is None:
        raise ActorLacksRight(plan.name, action.value, by.roles)
    if Need.OTHER_HANDS in row.needs and by.id in barred(plan, strict=strict):
        raise OwnWork(plan.name)
    return row


def acting_role(plan: Plan, row: Row, by: Reviewer, *, strict: bool) -> str | None:
    """Returns the role in which `by` may do what the row says, None if in none."""
    for role, relation in row.who.items():
        if role in by.roles and _stands_in(plan, relation, by, strict=strict):
            return role
    return None


def _stands_in(plan: Plan, relation: Relation, by: Reviewer, *, strict: bool) -> bool:
    match relation:
        case Relation.ANYONE:
            return True
        case Relation.AUTHOR:
            return by.id in authors(plan)
        case Relation.COSIGNER:
            return by.id == plan.expected_cosigner
        case Relation.AUTHOR_OR_COSIGNER:
            return by.id == plan.expected_cosigner or by.id in authors(plan)
        case Relation.UNDER_FOUR_EYES:
            return strict


def authors(plan: Plan) -> frozenset[str]:
    """Returns the person ids that signed the newest version as its authors."""
    return frozenset(one.signer.id for one in plan.signatures if one.meaning is Meaning.AUTHORED)


def barred(plan: Plan, *, strict: bool) -> frozenset[str]:
    """Returns the person ids that may not release the plan. The person counts, not the role they have now."""
    return frozenset(one.person.id for one in plan.contributors if one.trainee or strict)


def trainee_contributed(plan: Plan) -> bool:
    """Whether any of the work is a trainee's."""
    return any(one.trainee for one in plan.contributors)
