"""Takes over what a comment suggests: the edits and the comment's new status are one write."""

from __future__ import annotations

from dataclasses import dataclass

from services.planner.domain.errors import FieldProblem, PlanChanged, RequestInvalid
from services.planner.domain.review import CommentStatus
from services.planner.ports import StoredPlan
from services.planner.review.table import Action
from services.planner.review.talk import open_comment, with_closed
from services.planner.usecases.create import Planning
from services.planner.usecases.plans import reviewer_of
from services.planner.usecases.revise import edited_plan
from services.store.model import Actor, Request

METHOD = "TakeSuggestion"


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeSuggestion:
    """Asks for the edits of a comment; `etag` is that of the plan as the person saw it."""

    actor: Actor
    plan: str
    etag: str
    comment: str
    request: Request | None


async def take_suggestion(planning: Planning, command: TakeSuggestion) -> StoredPlan:
    """Returns the plan after the edits, with the comment taken; a repeated request returns its first result.

    Raises what `revise_plan` raises; ResourceMissing and PlanStateForbids about the comment.
    """
    plans, actor = planning.plans, command.actor
    if earlier := await plans.replay(command.plan, actor, command.request):
        return earlier
    async with plans.refusing(actor, command.plan, METHOD):
        stored = await plans.read(actor.clinic, command.plan, None)
        if stored.etag != command.etag:
            raise PlanChanged(command.plan)
        comment = open_comment(stored.plan, command.comment)
        if not comment.suggestion:
            raise RequestInvalid((FieldProblem("comment", f"{comment.id} suggests nothing"),))
        reason = f"took over the suggestion {comment.id} of {comment.author.display_name}"
        edited = await edited_plan(planning, stored.plan, actor, comment.suggestion, reason)
        person = reviewer_of(actor).person
        taken = with_closed(edited, comment, CommentStatus.TAKEN, person, "", edited.update_micros)
        return await plans.update(actor, taken, command.etag, Action.EDIT.entry, reason, command.request, (comment.id,))
