"""The review queue, comments and where a plan stands, in words for the terminal."""

from __future__ import annotations

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Console
from rich.markup import escape

from myoplan.planner.v1.plan_pb2 import Attestation, Plan, Signature
from myoplan.planner.v1.review_pb2 import Comment, ListCommentsResponse, ListReviewQueueResponse


def print_queue(answer: ListReviewQueueResponse, console: Console) -> None:
    """Prints whose turn it is, those of the caller first."""
    if not answer.items:
        console.print("No plan waits for anybody.")
    for yours, heading in ((True, "Your turn"), (False, "Waiting for others")):
        items = [item for item in answer.items if item.your_turn is yours]
        if items:
            console.print(f"[bold]{heading} ({len(items)})[/bold]")
        for item in items:
            starts = f", starts {_time(item.scheduled_time)}" if item.HasField("scheduled_time") else ""
            changes = f", {item.changed_steps} changes" if item.changed_steps else ""
            flags = f", flags: {', '.join(item.flags)}" if item.flags else ""
            state = Plan.State.Name(item.plan.state)
            console.print(escape(f"  {item.plan.name}  {state}  {item.author.display_name}{changes}{flags}{starts}"))
            console.print(escape(f"    {item.reason} Since {_time(item.since)}."))


def print_standing(plan: Plan, comments: ListCommentsResponse, console: Console) -> None:
    """Prints state, signatures, what is unread and what is said."""
    force = f", version {plan.approved_version} in force" if plan.approved_version else ""
    console.print(f"{plan.name}: version {plan.version}, {Plan.State.Name(plan.state)}{force}")
    if plan.hold_reason:
        console.print(escape(f"{'On hold: ' if plan.hold else ''}{plan.hold_reason}"))
    if plan.expected_cosigner:
        console.print(escape(f"Waits to be co-signed by {plan.expected_cosigner}."))
    for one in plan.contributors:
        console.print(escape(f"Worked on by {one.person.display_name}{' as a trainee' if one.trainee else ''}."))
    for signature in plan.signatures:
        console.print(escape(_signature(signature)))
    for flag in plan.acknowledgements:
        read = f"read by {flag.person.display_name}" if flag.HasField("person") else "NOT READ"
        console.print(escape(f"Flag {flag.rule}: {read}."))
    for remark in plan.addenda:
        console.print(escape(f"Added by {remark.author.display_name}: {remark.text}"))
    print_comments(comments, console)


def print_comments(answer: ListCommentsResponse, console: Console) -> None:
    """Prints comments, oldest first."""
    for one in answer.comments:
        about = f" on {one.step}" if one.step else ""
        kind, status = Comment.Kind.Name(one.kind), Comment.Status.Name(one.status)
        console.print(escape(f"{one.id}  {kind} {status}{about}, {one.author.display_name}: {one.text}"))


def _signature(signature: Signature) -> str:
    attested = f", {Attestation.Name(signature.attestation)}" if signature.attestation else ""
    text = f": {signature.text}" if signature.text else ""
    meaning = Signature.Meaning.Name(signature.meaning)
    who = f"{signature.signer.display_name} ({signature.role})"
    return f"{meaning} by {who}, {_time(signature.time)}{attested}{text}"


def _time(time: Timestamp) -> str:
    return datetime.fromtimestamp(time.seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
