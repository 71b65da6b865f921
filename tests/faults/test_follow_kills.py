"""Kills the planner and the assessment service while assessments change: nothing that changed is overlooked."""

from __future__ import annotations

import random
import socket
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from cli.local.accounts import DEMO_THERAPIST, ISSUER, LocalKeys
from cli.local.planner_tokens import planner_tokens
from cli.local.redis_server import RedisServer, find_redis
from cli.local.stack import ServiceProcess
from myoplan.assessment.v1 import assessment_service_pb2 as s
from myoplan.assessment.v1.assessment_service_pb2_grpc import AssessmentServiceStub
from myoplan.planner.v1 import plan_pb2, planner_service_pb2, review_pb2
from myoplan.planner.v1.planner_service_pb2_grpc import PlannerServiceStub
from services.runtime.client import blocking_channel
from tests.support.planner_service import headache

ROUNDS = 6
SEED = 20261124
MOST_SECONDS = 20


@dataclass
class Stage:
    """A real Redis, a real assessment service and a real planner that follows it; each can be killed."""

    folder: Path
    ends: ExitStack = field(default_factory=ExitStack)
    processes: dict[str, ServiceProcess] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.keys = LocalKeys(self.folder / "keys")
        redis = RedisServer(find_redis(), self.folder / "redis")
        redis.start()
        self.ends.callback(redis.stop)
        places = {name: f"127.0.0.1:{_free_port()}" for name in ("assessment", "planner")}
        for name, place in places.items():
            settings = {
                "MYOPLAN_ADDRESS": place,
                "MYOPLAN_REDIS_URL": redis.url,
                "MYOPLAN_KEY_SET": str(self.keys.key_set_file),
                "MYOPLAN_ISSUER": ISSUER,
                "MYOPLAN_SEAL_KEY_FILE": str(self.keys.seal_key_file),
                "MYOPLAN_ANCHOR_FILE": str(self.folder / f"{name}.json"),
            }
            if name == "planner":
                settings["MYOPLAN_ASSESSMENT_ADDRESS"] = places["assessment"]
                settings["MYOPLAN_FOLLOW_TOKENS"] = str(self.ends.enter_context(planner_tokens(self.keys)))
            self.processes[name] = ServiceProcess(name, settings, self.folder)
            self.ends.callback(self.processes[name].stop)
            self.processes[name].start()
        self.assessments = AssessmentServiceStub(self.ends.enter_context(blocking_channel(places["assessment"])))
        self.plans = PlannerServiceStub(self.ends.enter_context(blocking_channel(places["planner"])))

    @property
    def credentials(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self.keys.token(DEMO_THERAPIST, timedelta(hours=1))}"),)

    def planned(self, client: str) -> str:
        """Records and seals an assessment, plans from it, and returns the assessment's name."""
        made = self.assessments.CreateAssessment(
            s.CreateAssessmentRequest(parent=client, assessment=headache(), request_id=str(uuid.uuid4())),
            metadata=self.credentials,
            timeout=10,
        )
        self.assessments.CompleteAssessment(
            s.CompleteAssessmentRequest(name=made.name, etag=made.etag), metadata=self.credentials, timeout=10
        )
        plan = plan_pb2.Plan(assessment=made.name, time_budget=Duration(seconds=1800))
        self.plans.CreatePlan(
            planner_service_pb2.CreatePlanRequest(parent=client, plan=plan, plan_id="first"),
            metadata=self.credentials,
            timeout=20,
        )
        return made.name

    def amend(self, name: str) -> None:
        """Opens a sealed assessment again."""
        newest = self.assessments.GetAssessment(
            s.GetAssessmentRequest(name=name), metadata=self.credentials, timeout=10
        )
        self.assessments.AmendAssessment(
            s.AmendAssessmentRequest(name=name, etag=newest.etag, reason="more to record"),
            metadata=self.credentials,
            timeout=10,
        )

    def became_stale(self, client: str) -> bool:
        """Waits until the client's plan is stale."""
        events = self.plans.WatchPlans(
            review_pb2.WatchPlansRequest(parent=client), metadata=self.credentials, timeout=MOST_SECONDS
        )
        try:
            return any(event.state == plan_pb2.Plan.STALE for event in events)
        except grpc.RpcError:
            return False
        finally:
            events.cancel()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    built = Stage(tmp_path)
    with built.ends:
        yield built


def test_no_change_is_overlooked_whatever_is_killed(stage: Stage) -> None:
    print(f"seed {SEED}")
    draw = random.Random(SEED)
    for number in range(ROUNDS):
        client = f"clients/round-{number}"
        name = stage.planned(client)
        killed = draw.choice(["assessment", "planner"])
        before = draw.random() < 0.5
        if killed == "planner" and before:
            stage.processes["planner"].kill()
            stage.amend(name)
        else:
            stage.amend(name)
            stage.processes[killed].kill()
        stage.processes[killed].start()
        assert stage.became_stale(client), f"round {number}: {killed} was killed {'before' if before else 'after'}"
