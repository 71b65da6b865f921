"""What a measured motion means, against the norms of the knowledge base, the other side and the measurement error.

**Which norm.** A norm counts if its mode, sex and age hold for the test; what a norm leaves out holds for everybody. An
age or sex that is not known, or lies outside a band, leaves only the norms without one: nothing is guessed.
Resisted tests have no norm. Kinds are used for what they are:

- `mean` of a population and `textbook` are references: about half of all healthy people lie below a mean.
- `floor`, `minimum` and `cut_off` are thresholds: lines that their source draws at the lower end of normal.
- `patient_mean` describes people who came for treatment and is never used.

The value to reach is the mean or the threshold, whichever is lower, so that nothing is called short that an accepted
norm calls normal; where there is neither, the textbook value. Of thresholds a floor goes before a minimum, a minimum
before a cut-off. Of several norms of a kind the one for age and sex goes first, then age, then sex, then the narrower
band, then the one for the mode; then the lowest.

**Short of it.** By no more than the measurement error: WITHIN_ERROR; by more: REDUCED. Where no source gives an error,
a threshold is still a line, and short of it is REDUCED; short of a reference cannot be judged: NO_NORM.

**Beyond it.** EXCESSIVE needs an upper end, and only a textbook range has one: beyond the highest of them by more than
the error. The answer then names that end.

**The other side.** The same motion and mode on the other side, the one recorded last if there are several. A side that
has less than the other by more than the error is REDUCED, whatever the norm says (unless it is EXCESSIVE). Between two
examiners the error for different examiners is needed; without it the difference is given and not judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf

from knowledge.model import MeasurementError, Motion, Norm, NormKind
from services.assessment.domain.findings import Interpretation, Mode, RomTest, Verdict
from services.assessment.domain.profile import ClientProfile

THRESHOLDS = (NormKind.FLOOR, NormKind.MINIMUM, NormKind.CUT_OFF)
_DECIMALS = 3  # differences of decimal numbers, without the noise of binary ones


def interpret(
    test: RomTest, tests: Iterable[RomTest], motion: Motion | None, profile: ClientProfile
) -> Interpretation | None:
    """Returns what the value of `test` means among all `tests` of the assessment; None if nothing was measured.

    `motion` is None for one that the knowledge base no longer has: then there is no norm.
    """
    if test.value is None:
        return None
    if motion is None:
        return Interpretation(verdict=Verdict.NO_NORM)
    against_norm = _against_norm(test.value, test, motion, profile)
    other = _other_side(test, tests) if motion.compare_sides else None
    if other is None or other.value is None:
        return against_norm
    difference = difference_of(test.value, other.value)
    verdict = against_norm.verdict
    if verdict is not Verdict.EXCESSIVE and test.mode is not Mode.RESISTED:
        error = error_between(test, other, motion)
        if error is not None and -difference > error.value:
            verdict = Verdict.REDUCED
    return Interpretation(
        verdict=verdict,
        norm_value=against_norm.norm_value,
        norm_source=against_norm.norm_source,
        deficit=against_norm.deficit,
        side_difference=difference,
    )


def _against_norm(value: float, test: RomTest, motion: Motion, profile: ClientProfile) -> Interpretation:
    norms = () if test.mode is Mode.RESISTED else matching_norms(motion, test.mode, profile)
    error = measurement_error(motion, examiners="same", instrument=test.instrument)
    upper = _upper_end(norms)
    if upper is not None and upper.value_max is not None and error is not None:
        deficit = difference_of(upper.value_max, value)
        if -deficit > error:
            return _judged(Verdict.EXCESSIVE, upper.value_max, upper.source, deficit)
    norm = value_to_reach(norms)
    if norm is None:
        return Interpretation(verdict=Verdict.NO_NORM)
    deficit = difference_of(norm.value, value)
    if deficit <= 0:
        return _judged(Verdict.WITHIN_NORM, norm.value, norm.source, deficit)
    if error is None and norm.kind not in THRESHOLDS:
        return Interpretation(verdict=Verdict.NO_NORM)
    verdict = Verdict.WITHIN_ERROR if error is not None and deficit <= error else Verdict.REDUCED
    return _judged(verdict, norm.value, norm.source, deficit)


def _judged(verdict: Verdict, norm_value: float, norm_source: str, deficit: float) -> Interpretation:
    return Interpretation(verdict=verdict, norm_value=norm_value, norm_source=norm_source, deficit=deficit)


def matching_norms(motion: Motion, mode: Mode, profile: ClientProfile) -> tuple[Norm, ...]:
    """Returns the norms whose mode, sex and age hold."""
    return tuple(
        norm
        for norm in motion.norms
        if norm.mode in {"", mode} and norm.sex in {"", profile.sex} and _holds_at(norm, profile.age_years)
    )


def _holds_at(norm: Norm, age_years: int | None) -> bool:
    if norm.age_min is None and norm.age_max is None:
        return True
    if age_years is None:
        return False
    return (norm.age_min is None or norm.age_min <= age_years) and (norm.age_max is None or age_years <= norm.age_max)


def value_to_reach(norms: Sequence[Norm]) -> Norm | None:
    """Returns the norm whose value a motion should reach: see the top of this file."""
    mean = _best(norms, NormKind.MEAN)
    threshold = next((norm for kind in THRESHOLDS if (norm := _best(norms, kind))), None)
    if mean and threshold:
        return min(mean, threshold, key=lambda norm: norm.value)
    return mean or threshold or _best(norms, NormKind.TEXTBOOK)


def _upper_end(norms: Sequence[Norm]) -> Norm | None:
    ranges = [norm for norm in norms if norm.kind is NormKind.TEXTBOOK and norm.value_max is not None]
    return max(ranges, key=lambda norm: (norm.value_max or -inf, norm.source), default=None)


def _best(norms: Sequence[Norm], kind: NormKind) -> Norm | None:
    return min((norm for norm in norms if norm.kind is kind), key=_order, default=None)


def _order(norm: Norm) -> tuple[bool, bool, float, bool, float, str]:
    """Sorts the closest norm first."""
    any_age = norm.age_min is None and norm.age_max is None
    youngest = 0.0 if norm.age_min is None else norm.age_min
    band = inf if norm.age_max is None else norm.age_max - youngest
    return any_age, not norm.sex, band, not norm.mode, norm.value, norm.source


def measurement_error(motion: Motion, *, examiners: str, instrument: str) -> float | None:
    """Returns the measurement error in the unit of the motion; None if no source gives one.

    `examiners` is `same` or `different`. An error of the instrument goes before one of any; of several the largest.
    """
    found = _sourced_error(motion, examiners, instrument)
    return None if found is None else found.value


def error_between(one: RomTest, other: RomTest, motion: Motion) -> MeasurementError | None:
    """Returns the measurement error between two tests of a motion; None if no source gives one.

    Tests with two instruments, or with an instrument that is not stated, need an error that holds for any instrument.
    """
    examiners = "same" if one.examiner == other.examiner else "different"
    return _sourced_error(motion, examiners, shared_instrument(one, other))


def shared_instrument(one: RomTest, other: RomTest) -> str:
    """Returns the instrument of both tests; empty: two different ones, or not stated."""
    return one.instrument if one.instrument.casefold() == other.instrument.casefold() else ""


def _sourced_error(motion: Motion, examiners: str, instrument: str) -> MeasurementError | None:
    errors = [error for error in motion.measurement_errors if error.examiners == examiners]
    word = instrument.casefold()
    of_instrument = [error for error in errors if error.instrument and error.instrument.casefold() == word]
    found = of_instrument or [error for error in errors if not error.instrument]
    return max(found, key=lambda error: (error.value, error.source), default=None)


def _other_side(test: RomTest, tests: Iterable[RomTest]) -> RomTest | None:
    """Returns the last test of the same motion and mode on the other side that has a value."""
    others = [
        other
        for other in tests
        if other.motion == test.motion
        and other.mode is test.mode
        and other.side is test.side.opposite
        and other.value is not None
    ]
    return others[-1] if others else None


def difference_of(one: float, other: float) -> float:
    """Returns `one` less `other`, without the noise of binary fractions."""
    return round(one - other, _DECIMALS) + 0.0
