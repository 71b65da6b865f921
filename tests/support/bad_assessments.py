"""Every kind of bad request to the assessment service: the parser refuses each, and the service stores nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from myoplan.assessment.v1 import assessment_pb2 as a
from myoplan.assessment.v1 import assessment_service_pb2 as s
from tests.support.assessment import (
    CLIENT,
    LEFT,
    MIDLINE,
    NAME,
    RIGHT,
    flag,
    pain,
    palpation,
    posture,
    recording,
    rom,
    updating,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """A request that is refused: its method, and for each wrong field a part of what is said about it."""

    title: str
    method: str
    request: Any
    says: dict[str, str]


NAN, INFINITY = float("nan"), float("inf")
UNSEEN = {"NUL": "\x00", "bell": "\x07", "C1": "\x85", "override": "\u202e", "isolate": "\u2066", "return": "a\r\nb"}


def _findings(title: str, says: dict[str, str], **kinds: Any) -> Bad:
    return Bad(title=title, method="RecordFindings", request=recording(**kinds), says=says)


def _numbers() -> Iterator[Bad]:
    """Yields every number of a finding with every value that it must not have."""

    def one(field: str, kind: str, finding: Callable[[float], Any], *values: float) -> Iterator[Bad]:
        for value in (*values, NAN, INFINITY, -INFINITY, 1e308, 5e-324):
            yield _findings(f"{field} {value}", {f"{kind}[0].{field}": ""}, **{kind: [finding(value)]})

    yield from one("intensity", "pain_areas", lambda v: pain(intensity=v), -1, -1e-9, 10.001)
    yield from one("tenderness", "palpation_findings", lambda v: palpation(tenderness=v), -1, 10.1)
    yield from one(
        "pressure_pain_threshold_kpa",
        "palpation_findings",
        lambda v: palpation(pressure_pain_threshold_kpa=v),
        0,
        -0.0,
        2000.1,
    )
    yield from one(
        "measured.pain", "rom_tests", lambda v: rom(measured=a.RomTest.Measurement(value=48, pain=v)), -1, 10.5
    )
    yield from one("measured.value", "rom_tests", rom, -0.1, 120.1, 4800)
    yield from one(
        "parameters[0].number",
        "health_flags",
        lambda v: flag(condition="pregnancy", parameters=[a.HealthFlag.Parameter(key="weeks", number=v)]),
        -1,
        44.5,
    )
    for days in (-1, 36_501, 2**31 - 1, -(2**31)):
        yield _findings(f"pain onset {days}", {"pain_areas[0].onset_days": ""}, pain_areas=[pain(onset_days=days)])
        yield _findings(f"flag onset {days}", {"health_flags[0].onset_days": ""}, health_flags=[flag(onset_days=days)])


def _words() -> Iterator[Bad]:
    """Yields words that the vocabulary does not have."""
    yield _findings(
        "unknown muscle",
        {"palpation_findings[0].muscle": "unknown muscle 'upper_trapezus'; did you mean upper_trapezius"},
        palpation_findings=[palpation(muscle="upper_trapezus")],
    )
    yield _findings(
        "a synonym is no id",
        {"palpation_findings[0].muscle": "did you mean quadratus_lumborum"},
        palpation_findings=[palpation(muscle="QL")],
    )
    yield _findings(
        "no muscle", {"palpation_findings[0].muscle": "is required"}, palpation_findings=[palpation(muscle="")]
    )
    yield _findings(
        "unknown zone", {"pain_areas[0].zone": "did you mean back_of_head"}, pain_areas=[pain(zone="back_of_hed")]
    )
    yield _findings("no zone", {"pain_areas[0].zone": "is required"}, pain_areas=[pain(zone="")])
    yield _findings(
        "unknown motion",
        {"rom_tests[0].motion": "did you mean cervical_rotation"},
        rom_tests=[rom(motion="cervical_rotatio")],
    )
    yield _findings("no motion", {"rom_tests[0].motion": "is required"}, rom_tests=[rom(motion="")])
    yield _findings(
        "unknown condition",
        {"health_flags[0].condition": "did you mean anticoagulant"},
        health_flags=[flag(condition="anticoagulants_")],
    )
    yield _findings("a very long word", {"pain_areas[0].zone": "unknown zone"}, pain_areas=[pain(zone="z" * 5000)])
    yield _findings(
        "unknown site",
        {"palpation_findings[0].site": "shoulder_slope"},
        palpation_findings=[palpation(site="somewhere")],
    )
    yield _findings(
        "unknown referred zone",
        {"palpation_findings[0].referred_to[0].zone": "unknown zone"},
        palpation_findings=[palpation(referred_to=[a.ReferredZone(zone="hed", side=LEFT)])],
    )
    yield _findings(
        "unknown posture zone",
        {"posture_observations[0].zone": "unknown zone"},
        posture_observations=[posture(zone="hed", side=LEFT)],
    )
    yield _findings(
        "a place that the condition has not",
        {"health_flags[0].zone": "has no place"},
        health_flags=[flag(zone="heel", side=LEFT)],
    )
    yield _findings(
        "referred to, and did not refer",
        {"palpation_findings[0].referred_pain": "referred_to"},
        palpation_findings=[palpation(referred_pain=False, referred_to=[a.ReferredZone(zone="temporal", side=LEFT)])],
    )
    parameter = a.HealthFlag.Parameter
    for title, field, parameters in (
        ("unknown", "key", [parameter(key="wekks", number=3)]),
        ("no key", "key", [parameter(number=3)]),
        ("no value", "value", [parameter(key="weeks")]),
        ("another kind", "text", [parameter(key="weeks", text="three")]),
    ):
        yield _findings(
            f"parameter: {title}",
            {f"health_flags[0].parameters[0].{field}": ""},
            health_flags=[flag(condition="pregnancy", parameters=parameters)],
        )
    yield _findings(
        "the same parameter twice",
        {"health_flags[0].parameters[1].key": "twice"},
        health_flags=[flag(condition="pregnancy", parameters=[parameter(key="weeks", number=3)] * 2)],
    )
    preferences = a.SessionPreferences(
        pressure_tolerance=6,
        unavailable_positions=["proone"],
        focus_zones=["hed"],
        avoid_techniques=["petrisage"],
        consents=a.SessionPreferences.Consents(regions_not_to_touch=["torzo"]),
    )
    yield Bad(
        title="preferences",
        method="UpdateAssessment",
        request=updating("preferences", preferences=preferences),
        says={
            "assessment.preferences.pressure_tolerance": "[1, 5]",
            "assessment.preferences.unavailable_positions[0]": "did you mean prone",
            "assessment.preferences.focus_zones[0]": "unknown zone",
            "assessment.preferences.avoid_techniques[0]": "did you mean petrissage",
            "assessment.preferences.consents.regions_not_to_touch[0]": "did you mean torso",
        },
    )


def _sides() -> Iterator[Bad]:
    """Yields sides that the structure does not have."""
    for side in (a.SIDE_UNSPECIFIED, MIDLINE, 99, -1):
        text = "LEFT or RIGHT" if side in {a.SIDE_UNSPECIFIED, MIDLINE} else "is not one of LEFT, RIGHT or MIDLINE"
        yield _findings(
            f"paired muscle, side {side}",
            {"palpation_findings[0].side": text},
            palpation_findings=[palpation(side=side)],
        )
        yield _findings(f"zone, side {side}", {"pain_areas[0].side": text}, pain_areas=[pain(zone="heel", side=side)])
        yield _findings(f"rotation, side {side}", {"rom_tests[0].side": text}, rom_tests=[rom(side=side)])
    for side in (a.SIDE_UNSPECIFIED, LEFT, RIGHT):
        yield _findings(
            f"midline muscle, side {side}",
            {"palpation_findings[0].side": "MIDLINE"},
            palpation_findings=[palpation(muscle="diaphragm", side=side)],
        )
        yield _findings(
            f"flexion of the neck, side {side}",
            {"rom_tests[0].side": "MIDLINE"},
            rom_tests=[rom(motion="cervical_flexion", side=side)],
        )
    yield _findings(
        "a zone across the midline without a side",
        {"pain_areas[0].side": "is required"},
        pain_areas=[pain(side=a.SIDE_UNSPECIFIED)],
    )
    yield _findings(
        "a posture zone without a side",
        {"posture_observations[0].side": "is required"},
        posture_observations=[posture(zone="heel")],
    )
    yield _findings(
        "referred zone without a side",
        {"palpation_findings[0].referred_to[0].side": "is required"},
        palpation_findings=[palpation(referred_to=[a.ReferredZone(zone="heel")])],
    )
    yield _findings(
        "a flag in the middle of a heel",
        {"health_flags[0].side": "LEFT or RIGHT"},
        health_flags=[flag(condition="skin_lesion", zone="heel", side=MIDLINE)],
    )


def _enums_and_outcomes() -> Iterator[Bad]:
    """Yields enum values that are not defined or not given, and outcomes that say nothing."""
    for number in (0, 99, -1):
        yield _findings(
            f"mode {number}", {"rom_tests[0].mode": "ACTIVE, PASSIVE or RESISTED"}, rom_tests=[rom(mode=number)]
        )
        yield _findings(
            f"answer {number}",
            {"health_flags[0].answer": "PRESENT, ABSENT or UNKNOWN"},
            health_flags=[flag(answer=number)],
        )
    for number in (99, -1):
        yield _findings(
            f"limited by {number}",
            {"rom_tests[0].measured.limited_by": "STRETCH"},
            rom_tests=[rom(measured=a.RomTest.Measurement(value=48, limited_by=number))],  # type: ignore[arg-type]
        )
        yield Bad(
            title=f"sex {number}",
            method="UpdateAssessment",
            request=updating("profile", profile=a.ClientProfile(sex=number)),  # type: ignore[arg-type]
            says={"assessment.profile.sex": "FEMALE or MALE"},
        )
        yield Bad(
            title=f"state {number}",
            method="ListAssessments",
            request=s.ListAssessmentsRequest(parent=CLIENT, state=number),  # type: ignore[arg-type]
            says={"state": "OPEN, COMPLETED or VOIDED"},
        )
    yield _findings("no outcome", {"rom_tests[0].outcome": "measured or not_tested"}, rom_tests=[rom(None)])
    yield _findings(
        "nothing measured",
        {"rom_tests[0].measured.value": "not_tested"},
        rom_tests=[rom(measured=a.RomTest.Measurement())],
    )
    yield _findings(
        "not tested and no reason",
        {"rom_tests[0].not_tested.reason": "is required"},
        rom_tests=[rom(not_tested=a.RomTest.NotTested())],
    )


def _texts() -> Iterator[Bad]:
    """Yields texts that are too long or hold what nobody sees."""
    for what, letters in UNSEEN.items():
        text = f"before {letters} after"
        yield _findings(
            f"note with {what}", {"palpation_findings[0].note": ""}, palpation_findings=[palpation(note=text)]
        )
        yield _findings(
            f"observation with {what}",
            {"posture_observations[0].observation": ""},
            posture_observations=[posture(observation=text)],
        )
        yield Bad(
            title=f"intake with {what}",
            method="UpdateAssessment",
            request=updating(
                "complaint", "goals", "client_label", complaint=text, goals=["ok", text], client_label=text
            ),
            says={"assessment.complaint": "", "assessment.goals[1]": "", "assessment.client_label": ""},
        )
        yield Bad(
            title=f"reason with {what}",
            method="VoidAssessment",
            request=s.VoidAssessmentRequest(name=NAME, etag="1-0", reason=text),
            says={"reason": ""},
        )
    yield _findings(
        "two lines in one", {"palpation_findings[0].tone": "line breaks"}, palpation_findings=[palpation(tone="a\nb")]
    )
    yield _findings("long note", {"health_flags[0].note": "at most 8192"}, health_flags=[flag(note="ä" * 4097)])
    yield _findings(
        "long observation",
        {"posture_observations[0].observation": "at most 256"},
        posture_observations=[posture(observation="x" * 257)],
    )
    yield _findings(
        "no observation",
        {"posture_observations[0].observation": "is required"},
        posture_observations=[posture(observation=" ")],
    )
    yield _findings(
        "many qualities", {"pain_areas[0].qualities": "at most 8"}, pain_areas=[pain(qualities=["ache"] * 9)]
    )
    yield _findings(
        "an empty quality", {"pain_areas[0].qualities[0]": "is required"}, pain_areas=[pain(qualities=[""])]
    )
    yield Bad(
        title="long intake",
        method="UpdateAssessment",
        request=updating(
            "client_label",
            "complaint",
            "goals",
            "allergies",
            client_label="x" * 65,
            complaint="x" * 8193,
            goals=["x"] * 33,
            allergies=["x" * 257],
        ),
        says={
            "assessment.client_label": "at most 64",
            "assessment.complaint": "at most 8192",
            "assessment.goals": "at most 32",
            "assessment.allergies[0]": "at most 256",
        },
    )
    for age in (-1, 121):
        yield Bad(
            title=f"age {age}",
            method="UpdateAssessment",
            request=updating("profile.age_years", profile=a.ClientProfile(age_years=age)),
            says={"assessment.profile.age_years": "[0, 120]"},
        )
    for title, stamp in {
        "1899": Timestamp(seconds=-2_210_000_000),
        "1999": Timestamp(seconds=946_684_799),
        "2100": Timestamp(seconds=4_102_444_800),
        "the end of time": Timestamp(seconds=2**62),
        "too many nanoseconds": Timestamp(seconds=1_780_000_000, nanos=1_000_000_000),
        "negative nanoseconds": Timestamp(seconds=1_780_000_000, nanos=-1),
    }.items():
        yield Bad(
            title=f"scheduled in {title}",
            method="UpdateAssessment",
            request=updating("scheduled_time", scheduled_time=stamp),
            says={"assessment.scheduled_time": "2000 to 2100"},
        )


def _counts_and_ids() -> Iterator[Bad]:
    """Yields too many findings, and ids that are wrong or there twice."""
    many: dict[str, tuple[int, list[Any]]] = {
        "pain_areas": (128, [pain(id=f"p{n}") for n in range(129)]),
        "palpation_findings": (400, [palpation(id=f"p{n}") for n in range(401)]),
        "rom_tests": (256, [rom(id=f"p{n}") for n in range(257)]),
        "posture_observations": (128, [posture(id=f"p{n}") for n in range(129)]),
        "health_flags": (200, [flag(id=f"p{n}") for n in range(201)]),
    }
    for kind, (most, findings) in many.items():
        yield _findings(f"too many {kind}", {kind: f"at most {most}"}, **{kind: findings})
    yield _findings("10,000 findings", {"pain_areas": "10000 entries; at most 128"}, pain_areas=[pain()] * 10_000)
    for identifier in ("Bad", "a b", "-a", "a-", "ä", "a/b", "a.b", "x" * 129, "a\n"):
        yield _findings(
            f"id {identifier[:8]!r}", {"pain_areas[0].id": "is not a finding id"}, pain_areas=[pain(id=identifier)]
        )
    yield _findings(
        "the same finding twice", {"pain_areas[1].id": "pain_areas[0]"}, pain_areas=[pain(), pain(intensity=2)]
    )
    yield _findings(
        "one id for two kinds",
        {"posture_observations[0].id": "palpation_findings[0]"},
        palpation_findings=[palpation(id="x")],
        posture_observations=[posture(id="x")],
    )
    yield _findings("nothing to record", {"pain_areas": "at least one"})
    yield Bad(
        title="nothing to retract",
        method="RetractFindings",
        request=s.RetractFindingsRequest(name=NAME, etag="1-0", reason="typing error"),
        says={"finding_ids": "is empty"},
    )
    yield Bad(
        title="retracting what cannot be an id",
        method="RetractFindings",
        request=s.RetractFindingsRequest(name=NAME, etag="1-0", reason="typing error", finding_ids=["a", "A", ""]),
        says={"finding_ids[1]": "", "finding_ids[2]": ""},
    )


def _requests() -> Iterator[Bad]:
    """Yields what is wrong with requests as a whole."""
    yield Bad(
        title="create without anything",
        method="CreateAssessment",
        request=s.CreateAssessmentRequest(),
        says={"assessment": "is required", "parent": "is required"},
    )
    yield Bad(
        title="create for all clients",
        method="CreateAssessment",
        request=s.CreateAssessmentRequest(parent="clients/-", assessment=a.Assessment(), assessment_id="A"),
        says={"parent": "is not a client", "assessment_id": "is not an id"},
    )
    yield Bad(
        title="everything wrong at once",
        method="CreateAssessment",
        request=s.CreateAssessmentRequest(
            parent=CLIENT,
            request_id="42",
            assessment=a.Assessment(
                profile=a.ClientProfile(age_years=200),
                rom_tests=[rom(), rom(side=LEFT), rom(NAN, motion="elbow_flexion")],
                palpation_findings=[palpation(muscle="upper_trapezus", tenderness=11)],
            ),
        ),
        says={
            "request_id": "UUID4",
            "assessment.profile.age_years": "[0, 120]",
            "assessment.rom_tests[2].measured.value": "",
            "assessment.palpation_findings[0].muscle": "did you mean",
            "assessment.palpation_findings[0].tenderness": "[0, 10]",
        },
    )
    for request_id in (
        "x",
        "5f0c5b9e-6f1f-1b7e-9a55-0d9a3f1f8a01",
        "5f0c5b9e6f1f4b7e9a550d9a3f1f8a01",
        "{5f0c5b9e-6f1f-4b7e-9a55-0d9a3f1f8a01}",
    ):
        yield _findings(
            f"request id {request_id[:12]}",
            {"request_id": "UUID4"},
            posture_observations=[posture()],
            request_id=request_id,
        )
    for revision in (0, -1):
        yield Bad(
            title=f"revision {revision}",
            method="GetAssessment",
            request=s.GetAssessmentRequest(name=NAME, revision=revision),
            says={"revision": "the first is 1"},
        )
    for method, request in {
        "ListAssessments": s.ListAssessmentsRequest(parent=CLIENT, page_size=-1, page_token="x"),
        "ListAssessmentRevisions": s.ListAssessmentRevisionsRequest(name=NAME, page_size=-1, page_token="ä%"),
    }.items():
        yield Bad(
            title=f"page of {method}", method=method, request=request, says={"page_size": "negative", "page_token": ""}
        )
    for cursor in ("x", "1", "MSAxIGNsaWVudHM", "!", "A" * 2000):
        yield Bad(
            title=f"cursor {cursor[:8]}",
            method="WatchAssessments",
            request=s.WatchAssessmentsRequest(parent=CLIENT, cursor=cursor),
            says={"cursor": "is not a cursor"},
        )
    yield Bad(title="no mask", method="UpdateAssessment", request=updating(), says={"update_mask": "is empty"})
    for path in ("state", "name", "profile.age", "pain_areas", "*", "profile.", ""):
        yield Bad(
            title=f"mask {path!r}",
            method="UpdateAssessment",
            request=updating("complaint", path),
            says={"update_mask.paths[1]": "is not a field that can be changed"},
        )
    yield Bad(
        title="update without name and etag",
        method="UpdateAssessment",
        request=s.UpdateAssessmentRequest(update_mask=FieldMask(paths=["complaint"])),
        says={"assessment.name": "is required", "assessment.etag": "is required"},
    )
    decisions: dict[str, type[Any]] = {
        "RetractFindings": s.RetractFindingsRequest,
        "CompleteAssessment": s.CompleteAssessmentRequest,
        "VoidAssessment": s.VoidAssessmentRequest,
        "AmendAssessment": s.AmendAssessmentRequest,
    }
    for method, kind in decisions.items():
        extra: dict[str, Any] = {"finding_ids": ["a"]} if method == "RetractFindings" else {}
        reason = {} if method == "CompleteAssessment" else {"reason": "is required"}
        yield Bad(
            title=f"{method} without etag",
            method=method,
            request=kind(name=NAME, **extra),
            says={"etag": "is required", **reason},
        )
        if reason:
            yield Bad(
                title=f"{method} with a long reason",
                method=method,
                request=kind(name=NAME, etag="1-0", reason="x" * 1025, **extra),
                says={"reason": "at most 1024"},
            )


BAD_NAMES = (
    "", "first", "clients/ada", "clients/ada/assessments", "clients/ada/assessments/", "clients//assessments/first",
    "clients/-/assessments/first", "clients/ada/assessments/-", "/clients/ada/assessments/first",
    "clients/ada/assessments/first/", "clients/ada/assessments/first ", " clients/ada/assessments/first",
    "clients/Ada/assessments/first", "clients/ada/assessments/FIRST", "clients/ada/plans/first",
    "clients/ada/assessments/first\n", "clients/ada/assessments/fi\x00rst", "clients/ada/assessments/fi\rst",
    "clients/ada/assessments/../first", "clients/../assessments/first", "clients/ada/assessments/..",
    "clients/ada//assessments/first", "clients/ada%2fassessments/first", "clients/ada/assessments/%66irst",
    "clients/{ada}/assessments/first", "clients/ada/assessments/*", "clients/ada/assessments/fir?t",
    "clients/ada/assessments/[a-z]", "clients/ada/assessments/fi:rst", "clients/ada/assessments/first@1",
    "clients/ada/assessments/f\u0456rst", "clients/ada/assessments/fi\u202erst", "clients/ada/assessments/-first",
    "clients/ada/assessments/first-", "clients/ada/assessments/fir_st", "clients/ada/assessments/fir.st",
    f"clients/ada/assessments/{'a' * 64}", f"clients/{'a' * 64}/assessments/first",
    "clients/a\u0301da/assessments/first", "clients/\u00e1da/assessments/first", "clients/ada/assessments/é",
    "clinics/x/clients/ada/assessments/first", "clients/ada/assessments/first/assessments/second",
)  # fmt: skip


def _names() -> Iterator[Bad]:
    for name in BAD_NAMES:
        yield Bad(
            title=f"name {name[:48]!r}",
            method="GetAssessment",
            request=s.GetAssessmentRequest(name=name),
            says={"name": "clients/{client}/assessments/{assessment}"},
        )


BAD = (
    *_numbers(),
    *_words(),
    *_sides(),
    *_enums_and_outcomes(),
    *_texts(),
    *_counts_and_ids(),
    *_requests(),
    *_names(),
)
