"""Plans on their way through a review, made by the people of the browser tests over real services."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from cli.cases import read_case
from myoplan.assessment.v1.assessment_service_pb2 import CreateAssessmentRequest
from myoplan.planner.v1.edit_pb2 import PlanEdit, RevisePlanRequest, SetDuration
from myoplan.planner.v1.learning_pb2 import (
    LockPredictionRequest,
    Prediction,
    RevealPredictionRequest,
    StartPredictionRequest,
)
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


def review_pages(console: RunningConsole) -> dict[str, tuple[str, str]]:
    """Returns the address of one page of each kind of review, learning and knowledge, with who opens it."""
    plan = changed_and_signed(console)
    step = next(step for step in releases(plan))
    said(
        console,
        plan,
        Comment(step=step.id, kind=Comment.MUST_FIX, text="Longer.", suggestion=[lasting(step, 330)]),
        Comment(kind=Comment.QUESTION, text="Why?"),
    )
    flagged = signed(console, draft(console, sealed_case(console, "neck_pain_on_warfarin")))
    own = draft(console, sealed_case(console))
    begun, done = sealed_case(console), sealed_case(console, "stiff_shoulder")
    names = {}
    for assessment in (begun, done):
        request = StartPredictionRequest(
            parent=assessment.partition("/assessments/")[0], prediction=Prediction(assessment=assessment)
        )
        request.prediction.time_budget.seconds = 3000
        made = console.plans.StartPrediction(request, metadata=console.credentials("theo"), timeout=10)
        names[assessment] = made
    locked = console.plans.LockPrediction(
        LockPredictionRequest(name=names[done].name, etag=names[done].etag, show_me=True),
        metadata=console.credentials("theo"),
        timeout=10,
    )
    console.plans.RevealPrediction(
        RevealPredictionRequest(name=locked.name, etag=locked.etag), metadata=console.credentials("theo"), timeout=30
    )
    return {
        "queue": ("sara", "/review"),
        "review": ("sara", f"/{plan.name}/review"),
        "review in full": ("sara", f"/{plan.name}/review?view=all"),
        "review with flags": ("sara", f"/{flagged.name}/review"),
        "marks": ("sara", f"/{locked.name}"),
        "author's review": ("theo", f"/{plan.name}/review"),
        "sign": ("theo", f"/{own.name}/review"),
        "learn": ("theo", "/learn"),
        "start": ("theo", f"/{sealed_case(console)}/predict"),
        "predict": ("theo", f"/{begun}/predict"),
        "reveal": ("theo", f"/{locked.name}"),
        "knowledge": ("sara", "/knowledge/technique"),
        "thing": ("sara", "/knowledge/motion/cervical_rotation"),
    }
