"""Shows a plan and takes every change of it: edits, undo, release, and a new version of an approved one.

A form carries the etag and the digest that its page showed. What does not succeed leads to the page as it is now and
says why, or asks what is missing; nothing has changed then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote

import grpc
from starlette.responses import Response
from starlette.routing import Route

from myoplan.planner.v1.edit_pb2 import PlanEdit, RevisePlanRequest
from myoplan.planner.v1.plan_pb2 import Plan
from myoplan.planner.v1.planner_service_pb2 import (
    ComparePlansRequest,
    ExplainOmissionRequest,
    Explanation,
    GetPlanRequest,
    PlanDiff,
    PlanView,
)
from myoplan.planner.v1.review_pb2 import (
    AcknowledgeFlagRequest,
    AmendPlanRequest,
    ApprovePlanRequest,
    ExportPlanRequest,
)
from myoplan.planner.v1.session_pb2 import Session
from services.console.clients import PLAN_SECONDS, READ_SECONDS, WRITE_SECONDS
from services.console.pages.plan.compared import FIRST, ChangesPage, compared_rows, counted
from services.console.pages.plan.context import WhyNotPage, plan_page, target_text
from services.console.pages.plan.editing import REOPENED, Choice, Question, Told, override_reasons, way_name
from services.console.pages.plan.edits import (
    MOST_WAYS,
    EditUnreadable,
    edits_of,
    given_overrides,
    loosening,
    loosenings,
    taking_back,
)
from services.console.pages.review.signing import came_back, proof_of, prove, prove_first
from services.console.pages.room.handlers import read_session
from services.console.web import PASSWORD, Form, Visit, action, derived_id, page, problem, refused
from services.console.wording import code, minutes_text, side_number
from services.runtime.client import error_of
from services.runtime.status import CallRefused

CONFLICT, INCOMPLETE = 409, 422
EDIT_FIELDS = (
    "edit", "step", "muscle", "side", "technique", "minutes", "position", "by", "before", "after", "loosen", "reason",
    "overrides",
)  # fmt: skip
CHANGED = frozenset({"ETAG_MISMATCH", "DIGEST_MISMATCH"})
TOLD: Mapping[str, str] = {
    "INPUTS_CHANGED": "plan.told.inputs",
    "RELEASE_BLOCKED": "plan.told.blocked",
    "OWN_WORK": "plan.told.own_work",
    "SIGN_IN_TOO_OLD": "review.prove.again",
    "STATE_FORBIDS": "plan.told.state",
    "ROLE_LACKS_RIGHT": "plan.told.role",
    "FIELD_INVALID": "plan.told.invalid",
}
"""What other refusals of the planner are called on this page; everything else is a page of its own."""


def _name(visit: Visit) -> str:
    return f"clients/{visit.request.path_params['client']}/plans/{visit.request.path_params['plan']}"


async def _read(visit: Visit, revision: int | None = None) -> Plan:
    request = GetPlanRequest(name=_name(visit), revision=revision, view=PlanView.FULL)
    return await visit.console.services.plans.GetPlan(request, timeout=READ_SECONDS)


async def _version(visit: Visit, now: Plan, version: int) -> Plan | None:
    """Returns the last revision that has a version of the content; None: there is none.

    Versions only grow with the revisions. Most often the one before is wanted, so it looks back by 1, 2, 4, ...
    revisions, and then half-way between what is too new and what is not.
    """
    if version >= now.version:
        return now if version == now.version else None
    found, too_new, back = None, now.revision, 1
    while too_new > 1 and (found is None or too_new - found.revision > 1):
        looked = max(1, now.revision - back) if found is None else (found.revision + too_new) // 2
        plan = await _read(visit, looked)
        if plan.version <= version:
            found = plan
        else:
            too_new, back = looked, back * 2
    return found if found is not None and found.version == version else None


# --- showing ------------------------------------------------------------------------------------------------------


async def show(visit: Visit) -> Response:
    """Shows a plan with the step of `?step=` selected, else the first on a muscle; `?version=`: as it was."""
    query = visit.request.query_params
    plan, old = await _read(visit), ""
    if (version := query.get("version", "")).isdigit() and int(version) != plan.version:
        earlier = await _version(visit, plan, int(version))
        if earlier is None:
            return problem(visit, 404, "missing")
        plan, old = earlier, f"/{plan.name}"
    kept = None if visit.wants_part else visit.signed_in.kept(f"/{plan.name}")
    if kept is None:
        return await _page(visit, plan, query.get("step", ""), old=old)
    told, fields = came_back(visit, kept, plan.digest, "read")
    ticked = bool(fields.get("read"))
    return await _page(visit, plan, query.get("step", ""), told=Told(text=told) if told else None, ticked=ticked)


async def _page(visit: Visit, plan: Plan, step: str, status: int = 200, **more: object) -> Response:
    session = await read_session(visit) if plan.approved_version else None
    context = plan_page(visit, plan, step, session=session, **more)
    return visit.show("plan.html", context, status=status, reviewed=plan.knowledge_reviewed)


async def why_not(visit: Visit) -> Response:
    """Explains an omission; every way in that is named was tried by planning again."""
    parameters = visit.request.path_params
    name = _name(visit)
    explanation = await visit.console.services.plans.ExplainOmission(
        ExplainOmissionRequest(
            name=name,
            muscle=parameters["muscle"],
            side=side_number(parameters["side"]),  # type: ignore[arg-type]
        ),
        timeout=PLAN_SECONDS,
    )
    muscle = visit.console.vocabulary.name("muscle", parameters["muscle"])
    changes = tuple(_change(visit, each) for each in explanation.changes)
    context = WhyNotPage(
        title=visit.t("plan.why_not", name=muscle, side=visit.t(f"side.{parameters['side']}")),
        plan=f"/{name}",
        name=muscle,
        side=parameters["side"],
        message=explanation.message,
        included=explanation.included,
        changes=changes,
        nothing="" if changes or explanation.included else explanation.reason_not_replayable or visit.t("plan.no_way"),
    )
    if visit.wants_part:
        return visit.part("why_not_part.html", context)
    return visit.show("why_not.html", context)


def _change(visit: Visit, change: Explanation.Change) -> str:
    targets = ", ".join(target_text(visit, target) for target in change.targets)
    kind = Explanation.Kind.Name(change.kind)
    return visit.t(f"change.{kind}", minutes=minutes_text(change.time_budget), targets=targets)


async def changes(visit: Visit) -> Response:
    """Shows how the plan differs from the version of `?from=`, else from the suggestion; and from what was done.

    What was done stands beside the version that was worked, once the visit is closed.
    """
    now, wanted = await _read(visit), visit.request.query_params.get("from", str(FIRST))
    if not wanted.isdigit():
        return problem(visit, 404, "missing")
    session = await read_session(visit) if now.approved_version else None
    finished = session is not None and session.state == Session.FINISHED
    if session is not None and finished and (int(wanted) < session.version or now.version == session.version):
        later, worked = await _version(visit, now, session.version), session
    else:
        later, worked = now, None
    earlier = await _version(visit, now, int(wanted))
    if earlier is None or later is None:
        return problem(visit, 404, "missing")
    diff = await _compare(visit, earlier, later)
    done = await _compare(visit, later, None) if worked is not None else None
    rows = compared_rows(visit, earlier, later, diff, worked, done)
    columns = ["suggested" if int(wanted) == FIRST else "before"] if earlier.version != later.version else []
    columns += ["approved", "done"] if worked is not None else ["now"]
    branch = "compared" if worked is not None else "changes"
    context = ChangesPage(
        title=f"{visit.t(f'plan.{branch}.title')} · {code(visit.request.path_params['client'])}",
        heading=visit.t(f"plan.{branch}.heading"),
        plan=f"/{now.name}",
        before=f"/{now.name}?version={wanted}" if earlier.version != now.version else "",
        report=f"/{now.name}/finish" if worked is not None else "",
        columns=tuple(visit.t(f"plan.compared.column.{each}") for each in columns),
        sentences=tuple(diff.sentences) if earlier.version != later.version else (),
        counts=counted(visit, rows),
        rows=rows,
    )
    return visit.show("plan_changes.html", context, reviewed=now.knowledge_reviewed)


async def _compare(visit: Visit, earlier: Plan, later: Plan | None) -> PlanDiff:
    """Returns how two revisions of the plan differ; `later` None: what was done of the earlier one."""
    request = ComparePlansRequest(
        earlier=earlier.name,
        later=earlier.name,
        earlier_revision=earlier.revision,
        later_revision=later.revision if later is not None else None,
        later_delivered=later is None,
    )
    return await visit.console.services.plans.ComparePlans(request, timeout=PLAN_SECONDS)


async def sheet(visit: Visit) -> Response:
    """Answers with the plan on one A4 page, as PDF."""
    answer = await visit.console.services.plans.ExportPlan(
        ExportPlanRequest(name=_name(visit), format=ExportPlanRequest.PDF), timeout=PLAN_SECONDS
    )
    headers = {"content-disposition": f"inline; filename*=UTF-8''{quote(answer.filename)}"}
    return Response(answer.content, media_type=answer.media_type, headers=headers)


# --- editing ------------------------------------------------------------------------------------------------------


async def edit(visit: Visit, form: Form) -> Response:
    """Makes one edit. What it needs beforehand is asked on the page, with the edit ready to be sent again."""
    now = await _read(visit)
    plan = await _before(visit, now, form) if now.etag != form.get("etag", "") else now
    if plan is None:
        return await _stale(visit, now, form)
    try:
        edits = edits_of(form, plan, visit.console.vocabulary.base)
    except EditUnreadable as unreadable:
        return await _page(visit, now, form.get("step", ""), INCOMPLETE, told=Told(text=visit.t(unreadable.key)))
    return await _revise(visit, form, plan, edits, form.get("reason", "").strip())


async def _before(visit: Visit, now: Plan, form: Form) -> Plan | None:
    """Returns the plan before the newest change if the form was made from it; else None.

    If the newest change is this form's own, whose answer was lost on the way, the planner knows it by its request id
    and answers as it did; for every other change it refuses the old etag.
    """
    before = await _read(visit, now.revision - 1) if now.revision > 1 else now
    return before if before.etag == form.get("etag", "") else None


async def undo(visit: Visit, form: Form) -> Response:
    """Takes the last edit back by the edits that lead to the plan before it."""
    plan = await _read(visit)
    if plan.etag != form.get("etag", ""):
        return await _stale(visit, plan, form)
    before = await _version(visit, plan, plan.change.from_version) if plan.HasField("change") else None
    edits = taking_back(before, plan) if before is not None else ()
    if not edits:
        return await _page(
            visit, plan, form.get("step", ""), CONFLICT, told=Told(text=visit.t("plan.told.no_way_back"))
        )
    return await _revise(visit, form, plan, edits, visit.t("plan.undone", n=plan.version))


async def _revise(visit: Visit, form: Form, plan: Plan, edits: Sequence[PlanEdit], reason: str) -> Response:
    """Sends edits and goes to the plan after them."""
    request = RevisePlanRequest(
        name=plan.name, etag=plan.etag, edits=edits, reason=reason, request_id=_id(form, repr(edits))
    )
    try:
        after = await visit.console.services.plans.RevisePlan(request, timeout=PLAN_SECONDS)
    except grpc.aio.AioRpcError as error:
        refusal = error_of(error)
        if _is_too_far(refusal, form):
            halved = {**form, "by": "half"}
            edits = edits_of(halved, plan, visit.console.vocabulary.base)
            return await _revise(visit, halved, plan, edits, reason)
        return await _not_made(visit, form, plan, edits, refusal)
    step = _selected(plan, after, form.get("step", ""))
    if visit.wants_part:  # the way round by another address would cost the person a second trip
        return await _page(visit, after, step)
    return visit.go(f"/{after.name}?step={quote(step)}")


def _id(form: Form, purpose: str) -> str:
    return derived_id(form.get("request_id", ""), purpose)


def _is_too_far(refusal: CallRefused, form: Form) -> bool:
    """Whether a whole minute leads beyond the doses of a technique where half a minute may not."""
    last = form.get("edit") in {"shorter", "longer"} and form.get("by") != "half"
    return last and any(each.field.endswith("duration") for each in refusal.fields)


def _selected(before: Plan, after: Plan, step: str) -> str:
    """Returns the step to select after an edit: the same, else what stands for it, else what stands in its place."""
    if any(each.id == step for each in after.steps):
        return step
    place = next((number for number, each in enumerate(before.steps) if each.id == step), None)
    if place is None:
        return ""
    was = before.steps[place]
    alike = (
        each.id for each in after.steps if (each.muscle, each.side, each.phase) == (was.muscle, was.side, was.phase)
    )
    here = {each.id for each in after.steps}
    ahead = (each.id for each in before.steps[place:] if each.muscle and each.id in here)
    return next(alike, next(ahead, ""))


async def _stale(visit: Visit, plan: Plan, form: Form) -> Response:
    return await _page(visit, plan, form.get("step", ""), CONFLICT, told=Told(text=visit.t("plan.told.changed")))


async def _not_made(visit: Visit, form: Form, plan: Plan, edits: Sequence[PlanEdit], refusal: CallRefused) -> Response:
    """Answers with what a refused edit means: a question, a rule of safety, or what somebody else did."""
    step, fields = form.get("step", ""), {name: form[name] for name in EDIT_FIELDS if form.get(name)}
    reopened = any(each.field == "reason" for each in refusal.fields)
    if refusal.reason == "RULE_NEEDS_OVERRIDE" or (reopened and plan.state in REOPENED):
        question = Question(
            kind="reason" if reopened else "override",
            texts=(visit.t(f"plan.reopen.{Plan.State.Name(plan.state)}"),) if reopened else refusal.preconditions,
            fields=fields | {"rule": refusal.metadata.get("rule", ""), "overrides": given_overrides(form)},
            reasons=() if reopened else override_reasons(visit),
        )
        return await _page(visit, plan, step, CONFLICT, question=question)
    if refusal.reason == "EDITS_CONFLICT":
        ways = await _ways(visit, plan, edits, refusal.preconditions)
        fields["overrides"] = given_overrides(form)
        question = Question(kind="conflict", texts=refusal.preconditions, fields=fields, ways=ways)
        return await _page(visit, plan, step, CONFLICT, question=question)
    if any(each.field.endswith("override.comment") for each in refusal.fields):
        question = Question(
            kind="override",
            texts=(),
            fields=fields | {"rule": form.get("rule", "")},
            reasons=override_reasons(visit),
            problem=visit.t("plan.override.comment_needed"),
        )
        return await _page(visit, plan, step, INCOMPLETE, question=question)
    if refusal.reason == "DEMAND_UNSAFE":
        unsafe = "plan.told.unsafe_now" if plan.state in REOPENED else "plan.told.unsafe"
        told = Told(text=visit.t(unsafe), details=refusal.preconditions, stop=True)
        return await _page(visit, plan, step, CONFLICT, told=told)
    return await _refused(visit, form, refusal)


async def _refused(visit: Visit, form: Form, refusal: CallRefused) -> Response:
    """Answers with the page as it is now and what was refused; with a page of its own for everything else."""
    plan = await _read(visit)
    if refusal.reason in CHANGED:
        return await _stale(visit, plan, form)
    if refusal.reason == "STATE_FORBIDS" and refusal.metadata.get("resource") == plan.assessment:
        voided = refusal.metadata.get("state") == "VOIDED"
        told = Told(text=visit.t("plan.told.assessment_voided" if voided else "plan.told.assessment_open"))
        return await _page(visit, plan, form.get("step", ""), CONFLICT, told=told)
    if refusal.reason not in TOLD:
        return refused(visit, refusal, {name: value for name, value in form.items() if name != PASSWORD})
    details = tuple(_sentence(each.problem) for each in refusal.fields) + refusal.preconditions
    told = Told(text=visit.t(TOLD[refusal.reason]), details=details)
    return await _page(visit, plan, form.get("step", ""), CONFLICT, told=told, ticked=bool(form.get("read")))


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


async def _ways(visit: Visit, plan: Plan, edits: Sequence[PlanEdit], told: Sequence[str]) -> tuple[Choice, ...]:
    """Returns the loosenings under which the edits can be made; each was tried, longer sessions until one holds."""
    found: list[Choice] = []
    longer = False
    for way in loosenings(plan, edits, told):
        if len(found) >= MOST_WAYS or (longer and way.startswith("minutes")):
            continue
        request = RevisePlanRequest(
            name=plan.name, etag=plan.etag, edits=(*loosening(way), *edits), reason="trial", validate_only=True
        )
        try:
            await visit.console.services.plans.RevisePlan(request, timeout=PLAN_SECONDS)
        except grpc.aio.AioRpcError as error:
            if error.code() not in {grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.INVALID_ARGUMENT}:
                raise
            continue
        longer = longer or way.startswith("minutes")
        found.append(Choice(value=way, name=way_name(visit, way)))
    return tuple(found)


# --- releasing ----------------------------------------------------------------------------------------------------


async def approve(visit: Visit, form: Form) -> Response:
    """Releases the plan: the person proves who they are, the flags count as read, and the plan is approved as seen."""
    plan = await _read(visit)
    ticked = bool(form.get("read"))
    if plan.digest != form.get("digest", ""):
        return await _stale(visit, plan, form)
    unread = [each.rule for each in plan.acknowledgements if not each.HasField("person")]
    if (ticked or not unread) and proof_of(visit) == "provider":
        return prove_first(visit, form, f"/{plan.name}", "#approve")
    told = visit.t("plan.approve.unread") if unread and not ticked else await prove(visit, form)
    if told:
        return await _page(visit, plan, form.get("step", ""), INCOMPLETE, told=Told(text=told), ticked=ticked)
    plans, etag = visit.console.services.plans, form.get("etag", "")
    try:
        for rule in unread:
            request = AcknowledgeFlagRequest(
                name=plan.name, etag=etag, digest=plan.digest, rule=rule, request_id=_id(form, f"read {rule} {etag}")
            )
            etag = (await plans.AcknowledgeFlag(request, timeout=WRITE_SECONDS)).etag
        approval = ApprovePlanRequest(
            name=plan.name, etag=etag, digest=plan.digest, request_id=_id(form, f"approve {etag}")
        )
        await plans.ApprovePlan(approval, timeout=WRITE_SECONDS)
    except grpc.aio.AioRpcError as error:
        return await _refused(visit, form, error_of(error))
    return visit.go(f"/{plan.name}?step={quote(form.get('step', ''))}")


async def amend(visit: Visit, form: Form) -> Response:
    """Begins a new version of an approved plan; the approved one stays in force until the new one is approved."""
    request = AmendPlanRequest(
        name=_name(visit),
        etag=form.get("etag", ""),
        digest=form.get("digest", ""),
        reason=form.get("reason", "").strip(),
        request_id=_id(form, f"amend {form.get('reason', '')}"),
    )
    try:
        await visit.console.services.plans.AmendPlan(request, timeout=WRITE_SECONDS)
    except grpc.aio.AioRpcError as error:
        return await _refused(visit, form, error_of(error))
    return visit.go(f"/{_name(visit)}")


_ADDRESS = "/clients/{client}/plans/{plan}"

ROUTES: Sequence[Route] = (
    *page(_ADDRESS, show),
    *page(_ADDRESS + "/why-not/{muscle}/{side}", why_not),
    *page(_ADDRESS + "/changes", changes),
    *page(_ADDRESS + "/sheet", sheet),
    *action(_ADDRESS + "/edit", edit),
    *action(_ADDRESS + "/undo", undo),
    *action(_ADDRESS + "/approve", approve),
    *action(_ADDRESS + "/amend", amend),
)
