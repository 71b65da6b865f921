"""Who reads, as the rules of learning mode see it."""

from __future__ import annotations

from services.planner.usecases.blind import Reader
from services.runtime.identity import current_caller


def current_reader() -> Reader | None:
    """Returns who makes the call that is being handled; None outside of a call."""
    try:
        caller = current_caller()
    except LookupError:
        return None
    return Reader(clinic=caller.clinic, person=caller.person, roles=frozenset(role.value for role in caller.roles))
