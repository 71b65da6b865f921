"""What changed between two assessments, against the measurement error. Motions are small literals."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from knowledge.model import Basis, Confidence, MeasurementError, Motion, PlanningNumber, Status, Unit
from services.assessment.domain.comparison import (
    PAIN_THRESHOLD,
    ChangeVerdict,
    Comparison,
    MotionChange,
    PainChange,
    compare,
)
from services.assessment.domain.findings import Findings, Measurement, Mode, NotTested, PainArea, RomTest, Side

BEYOND, WITHIN, NOT = ChangeVerdict.BEYOND_ERROR, ChangeVerdict.WITHIN_ERROR, ChangeVerdict.NOT_COMPARABLE


def error(value: float, examiners: str = "same", instrument: str = "") -> MeasurementError:
    return MeasurementError(
        value=value, source=f"s{value:g}", status=Status.UNVERIFIED, examiners=examiners, instrument=instrument
    )


def motion(*errors: MeasurementError, unit: Unit = Unit.DEGREE) -> Motion:
    return Motion(
        id="turning",
        names=("turning",),
        joint="neck",
        motion="rotation",
        unit=unit,
        sides=("left", "right"),
        side_means="direction",
        region="head_and_neck",
        limit_min=0,
        limit_max=120,
        limit_source="s",
        test_position="seated",
        normal_end_feel="firm",
        compare_sides=True,
        measurement_errors=errors,
        source="s",
        basis=Basis.TEXTBOOK,
        confidence=Confidence.MEDIUM,
        status=Status.UNVERIFIED,
    )


def rom(value: float | None, **changes: Any) -> RomTest:
    test = RomTest(
        id=f"rom-{value}",
        motion="turning",
        side=Side.LEFT,
        mode=Mode.ACTIVE,
        outcome=Measurement(value=value),
        instrument="goniometer",
        examiner="tess",
    )
    return replace(test, **changes)


def threshold(value: float) -> PlanningNumber:
    return PlanningNumber(
        id=PAIN_THRESHOLD,
        meaning="m",
        unit="points",
        value=value,
        source="clinic",
        basis=Basis.EXPERT,
        confidence=Confidence.LOW,
        status=Status.UNVERIFIED,
    )


def compared(
    earlier: Findings, later: Findings, *errors: MeasurementError, pain_threshold: float | None = None
) -> Comparison:
    planning = {} if pain_threshold is None else {PAIN_THRESHOLD: threshold(pain_threshold)}
    return compare(earlier, later, {"turning": motion(*errors)}, {}, planning)


def turned(before: RomTest, after: RomTest, *errors: MeasurementError) -> MotionChange:
    found = compared(Findings(rom_tests=(before,)), Findings(rom_tests=(after,)), *errors)
    (change,) = found.motions
    return change


@pytest.mark.parametrize(
    ("after", "verdict", "change"),
    [
        (56.0, WITHIN, 6),  # exactly the error
        (56.5, BEYOND, 6.5),
        (44.0, WITHIN, -6),
        (43.9, BEYOND, -6.1),
        (50.0, WITHIN, 0),
        (0.0, BEYOND, -50),  # zero is a measurement
    ],
)
def test_a_change_counts_only_beyond_the_error(after: float, verdict: ChangeVerdict, change: float) -> None:
    found = turned(rom(50.0), rom(after), error(6))
    assert (found.verdict, found.change, found.measurement_error, found.error_source) == (verdict, change, 6, "s6")
    # The control: without the error the same change is not judged at all.
    assert turned(rom(50.0), rom(after)).verdict is NOT


def test_the_noise_of_binary_fractions_makes_no_difference() -> None:
    assert turned(rom(0.1), rom(0.3), error(0.2)).verdict is WITHIN


def test_two_examiners_need_the_error_between_examiners() -> None:
    other = rom(60.0, examiner="kim")
    assert turned(rom(50.0), other, error(6)).verdict is NOT
    found = turned(rom(50.0), other, error(6), error(12, "different"))
    assert (found.verdict, found.measurement_error, found.same_examiner) == (WITHIN, 12, False)
    assert turned(rom(50.0), rom(60.0), error(6), error(12, "different")).same_examiner


@pytest.mark.parametrize("instrument", ["inclinometer", ""], ids=["another", "not stated"])
def test_two_instruments_need_an_error_of_any_instrument(instrument: str) -> None:
    other = rom(60.0, instrument=instrument)
    assert turned(rom(50.0), other, error(6, instrument="goniometer")).verdict is NOT
    found = turned(rom(50.0), other, error(6, instrument="goniometer"), error(9))
    assert (found.measurement_error, found.instrument) == (9, "")
    same = turned(rom(50.0), rom(60.0, instrument="Goniometer"), error(6, instrument="goniometer"), error(9))
    assert (same.measurement_error, same.instrument) == (6, "goniometer")


def test_what_was_not_measured_is_not_compared() -> None:
    for before, after, words in (
        (rom(None), rom(60.0), "the first time"),
        (rom(50.0), rom(60.0, outcome=NotTested(reason="painful")), "the second time"),
        (rom(None), rom(None), "either time"),
    ):
        found = turned(before, after, error(6))
        assert (found.verdict, found.change, found.earlier_value) == (NOT, None, before.value)
        assert words in found.message
    (only,) = compared(Findings(), Findings(rom_tests=(rom(60.0),)), error(6)).motions
    assert (only.verdict, only.later_value) == (NOT, 60)


def test_sides_and_modes_are_kept_apart_and_resistance_is_not_judged() -> None:
    earlier = Findings(rom_tests=(rom(50.0), rom(70.0, side=Side.RIGHT), rom(30.0, mode=Mode.RESISTED)))
    later = Findings(
        rom_tests=(rom(70.0, side=Side.RIGHT), rom(60.0, mode=Mode.PASSIVE), rom(50.0, mode=Mode.RESISTED))
    )
    found = compared(earlier, later, error(6)).motions
    assert [(one.side, one.mode, one.verdict) for one in found] == [
        (Side.LEFT, Mode.ACTIVE, NOT),
        (Side.RIGHT, Mode.ACTIVE, WITHIN),
        (Side.LEFT, Mode.RESISTED, NOT),
        (Side.LEFT, Mode.PASSIVE, NOT),
    ]
    assert found[2].change == 20, "the difference is given, whatever it means"


def test_the_last_test_with_a_value_counts() -> None:
    again = Findings(rom_tests=(rom(50.0), rom(55.0), rom(None, outcome=NotTested(reason="time"))))
    (found,) = compared(again, Findings(rom_tests=(rom(60.0),)), error(6)).motions
    assert found.earlier_value == 55


def test_a_motion_that_the_knowledge_no_longer_has_is_not_judged() -> None:
    tests = Findings(rom_tests=(rom(50.0),)), Findings(rom_tests=(rom(60.0),))
    (found,) = compare(*tests, {}, {}, {}).motions
    assert (found.verdict, found.change) == (NOT, 10)


def test_the_sentences() -> None:
    assert turned(rom(50.0), rom(62.0), error(6)).message == (
        "Turning, LEFT (active): from 50 to 62°, 12° more. "
        "That is more than measuring alone explains (6°; one examiner, goniometer)."
    )
    assert "no change" in turned(rom(50.0), rom(50.0), error(6)).message


# Pain


def pain(intensity: float | None, zone: str = "temple", side: Side = Side.RIGHT) -> PainArea:
    return PainArea(id=f"pain-{zone}-{side}", zone=zone, side=side, intensity=intensity)


def hurt(before: PainArea | None, after: PainArea | None, pain_threshold: float | None = None) -> PainChange:
    found = compared(
        Findings(pain_areas=(before,) if before else ()),
        Findings(pain_areas=(after,) if after else ()),
        pain_threshold=pain_threshold,
    )
    (change,) = found.pain_areas
    return change


def test_pain_is_judged_only_by_a_number_of_the_knowledge() -> None:
    assert (hurt(pain(6), pain(4)).verdict, hurt(pain(6), pain(4)).change) == (NOT, -2)
    assert hurt(pain(6), pain(4), 2).verdict is WITHIN
    beyond = hurt(pain(6), pain(3.5), 2)
    assert (beyond.verdict, beyond.threshold, beyond.threshold_source) == (BEYOND, 2, "clinic")


def test_pain_that_is_not_marked_is_not_zero() -> None:
    gone = hurt(pain(6), None, 2)
    assert (gone.verdict, gone.change, gone.later_intensity) == (NOT, None, None)
    assert gone.message == "Pain, temple, RIGHT: 6 of 10 the first time, not marked the second time."
    assert hurt(pain(None), pain(0), 2).later_intensity == 0
    assert hurt(pain(6), pain(0), 2).verdict is BEYOND
