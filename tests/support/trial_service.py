"""A small service on the production server, for tests of what every service gets from the runtime.

Its handlers are made by hand; the messages are those of the assessment service. A test sets `answer` and `events`.
"""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1.health_pb2_grpc import HealthStub

from myoplan.assessment.v1.assessment_pb2 import Assessment
from myoplan.assessment.v1.assessment_service_pb2 import (
    AssessmentEvent,
    CreateAssessmentRequest,
    WatchAssessmentsRequest,
)
from services.runtime.identity import Caller, Role
from services.runtime.logs import make_logger
from services.runtime.server import Registration, RunningServer, ServerOptions, build_server
from services.runtime.status import CallRefused
from tests.support.tokens import TokenIssuer

NAME = "myoplan.trial.v1.TrialService"
RECORD = f"/{NAME}/Record"
SUPERVISE = f"/{NAME}/Supervise"
FOLLOW = f"/{NAME}/Follow"
RIGHTS: Mapping[str, frozenset[Role]] = {
    RECORD: frozenset({Role.THERAPIST, Role.SUPERVISOR}),
    SUPERVISE: frozenset({Role.SUPERVISOR}),
    FOLLOW: frozenset({Role.THERAPIST, Role.SUPERVISOR, Role.SYSTEM}),
}

Answer = Callable[[CreateAssessmentRequest], Awaitable[Any]]
Events = Callable[[], AsyncIterator[Any]]


class TrialService:
    """Counts how often a handler is entered, keeps the last context, then does what the test says."""

    def __init__(self) -> None:
        self.entered = 0
        self.context: Any = None
        self.answer: Answer = _echo
        self.events: Events = _three_events

    async def unary(self, request: CreateAssessmentRequest, context: object) -> Any:
        """Answers once."""
        self.entered += 1
        self.context = context
        return await self.answer(request)

    async def stream(self, _request: WatchAssessmentsRequest, _context: object) -> AsyncIterator[Any]:
        """Answers with a stream."""
        self.entered += 1
        events: Any = self.events()
        async with aclosing(events):
            async for event in events:
                yield event

    def add_to(self, server: grpc.aio.Server) -> None:
        """Adds the handlers to a server, as the generated code does."""
        unary: grpc.RpcMethodHandler[Any, Any] = grpc.unary_unary_rpc_method_handler(
            self.unary,
            CreateAssessmentRequest.FromString,
            Assessment.SerializeToString,
        )
        stream: grpc.RpcMethodHandler[Any, Any] = grpc.unary_stream_rpc_method_handler(
            self.stream,
            WatchAssessmentsRequest.FromString,
            AssessmentEvent.SerializeToString,
        )
        handlers = {"Record": unary, "Supervise": unary, "Follow": stream}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(NAME, handlers),))
        server.add_registered_method_handlers(NAME, handlers)


async def _echo(request: CreateAssessmentRequest) -> Assessment:
    return request.assessment


async def _three_events() -> AsyncIterator[AssessmentEvent]:
    for cursor in ("1", "2", "3"):
        yield AssessmentEvent(cursor=cursor)


def descriptors() -> DescriptorPool:
    """Returns a pool that knows the trial service, as the generated code would make it."""
    file = FileDescriptorProto(name="myoplan/trial/v1/trial_service.proto", package="myoplan.trial.v1", syntax="proto3")
    file.message_type.add(name="Trial")
    service = file.service.add(name="TrialService")
    for method in ("Record", "Supervise", "Follow"):
        service.method.add(
            name=method,
            input_type=".myoplan.trial.v1.Trial",
            output_type=".myoplan.trial.v1.Trial",
            server_streaming=method == "Follow",
        )
    pool = DescriptorPool()
    pool.Add(file)
    return pool


def registration(service: TrialService) -> Registration:
    """Returns what the server needs to serve `service`."""
    return Registration(service_name=NAME, add=service.add_to)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A running trial service and a channel to it."""

    service: TrialService
    server: RunningServer
    issuer: TokenIssuer
    channel: grpc.aio.Channel
    log: io.StringIO

    def lines(self) -> list[dict[str, Any]]:
        """Returns the log so far."""
        return [json.loads(line) for line in self.log.getvalue().splitlines()]

    def raw(self, method: str = RECORD) -> Any:
        """Returns what calls a method with any bytes."""
        return self.channel.unary_stream(method) if method == FOLLOW else self.channel.unary_unary(method)

    async def record(self, assessment: Assessment | None = None, **call: Any) -> Assessment:
        """Calls Record as a therapist, or with the `metadata` given."""
        method = self.channel.unary_unary(
            RECORD,
            request_serializer=CreateAssessmentRequest.SerializeToString,
            response_deserializer=Assessment.FromString,
        )
        call.setdefault("metadata", self.issuer.metadata())
        answer: Assessment = await method(CreateAssessmentRequest(assessment=assessment), **call)
        return answer

    def follow(self, **call: Any) -> Any:
        """Calls Follow as a therapist, or with the `metadata` given."""
        method: Any = self.channel.unary_stream(
            FOLLOW,
            request_serializer=WatchAssessmentsRequest.SerializeToString,
            response_deserializer=AssessmentEvent.FromString,
        )
        call.setdefault("metadata", self.issuer.metadata())
        return method(WatchAssessmentsRequest(), **call)

    def health(self) -> Any:
        """Returns a stub of the health service."""
        return HealthStub(self.channel)


@asynccontextmanager
async def trial_server(
    folder: Path,
    *,
    options: ServerOptions | None = None,
    explain: Callable[[Exception], CallRefused | None] = lambda _: None,
    on_denied: Callable[[Caller, str], Awaitable[None]] | None = None,
) -> AsyncIterator[Trial]:
    """Serves the trial service for the length of a with block."""
    service, issuer, log = TrialService(), TokenIssuer(), io.StringIO()
    server = build_server(
        options or ServerOptions(),
        [registration(service)],
        RIGHTS,
        await issuer.verifier(folder),
        explain,
        make_logger(stream=log),
        on_denied=on_denied,
        pool=descriptors(),
    )
    await server.start()
    try:
        async with grpc.aio.insecure_channel(server.address) as channel:
            yield Trial(service=service, server=server, issuer=issuer, channel=channel, log=log)
    finally:
        await server.drain(0)


async def never() -> None:
    """Waits until it is cancelled."""
    await asyncio.Event().wait()
