"""Edits of a plan, as a person asks for them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from services.planner.domain.constraints import Override, Target


class EditKind(StrEnum):
    """Kinds of edit; the names are those of the contract."""

    PIN = "pin"
    UNPIN = "unpin"
    EXCLUDE = "exclude"
    INCLUDE = "include"
    MOVE = "move"
    SET_DURATION = "set_duration"
    SET_TECHNIQUE = "set_technique"
    SET_TIME_BUDGET = "set_time_budget"
    MARK_POSITION_UNAVAILABLE = "mark_position_unavailable"
    REFIT = "refit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One edit; what is set depends on its kind.

    `target` for pin, unpin, exclude and include; `step` with `before` or `after` for move,
    with `duration_seconds` [s] for set_duration, with `technique` for set_technique; `duration_seconds` [s] alone for
    set_time_budget; `position` for mark_position_unavailable; nothing for refit. `override`: against a preference.
    """

    kind: EditKind
    target: Target | None = None
    step: str = ""
    before: str = ""
    after: str = ""
    technique: str = ""
    position: str = ""
    duration_seconds: int | None = None
    override: Override | None = None
