"""How a revision of a plan is shown beside what became of the plan since. Pure."""

from __future__ import annotations

from dataclasses import replace

from services.planner.domain.plan import Plan, State


def as_seen_now(earlier: Plan, newest: Plan) -> Plan:
    """Returns an earlier revision: what was approved is SUPERSEDED once a newer version is, and never usable again."""
    if earlier.state is not State.APPROVED:
        return earlier
    if newest.state is State.ENTERED_IN_ERROR:
        return replace(earlier, state=State.ENTERED_IN_ERROR, approved=None)
    if newest.approved and newest.approved.version > earlier.version:
        return replace(earlier, state=State.SUPERSEDED, approved=newest.approved)
    return earlier


def in_force(plan: Plan) -> Plan | None:
    """Returns the plan in the version that may be used; None: none may."""
    usable = plan.usable
    if usable is None:
        return None
    return replace(
        plan,
        state=State.APPROVED,
        version=usable.version,
        content=usable.content,
        digest=usable.digest,
        signatures=usable.signatures,
    )
