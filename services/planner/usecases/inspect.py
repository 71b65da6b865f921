"""Looks into the plans of a store while it is verified, revision by revision."""

from __future__ import annotations

from services.planner.ports import Documents
from services.planner.review.invariants import Act, Chain
from services.store.model import Entry, Inspect

COLLECTION = "plans"


def plan_inspection(documents: Documents, clinic: str = "") -> Inspect:
    """Returns what checks the invariants of every plan, clinic after clinic; good for one verification.

    `clinic` empty: that all signatures on a plan are of one clinic is all that is checked of it.
    """
    chains: dict[str, Chain] = {}

    def inspect(entry: Entry, content: bytes) -> tuple[str, ...]:
        if entry.revision == 1:
            chains[entry.name] = Chain(clinic)
        chain = chains.get(entry.name)
        if chain is None:
            return ("its first revision was not seen, so its history cannot be checked",)
        try:
            plan = documents.decode(content)
        except ValueError:
            return ("the document is no plan",)
        found = list(
            chain.broken_by(
                plan,
                Act(action=entry.action, person=entry.person, roles=entry.roles, time_micros=entry.time_micros),
            )
        )
        if plan.name != entry.name:
            found.append("I4: the content is that of another plan")
        if (entry.facts.get("state"), entry.facts.get("hold", "false") == "true") != (plan.state.name, plan.hold):
            found.append("I10: the entry says another state than the plan")
        return tuple(found)

    return inspect
