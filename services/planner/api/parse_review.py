"""Reads requests about review and approval, once, and reports every field problem together."""

from __future__ import annotations

from typing import Any

from myoplan.planner.v1 import plan_pb2
from myoplan.planner.v1 import review_pb2 as pb
from services.planner.api import names
from services.planner.api.parse import Parser
from services.planner.api.parse_edit import edits as parse_edits
from services.planner.api.reading import Reader
from services.planner.domain.review import Attestation, Comment, CommentKind, Person
from services.planner.review.table import Action, Need, rows
from services.planner.usecases.comments import (
    MOST_DRAFTS,
    CreateComment,
    DeleteComment,
    ListComments,
    PublishComments,
    ResolveComment,
)
from services.planner.usecases.queue import ListOf
from services.planner.usecases.review import Decide
from services.planner.usecases.suggestions import TakeSuggestion
from services.store.model import Actor

_PLAN = "clients/{client}/plans/{plan}"
_COMMENT = f"{_PLAN}/comments/{{comment}}"
_MOST_REASON = 2048
_MOST_ADDENDUM = 8192
_MOST_COMMENT = 4096
# Ids, etags, digests, rules.
_MOST_WORD = 128


def decide(actor: Actor, auth_micros: int | None, method: str, action: Action, request: Any) -> Decide:
    """Reads a decision. What it has to bring is in the table of actions; what it can bring, in its message."""
    reader = Reader()
    needs = {need for row in rows(action) for need in row.needs}
    fields = request.DESCRIPTOR.fields_by_name

    def text(field: str, most: int, need: Need | None) -> str:
        return reader.text(field, getattr(request, field), most, least=need in needs) if field in fields else ""

    name = reader.matching("name", request.name, names.PLAN_NAME, _PLAN)
    etag = _etag(reader, request.etag)
    digest = reader.text("digest", request.digest, _MOST_WORD, least=1)
    reason = text("reason", _MOST_REASON, Need.REASON)
    addendum = text("text", _MOST_ADDENDUM, Need.TEXT)
    expected_cosigner = text("expected_cosigner", _MOST_WORD, Need.COSIGNER)
    rule = reader.text("rule", request.rule, _MOST_WORD, least=1) if "rule" in fields else ""
    attestation, exception = Attestation.NONE, ""
    if "attestation" in fields:
        attestation, exception = _attestation(reader, request, required=Need.ATTESTATION in needs)
    asked = (name, etag, digest, reason, addendum, expected_cosigner, rule, attestation, exception)
    command = Decide(
        actor=actor,
        auth_micros=auth_micros,
        method=method,
        action=action,
        name=name,
        etag=etag,
        digest=digest,
        reason=reason,
        text=addendum or exception,
        attestation=attestation,
        expected_cosigner=expected_cosigner,
        rule=rule,
        request=reader.request(method, request.request_id, *asked),
    )
    reader.raise_any()
    return command


def _attestation(reader: Reader, request: Any, *, required: bool) -> tuple[Attestation, str]:
    word = reader.choice("attestation", request.attestation, plan_pb2.Attestation, required=required)
    attestation = Attestation(word) if word else Attestation.NONE
    excepted = attestation is Attestation.AGREE_EXCEPT
    text = reader.text("attestation_text", request.attestation_text, _MOST_REASON, least=excepted)
    if text and not excepted:
        reader.tell("attestation_text", "goes with AGREE_EXCEPT only")
    return attestation, text


def _etag(reader: Reader, etag: str) -> str:
    return reader.text("etag", etag, _MOST_WORD, least=1)


# --- comments -----------------------------------------------------------------------------------------------------


def create_comment(parser: Parser, actor: Actor, request: pb.CreateCommentRequest) -> CreateComment:
    """Reads CreateComment."""
    reader = Reader()
    plan = reader.matching("parent", request.parent, names.PLAN_NAME, _PLAN)
    said = request.comment
    kind = reader.choice("comment.kind", said.kind, pb.Comment.Kind, required=True)
    comment = Comment(
        id="",
        step=reader.text("comment.step", said.step, _MOST_WORD),
        kind=CommentKind(kind) if kind else CommentKind.NOTE,
        text=reader.text("comment.text", said.text, _MOST_COMMENT, least=1),
        suggestion=parse_edits(parser, reader, "comment.suggestion", said.suggestion),
        version=0,
        author=Person(id=actor.person, display_name=actor.display_name),
        reply_to=reader.text("comment.reply_to", said.reply_to, _MOST_WORD),
    )
    command = CreateComment(
        actor=actor,
        plan=plan,
        comment=comment,
        request=reader.request("CreateComment", request.request_id, plan, comment),
    )
    reader.raise_any()
    return command


def delete_comment(actor: Actor, request: pb.DeleteCommentRequest) -> DeleteComment:
    """Reads DeleteComment."""
    reader = Reader()
    name = reader.matching("name", request.name, names.COMMENT_NAME, _COMMENT)
    plan, _, comment = name.partition("/comments/")
    command = DeleteComment(
        actor=actor,
        plan=plan,
        comment=comment,
        request=reader.request("DeleteComment", request.request_id, name),
    )
    reader.raise_any()
    return command


def publish_comments(actor: Actor, request: pb.PublishCommentsRequest) -> PublishComments:
    """Reads PublishComments."""
    reader = Reader()
    plan = reader.matching("parent", request.parent, names.PLAN_NAME, _PLAN)
    etag = _etag(reader, request.etag)
    comments: tuple[str, ...] = ()
    if reader.most("comments", request.comments, MOST_DRAFTS):
        comments = tuple(
            reader.text(f"comments[{index}]", one, _MOST_WORD, least=1) for index, one in enumerate(request.comments)
        )
    command = PublishComments(
        actor=actor,
        plan=plan,
        etag=etag,
        comments=comments,
        request=reader.request("PublishComments", request.request_id, plan, etag, comments),
    )
    reader.raise_any()
    return command


def list_comments(actor: Actor, request: pb.ListCommentsRequest) -> ListComments:
    """Reads ListComments."""
    reader = Reader()
    after = reader.place(comments_scope(actor, request), request.page_token)
    query = ListComments(
        actor=actor,
        plan=reader.matching("parent", request.parent, names.PLAN_NAME, _PLAN),
        page_size=reader.page_size(request.page_size),
        after=int(after) if after else 0,
    )
    reader.raise_any()
    return query


def resolve_comment(actor: Actor, request: pb.ResolveCommentRequest) -> ResolveComment:
    """Reads ResolveComment."""
    reader = Reader()
    plan = reader.matching("parent", request.parent, names.PLAN_NAME, _PLAN)
    comment = reader.text("comment", request.comment, _MOST_WORD, least=1)
    etag = _etag(reader, request.etag)
    resolution = reader.text("resolution", request.resolution, _MOST_REASON)
    command = ResolveComment(
        actor=actor,
        plan=plan,
        etag=etag,
        comment=comment,
        resolution=resolution,
        request=reader.request("ResolveComment", request.request_id, plan, comment, etag, resolution),
    )
    reader.raise_any()
    return command


def take_suggestion(actor: Actor, request: pb.TakeSuggestionRequest) -> TakeSuggestion:
    """Reads TakeSuggestion."""
    reader = Reader()
    plan = reader.matching("parent", request.parent, names.PLAN_NAME, _PLAN)
    comment = reader.text("comment", request.comment, _MOST_WORD, least=1)
    etag = _etag(reader, request.etag)
    command = TakeSuggestion(
        actor=actor,
        plan=plan,
        etag=etag,
        comment=comment,
        request=reader.request("TakeSuggestion", request.request_id, plan, comment, etag),
    )
    reader.raise_any()
    return command


# --- lists --------------------------------------------------------------------------------------------------------


def list_of(method: str, actor: Actor, request: Any) -> ListOf:
    """Reads ListReviewQueue, ListUsablePlans or ListOverrides."""
    reader = Reader()
    after = reader.place(queue_scope(method, actor, request), request.page_token)
    query = ListOf(
        actor=actor,
        parent=reader.matching("parent", request.parent, names.CLIENT_NAME_OR_ALL, "clients/{client} or clients/-"),
        page_size=reader.page_size(request.page_size),
        after=int(after) if after else 0,
    )
    reader.raise_any()
    return query


def comments_scope(actor: Actor, request: pb.ListCommentsRequest) -> str:
    """Returns what a page of comments was asked for, all but its size."""
    return f"ListComments {actor.clinic} {actor.person} {request.parent}"


def queue_scope(method: str, actor: Actor, request: Any) -> str:
    """Returns what a page of a list was asked for, all but its size."""
    return f"{method} {actor.clinic} {actor.person} {request.parent}"
