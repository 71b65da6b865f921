"""Approved plans and running sessions over gRPC, in a few words."""

from __future__ import annotations

from typing import Any

from google.protobuf.duration_pb2 import Duration

from myoplan.planner.v1 import plan_pb2 as pb
from myoplan.planner.v1 import review_pb2
from myoplan.planner.v1 import session_pb2 as session_pb
from tests.support.planner_service import PLAN_NAME, Running, planning

DONE, SKIPPED = session_pb.SessionStep.DONE, session_pb.SessionStep.SKIPPED
PENDING, DROPPED = session_pb.SessionStep.PENDING, session_pb.SessionStep.DROPPED


async def approved_plan(service: Running, minutes: float = 60, **claims: Any) -> pb.Plan:
    """Records an assessment, plans from it and has a therapist approve the plan."""
    await service.assess()
    plan = await service.call("CreatePlan", planning(minutes), **claims)
    return await approve(service, plan)


async def approve(service: Running, plan: pb.Plan) -> pb.Plan:
    """Approves a plan as a therapist who has just signed in."""
    request = review_pb2.ApprovePlanRequest(
        name=plan.name, etag=plan.etag, digest=plan.digest, attestation=pb.REVIEWED_AND_AGREE
    )
    answer: pb.Plan = await service.call("ApprovePlan", request, person="ruth")
    return answer


async def started(service: Running, minutes: float = 60) -> session_pb.Session:
    """Approves a plan and begins to work it."""
    plan = await approved_plan(service, minutes)
    return await begin(service, plan)


async def begin(service: Running, plan: pb.Plan) -> session_pb.Session:
    """Begins to work a plan."""
    request = session_pb.StartSessionRequest(name=plan.name, etag=plan.etag)
    answer: session_pb.Session = await service.call("StartSession", request)
    return answer


def delivery(step: str, seconds: int | None = 60, **changes: Any) -> session_pb.Delivery:
    """Returns a report: done for so many seconds, or left out where there are none."""
    if seconds is None:
        return session_pb.Delivery(step=step, status=SKIPPED, **changes)
    return session_pb.Delivery(step=step, status=DONE, delivered=Duration(seconds=seconds), **changes)


def reporting(*deliveries: session_pb.Delivery, **changes: Any) -> session_pb.RecordDeliveryRequest:
    """Returns a report of steps."""
    return session_pb.RecordDeliveryRequest(name=PLAN_NAME, deliveries=deliveries, **changes)


def refitting(elapsed: float, lost: float = 0, *positions: str, **changes: Any) -> session_pb.RefitSessionRequest:
    """Returns a request for a re-fit; minutes."""
    return session_pb.RefitSessionRequest(
        name=PLAN_NAME,
        elapsed=Duration(seconds=round(60 * elapsed)),
        lost=Duration(seconds=round(60 * lost)) if lost else None,
        unavailable_positions=positions,
        **changes,
    )


async def worked(service: Running, session: session_pb.Session, count: int) -> session_pb.Session:
    """Reports the first `count` steps as done for as long as they were planned."""
    done = [delivery(one.step.id, one.step.duration.seconds) for one in session.steps[:count]]
    answer: session_pb.Session = await service.call("RecordDelivery", reporting(*done))
    return answer
