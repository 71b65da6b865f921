"""Kills service and Redis again and again while writers go on; what was acknowledged is compared with what is there."""

from __future__ import annotations

import random
import signal
import socket
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import grpc
import pytest

from cli.local.accounts import DEMO_THERAPIST, ISSUER, LocalKeys
from cli.local.redis_server import RedisServer, find_redis
from cli.local.stack import ServiceProcess
from myoplan.assessment.v1 import assessment_pb2 as a
from myoplan.assessment.v1 import assessment_service_pb2 as s
from myoplan.assessment.v1.assessment_service_pb2_grpc import AssessmentServiceStub
from services.runtime.client import blocking_channel
from services.store.redis import RedisStore
from services.store.seals import Sealer
from tests.support.lossy_proxy import LossyProxy

KILLS = 24
WRITERS = 6
MOST_SECONDS = 60.0
SEED = 20261124
ACKS_BETWEEN_KILLS = 12


@dataclass
class Stage:
    """A real Redis and a real service process that can be killed and started again at the same address."""

    folder: Path
    keys: LocalKeys = field(init=False)
    redis: RedisServer = field(init=False)
    service: ServiceProcess = field(init=False)
    proxy: LossyProxy = field(init=False)

    def __post_init__(self) -> None:
        self.keys = LocalKeys(self.folder / "keys")
        self.redis = RedisServer(find_redis(), self.folder / "redis")
        self.redis.start()
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        settings = {
            "MYOPLAN_ADDRESS": f"127.0.0.1:{port}",
            "MYOPLAN_REDIS_URL": self.redis.url,
            "MYOPLAN_KEY_SET": str(self.keys.key_set_file),
            "MYOPLAN_ISSUER": ISSUER,
            "MYOPLAN_SEAL_KEY_FILE": str(self.keys.seal_key_file),
            "MYOPLAN_ANCHOR_FILE": str(self.folder / "anchor.json"),
        }
        self.service = ServiceProcess("assessment", settings, self.folder)
        try:
            self.service.start()
        except BaseException:
            self.redis.stop()
            raise
        self.proxy = LossyProxy(self.service.address)

    def kill(self, *, service: bool, redis: bool) -> None:
        if service:
            self.service.kill()
        if redis:
            self.redis.kill()
            self.redis.start()
        if service:
            self.service.start()

    def close(self) -> None:
        self.proxy.close()
        self.service.stop()
        self.redis.stop()

    @property
    def credentials(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self.keys.token(DEMO_THERAPIST, timedelta(hours=1))}"),)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    built = Stage(tmp_path)
    try:
        yield built
    finally:
        built.close()


@dataclass
class Writer:
    """Adds findings to one assessment, each until it is acknowledged."""

    stub: AssessmentServiceStub
    credentials: tuple[tuple[str, str], ...]
    assessment: str
    with_request_id: bool
    acknowledged: list[str] = field(default_factory=list)

    def add(self, ended: threading.Event) -> bool:
        """Sends one finding until the answer arrives; returns whether it did before the end."""
        finding = f"f-{uuid.uuid4().hex[:12]}"
        request = s.RecordFindingsRequest(
            name=self.assessment,
            posture_observations=[a.PostureObservation(id=finding, observation="seen")],
            request_id=str(uuid.uuid4()) if self.with_request_id else "",
        )
        while not ended.is_set():
            try:
                self.stub.RecordFindings(request, metadata=self.credentials, timeout=2)
            except grpc.RpcError as error:
                if error.code() not in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}:
                    raise
                ended.wait(0.05)  # the client's own back-off; the end of the test cuts it short
            else:
                self.acknowledged.append(finding)
                return True
        return False


def assessment_of(stub: AssessmentServiceStub, credentials: tuple[tuple[str, str], ...]) -> str:
    request = s.CreateAssessmentRequest(
        parent=f"clients/c-{uuid.uuid4().hex[:8]}", assessment=a.Assessment(), request_id=str(uuid.uuid4())
    )
    return stub.CreateAssessment(request, metadata=credentials, timeout=5).name


def recorded(stub: AssessmentServiceStub, credentials: tuple[tuple[str, str], ...], name: str) -> Counter[str]:
    """Returns how often each finding was recorded, over the whole history."""
    times: Counter[str] = Counter()
    token = ""
    while True:
        request = s.ListAssessmentRevisionsRequest(name=name, page_size=200, page_token=token)
        page = stub.ListAssessmentRevisions(request, metadata=credentials, timeout=10)
        for revision in page.revisions:
            times.update(change.rpartition("/")[2] for change in revision.changes if "f-" in change)
        token = page.next_page_token
        if not token:
            return times


async def test_no_acknowledged_write_is_lost_or_doubled(stage: Stage) -> None:
    chance = random.Random(SEED)
    print(f"seed {SEED}")
    ended, begun = threading.Event(), time.monotonic()
    with ExitStack() as open_:
        writers = []
        for _ in range(WRITERS):
            stub = AssessmentServiceStub(open_.enter_context(blocking_channel(stage.proxy.address)))
            writers.append(
                Writer(stub, stage.credentials, assessment_of(stub, stage.credentials), with_request_id=True)
            )

        def write(writer: Writer) -> None:
            while writer.add(ended):
                pass

        threads = [threading.Thread(target=write, args=(writer,)) for writer in writers]
        for thread in threads:
            thread.start()
        kills = 0
        try:
            while kills < KILLS and time.monotonic() - begun < MOST_SECONDS:
                goal = sum(len(writer.acknowledged) for writer in writers) + ACKS_BETWEEN_KILLS
                while sum(len(writer.acknowledged) for writer in writers) < goal:
                    assert time.monotonic() - begun < MOST_SECONDS + 20, "writers stopped making progress"
                    ended.wait(0.01)
                which = kills % 3
                stage.kill(service=which in {0, 2}, redis=which in {1, 2})
                kills += 1
                if chance.random() < 0.5:
                    stage.proxy.lose_answers.set()
                    ended.wait(0.1)
                    stage.proxy.lose_answers.clear()
        finally:
            ended.set()
            for thread in threads:
                thread.join()
        acknowledged = 0
        stub = AssessmentServiceStub(open_.enter_context(blocking_channel(stage.service.address)))
        for writer in writers:
            times = recorded(stub, stage.credentials, writer.assessment)
            assert [name for name in writer.acknowledged if times[name] == 0] == [], "lost"
            assert [name for name, count in times.items() if count > 1] == [], "doubled"
            acknowledged += len(writer.acknowledged)
    assert kills >= 20
    print(
        f"{kills} kills, {acknowledged} acknowledged, {stage.proxy.lost} answers lost, {time.monotonic() - begun:.1f} s"
    )
    async with RedisStore(stage.redis.url, "assessment", Sealer.from_file(stage.keys.seal_key_file)) as store:
        assert await store.verify(DEMO_THERAPIST.clinic) == ()


def test_control_without_request_id_doubles(stage: Stage) -> None:
    """The control: the same lost answers, without request_id, must double a write."""
    with blocking_channel(stage.proxy.address) as channel, blocking_channel(stage.service.address) as direct:
        stub = AssessmentServiceStub(channel)
        straight = AssessmentServiceStub(direct)
        name = assessment_of(straight, stage.credentials)
        writer = Writer(stub, stage.credentials, name, with_request_id=False)
        stage.proxy.lose_answers.set()
        ended = threading.Event()
        thread = threading.Thread(target=writer.add, args=(ended,))
        thread.start()
        while sum(recorded(straight, stage.credentials, name).values()) < 2 and thread.is_alive():
            ended.wait(0.02)
        stage.proxy.lose_answers.clear()
        thread.join(20)
        ended.set()
        assert max(recorded(straight, stage.credentials, name).values()) >= 2


def test_sigterm_lets_calls_finish(stage: Stage) -> None:
    """The service drains: exit code 0, and what was acknowledged is there after the next start."""
    with blocking_channel(stage.service.address) as channel:
        stub = AssessmentServiceStub(channel)
        writer = Writer(stub, stage.credentials, assessment_of(stub, stage.credentials), with_request_id=True)
        assert writer.add(threading.Event())
        assert stage.service.end(signal.SIGTERM) == 0
        stage.service.start()
        assert recorded(stub, stage.credentials, writer.assessment)[writer.acknowledged[0]] == 1
