"""A client's visits, and the form that opens an assessment for a new or a returning client."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import grpc
from starlette.responses import Response
from starlette.routing import Route

from myoplan.assessment.v1.assessment_pb2 import Assessment, ClientProfile
from myoplan.assessment.v1.assessment_service_pb2 import CreateAssessmentRequest, ListAssessmentsRequest
from myoplan.planner.v1.planner_service_pb2 import ListPlansRequest, PlanView
from services.console.clients import READ_SECONDS, WRITE_SECONDS
from services.console.web import Context, Form, Visit, action, derived_id, page, problem
from services.console.wording import code, day_text, minutes_text, moment, plan_state
from services.runtime.client import error_of

MOST_VISITS = 100
SEXES = ("", "female", "male")


@dataclass(frozen=True, slots=True, kw_only=True)
class PastVisit:
    """One assessment of a client."""

    when: str
    state: str
    address: str
    findings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PastPlan:
    """One plan of a client."""

    when: str
    state: str
    minutes: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientPage(Context):
    """A client: the visits and the plans, newest first."""

    client: str
    code: str
    label: str
    visits: tuple[PastVisit, ...]
    plans: tuple[PastPlan, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVisitPage(Context):
    """The form for a new assessment. `values` are the fields as typed, `problems` what is wrong with each."""

    returning: bool
    request_id: str
    values: Mapping[str, str]
    problems: Mapping[str, tuple[str, ...]]
    sexes: tuple[str, ...] = SEXES


async def show(visit: Visit) -> Response:
    """Shows a client. One that the clinic does not have is a missing page."""
    client = visit.request.path_params["client"]
    services = visit.console.services
    parent = f"clients/{client}"
    listed, planned = await asyncio.gather(
        services.assessments.ListAssessments(
            ListAssessmentsRequest(parent=parent, page_size=MOST_VISITS), timeout=READ_SECONDS
        ),
        services.plans.ListPlans(
            ListPlansRequest(parent=parent, page_size=MOST_VISITS, view=PlanView.BASIC), timeout=READ_SECONDS
        ),
    )
    if not listed.assessments:
        return problem(visit, 404, "missing")
    newest = listed.assessments[0]
    context = ClientPage(
        title=code(client),
        client=client,
        code=code(client),
        label=newest.client_label,
        visits=tuple(
            PastVisit(
                when=day_text(moment(each.create_time, visit.console)),
                state=visit.t(f"assessment_state.{Assessment.State.Name(each.state)}"),
                address=f"/{each.name}",
                findings=len(each.pain_areas) + len(each.palpation_findings) + len(each.rom_tests),
            )
            for each in listed.assessments
        ),
        plans=tuple(
            PastPlan(
                when=day_text(moment(plan.create_time, visit.console)),
                state=plan_state(plan, visit.console.texts),
                minutes=minutes_text(plan.time_budget),
                address=f"/{plan.name}",
            )
            for plan in planned.plans
        ),
    )
    return visit.show("client.html", context)


async def ask(visit: Visit) -> Response:
    """Shows the empty form for a new client."""
    return _form(visit, {}, returning=False)


async def ask_again(visit: Visit) -> Response:
    """Shows the form for a returning client, with what is known."""
    client = visit.request.path_params["client"]
    listed = await visit.console.services.assessments.ListAssessments(
        ListAssessmentsRequest(parent=f"clients/{client}", page_size=1), timeout=READ_SECONDS
    )
    if not listed.assessments:
        return problem(visit, 404, "missing")
    newest = listed.assessments[0]
    profile = newest.profile
    values = {
        "client": code(client),
        "label": newest.client_label,
        "age": str(profile.age_years) if profile.HasField("age_years") else "",
        "sex": SEXES[profile.sex],
        "complaint": "",
    }
    return _form(visit, values, returning=True)


def _form(
    visit: Visit,
    values: Mapping[str, str],
    *,
    returning: bool,
    problems: Mapping[str, tuple[str, ...]] | None = None,
    status: int = 200,
) -> Response:
    blank = {"client": "", "label": "", "age": "", "sex": "", "when": "", "complaint": ""}
    context = NewVisitPage(
        title=visit.t("new_visit.title_returning" if returning else "new_visit.title"),
        returning=returning,
        request_id=values.get("request_id") or str(uuid.uuid4()),
        values={**blank, **values},
        problems=problems or {},
    )
    return visit.show("new_visit.html", context, status=status)


async def create(visit: Visit, form: Form) -> Response:
    """Opens the assessment and goes to it. What is wrong is told beside the fields, and nothing typed is lost."""
    returning = form.get("returning") == "yes"
    problems: dict[str, tuple[str, ...]] = {}
    assessment = _read(visit, form, problems)
    client = form.get("client", "").strip().lower()
    if not client:
        problems["client"] = (visit.t("new_visit.client_needed"),)
    if problems:
        return _form(visit, form, returning=returning, problems=problems, status=422)
    request = CreateAssessmentRequest(
        parent=f"clients/{client}",
        assessment=assessment,
        request_id=derived_id(form.get("request_id", ""), repr(sorted(form.items()))),
    )
    try:
        created = await visit.console.services.assessments.CreateAssessment(request, timeout=WRITE_SECONDS)
    except grpc.aio.AioRpcError as error:
        refusal = error_of(error)
        if refusal.code is not grpc.StatusCode.INVALID_ARGUMENT or not refusal.fields:
            raise
        told: dict[str, tuple[str, ...]] = {}
        for item in refusal.fields:
            name = _FIELDS.get(item.field, "client")
            told[name] = (*told.get(name, ()), item.problem)
        return _form(visit, form, returning=returning, problems=told, status=422)
    return visit.go(f"/{created.name}")


_FIELDS = {
    "parent": "client",
    "assessment.client_label": "label",
    "assessment.profile.age_years": "age",
    "assessment.profile.sex": "sex",
    "assessment.complaint": "complaint",
    "assessment.scheduled_time": "when",
}
"""Field of the request -> field of the form."""


def _read(visit: Visit, form: Form, problems: dict[str, tuple[str, ...]]) -> Assessment:
    assessment = Assessment(client_label=form.get("label", "").strip(), complaint=form.get("complaint", "").strip())
    if sex := form.get("sex", ""):
        assessment.profile.sex = {"female": ClientProfile.FEMALE, "male": ClientProfile.MALE}.get(
            sex, ClientProfile.SEX_UNSPECIFIED
        )
    if age := form.get("age", "").strip():
        if age.isascii() and age.isdigit() and len(age) <= len("120"):
            assessment.profile.age_years = int(age)
        else:
            problems["age"] = (visit.t("new_visit.age_number"),)
    if when := form.get("when", "").strip():
        try:
            local = datetime.fromisoformat(when)
        except ValueError:
            problems["when"] = (visit.t("new_visit.when_form"),)
        else:
            zoned = local.replace(tzinfo=visit.console.zone) if visit.console.zone else local.astimezone()
            assessment.scheduled_time.FromDatetime(zoned.astimezone(UTC))
    return assessment


ROUTES: Sequence[Route] = (
    *page("/new-client", ask),
    *page("/clients/{client}", show),
    *page("/clients/{client}/new-visit", ask_again),
    *action("/new-visit", create),
)
