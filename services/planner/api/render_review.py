"""Turns what people did to a plan into messages: signatures, contributors, flags, comments."""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp

from myoplan.planner.v1 import plan_pb2 as pb
from myoplan.planner.v1 import review_pb2
from services.planner.api.pages import page_token
from services.planner.api.parse_review import comments_scope
from services.planner.api.render_edit import edit
from services.planner.domain.plan import Conflict, Plan
from services.planner.domain.review import (
    Acknowledgement,
    Addendum,
    Attestation,
    Comment,
    Contributor,
    Person,
    Signature,
    VersionChange,
)
from services.planner.ports import StoredPlan
from services.planner.review.release import open_must_fix
from services.planner.usecases.comments import CommentPage
from services.store.model import Actor

_MICROS = 1_000_000
_NANOS_PER_MICRO = 1000


def set_review(message: pb.Plan, kept: Plan) -> None:
    """Adds to the message of a plan what people did to it."""
    message.hold = kept.hold
    message.hold_reason = kept.hold_reason
    if kept.approved:
        message.approved_version = kept.approved.version
        message.approved_revision = kept.approved.revision
    message.expected_cosigner = kept.expected_cosigner
    message.signatures.extend(map(_signature, kept.signatures))
    message.contributors.extend(map(_contributor, kept.contributors))
    message.addenda.extend(map(_addendum, kept.addenda))
    message.acknowledgements.extend(map(_acknowledgement, kept.acknowledgements))
    if kept.change:
        message.change.CopyFrom(_change(kept.change))
    message.conflicts.extend(map(conflict, kept.content.conflicts))
    message.open_must_fix = len(open_must_fix(kept))


def person(somebody: Person) -> pb.Person:
    """Returns the message of a person."""
    return pb.Person(id=somebody.id, display_name=somebody.display_name)


def conflict(clash: Conflict) -> pb.Conflict:
    """Returns the message of demands that cannot hold together."""
    return pb.Conflict(demands=clash.demands, loosenings=clash.loosenings)


def _signature(signature: Signature) -> pb.Signature:
    stated = signature.attestation is not Attestation.NONE
    return pb.Signature(
        plan=signature.plan,
        version=signature.version,
        digest=signature.digest,
        signer=person(signature.signer),
        role=signature.role,
        meaning=pb.Signature.Meaning.Value(signature.meaning.name),
        attestation=pb.Attestation.Value(signature.attestation.name) if stated else pb.ATTESTATION_UNSPECIFIED,
        text=signature.text,
        time=timestamp(signature.time_micros),
    )


def _contributor(contributor: Contributor) -> pb.Contributor:
    return pb.Contributor(person=person(contributor.person), trainee=contributor.trainee)


def _addendum(addendum: Addendum) -> pb.Addendum:
    return pb.Addendum(
        text=addendum.text,
        author=person(addendum.author),
        role=addendum.role,
        time=timestamp(addendum.time_micros),
        version=addendum.version,
    )


def _acknowledgement(flag: Acknowledgement) -> pb.Acknowledgement:
    message = pb.Acknowledgement(rule=flag.rule)
    if flag.person:
        message.person.CopyFrom(person(flag.person))
    if flag.time_micros is not None:
        message.time.CopyFrom(timestamp(flag.time_micros))
    return message


def _change(change: VersionChange) -> pb.VersionChange:
    return pb.VersionChange(
        from_version=change.from_version,
        reason=change.reason,
        sentences=change.sentences,
        person=person(change.person),
    )


def comment(said: Comment) -> review_pb2.Comment:
    """Returns the message of a comment."""
    message = review_pb2.Comment(
        id=said.id,
        step=said.step,
        kind=review_pb2.Comment.Kind.Value(said.kind.name),
        text=said.text,
        suggestion=map(edit, said.suggestion),
        version=said.version,
        author=person(said.author),
        status=review_pb2.Comment.Status.Value(said.status.name),
        resolution=said.resolution,
        reply_to=said.reply_to,
    )
    if said.publish_micros is not None:
        message.publish_time.CopyFrom(timestamp(said.publish_micros))
    if said.resolver:
        message.resolver.CopyFrom(person(said.resolver))
    if said.resolve_micros is not None:
        message.resolve_time.CopyFrom(timestamp(said.resolve_micros))
    return message


def comment_page(
    actor: Actor, request: review_pb2.ListCommentsRequest, page: CommentPage
) -> review_pb2.ListCommentsResponse:
    """Returns the message of a page of comments."""
    place = None if page.next_after is None else str(page.next_after)
    return review_pb2.ListCommentsResponse(
        comments=map(comment, page.comments),
        etag=page.etag,
        next_page_token=page_token(comments_scope(actor, request), place),
    )


def published(stored: StoredPlan) -> review_pb2.ListCommentsResponse:
    """Returns the message of a plan's comments after a batch was published."""
    return review_pb2.ListCommentsResponse(comments=map(comment, stored.plan.comments), etag=stored.etag)


def timestamp(micros: int) -> Timestamp:
    """Returns the message of a time in microseconds since the epoch."""
    return Timestamp(seconds=micros // _MICROS, nanos=micros % _MICROS * _NANOS_PER_MICRO)
