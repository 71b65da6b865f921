"""What the services and the command line call other services with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import grpc
import pytest

from myoplan.assessment.v1.assessment_pb2 import Assessment
from myoplan.assessment.v1.assessment_service_pb2 import AssessmentEvent, CreateAssessmentRequest
from services.runtime.client import blocking_channel, error_of, open_channel
from services.runtime.identity import current_caller
from services.runtime.status import CallRefused
from tests.support.trial_service import FOLLOW, RECORD, Trial, trial_server


@pytest.fixture
async def trial(tmp_path: Path) -> AsyncIterator[Trial]:
    async with trial_server(tmp_path) as running:
        yield running


def unavailable() -> CallRefused:
    return CallRefused(code=grpc.StatusCode.UNAVAILABLE, reason="STORE_UNAVAILABLE", message="no store")


async def test_token_is_the_one_of_the_call_at_hand(trial: Trial) -> None:
    token: ContextVar[str] = ContextVar("token")
    people: list[str] = []

    async def answer(_request: CreateAssessmentRequest) -> Assessment:
        people.append(current_caller().person)
        return Assessment()

    async def events() -> AsyncIterator[AssessmentEvent]:
        people.append(current_caller().person)
        yield AssessmentEvent(cursor="1")

    trial.service.answer, trial.service.events = answer, events
    async with open_channel(trial.server.address, token_source=token.get) as channel:

        async def call(person: str) -> None:
            token.set(trial.issuer.token(person=person))
            unary: Any = channel.unary_unary(RECORD)
            stream: Any = channel.unary_stream(FOLLOW)
            await unary(b"", metadata=(("padding", "kept"),))
            assert [message async for message in stream(b"")] == [b"\n\x011"]

        await asyncio.gather(*(call(person) for person in ("ann", "ben")))
    assert sorted(people) == ["ann", "ann", "ben", "ben"]


@pytest.mark.parametrize(
    ("failures", "code", "entered"),
    [
        ([unavailable()] * 2, grpc.StatusCode.OK, 3),
        ([unavailable()] * 9, grpc.StatusCode.UNAVAILABLE, 4),
        ([ValueError("a bug")], grpc.StatusCode.INTERNAL, 1),
        (
            [CallRefused(code=grpc.StatusCode.ABORTED, reason="ETAG_MISMATCH", message="changed")],
            grpc.StatusCode.ABORTED,
            1,
        ),
    ],
    ids=["twice unavailable", "always unavailable", "a bug", "aborted"],
)
async def test_only_unavailable_is_tried_again(
    trial: Trial, failures: list[Exception], code: grpc.StatusCode, entered: int
) -> None:
    async def answer(_request: CreateAssessmentRequest) -> Assessment:
        if failures:
            raise failures.pop()
        return Assessment()

    trial.service.answer = answer
    async with open_channel(trial.server.address) as channel:
        method: Any = channel.unary_unary(RECORD)
        assert await method(b"", metadata=trial.issuer.metadata(), timeout=10).code() is code
    assert trial.service.entered == entered


async def test_blocking_client_reads_errors(trial: Trial) -> None:
    def call() -> CallRefused:
        with blocking_channel(trial.server.address) as channel:
            method: Any = channel.unary_unary(RECORD)
            with pytest.raises(grpc.RpcError) as caught:
                method(b"", timeout=5)
            return error_of(caught.value)

    error = await asyncio.to_thread(call)
    assert (error.code, error.reason) == (grpc.StatusCode.UNAUTHENTICATED, "CREDENTIAL_INVALID")
    assert error.metadata == {"problem": "missing"}


async def test_error_of_the_transport_has_no_reason() -> None:
    async with grpc.aio.insecure_channel("127.0.0.1:1") as channel:
        call: Any = channel.unary_unary(RECORD)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(b"", timeout=5)
    error = error_of(caught.value)
    assert (error.code, error.reason) == (grpc.StatusCode.UNAVAILABLE, "")
