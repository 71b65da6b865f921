"""Handlers of the assessment page: show, record one tap, undo, fit, open again."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from starlette.responses import Response
from starlette.routing import Route

from myoplan.assessment.v1.assessment_pb2 import Assessment, HealthFlag, SessionPreferences
from myoplan.assessment.v1.assessment_service_pb2 import (
    AmendAssessmentRequest,
    CompleteAssessmentRequest,
    GetAssessmentRequest,
    ListAssessmentsRequest,
    RecordFindingsRequest,
    RetractFindingsRequest,
    UpdateAssessmentRequest,
)
from myoplan.planner.v1.knowledge_service_pb2 import ScreenHealthRequest, ScreenHealthResponse
from myoplan.planner.v1.plan_pb2 import AssessmentSnapshot, Constraints, Plan
from myoplan.planner.v1.planner_service_pb2 import CreatePlanRequest
from services.console.clients import PLAN_SECONDS, READ_SECONDS, WRITE_SECONDS
from services.console.pages.assessment.context import SECTIONS, Material, Undo, context, pain_map_context
from services.console.pages.assessment.entries import Entry, EntryUnreadable, changed_ids, read_entry, restore
from services.console.web import Form, Visit, action, derived_id, page, problem, several
from services.console.wording import SECONDS
from services.runtime.client import error_of

VISITS_LOOKED_BACK = 20
MOST_ATTEMPTS = 3
MOST_EXTRA_MOTIONS = 30
NO_REVISION = Undo(revision=0, findings=())
WHILE_HANDED = ("/lock/now", "/session/used")


async def show(visit: Visit) -> Response:
    """Shows the assessment with one section in front; a client's assessment of another clinic is a missing page."""
    section = visit.request.path_params.get("section", SECTIONS[0])
    if section not in SECTIONS:
        return problem(visit, 404, "missing")
    visit.signed_in.at(_name(visit)).looked.add(section)
    if visit.request.method == "HEAD":  # a script that has the whole page tells which section came to the front
        return Response()
    now, previous = await asyncio.gather(_read(visit), _previous(visit))
    return await _page(visit, now, previous, section)


async def record(visit: Visit, form: Form) -> Response:
    """Stores one tap. The entry's id makes it repeatable, so a script may send it again until it is answered."""
    if visit.signed_in.handed and form.get("kind") != "pain":
        return problem(visit, 423, "locked")
    now, previous = await asyncio.gather(_read(visit), _previous(visit))
    try:
        entry = read_entry(form, now, previous, visit.console.vocabulary)
    except EntryUnreadable as unreadable:
        return problem(visit, 422, "invalid", (visit.t(unreadable.key),))
    after = await _write(visit, now, entry, form.get("entry", ""))
    if after.revision > now.revision and (changed := changed_ids(now, after)):
        visit.signed_in.at(now.name).undo.append((now.revision, changed))
    return await _answer(visit, after, previous, form)


async def give(visit: Visit, form: Form) -> Response:
    """Puts the tablet into the client's hands: nothing but the pain map opens until the credential is entered again."""
    del form
    now = await _read(visit)
    if now.state != Assessment.OPEN:
        return problem(visit, 409, "state", (visit.t("assessment.closed"),))
    address = f"/{now.name}/pain-map"
    visit.signed_in.handed = frozenset({address, f"{address}.json", f"/{now.name}/entries", *WHILE_HANDED})
    return visit.go(address)


async def pain_map(visit: Visit) -> Response:
    """Shows the pain map to the client; to whoever is signed in, the assessment's own section."""
    if not visit.signed_in.handed:
        return visit.go(f"/{_name(visit)}/pain")
    return visit.show("pain_map.html", pain_map_context(visit, await _read(visit)))


async def undo(visit: Visit, form: Form) -> Response:
    """Puts the findings of one write back as they were in the revision before it."""
    revision = form.get("revision", "")
    if not revision.isdigit() or not int(revision):
        return problem(visit, 422, "invalid", (visit.t("assessment.nothing_to_undo"),))
    now, before, previous = await asyncio.gather(_read(visit), _read(visit, int(revision)), _previous(visit))
    after = await _write(visit, now, restore(form.get("findings", "").split(), before, now), form.get("entry", ""))
    steps = visit.signed_in.at(now.name).undo
    if steps and steps[-1][0] == int(revision):
        steps.pop()
    return await _answer(visit, after, previous, form)


async def fit(visit: Visit, form: Form) -> Response:
    """Keeps what the session may be, seals the assessment and asks for a plan. Each part can be repeated."""
    now = await _read(visit)
    length = form.get("minutes", "")
    if not length.isdigit():
        return problem(visit, 422, "invalid", (visit.t("assessment.fit.minutes_needed"),), form)
    services, key = visit.console.services.assessments, form.get("request_id", "")
    if now.state == Assessment.OPEN:
        wanted = _preferences(now, form)
        if wanted != now.preferences:
            now = await services.UpdateAssessment(
                UpdateAssessmentRequest(
                    assessment=Assessment(name=now.name, etag=now.etag, preferences=wanted),
                    update_mask=FieldMask(paths=["preferences"]),
                    request_id=derived_id(key, "preferences"),
                ),
                timeout=WRITE_SECONDS,
            )
        now = await services.CompleteAssessment(
            CompleteAssessmentRequest(name=now.name, etag=now.etag, request_id=derived_id(key, "complete")),
            timeout=WRITE_SECONDS,
        )
    plan = await visit.console.services.plans.CreatePlan(
        CreatePlanRequest(
            parent=now.name.partition("/assessments/")[0],
            plan=Plan(
                assessment=now.name,
                time_budget=Duration(seconds=int(length) * SECONDS),
                constraints=Constraints(unavailable_positions=several(form, "position_out")),
            ),
            request_id=derived_id(key, f"plan {now.etag} {sorted(form.items())}"),
        ),
        timeout=PLAN_SECONDS,
    )
    return visit.go(f"/{plan.name}")


async def amend(visit: Visit, form: Form) -> Response:
    """Opens a sealed assessment again; what was sealed stays readable."""
    now = await _read(visit)
    reason = form.get("reason", "").strip()
    if not reason:
        return problem(visit, 422, "invalid", (visit.t("assessment.amend.reason_needed"),))
    after = await visit.console.services.assessments.AmendAssessment(
        AmendAssessmentRequest(name=now.name, etag=now.etag, reason=reason, request_id=form.get("entry", "")),
        timeout=WRITE_SECONDS,
    )
    return visit.go(f"/{after.name}")


# --- reading ------------------------------------------------------------------------------------------------------


def _name(visit: Visit) -> str:
    client, assessment = visit.request.path_params["client"], visit.request.path_params["assessment"]
    return f"clients/{client}/assessments/{assessment}"


async def _read(visit: Visit, revision: int | None = None) -> Assessment:
    return await visit.console.services.assessments.GetAssessment(
        GetAssessmentRequest(name=_name(visit), revision=revision), timeout=READ_SECONDS
    )


async def _previous(visit: Visit) -> Assessment | None:
    """Returns the newest sealed assessment of the client before this one."""
    listed = await visit.console.services.assessments.ListAssessments(
        ListAssessmentsRequest(parent=f"clients/{visit.request.path_params['client']}", page_size=VISITS_LOOKED_BACK),
        timeout=READ_SECONDS,
    )
    names = [each.name for each in listed.assessments]
    name = _name(visit)
    earlier = listed.assessments[names.index(name) + 1 :] if name in names else ()
    return next((each for each in earlier if each.state == Assessment.COMPLETED), None)


async def _screen(visit: Visit, now: Assessment) -> ScreenHealthResponse | None:
    """Returns what the answers mean for the session, None while no answer speaks against anything."""
    told = [each for each in now.health_flags if each.answer != HealthFlag.ABSENT]
    if not told:
        return None
    flags = [_snapshot(each) for each in told]
    return await visit.console.services.knowledge.ScreenHealth(
        ScreenHealthRequest(health_flags=flags), timeout=READ_SECONDS
    )


def _snapshot(flag: HealthFlag) -> AssessmentSnapshot.HealthFlag:
    copied = AssessmentSnapshot.HealthFlag(
        id=flag.id,
        condition=flag.condition,
        answer=HealthFlag.Answer.Name(flag.answer).lower(),
        zone=flag.zone,
        side=int(flag.side),  # type: ignore[arg-type]
    )
    if flag.HasField("onset_days"):
        copied.onset_days = flag.onset_days
    for each in flag.parameters:
        parameter = copied.parameters.add(key=each.key)
        match each.WhichOneof("value"):
            case "number":
                parameter.number = each.number
            case "text":
                parameter.text = each.text
            case "truth":
                parameter.truth = each.truth
    return copied


async def _page(
    visit: Visit, now: Assessment, previous: Assessment | None, section: str, *, part: bool = False
) -> Response:
    screening = await _screen(visit, now)
    memory = visit.signed_in.at(now.name)
    last = Undo(revision=memory.undo[-1][0], findings=memory.undo[-1][1]) if memory.undo else NO_REVISION
    material = Material(
        assessment=now, previous=previous, screening=screening, undo=last, looked=frozenset(memory.looked)
    )
    extra = visit.request.query_params.getlist("motion")[:MOST_EXTRA_MOTIONS]
    shown = context(visit, material, section, str(uuid.uuid4()), extra)
    return visit.part("assessment_parts.html", shown) if part else visit.show("assessment.html", shown)


# --- writing ------------------------------------------------------------------------------------------------------


async def _write(visit: Visit, now: Assessment, entry: Entry, key: str) -> Assessment:
    services = visit.console.services.assessments
    after = now
    if entry.records:
        request = RecordFindingsRequest(
            name=now.name,
            pain_areas=entry.pain_areas,
            palpation_findings=entry.palpation_findings,
            rom_tests=entry.rom_tests,
            health_flags=entry.health_flags,
            request_id=derived_id(key, "record") if key else "",
        )
        try:
            after = await services.RecordFindings(request, timeout=WRITE_SECONDS)
        except grpc.aio.AioRpcError as error:
            if error_of(error).reason != "REQUEST_ID_REUSED":
                raise
            # The tap was stored before, and what it was merged into has changed since: it is stored.
            after = await _read(visit)
    if entry.retracted:
        after = await _retract(visit, after, entry.retracted)
    return after


async def _retract(visit: Visit, now: Assessment, ids: Sequence[str]) -> Assessment:
    """Takes findings back that are still there. What somebody else writes meanwhile is no reason not to."""
    for attempt in range(MOST_ATTEMPTS):
        present = {
            each.id
            for kind in (now.pain_areas, now.palpation_findings, now.rom_tests, now.health_flags)
            for each in kind
        }
        there = [identifier for identifier in ids if identifier in present]
        if not there:
            return now
        try:
            return await visit.console.services.assessments.RetractFindings(
                RetractFindingsRequest(
                    name=now.name, etag=now.etag, finding_ids=there, reason=visit.t("assessment.retract_reason")
                ),
                timeout=WRITE_SECONDS,
            )
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.ABORTED or attempt + 1 == MOST_ATTEMPTS:
                raise
        now = await _read(visit)
    return now


async def _answer(visit: Visit, after: Assessment, previous: Assessment | None, form: Form) -> Response:
    section = form.get("section", "")
    section = section if section in SECTIONS else SECTIONS[0]
    if visit.signed_in.handed:
        if visit.wants_part:
            return visit.part("pain_map_parts.html", pain_map_context(visit, after))
        return visit.go(f"/{after.name}/pain-map")
    if visit.wants_part:
        return await _page(visit, after, previous, section, part=True)
    return visit.go(f"/{after.name}/{section}")


def _preferences(now: Assessment, form: Form) -> SessionPreferences:
    wanted = SessionPreferences()
    wanted.CopyFrom(now.preferences)
    wanted.ClearField("unavailable_positions")
    wanted.unavailable_positions.extend(several(form, "position_out"))
    wanted.ClearField("avoid_techniques")
    wanted.avoid_techniques.extend(several(form, "technique_out"))
    wanted.ClearField("pressure_tolerance")
    if (pressure := form.get("pressure", "")).isdigit():
        wanted.pressure_tolerance = int(pressure)
    return wanted


_ADDRESS = "/clients/{client}/assessments/{assessment}"

ROUTES: Sequence[Route] = (
    *action(f"{_ADDRESS}/entries", record),
    *action(f"{_ADDRESS}/undo", undo),
    *action(f"{_ADDRESS}/fit", fit),
    *action(f"{_ADDRESS}/amend", amend),
    *action(f"{_ADDRESS}/pain-map", give),
    *page(f"{_ADDRESS}/pain-map", pain_map),
    *page(_ADDRESS, show),
    *page(_ADDRESS + "/{section}", show),
)
