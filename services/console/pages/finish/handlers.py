"""Shows the page that closes a visit and finishes the session."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import grpc
from starlette.responses import Response
from starlette.routing import Route

from myoplan.planner.v1.plan_pb2 import Plan
from myoplan.planner.v1.session_pb2 import FinishSessionRequest, Retest
from services.console.clients import WRITE_SECONDS
from services.console.pages.finish.context import REACTIONS, WORST_PAIN, finish_page, motions_to_test
from services.console.pages.room.handlers import plan_name, read_approved, read_session
from services.console.web import Form, Problem, Visit, action, derived_id, page
from services.console.wording import side_word
from services.runtime.client import error_of

INCOMPLETE = 422


async def show(visit: Visit) -> Response:
    """Shows the form of a running session, the report of a finished one."""
    plan, session = await asyncio.gather(read_approved(visit), read_session(visit))
    return visit.show("finish.html", finish_page(visit, plan, session), reviewed=plan.knowledge_reviewed)


async def finish(visit: Visit, form: Form) -> Response:
    """Finishes the session and goes to its report; what is wrong is told, and nothing typed is lost."""
    plan = await read_approved(visit)
    problems: list[str] = []
    retests = _retests(visit, form, plan, problems)
    request = FinishSessionRequest(name=plan.name, retests=retests, reaction=_reaction(visit, form))
    pain = form.get("pain", "")
    if pain.isascii() and pain.isdigit() and int(pain) <= WORST_PAIN:
        request.pain = int(pain)
    request.request_id = derived_id(form.get("request_id", ""), request.SerializeToString(deterministic=True).hex())
    if not problems:
        try:
            await visit.console.services.plans.FinishSession(request, timeout=WRITE_SECONDS)
        except grpc.aio.AioRpcError as error:
            refusal = error_of(error)
            if refusal.code is not grpc.StatusCode.INVALID_ARGUMENT or not refusal.fields:
                raise
            problems = [each.problem for each in refusal.fields]
    if problems and visit.wants_part:
        return visit.part("problem_line.html", _told(visit, problems), status=INCOMPLETE)
    if problems:
        context = finish_page(visit, plan, await read_session(visit), values=form, problems=problems)
        return visit.show("finish.html", context, status=INCOMPLETE, reviewed=plan.knowledge_reviewed)
    return Response(status_code=204) if visit.wants_part else visit.go(f"/{plan_name(visit)}/finish")


def _told(visit: Visit, problems: Sequence[str]) -> Problem:
    title = visit.t("problem.invalid.title")
    return Problem(title=title, kind="invalid", message=f"{title}.", hint="", details=tuple(problems))


def _retests(visit: Visit, form: Form, plan: Plan, problems: list[str]) -> list[Retest]:
    """Returns the motions that were measured; an empty field was not."""
    retests = []
    for motion, side in motions_to_test(plan):
        text = form.get(f"value.{motion}.{side_word(side)}", "").strip().replace(",", ".").replace("−", "-")
        if not text:
            continue
        try:
            value = float(text)
        except ValueError:
            name = visit.console.vocabulary.name("motion", motion)
            problems.append(visit.t("finish.number", name=name, side=visit.t(f"side.{side_word(side)}")))
            continue
        retests.append(Retest(motion=motion, side=side, value=value))
    return retests


def _reaction(visit: Visit, form: Form) -> str:
    chosen, note = form.get("reaction", ""), form.get("note", "").strip()
    said = visit.t(f"finish.reaction.{chosen}") if chosen in REACTIONS else ""
    return ". ".join(part for part in (said, note) if part)


_ADDRESS = "/clients/{client}/plans/{plan}/finish"

ROUTES: Sequence[Route] = (
    *page(_ADDRESS, show),
    *action(_ADDRESS, finish),
)
