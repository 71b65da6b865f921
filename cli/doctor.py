"""`myoplan doctor`: what this machine has and lacks."""

from __future__ import annotations

import platform
from importlib.metadata import version

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from rich.console import Console

from cli import VERSION
from cli.local.redis_server import RedisNotFound, find_redis
from cli.local.stack import data_folder, read_running
from knowledge.load import KnowledgeInvalid, facts, load
from services.runtime.client import blocking_channel

PATIENCE_SECONDS = 3.0


def examine(console: Console) -> bool:
    """Prints one line for each thing looked at; returns whether everything needed is there."""
    console.print(f"Myoplan     {VERSION}, Python {platform.python_version()}, grpcio {version('grpcio')}")
    return all([_redis(console), _knowledge(console), _services(console)])


def _redis(console: Console) -> bool:
    try:
        console.print(f"Redis       {find_redis()}")
    except RedisNotFound as error:
        console.print(f"Redis       MISSING: {error}")
        return False
    return True


def _knowledge(console: Console) -> bool:
    try:
        base = load()
    except KnowledgeInvalid as error:
        console.print(f"Knowledge   BROKEN: {len(error.problems)} problems, the first: {error.problems[0]}")
        return False
    everything = list(facts(base))
    reviewed = sum(bool(fact.reviewed_by) for fact in everything)
    console.print(
        f"Knowledge   revision {base.revision[:12]}, {len(base.muscles)} muscles, {len(everything)} facts, "
        f"{reviewed} reviewed by a clinician"
    )
    return True


def _services(console: Console) -> bool:
    console.print(f"Data        {data_folder()}")
    running = read_running()
    if running is None:
        console.print("Services    none running (start them with `myoplan up`)")
        return True
    sound = True
    for name, address in (("assessment", running.assessment), ("planner", running.planner)):
        with blocking_channel(address) as channel:
            try:
                request = health_pb2.HealthCheckRequest()
                status = health_pb2_grpc.HealthStub(channel).Check(request, timeout=PATIENCE_SECONDS).status
                word = health_pb2.HealthCheckResponse.ServingStatus.Name(status)
            except grpc.RpcError as error:
                word = f"no answer ({error.code().name})"
        sound = sound and word == "SERVING"
        console.print(f"Services    {name} at {address}: {word}")
    return sound
