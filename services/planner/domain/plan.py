"""A plan: the session in order, what was left out, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from knowledge.model import Urgency
from services.planner.domain.constraints import Constraints, Target
from services.planner.domain.later import ADDED_LATER, NOT_SIGNED
from services.planner.domain.reasons import Reason
from services.planner.domain.review import (
    Acknowledgement,
    Addendum,
    Comment,
    Contributor,
    Person,
    Signature,
    VersionChange,
)
from services.planner.domain.sides import Side
from services.planner.domain.snapshot import Snapshot

# The planner's own version. It changes whenever the same input may give another plan.
PLANNER_VERSION = "2"
# The grid of every duration.
STEP_SECONDS = 30


class Disposition(StrEnum):
    """What the health flags allow. DO_NOT_TREAT and REFER come without any hands-on step."""

    TREAT = "treat"
    TREAT_WITH_CAUTION = "treat_with_caution"
    DO_NOT_TREAT = "do_not_treat"
    REFER = "refer"

    @property
    def hands_on(self) -> bool:
        """Whether a session may take place at all."""
        return self in {Disposition.TREAT, Disposition.TREAT_WITH_CAUTION}


class Phase(StrEnum):
    """Phases of a session, and the turn between positions."""

    ARRIVAL = "arrival"
    WARM_UP = "warm_up"
    CONFIRM = "confirm"
    RELEASE = "release"
    LENGTHEN = "lengthen"
    RETEST = "retest"
    INTEGRATE = "integrate"
    CLOSE = "close"
    TURN = "turn"


class OmissionKind(StrEnum):
    """Why something is not in the plan."""

    CONTRAINDICATED = "contraindicated"
    OVER_BUDGET = "over_budget"
    DOMINATED = "dominated"
    POSITION_UNAVAILABLE = "position_unavailable"
    MISSING_PREREQUISITE = "missing_prerequisite"
    EXCLUDED_BY_PERSON = "excluded_by_person"
    LOAD_CAP = "load_cap"


class State(StrEnum):
    """States of a plan."""

    PROPOSED = "proposed"
    DRAFT = "draft"
    AWAITING_COSIGN = "awaiting_cosign"
    RETURNED = "returned"
    APPROVED = "approved"
    STALE = "stale"
    SUPERSEDED = "superseded"
    ENTERED_IN_ERROR = "entered_in_error"
    EXPIRED = "expired"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDose:
    """How a technique is dosed; None where the technique has no such value.

    `seconds` [s] is one application, `hold_seconds` [s] one hold, `contraction_percent` [%] is of the strongest
    contraction, `pain_ceiling` in [0, 10].
    """

    level: str
    seconds: float | None = None
    repetitions: float | None = None
    contraction_percent: float | None = None
    hold_seconds: float | None = None
    pain_ceiling: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Caution:
    """What to respect. `rule` is the safety rule or planner rule behind it."""

    message: str
    rule: str
    source: str
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step. `start_seconds` [s] counts from the start of the session; `pressure_level` is in [1, 5].

    `position` is the position the client is in; for a turn, the one turned to.
    """

    id: str
    phase: Phase
    position: str
    start_seconds: int
    duration_seconds: int
    instruction: str
    reasons: tuple[Reason, ...]
    muscle: str = ""
    side: Side | None = None
    region: str = ""
    motion: str = ""
    technique: str = ""
    pressure_level: int | None = None
    dose: StepDose | None = None
    pinned: bool = False
    cautions: tuple[Caution, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Omission:
    """Something that is not in the plan. `minutes_needed` [min] is set where time is what is missing."""

    kind: OmissionKind
    reasons: tuple[Reason, ...]
    message: str
    muscle: str = ""
    side: Side | None = None
    technique: str = ""
    minutes_needed: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Something the intake left open; `parameter` empty: the condition itself."""

    condition: str
    parameter: str
    question: str
    assumption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Referral:
    """Who else should see the client, and how soon."""

    condition: str
    urgency: Urgency
    message: str
    source: str
    rule: str
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A muscle that the findings point to. `score` is in [0, 1]; `to_confirm`: nobody has palpated it."""

    muscle: str
    side: Side
    score: float
    reasons: tuple[Reason, ...]
    to_confirm: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Aftercare:
    """What to tell the client."""

    text: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """What to do at the next visit. `suggested_interval_seconds` [s]; None: the knowledge base names none."""

    carry_over: tuple[Target, ...]
    suggested_interval_seconds: int | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimality:
    """How good the plan is: the benefit in thousandths, and a bound where one was computed."""

    objective: int
    upper_bound: int | None = None
    proven: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Demands that cannot hold together, and the smallest loosenings that were found to work; one sentence each."""

    demands: tuple[str, ...]
    loosenings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptStep:
    """A step of the plan that this one was made from: what a re-fit changes as little as possible.

    `task` names what is done (the step id), `level` the dose level; `duration_seconds` [s].
    """

    task: str
    level: str
    duration_seconds: int
    position: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanContent:
    """Everything a signature will bind: what was planned, from what, by which knowledge.

    Only `kept` is not signed: it is what the plan before did, from which an edited plan comes out again.

    `time_budget_seconds` = `planned_seconds` + `slack_seconds` [s].
    """

    assessment: str
    assessment_etag: str
    snapshot: Snapshot
    constraints: Constraints
    time_budget_seconds: int
    disposition: Disposition
    planned_seconds: int
    slack_seconds: int
    steps: tuple[Step, ...]
    omissions: tuple[Omission, ...]
    cautions: tuple[Caution, ...]
    questions: tuple[Question, ...]
    referrals: tuple[Referral, ...]
    candidates: tuple[Candidate, ...]
    aftercare: tuple[Aftercare, ...]
    follow_up: FollowUp | None
    optimality: Optimality
    knowledge_revision: str
    knowledge_reviewed: bool
    planner_version: str = PLANNER_VERSION
    conflicts: tuple[Conflict, ...] = field(default=(), metadata=ADDED_LATER)
    kept: tuple[KeptStep, ...] = field(default=(), metadata=NOT_SIGNED)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovedVersion:
    """The version that is in force: it never changes, whatever is edited beside it."""

    version: int
    revision: int
    content: PlanContent
    digest: str
    signatures: tuple[Signature, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A plan as it is kept. Times are microseconds since the epoch; `scheduled_micros` comes from the assessment.

    `state`, `content`, `digest` and `signatures` are those of the newest version. `approved` is the version in force,
    also while an amendment is written beside it; `hold`: it must not be used until it is re-attested or amended.
    `newest_version` is the highest version there ever was, if that is not `version`: an amendment was given up.
    `proposed` is the content as the planner first made it, to compare with; None: it is the content itself.
    """

    name: str
    uid: str
    version: int
    state: State
    content: PlanContent
    digest: str
    author: Person
    create_micros: int
    update_micros: int
    scheduled_micros: int | None = None
    hold: bool = False
    hold_reason: str = ""
    approved: ApprovedVersion | None = None
    proposed: PlanContent | None = None
    expected_cosigner: str = ""
    signatures: tuple[Signature, ...] = ()
    contributors: tuple[Contributor, ...] = ()
    addenda: tuple[Addendum, ...] = ()
    acknowledgements: tuple[Acknowledgement, ...] = ()
    change: VersionChange | None = None
    comments: tuple[Comment, ...] = ()
    newest_version: int = 0

    @property
    def next_version(self) -> int:
        """The number that the next version gets; none is ever given twice."""
        return max(self.version, self.newest_version) + 1

    @property
    def usable(self) -> ApprovedVersion | None:
        """What a treatment room may work from: the version in force, unless it is on hold."""
        return None if self.hold else self.approved
