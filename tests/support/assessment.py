"""A running assessment service for tests, and good requests in a few words."""

from __future__ import annotations

import io
import itertools
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import grpc
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from knowledge.load import load
from knowledge.model import KnowledgeBase
from myoplan.assessment.v1 import assessment_pb2 as a
from myoplan.assessment.v1 import assessment_service_pb2 as s
from myoplan.assessment.v1.assessment_service_pb2_grpc import AssessmentServiceStub
from services.assessment.__main__ import build
from services.assessment.api.rights import SERVICE
from services.runtime.boundary import OnRead
from services.runtime.client import error_of
from services.runtime.limits import Limits
from services.runtime.logs import make_logger
from services.runtime.server import ServerOptions
from services.runtime.status import CallRefused
from services.store.model import RecordStore
from tests.support.tokens import TokenIssuer

if TYPE_CHECKING:
    from myoplan.assessment.v1.assessment_service_pb2_grpc import AssessmentServiceAsyncStub

CLIENT = "clients/ada"
NAME = f"{CLIENT}/assessments/first"
BEGIN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LEFT, RIGHT, MIDLINE = a.LEFT, a.RIGHT, a.MIDLINE


Snapshot = Callable[[], Awaitable[dict[str, object]]]
"""Returns everything that is stored, byte by byte."""


@cache
def knowledge() -> KnowledgeBase:
    """Returns the real knowledge base."""
    return load()


def ticking() -> Callable[[], datetime]:
    """Returns a clock that goes on by a second whenever somebody looks at it."""
    seconds = itertools.count()
    return lambda: BEGIN + timedelta(seconds=next(seconds))


def new_request_id() -> str:
    """Returns a UUID4."""
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A running service, the store under it, and a channel to it."""

    store: RecordStore
    issuer: TokenIssuer
    channel: grpc.aio.Channel
    stub: AssessmentServiceAsyncStub
    clinic: str
    log: io.StringIO

    def credentials(self, **claims: Any) -> tuple[tuple[str, str]]:
        """Returns what a call carries; a therapist of the clinic unless the claims say otherwise."""
        return self.issuer.metadata(**{"clinic": self.clinic, **claims})

    async def call(self, method: str, request: Any, **claims: Any) -> Any:
        """Calls a unary method by its name."""
        return await getattr(self.stub, method)(request, metadata=self.credentials(**claims), timeout=20)

    async def refused(self, method: str, request: Any, **claims: Any) -> CallRefused:
        """Calls any method, which has to fail, and returns what the failure says."""
        try:
            if method == "WatchAssessments":
                await self.watch(request, **claims).read()
            else:
                await self.call(method, request, **claims)
        except grpc.aio.AioRpcError as error:
            return error_of(error)
        raise AssertionError(f"{method} did not fail")

    def watch(self, request: s.WatchAssessmentsRequest, **claims: Any) -> Any:
        """Calls WatchAssessments."""
        return self.stub.WatchAssessments(request, metadata=self.credentials(**claims), timeout=20)

    async def create(self, **changes: Any) -> a.Assessment:
        """Creates the assessment NAME; `changes` are fields of the request."""
        request = {"parent": CLIENT, "assessment_id": "first", "assessment": a.Assessment(), **changes}
        return cast("a.Assessment", await self.call("CreateAssessment", s.CreateAssessmentRequest(**request)))

    async def get(self, name: str = NAME, revision: int | None = None) -> a.Assessment:
        """Gets an assessment."""
        request = s.GetAssessmentRequest(name=name, revision=revision)
        return cast("a.Assessment", await self.call("GetAssessment", request))


@asynccontextmanager
async def assessment_server(
    folder: Path, store: RecordStore, clinic: str, *, limits: Limits | None = None, on_read: OnRead | None = None
) -> AsyncIterator[Running]:
    """Runs the production service over `store` for the length of a with block."""
    issuer, log = TokenIssuer(), io.StringIO()
    server = build(
        options=ServerOptions(limits=limits or Limits()),
        store=store,
        verifier=await issuer.verifier(folder),
        knowledge=knowledge(),
        logger=make_logger(stream=log),
        on_read=on_read,
        clock=ticking(),
    )
    server.health.set(SERVICE, serving=True)
    await server.start()
    try:
        async with grpc.aio.insecure_channel(server.address) as channel:
            yield Running(
                store=store,
                issuer=issuer,
                channel=channel,
                stub=AssessmentServiceStub(channel),
                clinic=clinic,
                log=log,
            )
    finally:
        await server.drain(0)


# Good requests


def pain(**changes: Any) -> a.PainArea:
    """Returns a pain area."""
    return a.PainArea(**{"zone": "back_of_head", "side": RIGHT, **changes})


def palpation(**changes: Any) -> a.PalpationFinding:
    """Returns a palpation finding."""
    return a.PalpationFinding(**{"muscle": "upper_trapezius", "side": RIGHT, **changes})


def rom(value: float | None = 48.0, **changes: Any) -> a.RomTest:
    """Returns a measured range-of-motion test."""
    test = {"motion": "cervical_rotation", "side": RIGHT, "mode": a.RomTest.ACTIVE, **changes}
    if value is not None and "not_tested" not in test:
        test.setdefault("measured", a.RomTest.Measurement(value=value))
    return a.RomTest(**test)


def posture(**changes: Any) -> a.PostureObservation:
    """Returns a posture observation."""
    return a.PostureObservation(**{"observation": "forward head", **changes})


def flag(**changes: Any) -> a.HealthFlag:
    """Returns a health flag."""
    return a.HealthFlag(**{"condition": "anticoagulant", "answer": a.HealthFlag.ABSENT, **changes})


def recording(**kinds: Any) -> s.RecordFindingsRequest:
    """Returns a RecordFindings request."""
    return s.RecordFindingsRequest(**{"name": NAME, **kinds})


def updating(*paths: str, etag: str = "1-0123456789abcdef", **fields: Any) -> s.UpdateAssessmentRequest:
    """Returns an UpdateAssessment request."""
    return s.UpdateAssessmentRequest(
        assessment=a.Assessment(**{"name": NAME, "etag": etag, **fields}), update_mask=FieldMask(paths=paths)
    )


def whole_assessment() -> a.Assessment:
    """Returns an assessment with something in every field that a caller can set."""
    return a.Assessment(
        client_label="C 1042",
        profile=a.ClientProfile(age_years=41, sex=a.ClientProfile.FEMALE),
        complaint="Neck pain on the right.\nWorse at the desk.",
        goals=["turn the head while driving"],
        lifestyle="desk work",
        daily_activities="typing",
        allergies=["arnica"],
        pain_areas=[pain(intensity=6.5, qualities=["ache"], onset_days=0), pain(side=MIDLINE)],
        palpation_findings=[
            palpation(
                site="shoulder_slope",
                taut_band=True,
                spot_tenderness=True,
                tenderness=7.0,
                local_twitch=False,
                referred_pain=True,
                referred_to=[a.ReferredZone(zone="temporal", side=RIGHT)],
                reproduces_familiar_pain=True,
                pressure_pain_threshold_kpa=180.0,
                tone="raised",
                note="near the angle of the neck",
            ),
            palpation(side=LEFT, spot_tenderness=False),
        ],
        rom_tests=[
            rom(
                measured=a.RomTest.Measurement(
                    value=48, pain=4, end_feel="early firm", limited_by=a.RomTest.CONTRACTION
                ),
                instrument="goniometer",
                examiner="kim",
            ),
            rom(70.0, side=LEFT, examiner="kim"),
            rom(motion="cervical_flexion", side=MIDLINE, not_tested=a.RomTest.NotTested(reason="painful")),
        ],
        posture_observations=[posture(zone="back_of_neck", side=MIDLINE, note="since years"), posture()],
        health_flags=[
            flag(),
            flag(
                condition="pregnancy",
                answer=a.HealthFlag.PRESENT,
                onset_days=120,
                parameters=[a.HealthFlag.Parameter(key="weeks", number=17)],
            ),
            flag(condition="skin_lesion", answer=a.HealthFlag.UNKNOWN, zone="heel", side=LEFT, note="covered"),
        ],
        preferences=a.SessionPreferences(
            pressure_tolerance=3,
            unavailable_positions=["prone"],
            focus_zones=["back_of_neck"],
            avoid_techniques=["petrissage"],
            consents=a.SessionPreferences.Consents(regions_not_to_touch=["torso"], intraoral_allowed=False),
        ),
        scheduled_time=Timestamp(seconds=1_780_000_000, nanos=250_000_000),
    )
