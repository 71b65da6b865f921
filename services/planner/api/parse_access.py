"""Reads requests about access and the trail: emergency access, its report, and the watch over plans."""

from __future__ import annotations

import base64
import binascii
import re

from myoplan.planner.v1 import review_pb2 as pb
from services.planner.api import names
from services.planner.api.reading import Reader
from services.planner.domain.grants import MOST_SECONDS
from services.planner.usecases.grants import ListGrants, RequestBreakGlass
from services.planner.usecases.watch import EVERY_CLIENT, WatchPlans
from services.store.model import Actor, Entry, Position

_LEAST_REASON, _MOST_REASON = 10, 2048
_CURSOR_WORDS = 4
_MOST_CURSOR = 1024
_NUMBER = re.compile(r"[1-9][0-9]{0,15}")


def request_break_glass(actor: Actor, request: pb.RequestBreakGlassRequest) -> RequestBreakGlass:
    """Reads RequestBreakGlass."""
    reader = Reader()
    client = reader.matching("client", request.client, names.CLIENT_NAME, "clients/{client}")
    reason = reader.text("reason", request.reason, _MOST_REASON, least=_LEAST_REASON)
    seconds = request.duration.seconds
    if not request.HasField("duration") or request.duration.nanos or not 0 < seconds <= MOST_SECONDS:
        reader.tell("duration", f"is required: whole seconds, more than 0 and at most {MOST_SECONDS // 60} minutes")
    command = RequestBreakGlass(
        actor=actor,
        client=client,
        reason=reason,
        seconds=seconds,
        request=reader.request("RequestBreakGlass", request.request_id, client, reason, seconds),
    )
    reader.raise_any()
    return command


def list_grants(actor: Actor, request: pb.ListBreakGlassGrantsRequest) -> ListGrants:
    """Reads ListBreakGlassGrants."""
    reader = Reader()
    parent = reader.matching("parent", request.parent, names.CLIENT_NAME_OR_ALL, "clients/{client} or clients/-")
    after = reader.place(grants_scope(actor, request), request.page_token)
    query = ListGrants(
        clinic=actor.clinic,
        parent=parent,
        page_size=reader.page_size(request.page_size),
        after=int(after) if after else None,
    )
    reader.raise_any()
    return query


def grants_scope(actor: Actor, request: pb.ListBreakGlassGrantsRequest) -> str:
    """Returns what a page of grants was asked for, all but its size."""
    return f"ListBreakGlassGrants {actor.clinic} {request.parent}"


def watch_plans(actor: Actor, request: pb.WatchPlansRequest) -> WatchPlans:
    """Reads WatchPlans."""
    reader = Reader()
    parent = reader.matching("parent", request.parent, names.CLIENT_NAME_OR_ALL, EVERY_CLIENT)
    after = None
    if request.cursor:
        after = _position(request.cursor)
        if after is None:
            reader.tell("cursor", "is not a cursor of this clinic's events")
    query = WatchPlans(clinic=actor.clinic, parent=parent, after=after)
    reader.raise_any()
    return query


def cursor(entry: Entry) -> str:
    """Returns the cursor of an event."""
    text = f"{entry.seq} {entry.revision} {entry.etag} {entry.name}"
    return base64.urlsafe_b64encode(text.encode()).decode()


def _position(text: str) -> Position | None:
    try:
        words = base64.b64decode(text[:_MOST_CURSOR].encode(), b"-_", validate=True).decode().split(" ")
    except (binascii.Error, UnicodeError):
        return None
    if len(words) != _CURSOR_WORDS or not all(_NUMBER.fullmatch(word) for word in words[:2]):
        return None
    seq, revision, etag, name = words
    if not names.PLAN_NAME.fullmatch(name):
        return None
    return Position(seq=int(seq), revision=int(revision), etag=etag, name=name)
