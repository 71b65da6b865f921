"""The services that the console is a client of. Every call carries the token of the person who asked for the page."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

from myoplan.assessment.v1.assessment_service_pb2_grpc import AssessmentServiceStub
from myoplan.planner.v1.knowledge_service_pb2_grpc import KnowledgeServiceStub
from myoplan.planner.v1.planner_service_pb2_grpc import PlannerServiceStub
from services.runtime.client import open_channel

if TYPE_CHECKING:
    from myoplan.assessment.v1.assessment_service_pb2_grpc import AssessmentServiceAsyncStub
    from myoplan.planner.v1.knowledge_service_pb2_grpc import KnowledgeServiceAsyncStub
    from myoplan.planner.v1.planner_service_pb2_grpc import PlannerServiceAsyncStub

READ_SECONDS = 8.0
WRITE_SECONDS = 10.0
PLAN_SECONDS = 20.0

_token: ContextVar[str] = ContextVar("token")


def send_as(token: str) -> None:
    """Makes every call of this request carry `token`."""
    _token.set(token)


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The stubs. Timeouts [s]: READ_SECONDS, WRITE_SECONDS, and PLAN_SECONDS for what plans."""

    assessments: AssessmentServiceAsyncStub
    plans: PlannerServiceAsyncStub
    knowledge: KnowledgeServiceAsyncStub


@contextlib.asynccontextmanager
async def connected(assessment: str, planner: str, authority: str = "") -> AsyncIterator[Services]:
    """Connects to both services for the length of a with block; `authority` is the path of their CA, empty: no TLS."""
    async with (
        open_channel(assessment, authority=authority, token_source=_token.get) as to_assessment,
        open_channel(planner, authority=authority, token_source=_token.get) as to_planner,
    ):
        yield Services(
            assessments=AssessmentServiceStub(to_assessment),
            plans=PlannerServiceStub(to_planner),
            knowledge=KnowledgeServiceStub(to_planner),
        )
