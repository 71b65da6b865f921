"""Plans on their way through a review, made by the people of the browser tests over real services."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from cli.cases import read_case
from myoplan.assessment.v1.assessment_service_pb2 import CreateAssessmentRequest
from myoplan.planner.v1.edit_pb2 import PlanEdit, RevisePlanRequest, SetDuration
from myoplan.planner.v1.plan_pb2 import Plan, Step, Target
from myoplan.planner.v1.planner_service_pb2 import CreatePlanRequest, GetPlanRequest
from myoplan.planner.v1.review_pb2 import Comment, CreateCommentRequest, PublishCommentsRequest, SignPlanRequest
from tests.support.browser import EXAMPLES, RunningConsole, new_client


def sealed_case(console: RunningConsole, case: str = "neck_pain", client: str = "", minutes_ahead: int = 30) -> str:
    """Records and seals an example case that is booked for soon, and returns its name."""
    assessment = read_case(EXAMPLES / f"{case}.yaml")
    booked = Timestamp()
    booked.FromDatetime(datetime.now(UTC) + timedelta(minutes=minutes_ahead))
    assessment.scheduled_time.CopyFrom(booked)
    request = CreateAssessmentRequest(parent=f"clients/{client or new_client()}", assessment=assessment)
    name = console.assessments.CreateAssessment(request, metadata=console.credentials(), timeout=10).name
    console.seal(name)
    return name


def plan_of(console: RunningConsole, name: str, person: str = "sara", revision: int | None = None) -> Plan:
    """Returns a stored plan."""
    request = GetPlanRequest(name=name) if revision is None else GetPlanRequest(name=name, revision=revision)
    return console.plans.GetPlan(request, metadata=console.credentials(person), timeout=10)


def draft(console: RunningConsole, assessment: str, person: str = "theo", minutes: int = 50) -> Plan:
    """Has a person ask for a plan and returns it."""
    request = CreatePlanRequest(
        parent=assessment.partition("/assessments/")[0],
        plan=Plan(assessment=assessment, time_budget=Duration(seconds=60 * minutes)),
    )
    return console.plans.CreatePlan(request, metadata=console.credentials(person), timeout=30)


def edited(console: RunningConsole, plan: Plan, *edits: PlanEdit, person: str = "theo") -> Plan:
    """Makes edits and returns the plan after them."""
    request = RevisePlanRequest(name=plan.name, etag=plan.etag, edits=edits, reason="tried on the client today")
    return console.plans.RevisePlan(request, metadata=console.credentials(person), timeout=30)


def releases(plan: Plan) -> list[Step]:
    """Returns the steps that release a muscle."""
    return [step for step in plan.steps if step.phase == Step.RELEASE]


def leave_out(step: Step) -> PlanEdit:
    """Returns the edit that takes the muscle of a step out."""
    return PlanEdit(exclude=Target(muscle=step.muscle, side=step.side))


def lasting(step: Step, seconds: int) -> PlanEdit:
    """Returns the edit that changes the minutes of a step."""
    return PlanEdit(set_duration=SetDuration(step=step.id, duration=Duration(seconds=seconds)))


def signed(console: RunningConsole, plan: Plan, person: str = "theo", cosigner: str = "sara") -> Plan:
    """Signs a plan and sends it to be co-signed."""
    request = SignPlanRequest(name=plan.name, etag=plan.etag, digest=plan.digest, expected_cosigner=cosigner)
    return console.plans.SignPlan(request, metadata=console.credentials(person), timeout=10)


def changed_and_signed(console: RunningConsole, assessment: str = "") -> Plan:
    """Has the trainee change the suggestion and sign it."""
    suggested = draft(console, assessment or sealed_case(console))
    work = releases(suggested)
    return signed(console, edited(console, suggested, leave_out(work[-1])))


def said(console: RunningConsole, plan: Plan, *comments: Comment, person: str = "sara") -> tuple[Comment, ...]:
    """Publishes comments of a person and returns all that the plan has."""
    for comment in comments:
        console.plans.CreateComment(
            CreateCommentRequest(parent=plan.name, comment=comment), metadata=console.credentials(person), timeout=10
        )
    answer = console.plans.PublishComments(
        PublishCommentsRequest(parent=plan.name, etag=plan_of(console, plan.name).etag),
        metadata=console.credentials(person),
        timeout=10,
    )
    return tuple(answer.comments)
