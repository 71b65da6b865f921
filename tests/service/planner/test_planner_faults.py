"""When what the planner stands on is gone: the assessment service, the store, the time, its own soundness."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import grpc
import pytest

from myoplan.planner.v1 import planner_service_pb2 as s
from services.planner.api.errors import explain
from services.planner.clients.assessment import GrpcAssessments
from services.planner.domain.errors import (
    AssessmentRefused,
    DeadlinePassed,
    KnowledgeDiffers,
    PlanBroken,
    ResourceDamaged,
)
from services.runtime.client import open_channel
from services.store.memory import MemoryStore
from services.store.model import StoreNotDurable, StoreUnavailable
from tests.support.planner_service import ASSESSMENT_NAME, PLAN_NAME, Running, both_services, planning
from tests.support.store import SEALER, new_clinic


async def test_assessment_service_gone_is_unavailable_and_plans_can_still_be_read(in_memory: Running) -> None:
    await in_memory.assess()
    made = await in_memory.call("CreatePlan", planning(20))
    await in_memory.assessment_server.drain(0)
    refusal = await in_memory.refused("CreatePlan", planning(20, plan_id="second"))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "ASSESSMENT_UNAVAILABLE")
    assert refusal.retry_after_seconds
    assert await in_memory.call("GetPlan", s.GetPlanRequest(name=PLAN_NAME)) == made


async def test_services_with_different_knowledge_do_not_plan_together(in_memory: Running) -> None:
    """A word could mean one thing to the one and another to the other."""
    await in_memory.assess()
    token = in_memory.credentials()[0][1].removeprefix("Bearer ")
    async with open_channel(in_memory.assessment_server.address, token_source=lambda: token) as channel:
        with pytest.raises(KnowledgeDiffers) as differs:
            await GrpcAssessments(channel, "another revision").read(ASSESSMENT_NAME)
    refusal = explain(differs.value)
    assert refusal is not None
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "ASSESSMENT_UNAVAILABLE")
    assert refusal.metadata["planner_knowledge"] == "another revision"


async def test_deadline_of_the_caller_is_kept(in_memory: Running) -> None:
    await in_memory.assess()
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await in_memory.planner.CreatePlan(planning(), metadata=in_memory.credentials(), timeout=0.01)
    assert error.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert (await in_memory.call("ListPlans", s.ListPlansRequest(parent="clients/-"))).plans == []


async def test_planning_does_not_hold_up_other_calls(in_memory: Running) -> None:
    """The loop answers while plans are computed: a read overtakes eight plans that were asked for before it."""
    await in_memory.assess()
    await in_memory.call("CreatePlan", planning(20))
    plans = [
        asyncio.ensure_future(in_memory.call("CreatePlan", planning(120, plan_id="", validate_only=True)))
        for _ in range(8)
    ]
    started = time.perf_counter()
    await in_memory.call("GetPlan", s.GetPlanRequest(name=PLAN_NAME))
    overtaken = sum(not plan.done() for plan in plans)
    await asyncio.gather(*plans)
    assert overtaken > 0
    assert time.perf_counter() > started


async def test_damaged_plan_is_data_loss_and_never_served(tmp_path: Path) -> None:
    store = MemoryStore(SEALER, "planner")
    async with both_services(tmp_path, store, new_clinic()) as running:
        await running.assess()
        await running.call("CreatePlan", planning(20))
        revisions = store.clinic(running.clinic).revisions
        (key,) = revisions
        # One bit in the middle of what is kept of the plan, which is compressed.
        stored = bytearray(revisions[key])
        stored[len(stored) - 1000] ^= 1
        revisions[key] = bytes(stored)
        refusal = await running.refused("GetPlan", s.GetPlanRequest(name=PLAN_NAME))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.DATA_LOSS, "RECORD_DAMAGED")


async def test_log_names_no_health_data(in_memory: Running) -> None:
    await in_memory.assess()
    await in_memory.call("CreatePlan", planning(20))
    await in_memory.refused("CreatePlan", planning(20))
    log = in_memory.log.getvalue()
    assert "CreatePlan" in log
    assert not [word for word in ("trapezius", "temporal", "cervical", "clients/ada") if word in log]


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (StoreUnavailable("x"), grpc.StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE"),
        (StoreNotDurable("appendfsync is everysec"), grpc.StatusCode.UNAVAILABLE, "STORE_NOT_DURABLE"),
        (ResourceDamaged("clients/a/plans/b"), grpc.StatusCode.DATA_LOSS, "RECORD_DAMAGED"),
        (AssessmentRefused(), grpc.StatusCode.PERMISSION_DENIED, "ROLE_LACKS_RIGHT"),
        (DeadlinePassed(), grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_TOO_SHORT"),
    ],
)
def test_every_error_has_its_status(error: Exception, code: grpc.StatusCode, reason: str) -> None:
    explained = explain(error)
    assert explained is not None
    assert (explained.code, explained.reason) == (code, reason)


def test_a_plan_that_our_own_checker_refuses_is_a_bug() -> None:
    assert explain(PlanBroken(("sum: the planned time is not the sum of the steps",))) is None
    assert explain(KeyError("x")) is None
