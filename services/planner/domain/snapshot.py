"""What the planner reads from an assessment: enough to plan again, nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from services.planner.domain.sides import Side


class Answer(StrEnum):
    """Answers to a health question. A condition without a flag was never asked."""

    PRESENT = "present"
    ABSENT = "absent"
    UNKNOWN = "unknown"


class Classification(StrEnum):
    """What the signs of a palpation amount to, by the 2018 Delphi criteria; derived by the assessment service."""

    ACTIVE_TRIGGER_POINT = "active_trigger_point"
    LATENT_TRIGGER_POINT = "latent_trigger_point"
    TENDER = "tender"
    TAUT = "taut"
    UNREMARKABLE = "unremarkable"
    INCOMPLETE = "incomplete"


class Verdict(StrEnum):
    """What a measured motion means; derived by the assessment service. Empty: nothing was derived."""

    WITHIN_NORM = "within_norm"
    REDUCED = "reduced"
    EXCESSIVE = "excessive"
    WITHIN_ERROR = "within_error"
    NO_NORM = "no_norm"
    NOT_DERIVED = ""


class Mode(StrEnum):
    """How a joint was moved."""

    ACTIVE = "active"
    PASSIVE = "passive"
    RESISTED = "resisted"


class LimitedBy(StrEnum):
    """What ended a motion. Empty: not stated."""

    STRETCH = "stretch"
    CONTRACTION = "contraction"
    PAIN = "pain"
    END_RANGE = "end_range"
    NOT_STATED = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PainArea:
    """One shaded zone. `intensity` is in [0, 10]."""

    id: str
    zone: str
    side: Side
    intensity: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Palpation:
    """What the hands found in one muscle. `tenderness` is in [0, 10]; None: not looked for."""

    id: str
    muscle: str
    side: Side
    classification: Classification
    tenderness: float | None = None
    taut_band: bool | None = None
    spot_tenderness: bool | None = None
    referred_pain: bool | None = None
    reproduces_familiar_pain: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RomTest:
    """One measured motion. `value`, `deficit`, `side_difference` in the unit of the motion; `pain` in [0, 10]."""

    id: str
    motion: str
    side: Side
    mode: Mode
    value: float | None = None
    pain: float | None = None
    verdict: Verdict = Verdict.NOT_DERIVED
    deficit: float | None = None
    side_difference: float | None = None
    limited_by: LimitedBy = LimitedBy.NOT_STATED


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One detail of a health flag: exactly one of the three values is set."""

    key: str
    number: float | None = None
    text: str | None = None
    truth: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthFlag:
    """The answer to one health question, with its place and details where it has them."""

    id: str
    condition: str
    answer: Answer
    zone: str = ""
    side: Side | None = None
    onset_days: int | None = None
    parameters: tuple[Parameter, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What the client wants and allows. `pressure_tolerance` is in [1, 5]; `intraoral_allowed` None: not asked."""

    pressure_tolerance: int | None = None
    unavailable_positions: tuple[str, ...] = ()
    focus_zones: tuple[str, ...] = ()
    avoid_techniques: tuple[str, ...] = ()
    regions_not_to_touch: tuple[str, ...] = ()
    intraoral_allowed: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The findings of one assessment revision, in the order in which they were recorded."""

    age_years: int | None = None
    sex: str = ""
    pain_areas: tuple[PainArea, ...] = ()
    palpations: tuple[Palpation, ...] = ()
    rom_tests: tuple[RomTest, ...] = ()
    health_flags: tuple[HealthFlag, ...] = ()
    preferences: Preferences = Preferences()
