"""Who calls, as the use cases and the store keep it."""

from __future__ import annotations

from services.planner.usecases.blind import Reader
from services.runtime.identity import Caller, current_caller
from services.store.model import Actor


def actor_of(caller: Caller) -> Actor:
    """Returns a caller as one who acts."""
    return Actor(
        clinic=caller.clinic,
        person=caller.person,
        display_name=caller.display_name,
        roles=tuple(sorted(role.value for role in caller.roles)),
    )


def current_actor() -> Actor:
    """Returns who makes the call that is being handled."""
    return actor_of(current_caller())


def current_reader() -> Reader | None:
    """Returns who makes the call that is being handled; None outside of a call."""
    try:
        caller = current_caller()
    except LookupError:
        return None
    return Reader(clinic=caller.clinic, person=caller.person, roles=frozenset(role.value for role in caller.roles))
