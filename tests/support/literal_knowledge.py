"""Small knowledge bases written out in a test: each function gives one thing, its fields to be changed by name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

from knowledge.kinds import KINDS, NodeKind
from knowledge.model import (
    Access,
    AccessPosition,
    Basis,
    Condition,
    Confidence,
    Cuts,
    Depth,
    Dose,
    EndangermentSite,
    Entraps,
    FunctionalUnit,
    Handling,
    HandLoad,
    HandTechnique,
    KnowledgeBase,
    LimitsMotion,
    Mechanism,
    Mimic,
    Motion,
    Muscle,
    MuscleGroup,
    Norm,
    NormKind,
    Overlies,
    Parameter,
    Phase,
    PlanningNumber,
    Position,
    PositionChange,
    Range,
    RefersTo,
    Region,
    Role,
    SafetyRule,
    SatelliteOf,
    Scope,
    Source,
    Status,
    Technique,
    Tier,
    TreatedBy,
    Unit,
    UnitMember,
    Urgency,
    Zone,
)

EVIDENCE: dict[str, Any] = {
    "source": "book",
    "basis": Basis.TEXTBOOK,
    "confidence": Confidence.MEDIUM,
    "status": Status.UNVERIFIED,
}
ACCESS = Access(
    position=AccessPosition.SUPINE, hand=HandTechnique.FLAT, limb="arm at rest", setup_seconds=0, quality=0.9
)
GLOVED = replace(ACCESS, hand=HandTechnique.GLOVED)
ONCE = Range(min=1, usual=1, max=1)
T = TypeVar("T")


def knowledge(*things: Any) -> KnowledgeBase:
    """Returns a base of these things, the source `book` and the region `neck`."""
    collections: dict[str, Any] = {}
    for thing in (source("book"), Region(id="neck", names=("neck",)), *things):
        kind = next(kind for kind in KINDS.values() if kind.type is type(thing))
        if isinstance(kind, NodeKind):
            collections.setdefault(kind.field, {})[thing.id] = thing
        else:
            collections[kind.field] = (*collections.get(kind.field, ()), thing)
    return KnowledgeBase(revision="literal", **collections)


def _changed(thing: T, changes: dict[str, Any]) -> T:
    return replace(thing, **changes)  # type: ignore[type-var]


def source(identifier: str, **changes: Any) -> Source:
    return _changed(Source(id=identifier, citation="A book.", licence="facts only", status=Status.UNVERIFIED), changes)


def muscle(identifier: str, **changes: Any) -> Muscle:
    whole = Muscle(
        **EVIDENCE,
        id=identifier,
        names=(identifier.replace("_", " "),),
        region="neck",
        depth=Depth.SUPERFICIAL,
        paired=True,
        tier=Tier.MUST,
        handling=Handling.NORMAL,
        palpability=0.9,
        access=(ACCESS,),
        nerve="accessory",
        segments="C3",
        actions=("lifts the shoulder",),
        sites=(),
        lies_in=(),
    )
    return _changed(whole, changes)


def group(identifier: str, *members: str) -> MuscleGroup:
    return MuscleGroup(**EVIDENCE, id=identifier, names=(identifier,), members=members)


def zone(identifier: str, **changes: Any) -> Zone:
    whole = Zone(
        **EVIDENCE,
        id=identifier,
        names=(identifier.replace("_", " "),),
        region="neck",
        aspect="posterior",
        crosses_midline=True,
    )
    return _changed(whole, changes)


def motion(identifier: str, **changes: Any) -> Motion:
    joint, _, what = identifier.partition("_")
    whole = Motion(
        **EVIDENCE,
        id=identifier,
        names=(identifier.replace("_", " "),),
        joint=joint,
        motion=what,
        unit=Unit.DEGREE,
        sides=("left", "right"),
        side_means="limb",
        region="neck",
        limit_min=0,
        limit_max=180,
        limit_source="book",
        test_position="Seated.",
        normal_end_feel="firm",
        compare_sides=True,
    )
    return _changed(whole, changes)


def midline_motion(identifier: str, **changes: Any) -> Motion:
    return motion(identifier, **{"sides": ("midline",), "side_means": "direction", "compare_sides": False, **changes})


def norm(value: float, **changes: Any) -> Norm:
    return _changed(Norm(value=value, kind=NormKind.MEAN, source="book", status=Status.UNVERIFIED), changes)


def position(identifier: str) -> Position:
    return Position(**EVIDENCE, id=identifier, names=(identifier,), bolsters="a pillow")


def position_change(one: str, other: str, seconds: int) -> PositionChange:
    return PositionChange(**EVIDENCE, between=(one, other), seconds=seconds)


def dose(level: str, seconds: int, effect: float, tissue_load: int = 0) -> Dose:
    return Dose(level=level, seconds=seconds, effect=effect, tissue_load=tissue_load)


def technique(identifier: str, **changes: Any) -> Technique:
    whole = Technique(
        **EVIDENCE,
        id=identifier,
        names=(identifier.replace("_", " "),),
        family="pressure_release",
        phase=Phase.RELEASE,
        acts_on="belly",
        doses=(dose("usual", 90, 0.8),),
        pressure=Range(min=2, usual=3, max=4),
        pain_ceiling=5,
        hand_load=HandLoad(thumb=1, wrist=0, elbow=0, tool=0),
        evidence_grade="B",
        instruction="Press and wait.",
        feel_for="A softening.",
        stop_when="It hurts too much.",
    )
    return _changed(whole, changes)


def parameter(key: str, kind: str, **changes: Any) -> Parameter:
    return _changed(Parameter(key=key, kind=kind, question="How is it?"), changes)


def condition(identifier: str, *parameters: Parameter, **changes: Any) -> Condition:
    whole = Condition(
        **EVIDENCE,
        id=identifier,
        names=(identifier.replace("_", " "),),
        kind="disease",
        question="Do you have it?",
        parameters=parameters,
    )
    return _changed(whole, changes)


def rule(identifier: str, *conditions: str, **changes: Any) -> SafetyRule:
    whole = SafetyRule(**EVIDENCE, id=identifier, conditions=conditions, scope=Scope.MODIFY, message="Work lightly.")
    return _changed(whole, changes)


def cuts(**fields: Any) -> Cuts:
    return Cuts(**fields)


def site(identifier: str, zone_: str, *muscles: str, **changes: Any) -> EndangermentSite:
    whole = EndangermentSite(
        **EVIDENCE,
        id=identifier,
        names=(identifier,),
        zone=zone_,
        structures=("an artery",),
        rule="Keep off the pulse.",
        muscles=muscles,
    )
    return _changed(whole, changes)


def mimic(identifier: str, urgency: Urgency, *zones: str) -> Mimic:
    return Mimic(
        **EVIDENCE, id=identifier, names=(identifier,), zones=zones, warning="It comes at rest.", urgency=urgency
    )


def unit(identifier: str, motion_: str, **roles: str) -> FunctionalUnit:
    members = tuple(UnitMember(muscle=muscle_, role=role) for muscle_, role in roles.items())
    return FunctionalUnit(**EVIDENCE, id=identifier, names=(identifier,), motion=motion_, members=members)


def number(identifier: str, value: float, **changes: Any) -> PlanningNumber:
    return _changed(PlanningNumber(**EVIDENCE, id=identifier, meaning="A share.", unit="share", value=value), changes)


def refers_to(muscle_: str, zone_: str, **changes: Any) -> RefersTo:
    return _changed(RefersTo(**EVIDENCE, muscle=muscle_, zone=zone_, role=Role.PRIMARY), changes)


def limits_motion(motion_: str, muscle_: str, **changes: Any) -> LimitsMotion:
    whole = LimitsMotion(**EVIDENCE, motion=motion_, muscle=muscle_, mechanism=Mechanism.SHORTENED)
    return _changed(whole, changes)


def satellite_of(muscle_: str, key: str, **changes: Any) -> SatelliteOf:
    return _changed(SatelliteOf(**EVIDENCE, muscle=muscle_, key=key, mechanism="referral_zone"), changes)


def treated_by(technique_: str, muscle_: str, **changes: Any) -> TreatedBy:
    return _changed(TreatedBy(**EVIDENCE, technique=technique_, muscle=muscle_, order=1), changes)


def overlies(muscle_: str, deeper: str) -> Overlies:
    return Overlies(**EVIDENCE, muscle=muscle_, deeper=deeper)


def entraps(muscle_: str, nerve: str, *zones: str) -> Entraps:
    return Entraps(**EVIDENCE, muscle=muscle_, nerve=nerve, zones=zones)
