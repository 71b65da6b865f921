"""What a measured motion means: which norm, how far short, and the other side. Motions are small literals."""

from __future__ import annotations

from typing import Any

import pytest

from knowledge.model import Basis, Confidence, MeasurementError, Motion, Norm, NormKind, Status, Unit
from services.assessment.domain.findings import Interpretation, Measurement, Mode, NotTested, RomTest, Side, Verdict
from services.assessment.domain.interpretation import interpret, matching_norms, measurement_error, value_to_reach
from services.assessment.domain.profile import ClientProfile, Sex
from tests.support.assessment import knowledge

UNVERIFIED = Status.UNVERIFIED
NOBODY = ClientProfile()
WOMAN_OF_30 = ClientProfile(age_years=30, sex=Sex.FEMALE)
MAN_OF_30 = ClientProfile(age_years=30, sex=Sex.MALE)


def norm(value: float, kind: NormKind = NormKind.MEAN, **changes: Any) -> Norm:
    return Norm(**{"value": value, "kind": kind, "source": f"{kind}_{value:g}", "status": UNVERIFIED, **changes})


def error(value: float, examiners: str = "same", instrument: str = "") -> MeasurementError:
    return MeasurementError(value=value, source="s", status=UNVERIFIED, examiners=examiners, instrument=instrument)


def motion(*norms: Norm, errors: tuple[MeasurementError, ...] = (error(5),), **changes: Any) -> Motion:
    fields: dict[str, Any] = {
        "id": "turning",
        "names": ("turning",),
        "joint": "neck",
        "motion": "rotation",
        "unit": Unit.DEGREE,
        "sides": ("left", "right"),
        "side_means": "direction",
        "region": "head_and_neck",
        "limit_min": 0,
        "limit_max": 120,
        "limit_source": "s",
        "test_position": "seated",
        "normal_end_feel": "firm",
        "compare_sides": True,
        "norms": norms,
        "measurement_errors": errors,
        "source": "s",
        "basis": Basis.TEXTBOOK,
        "confidence": Confidence.MEDIUM,
        "status": UNVERIFIED,
    }
    return Motion(**{**fields, **changes})


def rom(value: float | None, side: Side = Side.RIGHT, mode: Mode = Mode.ACTIVE, **changes: Any) -> RomTest:
    return RomTest(
        **{
            "id": f"{side}-{mode}-{value}",
            "motion": "turning",
            "side": side,
            "mode": mode,
            "outcome": Measurement(value=value),
            "examiner": "tess",
            **changes,
        }
    )


def meaning(test: RomTest, of: Motion | None, *others: RomTest, profile: ClientProfile = WOMAN_OF_30) -> Interpretation:
    interpretation = interpret(test, (test, *others), of, profile)
    assert interpretation is not None
    return interpretation


# Short of it, at it, beyond it


@pytest.mark.parametrize(
    ("value", "deficit", "verdict"),
    [
        (95, -25, Verdict.WITHIN_NORM),
        (70, 0, Verdict.WITHIN_NORM),
        (69.9, 0.1, Verdict.WITHIN_ERROR),
        (65, 5, Verdict.WITHIN_ERROR),
        (64.9, 5.1, Verdict.REDUCED),
        (0, 70, Verdict.REDUCED),
    ],
)
def test_a_value_against_its_norm(value: float, deficit: float, verdict: Verdict) -> None:
    found = meaning(rom(value), motion(norm(70)))
    assert found == Interpretation(verdict=verdict, norm_value=70, norm_source="mean_70", deficit=deficit)


def test_a_motion_that_counts_below_zero() -> None:
    """An elbow that lacks ten degrees of straight."""
    assert meaning(rom(-10), motion(norm(1))).verdict is Verdict.REDUCED
    assert meaning(rom(-3), motion(norm(1))).verdict is Verdict.WITHIN_ERROR


@pytest.mark.parametrize(
    ("value", "verdict", "reached"),
    [
        (79, Verdict.WITHIN_ERROR, 80),
        (90, Verdict.WITHIN_NORM, 80),
        (95, Verdict.WITHIN_NORM, 80),
        (95.1, Verdict.EXCESSIVE, 90),
    ],
)
def test_only_a_textbook_range_has_an_upper_end(value: float, verdict: Verdict, reached: float) -> None:
    found = meaning(rom(value), motion(norm(80, NormKind.TEXTBOOK, value_max=90)))
    assert (found.verdict, found.norm_value) == (verdict, reached)
    assert found.deficit == pytest.approx(reached - value)


def test_the_spread_of_means_is_no_upper_end() -> None:
    assert meaning(rom(119), motion(norm(54, value_max=65))).verdict is Verdict.WITHIN_NORM


def test_the_highest_of_several_upper_ends_counts() -> None:
    lower = norm(70, NormKind.TEXTBOOK, value_max=80)
    higher = norm(75, NormKind.TEXTBOOK, value_max=100)
    assert meaning(rom(99), motion(lower, higher)).verdict is Verdict.WITHIN_NORM
    assert meaning(rom(106), motion(lower, higher)).norm_value == 100


# Which norm


def test_age_and_sex_go_before_age_before_sex_before_anybody() -> None:
    norms = [
        norm(80, age_min=20, age_max=44, sex="female"),
        norm(81, age_min=20, age_max=44),
        norm(82, sex="female"),
        norm(83),
    ]
    while norms:
        reach = value_to_reach(matching_norms(motion(*reversed(norms)), Mode.ACTIVE, WOMAN_OF_30))
        assert reach == norms.pop(0)


@pytest.mark.parametrize(
    ("profile", "value"),
    [
        (WOMAN_OF_30, 80),
        (MAN_OF_30, 85),
        (ClientProfile(age_years=30), 85),
        (ClientProfile(age_years=60, sex=Sex.FEMALE), 90),
        (ClientProfile(age_years=19, sex=Sex.FEMALE), 90),
        (ClientProfile(sex=Sex.FEMALE), 90),
        (NOBODY, 90),
    ],
)
def test_what_is_not_known_or_lies_outside_leaves_the_broader_norm(profile: ClientProfile, value: float) -> None:
    norms = motion(norm(80, age_min=20, age_max=44, sex="female"), norm(85, age_min=20, age_max=44), norm(90))
    assert meaning(rom(60), norms, profile=profile).norm_value == value


@pytest.mark.parametrize(("age", "matches"), [(19, False), (20, True), (44, True), (45, False)])
def test_bands_hold_at_both_ends(age: int, matches: bool) -> None:
    banded = motion(norm(80, age_min=20, age_max=44))
    found = meaning(rom(60), banded, profile=ClientProfile(age_years=age))
    assert (found.verdict is not Verdict.NO_NORM) == matches


def test_the_narrower_band_goes_first() -> None:
    wide, narrow = norm(70, age_min=1.5, age_max=54), norm(80, age_min=20, age_max=44)
    assert meaning(rom(60), motion(wide, narrow)).norm_value == 80


@pytest.mark.parametrize(("mode", "value"), [(Mode.ACTIVE, 70), (Mode.PASSIVE, 80), (Mode.RESISTED, None)], ids=str)
def test_the_mode_has_to_be_the_same_or_not_stated(mode: Mode, value: float | None) -> None:
    norms = motion(norm(70, mode="active"), norm(80, mode="passive"), norm(60, NormKind.TEXTBOOK))
    found = meaning(rom(40, mode=mode), norms)
    assert found.norm_value == value
    if value is None:
        assert found.verdict is Verdict.NO_NORM


def test_a_norm_of_another_mode_is_not_stretched() -> None:
    assert meaning(rom(40, mode=Mode.PASSIVE), motion(norm(70, mode="active"))).verdict is Verdict.NO_NORM


def test_a_threshold_below_the_mean_decides() -> None:
    """Half of all healthy people lie below a mean; a floor says where short begins."""
    norms = motion(norm(75), norm(65, NormKind.FLOOR), norm(60, NormKind.TEXTBOOK))
    found = meaning(rom(66), norms)
    assert (found.verdict, found.norm_value, found.norm_source) == (Verdict.WITHIN_NORM, 65, "floor_65")


def test_a_threshold_above_the_mean_does_not() -> None:
    """What an average person reaches is not short."""
    assert meaning(rom(167), motion(norm(167), norm(180, NormKind.MINIMUM))).verdict is Verdict.WITHIN_NORM


def test_a_threshold_goes_before_a_textbook_value() -> None:
    norms = motion(norm(45, NormKind.TEXTBOOK), norm(60, NormKind.FLOOR))
    assert meaning(rom(47), norms).verdict is Verdict.REDUCED


def test_thresholds_have_an_order() -> None:
    cut_off, minimum, floor = norm(30, NormKind.CUT_OFF), norm(40, NormKind.MINIMUM), norm(35, NormKind.FLOOR)
    assert value_to_reach([cut_off, minimum, floor]) == floor
    assert value_to_reach([cut_off, minimum]) == minimum
    assert value_to_reach([cut_off]) == cut_off


def test_a_mean_of_patients_is_never_a_norm() -> None:
    assert meaning(rom(20), motion(norm(50, NormKind.PATIENT_MEAN))).verdict is Verdict.NO_NORM


def test_of_equal_norms_the_lowest_counts() -> None:
    norms = motion(norm(80, NormKind.TEXTBOOK), norm(60, NormKind.TEXTBOOK))
    assert meaning(rom(62), norms).verdict is Verdict.WITHIN_NORM


def test_no_norm_is_an_answer() -> None:
    assert meaning(rom(40), motion()) == Interpretation(verdict=Verdict.NO_NORM)
    assert meaning(rom(40), None) == Interpretation(verdict=Verdict.NO_NORM)


def test_nothing_measured_means_nothing() -> None:
    assert interpret(rom(None), (), motion(norm(70)), NOBODY) is None
    assert interpret(rom(None, outcome=NotTested(reason="painful")), (), motion(norm(70)), NOBODY) is None


# Measurement error


def test_without_an_error_a_threshold_is_still_a_line_and_a_reference_is_not() -> None:
    assert meaning(rom(31), motion(norm(40, NormKind.MINIMUM), errors=())).verdict is Verdict.REDUCED
    assert meaning(rom(31), motion(norm(40), errors=())) == Interpretation(verdict=Verdict.NO_NORM)
    assert meaning(rom(40), motion(norm(40), errors=())).verdict is Verdict.WITHIN_NORM
    ranged = norm(40, NormKind.TEXTBOOK, value_max=60)
    assert meaning(rom(90), motion(ranged, errors=())).verdict is Verdict.WITHIN_NORM


def test_the_error_of_the_instrument_goes_first() -> None:
    errors = motion(errors=(error(10), error(4, instrument="Goniometer"), error(2, instrument="inclinometer")))
    assert measurement_error(errors, examiners="same", instrument="goniometer") == 4
    assert measurement_error(errors, examiners="same", instrument="eye") == 10
    assert measurement_error(errors, examiners="different", instrument="goniometer") is None


def test_of_several_errors_the_largest_counts() -> None:
    assert measurement_error(motion(errors=(error(4), error(9))), examiners="same", instrument="") == 9


# The other side


def test_the_lesser_side_is_reduced() -> None:
    left, right = rom(72, Side.LEFT), rom(62)
    lesser, greater = meaning(right, motion(norm(60)), left), meaning(left, motion(norm(60)), right)
    assert (lesser.verdict, lesser.side_difference, lesser.deficit) == (Verdict.REDUCED, -10, -2)
    assert (greater.verdict, greater.side_difference) == (Verdict.WITHIN_NORM, 10)


@pytest.mark.parametrize(("other", "verdict"), [(67, Verdict.WITHIN_NORM), (67.1, Verdict.REDUCED)])
def test_a_difference_within_the_error_is_noise(other: float, verdict: Verdict) -> None:
    assert meaning(rom(62), motion(norm(60)), rom(other, Side.LEFT)).verdict is verdict


def test_a_side_difference_needs_no_norm() -> None:
    found = meaning(rom(40), motion(), rom(60, Side.LEFT))
    assert found == Interpretation(verdict=Verdict.REDUCED, side_difference=-20)


def test_a_side_beyond_the_range_is_not_reduced() -> None:
    textbook = motion(norm(60, NormKind.TEXTBOOK, value_max=70))
    assert meaning(rom(80), textbook, rom(110, Side.LEFT)).verdict is Verdict.EXCESSIVE


def test_a_resisted_side_is_compared_and_not_judged() -> None:
    found = meaning(rom(40, mode=Mode.RESISTED), motion(norm(60)), rom(60, Side.LEFT, Mode.RESISTED))
    assert found == Interpretation(verdict=Verdict.NO_NORM, side_difference=-20)


@pytest.mark.parametrize(
    "other",
    [
        rom(90, Side.LEFT, Mode.PASSIVE),
        rom(90, Side.RIGHT),
        rom(90, Side.LEFT, motion="bending"),
        rom(None, Side.LEFT),
        rom(None, Side.LEFT, outcome=NotTested(reason="painful")),
    ],
    ids=["another mode", "the same side", "another motion", "no value", "not tested"],
)
def test_what_is_not_the_other_side(other: RomTest) -> None:
    assert meaning(rom(60), motion(norm(60)), other).side_difference is None


def test_the_last_of_several_counts() -> None:
    first, second = rom(90, Side.LEFT), rom(61, Side.LEFT)
    assert meaning(rom(60), motion(norm(60)), first, second).side_difference == -1


def test_sides_are_not_compared_where_the_motion_has_none() -> None:
    flexion = motion(norm(60), sides=("midline",), compare_sides=False)
    assert meaning(rom(60, Side.MIDLINE), flexion, rom(90, Side.LEFT)).side_difference is None


def test_two_examiners_need_an_error_of_their_own() -> None:
    left = rom(80, Side.LEFT, examiner="kim")
    assert meaning(rom(60), motion(norm(60)), left).verdict is Verdict.WITHIN_NORM
    assert meaning(rom(60), motion(norm(60)), left).side_difference == -20
    known = motion(norm(60), errors=(error(5), error(15, "different")))
    assert meaning(rom(60), known, left).verdict is Verdict.REDUCED
    assert meaning(rom(66), known, left).verdict is Verdict.WITHIN_NORM


def test_two_instruments_have_no_error_of_one() -> None:
    precise = motion(norm(60), errors=(error(12), error(2, instrument="inclinometer")))
    same = rom(70, Side.LEFT, instrument="inclinometer")
    other = rom(70, Side.LEFT, instrument="eye")
    assert meaning(rom(60, instrument="inclinometer"), precise, same).verdict is Verdict.REDUCED
    assert meaning(rom(60, instrument="inclinometer"), precise, other).verdict is Verdict.WITHIN_NORM


def test_numbers_carry_no_binary_noise() -> None:
    found = meaning(rom(48.3), motion(norm(48.8)), rom(48.9, Side.LEFT))
    assert (found.deficit, found.side_difference) == (0.5, -0.6)


# With the real norms


def real(motion_id: str, value: float, side: Side, mode: Mode = Mode.ACTIVE, **profile: Any) -> Interpretation:
    found = interpret(rom(value, side, mode), (), knowledge().motions[motion_id], ClientProfile(**profile))
    assert found is not None
    return found


def test_a_stiff_neck() -> None:
    found = real("cervical_rotation", 45, Side.RIGHT, age_years=41, sex=Sex.FEMALE)
    assert found.verdict is Verdict.REDUCED
    assert found.norm_source in knowledge().sources


def test_a_jaw_that_opens_31_millimetres() -> None:
    assert real("temporomandibular_opening", 31, Side.MIDLINE, age_years=30).verdict is Verdict.REDUCED


def test_every_motion_has_an_answer_for_everybody() -> None:
    for each in knowledge().motions.values():
        for mode in Mode:
            for age in (None, 0, 7, 30, 66, 120):
                for sex in (None, *Sex):
                    for value in (each.limit_min, each.limit_max):
                        found = real(each.id, value, Side(each.sides[0]), mode, age_years=age, sex=sex)
                        assert (found.norm_value is None) == (found.norm_source == "") == (found.deficit is None)
                        assert (found.verdict is Verdict.NO_NORM) == (found.norm_value is None)
                        assert found.norm_source in {"", *knowledge().sources}
