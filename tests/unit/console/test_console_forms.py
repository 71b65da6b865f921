"""One tap as one write, without a server: what a form records and takes back."""

from __future__ import annotations

import pytest

from myoplan.assessment.v1 import assessment_pb2 as a
from services.console.pages.assessment.entries import EntryUnreadable, changed_ids, read_entry, restore
from services.console.pages.assessment.levels import LEVELS, level_of, with_level
from services.console.vocabulary import Vocabulary
from tests.support.planner import load_once

VOCABULARY = Vocabulary(load_once())
EMPTY = a.Assessment(name="clients/c/assessments/one")


def palpated(**signs: object) -> a.Assessment:
    finding = a.PalpationFinding(
        id="palpation-infraspinatus-right",
        muscle="infraspinatus",
        side=a.RIGHT,
        **signs,  # type: ignore[arg-type]
    )
    return a.Assessment(palpation_findings=[finding])


@pytest.mark.parametrize(
    ("level", "taut", "tender", "familiar"),
    [
        ("tight", True, None, None),
        ("tender", None, True, None),
        ("latent", True, True, False),
        ("active", True, True, True),
        ("nothing", False, False, False),
    ],
)
def test_a_word_is_shorthand_for_signs(
    level: str, taut: bool | None, tender: bool | None, familiar: bool | None
) -> None:
    finding = with_level(a.PalpationFinding(), level)
    signs = ("taut_band", "spot_tenderness", "reproduces_familiar_pain")
    assert tuple(getattr(finding, sign) if finding.HasField(sign) else None for sign in signs) == (  # type: ignore[arg-type]
        taut,
        tender,
        familiar,
    )


def test_a_word_leaves_what_else_was_recorded() -> None:
    before = palpated(tenderness=7, note="after the run", referred_pain=True)
    entry = read_entry(
        {"kind": "palpation", "muscle": "infraspinatus", "side": "right", "level": "latent"}, before, None, VOCABULARY
    )
    [finding] = entry.palpation_findings
    assert (finding.tenderness, finding.note, finding.referred_pain) == (7, "after the run", True)
    assert finding.id == ""


def test_the_same_tap_twice_is_the_same_write() -> None:
    """What the first one stored does not change what the second sends: its id repeats it safely."""
    form = {"kind": "palpation", "muscle": "infraspinatus", "side": "right", "level": "active"}
    [first] = read_entry(form, EMPTY, None, VOCABULARY).palpation_findings
    stored = palpated(taut_band=True, spot_tenderness=True, reproduces_familiar_pain=True)
    stored.palpation_findings[0].classification = a.PalpationFinding.ACTIVE_TRIGGER_POINT
    [second] = read_entry(form, stored, None, VOCABULARY).palpation_findings
    assert first.SerializeToString(deterministic=True) == second.SerializeToString(deterministic=True)


def test_clear_takes_back_what_is_there_and_nothing_else() -> None:
    form = {"kind": "palpation", "muscle": "infraspinatus", "side": "right", "level": "clear"}
    assert list(read_entry(form, palpated(), None, VOCABULARY).retracted) == ["palpation-infraspinatus-right"]
    assert list(read_entry({**form, "side": "left"}, palpated(), None, VOCABULARY).retracted) == []


def test_all_others_no_answers_only_what_nobody_answered() -> None:
    now = a.Assessment(health_flags=[a.HealthFlag(condition="cancer", answer=a.HealthFlag.PRESENT)])
    entry = read_entry({"kind": "rest_absent"}, now, None, VOCABULARY)
    answered = {flag.condition for flag in entry.health_flags}
    assert answered == {condition.id for condition in VOCABULARY.questions()} - {"cancer"}
    assert {flag.answer for flag in entry.health_flags} == {a.HealthFlag.ABSENT}


def test_a_flag_with_another_place_replaces_the_one_before() -> None:
    now = a.Assessment(
        health_flags=[a.HealthFlag(id="flag-acute_injury", condition="acute_injury", answer=a.HealthFlag.PRESENT)]
    )
    form = {"kind": "flag", "condition": "acute_injury", "zone": "lumbar", "side": "left", "parameter.days_since": "3"}
    entry = read_entry(form, now, None, VOCABULARY)
    [flag] = entry.health_flags
    assert (flag.answer, flag.zone, flag.side) == (a.HealthFlag.PRESENT, "lumbar", a.LEFT)
    assert [(each.key, each.number) for each in flag.parameters] == [("days_since", 3)]
    assert list(entry.retracted) == ["flag-acute_injury"]


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"kind": "other"},
        {"kind": "palpation", "muscle": "infraspinatus", "side": "right"},
        {"kind": "palpation", "muscle": "infraspinatus", "side": "right", "level": "worse"},
        {"kind": "rom", "motion": "cervical_rotation", "side": "right", "value": "far"},
        {"kind": "rom", "motion": "cervical_rotation", "side": "right", "value": "nan"},
        {"kind": "rom", "motion": "cervical_rotation", "side": "right"},
        {"kind": "flag", "condition": "bad_mood", "answer": "present"},
        {"kind": "flag", "condition_name": "<script>"},
        {"kind": "same", "finding": "palpation-infraspinatus-right"},
    ],
)
def test_what_is_no_entry_changes_nothing(form: dict[str, str]) -> None:
    with pytest.raises(EntryUnreadable):
        read_entry(form, EMPTY, None, VOCABULARY)


def test_a_motion_that_was_not_tested_has_a_reason_and_no_value() -> None:
    form = {"kind": "rom", "motion": "cervical_rotation", "side": "right", "reason": "painful"}
    [test] = read_entry(form, EMPTY, None, VOCABULARY).rom_tests
    assert test.not_tested.reason == "painful"
    assert not test.HasField("measured")


def test_zero_is_a_measurement() -> None:
    form = {"kind": "rom", "motion": "elbow_extension", "side": "left", "value": "0"}
    [test] = read_entry(form, EMPTY, None, VOCABULARY).rom_tests
    assert test.measured.HasField("value")
    form = {"kind": "pain", "zone": "lumbar", "side": "left", "intensity": "0"}
    [area] = read_entry(form, EMPTY, None, VOCABULARY).pain_areas
    assert area.HasField("intensity")


def test_restoring_brings_back_what_was_and_takes_away_what_was_not() -> None:
    before = palpated(spot_tenderness=True, note="first")
    now = a.Assessment(
        palpation_findings=[a.PalpationFinding(id="palpation-teres_major-left", muscle="teres_major", side=a.LEFT)]
    )
    ids = changed_ids(before, now)
    entry = restore(ids, before, now)
    assert [finding.note for finding in entry.palpation_findings] == ["first"]
    assert list(entry.retracted) == ["palpation-teres_major-left"]


def test_every_class_of_the_service_has_a_word() -> None:
    shown = {level_of(a.PalpationFinding(classification=value)) for value in a.PalpationFinding.Classification.values()}
    assert shown == {*LEVELS, "incomplete"}
