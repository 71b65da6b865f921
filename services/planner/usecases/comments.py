"""Comments: drafts in a record of their own per plan and person, published ones in the plan."""

from __future__ import annotations

from dataclasses import dataclass, replace

from services.planner.domain.canonical import digest
from services.planner.domain.errors import (
    FieldProblem,
    LimitReached,
    PlanChanged,
    PlanStateForbids,
    RequestInvalid,
    ResourceDamaged,
    ResourceMissing,
)
from services.planner.domain.plan import Plan
from services.planner.domain.review import Comment, CommentDrafts, CommentStatus
from services.planner.ports import DraftDocuments, StoredPlan
from services.planner.review.permission import permit
from services.planner.review.table import Action
from services.planner.review.talk import check_may_resolve, open_comment, steps_of, with_closed, with_published
from services.planner.usecases.plans import Plans, reviewer_of
from services.store.model import (
    Actor,
    EtagMismatch,
    RecordDamaged,
    RecordExists,
    RecordMissing,
    Request,
    Revision,
    Write,
)

MOST_COMMENTS = 200
"""Published comments on one plan; what is resolved counts."""
MOST_DRAFTS = 64
"""Unpublished comments of one person on one plan."""
_ID_DIGITS = 40
_TRIES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateComment:
    """Asks to keep a comment as a draft; `comment` has everything that the person said."""

    actor: Actor
    plan: str
    comment: Comment
    request: Request | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteComment:
    """Asks to take a draft of one's own back; `comment` is its id."""

    actor: Actor
    plan: str
    comment: str
    request: Request | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishComments:
    """Asks to publish drafts; no `comments`: all of the person's."""

    actor: Actor
    plan: str
    etag: str
    comments: tuple[str, ...]
    request: Request | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListComments:
    """Comments behind the first `after`."""

    actor: Actor
    plan: str
    page_size: int
    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveComment:
    """Asks to close a comment."""

    actor: Actor
    plan: str
    etag: str
    comment: str
    resolution: str
    request: Request | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentPage:
    """Comments, oldest first, with the etag of their plan. `next_after`: where the next page begins, or None."""

    comments: tuple[Comment, ...]
    etag: str
    next_after: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comments:
    """The comments of all clinics."""

    plans: Plans
    documents: DraftDocuments

    async def create(self, command: CreateComment) -> Comment:
        """Keeps a draft and returns it; a repeated request returns its first result.

        Raises ResourceMissing, ActorLacksRight, PlanStateForbids, RequestInvalid, LimitReached.
        """
        actor, plans = command.actor, self.plans
        if command.request and (earlier := await plans.store.replay(actor, command.request)):
            return self._drafts(earlier).comments[-1]
        async with plans.refusing(actor, command.plan, "CreateComment"):
            stored = await plans.read(actor.clinic, command.plan, None)
            permit(stored.plan, Action.COMMENT, reviewer_of(actor))
        _check_place(stored.plan, command.comment)
        draft = replace(
            command.comment,
            id=f"c-{plans.new_id()[:18]}",
            version=stored.plan.version,
            author=reviewer_of(actor).person,
            status=CommentStatus.DRAFT,
        )
        for _ in range(_TRIES):
            kept, etag = await self._read_drafts(actor, command.plan)
            kept = _unpublished(kept, stored.plan)
            if len(kept.comments) >= MOST_DRAFTS:
                raise LimitReached("drafts_of_one_person", MOST_DRAFTS)
            more = replace(kept, comments=(*kept.comments, draft))
            try:
                written = await self._write(actor, more, etag, "COMMENT_DRAFTED", (draft.id,), command.request)
            except (EtagMismatch, RecordExists):
                continue  # the same person on another device
            return self._drafts(written).comments[-1]
        raise PlanChanged(command.plan)

    async def delete(self, command: DeleteComment) -> None:
        """Takes a draft back; a repeated request does nothing more.

        The drafts are read before the plan: what the plan has is published, also while its draft is not cleared yet. A
        draft that its author publishes on another device in the same moment may still be published. Raises
        ResourceMissing (also for a draft of somebody else, of which nobody else knows), ActorLacksRight,
        PlanStateForbids.
        """
        actor, plans = command.actor, self.plans
        if command.request and await plans.store.replay(actor, command.request):
            return
        for _ in range(_TRIES):
            kept, etag = await self._read_drafts(actor, command.plan)
            async with plans.refusing(actor, command.plan, "DeleteComment"):
                stored = await plans.read(actor.clinic, command.plan, None)
                permit(stored.plan, Action.COMMENT, reviewer_of(actor))
                left = _without(kept, stored.plan, command.comment)
            try:
                await self._write(actor, left, etag, "DRAFT_DELETED", (command.comment,), command.request)
            except EtagMismatch:
                continue  # the same person on another device
            return
        raise PlanChanged(command.plan)

    async def publish(self, command: PublishComments) -> StoredPlan:
        """Publishes drafts as one batch and returns the plan with them.

        The plan is written first: from then on they are published, under the same ids. If the drafts are not cleared
        after it, nothing is wrong: what the plan has is no draft any more.
        """
        actor, plans = command.actor, self.plans
        stored = await plans.replay(command.plan, actor, command.request)
        if stored is None:
            async with plans.refusing(actor, command.plan, "PublishComments"):
                stored = await self._published(command)
        await self._clear(actor, stored.plan)
        return stored

    async def _published(self, command: PublishComments) -> StoredPlan:
        actor, plans = command.actor, self.plans
        stored = await plans.read(actor.clinic, command.plan, None)
        permit(stored.plan, Action.COMMENT, reviewer_of(actor))
        if stored.etag != command.etag:
            raise PlanChanged(command.plan)
        kept, _ = await self._read_drafts(actor, command.plan)
        chosen = _chosen(_unpublished(kept, stored.plan), command.comments)
        if len(stored.plan.comments) + len(chosen) > MOST_COMMENTS:
            raise LimitReached("comments_on_one_plan", MOST_COMMENTS)
        changed = with_published(stored.plan, chosen, plans.clock())
        return await plans.update(
            actor,
            changed,
            command.etag,
            Action.COMMENT.entry,
            "",
            command.request,
            tuple(one.id for one in chosen),
        )

    async def _clear(self, actor: Actor, plan: Plan) -> None:
        kept, etag = await self._read_drafts(actor, plan.name)
        left = _unpublished(kept, plan)
        if left != kept:
            try:
                await self._write(actor, left, etag, "DRAFTS_CLEARED", _taken_out(kept, left), None)
            except EtagMismatch:
                return  # the same person wrote another draft; that write, or the next, clears them

    async def list(self, query: ListComments) -> CommentPage:
        """Returns the published comments and the person's own drafts. Raises ResourceMissing."""
        stored = await self.plans.read(query.actor.clinic, query.plan, None)
        kept, _ = await self._read_drafts(query.actor, query.plan)
        comments = (*stored.plan.comments, *_unpublished(kept, stored.plan).comments)
        end = query.after + query.page_size
        return CommentPage(
            comments=comments[query.after : end], etag=stored.etag, next_after=end if end < len(comments) else None
        )

    async def resolve(self, command: ResolveComment) -> Comment:
        """Closes a comment and returns it.

        Raises ResourceMissing, ActorLacksRight, PlanStateForbids, PlanChanged.
        """
        actor, plans = command.actor, self.plans
        stored = await plans.replay(command.plan, actor, command.request)
        if stored is None:
            async with plans.refusing(actor, command.plan, "ResolveComment"):
                stored = await self._resolved(command)
        return next(one for one in stored.plan.comments if one.id == command.comment)

    async def _resolved(self, command: ResolveComment) -> StoredPlan:
        actor, plans, by = command.actor, self.plans, reviewer_of(command.actor)
        stored = await plans.read(actor.clinic, command.plan, None)
        permit(stored.plan, Action.RESOLVE_COMMENT, by)
        if stored.etag != command.etag:
            raise PlanChanged(command.plan)
        comment = open_comment(stored.plan, command.comment)
        check_may_resolve(stored.plan, comment, by)
        changed = with_closed(
            stored.plan, comment, CommentStatus.RESOLVED, by.person, command.resolution, plans.clock()
        )
        return await plans.update(
            actor, changed, command.etag, Action.RESOLVE_COMMENT.entry, "", command.request, (comment.id,)
        )

    # --- drafts ---

    async def _read_drafts(self, actor: Actor, plan: str) -> tuple[CommentDrafts, str | None]:
        """Returns the drafts of a person on a plan, with the etag of their record; None: there is none yet."""
        try:
            revision = await self.plans.store.read(actor.clinic, drafts_name(plan, actor.person))
        except RecordMissing:
            return CommentDrafts(plan=plan, person=actor.person, comments=()), None
        except RecordDamaged as damage:
            raise ResourceDamaged(plan) from damage
        return self._drafts(revision), revision.entry.etag

    async def _write(
        self,
        actor: Actor,
        drafts: CommentDrafts,
        etag: str | None,
        action: str,
        changes: tuple[str, ...],
        request: Request | None,
    ) -> Revision:
        name = drafts_name(drafts.plan, drafts.person)
        return await self.plans.store.write(
            Write(
                actor=actor,
                name=name,
                expected_etag=etag,
                content=self.documents.encode(drafts),
                action=action,
                time_micros=self.plans.clock(),
                changes=changes,
                facts={"client": "/".join(name.split("/")[:2])},
                request=request,
            )
        )

    def _drafts(self, revision: Revision) -> CommentDrafts:
        try:
            return self.documents.decode(revision.content)
        except ValueError as error:
            raise ResourceDamaged(revision.entry.name) from error


def drafts_name(plan: str, person: str) -> str:
    """Returns the name of the record that holds a person's drafts on a plan; neither can be read from it."""
    client = "/".join(plan.split("/")[:2])
    return f"{client}/comment_drafts/{digest(plan, person)[:_ID_DIGITS]}"


def _unpublished(drafts: CommentDrafts, plan: Plan) -> CommentDrafts:
    published = {one.id for one in plan.comments}
    return replace(drafts, comments=tuple(one for one in drafts.comments if one.id not in published))


def _taken_out(before: CommentDrafts, after: CommentDrafts) -> tuple[str, ...]:
    left = {one.id for one in after.comments}
    return tuple(one.id for one in before.comments if one.id not in left)


def _without(drafts: CommentDrafts, plan: Plan, comment: str) -> CommentDrafts:
    name = f"{plan.name}/comments/{comment}"
    published = next((one for one in plan.comments if one.id == comment), None)
    if published is not None:
        raise PlanStateForbids(name, published.status.name, CommentStatus.DRAFT.name)
    left = replace(drafts, comments=tuple(one for one in drafts.comments if one.id != comment))
    if left == drafts:
        raise ResourceMissing(name)
    return left


def _chosen(drafts: CommentDrafts, wanted: tuple[str, ...]) -> tuple[Comment, ...]:
    known = {one.id: one for one in drafts.comments}
    problems = [
        FieldProblem(f"comments[{index}]", f"{one} is no draft of yours on this plan")
        for index, one in enumerate(wanted)
        if one not in known
    ]
    if not known:
        problems = [FieldProblem("comments", "there is no draft of yours on this plan")]
    if problems:
        raise RequestInvalid(tuple(problems))
    return tuple(known[one] for one in dict.fromkeys(wanted)) or drafts.comments


def _check_place(plan: Plan, comment: Comment) -> None:
    problems = []
    if comment.step and comment.step not in steps_of(plan):
        problems.append(FieldProblem("comment.step", f"{comment.step} is no step of this plan"))
    if comment.reply_to and comment.reply_to not in {one.id for one in plan.comments}:
        problems.append(FieldProblem("comment.reply_to", f"{comment.reply_to} is no comment on this plan"))
    if problems:
        raise RequestInvalid(tuple(problems))
