"""Turns emergency access and the events of plans into messages."""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp

from myoplan.planner.v1 import plan_pb2
from myoplan.planner.v1 import review_pb2 as pb
from services.planner.api.pages import page_token
from services.planner.api.parse_access import cursor, grants_scope
from services.planner.domain.grants import Grant
from services.planner.usecases.grants import GrantPage
from services.store.model import Actor, Entry

_MICROS = 1_000_000
_NANOS_PER_MICRO = 1000


def grant(given: Grant) -> pb.BreakGlassGrant:
    """Returns the message of a grant."""
    return pb.BreakGlassGrant(
        client=given.client,
        person=plan_pb2.Person(id=given.person.id, display_name=given.person.display_name),
        reason=given.reason,
        start_time=_timestamp(given.start_micros),
        expire_time=_timestamp(given.expire_micros),
    )


def grant_page(
    actor: Actor, request: pb.ListBreakGlassGrantsRequest, page: GrantPage
) -> pb.ListBreakGlassGrantsResponse:
    """Returns a page of grants."""
    place = None if page.next_after is None else str(page.next_after)
    return pb.ListBreakGlassGrantsResponse(
        grants=map(grant, page.grants), next_page_token=page_token(grants_scope(actor, request), place)
    )


def event(entry: Entry) -> pb.PlanEvent:
    """Returns an event: who did what to which plan, nothing of its content."""
    return pb.PlanEvent(
        cursor=cursor(entry),
        plan=entry.name,
        revision=entry.revision,
        action=entry.action,
        state=plan_pb2.Plan.State.Value(entry.facts["state"]),
        hold=entry.facts.get("hold") == "true",
        person=plan_pb2.Person(id=entry.person, display_name=entry.display_name),
        roles=entry.roles,
        time=_timestamp(entry.time_micros),
        reason=entry.reason,
        seal=entry.seal,
        previous_seal=entry.previous_seal,
    )


def _timestamp(micros: int) -> Timestamp:
    return Timestamp(seconds=micros // _MICROS, nanos=micros % _MICROS * _NANOS_PER_MICRO)
