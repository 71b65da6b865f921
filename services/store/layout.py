"""Where things are kept: the keys of one clinic of one service. Nothing else builds a key."""

from __future__ import annotations

import re
from dataclasses import dataclass

from services.store.model import Actor, Request
from services.store.seals import request_digest

_ID = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_SCOPE = re.compile(rf"[a-z]+:\{{{_ID}\}}")
_TRAIL = re.compile(rf"[a-z]+:\{{(?P<clinic>{_ID})\}}:trail")
_COLLECTION = re.compile(rf"clients/(?:{_ID}|-)/[a-z_]+")
_NAME = re.compile(rf"(?P<client>clients/{_ID})/(?P<kind>[a-z_]+)/{_ID}")

EVERY_CLIENT = "clients/-"


@dataclass(frozen=True, slots=True)
class Layout:
    """The keys of `clinic` in `service`. The clinic stands in braces: in a cluster all of its keys share one slot.

    Names are checked at the edge of a service; here a wrong one is a bug and raises ValueError, so that no two names
    can ever share a key and no name can leave its clinic.
    """

    service: str
    clinic: str

    def __post_init__(self) -> None:
        if not _SCOPE.fullmatch(self.scope):
            raise ValueError("the service or the clinic is not of the allowed form")

    @property
    def scope(self) -> str:
        """What every key begins with and every entry is sealed for."""
        return f"{self.service}:{{{self.clinic}}}"

    @staticmethod
    def trails(service: str) -> str:
        """Returns the pattern of the trails of a service's clinics; `clinic_of_trail` reads what it finds."""
        return f"{service}:{{*}}:trail"

    @property
    def trail(self) -> str:
        """The stream that is audit trail and outbox at once."""
        return f"{self.scope}:trail"

    def newest(self, name: str) -> str:
        """Returns the key of the newest revision of a record."""
        return f"{self.scope}:record:{_checked(_NAME, name)[0]}"

    def earlier(self, name: str, revision: int) -> str:
        """Returns the key of a revision that is not the newest any more."""
        return f"{self.newest(name)}@{revision}"

    def index(self, collection: str) -> str:
        """Returns the key of the list of a collection: `clients/{client}/plans`, `clients/-/plans` for all clients."""
        return f"{self.scope}:index:{_checked(_COLLECTION, collection)[0]}"

    def request(self, actor: Actor, request: Request) -> str:
        """Returns the key of the result of a request."""
        return f"{self.scope}:request:{request_digest(actor, request)}"


def clinic_of_trail(key: str) -> str | None:
    """Returns the clinic whose trail is kept under a key; None for another key."""
    match = _TRAIL.fullmatch(key)
    return match["clinic"] if match else None


def collections_of(name: str) -> tuple[str, str]:
    """Returns the two lists that a record is in: that of every client and that of its own."""
    match = _checked(_NAME, name)
    return f"{EVERY_CLIENT}/{match['kind']}", f"{match['client']}/{match['kind']}"


def kind_of(name: str) -> str:
    """Returns the collection that a record belongs to, without its client: `plans`."""
    return _checked(_NAME, name)["kind"]


def _checked(form: re.Pattern[str], text: str) -> re.Match[str]:
    match = form.fullmatch(text)
    if match is None:
        raise ValueError("a record or collection name is not of the allowed form")
    return match
