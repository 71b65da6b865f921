"""Measures the planner as a service beside a floor in the same run: a bare gRPC server that reads one value from Redis.

Rounds take the arms in another order each time, and what is reported is the ratio of medians per round. Memory is what
the process holds resident; the start is from the launch of the process to its first answered call.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import grpc
from google.protobuf.duration_pb2 import Duration
from redis import Redis

from benchmarks.peers import echo
from cli.cases import read_case
from cli.connection import Connection, connected
from cli.local.redis_server import running_redis
from cli.local.stack import private_stack
from myoplan.assessment.v1.assessment_service_pb2 import CompleteAssessmentRequest, CreateAssessmentRequest
from myoplan.planner.v1.knowledge_service_pb2 import GetKnowledgeBaseRequest
from myoplan.planner.v1.knowledge_service_pb2_grpc import KnowledgeServiceStub
from myoplan.planner.v1.plan_pb2 import Constraints, Plan
from myoplan.planner.v1.planner_service_pb2 import CreatePlanRequest

CASES = Path(__file__).parents[1] / "examples" / "cases"
_SECONDS = 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this benchmark."""
    parser.add_argument("--case", default="", help="the case to plan; default: the one with about 20 candidates")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--calls", type=int, default=20, help="calls of each arm in a round")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Prints the table."""
    with private_stack(lambda _: None) as running, connected(running) as services, _floor() as floor:
        name, candidates = _assessment(services, arguments.case)
        planner = _process("services.planner")
        before = _resident_mb(planner)
        fresh = _previews(services, name)
        again = CreatePlanRequest(parent=_client(name), plan=_asked(name, 60), validate_only=True)

        def repeated() -> None:
            services.plans.CreatePlan(again, metadata=services.credentials)

        arms = {"floor": floor, "plan": lambda: next(fresh), "repeated preview": repeated}
        for warm_up in arms.values():
            warm_up()
        medians: dict[str, list[float]] = {arm: [] for arm in arms}
        for _ in range(arguments.rounds):
            order = list(arms)
            random.shuffle(order)
            for arm in order:
                medians[arm].append(median(_timed(arms[arm]) for _ in range(arguments.calls)))
        floors = medians["floor"]
        print(f"load {os.getloadavg()[0]:.2f}; {candidates} candidates, 60 minutes; {arguments.rounds} rounds")
        for arm, found in medians.items():
            ratios = [one / other for one, other in zip(found, floors, strict=True)]
            spread = f"{min(ratios):.1f} to {max(ratios):.1f}"
            print(f"{arm:18} p50 {median(found):7.2f} ms   × floor {median(ratios):5.1f}  ({spread})")
        print(f"planner resident: {before:.0f} MB at the start, {_resident_mb(planner):.0f} MB after these plans")
        _print_start(planner)


# --- arms ---------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _floor() -> Iterator[Callable[[], None]]:
    with tempfile.TemporaryDirectory() as folder, running_redis(Path(folder)) as redis:
        with contextlib.closing(Redis.from_url(redis.url)) as client:
            client.set(echo.KEY, b"\0" * 990)
        with _echo(redis.url) as port, grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            get = _getter(channel)
            yield lambda: get(echo.KEY)


def _getter(channel: grpc.Channel) -> Callable[[bytes], None]:
    call: Any = channel.unary_unary(echo.METHOD)

    def get(key: bytes) -> None:
        call(key, timeout=_SECONDS)

    return get


@contextlib.contextmanager
def _echo(url: str) -> Iterator[int]:
    command = [sys.executable, "-m", "benchmarks.peers.echo", url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield int(process.stdout.readline() if process.stdout else "")
        finally:
            process.kill()


def _assessment(services: Connection, case: str) -> tuple[str, int]:
    """Records the case (else the one whose number of candidates is nearest to 20); returns its name and that number."""
    found: list[tuple[int, str, int]] = []
    for path in sorted(CASES.glob("*.yaml")):
        if case and path.stem != case:
            continue
        parent = f"clients/{path.stem.replace('_', '-')}"
        create = CreateAssessmentRequest(parent=parent, assessment=read_case(path))
        opened = services.assessments.CreateAssessment(create, metadata=services.credentials)
        seal = CompleteAssessmentRequest(name=opened.name, etag=opened.etag)
        name = services.assessments.CompleteAssessment(seal, metadata=services.credentials).name
        asked = CreatePlanRequest(parent=parent, plan=_asked(name, 60), validate_only=True)
        plan = services.plans.CreatePlan(asked, metadata=services.credentials)
        if plan.steps:
            found.append((abs(len(plan.candidates) - 20), name, len(plan.candidates)))
    _, name, candidates = min(found)
    return name, candidates


def _previews(services: Connection, name: str) -> Iterator[None]:
    """Plans again and again, each time under other constraints, so that no answer can be remembered."""
    used = 0
    while True:
        used += 1
        plan = _asked(name, 60)
        plan.constraints.CopyFrom(Constraints())
        plan.constraints.hand_load_used_today.tool = used % 1000
        plan.constraints.hand_load_used_today.wrist = used // 1000
        request = CreatePlanRequest(parent=_client(name), plan=plan, validate_only=True)
        services.plans.CreatePlan(request, metadata=services.credentials)
        yield


def _asked(name: str, minutes: int) -> Plan:
    return Plan(assessment=name, time_budget=Duration(seconds=60 * minutes))


def _client(name: str) -> str:
    return name.partition("/assessments/")[0]


def _timed(call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    call()
    return (time.perf_counter() - begin) * 1000


# --- processes ----------------------------------------------------------------------------------------------------


def _process(module: str) -> int:
    """Returns the id of our child that runs `module`."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (folder / "cmdline").read_bytes().split(b"\0")
            parent = next(line for line in (folder / "status").read_text().splitlines() if line.startswith("PPid"))
            if module.encode() in words and int(parent.split()[1]) == os.getpid():
                return int(folder.name)
    raise SystemExit(f"{module} does not run")


def _resident_mb(process: int) -> float:
    status = Path(f"/proc/{process}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def _print_start(planner: int) -> None:
    """Starts a second planner as the first was started, and a bare server, in turns."""
    environment = dict(
        line.decode().split("=", 1) for line in Path(f"/proc/{planner}/environ").read_bytes().split(b"\0") if line
    )
    ratios: list[float] = []
    with tempfile.TemporaryDirectory() as folder, running_redis(Path(folder)) as redis:
        for _ in range(5):
            begin = time.perf_counter()
            with _echo(redis.url) as port, grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                _getter(channel)(echo.KEY)
                bare = time.perf_counter() - begin
            ratios.append(_start_of_planner(environment, folder) / bare)
    print(f"start to first answer: {median(ratios):.1f} × a bare server ({min(ratios):.1f} to {max(ratios):.1f})")


def _start_of_planner(environment: dict[str, str], folder: str) -> float:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{place.getsockname()[1]}"
    own = {**environment, "MYOPLAN_ADDRESS": address, "MYOPLAN_ANCHOR_FILE": f"{folder}/anchor.json"}
    command = [sys.executable, "-m", "services.planner"]
    begin = time.perf_counter()
    with subprocess.Popen(command, env=own, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            with grpc.insecure_channel(address) as channel:
                grpc.channel_ready_future(channel).result(timeout=_SECONDS)
                # Any answer will do: without a credential it is UNAUTHENTICATED, and the server has worked.
                with contextlib.suppress(grpc.RpcError):
                    KnowledgeServiceStub(channel).GetKnowledgeBase(GetKnowledgeBaseRequest(), timeout=_SECONDS)
            return time.perf_counter() - begin
        finally:
            process.kill()
