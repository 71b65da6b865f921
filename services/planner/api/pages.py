"""Page tokens: opaque texts bound to what the page was asked for; with anything else changed they are not accepted.

They are no secret: what a caller may read is decided by the credential alone.
"""

from __future__ import annotations

import base64
import binascii
import hashlib

_SCOPE_DIGITS = 16
_MOST_CHARACTERS = 512
MOST_ON_A_PAGE = 200
USUAL_ON_A_PAGE = 50


class TokenInvalid(Exception):
    """The token was not made here, or for another request."""


def page_token(scope: str, place: str | None) -> str:
    """Returns the token for what comes behind `place`, empty at the end."""
    if place is None:
        return ""
    return base64.urlsafe_b64encode(f"{_digest(scope)} {place}".encode()).decode()


def place_of(scope: str, token: str) -> str | None:
    """Returns the place in a token, None for the empty one. Raises TokenInvalid."""
    if not token:
        return None
    if len(token) > _MOST_CHARACTERS:
        raise TokenInvalid
    try:
        text = base64.b64decode(token.encode(), b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError):
        raise TokenInvalid from None
    digest, _, place = text.partition(" ")
    if digest != _digest(scope) or page_token(scope, place) != token:
        raise TokenInvalid
    return place


def _digest(scope: str) -> str:
    return hashlib.sha256(scope.encode()).hexdigest()[:_SCOPE_DIGITS]
