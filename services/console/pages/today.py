"""Today: what comes next, what is not finished, and the way to a client."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from starlette.responses import Response
from starlette.routing import Route

from myoplan.assessment.v1.assessment_pb2 import Assessment
from myoplan.assessment.v1.assessment_service_pb2 import ListAssessmentsRequest
from myoplan.planner.v1.plan_pb2 import Plan
from myoplan.planner.v1.planner_service_pb2 import ListPlansRequest, PlanView
from services.console.clients import READ_SECONDS
from services.console.pages.queue import place as main_place
from services.console.web import Context, Visit, page
from services.console.wording import code, day_text, minutes_text, moment, plan_state

NEWEST = 200
MOST_FOUND = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One visit and the one thing to do next."""

    when: str
    client: str
    code: str
    label: str
    place: str
    sides: tuple[str, ...]
    visit: int
    minutes: str
    state: str
    action: str
    urgent: bool
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TodayPage(Context):
    """The visits of the day by time, later ones, and earlier ones that nobody finished. `find`: what is looked for."""

    day: str
    find: str
    now: tuple[Row, ...]
    coming: tuple[Row, ...]
    unfinished: tuple[Row, ...]
    found: tuple[Row, ...]
    more: bool


async def show(visit: Visit) -> Response:
    """Shows the day, or what was looked for."""
    return visit.show("today.html", await _context(visit))


async def _context(visit: Visit) -> TodayPage:
    services, now = visit.console.services, visit.console.local_time(visit.console.clock())
    listed, planned = await asyncio.gather(
        services.assessments.ListAssessments(
            ListAssessmentsRequest(parent="clients/-", page_size=NEWEST), timeout=READ_SECONDS
        ),
        services.plans.ListPlans(
            ListPlansRequest(parent="clients/-", page_size=NEWEST, view=PlanView.BASIC), timeout=READ_SECONDS
        ),
    )
    newest = {each.assessment: each for each in reversed(planned.plans)}  # they come newest first
    used = [each for each in listed.assessments if each.state != Assessment.VOIDED]
    visits = Counter[str]()
    numbers = {}
    for each in reversed(used):
        visits[client_of(each.name)] += 1
        numbers[each.name] = visits[client_of(each.name)]
    find = visit.request.query_params.get("find", "").strip()[:64]
    day = now.date()
    today, coming, unfinished, found = [], [], [], []
    for each in used:
        plan = newest.get(each.name)
        when = _when(each, visit)
        entry = (when, _row(visit, each, plan, numbers[each.name], when, now))
        if find and _matches(each, find):
            found.append(entry)
        if when.date() == day:
            today.append(entry)
        elif when.date() > day:
            coming.append(entry)
        elif plan is None:
            unfinished.append(entry)
    return TodayPage(
        title=visit.t("today.title"),
        day=day_text(now),
        find=find,
        now=_in_order(today),
        coming=_in_order(coming),
        unfinished=_in_order(unfinished)[::-1],
        found=_in_order(found)[::-1][:MOST_FOUND],
        more=bool(listed.next_page_token),
    )


def _in_order(entries: list[tuple[datetime, Row]]) -> tuple[Row, ...]:
    return tuple(row for _, row in sorted(entries, key=lambda entry: entry[0]))


def client_of(name: str) -> str:
    """Returns the client id in the name of an assessment or a plan."""
    return name.split("/")[1]


def _when(each: Assessment, visit: Visit) -> datetime:
    stamp = each.scheduled_time if each.HasField("scheduled_time") else each.create_time
    return moment(stamp, visit.console)


def _matches(each: Assessment, find: str) -> bool:
    wanted = find.casefold()
    return client_of(each.name).startswith(wanted) or wanted in each.client_label.casefold()


def _row(visit: Visit, each: Assessment, plan: Plan | None, number: int, when: datetime, now: datetime) -> Row:
    client = client_of(each.name)
    place, sides = main_place(each, visit.console.vocabulary)
    begun = each.pain_areas or each.palpation_findings or each.rom_tests or each.health_flags
    address = f"/{each.name}"
    if plan is not None:
        state, action, address = plan_state(plan, visit.console.texts), "open", f"/{plan.name}"
    elif each.state == Assessment.COMPLETED:
        state, action, address = visit.t("assessment_state.COMPLETED"), "fit", f"{address}/fit"
    else:
        state, action = visit.t("assessment_state.OPEN"), "continue" if begun else "start"
    return Row(
        when=f"{when:%H:%M}" if when.date() == now.date() else day_text(when),
        client=client,
        code=code(client),
        label=each.client_label,
        place=place,
        sides=sides,
        visit=number,
        minutes=minutes_text(plan.time_budget) if plan is not None else "",
        state=state,
        action=visit.t(f"today.action.{action}"),
        urgent=action != "open",
        address=address,
    )


ROUTES: Sequence[Route] = page("/today", show)
