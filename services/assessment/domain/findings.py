"""What was found: one frozen value for each kind of finding. An absent number was not measured; zero was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Side(StrEnum):
    """Where on the body, as the client's own sides."""

    LEFT = "left"
    RIGHT = "right"
    MIDLINE = "midline"

    @property
    def opposite(self) -> Side | None:
        """The other side; the midline has none."""
        return {Side.LEFT: Side.RIGHT, Side.RIGHT: Side.LEFT}.get(self)


class Classification(StrEnum):
    """What palpation signs amount to."""

    ACTIVE_TRIGGER_POINT = "active_trigger_point"
    LATENT_TRIGGER_POINT = "latent_trigger_point"
    TENDER = "tender"
    TAUT = "taut"
    UNREMARKABLE = "unremarkable"
    INCOMPLETE = "incomplete"


class Mode(StrEnum):
    """How a joint was moved."""

    ACTIVE = "active"
    PASSIVE = "passive"
    RESISTED = "resisted"


class LimitedBy(StrEnum):
    """What ended a motion."""

    STRETCH = "stretch"
    CONTRACTION = "contraction"
    PAIN = "pain"
    END_RANGE = "end_range"


class Verdict(StrEnum):
    """What a measured value means."""

    WITHIN_NORM = "within_norm"
    REDUCED = "reduced"
    EXCESSIVE = "excessive"
    WITHIN_ERROR = "within_error"
    NO_NORM = "no_norm"


class Answer(StrEnum):
    """The answer to a health question. A condition without a flag was never asked."""

    PRESENT = "present"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class PainArea:
    """A shaded zone of the pain map. `intensity` is in [0, 10], `onset_days` in [0, 36500]."""

    id: str
    zone: str
    side: Side
    intensity: float | None = None
    qualities: tuple[str, ...] = ()
    onset_days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferredZone:
    """A zone that a palpated muscle referred to."""

    zone: str
    side: Side


@dataclass(frozen=True, slots=True, kw_only=True)
class PalpationFinding:
    """The palpation of one muscle on one side. A sign that is None was not looked for or not asked.

    `tenderness` is in [0, 10], `pressure_pain_threshold_kpa` in (0, 2000] kilopascal. `classification` is derived.
    """

    id: str
    muscle: str
    side: Side
    site: str = ""
    taut_band: bool | None = None
    spot_tenderness: bool | None = None
    tenderness: float | None = None
    local_twitch: bool | None = None
    referred_pain: bool | None = None
    referred_to: tuple[ReferredZone, ...] = ()
    reproduces_familiar_pain: bool | None = None
    pressure_pain_threshold_kpa: float | None = None
    tone: str = ""
    note: str = ""
    classification: Classification = Classification.INCOMPLETE


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A measured motion. `value` is in the unit of the motion, `pain` in [0, 10]."""

    value: float | None = None
    pain: float | None = None
    end_feel: str = ""
    limited_by: LimitedBy | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotTested:
    """Why a motion was not measured."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpretation:
    """What a value means. All numbers are in the unit of the motion.

    `deficit` is what the value lacks to the reference, negative beyond it; `side_difference` is this side minus the
    other.
    """

    verdict: Verdict
    norm_value: float | None = None
    norm_source: str = ""
    deficit: float | None = None
    side_difference: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RomTest:
    """One range-of-motion test. `interpretation` is derived; None where nothing was measured."""

    id: str
    motion: str
    side: Side
    mode: Mode
    outcome: Measurement | NotTested
    instrument: str = ""
    examiner: str = ""
    interpretation: Interpretation | None = None

    @property
    def value(self) -> float | None:
        """The measured value in the unit of the motion."""
        return self.outcome.value if isinstance(self.outcome, Measurement) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PostureObservation:
    """Something seen in posture; without a zone it concerns the whole body."""

    id: str
    observation: str
    zone: str = ""
    side: Side | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A detail that a condition depends on: a number in its unit, one of its choices, or yes and no."""

    key: str
    value: float | str | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthFlag:
    """The answer to one health question. A place without a side means both sides."""

    id: str
    condition: str
    answer: Answer
    zone: str = ""
    side: Side | None = None
    onset_days: int | None = None
    parameters: tuple[Parameter, ...] = ()
    note: str = ""


Finding = PainArea | PalpationFinding | RomTest | PostureObservation | HealthFlag


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """All findings of an assessment, or those of one request; ids are unique over all kinds."""

    pain_areas: tuple[PainArea, ...] = ()
    palpation_findings: tuple[PalpationFinding, ...] = ()
    rom_tests: tuple[RomTest, ...] = ()
    posture_observations: tuple[PostureObservation, ...] = ()
    health_flags: tuple[HealthFlag, ...] = ()

    def kinds(self) -> Iterator[tuple[str, tuple[Finding, ...]]]:
        """Yields every kind by its name, with its findings."""
        yield "pain_areas", self.pain_areas
        yield "palpation_findings", self.palpation_findings
        yield "rom_tests", self.rom_tests
        yield "posture_observations", self.posture_observations
        yield "health_flags", self.health_flags

    def ids(self) -> tuple[str, ...]:
        """The ids of all findings."""
        return tuple(finding.id for _, findings in self.kinds() for finding in findings)
