"""What happened to a plan, and what one person has seen of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from myoplan.planner.v1.review_pb2 import PlanEvent

NEW_CONTENT = frozenset({"CREATED", "EDITED", "WITHDRAWN", "AMENDED", "REATTESTED"})
"""What makes a new version, as the trail names it."""


def last_look(events: Sequence[PlanEvent], person: str, looked: Collection[int]) -> int | None:
    """Returns the revision that `person` knew before others changed the content for the last time.

    One knows a revision at which one did something, whenever that was: the sealed trail tells. `looked` are those that
    this session has shown. None: nobody else changed anything since, or the person never looked before.
    """
    others = [each.revision for each in events if each.action in NEW_CONTENT and each.person.id != person]
    if not others:
        return None
    newest = max(others)
    known = [each.revision for each in events if each.person.id == person] + list(looked)
    return max((each for each in known if each < newest), default=None)
