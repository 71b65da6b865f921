"""Lists over the plans of a clinic: whose turn it is, what may be used, which preferences were overridden."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from services.planner.domain.constraints import Override, OverrideReason
from services.planner.domain.plan import Plan, State
from services.planner.explain.compare import compare
from services.planner.ports import StoredPlan
from services.planner.review.shown import in_force
from services.planner.review.turn import Turn, turn
from services.planner.usecases.plans import Plans
from services.planner.usecases.read import PAGE_BYTES
from services.store.model import Actor, Revision

MOST_LOOKED_AT = 1000
"""The newest plans that such a list looks through. Unreleased ones expire, so what waits is among the newest."""
_BATCH = 50
_LATER_THAN_ALL = 2**63
_WAITING = frozenset({State.AWAITING_COSIGN.name, State.RETURNED.name, State.STALE.name})


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOf:
    """Asks for a page of a list under `parent`, behind the first `after` of it."""

    actor: Actor
    parent: str
    page_size: int
    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewItem:
    """A plan that waits for somebody; `changed_steps` differ from what the planner proposed."""

    stored: StoredPlan
    turn: Turn
    your_turn: bool
    changed_steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewQueue:
    """Items: the caller's first, then by the start of the session. `next_after`: None at the end."""

    items: tuple[ReviewItem, ...]
    next_after: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UsablePlans:
    """Plans in the version in force, by the start of the session. `next_after`: None at the end."""

    plans: tuple[StoredPlan, ...]
    next_after: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOverride:
    """An override, its plan and the lowest version that is known to have it."""

    plan: str
    version: int
    override: Override


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """How often each rule was overridden for which reason, and the overrides, newest first."""

    counts: tuple[tuple[str, OverrideReason, int], ...]
    overrides: tuple[PlanOverride, ...]
    next_after: int | None


async def list_review_queue(plans: Plans, query: ListOf) -> ReviewQueue:
    """Returns a page of the plans that wait for somebody."""
    found = []
    async for revision in _looked_through(plans, query):
        if not _may_wait(revision.entry.facts):
            continue
        stored = plans.stored(revision)
        if (whose := turn(stored.plan)) is not None:
            yours = whose.is_of(query.actor.person, query.actor.roles)
            found.append((not yours, _start(stored.plan), stored.plan.create_micros, stored.plan.name, stored, whose))
    found.sort(key=lambda one: one[:4])
    end = query.after + query.page_size
    items = tuple(
        ReviewItem(stored=stored, turn=whose, your_turn=not others, changed_steps=_changed_steps(stored.plan))
        for others, *_, stored, whose in found[query.after : end]
    )
    return ReviewQueue(items=items, next_after=end if end < len(found) else None)


async def list_usable_plans(plans: Plans, query: ListOf) -> UsablePlans:
    """Returns a page of what a treatment room may use; it is shorter than asked for when it would grow too large."""
    found = [one async for one in _looked_through(plans, query) if _may_be_used(one.entry.facts)]
    found.sort(key=lambda one: (int(one.entry.facts.get("scheduled_micros", _LATER_THAN_ALL)), one.entry.name))
    page: list[StoredPlan] = []
    bytes_left = PAGE_BYTES
    for revision in found[query.after : query.after + query.page_size]:
        size = plans.documents.size(revision.content)
        if page and size > bytes_left:
            break
        stored = plans.stored(revision)
        if usable := in_force(stored.plan):
            page.append(StoredPlan(plan=usable, etag=stored.etag, revision=stored.revision))
        bytes_left -= size
    end = query.after + len(page)
    return UsablePlans(plans=tuple(page), next_after=end if end < len(found) else None)


async def list_overrides(plans: Plans, query: ListOf) -> Overrides:
    """Returns which rules were overridden how often, and a page of the overrides."""
    found = [
        one
        async for revision in _looked_through(plans, query)
        if "overrides" in revision.entry.facts
        for one in _overrides(plans.stored(revision).plan)
    ]
    found.sort(key=lambda one: (-one.override.time_micros, one.plan, one.override.rule))
    counted = Counter((one.override.rule, one.override.reason) for one in found)
    counts = sorted(
        ((rule, reason, count) for (rule, reason), count in counted.items()), key=lambda one: (-one[2], one)
    )
    end = query.after + query.page_size
    return Overrides(
        counts=tuple(counts),
        overrides=tuple(found[query.after : end]),
        next_after=end if end < len(found) else None,
    )


async def _looked_through(plans: Plans, query: ListOf) -> AsyncIterator[Revision]:
    """Yields the newest plans as they are stored: reading one takes longer than finding it."""
    after: int | None = None
    for _ in range(MOST_LOOKED_AT // _BATCH):
        page = await plans.page(query.actor.clinic, query.parent, _BATCH, after)
        for revision in page.revisions:
            yield revision
        after = page.next_after
        if after is None:
            return


def _may_wait(facts: Mapping[str, str]) -> bool:
    """Whether the facts of a plan leave it possible that it waits for somebody."""
    return facts.get("state") in _WAITING or facts.get("hold") == "true" or "open_comments" in facts


def _may_be_used(facts: Mapping[str, str]) -> bool:
    return "approved_version" in facts and facts.get("hold") != "true"


def _start(plan: Plan) -> int:
    return _LATER_THAN_ALL if plan.scheduled_micros is None else plan.scheduled_micros


def _changed_steps(plan: Plan) -> int:
    return 0 if plan.proposed is None else len(compare(plan.proposed, plan.content).steps)


def _overrides(plan: Plan) -> list[PlanOverride]:
    """Returns every override of the newest version and of the one in force, once."""
    versions = [(plan.version, plan.content)]
    if plan.approved:
        versions.insert(0, (plan.approved.version, plan.approved.content))
    found: dict[Override, PlanOverride] = {}
    for version, content in versions:
        for one in content.constraints.overrides:
            found.setdefault(one, PlanOverride(plan=plan.name, version=version, override=one))
    return list(found.values())
