"""What changed between two assessments of a client, and whether by more than measuring alone explains.

Of several tests of the same motion, side and mode the one recorded last counts; so it is with zones. A change that is
exactly as large as the measurement error is within it. What was not measured is not compared: absent is not zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from knowledge.model import Motion, PlanningNumber, Unit, Zone
from services.assessment.domain.findings import Findings, Mode, PainArea, RomTest, Side
from services.assessment.domain.interpretation import difference_of, error_between, shared_instrument

PAIN_THRESHOLD = "pain_change_threshold"
"""The planning number that says which change of pain counts as none; without it no change of pain is judged."""


class ChangeVerdict(StrEnum):
    """What a change is."""

    BEYOND_ERROR = "beyond_error"
    WITHIN_ERROR = "within_error"
    NOT_COMPARABLE = "not_comparable"


@dataclass(frozen=True, slots=True, kw_only=True)
class MotionChange:
    """One motion on one side, in the unit of the motion. What is None was not measured, or no source gives it."""

    motion: str
    side: Side
    mode: Mode
    verdict: ChangeVerdict
    message: str
    earlier_value: float | None = None
    later_value: float | None = None
    change: float | None = None
    measurement_error: float | None = None
    error_source: str = ""
    same_examiner: bool = False
    instrument: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PainChange:
    """The pain of one zone on one side, in points of [0, 10]. What is None was not marked, or no source gives it."""

    zone: str
    side: Side
    verdict: ChangeVerdict
    message: str
    earlier_intensity: float | None = None
    later_intensity: float | None = None
    change: float | None = None
    threshold: float | None = None
    threshold_source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Everything that can be compared, in the order in which it was recorded."""

    motions: tuple[MotionChange, ...]
    pain_areas: tuple[PainChange, ...]


def compare(
    earlier: Findings,
    later: Findings,
    motions: Mapping[str, Motion],
    zones: Mapping[str, Zone],
    planning: Mapping[str, PlanningNumber],
) -> Comparison:
    """Returns what changed from `earlier` to `later`."""
    tests, tests_later = _tests(earlier), _tests(later)
    areas, areas_later = _areas(earlier), _areas(later)
    threshold = planning.get(PAIN_THRESHOLD)
    return Comparison(
        motions=tuple(
            _motion_change(key, tests.get(key), tests_later.get(key), motions.get(key[0]))
            for key in {**tests, **tests_later}
        ),
        pain_areas=tuple(
            _pain_change(key, areas.get(key), areas_later.get(key), zones.get(key[0]), threshold)
            for key in {**areas, **areas_later}
        ),
    )


# --- motions ------------------------------------------------------------------------------------------------------


def _tests(findings: Findings) -> dict[tuple[str, Side, Mode], RomTest]:
    """Returns the test that counts of every motion, side and mode: the last with a value, else the last."""
    found: dict[tuple[str, Side, Mode], RomTest] = {}
    for test in findings.rom_tests:
        key = (test.motion, test.side, test.mode)
        if test.value is not None or key not in found or found[key].value is None:
            found[key] = test
    return found


def _motion_change(
    key: tuple[str, Side, Mode], earlier: RomTest | None, later: RomTest | None, motion: Motion | None
) -> MotionChange:
    name, side, mode = key
    before, after = earlier.value if earlier else None, later.value if later else None
    subject = _subject(motion.names[0] if motion else name, side, mode)
    if earlier is None or later is None or before is None or after is None:
        when = "the first time" if before is None else "the second time"
        when = "either time" if before is None and after is None else when
        return MotionChange(
            motion=name,
            side=side,
            mode=mode,
            verdict=ChangeVerdict.NOT_COMPARABLE,
            message=f"{subject}: not measured {when}.",
            earlier_value=before,
            later_value=after,
        )
    change = difference_of(after, before)
    # No source gives the error of a test against resistance.
    error = error_between(earlier, later, motion) if motion and mode is not Mode.RESISTED else None
    unit = _unit(motion)
    told = f"{subject}: from {before:g} to {after:g}{unit}, {_more_or_less(change, unit)}."
    by = "one examiner" if earlier.examiner == later.examiner else "two examiners"
    with_what = shared_instrument(earlier, later)
    how = f"{by}, {with_what or 'not the same instrument, or not stated'}"
    if error is None:
        verdict = ChangeVerdict.NOT_COMPARABLE
        meaning = f"No source says how much of that is measuring alone ({how})."
    elif abs(change) > error.value:
        verdict = ChangeVerdict.BEYOND_ERROR
        meaning = f"That is more than measuring alone explains ({error.value:g}{unit}; {how})."
    else:
        verdict = ChangeVerdict.WITHIN_ERROR
        meaning = f"Measuring alone can explain that ({error.value:g}{unit}; {how})."
    return MotionChange(
        motion=name,
        side=side,
        mode=mode,
        verdict=verdict,
        message=f"{told} {meaning}",
        earlier_value=before,
        later_value=after,
        change=change,
        measurement_error=error.value if error else None,
        error_source=error.source if error else "",
        same_examiner=earlier.examiner == later.examiner,
        instrument=with_what,
    )


def _subject(name: str, side: Side, mode: Mode) -> str:
    placed = name if side is Side.MIDLINE else f"{name}, {side.name}"
    return f"{placed[:1].upper()}{placed[1:]} ({mode.value})"


def _unit(motion: Motion | None) -> str:
    if motion is None:
        return ""
    return "°" if motion.unit is Unit.DEGREE else " mm"


def _more_or_less(change: float, unit: str) -> str:
    if change == 0:
        return "no change"
    return f"{abs(change):g}{unit} {'more' if change > 0 else 'less'}"


# --- pain ---------------------------------------------------------------------------------------------------------


def _areas(findings: Findings) -> dict[tuple[str, Side], PainArea]:
    return {(area.zone, area.side): area for area in findings.pain_areas}


def _pain_change(
    key: tuple[str, Side],
    earlier: PainArea | None,
    later: PainArea | None,
    zone: Zone | None,
    threshold: PlanningNumber | None,
) -> PainChange:
    name, side = key
    before, after = earlier.intensity if earlier else None, later.intensity if later else None
    placed = (zone.names[0] if zone else name) + ("" if side is Side.MIDLINE else f", {side.name}")
    subject = f"Pain, {placed}"
    if before is None or after is None:
        return PainChange(
            zone=name,
            side=side,
            verdict=ChangeVerdict.NOT_COMPARABLE,
            message=f"{subject}: {_as_told(earlier)} the first time, {_as_told(later)} the second time.",
            earlier_intensity=before,
            later_intensity=after,
        )
    change = difference_of(after, before)
    points = _more_or_less(change, " point" if abs(change) == 1 else " points")
    told = f"{subject}: from {before:g} to {after:g} of 10, {points}."
    if threshold is None:
        verdict, meaning = ChangeVerdict.NOT_COMPARABLE, "No source in use says which change counts."
    elif abs(change) > threshold.value:
        verdict, meaning = ChangeVerdict.BEYOND_ERROR, f"That is more than the {threshold.value:g} that count as none."
    else:
        verdict, meaning = ChangeVerdict.WITHIN_ERROR, f"Up to {threshold.value:g} count as no change."
    return PainChange(
        zone=name,
        side=side,
        verdict=verdict,
        message=f"{told} {meaning}",
        earlier_intensity=before,
        later_intensity=after,
        change=change,
        threshold=threshold.value if threshold else None,
        threshold_source=threshold.source if threshold else "",
    )


def _as_told(area: PainArea | None) -> str:
    if area is None:
        return "not marked"
    return "marked without a number" if area.intensity is None else f"{area.intensity:g} of 10"
