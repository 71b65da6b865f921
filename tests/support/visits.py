"""Visits of a client in a few words: assessed, planned, approved, worked and closed over real services."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

from cli.cases import read_case
from myoplan.assessment.v1.assessment_service_pb2 import CreateAssessmentRequest
from myoplan.planner.v1.edit_pb2 import PlanEdit, RevisePlanRequest
from myoplan.planner.v1.plan_pb2 import Plan, Step, Target
from myoplan.planner.v1.planner_service_pb2 import GetPlanRequest
from myoplan.planner.v1.review_pb2 import AcknowledgeFlagRequest, ApprovePlanRequest
from myoplan.planner.v1.session_pb2 import (
    Delivery,
    FinishSessionRequest,
    GetSessionRequest,
    RecordDeliveryRequest,
    Retest,
    Session,
    SessionStep,
    StartSessionRequest,
)
from tests.support.browser import EXAMPLES, RunningConsole, new_client

PERSON = "tess"


def assessed(
    console: RunningConsole,
    client: str = "",
    case: str = "neck_pain",
    *,
    days_ago: int = 0,
    more: float = 0,
    less: float = 0,
) -> str:
    """Records and seals an example case; `more` is added to every measured motion, `less` taken off every pain."""
    assessment = read_case(EXAMPLES / f"{case}.yaml")
    booked = Timestamp()
    booked.FromDatetime(datetime.now(UTC) - timedelta(days=days_ago))
    assessment.scheduled_time.CopyFrom(booked)
    for test in assessment.rom_tests:
        if test.HasField("measured"):
            test.measured.value += more
    for area in assessment.pain_areas:
        if area.HasField("intensity"):
            area.intensity = max(0, area.intensity - less)
    request = CreateAssessmentRequest(parent=f"clients/{client or new_client()}", assessment=assessment)
    name = console.assessments.CreateAssessment(request, metadata=console.credentials(), timeout=10).name
    console.seal(name)
    return name


def stored_plan(console: RunningConsole, name: str, revision: int | None = None) -> Plan:
    """Returns a stored plan."""
    request = GetPlanRequest(name=name, revision=revision)
    return console.plans.GetPlan(request, metadata=console.credentials(), timeout=10)


def planned(console: RunningConsole, case: str = "neck_pain", minutes: int = 50) -> Plan:
    """Returns the plan of a new client."""
    return stored_plan(console, console.plan(assessed(console, case=case), minutes))


def approved(console: RunningConsole, plan: Plan) -> Plan:
    """Reads every flag of a plan and approves it."""
    for flag in plan.acknowledgements:
        request = AcknowledgeFlagRequest(name=plan.name, etag=plan.etag, digest=plan.digest, rule=flag.rule)
        plan = console.plans.AcknowledgeFlag(request, metadata=console.credentials(), timeout=10)
    approval = ApprovePlanRequest(name=plan.name, etag=plan.etag, digest=plan.digest)
    return console.plans.ApprovePlan(approval, metadata=console.credentials(), timeout=10)


def begun(console: RunningConsole, plan: Plan) -> Session:
    """Begins to work an approved plan."""
    request = StartSessionRequest(name=plan.name, etag=plan.etag)
    return console.plans.StartSession(request, metadata=console.credentials(), timeout=10)


def stored_session(console: RunningConsole, plan: str) -> Session:
    """Returns the session of a plan."""
    return console.plans.GetSession(GetSessionRequest(name=plan), metadata=console.credentials(), timeout=10)


def worked(console: RunningConsole, plan: Plan, *, pain: float | None = None) -> Session:
    """Works every step of an approved plan for as long as planned, measures its re-tests, and closes the visit."""
    session = begun(console, plan)
    done = [
        Delivery(step=each.step.id, status=SessionStep.DONE, delivered=each.step.duration) for each in session.steps
    ]
    request = RecordDeliveryRequest(name=plan.name, deliveries=done)
    console.plans.RecordDelivery(request, metadata=console.credentials(), timeout=10)
    motions = dict.fromkeys((step.motion, step.side) for step in plan.steps if step.phase == Step.RETEST)
    retests = [Retest(motion=motion, side=side, value=55) for motion, side in motions if motion]
    closing = FinishSessionRequest(name=plan.name, retests=retests, pain=pain, reaction="As expected")
    return console.plans.FinishSession(closing, metadata=console.credentials(), timeout=10)


def client_with_visits(console: RunningConsole) -> str:
    """Returns a client with four visits, of which the first two were worked."""
    client = new_client()
    for number, (days, more, less) in enumerate(((42, 0, 0), (28, 4, 1), (14, 9, 2), (0, 18, 3))):
        name = assessed(console, client, days_ago=days, more=more, less=less)
        if number < 2:
            plan = approved(console, stored_plan(console, console.plan(name)))
            worked(console, plan, pain=4)
    return client


def working_pages(console: RunningConsole) -> dict[str, str]:
    """Returns the address of each page between the release of a plan and the next visit."""
    flagged, ready, running, finished = (
        planned(console, "neck_pain_on_warfarin"),
        *(approved(console, planned(console)) for _ in range(3)),
    )
    begun(console, running)
    worked(console, finished, pain=3)
    work = next(step for step in flagged.steps if step.phase == Step.RELEASE)
    edit = PlanEdit(pin=Target(muscle=work.muscle, side=work.side, technique=work.technique))
    request = RevisePlanRequest(name=flagged.name, etag=flagged.etag, edits=[edit])
    console.plans.RevisePlan(request, metadata=console.credentials(), timeout=30)
    return {
        "plan with flags": f"/{flagged.name}",
        "changes": f"/{flagged.name}/changes?from=1",
        "earlier version": f"/{flagged.name}?version=1",
        "approved": f"/{ready.name}",
        "room before the start": f"/{ready.name}/room",
        "room": f"/{running.name}/room",
        "closing": f"/{running.name}/finish",
        "report": f"/{finished.name}/finish",
        "compared": f"/{finished.name}/changes",
        "progress": f"/clients/{client_with_visits(console)}/progress",
    }
