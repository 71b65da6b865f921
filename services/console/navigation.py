"""Where one can go from every page: the one table. A page that belongs in the navigation adds a row."""

from __future__ import annotations

from dataclasses import dataclass

from services.console.texts import Texts

STAFF = frozenset({"trainee", "therapist", "supervisor"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A row of the table. `key` is the second letter of its shortcut after `g`; `roles` may go there."""

    path: str
    text: str
    key: str
    roles: frozenset[str]


DESTINATIONS = (
    Destination(path="/today", text="navigation.today", key="t", roles=STAFF | {"auditor"}),
    Destination(path="/review", text="navigation.review", key="r", roles=STAFF),
    Destination(path="/learn", text="navigation.learn", key="l", roles=STAFF),
    Destination(path="/knowledge", text="navigation.knowledge", key="k", roles=STAFF | {"auditor", "admin"}),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NavigationItem:
    """A place to go to, as it is shown."""

    path: str
    name: str
    key: str
    here: bool


def navigation(path: str, roles: frozenset[str], texts: Texts) -> tuple[NavigationItem, ...]:
    """Returns the places that a person with `roles` can go to from `path`."""
    return tuple(
        NavigationItem(path=row.path, name=texts(row.text), key=row.key, here=path == row.path)
        for row in DESTINATIONS
        if row.roles & roles
    )
