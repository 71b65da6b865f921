"""A session: how an approved plan is worked. It lies over the plan, whose approved content never changes.

Times of day are microseconds since the epoch, durations are seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from services.planner.domain.plan import Step
from services.planner.domain.review import Person
from services.planner.domain.sides import Side


class SessionState(StrEnum):
    """Whether a session still runs."""

    RUNNING = "running"
    FINISHED = "finished"


class StepStatus(StrEnum):
    """What has become of a step. SKIPPED: left out by the therapist; DROPPED: by a re-fit."""

    PENDING = "pending"
    DONE = "done"
    SKIPPED = "skipped"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStep:
    """One step with its position and minutes as they are planned now.

    `approved_seconds` [s] is what the approved plan says; 0 for a turn that a re-fit added. `delivered_seconds` [s] is
    how long it was worked, None until it is done. `pressure_level` in [1, 5] is the pressure used; None: as planned.
    """

    step: Step
    approved_seconds: int
    status: StepStatus = StepStatus.PENDING
    delivered_seconds: int | None = None
    note: str = ""
    pressure_level: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionChange:
    """What one re-fit changed, one sentence each. `lost_seconds` [s] were lost from the end of the session."""

    time_micros: int
    lost_seconds: int
    unavailable_positions: tuple[str, ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Retest:
    """A motion measured again. `value` and `before` are in the unit of the motion, `pain` in [0, 10].

    `before` is the value of the assessment, None if it was not measured there.
    """

    motion: str
    side: Side
    value: float | None = None
    pain: float | None = None
    before: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A report about one step: DONE with its seconds, or SKIPPED."""

    step: str
    status: StepStatus
    delivered_seconds: int | None = None
    note: str = ""
    pressure_level: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """How one approved version of a plan was worked. `revision` is the one of the plan at which it was approved.

    `pain` after the session is in [0, 10]; `pain_before` is the worst of the assessment. Both None: not given.
    """

    plan: str
    version: int
    revision: int
    digest: str
    assessment: str
    state: SessionState
    start_micros: int
    therapist: Person
    steps: tuple[SessionStep, ...]
    finish_micros: int | None = None
    changes: tuple[SessionChange, ...] = ()
    retests: tuple[Retest, ...] = ()
    pain: float | None = None
    pain_before: float | None = None
    reaction: str = ""

    @property
    def lost_seconds(self) -> int:
        """What all re-fits together have lost [s]."""
        return sum(change.lost_seconds for change in self.changes)

    @property
    def unavailable_positions(self) -> tuple[str, ...]:
        """Positions that turned out not to be possible."""
        return tuple(dict.fromkeys(one for change in self.changes for one in change.unavailable_positions))
