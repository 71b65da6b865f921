"""A server that ends says so first, finishes what runs, refuses what comes late, and exits with 0."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from myoplan.assessment.v1.assessment_pb2 import Assessment
from myoplan.assessment.v1.assessment_service_pb2 import AssessmentEvent, CreateAssessmentRequest
from services.runtime.client import error_of
from services.runtime.status import CallRefused
from tests.support.tokens import TokenIssuer
from tests.support.trial_service import NAME, RECORD, SUPERVISE, never, trial_server

ROOT = Path(__file__).resolve().parents[3]


async def test_drain_tells_finishes_and_refuses(tmp_path: Path) -> None:
    async with trial_server(tmp_path) as trial:
        release, full = asyncio.Event(), asyncio.Event()
        running = 0

        async def hold(request: CreateAssessmentRequest) -> Assessment:
            nonlocal running
            running += 1
            if running == 51:
                full.set()
            await release.wait()
            if request.assessment.complaint == "refuse":
                raise CallRefused(code=grpc.StatusCode.ABORTED, reason="ETAG_MISMATCH", message="late news")
            return Assessment(complaint="done")

        async def endless() -> AsyncIterator[AssessmentEvent]:
            yield AssessmentEvent(cursor="1")
            await never()

        trial.service.answer, trial.service.events = hold, endless
        trial.server.health.set(NAME, serving=True)
        watch = trial.health().Watch(HealthCheckRequest(service=NAME))
        assert (await watch.read()).status == HealthCheckResponse.SERVING
        stream = trial.follow()
        await stream.read()
        calls = [
            asyncio.ensure_future(trial.record(metadata=trial.issuer.metadata(clinic=f"clinic-{number % 5}")))
            for number in range(50)
        ]
        refused = asyncio.ensure_future(trial.record(Assessment(complaint="refuse")))
        await asyncio.wait_for(full.wait(), 5)

        drained = asyncio.ensure_future(trial.server.drain(10))
        assert (await watch.read()).status == HealthCheckResponse.NOT_SERVING
        assert not any(call.done() for call in calls)
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await stream.read()
        assert error_of(ended.value).reason == "SHUTTING_DOWN"
        with pytest.raises(grpc.aio.AioRpcError) as late:
            await trial.record()
        assert late.value.code() is grpc.StatusCode.UNAVAILABLE

        release.set()
        assert [answer.complaint for answer in await asyncio.gather(*calls)] == ["done"] * 50
        with pytest.raises(grpc.aio.AioRpcError) as aborted:
            await refused
        assert error_of(aborted.value).reason == "ETAG_MISMATCH"
        await asyncio.wait_for(drained, 5)
        assert running == 51


async def test_drain_ends_what_takes_too_long(tmp_path: Path) -> None:
    async with trial_server(tmp_path) as trial:
        begun = asyncio.Event()

        async def hang(_request: CreateAssessmentRequest) -> Assessment:
            begun.set()
            await never()
            raise AssertionError

        trial.service.answer = hang
        call = asyncio.ensure_future(trial.record())
        await begun.wait()
        await asyncio.wait_for(trial.server.drain(0.1), 5)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        assert caught.value.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}


PROCESS = """
import asyncio, sys
from pathlib import Path
from typing import Any
from myoplan.assessment.v1.assessment_pb2 import Assessment
from services.runtime.identity import KeySet, TokenVerifier
from services.runtime.lifecycle import serve_until_signalled
from services.runtime.logs import capture_process_logs, make_logger
from services.runtime.server import ServerOptions, build_server
from tests.support.tokens import ISSUER
from tests.support.trial_service import NAME, RIGHTS, TrialService, descriptors, registration

async def hold(request):
    print("holding", flush=True)
    if request.assessment.complaint == "hang":
        await asyncio.Event().wait()
    line = await asyncio.to_thread(sys.stdin.readline)
    return Assessment(complaint=line.strip())

async def background():
    if sys.argv[2] == "fail":
        raise ValueError("canary")
    try:
        await asyncio.Event().wait()
    finally:
        print("background ended", flush=True)

async def close():
    print("closed", flush=True)

async def main():
    logger = make_logger()
    capture_process_logs(logger)
    key_set = KeySet(sys.argv[1])
    await key_set.load()
    service = TrialService()
    service.answer = hold
    server = build_server(
        ServerOptions(), [registration(service)], RIGHTS, TokenVerifier(key_set, ISSUER), lambda _: None, logger,
        pool=descriptors(),
    )
    server.health.set(NAME, serving=True)
    return await serve_until_signalled(
        server, announce="myoplan.trial.v1", background=[background()], close=close, logger=logger,
        drain_seconds=float(sys.argv[3]),
    )

raise SystemExit(asyncio.run(main()))
"""


class Process:
    """The trial service in a process of its own, and a channel to it."""

    def __init__(self, process: asyncio.subprocess.Process, issuer: TokenIssuer) -> None:
        self.process = process
        self.issuer = issuer
        self.channel: grpc.aio.Channel

    async def line(self) -> str:
        assert self.process.stdout is not None
        return (await asyncio.wait_for(self.process.stdout.readline(), 20)).decode().strip()

    def record(self, complaint: str = "") -> asyncio.Future[bytes]:
        request = CreateAssessmentRequest(assessment=Assessment(complaint=complaint)).SerializeToString()
        method: Any = self.channel.unary_unary(RECORD)
        return asyncio.ensure_future(_result(method(request, metadata=self.issuer.metadata(), timeout=20)))

    async def ended(self) -> tuple[int, list[str], list[dict[str, object]]]:
        """Returns the exit code, the rest of the output and the log."""
        out, log = await asyncio.wait_for(self.process.communicate(), 20)
        assert self.process.returncode is not None
        return self.process.returncode, out.decode().splitlines(), [json.loads(line) for line in log.splitlines()]


async def _result(call: grpc.aio.UnaryUnaryCall[bytes, bytes]) -> bytes:
    return await call


@asynccontextmanager
async def process(folder: Path, background: str = "wait", drain_seconds: float = 10) -> AsyncIterator[Process]:
    issuer = TokenIssuer()
    started = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROCESS,
        str(issuer.write_key_set(folder / "keys.json")),
        background,
        str(drain_seconds),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'gen'}"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    running = Process(started, issuer)
    try:
        line = await running.line()
        assert line.startswith("serving myoplan.trial.v1 on 127.0.0.1:")
        async with grpc.aio.insecure_channel(line.rpartition(" ")[2]) as running.channel:
            yield running
    finally:
        if started.returncode is None:
            started.kill()
            await started.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signal_drains_and_exits_with_0(tmp_path: Path, number: signal.Signals) -> None:
    async with process(tmp_path) as running:
        watch = HealthStub(running.channel).Watch(HealthCheckRequest(service=NAME))
        assert (await watch.read()).status == HealthCheckResponse.SERVING
        call = running.record()
        assert await running.line() == "holding"
        running.process.send_signal(number)
        assert (await watch.read()).status == HealthCheckResponse.NOT_SERVING
        supervise: Any = running.channel.unary_unary(SUPERVISE)
        with pytest.raises(grpc.aio.AioRpcError) as late:
            await supervise(b"", metadata=running.issuer.metadata(roles=["supervisor"]))
        assert late.value.code() is grpc.StatusCode.UNAVAILABLE
        assert running.process.stdin is not None
        running.process.stdin.write(b"finished\n")
        assert Assessment.FromString(await call).complaint == "finished"
        code, output, log = await running.ended()
        assert code == 0
        assert output == ["background ended", "closed"]
        assert [line["event"] for line in log] == ["serving", "stopping", "call", "call", "stopped"]


async def test_drain_has_an_end(tmp_path: Path) -> None:
    async with process(tmp_path, drain_seconds=0.2) as running:
        call = running.record("hang")
        assert await running.line() == "holding"
        running.process.send_signal(signal.SIGTERM)
        with pytest.raises(grpc.aio.AioRpcError):
            await call
        code, output, _ = await running.ended()
        assert (code, output) == (0, ["background ended", "closed"])


async def test_second_signal_forces_the_end(tmp_path: Path) -> None:
    async with process(tmp_path) as running:
        watch = HealthStub(running.channel).Watch(HealthCheckRequest(service=NAME))
        await watch.read()
        call = running.record("hang")
        assert await running.line() == "holding"
        running.process.send_signal(signal.SIGTERM)
        assert (await watch.read()).status == HealthCheckResponse.NOT_SERVING  # the first one has arrived
        running.process.send_signal(signal.SIGTERM)
        code, output, _ = await running.ended()
        assert (code, output) == (-signal.SIGTERM, [])
        with pytest.raises(grpc.aio.AioRpcError):
            await call


async def test_background_task_that_fails_ends_the_process_with_1(tmp_path: Path) -> None:
    async with process(tmp_path, background="fail") as running:
        code, output, log = await running.ended()
        assert code == 1
        assert output == ["closed"]
        failure = next(line for line in log if line["event"] == "a background task failed")
        assert failure["error"] == "ValueError"
        assert "canary" not in json.dumps(log)
