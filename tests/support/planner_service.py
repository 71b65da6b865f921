"""Both services running in this process, joined as in production, and good requests in a few words."""

from __future__ import annotations

import io
import itertools
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf.duration_pb2 import Duration

from knowledge.model import KnowledgeBase
from myoplan.assessment.v1 import assessment_pb2 as a
from myoplan.assessment.v1.assessment_service_pb2 import (
    AmendAssessmentRequest,
    CompleteAssessmentRequest,
    CreateAssessmentRequest,
    VoidAssessmentRequest,
)
from myoplan.assessment.v1.assessment_service_pb2_grpc import AssessmentServiceStub
from myoplan.planner.v1 import plan_pb2 as pb
from myoplan.planner.v1.knowledge_service_pb2_grpc import KnowledgeServiceStub
from myoplan.planner.v1.planner_service_pb2 import CreatePlanRequest
from myoplan.planner.v1.planner_service_pb2_grpc import PlannerServiceStub
from services.assessment import __main__ as assessment_service
from services.assessment.api.rights import SERVICE as ASSESSMENT
from services.planner.__main__ import build
from services.planner.api.rights import KNOWLEDGE, PLANNER
from services.planner.clients.assessment import GrpcAssessments
from services.runtime.client import error_of, open_channel
from services.runtime.identity import current_caller
from services.runtime.logs import make_logger
from services.runtime.server import RunningServer, ServerOptions
from services.runtime.status import CallRefused
from services.store.memory import MemoryStore
from services.store.model import RecordStore
from tests.support.planner import load_once
from tests.support.store import SEALER
from tests.support.tokens import TokenIssuer

if TYPE_CHECKING:
    from myoplan.assessment.v1.assessment_service_pb2_grpc import AssessmentServiceAsyncStub

CLIENT = "clients/ada"
ASSESSMENT_NAME = f"{CLIENT}/assessments/first"
PLAN_NAME = f"{CLIENT}/plans/first"
BEGIN_MICROS = 1_772_442_000_000_000


def ticking() -> Callable[[], int]:
    """Returns a clock that goes on by a second whenever somebody looks at it."""
    seconds = itertools.count()
    return lambda: BEGIN_MICROS + next(seconds) * 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The planner beside a real assessment service, with the store under it and a channel to each."""

    store: RecordStore
    issuer: TokenIssuer
    planner: Any
    knowledge: Any
    assessments: AssessmentServiceAsyncStub
    assessment_server: RunningServer
    clinic: str
    log: io.StringIO
    planner_address: str = ""

    def credentials(self, **claims: Any) -> tuple[tuple[str, str]]:
        """Returns what a call carries; a therapist of the clinic unless the claims say otherwise."""
        return self.issuer.metadata(**{"clinic": self.clinic, **claims})

    async def call(self, method: str, request: Any, **claims: Any) -> Any:
        """Calls a method of the planner or of the knowledge service by its name."""
        stub = self.planner if hasattr(self.planner, method) else self.knowledge
        return await getattr(stub, method)(request, metadata=self.credentials(**claims), timeout=20)

    async def refused(self, method: str, request: Any, **claims: Any) -> CallRefused:
        """Calls a method, which has to fail, and returns what the failure says."""
        try:
            await self.call(method, request, **claims)
        except grpc.aio.AioRpcError as error:
            return error_of(error)
        raise AssertionError(f"{method} did not fail")

    async def assess(self, assessment: a.Assessment | None = None, identifier: str = "first", **claims: Any) -> str:
        """Records an assessment and seals it; returns its name."""
        opened = await self.open(assessment, identifier, **claims)
        seal = CompleteAssessmentRequest(name=opened.name, etag=opened.etag)
        await self.assessments.CompleteAssessment(seal, metadata=self.credentials(**claims), timeout=20)
        return opened.name

    async def open(
        self, assessment: a.Assessment | None = None, identifier: str = "first", **claims: Any
    ) -> a.Assessment:
        """Records an assessment and leaves it open."""
        request = CreateAssessmentRequest(parent=CLIENT, assessment_id=identifier, assessment=assessment or headache())
        return await self.assessments.CreateAssessment(request, metadata=self.credentials(**claims), timeout=20)

    async def amend(self, name: str, etag: str) -> a.Assessment:
        """Opens the next revision of a sealed assessment."""
        request = AmendAssessmentRequest(name=name, etag=etag, reason="more to record")
        return await self.assessments.AmendAssessment(request, metadata=self.credentials(), timeout=20)

    async def void(self, name: str, etag: str) -> None:
        """Voids an assessment."""
        request = VoidAssessmentRequest(name=name, etag=etag, reason="wrong client")
        await self.assessments.VoidAssessment(request, metadata=self.credentials(), timeout=20)


@asynccontextmanager
async def both_services(
    folder: Path, store: RecordStore, clinic: str, knowledge: KnowledgeBase | None = None
) -> AsyncIterator[Running]:
    """Runs both production services for the length of a with block; `store` is the planner's."""
    issuer, log = TokenIssuer(), io.StringIO()
    verifier = await issuer.verifier(folder)
    base = knowledge or load_once()
    first = assessment_service.build(
        options=ServerOptions(),
        store=MemoryStore(SEALER, "assessment"),
        verifier=verifier,
        knowledge=base,
        logger=make_logger(stream=io.StringIO()),
    )
    first.health.set(ASSESSMENT, serving=True)
    await first.start()
    try:
        async with (
            open_channel(first.address, token_source=lambda: current_caller().token) as inner,
            grpc.aio.insecure_channel(first.address) as beside,
        ):
            server = build(
                options=ServerOptions(),
                store=store,
                assessments=GrpcAssessments(inner, base.revision),
                verifier=verifier,
                knowledge=base,
                logger=make_logger(stream=log),
                clock=ticking(),
                new_id=lambda: str(uuid.uuid4()),
            )
            server.health.set(PLANNER, serving=True)
            server.health.set(KNOWLEDGE, serving=True)
            await server.start()
            try:
                async with grpc.aio.insecure_channel(server.address) as channel:
                    yield Running(
                        store=store,
                        issuer=issuer,
                        planner=PlannerServiceStub(channel),
                        knowledge=KnowledgeServiceStub(channel),
                        assessments=AssessmentServiceStub(beside),
                        assessment_server=first,
                        clinic=clinic,
                        log=log,
                        planner_address=server.address,
                    )
            finally:
                await server.drain(0)
    finally:
        await first.drain(0)


# --- good requests ------------------------------------------------------------------------------------------------


def headache(**changes: Any) -> a.Assessment:
    """Returns an assessment of a headache from the neck, on the right."""
    found = {
        "profile": a.ClientProfile(age_years=41, sex=a.ClientProfile.FEMALE),
        "pain_areas": [
            a.PainArea(zone="temporal", side=a.RIGHT, intensity=6.0),
            a.PainArea(zone="back_of_neck", side=a.RIGHT, intensity=5.0),
        ],
        "palpation_findings": [tender("upper_trapezius"), tender("levator_scapulae")],
        "rom_tests": [
            a.RomTest(
                motion="cervical_rotation",
                side=side,
                mode=a.RomTest.ACTIVE,
                measured=a.RomTest.Measurement(value=value, limited_by=a.RomTest.STRETCH),
            )
            for side, value in ((a.LEFT, 45.0), (a.RIGHT, 75.0))
        ],
        "health_flags": [
            a.HealthFlag(condition=condition.id, answer=a.HealthFlag.ABSENT)
            for condition in load_once().conditions.values()
            if condition.ask_always
        ],
    }
    return a.Assessment(**{**found, **changes})


def tender(muscle: str, side: Any = a.RIGHT) -> a.PalpationFinding:
    """Returns an active trigger point."""
    return a.PalpationFinding(
        muscle=muscle,
        side=side,
        taut_band=True,
        spot_tenderness=True,
        tenderness=7.0,
        referred_pain=True,
        reproduces_familiar_pain=True,
    )


def planning(minutes: float = 60, *, assessment: str = ASSESSMENT_NAME, **changes: Any) -> CreatePlanRequest:
    """Returns a request for a plan; `constraints` are those of the plan, other changes those of the request."""
    plan = pb.Plan(
        assessment=assessment,
        time_budget=Duration(seconds=round(60 * minutes)),
        constraints=changes.pop("constraints", None),
    )
    return CreatePlanRequest(**{"parent": CLIENT, "plan": plan, "plan_id": "first", **changes})


def new_request_id() -> str:
    """Returns a UUID4."""
    return str(uuid.uuid4())
