"""What a caller sees when the store cannot do its work; and the process itself, from start to end."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub
from redis import Redis

from cli.local.accounts import DEMO_THERAPIST, ISSUER, LocalKeys
from cli.local.stack import ServiceProcess
from myoplan.assessment.v1 import assessment_pb2 as a
from myoplan.assessment.v1 import assessment_service_pb2 as s
from myoplan.assessment.v1.assessment_service_pb2_grpc import AssessmentServiceStub
from services.assessment.api.rights import SERVICE
from services.runtime.client import error_of
from services.store.layout import Layout
from services.store.memory import MemoryStore
from services.store.redis import RedisStore
from tests.support.assessment import CLIENT, NAME, assessment_server, pain, recording
from tests.support.redis_server import RedisServer, redis_server
from tests.support.store import SEALER, MemoryHand, new_clinic


async def test_a_damaged_record_is_never_served(tmp_path: Path) -> None:
    store, clinic = MemoryStore(SEALER, "assessment"), new_clinic()
    async with assessment_server(tmp_path, store, clinic) as service:
        await service.create(assessment=a.Assessment(pain_areas=[pain(intensity=6)]))
        hand, key = MemoryHand(store.clinic(clinic)), Layout("assessment", clinic).newest(NAME)
        await hand.put(key, (await hand.get(key)).replace(b'"intensity":6.0', b'"intensity":1.0'))
        for method, request in {
            "GetAssessment": s.GetAssessmentRequest(name=NAME),
            "RecordFindings": recording(pain_areas=[pain()]),
        }.items():
            refusal = await service.refused(method, request)
            assert (refusal.code.name, refusal.reason) == ("DATA_LOSS", "RECORD_DAMAGED")
            assert refusal.metadata == {"resource": NAME}
        refusal = await service.refused("ListAssessments", s.ListAssessmentsRequest(parent=CLIENT))
        assert (refusal.code.name, refusal.metadata) == ("DATA_LOSS", {"resource": CLIENT})


async def test_a_store_that_was_emptied_is_data_loss_and_never_a_fresh_start(tmp_path: Path) -> None:
    with redis_server() as redis:
        store = RedisStore(redis.url, "assessment", SEALER, anchor_file=tmp_path / "anchor.json")
        async with store, assessment_server(tmp_path, store, new_clinic()) as service:
            await service.create()
            assert store.anchoring is not None
            await store.anchoring.until(service.clinic, 1)
            redis.kill()
            for path in redis.folder.glob("appendonly*"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            redis.start()
            for method, request in {
                "GetAssessment": s.GetAssessmentRequest(name=NAME),
                "ListAssessments": s.ListAssessmentsRequest(parent=CLIENT),
                "CreateAssessment": s.CreateAssessmentRequest(parent=CLIENT, assessment=a.Assessment()),
                "WatchAssessments": s.WatchAssessmentsRequest(parent=CLIENT),
            }.items():
                refusal = await service.refused(method, request)
                assert (refusal.code.name, refusal.reason) == ("DATA_LOSS", "RECORD_DAMAGED")
                assert refusal.metadata == {"problem": "entry 1 is missing"}


async def test_a_store_that_is_gone_and_comes_back(tmp_path: Path) -> None:
    with redis_server() as redis:
        async with (
            RedisStore(redis.url, "assessment", SEALER) as store,
            assessment_server(tmp_path, store, new_clinic()) as service,
        ):
            created = await service.create()
            redis.kill()
            for method, request in {
                "GetAssessment": s.GetAssessmentRequest(name=NAME),
                "RecordFindings": recording(pain_areas=[pain()]),
            }.items():
                refusal = await service.refused(method, request)
                assert (refusal.code.name, refusal.reason) == ("UNAVAILABLE", "STORE_UNAVAILABLE")
                assert str(redis.socket) not in str(refusal)
            redis.start()
            assert await service.get() == created
            assert (await service.call("RecordFindings", recording(pain_areas=[pain()]))).revision == 2


# The process


@pytest.fixture
def everysec() -> Iterator[RedisServer]:
    """A Redis that may lose the last second."""
    with redis_server({"appendfsync": "everysec"}) as running:
        yield running


def settings(keys: LocalKeys, redis: RedisServer) -> dict[str, str]:
    return {
        "MYOPLAN_REDIS_URL": redis.url,
        "MYOPLAN_KEY_SET": str(keys.key_set_file),
        "MYOPLAN_ISSUER": ISSUER,
        "MYOPLAN_SEAL_KEY_FILE": str(keys.seal_key_file),
    }


def test_the_process_serves_only_over_a_store_that_keeps_what_it_acknowledges(
    everysec: RedisServer, tmp_path: Path
) -> None:
    keys = LocalKeys(tmp_path / "keys")
    process = ServiceProcess("assessment", settings(keys, everysec), tmp_path)
    process.start()
    try:
        credentials = (("authorization", f"Bearer {keys.token(DEMO_THERAPIST, timedelta(hours=1))}"),)
        with grpc.insecure_channel(process.address) as channel:
            health, stub = HealthStub(channel), AssessmentServiceStub(channel)
            question = health_pb2.HealthCheckRequest(service=SERVICE)
            assert health.Check(question).status == health_pb2.HealthCheckResponse.NOT_SERVING
            request = s.CreateAssessmentRequest(parent=CLIENT, assessment_id="first", assessment=a.Assessment())
            with pytest.raises(grpc.RpcError) as caught:
                stub.CreateAssessment(request, metadata=credentials, timeout=10)
            refusal = error_of(caught.value)
            assert (refusal.code.name, refusal.reason) == ("UNAVAILABLE", "STORE_NOT_DURABLE")
            assert "appendfsync is everysec" in refusal.metadata["problem"]
            with Redis.from_url(everysec.url, protocol=2) as client:
                client.config_set("appendfsync", "always")
            assert stub.CreateAssessment(request, metadata=credentials, timeout=10).name == NAME
            assert health.Check(question).status == health_pb2.HealthCheckResponse.SERVING
        assert process.end(signal.SIGTERM) == 0
        assert NAME not in process.log_file.read_text()
    finally:
        process.stop()


def test_the_process_lists_every_wrong_setting() -> None:
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("MYOPLAN_")}
    wrong = {"MYOPLAN_REDIS_URL": "http://secret@nowhere", "MYOPLAN_ADDRESS": "nowhere", "MYOPLAN_ISSUER": "x"}
    ended = subprocess.run(
        [sys.executable, "-m", "services.assessment"],
        env={**inherited, **wrong, "PYTHONPATH": ".:gen"},
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    for name in ("MYOPLAN_REDIS_URL", "MYOPLAN_ADDRESS", "MYOPLAN_KEY_SET", "MYOPLAN_SEAL_KEY_FILE"):
        assert name in ended.stderr
    assert "secret" not in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""
