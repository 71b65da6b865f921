"""How an assessment changes: states; findings added, replaced and taken back; and what is derived each time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.assessment.domain import assessment as changes
from services.assessment.domain import limits
from services.assessment.domain.assessment import Assessment, Person, State
from services.assessment.domain.errors import FindingsMissing, LimitReached, RequestInvalid, StateForbids
from services.assessment.domain.findings import (
    Answer,
    Classification,
    Findings,
    HealthFlag,
    Measurement,
    Mode,
    PainArea,
    PalpationFinding,
    PostureObservation,
    RomTest,
    Side,
    Verdict,
)
from services.assessment.domain.profile import ClientProfile, Consents, Intake, SessionPreferences, Sex
from tests.support.assessment import BEGIN, CLIENT, NAME, knowledge

EMPTY = Assessment(name=NAME, uid="u", author=Person(id="tess", display_name="Tess"), create_time=BEGIN)
HEEL = PainArea(id="heel", zone="heel", side=Side.LEFT, intensity=3)
NECK = PainArea(id="neck", zone="back_of_neck", side=Side.MIDLINE)
SEEN = PostureObservation(id="seen", observation="forward head")

CHANGES: dict[str, Callable[[Assessment], Assessment]] = {
    "update": lambda assessment: changes.update(assessment, Intake(complaint="x"), ("complaint",)),
    "record": lambda assessment: changes.record(assessment, Findings(pain_areas=(HEEL,))),
    "retract": lambda assessment: changes.retract(assessment, ("heel",)),
    "complete": lambda assessment: changes.complete(assessment, BEGIN),
    "void": changes.void,
    "amend": changes.amend,
}
BECOMES = {
    ("update", State.OPEN): State.OPEN,
    ("record", State.OPEN): State.OPEN,
    ("retract", State.OPEN): State.OPEN,
    ("complete", State.OPEN): State.COMPLETED,
    ("void", State.OPEN): State.VOIDED,
    ("void", State.COMPLETED): State.VOIDED,
    ("amend", State.COMPLETED): State.OPEN,
}


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("change", list(CHANGES))
def test_states(change: str, state: State) -> None:
    before = replace(EMPTY, state=state, findings=Findings(pain_areas=(HEEL,)))
    if (change, state) in BECOMES:
        assert CHANGES[change](before).state is BECOMES[change, state]
    else:
        with pytest.raises(StateForbids) as caught:
            CHANGES[change](before)
        assert (caught.value.name, caught.value.state) == (NAME, state)
        assert state not in caught.value.needed.split(" or ")


def test_completing_again_moves_the_time_and_amending_keeps_it() -> None:
    later = BEGIN + timedelta(days=1)
    amended = changes.amend(changes.complete(EMPTY, BEGIN))
    assert amended.complete_time == BEGIN
    assert changes.complete(amended, later).complete_time == later


def test_findings_are_added_behind_and_replaced_in_place() -> None:
    recorded = changes.record(EMPTY, Findings(pain_areas=(HEEL, NECK)))
    stronger = replace(HEEL, intensity=8)
    again = changes.record(recorded, Findings(pain_areas=(stronger,), posture_observations=(SEEN,)))
    assert again.findings == Findings(pain_areas=(stronger, NECK), posture_observations=(SEEN,))


def test_replacing_a_finding_keeps_nothing_of_the_old_one() -> None:
    recorded = changes.record(EMPTY, Findings(pain_areas=(HEEL,)))
    bare = PainArea(id="heel", zone="heel", side=Side.LEFT)
    assert changes.record(recorded, Findings(pain_areas=(bare,))).findings.pain_areas == (bare,)


def test_an_id_belongs_to_one_kind() -> None:
    recorded = changes.record(EMPTY, Findings(pain_areas=(HEEL,)))
    with pytest.raises(RequestInvalid) as caught:
        changes.record(recorded, Findings(posture_observations=(SEEN, replace(SEEN, id="heel"))))
    (problem,) = caught.value.problems
    assert problem.field == "posture_observations[1].id"
    assert "pain_areas" in problem.problem


@pytest.mark.parametrize("kind", list(limits.FINDINGS))
def test_an_assessment_holds_so_many_findings(kind: str) -> None:
    most = limits.FINDINGS[kind]
    flag = HealthFlag(id="x", condition="anticoagulant", answer=Answer.ABSENT)
    palpation = PalpationFinding(id="x", muscle="upper_trapezius", side=Side.LEFT)
    rom = RomTest(id="x", motion="m", side=Side.LEFT, mode=Mode.ACTIVE, outcome=Measurement(value=1))
    one: Any = {
        "pain_areas": HEEL,
        "posture_observations": SEEN,
        "health_flags": flag,
        "palpation_findings": palpation,
        "rom_tests": rom,
    }[kind]

    def holding(*ids: str) -> Findings:
        findings: Any = {kind: tuple(replace(one, id=identifier) for identifier in ids)}
        return Findings(**findings)

    full = replace(EMPTY, findings=holding(*(f"f{number}" for number in range(most))))
    assert changes.record(full, holding("f0")) == full
    with pytest.raises(LimitReached) as caught:
        changes.record(full, holding("more"))
    assert (caught.value.limit, caught.value.most) == (kind, most)


def test_retracting_takes_findings_of_any_kind() -> None:
    recorded = changes.record(EMPTY, Findings(pain_areas=(HEEL, NECK), posture_observations=(SEEN,)))
    assert changes.retract(recorded, ("seen", "heel")).findings == Findings(pain_areas=(NECK,))


def test_retracting_what_is_not_there_changes_nothing() -> None:
    recorded = changes.record(EMPTY, Findings(pain_areas=(HEEL,)))
    with pytest.raises(FindingsMissing) as caught:
        changes.retract(recorded, ("heel", "other", "another"))
    assert caught.value.ids == ("other", "another")


def test_an_update_changes_what_it_names() -> None:
    before = replace(
        EMPTY,
        intake=Intake(
            complaint="old",
            goals=("walk",),
            profile=ClientProfile(age_years=40, sex=Sex.MALE),
            preferences=SessionPreferences(pressure_tolerance=2, consents=Consents(intraoral_allowed=True)),
        ),
    )
    given = Intake(complaint="new", profile=ClientProfile(age_years=41))
    after = changes.update(
        before, given, ("complaint", "profile.age_years", "goals", "preferences.consents.intraoral_allowed")
    )
    assert after.intake == Intake(
        complaint="new",
        profile=ClientProfile(age_years=41, sex=Sex.MALE),
        preferences=SessionPreferences(pressure_tolerance=2),
    )
    assert before.intake.complaint == "old"


def test_everything_is_derived_with_all_findings_in_view() -> None:
    """A second side, or another age, changes what was recorded before."""
    motions = knowledge().motions

    def rom(value: float, side: Side) -> RomTest:
        outcome = Measurement(value=value)
        return RomTest(id=side, motion="cervical_rotation", side=side, mode=Mode.ACTIVE, outcome=outcome)

    palpation = PalpationFinding(
        id="p",
        muscle="upper_trapezius",
        side=Side.LEFT,
        taut_band=True,
        spot_tenderness=True,
        reproduces_familiar_pain=True,
        classification=Classification.UNREMARKABLE,
    )
    one = changes.record(EMPTY, Findings(rom_tests=(rom(66, Side.RIGHT),), palpation_findings=(palpation,)))
    alone = changes.derive(one, motions)
    assert alone.findings.palpation_findings[0].classification is Classification.ACTIVE_TRIGGER_POINT
    assert verdicts(alone) == {Side.RIGHT: Verdict.WITHIN_NORM}
    both = changes.derive(changes.record(alone, Findings(rom_tests=(rom(90, Side.LEFT),))), motions)
    assert verdicts(both) == {Side.RIGHT: Verdict.REDUCED, Side.LEFT: Verdict.WITHIN_NORM}
    assert changes.derive(changes.retract(both, ("left",)), motions) == alone
    young = changes.update(alone, Intake(profile=ClientProfile(age_years=65)), ("profile",))
    norm = changes.derive(young, motions).findings.rom_tests[0].interpretation
    assert norm != alone.findings.rom_tests[0].interpretation


def verdicts(assessment: Assessment) -> dict[Side, Verdict | None]:
    return {
        test.side: test.interpretation.verdict if test.interpretation else None
        for test in assessment.findings.rom_tests
    }


def test_contents_name_fields_and_findings() -> None:
    filled = replace(EMPTY, intake=Intake(complaint="x", goals=("walk",)), findings=Findings(pain_areas=(HEEL,)))
    assert changes.contents(filled) == ("complaint", "goals", "heel")
    assert filled.client == CLIENT
