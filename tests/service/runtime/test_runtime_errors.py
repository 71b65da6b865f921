"""Every outcome of a call is a status of the contract; the text of an exception never leaves the process."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest

from myoplan.assessment.v1.assessment_pb2 import Assessment, PalpationFinding, RomTest
from myoplan.assessment.v1.assessment_service_pb2 import AssessmentEvent, CreateAssessmentRequest
from services.runtime.boundary import REQUEST_ID_TRAILER
from services.runtime.client import error_of
from services.runtime.status import CallRefused, FieldProblem
from tests.support.trial_service import NAME, RECORD, Trial, TrialService, trial_server

CANARY = "canary Anna Example redis://:secret@store:6379"
SEED = 20_261_124


@pytest.fixture
async def trial(tmp_path: Path) -> AsyncIterator[Trial]:
    async with trial_server(tmp_path) as running:
        yield running


def nested() -> Exception:
    error = RuntimeError(CANARY)
    error.__cause__ = KeyError(CANARY)
    return error


FAILURES: dict[str, Callable[[], BaseException]] = {
    "ValueError": lambda: ValueError(CANARY),
    "KeyError": lambda: KeyError(CANARY),
    "OSError": lambda: OSError(5, CANARY, CANARY),
    "UnicodeDecodeError": lambda: UnicodeDecodeError("utf-8", CANARY.encode(), 0, 1, CANARY),
    "TimeoutError": lambda: TimeoutError(CANARY),
    "NotImplementedError": lambda: NotImplementedError(CANARY),
    "RecursionError": lambda: RecursionError(CANARY),
    "MemoryError": lambda: MemoryError(CANARY),
    "StopAsyncIteration": lambda: StopAsyncIteration(CANARY),
    "ExceptionGroup": lambda: ExceptionGroup(CANARY, [ValueError(CANARY)]),
    "RuntimeError from KeyError": nested,
    "AssertionError": lambda: AssertionError(CANARY),
}


@pytest.mark.parametrize("kind", FAILURES)
async def test_text_of_an_exception_never_leaves(trial: Trial, kind: str) -> None:
    failure = FAILURES[kind]

    async def fail(_request: CreateAssessmentRequest) -> Assessment:
        raise failure()

    async def fail_in_the_middle() -> AsyncIterator[AssessmentEvent]:
        yield AssessmentEvent(cursor="1")
        raise failure()

    trial.service.answer, trial.service.events = fail, fail_in_the_middle
    with pytest.raises(grpc.aio.AioRpcError) as unary:
        await trial.record()
    stream = trial.follow()
    assert (await stream.read()).cursor == "1"
    with pytest.raises(grpc.aio.AioRpcError) as streamed:
        await stream.read()
    for caught in (unary.value, streamed.value):
        error = error_of(caught)
        assert (error.code, error.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL_ERROR")
        assert "canary" not in f"{caught.details()} {caught.trailing_metadata()} {caught.initial_metadata()}"
        request_id = dict(caught.trailing_metadata())[REQUEST_ID_TRAILER]
        bug = next(line for line in trial.lines() if line["event"] == "a bug" and line["request_id"] == request_id)
        assert kind.split(maxsplit=1)[0] in bug["error"]
        assert any("test_runtime_errors.py" in place for place in bug["trace"])
    assert "canary" not in trial.log.getvalue()


async def test_without_the_boundary_the_text_does_leave() -> None:
    """The control of the test above."""
    service = TrialService()

    async def fail(_request: CreateAssessmentRequest) -> Assessment:
        raise ValueError(CANARY)

    service.answer = fail
    server = grpc.aio.server()
    service.add_to(server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        call: Any = channel.unary_unary(RECORD)
        with pytest.raises(grpc.aio.AioRpcError, match="canary"):
            await call(b"")
        with pytest.raises(grpc.aio.AioRpcError) as unreadable:
            await call(b"\xff")
    assert unreadable.value.code() is grpc.StatusCode.UNKNOWN
    await server.stop(0)


async def test_answer_that_cannot_be_serialised_is_a_bug(trial: Trial) -> None:
    async def nothing(_request: CreateAssessmentRequest) -> str:
        return CANARY

    async def nothing_streamed() -> AsyncIterator[str]:
        yield CANARY

    trial.service.answer, trial.service.events = nothing, nothing_streamed
    with pytest.raises(grpc.aio.AioRpcError) as unary:
        await trial.record()
    with pytest.raises(grpc.aio.AioRpcError) as streamed:
        await trial.follow().read()
    assert {unary.value.code(), streamed.value.code()} == {grpc.StatusCode.INTERNAL}
    assert "canary" not in f"{unary.value}{streamed.value}{trial.log.getvalue()}"


async def test_explanation_that_fails_is_a_bug(tmp_path: Path) -> None:
    def explain(error: Exception) -> CallRefused | None:
        raise RuntimeError(CANARY) from error

    async def fail(_request: CreateAssessmentRequest) -> Assessment:
        raise ValueError(CANARY)

    async with trial_server(tmp_path, explain=explain) as trial:
        trial.service.answer = fail
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await trial.record()
        assert error_of(caught.value).reason == "INTERNAL_ERROR"
        assert "RuntimeError from ValueError" in {line.get("error") for line in trial.lines()}
        assert "canary" not in f"{caught.value}{trial.log.getvalue()}"


async def test_known_error_is_explained_with_all_its_details(tmp_path: Path) -> None:
    refusal = CallRefused(
        code=grpc.StatusCode.FAILED_PRECONDITION,
        reason="STATE_FORBIDS",
        message="the assessment is COMPLETED",
        metadata={"resource": "clients/c-1/assessments/a-1", "state": "COMPLETED", "field_count": "2"},
        fields=(FieldProblem("rom_tests[0].side", "is missing"), FieldProblem("note", "ist länger als 8 KiB")),
        preconditions=("the assessment is OPEN",),
        retry_after_seconds=1.5,
    )
    errors: list[Exception] = []

    def explain(error: Exception) -> CallRefused | None:
        errors.append(error)
        return refusal

    async def fail(_request: CreateAssessmentRequest) -> Assessment:
        raise LookupError(CANARY)

    async with trial_server(tmp_path, explain=explain) as trial:
        trial.service.answer = fail
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await trial.record()
        assert vars(error_of(caught.value)) == vars(refusal)
        assert [type(error) for error in errors] == [LookupError]
        line = trial.lines()[-1]
        assert (line["code"], line["reason"]) == ("FAILED_PRECONDITION", "STATE_FORBIDS")


async def test_ten_thousand_field_problems_still_arrive(trial: Trial) -> None:
    problems = tuple(
        FieldProblem(f"palpation_findings[{index}].muscle", "gibt es nicht — ü" * 9) for index in range(10_000)
    )

    async def refuse(_request: CreateAssessmentRequest) -> Assessment:
        raise CallRefused(
            code=grpc.StatusCode.INVALID_ARGUMENT, reason="FIELD_INVALID", message="ü" * 5_000, fields=problems
        )

    trial.service.answer = refuse
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await trial.record()
    error = error_of(caught.value)
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID")
    assert error.metadata == {"field_count": "10000"}
    *listed, rest = error.fields
    assert tuple(listed) == problems[: len(listed)]
    assert len(listed) > 10
    assert rest.problem == f"{10_000 - len(listed)} more are not listed"


async def test_unreadable_bytes_are_refused(trial: Trial) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await trial.raw()(b"\xff\xff", metadata=trial.issuer.metadata())
    error = error_of(caught.value)
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "MESSAGE_UNREADABLE")
    assert error.metadata == {"method": "Record"}
    assert trial.service.entered == 0


def mutations(count: int) -> list[bytes]:
    """Returns variants of a good message: bytes changed, cut, repeated, inserted."""
    chance = random.Random(SEED)
    good = CreateAssessmentRequest(
        parent="clients/c-1",
        assessment=Assessment(
            complaint="headache",
            goals=["sleep"],
            palpation_findings=[PalpationFinding(muscle="upper_trapezius", taut_band=True, tenderness=7)],
            rom_tests=[RomTest(motion="cervical_rotation")],
        ),
    ).SerializeToString()
    made = []
    for _ in range(count):
        raw = bytearray(good)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(raw))
            match chance.randrange(4):
                case 0:
                    raw[at] = chance.randrange(256)
                case 1:
                    del raw[at : at + chance.randint(1, 6)]
                case 2:
                    raw[at:at] = raw[: chance.randint(1, 20)]
                case _:
                    raw[at:at] = chance.randbytes(chance.randint(1, 8))
            raw = raw or bytearray(b"\xff")
        made.append(bytes(raw))
    return made


async def test_mutated_bytes_never_give_an_unknown_error(trial: Trial) -> None:
    call, metadata = trial.raw(), trial.issuer.metadata()
    codes = []
    for raw in mutations(600):
        try:
            await call(raw, metadata=metadata)
        except grpc.aio.AioRpcError as error:
            codes.append(error.code())
    assert set(codes) == {grpc.StatusCode.INVALID_ARGUMENT}, f"seed {SEED}"
    assert len(codes) > 100


async def test_abort_of_a_handler_passes_through(trial: Trial) -> None:
    async def abort(_request: CreateAssessmentRequest) -> Assessment:
        await trial.service.context.abort(grpc.StatusCode.DATA_LOSS, "chosen by the handler")
        raise AssertionError

    trial.service.answer = abort
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await trial.record()
    assert (caught.value.code(), caught.value.details()) == (grpc.StatusCode.DATA_LOSS, "chosen by the handler")
    assert REQUEST_ID_TRAILER in dict(caught.value.trailing_metadata())
    assert [line["code"] for line in trial.lines()] == ["DATA_LOSS"]


async def test_client_that_goes_away_cancels_the_handler(trial: Trial) -> None:
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def wait(_request: CreateAssessmentRequest) -> Assessment:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        raise AssertionError

    closed = asyncio.Event()
    lines_at_close: list[int] = []

    async def flood() -> AsyncIterator[AssessmentEvent]:
        try:
            while True:
                yield AssessmentEvent(cursor="1" * 10_000)
        finally:
            lines_at_close.append(len(trial.lines()))
            closed.set()

    trial.service.answer, trial.service.events = wait, flood
    call = asyncio.ensure_future(trial.record())
    await begun.wait()
    call.cancel()
    await asyncio.wait_for(cancelled.wait(), 5)
    stream = trial.follow()
    await stream.read()
    stream.cancel()
    await asyncio.wait_for(closed.wait(), 5)
    await trial.server.drain(0)
    assert [line["code"] for line in trial.lines() if line["event"] == "call"] == ["CANCELLED", "CANCELLED"]
    assert lines_at_close == [1]  # what a stream holds is given back before the call is over


async def test_every_call_leaves_one_line_with_nothing_of_the_record(trial: Trial) -> None:
    await trial.record(Assessment(complaint=CANARY, client_label=CANARY))
    (line,) = trial.lines()
    assert line.pop("timestamp")
    assert line.pop("milliseconds") >= 0
    assert len(line.pop("request_id")) == 32
    assert line == {
        "level": "info",
        "event": "call",
        "method": f"/{NAME}/Record",
        "code": "OK",
        "reason": "",
        "clinic": "clinic-a",
        "person": "tess",
    }


async def test_unknown_method_stays_out_of_the_log(trial: Trial) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await trial.raw("/canary/canary")(b"", metadata=trial.issuer.metadata())
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert trial.lines()[-1]["method"] == "(unknown)"
    assert "canary" not in json.dumps(trial.lines())
