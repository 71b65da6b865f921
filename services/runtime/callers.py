"""Who calls, as the store keeps it."""

from __future__ import annotations

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
    """Returns who makes the call that is being handled. Raises LookupError outside of a call."""
    return actor_of(current_caller())
