"""Opaque texts that say where to go on: the tokens of pages and the cursors of events.

A page token is bound to what the page was asked for; with anything else changed it is not accepted. Neither text is a
secret: what a caller may read is decided by the credential alone.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

from services.assessment.api.names import ASSESSMENT_NAME
from services.assessment.usecases.read import List
from services.assessment.usecases.revisions import ListRevisions
from services.store.model import Entry, Position

_SCOPE_DIGITS = 16
_CURSOR_WORDS = 4
_MOST_CHARACTERS = 1024
_NUMBER = re.compile(r"[1-9][0-9]{0,15}")


class PositionInvalid(Exception):
    """The text was not made here, or for another request."""


def list_scope(query: List) -> str:
    """Returns what a page of assessments was asked for, all but its size."""
    return f"ListAssessments {query.clinic} {query.parent} {query.state or ''}"


def revisions_scope(query: ListRevisions) -> str:
    """Returns what a page of revisions was asked for, all but its size."""
    return f"ListAssessmentRevisions {query.clinic} {query.name}"


def page_token(scope: str, position: int | None) -> str:
    """Returns the token for what comes behind `position`, empty at the end."""
    return "" if position is None else _pack(f"{position} {_digest(scope)}")


def position_of(scope: str, token: str) -> int | None:
    """Returns the position in a token, None for the empty one. Raises PositionInvalid."""
    if not token:
        return None
    number, _, digest = _unpack(token).partition(" ")
    if digest != _digest(scope):
        raise PositionInvalid
    return _number(number)


def cursor(entry: Entry) -> str:
    """Returns the cursor of an event."""
    return _pack(f"{entry.seq} {entry.revision} {entry.etag} {entry.name}")


def event_position(text: str) -> Position | None:
    """Returns where a cursor stands, None for the empty one. Raises PositionInvalid."""
    if not text:
        return None
    words = _unpack(text).split(" ")
    if len(words) != _CURSOR_WORDS:
        raise PositionInvalid
    seq, revision, etag, name = words
    if not ASSESSMENT_NAME.fullmatch(name):
        raise PositionInvalid
    return Position(seq=_number(seq), revision=_number(revision), etag=etag, name=name)


def _digest(scope: str) -> str:
    return hashlib.sha256(scope.encode()).hexdigest()[:_SCOPE_DIGITS]


def _pack(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _unpack(text: str) -> str:
    if len(text) > _MOST_CHARACTERS:
        raise PositionInvalid
    try:
        unpacked = base64.b64decode(text.encode() + b"=" * (-len(text) % 4), b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError):
        raise PositionInvalid from None
    if _pack(unpacked) != text:
        raise PositionInvalid
    return unpacked


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise PositionInvalid
    return int(text)
