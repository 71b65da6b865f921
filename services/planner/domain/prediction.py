"""A prediction: what a person would do themselves, written down before they may see any plan of the assessment.

Times of day are microseconds since the epoch, durations are seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from services.planner.domain.constraints import Target
from services.planner.domain.review import Person
from services.planner.domain.snapshot import Snapshot


class PredictionState(StrEnum):
    """What has become of a prediction. While it is OPEN, the person can read no plan of the assessment."""

    OPEN = "open"
    LOCKED = "locked"
    REVEALED = "revealed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictedStep:
    """One thing a person would do. `duration_seconds` [s] None: not said."""

    target: Target
    duration_seconds: int | None = None
    sure: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A supervisor's mark by one criterion; `level` from 1 (not yet) to 4 (independent)."""

    criterion: str
    level: int
    comment: str
    person: Person
    time_micros: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How a comparison came out, in muscles (`unsafe`: in targets)."""

    agreed: int
    missed: int
    added: int
    unsafe: int
    time_micros: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """A person's own plan. `snapshot` is the assessment as it was when they began: what the comparison is made on.

    `shown`: they asked to be shown the proposal without a plan of their own. `count` None: not revealed yet.
    """

    name: str
    assessment: str
    assessment_etag: str
    snapshot: Snapshot
    time_budget_seconds: int
    person: Person
    start_micros: int
    state: PredictionState = PredictionState.OPEN
    steps: tuple[PredictedStep, ...] = ()
    reasoning: str = ""
    lock_micros: int | None = None
    shown: bool = False
    marks: tuple[Mark, ...] = ()
    count: Count | None = None
