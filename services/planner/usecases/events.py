"""Tells the audit trail of one plan: who did what to it, when and why."""

from __future__ import annotations

from dataclasses import dataclass

from services.planner.usecases.plans import Plans
from services.store.model import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPlanEvents:
    """A page of the events of the plan `name`, newest first, below revision `after`; None: from the newest."""

    clinic: str
    name: str
    page_size: int
    after: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPage:
    """Entries, newest first, each with its seal checked. `next_after`: where the next page begins, None at the end."""

    entries: tuple[Entry, ...]
    next_after: int | None


async def list_plan_events(plans: Plans, query: ListPlanEvents) -> EventPage:
    """Returns a page. Raises ResourceMissing, and ResourceDamaged where a seal does not match."""
    entries = await plans.history(query.clinic, query.name, query.page_size, query.after)
    more = bool(entries) and entries[-1].revision > 1
    return EventPage(entries=entries, next_after=entries[-1].revision if more else None)
