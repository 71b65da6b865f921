"""Findings as domain values: every field checked against the vocabulary, its sides and its limits."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from knowledge.model import Condition, Motion, Muscle, Unit, Zone
from knowledge.model import Parameter as ParameterForm
from myoplan.assessment.v1 import assessment_pb2 as pb
from myoplan.assessment.v1 import assessment_service_pb2 as service_pb
from services.assessment.api.reading import Reader, members, quoted
from services.assessment.domain import finding_ids, limits
from services.assessment.domain.findings import (
    Answer,
    Findings,
    HealthFlag,
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
)

MODES = members(pb.RomTest.Mode, Mode)
LIMITED_BY = members(pb.RomTest.LimitedBy, LimitedBy)
ANSWERS = members(pb.HealthFlag.Answer, Answer)
PAIRED = (Side.LEFT, Side.RIGHT)
FINDING_ID_FORM = "a finding id: a-z, 0-9, _ and -, at most 128 characters, a letter or digit at both ends"
UNITS = {Unit.DEGREE: "degrees", Unit.MILLIMETRE: "millimetres"}


def read_findings(reader: Reader, message: pb.Assessment | service_pb.RecordFindingsRequest, examiner: str) -> Findings:
    """Reads all findings of a message; `examiner` is the person of tests that name none."""
    most = limits.FINDINGS
    findings = Findings(
        pain_areas=reader.items("pain_areas", message.pain_areas, most["pain_areas"], _pain_area),
        palpation_findings=reader.items(
            "palpation_findings", message.palpation_findings, most["palpation_findings"], _palpation
        ),
        rom_tests=reader.items(
            "rom_tests", message.rom_tests, most["rom_tests"], lambda each, test: _rom_test(each, test, examiner)
        ),
        posture_observations=reader.items(
            "posture_observations", message.posture_observations, most["posture_observations"], _posture
        ),
        health_flags=reader.items("health_flags", message.health_flags, most["health_flags"], _flag),
    )
    _find_repeated_ids(reader, findings)
    return findings


def _find_repeated_ids(reader: Reader, findings: Findings) -> None:
    """An id that is there twice would leave open which of the two findings counts."""
    wrong = {problem.field.partition("].")[0] for problem in reader.problems.found}
    first: dict[str, str] = {}
    for kind, values in findings.kinds():
        for index, finding in enumerate(values):
            place = f"{kind}[{index}]"
            if f"{reader.path}{kind}[{index}" in wrong:
                continue  # its id may be derived from what is wrong
            if finding.id in first:
                reader.tell(f"{place}.id", f"{quoted(finding.id)} is also the id of {first[finding.id]}")
            first.setdefault(finding.id, place)


def _id(reader: Reader, given: str, derived: str) -> str:
    return reader.matching("id", given, finding_ids.FINDING_ID, FINDING_ID_FORM, required=False) or derived


def _muscle_side(reader: Reader, number: int, muscle: Muscle | None) -> Side:
    if muscle is None:
        return reader.side("side", number, tuple(Side), "as the muscle has them")
    if muscle.paired:
        return reader.side("side", number, PAIRED, f"{muscle.id} is paired")
    return reader.side("side", number, (Side.MIDLINE,), f"{muscle.id} lies in the midline")


def _zone_sides(zone: Zone | None) -> tuple[Sequence[Side], str]:
    if zone is None:
        return tuple(Side), "as the zone has them"
    if zone.crosses_midline:
        return tuple(Side), f"{zone.id} crosses the midline"
    return PAIRED, f"{zone.id} does not cross the midline"


def _zone_side(reader: Reader, number: int, zone: Zone | None) -> Side:
    return reader.side("side", number, *_zone_sides(zone))


def _optional_place(reader: Reader, zone_id: str, number: int, *, side_needed: bool) -> tuple[str, Side | None]:
    """Reads a zone and a side that may be left out."""
    zone = reader.known("zone", "zone", reader.vocabulary.zones, zone_id) if zone_id else None
    if number or (zone_id and side_needed):
        return zone_id, _zone_side(reader, number, zone)
    return zone_id, None


def _pain_area(reader: Reader, message: pb.PainArea) -> PainArea:
    zone = reader.known("zone", "zone", reader.vocabulary.zones, message.zone)
    side = _zone_side(reader, message.side, zone)
    return PainArea(
        id=_id(reader, message.id, finding_ids.pain_area_id(message.zone, side)),
        zone=message.zone,
        side=side,
        intensity=reader.number("intensity", message, limits.RATING),
        qualities=reader.list_of_lines("qualities", message.qualities, limits.QUALITIES, limits.WORD_CHARACTERS),
        onset_days=reader.whole("onset_days", message, limits.ONSET_DAYS),
    )


def _referred_zone(reader: Reader, message: pb.ReferredZone) -> ReferredZone:
    zone = reader.known("zone", "zone", reader.vocabulary.zones, message.zone)
    return ReferredZone(zone=message.zone, side=_zone_side(reader, message.side, zone))


def _palpation(reader: Reader, message: pb.PalpationFinding) -> PalpationFinding:
    muscle = reader.known("muscle", "muscle", reader.vocabulary.muscles, message.muscle)
    side = _muscle_side(reader, message.side, muscle)
    if message.site and muscle is not None and message.site not in {site.id for site in muscle.sites}:
        sites = ", ".join(site.id for site in muscle.sites)
        reader.tell("site", f"{quoted(message.site)} is no site of {muscle.id}; its sites are {sites}")
    if message.referred_to and message.HasField("referred_pain") and not message.referred_pain:
        reader.tell("referred_pain", "is false, and referred_to says where it referred to")
    return PalpationFinding(
        id=_id(reader, message.id, finding_ids.palpation_id(message.muscle, side, message.site)),
        muscle=message.muscle,
        side=side,
        site=message.site,
        taut_band=reader.flag("taut_band", message),
        spot_tenderness=reader.flag("spot_tenderness", message),
        tenderness=reader.number("tenderness", message, limits.RATING),
        local_twitch=reader.flag("local_twitch", message),
        referred_pain=reader.flag("referred_pain", message),
        referred_to=reader.items("referred_to", message.referred_to, limits.REFERRED_ZONES, _referred_zone),
        reproduces_familiar_pain=reader.flag("reproduces_familiar_pain", message),
        pressure_pain_threshold_kpa=reader.number(
            "pressure_pain_threshold_kpa", message, limits.PRESSURE_PAIN_THRESHOLD_KPA
        ),
        tone=reader.line("tone", message.tone, limits.WORD_CHARACTERS),
        note=reader.lines("note", message.note, limits.NOTE_BYTES),
    )


def _rom_test(reader: Reader, message: pb.RomTest, examiner: str) -> RomTest:
    motion = reader.known("motion", "motion", reader.vocabulary.motions, message.motion)
    side = _motion_side(reader, message.side, motion)
    mode = reader.choice("mode", message.mode, MODES)
    return RomTest(
        id=_id(reader, message.id, finding_ids.rom_test_id(message.motion, side, mode)),
        motion=message.motion,
        side=side,
        mode=mode,
        outcome=_outcome(reader, message, motion),
        instrument=reader.line("instrument", message.instrument, limits.WORD_CHARACTERS),
        examiner=reader.line("examiner", message.examiner, limits.PERSON_CHARACTERS) or examiner,
    )


def _motion_side(reader: Reader, number: int, motion: Motion | None) -> Side:
    if motion is None:
        return reader.side("side", number, tuple(Side), "as the motion has them")
    allowed = tuple(Side(side) for side in motion.sides)
    if allowed == (Side.MIDLINE,):
        return reader.side("side", number, allowed, f"{motion.id} has no sides")
    means = "the limb measured" if motion.side_means == "limb" else "the direction of the movement"
    return reader.side("side", number, allowed, f"{means} for {motion.id}")


def _outcome(reader: Reader, message: pb.RomTest, motion: Motion | None) -> Measurement | NotTested:
    match message.WhichOneof("outcome"):
        case "measured":
            return _measurement(reader.inside("measured"), message.measured, motion)
        case "not_tested":
            reason = reader.inside("not_tested").line(
                "reason", message.not_tested.reason, limits.SENTENCE_CHARACTERS, required=True
            )
            return NotTested(reason=reason)
    reader.tell("outcome", "is required: measured or not_tested")
    return Measurement()


def _measurement(reader: Reader, message: pb.RomTest.Measurement, motion: Motion | None) -> Measurement:
    measurement = Measurement(
        value=_value(reader, message, motion),
        pain=reader.number("pain", message, limits.RATING),
        end_feel=reader.line("end_feel", message.end_feel, limits.WORD_CHARACTERS),
        limited_by=reader.optional_choice("limited_by", message.limited_by, LIMITED_BY),
    )
    if measurement == Measurement() and not message.limited_by:
        reader.tell("value", "is required, or pain, end_feel or limited_by; if nothing was measured use not_tested")
    return measurement


def _value(reader: Reader, message: pb.RomTest.Measurement, motion: Motion | None) -> float | None:
    """Reads a value; one that no joint can have is a slip of the pen and not kept."""
    if motion is None or not message.HasField("value"):
        return reader.number("value", message, limits.Range(-inf, inf))
    low, high = motion.limit_min, motion.limit_max
    before = len(reader.problems.found)
    value = reader.number("value", message, limits.Range(-inf, inf))
    if value is not None and len(reader.problems.found) == before and not low <= value <= high:
        unit = UNITS[motion.unit]
        reader.tell("value", f"{value:g} cannot be: {motion.id} is from {low:g} to {high:g} {unit}")
    return value


def _posture(reader: Reader, message: pb.PostureObservation) -> PostureObservation:
    zone, side = _optional_place(reader, message.zone, message.side, side_needed=True)
    observation = reader.line("observation", message.observation, limits.SENTENCE_CHARACTERS, required=True)
    return PostureObservation(
        id=_id(reader, message.id, finding_ids.posture_id(observation, zone, side)),
        observation=observation,
        zone=zone,
        side=side,
        note=reader.lines("note", message.note, limits.NOTE_BYTES),
    )


def _flag(reader: Reader, message: pb.HealthFlag) -> HealthFlag:
    condition = reader.known("condition", "condition", reader.vocabulary.conditions, message.condition)
    if condition is not None and message.zone and not condition.takes_zone:
        reader.tell("zone", f"{condition.id} has no place; say it in the note")
    zone, side = _optional_place(reader, message.zone, message.side, side_needed=False)
    return HealthFlag(
        id=_id(reader, message.id, finding_ids.health_flag_id(message.condition, zone, side)),
        condition=message.condition,
        answer=reader.choice("answer", message.answer, ANSWERS),
        zone=zone,
        side=side,
        onset_days=reader.whole("onset_days", message, limits.ONSET_DAYS),
        parameters=_parameters(reader, message, condition),
        note=reader.lines("note", message.note, limits.NOTE_BYTES),
    )


def _parameters(reader: Reader, message: pb.HealthFlag, condition: Condition | None) -> tuple[Parameter, ...]:
    forms = {} if condition is None else {form.key: form for form in condition.parameters}
    seen: set[str] = set()

    def read(each: Reader, parameter: pb.HealthFlag.Parameter) -> Parameter:
        form = forms.get(parameter.key)
        if not parameter.key:
            each.tell("key", "is required")
        elif condition is not None and form is None:
            keys = ", ".join(forms) or "none"
            each.tell("key", f"{quoted(parameter.key)} is no parameter of {condition.id}; there is {keys}")
        elif parameter.key in seen:
            each.tell("key", f"{quoted(parameter.key)} is there twice")
        seen.add(parameter.key)
        return Parameter(key=parameter.key, value=_parameter_value(each, parameter, form))

    return reader.items("parameters", message.parameters, limits.PARAMETERS, read)


def _parameter_value(
    reader: Reader, parameter: pb.HealthFlag.Parameter, form: ParameterForm | None
) -> float | str | bool:
    which = parameter.WhichOneof("value")
    if which is None:
        reader.tell("value", f"is required: {form.kind if form else 'number, text or truth'}")
        return False
    if form is not None and which != form.kind:
        reader.tell(which, f"{form.key} is given as {form.kind}")
        return False
    match which:
        case "number":
            low, high = (-inf, inf) if form is None else (_or(form.min, -inf), _or(form.max, inf))
            return reader.checked_number("number", parameter.number, limits.Range(low, high))
        case "text":
            if form is not None and parameter.text not in form.choices:
                reader.tell("text", f"{quoted(parameter.text)} is not one of {', '.join(form.choices)}")
            return parameter.text
    return parameter.truth


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value
