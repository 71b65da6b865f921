"""Plans as messages, in a few words, for what is printed of them."""

from __future__ import annotations

import io

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from pypdf import PdfReader

from myoplan.planner.v1.plan_pb2 import (
    LEFT,
    RIGHT,
    Advice,
    AssessmentSnapshot,
    Attestation,
    Caution,
    Dose,
    Omission,
    Person,
    Plan,
    Side,
    Signature,
    Step,
)
from sheet import Words

DIGEST = "74f23ca6dc26" + "0" * 52
SIGNED = Timestamp(seconds=1_795_603_000)
WORDS = Words(
    names={"muscle/shield": "shield muscle", "technique/press": "slow press", "position/prone": "prone"},
    units={"bend": "°"},
    methods={"press": "Lean in and wait."},
)


def seconds(value: float) -> Duration:
    """Returns a duration."""
    return Duration(seconds=int(value))


def press(muscle: str, side: Side.ValueType, cautions: tuple[Caution, ...] = (), more: str = "") -> Step:
    """Returns two minutes of pressing on a muscle."""
    return Step(
        id=f"press-{muscle}-{side}",
        phase=Step.RELEASE,
        muscle=muscle,
        side=side,
        technique="press",
        position="prone",
        duration=seconds(120),
        pressure_level=3,
        dose=Dose(level="usual", seconds=20, repetitions=3, pain_ceiling=6),
        instruction=f"Slow press: {muscle}, 2 minutes. {more}Lean in and wait. Dose: 3 times, 20 seconds each.",
        cautions=cautions,
    )


def session(*steps: Step) -> Plan:
    """Returns a proposed plan of these steps; of one on each side without."""
    work = steps or (press("shield", LEFT), press("shield", RIGHT))
    turn = Step(
        id="turn-supine",
        phase=Step.TURN,
        position="supine",
        duration=seconds(60),
        instruction="Turn the client: supine. Support: a bolster.",
    )
    test = Step(
        id="retest-bend",
        phase=Step.RETEST,
        motion="bend",
        side=LEFT,
        technique="measure",
        position="supine",
        duration=seconds(60),
    )
    return Plan(
        name="clients/ada/plans/first",
        revision=1,
        version=1,
        state=Plan.PROPOSED,
        disposition=Plan.TREAT,
        snapshot=AssessmentSnapshot(
            rom_tests=[AssessmentSnapshot.RomTest(id="t", motion="bend", side=LEFT, value=45, pain=5)]
        ),
        time_budget=seconds(3600),
        planned_duration=seconds(360),
        slack=seconds(3240),
        steps=[*work, turn, test],
        omissions=[
            Omission(muscle="cord", side=RIGHT, kind=Omission.OVER_BUDGET, message="No time.", minutes_needed=6),
            Omission(technique="press", kind=Omission.CONTRAINDICATED, message="Not today."),
        ],
        aftercare=[Advice(text="Drink water if you like.", source="s")],
        author=Person(id="tess", display_name="Tess"),
        create_time=Timestamp(seconds=1_795_600_000),
        knowledge_revision="950970e05032" + "0" * 52,
        digest=DIGEST,
        planner_version="1",
    )


def approved() -> Plan:
    """Returns a plan that a trainee wrote and a supervisor released."""
    plan = session()
    plan.state, plan.approved_version, plan.approved_revision, plan.revision = Plan.APPROVED, 1, 2, 2
    plan.signatures.extend(
        [
            signature("Tim Rowe", "trainee", Signature.AUTHORED),
            signature("Sam Ortiz", "supervisor", Signature.COSIGNED),
        ]
    )
    return plan


def signature(name: str, role: str, meaning: Signature.Meaning.ValueType, digest: str = DIGEST) -> Signature:
    """Returns a signature on a content."""
    attests = meaning == Signature.COSIGNED
    return Signature(
        plan="clients/ada/plans/first",
        version=1,
        digest=digest,
        signer=Person(id=name.lower(), display_name=name),
        role=role,
        meaning=meaning,
        attestation=Attestation.REVIEWED_AND_AGREE if attests else Attestation.ATTESTATION_UNSPECIFIED,
        time=SIGNED,
    )


def read(content: bytes) -> tuple[int, str]:
    """Returns the number of pages of a PDF and its text, with single spaces."""
    pages = PdfReader(io.BytesIO(content)).pages
    return len(pages), " ".join(" ".join(page.extract_text() for page in pages).split())
