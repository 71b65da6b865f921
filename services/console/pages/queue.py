"""The review queue: whose turn it is, by the start of the treatment and not by arrival."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.responses import Response
from starlette.routing import Route

from myoplan.assessment.v1.assessment_pb2 import Assessment
from myoplan.assessment.v1.assessment_service_pb2 import ListAssessmentsRequest
from myoplan.planner.v1.plan_pb2 import Plan, Signature
from myoplan.planner.v1.planner_service_pb2 import ListPlansRequest, PlanView
from myoplan.planner.v1.review_pb2 import ListReviewQueueRequest, ReviewItem
from services.console.clients import READ_SECONDS
from services.console.texts import Texts
from services.console.vocabulary import Vocabulary
from services.console.web import Context, Visit, page
from services.console.wording import code, day_text, moment, plan_state, side_word

NEWEST = 200
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRow:
    """One plan that waits, or one that was released today. `changes` are steps that differ from the suggestion."""

    address: str
    client: str
    code: str
    author: str
    place: str
    sides: tuple[str, ...]
    changes: str
    state: str
    starts: str
    waiting: str
    reason: str
    flags: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePage(Context):
    """The plans by whose turn it is. `more`: there are more than are shown."""

    yours: tuple[QueueRow, ...]
    others: tuple[QueueRow, ...]
    released: tuple[QueueRow, ...]
    more: bool


async def show(visit: Visit) -> Response:
    """Shows the queue."""
    services = visit.console.services
    queue, approved, listed = await asyncio.gather(
        services.plans.ListReviewQueue(
            ListReviewQueueRequest(parent="clients/-", page_size=NEWEST), timeout=READ_SECONDS
        ),
        services.plans.ListPlans(
            ListPlansRequest(parent="clients/-", page_size=NEWEST, state=Plan.APPROVED, view=PlanView.BASIC),
            timeout=READ_SECONDS,
        ),
        services.assessments.ListAssessments(
            ListAssessmentsRequest(parent="clients/-", page_size=NEWEST), timeout=READ_SECONDS
        ),
    )
    places = {each.name: place(each, visit.console.vocabulary) for each in listed.assessments}
    now = visit.console.local_time(visit.console.clock())
    rows = [(item.your_turn, _row(visit, item, places, now)) for item in queue.items]
    released = sorted(
        ((signed, plan) for plan in approved.plans for signed in _signed_on(visit, plan, now)), key=lambda pair: pair[0]
    )
    context = QueuePage(
        title=visit.t("queue.title"),
        yours=tuple(row for yours, row in rows if yours),
        others=tuple(row for yours, row in rows if not yours),
        released=tuple(_released(visit, plan, signed, places) for signed, plan in reversed(released)),
        more=bool(queue.next_page_token),
    )
    return visit.show("queue.html", context)


def place(assessment: Assessment, vocabulary: Vocabulary) -> tuple[str, tuple[str, ...]]:
    """Returns the region that hurts most in words, and its sides; without a pain map, what the client came for."""
    zones = vocabulary.base.zones
    regions = [(zones[area.zone].region, area) for area in assessment.pain_areas if area.zone in zones]
    if not regions:
        return assessment.complaint[:80], ()
    main = max(regions, key=lambda pair: pair[1].intensity)[0]
    sides = dict.fromkeys(side_word(area.side) for region, area in regions if region == main)
    return vocabulary.name("region", main), tuple(sides)


def waiting_text(texts: Texts, waited: timedelta) -> str:
    """Returns how long somebody waits: `14 min`, `3 h`, `2 days`."""
    waited = max(waited, timedelta())
    if waited < HOUR:
        return texts("queue.minutes", n=waited // timedelta(minutes=1))
    if waited < DAY:
        return texts("queue.hours", n=waited // HOUR)
    return texts.count("queue.days", waited // DAY)


def starts_text(when: datetime, now: datetime) -> str:
    """Returns the hour for today, day and hour for another day."""
    return f"{when:%H:%M}" if when.date() == now.date() else f"{day_text(when)} {when:%H:%M}"


def _row(visit: Visit, item: ReviewItem, places: Mapping[str, tuple[str, tuple[str, ...]]], now: datetime) -> QueueRow:
    plan = item.plan
    client = plan.name.split("/")[1]
    where, sides = places.get(plan.assessment, ("", ()))
    return QueueRow(
        address=f"/{plan.name}/review",
        client=client,
        code=code(client),
        author=item.author.display_name or item.author.id,
        place=where,
        sides=sides,
        changes=visit.console.texts.count("queue.changes", item.changed_steps)
        if item.changed_steps
        else visit.t("queue.untouched"),
        state=plan_state(plan, visit.console.texts),
        starts=starts_text(moment(item.scheduled_time, visit.console), now) if item.HasField("scheduled_time") else "",
        waiting=waiting_text(visit.console.texts, now - moment(item.since, visit.console)),
        reason=item.reason,
        flags=len(item.flags),
    )


def _signed_on(visit: Visit, plan: Plan, now: datetime) -> Iterable[datetime]:
    """Yields when the plan was co-signed, if that was today."""
    times = [moment(each.time, visit.console) for each in plan.signatures if each.meaning == Signature.COSIGNED]
    if times and max(times).date() == now.date():
        yield max(times)


def _released(
    visit: Visit, plan: Plan, signed: datetime, places: Mapping[str, tuple[str, tuple[str, ...]]]
) -> QueueRow:
    client = plan.name.split("/")[1]
    where, sides = places.get(plan.assessment, ("", ()))
    signers = [each.signer.display_name for each in plan.signatures if each.meaning == Signature.AUTHORED]
    return QueueRow(
        address=f"/{plan.name}/review",
        client=client,
        code=code(client),
        author=signers[-1] if signers else plan.author.display_name,
        place=where,
        sides=sides,
        changes="",
        state=plan_state(plan, visit.console.texts),
        starts="",
        waiting="",
        reason=visit.t("queue.cosigned_at", time=f"{signed:%H:%M}"),
        flags=0,
    )


ROUTES: Sequence[Route] = page("/review", show)
