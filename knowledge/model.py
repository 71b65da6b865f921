"""Frozen types of the knowledge base.

Knowledge is side-neutral: LEFT and RIGHT live on findings and plan steps, never here.
A structure says whether it is `paired`; an edge that crosses the body says `side: opposite` or `both`.

Every fact carries `Evidence`. `reviewed_by` stays empty until a named clinician has reviewed the fact,
and every surface of Myoplan says so while it is empty.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Fact:
    """Base of everything that is read from a file: a field that the type does not know is an error."""

    __slots__ = ()
    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by the loader's schema, never changed


class Basis(StrEnum):
    """What kind of source a fact rests on."""

    TEXTBOOK = "textbook"
    TRIAL = "trial"
    CASE = "case"
    EXPERT = "expert"
    DERIVED = "derived"


class Confidence(StrEnum):
    """How far the editors trust a fact; the planner turns the word into a weight given in `planning.yaml`."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Status(StrEnum):
    """Whether a page of the source was read (`verified`) or the fact was named from it unseen (`unverified`)."""

    VERIFIED = "verified"
    UNVERIFIED = "unverified"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence(Fact):
    """Where a fact comes from. `source` is an id of `sources.yaml`."""

    source: str
    basis: Basis
    confidence: Confidence
    status: Status
    reviewed_by: tuple[str, ...] = ()


# --- vocabulary ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Source(Fact):
    """A citation, written once. `licence` says what may be taken from it (`facts only` when it is copyright)."""

    id: str
    citation: str
    licence: str
    status: Status
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Region(Fact):
    """One of the eight body regions that muscles, zones and load caps share."""

    id: str
    names: tuple[str, ...]


class Depth(StrEnum):
    """Layer of a muscle, seen from the skin."""

    SUPERFICIAL = "superficial"
    INTERMEDIATE = "intermediate"
    DEEP = "deep"


class Tier(StrEnum):
    """`must`: a planner is not credible without it; `should`: complete atlas; `refer`: no hands-on work by default."""

    MUST = "must"
    SHOULD = "should"
    REFER = "refer"


class Handling(StrEnum):
    """What a hand on this muscle has to respect."""

    NORMAL = "normal"
    INTRAORAL = "intraoral"
    NEAR_ENDANGERMENT = "near_endangerment"
    REFER_ONLY = "refer_only"


class AccessPosition(StrEnum):
    """How the client lies for a muscle, named from the treated side so that it needs no left and right."""

    SUPINE = "supine"
    PRONE = "prone"
    SIDE_LYING_TREATED_SIDE_UP = "side_lying_treated_side_up"
    SIDE_LYING_TREATED_SIDE_DOWN = "side_lying_treated_side_down"
    SEATED = "seated"


class HandTechnique(StrEnum):
    """How the muscle is grasped."""

    FLAT = "flat"
    PINCER = "pincer"
    GLOVED = "gloved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access(Fact):
    """One way to reach a muscle. `quality` is in [0, 1]; `setup_seconds` [s] is the time to place limb and bolster."""

    position: AccessPosition
    hand: HandTechnique
    limb: str
    setup_seconds: int
    quality: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerPointSite(Fact):
    """A place inside the muscle where trigger points are usually looked for."""

    id: str
    label: str
    tissue: str  # belly | attachment


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifiers(Fact):
    """Ids of open anatomy vocabularies; `group` = the id names the whole muscle or group, not this part."""

    match: str  # exact | group
    uberon: str = ""
    fma: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Muscle(Evidence):
    """A muscle, or the part of one that has its own pain pattern.

    `palpability` is in [0, 1]. `lies_in` are the zones under whose skin the muscle lies: what a local
    contraindication in a zone cuts. `parent` is the muscle group that this muscle is a part of.
    """

    id: str
    names: tuple[str, ...]
    region: str
    depth: Depth
    paired: bool
    tier: Tier
    handling: Handling
    palpability: float
    access: tuple[Access, ...]
    nerve: str
    segments: str
    actions: tuple[str, ...]
    sites: tuple[TriggerPointSite, ...]
    lies_in: tuple[str, ...]
    parent: str = ""
    chapter: str = ""
    identifiers: Identifiers | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MuscleGroup(Evidence):
    """A word that people type for several muscles (hamstrings, rotator cuff), or the whole of which they are parts.

    It leads to its members and is never itself a finding or a step of a plan.
    """

    id: str
    names: tuple[str, ...]
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone(Evidence):
    """An area a client shades on the pain map. `crosses_midline` zones also take MIDLINE for their centre."""

    id: str
    names: tuple[str, ...]
    region: str
    aspect: str
    crosses_midline: bool
    serious_mimics: bool = False
    parent: str = ""


class Unit(StrEnum):
    """Unit of a motion."""

    DEGREE = "degree"
    MILLIMETRE = "millimetre"


class NormKind(StrEnum):
    """What a reference value is.

    `mean` of a population, `patient_mean`, a `textbook` value, the `minimum` of normal, a project `floor`,
    or a `cut_off` below which the value is a finding.
    """

    MEAN = "mean"
    PATIENT_MEAN = "patient_mean"
    TEXTBOOK = "textbook"
    MINIMUM = "minimum"
    FLOOR = "floor"
    CUT_OFF = "cut_off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Norm(Fact):
    """A reference value of a motion, in the unit of the motion. Absent sex, age or mode means: not stated."""

    value: float
    kind: NormKind
    source: str
    status: Status
    value_max: float | None = None
    sd: float | None = None
    mode: str = ""  # active | passive
    sex: str = ""  # female | male
    age_min: float | None = None
    age_max: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasurementError(Fact):
    """Smallest change that is not noise, in the unit of the motion.

    `instrument` empty = any instrument. `examiners` is `same` or `different`.
    """

    value: float
    source: str
    status: Status
    examiners: str
    instrument: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion(Evidence):
    """A joint motion that is measured.

    `sides`: `left`/`right` or `midline`. `side_means`: `limb` (the limb measured) or `direction` (of the movement).
    `limit_min`..`limit_max`: a value outside cannot be a measurement of this motion and is refused.
    `tested_in` are the positions in which it is measured (empty: in any); `moved_in` are those in which the joint is
    free to go to the end of the motion, so that a muscle can be lengthened by it, named from the treated side.
    """

    id: str
    names: tuple[str, ...]
    joint: str
    motion: str
    unit: Unit
    sides: tuple[str, ...]
    side_means: str
    region: str
    limit_min: float
    limit_max: float
    limit_source: str
    test_position: str
    normal_end_feel: str
    compare_sides: bool
    tested_in: tuple[str, ...] = ()
    moved_in: tuple[AccessPosition, ...] = ()
    norms: tuple[Norm, ...] = ()
    measurement_errors: tuple[MeasurementError, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position(Evidence):
    """A body position of the client on the table."""

    id: str
    names: tuple[str, ...]
    bolsters: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionChange(Evidence):
    """Time to turn a client from one position to another [s]; the table is a metric and symmetric."""

    between: tuple[str, str]
    seconds: int


# --- techniques ---------------------------------------------------------------------------------------------------


class Phase(StrEnum):
    """Phase of a session, in the order of a session."""

    ARRIVAL = "arrival"
    WARM_UP = "warm_up"
    CONFIRM = "confirm"
    RELEASE = "release"
    LENGTHEN = "lengthen"
    RETEST = "retest"
    INTEGRATE = "integrate"
    CLOSE = "close"


@dataclass(frozen=True, slots=True, kw_only=True)
class Range(Fact):
    """A closed range with its usual value."""

    min: float
    usual: float
    max: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HandLoad(Fact):
    """Load on the therapist's own hand per use, 0 (none) to 3 (heavy)."""

    thumb: int
    wrist: int
    elbow: int
    tool: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dose(Fact):
    """One dose level of a technique on one muscle (or one region, for warm-up and closing work).

    `seconds` [s] is hands-on time and a multiple of 30; `effect` in (0, 1] is the share of the technique's usual
    benefit; `tissue_load` >= 0 is how much deep work the region must digest.
    """

    level: str  # short | usual | long | extended
    seconds: int
    effect: float
    tissue_load: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Technique(Evidence):
    """What hands can do.

    `pressure` is a level on Walton's scale 1 (light lotioning) to 5 (deep). `pain_ceiling` [0, 10] is the most
    discomfort the client should report. `acts_on`: `belly`, `attachment`, `fascia`, `joint` or `region`.
    `needs`: techniques of which at least one has to come first (on the muscle's region or on the muscle itself).
    """

    id: str
    names: tuple[str, ...]
    family: str
    phase: Phase
    acts_on: str
    doses: tuple[Dose, ...]
    pressure: Range
    pain_ceiling: int
    hand_load: HandLoad
    evidence_grade: str  # A trial on this use | B trial on related use | C textbook or expert only
    instruction: str
    feel_for: str
    stop_when: str
    aftercare: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    seconds: Range | None = None
    repetitions: Range | None = None
    contraction_percent: Range | None = None
    hold_seconds: Range | None = None
    pregnancy_ok: bool = True
    consent: str = ""


# --- links --------------------------------------------------------------------------------------------------------


class Role(StrEnum):
    """Whether a muscle usually refers to a zone, or sometimes."""

    PRIMARY = "primary"
    SPILLOVER = "spillover"


class Side(StrEnum):
    """Side of the far end of an edge, seen from the near end."""

    SAME = "same"
    OPPOSITE = "opposite"
    BOTH = "both"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefersTo(Evidence):
    """Trigger points of `muscle` refer pain to `zone`."""

    muscle: str
    zone: str
    role: Role
    side: Side = Side.SAME
    qualities: tuple[str, ...] = ("ache",)


class Mechanism(StrEnum):
    """Why a muscle limits a motion."""

    SHORTENED = "shortened"
    PAINFUL_CONTRACTION = "painful_contraction"
    INHIBITED = "inhibited"


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsMotion(Evidence):
    """`muscle` limits `motion`; `side` is the muscle's side seen from the side of the motion (midline: `both`).

    `lengthened_in`: where this motion lengthens this muscle, if not wherever the joint is free (`moved_in`).
    """

    muscle: str
    motion: str
    mechanism: Mechanism
    side: Side = Side.SAME
    test_variant: str = ""
    lengthened_in: tuple[AccessPosition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SatelliteOf(Evidence):
    """Trigger points of `muscle` (satellite) are kept alive by those of `key`: treat the key first."""

    muscle: str
    key: str
    mechanism: str  # referral_zone | synergist | antagonist | nerve
    side: Side = Side.SAME


@dataclass(frozen=True, slots=True, kw_only=True)
class TreatedBy(Evidence):
    """`technique` is used on `muscle`; lower `order` comes first and is preferred."""

    muscle: str
    technique: str
    order: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlies(Evidence):
    """`muscle` lies over `deeper`: superficial before deep."""

    muscle: str
    deeper: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitMember(Fact):
    """A member of a functional unit; `role` is `agonist`, `synergist`, `antagonist` or `stabiliser`."""

    muscle: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionalUnit(Evidence):
    """Muscles that are examined together because they share the load of one movement."""

    id: str
    names: tuple[str, ...]
    motion: str
    members: tuple[UnitMember, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entraps(Evidence):
    """`muscle` can compress `nerve`, felt in `zones`."""

    muscle: str
    nerve: str
    zones: tuple[str, ...]


# --- safety -------------------------------------------------------------------------------------------------------


class Scope(StrEnum):
    """What a safety rule does. Strictest first: refer, absolute, local, modify."""

    REFER = "refer"
    ABSOLUTE = "absolute"
    LOCAL = "local"
    MODIFY = "modify"


class Urgency(StrEnum):
    """How soon another professional should see the client."""

    EMERGENCY = "emergency"
    SAME_DAY = "same_day"
    SOON = "soon"
    ROUTINE = "routine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter(Fact):
    """A detail that a condition depends on. `kind`: `number` (with `unit`), `text` (one of `choices`) or `truth`."""

    key: str
    kind: str
    question: str
    unit: str = ""
    min: float | None = None
    max: float | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition(Evidence):
    """Something in the client's health that can change a plan: disease, injury, sign, medication, device, state.

    `ask_always`: part of every intake; an assessment that never asked it gets an unanswered question and a caution.
    `takes_zone`: the flag should say where (a skin lesion, a fracture).
    `present_below_age` [years]: a younger client has it, answered or not; details that nobody asked become questions.
    """

    id: str
    names: tuple[str, ...]
    kind: str  # disease | injury | sign | medication | device | pregnancy | skin | surgery | mental
    question: str
    ask_always: bool = False
    takes_zone: bool = False
    parameters: tuple[Parameter, ...] = ()
    present_below_age: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class When(Fact):
    """A test on one parameter of the flag. An unknown parameter makes the test true: assume the stricter."""

    parameter: str
    at_least: float | None = None
    below: float | None = None
    is_one_of: tuple[str, ...] = ()
    is_true: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cuts(Fact):
    """What a LOCAL or MODIFY rule takes away.

    `flagged_zone`: every muscle that lies in the zone and side named by the flag (both sides if the side is missing).
    `max_pressure` caps the pressure level [1, 5] wherever the rest of the plan goes. `sensitised`: touch hurts this
    client sooner, so the plan allows no more discomfort than the planning number for that.
    """

    muscles: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    flagged_zone: bool = False
    techniques: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    positions: tuple[str, ...] = ()
    max_pressure: int | None = None
    max_minutes: int | None = None
    sensitised: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyRule(Evidence):
    """Fires when at least `at_least` of `conditions` are PRESENT or UNKNOWN and every `when` holds.

    With `refer_and_treat` a REFER rule sends the client on but leaves the plan standing (TREAT_WITH_CAUTION).
    `only_in` limits the effect of `cuts` on techniques, families and pressure to these regions (empty: everywhere).
    """

    id: str
    conditions: tuple[str, ...]
    scope: Scope
    message: str
    at_least: int = 1
    when: tuple[When, ...] = ()
    urgency: Urgency | None = None
    refer_and_treat: bool = False
    cuts: Cuts | None = None
    only_in: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EndangermentSite(Evidence):
    """A place where structures under the skin can be hurt; `rule` is what the hand does about it."""

    id: str
    names: tuple[str, ...]
    zone: str
    structures: tuple[str, ...]
    rule: str
    muscles: tuple[str, ...]
    max_pressure: int | None = None
    no_techniques: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mimic(Evidence):
    """A condition or organ whose pain looks like muscle pain in `zones`; `warning` says what would give it away.

    `sex` (`female` or `male`) and the ages [years] say whom it can concern; empty: everybody.
    """

    id: str
    names: tuple[str, ...]
    zones: tuple[str, ...]
    warning: str
    urgency: Urgency
    sex: str = ""
    age_min: float | None = None
    age_max: float | None = None


# --- advice -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PerpetuatingFactor(Evidence):
    """Something in daily life that keeps trigger points alive, and the advice for it."""

    id: str
    names: tuple[str, ...]
    kind: str
    muscles: tuple[str, ...]
    advice: str
    refer_hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice(Evidence):
    """Aftercare or home care. `muscles` empty = for everybody."""

    id: str
    kind: str  # aftercare | home_care | self_stretch | follow_up
    text: str
    muscles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint(Evidence):
    """What a client calls it, mapped to zones, muscles to check and cautions."""

    id: str
    names: tuple[str, ...]
    zones: tuple[str, ...]
    muscles: tuple[str, ...]
    cautions: tuple[str, ...]


# --- planning numbers ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanningNumber(Evidence):
    """One number or table the planner uses (a weight, a share, a limit), with its meaning and unit."""

    id: str
    meaning: str
    unit: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class KnowledgeBase:
    """Everything, by id. `revision` is the hash of the canonical content."""

    revision: str
    sources: dict[str, Source] = field(default_factory=dict)
    regions: dict[str, Region] = field(default_factory=dict)
    muscles: dict[str, Muscle] = field(default_factory=dict)
    muscle_groups: dict[str, MuscleGroup] = field(default_factory=dict)
    zones: dict[str, Zone] = field(default_factory=dict)
    motions: dict[str, Motion] = field(default_factory=dict)
    positions: dict[str, Position] = field(default_factory=dict)
    position_changes: tuple[PositionChange, ...] = ()
    techniques: dict[str, Technique] = field(default_factory=dict)
    conditions: dict[str, Condition] = field(default_factory=dict)
    rules: dict[str, SafetyRule] = field(default_factory=dict)
    endangerment_sites: dict[str, EndangermentSite] = field(default_factory=dict)
    mimics: dict[str, Mimic] = field(default_factory=dict)
    refers_to: tuple[RefersTo, ...] = ()
    limits_motion: tuple[LimitsMotion, ...] = ()
    satellite_of: tuple[SatelliteOf, ...] = ()
    treated_by: tuple[TreatedBy, ...] = ()
    overlies: tuple[Overlies, ...] = ()
    functional_units: dict[str, FunctionalUnit] = field(default_factory=dict)
    entraps: tuple[Entraps, ...] = ()
    factors: dict[str, PerpetuatingFactor] = field(default_factory=dict)
    advice: dict[str, Advice] = field(default_factory=dict)
    complaints: dict[str, Complaint] = field(default_factory=dict)
    planning: dict[str, PlanningNumber] = field(default_factory=dict)
