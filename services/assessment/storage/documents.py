"""An assessment as a JSON document: `schema` says which version of the form it has.

A change of the form gets the next number, a golden file of its own, and a function that reads the older form. The bytes
are canonical: keys sorted, no spaces, absent fields left out, times in microseconds since the epoch in UTC.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from services.assessment.domain.assessment import Assessment, Person, State
from services.assessment.domain.findings import (
    Answer,
    Classification,
    Findings,
    HealthFlag,
    Interpretation,
    LimitedBy,
    Measurement,
    Mode,
    NotTested,
    PainArea,
    PalpationFinding,
    Parameter,
    PostureObservation,
    ReferredZone,
    RomTest,
    Side,
    Verdict,
)
from services.assessment.domain.profile import ClientProfile, Consents, Intake, SessionPreferences, Sex

SCHEMA = 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Fields = dict[str, Any]
Item = TypeVar("Item")


class SchemaUnknown(Exception):
    """A document has a version that this program does not know: a newer program wrote it."""


class JsonDocuments:
    """Implements `Documents`."""

    def encode(self, assessment: Assessment) -> bytes:
        """Returns the canonical bytes of an assessment."""
        document = {"schema": SCHEMA, **_write_assessment(assessment)}
        return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()

    def decode(self, document: bytes) -> Assessment:
        """Returns the assessment in a document of any version ever written. Raises SchemaUnknown."""
        fields: Fields = json.loads(document)
        read = _READERS.get(fields["schema"])
        if read is None:
            raise SchemaUnknown(f"schema {fields['schema']}")
        return read(fields)


# Writing


def _present(**fields: Any) -> Fields:
    """Leaves out what is absent or empty; zero and False stay."""
    return {name: value for name, value in fields.items() if value not in (None, "", [], {})}


def _micros(moment: datetime | None) -> int | None:
    return None if moment is None else (moment - _EPOCH) // _MICROSECOND


def _write_assessment(assessment: Assessment) -> Fields:
    findings = assessment.findings
    return _present(
        name=assessment.name,
        uid=assessment.uid,
        state=assessment.state,
        author={"id": assessment.author.id, "display_name": assessment.author.display_name},
        create_time=_micros(assessment.create_time),
        complete_time=_micros(assessment.complete_time),
        intake=_write_intake(assessment.intake),
        pain_areas=[_write_pain_area(area) for area in findings.pain_areas],
        palpation_findings=[_write_palpation(finding) for finding in findings.palpation_findings],
        rom_tests=[_write_rom_test(test) for test in findings.rom_tests],
        posture_observations=[_write_posture(observation) for observation in findings.posture_observations],
        health_flags=[_write_flag(flag) for flag in findings.health_flags],
    )


def _write_intake(intake: Intake) -> Fields:
    preferences = intake.preferences
    return _present(
        client_label=intake.client_label,
        profile=_present(age_years=intake.profile.age_years, sex=intake.profile.sex),
        complaint=intake.complaint,
        goals=list(intake.goals),
        lifestyle=intake.lifestyle,
        daily_activities=intake.daily_activities,
        allergies=list(intake.allergies),
        preferences=_present(
            pressure_tolerance=preferences.pressure_tolerance,
            unavailable_positions=list(preferences.unavailable_positions),
            focus_zones=list(preferences.focus_zones),
            avoid_techniques=list(preferences.avoid_techniques),
            consents=_present(
                regions_not_to_touch=list(preferences.consents.regions_not_to_touch),
                intraoral_allowed=preferences.consents.intraoral_allowed,
            ),
        ),
        scheduled_time=_micros(intake.scheduled_time),
    )


def _write_pain_area(area: PainArea) -> Fields:
    return _present(
        id=area.id,
        zone=area.zone,
        side=area.side,
        intensity=area.intensity,
        qualities=list(area.qualities),
        onset_days=area.onset_days,
    )


def _write_palpation(finding: PalpationFinding) -> Fields:
    return _present(
        id=finding.id,
        muscle=finding.muscle,
        side=finding.side,
        site=finding.site,
        taut_band=finding.taut_band,
        spot_tenderness=finding.spot_tenderness,
        tenderness=finding.tenderness,
        local_twitch=finding.local_twitch,
        referred_pain=finding.referred_pain,
        referred_to=[{"zone": referred.zone, "side": referred.side} for referred in finding.referred_to],
        reproduces_familiar_pain=finding.reproduces_familiar_pain,
        pressure_pain_threshold_kpa=finding.pressure_pain_threshold_kpa,
        tone=finding.tone,
        note=finding.note,
        classification=finding.classification,
    )


def _write_rom_test(test: RomTest) -> Fields:
    return _present(
        id=test.id,
        motion=test.motion,
        side=test.side,
        mode=test.mode,
        **_write_outcome(test.outcome),
        instrument=test.instrument,
        examiner=test.examiner,
        interpretation=None if test.interpretation is None else _write_interpretation(test.interpretation),
    )


def _write_outcome(outcome: Measurement | NotTested) -> Fields:
    if isinstance(outcome, NotTested):
        return {"not_tested": outcome.reason}
    return {
        "measured": _present(
            value=outcome.value, pain=outcome.pain, end_feel=outcome.end_feel, limited_by=outcome.limited_by
        )
    }


def _write_interpretation(interpretation: Interpretation) -> Fields:
    return _present(
        verdict=interpretation.verdict,
        norm_value=interpretation.norm_value,
        norm_source=interpretation.norm_source,
        deficit=interpretation.deficit,
        side_difference=interpretation.side_difference,
    )


def _write_posture(observation: PostureObservation) -> Fields:
    return _present(
        id=observation.id,
        observation=observation.observation,
        zone=observation.zone,
        side=observation.side,
        note=observation.note,
    )


def _write_flag(flag: HealthFlag) -> Fields:
    return _present(
        id=flag.id,
        condition=flag.condition,
        answer=flag.answer,
        zone=flag.zone,
        side=flag.side,
        onset_days=flag.onset_days,
        parameters=[{"key": parameter.key, "value": parameter.value} for parameter in flag.parameters],
        note=flag.note,
    )


# Reading version 1. A field that is left out has the default of its type.


def _moment(micros: int | None) -> datetime | None:
    return None if micros is None else _EPOCH + micros * _MICROSECOND


def _read_1(document: Fields) -> Assessment:
    return Assessment(
        name=document["name"],
        uid=document["uid"],
        state=State(document["state"]),
        author=Person(**document["author"]),
        create_time=_EPOCH + document["create_time"] * _MICROSECOND,
        complete_time=_moment(document.get("complete_time")),
        intake=_read_intake(document.get("intake", {})),
        findings=Findings(
            pain_areas=_each(_read_pain_area, document, "pain_areas"),
            palpation_findings=_each(_read_palpation, document, "palpation_findings"),
            rom_tests=_each(_read_rom_test, document, "rom_tests"),
            posture_observations=_each(_read_posture, document, "posture_observations"),
            health_flags=_each(_read_flag, document, "health_flags"),
        ),
    )


def _each(read: Callable[[Fields], Item], document: Fields, name: str) -> tuple[Item, ...]:
    return tuple(read(item) for item in document.get(name, ()))


def _read_intake(fields: Fields) -> Intake:
    profile = fields.get("profile", {})
    return Intake(
        client_label=fields.get("client_label", ""),
        profile=ClientProfile(
            age_years=profile.get("age_years"), sex=Sex(profile["sex"]) if "sex" in profile else None
        ),
        complaint=fields.get("complaint", ""),
        goals=tuple(fields.get("goals", ())),
        lifestyle=fields.get("lifestyle", ""),
        daily_activities=fields.get("daily_activities", ""),
        allergies=tuple(fields.get("allergies", ())),
        preferences=_read_preferences(fields.get("preferences", {})),
        scheduled_time=_moment(fields.get("scheduled_time")),
    )


def _read_preferences(fields: Fields) -> SessionPreferences:
    consents = fields.get("consents", {})
    return SessionPreferences(
        pressure_tolerance=fields.get("pressure_tolerance"),
        unavailable_positions=tuple(fields.get("unavailable_positions", ())),
        focus_zones=tuple(fields.get("focus_zones", ())),
        avoid_techniques=tuple(fields.get("avoid_techniques", ())),
        consents=Consents(
            regions_not_to_touch=tuple(consents.get("regions_not_to_touch", ())),
            intraoral_allowed=consents.get("intraoral_allowed"),
        ),
    )


def _typed(fields: Fields, **types: Callable[[Any], Any]) -> Fields:
    """Returns the fields with those named turned into their types."""
    return {name: types[name](value) if name in types else value for name, value in fields.items()}


def _read_pain_area(fields: Fields) -> PainArea:
    return PainArea(**_typed(fields, side=Side, qualities=tuple))


def _read_palpation(fields: Fields) -> PalpationFinding:
    return PalpationFinding(
        **_typed(fields, side=Side, referred_to=_read_referred_zones, classification=Classification)
    )


def _read_referred_zones(zones: list[Fields]) -> tuple[ReferredZone, ...]:
    return tuple(ReferredZone(**_typed(zone, side=Side)) for zone in zones)


def _read_rom_test(fields: Fields) -> RomTest:
    rest = {name: value for name, value in fields.items() if name not in {"measured", "not_tested"}}
    return RomTest(
        **_typed(rest, side=Side, mode=Mode, interpretation=_read_interpretation), outcome=_read_outcome(fields)
    )


def _read_outcome(fields: Fields) -> Measurement | NotTested:
    if "not_tested" in fields:
        return NotTested(reason=fields["not_tested"])
    return Measurement(**_typed(fields.get("measured", {}), limited_by=LimitedBy))


def _read_interpretation(fields: Fields) -> Interpretation:
    return Interpretation(**_typed(fields, verdict=Verdict))


def _read_posture(fields: Fields) -> PostureObservation:
    return PostureObservation(**_typed(fields, side=Side))


def _read_flag(fields: Fields) -> HealthFlag:
    return HealthFlag(**_typed(fields, answer=Answer, side=Side, parameters=_read_parameters))


def _read_parameters(parameters: list[Fields]) -> tuple[Parameter, ...]:
    return tuple(Parameter(**parameter) for parameter in parameters)


_READERS: Mapping[int, Callable[[Fields], Assessment]] = {1: _read_1}
