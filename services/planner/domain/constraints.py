"""What people demand of a plan."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from services.planner.domain.later import ADDED_LATER
from services.planner.domain.sides import Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A muscle on one side, and a technique where only that is meant (empty: any)."""

    muscle: str
    side: Side
    technique: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetDuration:
    """How long work on a muscle with a technique has to take [s], a multiple of 30."""

    target: Target
    duration_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """If both are in the plan, `first` comes before `then`; each names muscle, side and technique."""

    first: Target
    then: Target


class OverrideReason(StrEnum):
    """Why a preference was set aside."""

    CLIENT_WISH = "client_wish"
    FINDING_TODAY = "finding_today"
    WORKED_BEFORE = "worked_before"
    THERAPIST_HANDS = "therapist_hands"
    TEACHING = "teaching"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Sets a rule of preference aside for `targets` (none: for the whole plan).

    `person` (an id), `display_name` and `time_micros` (microseconds since the epoch) come from the credential and the
    clock of the service; they are empty in a request.
    """

    rule: str
    reason: OverrideReason
    comment: str = ""
    targets: tuple[Target, ...] = ()
    person: str = ""
    display_name: str = ""
    time_micros: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HandLoad:
    """Load on the therapist's hand per structure, in the units of the techniques."""

    thumb: int = 0
    wrist: int = 0
    elbow: int = 0
    tool: int = 0

    def values(self) -> tuple[int, int, int, int]:
        """Returns the loads in the order thumb, wrist, elbow, tool."""
        return (self.thumb, self.wrist, self.elbow, self.tool)


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraints:
    """Demands on a plan. `max_pressure` is in [1, 5]."""

    pinned: tuple[Target, ...] = ()
    excluded: tuple[Target, ...] = ()
    unavailable_positions: tuple[str, ...] = ()
    max_pressure: int | None = None
    must_include: tuple[Target, ...] = ()
    hand_load_used_today: HandLoad | None = None
    durations: tuple[TargetDuration, ...] = field(default=(), metadata=ADDED_LATER)
    sequences: tuple[Sequence, ...] = field(default=(), metadata=ADDED_LATER)
    overrides: tuple[Override, ...] = field(default=(), metadata=ADDED_LATER)

    @property
    def demanded(self) -> tuple[Target, ...]:
        """Everything that has to be in the plan, pins first, each target once."""
        return tuple(dict.fromkeys((*self.pinned, *self.must_include)))

    def excludes(self, muscle: str, side: Side, technique: str = "") -> bool:
        """Whether a person took out the muscle, or this technique on it."""
        return any(
            target.muscle == muscle and target.side is side and target.technique in {"", technique}
            for target in self.excluded
        )
