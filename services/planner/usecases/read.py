"""Reads one plan, or a page of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from services.planner.domain.plan import State
from services.planner.ports import StoredPlan
from services.planner.review.shown import as_seen_now
from services.planner.usecases.plans import Plans, is_in

# A page ends early when its documents, unpacked, reach this size: clients receive 4 MiB unless told otherwise.
PAGE_BYTES = 3 * 1024 * 1024
_BATCH = 16
_MOST_LOOKED_AT = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class GetPlan:
    """One plan of a clinic; `revision` None: the newest."""

    clinic: str
    name: str
    revision: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPlans:
    """A page of plans under `parent` behind position `after`; `state` None: in any state.

    Without `details` the plans have no steps, omissions, candidates and aftercare.
    """

    clinic: str
    parent: str
    state: State | None
    page_size: int
    after: int | None
    details: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanPage:
    """Plans, newest first. `next_after`: where the next page begins, None at the end."""

    plans: tuple[StoredPlan, ...]
    next_after: int | None


async def get_plan(plans: Plans, query: GetPlan) -> StoredPlan:
    """Returns a plan; an earlier revision shows what became of it since. Raises ResourceMissing."""
    stored = await plans.read(query.clinic, query.name, query.revision)
    if query.revision is None:
        return stored
    newest = await plans.read(query.clinic, query.name, None)
    return replace(stored, plan=as_seen_now(stored.plan, newest.plan))


async def list_plans(plans: Plans, query: ListPlans) -> PlanPage:
    """Returns a page. It is shorter than asked for when it would grow too large, or few of many are in the state.

    Without details a page does not grow too large.
    """
    found: list[StoredPlan] = []
    size, looked_at, after = 0, 0, query.after
    while True:
        room = min(_BATCH, query.page_size - len(found)) if size < PAGE_BYTES // 2 else 1
        page = await plans.page(query.clinic, query.parent, room, after)
        wanted = [revision for revision in page.revisions if is_in(revision, query.state)]
        found += [plans.stored(revision, details=query.details) for revision in wanted]
        if query.details:
            size += sum(plans.documents.size(revision.content) for revision in wanted)
        looked_at += len(page.revisions)
        after = page.next_after
        full = len(found) >= query.page_size or size >= PAGE_BYTES or looked_at >= _MOST_LOOKED_AT
        if after is None or full:
            return PlanPage(plans=tuple(found), next_after=after)
