"""What is known of the client beside the findings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar


class Sex(StrEnum):
    """The sexes that published norms distinguish."""

    FEMALE = "female"
    MALE = "male"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientProfile:
    """What norms depend on. `age_years` is in [0, 120]; `sex` None: not stated."""

    age_years: int | None = None
    sex: Sex | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Consents:
    """What the client allows. `intraoral_allowed` None: not asked, so not allowed."""

    regions_not_to_touch: tuple[str, ...] = ()
    intraoral_allowed: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPreferences:
    """What the client wants in the session. `pressure_tolerance` is in [1, 5], light to deep."""

    pressure_tolerance: int | None = None
    unavailable_positions: tuple[str, ...] = ()
    focus_zones: tuple[str, ...] = ()
    avoid_techniques: tuple[str, ...] = ()
    consents: Consents = Consents()


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What the client says before anything is examined. `scheduled_time`: when the session is booked, in UTC."""

    client_label: str = ""
    profile: ClientProfile = ClientProfile()
    complaint: str = ""
    goals: tuple[str, ...] = ()
    lifestyle: str = ""
    daily_activities: str = ""
    allergies: tuple[str, ...] = ()
    preferences: SessionPreferences = SessionPreferences()
    scheduled_time: datetime | None = None


INTAKE_PATHS = frozenset(
    {
        "client_label",
        "profile",
        "profile.age_years",
        "profile.sex",
        "complaint",
        "goals",
        "lifestyle",
        "daily_activities",
        "allergies",
        "preferences",
        "preferences.pressure_tolerance",
        "preferences.unavailable_positions",
        "preferences.focus_zones",
        "preferences.avoid_techniques",
        "preferences.consents",
        "preferences.consents.regions_not_to_touch",
        "preferences.consents.intraoral_allowed",
        "scheduled_time",
    }
)
"""What an update may name."""


def with_changes(intake: Intake, given: Intake, paths: tuple[str, ...]) -> Intake:
    """Returns `intake` with the fields at `paths` taken from `given`."""
    for path in paths:
        intake = _changed(intake, given, path)
    return intake


Value = TypeVar("Value")


def _changed(old: Value, given: Value, path: str) -> Value:
    name, _, rest = path.partition(".")
    value: Any = getattr(given, name)
    return replace(old, **{name: _changed(getattr(old, name), value, rest) if rest else value})  # type: ignore[type-var]
