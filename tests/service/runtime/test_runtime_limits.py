"""The limits are what the documentation says, and what is over them is refused at once, with a hint."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import grpc
import pytest

from myoplan.assessment.v1.assessment_pb2 import Assessment
from myoplan.assessment.v1.assessment_service_pb2 import AssessmentEvent, CreateAssessmentRequest
from services.runtime.client import error_of
from services.runtime.deadline import seconds_left
from services.runtime.server import Limits, ServerOptions
from services.runtime.status import CallRefused
from tests.support.trial_service import FOLLOW, RECORD, Trial, never, trial_server

MESSAGE_LIMIT = 256 * 1024


@pytest.fixture
async def trial(tmp_path: Path) -> AsyncIterator[Trial]:
    async with trial_server(tmp_path) as running:
        yield running


def message_of_size(size: int) -> bytes:
    raw = CreateAssessmentRequest(request_id="a" * (size - 4)).SerializeToString()
    assert len(raw) == size
    return raw


async def refused(call: grpc.aio.UnaryUnaryCall[object, object]) -> CallRefused:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return error_of(caught.value)


async def test_message_limit_is_exact(trial: Trial) -> None:
    metadata = trial.issuer.metadata()
    for size in (MESSAGE_LIMIT - 1, MESSAGE_LIMIT):
        await trial.raw()(message_of_size(size), metadata=metadata)
    assert trial.service.entered == 2
    for message in (message_of_size(MESSAGE_LIMIT + 1), bytes(10 * MESSAGE_LIMIT)):
        error = await refused(trial.raw()(message, metadata=metadata))
        assert error.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert trial.service.entered == 2


async def test_small_message_that_unpacks_to_a_large_one_is_refused(trial: Trial) -> None:
    error = await refused(
        trial.raw()(bytes(40 * MESSAGE_LIMIT), metadata=trial.issuer.metadata(), compression=grpc.Compression.Gzip)
    )
    assert error.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert trial.service.entered == 0


async def test_metadata_limit(trial: Trial) -> None:
    credential = trial.issuer.metadata()
    await trial.record(metadata=(*credential, ("padding", "a" * (7 * 1024 - len(credential[0][1])))))
    for _ in range(2):  # never by chance
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await trial.record(metadata=(*credential, ("padding", "a" * (8 * 1024 - len(credential[0][1])))))
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert trial.service.entered == 1


async def test_three_waves_of_overload_are_refused_alike(tmp_path: Path) -> None:
    """300 calls of 30 clinics at once: 64 run, the others are refused at once with a hint; three times over."""
    async with trial_server(tmp_path) as trial, AsyncExitStack() as channels:
        methods: list[Any] = []
        for _ in range(10):
            # Channels of their own: one connection carries at most 64 calls and the client would queue the rest.
            channel = grpc.aio.insecure_channel(trial.server.address, [("grpc.use_local_subchannel_pool", 1)])
            await channels.enter_async_context(channel)
            methods.append(channel.unary_unary(RECORD))
        credentials = [trial.issuer.metadata(clinic=f"clinic-{number}") for number in range(30)]
        running = most_running = 0
        release = asyncio.Event()

        async def hold(_request: CreateAssessmentRequest) -> Assessment:
            nonlocal running, most_running
            running += 1
            most_running = max(most_running, running)
            await release.wait()
            running -= 1
            return Assessment()

        trial.service.answer = hold
        for _ in range(3):
            release.clear()
            most_running = 0
            tally: Counter[grpc.StatusCode] = Counter()
            rejected = asyncio.Event()

            async def call(number: int, tally: Counter[grpc.StatusCode], rejected: asyncio.Event) -> None:
                try:
                    await methods[number % 10](b"", metadata=credentials[number % 30], timeout=20)
                    tally[grpc.StatusCode.OK] += 1
                except grpc.aio.AioRpcError as caught:
                    error = error_of(caught)
                    tally[error.code] += 1
                    assert error.reason == "LIMIT_EXCEEDED"
                    assert error.metadata == {"limit": "calls", "most": "64"}
                    assert error.retry_after_seconds == 0.5
                    if tally[error.code] == 300 - 64:
                        rejected.set()

            calls = [asyncio.ensure_future(call(number, tally, rejected)) for number in range(300)]
            await asyncio.wait_for(rejected.wait(), 10)  # while the 64 still run
            release.set()
            await asyncio.gather(*calls)
            assert tally == {grpc.StatusCode.OK: 64, grpc.StatusCode.RESOURCE_EXHAUSTED: 236}
            assert most_running == 64
            assert running == 0
        await trial.record()


async def test_one_clinic_cannot_take_the_room_of_others(trial: Trial) -> None:
    release, full = asyncio.Event(), asyncio.Event()
    running = 0

    async def hold(_request: CreateAssessmentRequest) -> Assessment:
        nonlocal running
        running += 1
        if running == 16:
            full.set()
        await release.wait()
        return Assessment()

    trial.service.answer = hold
    noisy = [asyncio.ensure_future(trial.record()) for _ in range(16)]
    await asyncio.wait_for(full.wait(), 5)
    error = await refused(trial.raw()(b"", metadata=trial.issuer.metadata()))
    assert (error.code, error.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "LIMIT_EXCEEDED")
    assert error.metadata == {"limit": "calls_per_clinic", "most": "16"}
    assert error.retry_after_seconds == 0.5
    other = asyncio.ensure_future(trial.record(metadata=trial.issuer.metadata(clinic="clinic-b")))
    # A stream has room of its own.
    assert await trial.follow().read()
    release.set()
    await asyncio.gather(*noisy, other)


async def test_streams_have_a_small_limit_of_their_own(trial: Trial) -> None:
    async def endless() -> AsyncIterator[AssessmentEvent]:
        yield AssessmentEvent(cursor="1")
        await never()

    trial.service.events = endless
    streams = [trial.follow() for _ in range(8)]
    for stream in streams:
        await stream.read()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await trial.follow().read()
    assert error_of(caught.value).metadata == {"limit": "streams_per_clinic", "most": "8"}
    other = trial.follow(metadata=trial.issuer.metadata(clinic="clinic-b"))
    assert await other.read()
    await trial.record()
    for stream in (*streams, other):
        stream.cancel()


@pytest.mark.parametrize(
    ("client_seconds", "limits", "expected_seconds"),
    [
        (None, Limits(default_deadline_seconds=0.2), 0.2),
        (1.0, Limits(), 0.95),
        (60.0, Limits(longest_deadline_seconds=0.2), 0.2),
    ],
    ids=["none: the default", "shaved", "capped"],
)
async def test_server_itself_reports_the_deadline(
    tmp_path: Path, client_seconds: float | None, limits: Limits, expected_seconds: float
) -> None:
    async with trial_server(tmp_path, options=ServerOptions(limits=limits)) as trial:
        left: list[float | None] = []
        ended = asyncio.Event()

        async def hang(_request: CreateAssessmentRequest) -> Assessment:
            left.append(seconds_left())
            try:
                await never()
            finally:
                ended.set()
            raise AssertionError

        trial.service.answer = hang
        error = await refused(trial.raw()(b"", metadata=trial.issuer.metadata(), timeout=client_seconds))
        assert (error.code, error.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_TOO_SHORT")
        allowed = float(error.metadata["deadline_seconds"])
        assert expected_seconds - 0.15 <= allowed <= expected_seconds  # the way here takes a little of it
        assert left[0] is not None
        assert 0 < left[0] <= allowed + 0.01
        assert ended.is_set()
        assert [line["code"] for line in trial.lines()] == ["DEADLINE_EXCEEDED"]
    assert seconds_left() is None


async def test_time_out_inside_of_a_handler_is_not_the_deadline(trial: Trial) -> None:
    async def time_out(_request: CreateAssessmentRequest) -> Assessment:
        async with asyncio.timeout(0):
            await never()
        raise AssertionError

    trial.service.answer = time_out
    error = await refused(trial.raw()(b"", metadata=trial.issuer.metadata()))
    assert error.code is grpc.StatusCode.INTERNAL


async def test_stream_outlives_the_deadline_of_other_calls(tmp_path: Path) -> None:
    options = ServerOptions(limits=Limits(default_deadline_seconds=0.05, longest_deadline_seconds=0.05))
    async with trial_server(tmp_path, options=options) as trial:
        go_on = asyncio.Event()

        async def events() -> AsyncIterator[AssessmentEvent]:
            yield AssessmentEvent(cursor="1")
            await go_on.wait()
            yield AssessmentEvent(cursor="2")

        async def hang(_request: CreateAssessmentRequest) -> Assessment:
            await never()
            raise AssertionError

        trial.service.events, trial.service.answer = events, hang
        stream = trial.follow()
        await stream.read()
        error = await refused(trial.raw()(b"", metadata=trial.issuer.metadata()))  # takes the 0.05 s
        assert error.code is grpc.StatusCode.DEADLINE_EXCEEDED
        go_on.set()
        assert (await stream.read()).cursor == "2"


async def test_stream_ends_with_the_age_of_its_connection(tmp_path: Path) -> None:
    limits = Limits(connection_age_seconds=0.1, connection_grace_seconds=0.1)
    async with trial_server(tmp_path, options=ServerOptions(limits=limits)) as trial:

        async def endless() -> AsyncIterator[AssessmentEvent]:
            yield AssessmentEvent(cursor="1")
            await never()

        trial.service.events = endless
        stream = trial.follow()
        await stream.read()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await asyncio.wait_for(stream.read(), 10)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_health_answers_while_every_place_is_taken(tmp_path: Path) -> None:
    limits = Limits(calls=1, calls_per_clinic=1, streams=1, streams_per_clinic=1)
    async with trial_server(tmp_path, options=ServerOptions(limits=limits)) as trial:
        begun = asyncio.Event()

        async def hold(_request: CreateAssessmentRequest) -> Assessment:
            begun.set()
            await never()
            raise AssertionError

        async def endless() -> AsyncIterator[AssessmentEvent]:
            yield AssessmentEvent(cursor="1")
            await never()

        trial.service.answer, trial.service.events = hold, endless
        held = asyncio.ensure_future(trial.record())
        await begun.wait()
        stream = trial.raw(FOLLOW)(b"", metadata=trial.issuer.metadata())
        await stream.read()
        assert await trial.raw("/grpc.health.v1.Health/Check")(b"")
        held.cancel()
        stream.cancel()
