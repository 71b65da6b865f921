"""Shows the review of a plan, and takes every form of it.

A form carries the etag and the digest that its page showed. What does not succeed leads to the page as it is now, with
everything that was typed, and says why; a password is never given back.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from urllib.parse import quote

import grpc
from starlette.responses import Response
from starlette.routing import Route

from myoplan.planner.v1.plan_pb2 import Attestation
from myoplan.planner.v1.planner_service_pb2 import GetPlanRequest, PlanView
from myoplan.planner.v1.review_pb2 import (
    AcknowledgeFlagRequest,
    ApprovePlanRequest,
    Comment,
    CosignPlanRequest,
    CreateCommentRequest,
    DeleteCommentRequest,
    ListCommentsRequest,
    PublishCommentsRequest,
    ReassignCosignerRequest,
    ResolveCommentRequest,
    ReturnPlanRequest,
    SignPlanRequest,
    TakeSuggestionRequest,
    WithdrawPlanRequest,
)
from services.console.clients import PLAN_SECONDS, READ_SECONDS, WRITE_SECONDS
from services.console.pages.review.context import KINDS, MOST_COMMENTS, VIEWS, gather, review_page
from services.console.pages.review.signing import came_back, proof_of, prove, prove_first
from services.console.pages.review.words import SuggestionUnreadable, suggested_edits
from services.console.web import PASSWORD, Form, Visit, action, derived_id, page, refused, several
from services.runtime.client import error_of
from services.runtime.status import CallRefused

TOLD: Mapping[str, str] = {
    "ETAG_MISMATCH": "review.told.changed",
    "DIGEST_MISMATCH": "review.told.changed",
    "INPUTS_CHANGED": "review.told.inputs",
    "RELEASE_BLOCKED": "review.told.blocked",
    "OWN_WORK": "review.told.own_work",
    "SIGN_IN_TOO_OLD": "review.prove.again",
    "STATE_FORBIDS": "review.told.state",
    "ROLE_LACKS_RIGHT": "review.told.role",
    "DEMAND_UNSAFE": "review.told.unsafe",
    "RULE_NEEDS_OVERRIDE": "review.told.override",
    "EDITS_CONFLICT": "review.told.conflict",
    "FIELD_INVALID": "review.told.invalid",
    "LIMIT_EXCEEDED": "review.told.limit",
}
"""What a refusal of the planner is called on this page; everything else is a page of its own."""
DONE = frozenset(
    {
        "kept",
        "deleted",
        "published",
        "resolved",
        "taken",
        "returned",
        "cosigned",
        "approved",
        "signed",
        "withdrawn",
        "reassigned",
        "read",
    }
)
CONFLICT = 409
INCOMPLETE = 422


class NotProven(Exception):
    """The person has to prove at the identity provider who they are before the form is done."""


class Incomplete(Exception):
    """Something that the form needs is missing or cannot be read; the text says what, in words."""


def _name(visit: Visit) -> str:
    return f"clients/{visit.request.path_params['client']}/plans/{visit.request.path_params['plan']}"


def _view(wanted: str) -> str:
    return wanted if wanted in VIEWS else ""


async def show(visit: Visit) -> Response:
    """Shows the review."""
    query = visit.request.query_params
    done = query.get("done", "")
    view = _view(query.get("view", ""))
    kept = visit.signed_in.kept(f"/{_name(visit)}/review")
    found = await gather(visit, _name(visit), view)
    told, values = came_back(visit, kept, found.plan.digest, "attestation") if kept else ("", {})
    said = visit.t(f"review.done.{done}") if done in DONE else ""
    context = review_page(visit, found, view, done=said, told=told, values=values)
    return visit.show("review.html", context, reviewed=found.plan.knowledge_reviewed)


async def _as_it_is(
    visit: Visit, form: Form, status: int, told: str, details: tuple[str, ...] = (), *, strict: bool = False
) -> Response:
    """Shows the page as it is now, with what was typed."""
    view = _view(form.get("view", ""))
    typed = {name: value for name, value in form.items() if name != PASSWORD}
    found = await gather(visit, _name(visit), view)
    context = review_page(visit, found, view, told=told, details=details, values=typed, strict=strict)
    return visit.show("review.html", context, status=status, reviewed=found.plan.knowledge_reviewed)


Act = Callable[[Visit, Form, str], Awaitable[None]]


def _doing(act: Act, done: str) -> Callable[[Visit, Form], Awaitable[Response]]:
    """Returns the handler that does `act` and goes back to the page."""

    async def handle(visit: Visit, form: Form) -> Response:
        try:
            await act(visit, form, _name(visit))
        except NotProven:
            return prove_first(visit, form, f"/{_name(visit)}/review", f"?view={_view(form.get('view', ''))}#sign")
        except Incomplete as problem:
            return await _as_it_is(visit, form, INCOMPLETE, str(problem))
        except grpc.aio.AioRpcError as error:
            refusal = error_of(error)
            if refusal.reason not in TOLD:
                return refused(visit, refusal, {name: value for name, value in form.items() if name != PASSWORD})
            status = INCOMPLETE if refusal.code is grpc.StatusCode.INVALID_ARGUMENT else CONFLICT
            strict = refusal.reason == "OWN_WORK"
            return await _as_it_is(visit, form, status, visit.t(TOLD[refusal.reason]), _details(refusal), strict=strict)
        place = f"#row-{quote(form['step'])}" if form.get("step") else ""
        return visit.go(f"/{_name(visit)}/review?view={_view(form.get('view', ''))}&done={done}{place}")

    return handle


def _details(refusal: CallRefused) -> tuple[str, ...]:
    return tuple(f"{each.field}: {each.problem}" for each in refusal.fields) + refusal.preconditions


def _id(form: Form, purpose: str) -> str:
    """Returns the request id of a write: the same form sent twice is done once, a changed one is another."""
    filled = repr(sorted((name, value) for name, value in form.items() if name not in {PASSWORD, "request_id"}))
    return derived_id(form.get("request_id", ""), f"{purpose} {filled}")


def _needed(visit: Visit, form: Form, name: str, key: str) -> str:
    value = form.get(name, "").strip()
    if not value:
        raise Incomplete(visit.t(key))
    return value


async def see(visit: Visit, form: Form) -> Response:
    """Ticks a row as seen, or takes the tick back: kept in this session, and only while the row stays the same."""
    looked, mark = visit.signed_in.at(_name(visit)).looked, form.get("mark", "")
    if form.get("seen") == "yes":
        looked.add(mark)
    else:
        looked.discard(mark)
    return visit.go(f"/{_name(visit)}/review?view={_view(form.get('view', ''))}#row-{quote(form.get('step', ''))}")


async def _comment(visit: Visit, form: Form, name: str) -> None:
    """Keeps a comment as a draft."""
    kind = KINDS.get(form.get("kind", ""))
    if kind is None:
        raise Incomplete(visit.t("review.comment.no_kind"))
    plans, step = visit.console.services.plans, None
    if form.get("step") and any(form.get(field) for field in ("suggest", "suggest_minutes", "suggest_technique")):
        for revision in (None, 1):
            plan = await plans.GetPlan(
                GetPlanRequest(name=name, revision=revision, view=PlanView.FULL), timeout=READ_SECONDS
            )
            step = step or next((each for each in plan.steps if each.id == form["step"]), None)
    try:
        edits = suggested_edits(form, step)
    except SuggestionUnreadable as problem:
        raise Incomplete(visit.t(problem.key)) from None
    text = form.get("text", "").strip() or (visit.t("review.comment.suggested") if edits else "")
    if not text:
        raise Incomplete(visit.t("review.comment.no_text"))
    comment = Comment(
        step=form.get("step", ""), kind=kind, text=text, suggestion=edits, reply_to=form.get("reply_to", "")
    )
    await plans.CreateComment(
        CreateCommentRequest(parent=name, comment=comment, request_id=_id(form, "comment")), timeout=WRITE_SECONDS
    )


async def _delete(visit: Visit, form: Form, name: str) -> None:
    """Takes a draft back. One that is gone already, from another tab or device, is what was wanted."""
    request = DeleteCommentRequest(name=f"{name}/comments/{form.get('comment', '')}", request_id=_id(form, "delete"))
    try:
        await visit.console.services.plans.DeleteComment(request, timeout=WRITE_SECONDS)
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.NOT_FOUND:
            raise


async def _publish(visit: Visit, form: Form, name: str) -> None:
    """Sends the drafts that are ticked, as one batch."""
    drafts = several(form, "draft")
    if not drafts:
        raise Incomplete(visit.t("review.comment.none_ticked"))
    await _published(visit, form, name, drafts)


async def _published(visit: Visit, form: Form, name: str, drafts: Sequence[str]) -> str:
    answer = await visit.console.services.plans.PublishComments(
        PublishCommentsRequest(
            parent=name, etag=form.get("etag", ""), comments=drafts, request_id=_id(form, "publish")
        ),
        timeout=WRITE_SECONDS,
    )
    return answer.etag


async def _resolve(visit: Visit, form: Form, name: str) -> None:
    request = ResolveCommentRequest(
        parent=name,
        comment=form.get("comment", ""),
        etag=form.get("etag", ""),
        resolution=form.get("resolution", "").strip(),
        request_id=_id(form, "resolve"),
    )
    await visit.console.services.plans.ResolveComment(request, timeout=WRITE_SECONDS)


async def _take(visit: Visit, form: Form, name: str) -> None:
    request = TakeSuggestionRequest(
        parent=name, comment=form.get("comment", ""), etag=form.get("etag", ""), request_id=_id(form, "take")
    )
    await visit.console.services.plans.TakeSuggestion(request, timeout=PLAN_SECONDS)


async def _acknowledge(visit: Visit, form: Form, name: str) -> None:
    request = AcknowledgeFlagRequest(
        name=name,
        etag=form.get("etag", ""),
        digest=form.get("digest", ""),
        rule=form.get("rule", ""),
        request_id=_id(form, "read"),
    )
    await visit.console.services.plans.AcknowledgeFlag(request, timeout=WRITE_SECONDS)


async def _give_back(visit: Visit, form: Form, name: str) -> None:
    """Sends the drafts, then the plan back; if only the first succeeds, the second form goes on from there."""
    reason = _needed(visit, form, "reason", "review.return.no_reason")
    plans, etag = visit.console.services.plans, form.get("etag", "")
    listed = await plans.ListComments(ListCommentsRequest(parent=name, page_size=MOST_COMMENTS), timeout=READ_SECONDS)
    if drafts := [each.id for each in listed.comments if each.status == Comment.DRAFT]:
        etag = await _published(visit, form, name, drafts)
    request = ReturnPlanRequest(
        name=name, etag=etag, digest=form.get("digest", ""), reason=reason, request_id=_id(form, "return")
    )
    await plans.ReturnPlan(request, timeout=WRITE_SECONDS)


async def _withdraw(visit: Visit, form: Form, name: str) -> None:
    request = WithdrawPlanRequest(
        name=name,
        etag=form.get("etag", ""),
        digest=form.get("digest", ""),
        reason=_needed(visit, form, "reason", "review.withdraw.no_reason"),
        request_id=_id(form, "withdraw"),
    )
    await visit.console.services.plans.WithdrawPlan(request, timeout=WRITE_SECONDS)


async def _reassign(visit: Visit, form: Form, name: str) -> None:
    request = ReassignCosignerRequest(
        name=name,
        etag=form.get("etag", ""),
        digest=form.get("digest", ""),
        expected_cosigner=_needed(visit, form, "cosigner", "review.sign.no_cosigner"),
        reason=_needed(visit, form, "reason", "review.reassign.no_reason"),
        request_id=_id(form, "reassign"),
    )
    await visit.console.services.plans.ReassignCosigner(request, timeout=WRITE_SECONDS)


def _attested(visit: Visit, form: Form, *, required: bool) -> tuple[Attestation.ValueType, str]:
    """Returns what is attested. Raises Incomplete: a bare countersignature is not accepted."""
    chosen, text = form.get("attestation", ""), form.get("attestation_text", "").strip()
    if chosen not in dict(Attestation.items()) or chosen == Attestation.Name(Attestation.ATTESTATION_UNSPECIFIED):
        if required:
            raise Incomplete(visit.t("review.attest.needed"))
        return Attestation.ATTESTATION_UNSPECIFIED, ""
    value = Attestation.Value(chosen)
    if value != Attestation.AGREE_EXCEPT:
        return value, ""
    if not text:
        raise Incomplete(visit.t("review.attest.except"))
    return value, text


async def _proven(visit: Visit, form: Form) -> None:
    if proof_of(visit) == "provider":
        raise NotProven
    if problem := await prove(visit, form):
        raise Incomplete(problem)


async def _cosign(visit: Visit, form: Form, name: str) -> None:
    attestation, text = _attested(visit, form, required=True)
    await _proven(visit, form)
    request = CosignPlanRequest(
        name=name,
        etag=form.get("etag", ""),
        digest=form.get("digest", ""),
        attestation=attestation,
        attestation_text=text,
        request_id=_id(form, "cosign"),
    )
    await visit.console.services.plans.CosignPlan(request, timeout=WRITE_SECONDS)


async def _approve(visit: Visit, form: Form, name: str) -> None:
    attestation, text = _attested(visit, form, required=form.get("attest") == "yes")
    await _proven(visit, form)
    request = ApprovePlanRequest(
        name=name,
        etag=form.get("etag", ""),
        digest=form.get("digest", ""),
        attestation=attestation,
        attestation_text=text,
        request_id=_id(form, "approve"),
    )
    await visit.console.services.plans.ApprovePlan(request, timeout=WRITE_SECONDS)


async def _sign(visit: Visit, form: Form, name: str) -> None:
    cosigner = _needed(visit, form, "cosigner", "review.sign.no_cosigner")
    await _proven(visit, form)
    request = SignPlanRequest(
        name=name,
        etag=form.get("etag", ""),
        digest=form.get("digest", ""),
        expected_cosigner=cosigner,
        request_id=_id(form, "sign"),
    )
    await visit.console.services.plans.SignPlan(request, timeout=WRITE_SECONDS)


_ADDRESS = "/clients/{client}/plans/{plan}/review"

ROUTES: Sequence[Route] = (
    *page(_ADDRESS, show),
    *action(_ADDRESS + "/seen", see),
    *action(_ADDRESS + "/comment", _doing(_comment, "kept")),
    *action(_ADDRESS + "/delete", _doing(_delete, "deleted")),
    *action(_ADDRESS + "/publish", _doing(_publish, "published")),
    *action(_ADDRESS + "/resolve", _doing(_resolve, "resolved")),
    *action(_ADDRESS + "/take", _doing(_take, "taken")),
    *action(_ADDRESS + "/read", _doing(_acknowledge, "read")),
    *action(_ADDRESS + "/return", _doing(_give_back, "returned")),
    *action(_ADDRESS + "/withdraw", _doing(_withdraw, "withdrawn")),
    *action(_ADDRESS + "/reassign", _doing(_reassign, "reassigned")),
    *action(_ADDRESS + "/cosign", _doing(_cosign, "cosigned")),
    *action(_ADDRESS + "/approve", _doing(_approve, "approved")),
    *action(_ADDRESS + "/sign", _doing(_sign, "signed")),
)
