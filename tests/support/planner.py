"""Snapshots, plans and mirrors in a few words, over the real knowledge base and over a small one written out here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cache
from typing import Any, TypeVar

from hypothesis import strategies as st

from knowledge.load import load
from knowledge.model import Access, AccessPosition, Depth, Dose, KnowledgeBase, Region, Role
from knowledge.model import Phase as Phase_
from knowledge.model import Side as Relation
from services.planner.domain.constraints import Constraints, HandLoad, Target
from services.planner.domain.plan import Phase, PlanContent, Step
from services.planner.domain.sides import Side
from services.planner.domain.snapshot import (
    Answer,
    Classification,
    HealthFlag,
    LimitedBy,
    Mode,
    PainArea,
    Palpation,
    Parameter,
    Preferences,
    RomTest,
    Snapshot,
    Verdict,
)
from services.planner.graph.index import KnowledgeGraph, compile_graph
from services.planner.session.propose import PlanRequest, propose
from tests.support import literal_knowledge as lk

LEFT, RIGHT, MIDLINE = Side.LEFT, Side.RIGHT, Side.MIDLINE
TREATMENT = {Phase.RELEASE, Phase.LENGTHEN}
T = TypeVar("T")


@cache
def load_once() -> KnowledgeBase:
    """Returns the real knowledge base."""
    return load()


@cache
def real_graph() -> KnowledgeGraph:
    """Returns the real knowledge base, compiled."""
    return compile_graph(load_once())


def small_base(*extra: Any) -> KnowledgeBase:
    """Returns a knowledge base of three muscles: `shield` over `cord` in the neck, `wing` in the arm, a limb.

    `extra` adds to it, or replaces what has the same id. The planning numbers are the real ones.
    """
    base = lk.knowledge(*_small_things(), *extra)
    numbers = {one.id: replace(one, source="book") for one in load_once().planning.values()}
    return replace(base, planning=numbers, regions={one: base.regions[one] for one in ("neck", "arm")})


def small_graph(*extra: Any) -> KnowledgeGraph:
    """Returns the small knowledge base, compiled."""
    return compile_graph(small_base(*extra))


def _small_things() -> list[Any]:
    supine, prone, up = AccessPosition.SUPINE, AccessPosition.PRONE, AccessPosition.SIDE_LYING_TREATED_SIDE_UP
    muscles = [
        lk.muscle("shield", access=(_access(supine),), lies_in=("nape",), depth=Depth.SUPERFICIAL),
        lk.muscle("cord", access=(_access(supine), _access(prone, 0.8)), lies_in=("nape",), depth=Depth.DEEP),
        lk.muscle("wing", region="arm", access=(_access(prone), _access(up, 0.5)), lies_in=("upper_arm",)),
    ]
    deep = {"needs": ("strokes",), "doses": tuple(replace(one, tissue_load=2) for one in _doses(90, 150, 210))}
    techniques = [
        lk.technique("greeting", phase=Phase_.ARRIVAL, acts_on="region", family="check", doses=_doses(60, 120)),
        lk.technique("strokes", phase=Phase_.WARM_UP, acts_on="region", family="warm_up", doses=_doses(120, 180, 300)),
        lk.technique("feel", phase=Phase_.CONFIRM, family="check", doses=_doses(60)),
        lk.technique("press", **deep),
        lk.technique("glide", family="stripping", **deep),
        lk.technique(
            "stretch", phase=Phase_.LENGTHEN, family="stretch", needs=("press", "glide"), doses=_doses(60, 120)
        ),
        lk.technique("measure", phase=Phase_.RETEST, acts_on="joint", family="check", doses=_doses(60)),
        lk.technique("join", phase=Phase_.INTEGRATE, acts_on="region", family="closing", doses=_doses(60, 120)),
        lk.technique("rest", phase=Phase_.CLOSE, acts_on="region", family="closing", doses=_doses(60, 120)),
    ]
    positions = ("supine", "prone", "side_lying_left", "side_lying_right")
    return [
        Region(id="arm", names=("arm",)),
        *(lk.position(one) for one in positions),
        *(lk.position_change(one, other, 60) for place, one in enumerate(positions) for other in positions[:place]),
        lk.zone("nape"),
        lk.zone("temple", crosses_midline=False),
        lk.zone("upper_arm", region="arm", crosses_midline=False),
        lk.motion("neck_rotation"),
        *muscles,
        *techniques,
        *(
            lk.treated_by(technique, muscle, order=order)
            for muscle in ("shield", "cord", "wing")
            for order, technique in enumerate(("strokes", "feel", "press", "glide", "stretch"), start=1)
        ),
        lk.refers_to("shield", "temple"),
        lk.refers_to("cord", "nape", role=Role.SPILLOVER),
        lk.refers_to("wing", "upper_arm"),
        lk.limits_motion("neck_rotation", "cord", side=Relation.OPPOSITE),
        lk.overlies("shield", "cord"),
    ]


def _access(position: AccessPosition, quality: float = 0.9) -> Access:
    return replace(lk.ACCESS, position=position, quality=quality)


def _doses(*seconds: int) -> tuple[Dose, ...]:
    levels = ("short", "usual", "long") if len(seconds) > 1 else ("usual",)
    effects = (0.6, 0.85, 1.0) if len(seconds) > 1 else (1.0,)
    return tuple(lk.dose(level, one, effect) for level, one, effect in zip(levels, seconds, effects, strict=False))


# --- findings in a few words --------------------------------------------------------------------------------------


def pain(zone: str, side: Side = RIGHT, intensity: float | None = 6.0) -> PainArea:
    """Returns a painful zone."""
    return PainArea(id=f"pain-{zone}-{side}", zone=zone, side=side, intensity=intensity)


def active(muscle: str, side: Side = RIGHT, tenderness: float = 7.0) -> Palpation:
    """Returns an active trigger point."""
    return Palpation(
        id=f"palpation-{muscle}-{side}",
        muscle=muscle,
        side=side,
        classification=Classification.ACTIVE_TRIGGER_POINT,
        tenderness=tenderness,
        taut_band=True,
        spot_tenderness=True,
        referred_pain=True,
        reproduces_familiar_pain=True,
    )


def unremarkable(muscle: str, side: Side = RIGHT) -> Palpation:
    """Returns a palpation that found nothing."""
    return Palpation(
        id=f"palpation-{muscle}-{side}",
        muscle=muscle,
        side=side,
        classification=Classification.UNREMARKABLE,
        tenderness=0.0,
        taut_band=False,
        spot_tenderness=False,
        referred_pain=False,
        reproduces_familiar_pain=False,
    )


def reduced(motion: str, side: Side = RIGHT, **changes: Any) -> RomTest:
    """Returns a motion that was found reduced."""
    test = RomTest(
        id=f"rom-{motion}-{side}",
        motion=motion,
        side=side,
        mode=Mode.PASSIVE,
        value=50.0,
        verdict=Verdict.REDUCED,
        deficit=20.0,
        limited_by=LimitedBy.STRETCH,
    )
    return replace(test, **changes)


def flag(condition: str, answer: Answer = Answer.PRESENT, **changes: Any) -> HealthFlag:
    """Returns an answer to a health question."""
    return replace(HealthFlag(id=f"flag-{condition}", condition=condition, answer=answer), **changes)


def all_absent(base: KnowledgeBase) -> tuple[HealthFlag, ...]:
    """Returns a no to every question that every intake asks."""
    return tuple(flag(one.id, Answer.ABSENT) for one in base.conditions.values() if one.ask_always)


def plan(
    snapshot: Snapshot,
    minutes: float = 60,
    constraints: Constraints | None = None,
    graph: KnowledgeGraph | None = None,
) -> PlanContent:
    """Returns the plan of a snapshot."""
    request = PlanRequest(
        assessment="clients/ada/assessments/first",
        assessment_etag="1-0123456789abcdef",
        snapshot=snapshot,
        constraints=constraints or Constraints(),
        time_budget_seconds=round(60 * minutes),
    )
    return propose(request, graph or real_graph())


def treated(content: PlanContent) -> list[tuple[str, Side | None]]:
    """Returns the muscles that a plan releases or lengthens, in order, each once."""
    return list(dict.fromkeys((step.muscle, step.side) for step in content.steps if step.phase in TREATMENT))


def steps_of(content: PlanContent, phase: Phase) -> list[Step]:
    """Returns the steps of a phase."""
    return [step for step in content.steps if step.phase is phase]


NECK = Snapshot(
    pain_areas=(pain("back_of_head"), pain("temporal"), pain("back_of_neck")),
    palpations=(
        active("upper_trapezius"),
        active("levator_scapulae", tenderness=5.0),
        active("sternocleidomastoid_sternal_division", tenderness=6.0),
    ),
    rom_tests=(reduced("cervical_rotation", side=LEFT),),
)
"""A headache from the neck, palpated."""

HIP = Snapshot(
    pain_areas=(pain("buttock", LEFT), pain("posterior_thigh", LEFT)),
    palpations=(
        active("gluteus_minimus_posterior", LEFT, 8.0),
        active("piriformis", LEFT),
        active("quadratus_lumborum", LEFT),
    ),
    rom_tests=(reduced("hip_straight_leg_raise", LEFT),),
)
"""Pain down the leg from the buttock."""


# --- the other side -----------------------------------------------------------------------------------------------

# In ids every `left` is a side, but for symptoms that somebody has left; in sentences only these words are ("what was
# left out" is not).
_IN_IDS = re.compile(r"(?<![a-z])(?<!symptoms_)(left|right)(?![a-z])")
_IN_SENTENCES = re.compile(r"LEFT|RIGHT|(?<=on the )(?:left|right)")
_OTHER = {"left": "right", "right": "left", "LEFT": "RIGHT", "RIGHT": "LEFT"}


def mirrored(value: T) -> T:
    """Returns the same value with left and right exchanged: sides, positions, ids, and the words of sentences."""
    mirror: Any = _mirror(value)
    return mirror  # type: ignore[no-any-return]


def _mirror(value: Any) -> Any:
    if isinstance(value, Side):
        return value.other
    if isinstance(value, str) and type(value) is str:
        return _mirror_text(value)
    if isinstance(value, tuple):
        return tuple(_mirror(item) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{field.name: _mirror(getattr(value, field.name)) for field in fields(value)})
    return value


def _mirror_text(text: str) -> str:
    sides = _IN_SENTENCES if " " in text else _IN_IDS
    return sides.sub(lambda found: _OTHER[found[0]], text)


# --- any assessment -----------------------------------------------------------------------------------------------


def snapshots(base: KnowledgeBase, *, one_sided: bool = False) -> st.SearchStrategy[Snapshot]:
    """Returns assessments as they could be recorded, few findings or many, sensible or not."""
    sides = [RIGHT, LEFT]
    zones = [(zone.id, side) for zone in base.zones.values() for side in _zone_sides(zone.crosses_midline)]
    muscles = [
        (muscle.id, side) for muscle in base.muscles.values() for side in (sides if muscle.paired else [MIDLINE])
    ]
    motions = [(one.id, Side(side)) for one in base.motions.values() for side in one.sides]
    pains = st.lists(st.builds(_pain, st.sampled_from(zones), _score()), max_size=6, unique_by=lambda one: one.id)
    palpations = st.lists(
        st.builds(
            _palpation,
            st.sampled_from(muscles),
            st.sampled_from(Classification),
            _score(),
            st.none() | st.booleans(),
            st.none() | st.booleans(),
        ),
        max_size=10,
        unique_by=lambda one: one.id,
    )
    tests = st.lists(
        st.builds(
            _rom,
            st.sampled_from(motions),
            st.sampled_from(Mode),
            st.sampled_from(Verdict),
            st.sampled_from(LimitedBy),
            _score(),
            st.none() | st.integers(1, 60).map(float),
        ),
        max_size=5,
        unique_by=lambda one: one.id,
    )
    return st.builds(
        _snapshot,
        pains,
        palpations,
        tests,
        st.lists(flags(base), max_size=4, unique_by=lambda one: one.id),
        preferences(base),
    ).filter(lambda one: not one_sided or _names_a_side(one))


def _zone_sides(crosses_midline: bool) -> list[Side]:
    return [LEFT, RIGHT, MIDLINE] if crosses_midline else [LEFT, RIGHT]


def _names_a_side(snapshot: Snapshot) -> bool:
    sides = [area.side for area in snapshot.pain_areas]
    sides += [palpation.side for palpation in snapshot.palpations]
    sides += [test.side for test in snapshot.rom_tests]
    return any(side is not MIDLINE for side in sides)


def _score() -> st.SearchStrategy[float | None]:
    return st.none() | st.integers(0, 10).map(float)


def _pain(place: tuple[str, Side], intensity: float | None) -> PainArea:
    return pain(place[0], place[1], intensity)


def _palpation(
    spot: tuple[str, Side],
    classification: Classification,
    tenderness: float | None,
    band: bool | None,
    known: bool | None,
) -> Palpation:
    found = active(*spot) if classification is Classification.ACTIVE_TRIGGER_POINT else unremarkable(*spot)
    if classification in {Classification.ACTIVE_TRIGGER_POINT, Classification.UNREMARKABLE}:
        return found
    return Palpation(
        id=found.id,
        muscle=found.muscle,
        side=found.side,
        classification=classification,
        tenderness=tenderness,
        taut_band=band,
        reproduces_familiar_pain=known,
    )


def _rom(
    motion: tuple[str, Side],
    mode: Mode,
    verdict: Verdict,
    limited_by: LimitedBy,
    hurts: float | None,
    deficit: float | None,
) -> RomTest:
    return RomTest(
        id=f"rom-{motion[0]}-{motion[1]}",
        motion=motion[0],
        side=motion[1],
        mode=mode,
        value=40.0,
        pain=hurts,
        verdict=verdict,
        deficit=deficit,
        limited_by=limited_by,
    )


def _snapshot(
    pains: list[PainArea],
    palpations: list[Palpation],
    tests: list[RomTest],
    answers: list[HealthFlag],
    wishes: Preferences,
) -> Snapshot:
    return Snapshot(
        pain_areas=tuple(pains),
        palpations=tuple(palpations),
        rom_tests=tuple(tests),
        health_flags=tuple(answers),
        preferences=wishes,
    )


def flags(base: KnowledgeBase) -> st.SearchStrategy[HealthFlag]:
    """Returns answers to health questions, with and without places and details."""
    places = [("", None), *((zone, side) for zone in ("lumbar", "buttock", "back_of_neck") for side in (LEFT, None))]
    return st.builds(
        _flag,
        st.sampled_from(sorted(base.conditions.values(), key=lambda one: one.id)),
        st.sampled_from(Answer),
        st.sampled_from(places),
        st.integers(0, 60),
        st.booleans(),
    )


def _flag(condition: Any, answer: Answer, place: tuple[str, Side | None], number: int, detailed: bool) -> HealthFlag:
    parameters = tuple(_detail(parameter, number) for parameter in condition.parameters) if detailed else ()
    return HealthFlag(
        id=f"flag-{condition.id}-{place[0]}",
        condition=condition.id,
        answer=answer,
        zone=place[0],
        side=place[1],
        parameters=parameters,
    )


def _detail(parameter: Any, number: int) -> Parameter:
    if parameter.kind == "number":
        return Parameter(key=parameter.key, number=float(number))
    if parameter.kind == "text":
        return Parameter(key=parameter.key, text=parameter.choices[number % len(parameter.choices)])
    return Parameter(key=parameter.key, truth=bool(number % 2))


def preferences(base: KnowledgeBase) -> st.SearchStrategy[Preferences]:
    """Returns what clients may want."""
    return st.builds(
        Preferences,
        pressure_tolerance=st.none() | st.integers(1, 5),
        unavailable_positions=st.lists(st.sampled_from(sorted(base.positions)), max_size=3, unique=True).map(tuple),
        focus_zones=st.lists(st.sampled_from(sorted(base.zones)), max_size=2, unique=True).map(tuple),
        avoid_techniques=st.lists(st.sampled_from(sorted(base.techniques)), max_size=4, unique=True).map(tuple),
        regions_not_to_touch=st.lists(st.sampled_from(sorted(base.regions)), max_size=2, unique=True).map(tuple),
        intraoral_allowed=st.none() | st.booleans(),
    )


_ON_A_MUSCLE = {"confirm", "release", "lengthen", "integrate"}


def demands(base: KnowledgeBase) -> st.SearchStrategy[Constraints]:
    """Returns what people may demand."""
    uses: Mapping[str, list[str]] = {
        muscle: [
            use.technique
            for use in base.treated_by
            if use.muscle == muscle and base.techniques[use.technique].phase.value in _ON_A_MUSCLE
        ]
        for muscle in base.muscles
    }
    targets = st.sampled_from(sorted(base.muscles.values(), key=lambda one: one.id)).flatmap(
        lambda muscle: st.builds(
            Target,
            muscle=st.just(muscle.id),
            side=st.sampled_from([LEFT, RIGHT] if muscle.paired else [MIDLINE]),
            technique=st.sampled_from(["", *uses[muscle.id]]),
        )
    )
    some = st.lists(targets, max_size=2).map(tuple)
    return st.builds(
        Constraints,
        pinned=some,
        must_include=some,
        unavailable_positions=st.lists(st.sampled_from(sorted(base.positions)), max_size=2, unique=True).map(tuple),
        max_pressure=st.none() | st.integers(1, 5),
        hand_load_used_today=st.none() | st.builds(HandLoad, thumb=st.integers(0, 50), wrist=st.integers(0, 60)),
    )
