"""The commands about review and approval: `myoplan review list|show|comment|delete|return|sign|approve|cosign|diff`.

Whoever signs says again who they are, on the terminal and never as an option: on this machine with the password of
their local account; elsewhere the identity provider's token has to be new.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import grpc
import jwt
import typer

from cli import explain_text, plan_text, review_text
from cli.connection import Connection, connect, failure_of, proto_json
from cli.failures import ExitCode, Failure
from cli.local.accounts import Account, LocalKeys
from cli.local.stack import read_running
from cli.plan_commands import Json, PlanName, Server
from myoplan.planner.v1 import plan_pb2 as pb
from myoplan.planner.v1 import planner_service_pb2 as service_pb
from myoplan.planner.v1 import review_pb2
from services.console.signin.accounts import AccountsUnreadable, matches, read_accounts
from services.runtime.client import error_of

review = typer.Typer(
    no_args_is_help=True, help="Review plans: list, show, comment, delete, return, sign, approve, cosign, diff."
)

_ATTESTATIONS = {
    "present": pb.PRESENT,
    "examined_patient": pb.EXAMINED_PATIENT,
    "reviewed_and_agree": pb.REVIEWED_AND_AGREE,
    "agree_except": pb.AGREE_EXCEPT,
}
_KINDS = {"question": "QUESTION", "note": "NOTE", "must_fix": "MUST_FIX"}
_SIGNATURE_LIFE = timedelta(minutes=1)
_PAGE = 200
Reason = Annotated[str, typer.Option(help="Why, in words.")]


def register(application: typer.Typer) -> None:
    """Adds these commands to a Typer application."""
    application.add_typer(review, name="review")


@review.command("list")
def list_(
    client: Annotated[str, typer.Option(help="Only plans of this client id.")] = "-",
    server: Server = "local",
    as_json: Json = False,
) -> None:
    """List the plans that wait for somebody, yours first, then by the start of the session."""
    with connect(server, quiet=True) as services:
        request = review_pb2.ListReviewQueueRequest(parent=f"clients/{client}", page_size=_PAGE)
        answer = services.plans.ListReviewQueue(request, metadata=services.credentials)
    print(proto_json(answer)) if as_json else review_text.print_queue(answer, plan_text.console())


@review.command()
def show(plan: PlanName, server: Server = "local", as_json: Json = False) -> None:
    """Show where a plan stands: state, signatures, comments, unread flags. Exit code 5: it needs a co-signature."""
    with connect(server, quiet=True) as services:
        found = _plan(services, plan)
        listed = review_pb2.ListCommentsRequest(parent=plan, page_size=_PAGE)
        comments = services.plans.ListComments(listed, metadata=services.credentials)
    if as_json:
        print(proto_json(found))
        print(proto_json(comments))
    else:
        review_text.print_standing(found, comments, plan_text.console())
    if found.state == pb.Plan.AWAITING_COSIGN:
        raise typer.Exit(ExitCode.NEEDS_COSIGN)


@review.command()
def comment(
    plan: PlanName,
    text: Annotated[str, typer.Argument(help="What to say.")],
    kind: Annotated[str, typer.Option(help=f"One of {', '.join(_KINDS)}.")] = "note",
    step: Annotated[str, typer.Option(help="The id of the step it is about; none: the plan.")] = "",
    server: Server = "local",
    as_json: Json = False,
) -> None:
    """Comment on a plan and publish it at once, with whatever else you have drafted there."""
    if kind not in _KINDS:
        raise Failure(f"'{kind}': a comment is one of {', '.join(_KINDS)}", ExitCode.USAGE)
    with connect(server, quiet=True) as services:
        said = review_pb2.Comment(text=text, step=step, kind=review_pb2.Comment.Kind.Value(_KINDS[kind]))
        draft = review_pb2.CreateCommentRequest(parent=plan, comment=said, request_id=Connection.request_id())
        services.plans.CreateComment(draft, metadata=services.credentials)
        publish = review_pb2.PublishCommentsRequest(
            parent=plan, etag=_plan(services, plan).etag, request_id=Connection.request_id()
        )
        answer = services.plans.PublishComments(publish, metadata=services.credentials)
    print(proto_json(answer)) if as_json else review_text.print_comments(answer, plan_text.console())


@review.command()
def delete(
    plan: PlanName,
    comment: Annotated[str, typer.Argument(help="The id of the draft, as `review show` prints it.")],
    server: Server = "local",
) -> None:
    """Delete a draft of a comment of yours. What is published stays."""
    with connect(server, quiet=True) as services:
        request = review_pb2.DeleteCommentRequest(name=f"{plan}/comments/{comment}", request_id=Connection.request_id())
        services.plans.DeleteComment(request, metadata=services.credentials)
    print(f"deleted {comment}; nobody else has seen it")


@review.command("return")
def return_(plan: PlanName, reason: Reason, server: Server = "local", as_json: Json = False) -> None:
    """Send a signed plan back to whoever signed it."""
    with connect(server, quiet=True) as services:
        request = review_pb2.ReturnPlanRequest(**_seen(_plan(services, plan)), reason=reason)
        answer = services.plans.ReturnPlan(request, metadata=services.credentials)
    _tell(answer, as_json=as_json)


@review.command()
def sign(
    plan: PlanName,
    cosigner: Annotated[str, typer.Option(help="The person id of who is asked to co-sign.")],
    server: Server = "local",
    as_json: Json = False,
) -> None:
    """Sign your own draft and send it to be co-signed. Exit code 5: it now needs the co-signature."""
    with connect(server, quiet=True) as services:
        request = review_pb2.SignPlanRequest(**_seen(_plan(services, plan)), expected_cosigner=cosigner)
        answer = _signed(services.plans.SignPlan, request, services, server)
    _tell(answer, as_json=as_json)
    raise typer.Exit(ExitCode.NEEDS_COSIGN)


@review.command()
def approve(plan: PlanName, server: Server = "local", as_json: Json = False) -> None:
    """Release a plan. Exit code 5 if it waits for a co-signature instead."""
    with connect(server, quiet=True) as services:
        found = _plan(services, plan)
        if found.state == pb.Plan.AWAITING_COSIGN:
            raise Failure("it is signed and needs a co-signature: `myoplan review cosign`", ExitCode.NEEDS_COSIGN)
        trainees = [one.person.display_name for one in found.contributors if one.trainee]
        attested = _attestation(f"work of {', '.join(trainees)}") if trainees else {}
        request = review_pb2.ApprovePlanRequest(**_seen(found), **attested)
        answer = _signed(services.plans.ApprovePlan, request, services, server)
    _tell(answer, as_json=as_json)


@review.command()
def cosign(plan: PlanName, server: Server = "local", as_json: Json = False) -> None:
    """Release what a trainee signed. The attestation and the password are asked for on the terminal."""
    with connect(server, quiet=True) as services:
        found = _plan(services, plan)
        signers = [one.signer.display_name for one in found.signatures if one.meaning == pb.Signature.AUTHORED]
        request = review_pb2.CosignPlanRequest(
            **_seen(found), **_attestation(f"the plan that {', '.join(signers) or 'nobody yet'} signed")
        )
        answer = _signed(services.plans.CosignPlan, request, services, server)
    _tell(answer, as_json=as_json)


@review.command()
def diff(plan: PlanName, server: Server = "local", as_json: Json = False) -> None:
    """Tell how a plan differs from what the planner first proposed."""
    with connect(server, quiet=True) as services:
        request = service_pb.ComparePlansRequest(earlier=plan, later=plan, earlier_revision=1)
        answer = services.plans.ComparePlans(request, metadata=services.credentials)
    print(proto_json(answer)) if as_json else explain_text.print_comparison(answer, plan_text.console())


# --- what the commands share --------------------------------------------------------------------------------------


def _plan(services: Connection, name: str) -> pb.Plan:
    found: pb.Plan = services.plans.GetPlan(service_pb.GetPlanRequest(name=name), metadata=services.credentials)
    return found


def _seen(plan: pb.Plan) -> dict[str, Any]:
    return {"name": plan.name, "etag": plan.etag, "digest": plan.digest, "request_id": Connection.request_id()}


def _tell(plan: pb.Plan, *, as_json: bool) -> None:
    if as_json:
        print(proto_json(plan))
    else:
        print(f"{plan.name}: version {plan.version}, {pb.Plan.State.Name(plan.state)}")


def _attestation(what: str) -> dict[str, Any]:
    """Asks what the person attests."""
    typer.echo(f"What do you attest about {what}?", err=True)
    for number, word in enumerate(_ATTESTATIONS, start=1):
        typer.echo(f"  {number} {word.replace('_', ' ')}", err=True)
    number = typer.prompt("Number", value_proc=_number_up_to(len(_ATTESTATIONS)), err=True)
    word = list(_ATTESTATIONS)[number - 1]
    text = typer.prompt("Except what", err=True) if word == "agree_except" else ""
    return {"attestation": _ATTESTATIONS[word], "attestation_text": text}


def _number_up_to(most: int) -> Any:
    """Returns what reads a number from 1 to `most`."""

    def read(text: str) -> int:
        if not text.isdecimal() or not 1 <= int(text) <= most:
            raise typer.BadParameter(f"a number from 1 to {most}")
        return int(text)

    return read


def _signed(call: Any, request: Any, services: Connection, server: str) -> pb.Plan:
    """Makes a call that signs, with a credential that was proven a moment ago."""
    try:
        answer: pb.Plan = call(request, metadata=_fresh(services, server), timeout=60)
    except grpc.RpcError as error:
        known, failure = error_of(error), failure_of(error)
        told = "".join(f"\n  {sentence}" for sentence in known.preconditions)
        if known.reason == "SIGN_IN_TOO_OLD":
            raise Failure("sign in again at your identity provider and set MYOPLAN_TOKEN to the new token") from error
        raise Failure(f"{failure}{told}", failure.exit_code) from error
    return answer


def _fresh(services: Connection, server: str) -> tuple[tuple[str, str], ...]:
    """Returns a new credential for the same person, who gives the password of the local account.

    Only for the stack of this machine: elsewhere tokens are not made here.
    """
    running = read_running() if server == "local" else None
    if running is None:
        return services.credentials
    keys = LocalKeys(Path(running.keys))
    (_, bearer), *_ = services.credentials
    person = str(jwt.decode(bearer.removeprefix("Bearer "), options={"verify_signature": False})["sub"])
    try:
        accounts = {one.person: one for one in read_accounts(keys.accounts_file)}
    except AccountsUnreadable as error:
        raise Failure(str(error)) from error
    if person not in accounts:
        raise Failure(f"{person} has no account on this machine; sign in as one of {', '.join(sorted(accounts))}")
    found = accounts[person]
    if not matches(found.hash, typer.prompt(f"Password of {found.name}", hide_input=True, err=True)):
        raise Failure("that is not the password; nothing was signed")
    who = Account(clinic=found.clinic, person=found.person, display_name=found.name, roles=found.roles)
    return (("authorization", f"Bearer {keys.token(who, _SIGNATURE_LIFE)}"),)
