"""Comments on a plan: published as a batch, resolved, taken over. Pure."""

from __future__ import annotations

from dataclasses import replace

from services.planner.domain.errors import ActorLacksRight, PlanStateForbids, ResourceMissing
from services.planner.domain.plan import Plan
from services.planner.domain.review import SUPERVISOR, Comment, CommentKind, CommentStatus, Person, Reviewer
from services.planner.review.table import Action


def steps_of(plan: Plan) -> frozenset[str]:
    """Returns the ids of every step that can be commented on: of the newest version, the proposal, the one in force."""
    contents = [plan.content, plan.proposed, plan.approved and plan.approved.content]
    return frozenset(step.id for content in contents if content for step in content.steps)


def with_published(plan: Plan, drafts: tuple[Comment, ...], now_micros: int) -> Plan:
    """Returns the plan with the drafts published under their ids."""
    published = tuple(replace(one, status=CommentStatus.OPEN, publish_micros=now_micros) for one in drafts)
    return replace(plan, comments=(*plan.comments, *published), update_micros=now_micros)


def open_comment(plan: Plan, identifier: str) -> Comment:
    """Returns a published comment that is still open. Raises ResourceMissing, PlanStateForbids."""
    name = f"{plan.name}/comments/{identifier}"
    found = next((one for one in plan.comments if one.id == identifier), None)
    if found is None:
        raise ResourceMissing(name)
    if found.status is not CommentStatus.OPEN:
        raise PlanStateForbids(name, found.status.name, CommentStatus.OPEN.name)
    return found


def check_may_resolve(plan: Plan, comment: Comment, by: Reviewer) -> None:
    """Raises ActorLacksRight: what must be fixed is called fixed by who asked for it, or by a supervisor."""
    if comment.kind is CommentKind.MUST_FIX and by.id != comment.author.id and SUPERVISOR not in by.roles:
        raise ActorLacksRight(plan.name, Action.RESOLVE_COMMENT.value, by.roles)


def with_closed(
    plan: Plan, comment: Comment, status: CommentStatus, person: Person, resolution: str, now_micros: int
) -> Plan:
    """Returns the plan with a comment RESOLVED or TAKEN."""
    closed = replace(comment, status=status, resolver=person, resolution=resolution, resolve_micros=now_micros)
    comments = tuple(closed if one.id == comment.id else one for one in plan.comments)
    return replace(plan, comments=comments, update_micros=now_micros)
