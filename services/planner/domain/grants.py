"""Emergency access: who may read the records of one client for a short time, and why."""

from __future__ import annotations

from dataclasses import dataclass

from services.planner.domain.review import Person

MOST_SECONDS = 3600
"""The longest that emergency access lasts [s]; decided in docs/security.md."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Read access of a person to the records of `client`. Times are microseconds since the epoch."""

    client: str
    person: Person
    reason: str
    start_micros: int
    expire_micros: int

    def covers(self, person: str, now_micros: int) -> bool:
        """Whether it lets this person read now."""
        return self.person.id == person and self.start_micros <= now_micros < self.expire_micros
