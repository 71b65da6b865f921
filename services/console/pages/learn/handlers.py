"""Shows the pages of learning mode and takes their forms."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import grpc
from starlette.responses import Response
from starlette.routing import Route

from myoplan.assessment.v1.assessment_pb2 import Assessment
from myoplan.assessment.v1.assessment_service_pb2 import GetAssessmentRequest, ListAssessmentsRequest
from myoplan.planner.v1.learning_pb2 import (
    GradePredictionRequest,
    ListPredictionsRequest,
    LockPredictionRequest,
    Prediction,
    RevealPredictionRequest,
    StartPredictionRequest,
    ThreeWayComparison,
)
from myoplan.planner.v1.plan_pb2 import Plan
from myoplan.planner.v1.planner_service_pb2 import ListPlansRequest, PlanView
from services.console.clients import PLAN_SECONDS, READ_SECONDS, WRITE_SECONDS
from services.console.pages.learn.context import LearnPage, case_row, past_row, predict_page, reveal_page
from services.console.pages.learn.entries import Unreadable, marks, minutes, predicted
from services.console.web import Form, Visit, action, derived_id, page, problem
from services.runtime.client import error_of

NEWEST = 200
MOST_CASES = 20
INCOMPLETE = 422
CONFLICT = 409


async def learn(visit: Visit) -> Response:
    """Shows the cases that one can predict on, and earlier predictions."""
    services, me = visit.console.services, visit.person.person
    listed, predictions, planned = await asyncio.gather(
        services.assessments.ListAssessments(
            ListAssessmentsRequest(parent="clients/-", page_size=NEWEST), timeout=READ_SECONDS
        ),
        services.plans.ListPredictions(
            ListPredictionsRequest(parent="clients/-", page_size=NEWEST), timeout=READ_SECONDS
        ),
        services.plans.ListPlans(
            ListPlansRequest(parent="clients/-", page_size=NEWEST, view=PlanView.BASIC), timeout=READ_SECONDS
        ),
    )
    worked = {each.assessment for each in planned.plans if me in _people(each)}
    own = {each.assessment: each for each in predictions.predictions if each.person.id == me}
    counts = {each.prediction: each for each in predictions.counts}
    cases = [
        case_row(visit, each, begun=each.name in own)
        for each in listed.assessments
        if each.state == Assessment.COMPLETED
        and each.name not in worked
        and (each.name not in own or own[each.name].state == Prediction.OPEN)
    ]
    context = LearnPage(
        title=visit.t("learn.heading"),
        cases=tuple(sorted(cases, key=lambda row: not row.begun)[:MOST_CASES]),
        past=tuple(
            past_row(visit, each, counts.get(each.name))
            for each in predictions.predictions
            if each.state != Prediction.OPEN
        ),
        of_all="supervisor" in visit.person.roles,
    )
    return visit.show("learn.html", context)


def _people(plan: Plan) -> set[str]:
    """Returns who made, edited or signed a plan: whoever did cannot predict on its assessment any more."""
    signers = {each.signer.id for each in plan.signatures}
    return {plan.author.id} | {each.person.id for each in plan.contributors} | signers


def _assessment_name(visit: Visit) -> str:
    return f"clients/{visit.request.path_params['client']}/assessments/{visit.request.path_params['assessment']}"


async def _assessment(visit: Visit, name: str) -> Assessment:
    return await visit.console.services.assessments.GetAssessment(GetAssessmentRequest(name=name), timeout=READ_SECONDS)


async def _own(visit: Visit, assessment: str) -> Prediction | None:
    """Returns the person's prediction on an assessment."""
    listed = await visit.console.services.plans.ListPredictions(
        ListPredictionsRequest(
            parent=assessment.partition("/assessments/")[0], person=visit.person.person, page_size=NEWEST
        ),
        timeout=READ_SECONDS,
    )
    return next((each for each in listed.predictions if each.assessment == assessment), None)


async def predict(visit: Visit) -> Response:
    """Shows what there is to read, and the form to predict in; after the lock it leads to the comparison."""
    name = _assessment_name(visit)
    assessment, prediction = await asyncio.gather(_assessment(visit, name), _own(visit, name))
    if prediction is not None and prediction.state != Prediction.OPEN:
        return visit.go(f"/{prediction.name}")
    return visit.show("predict.html", predict_page(visit, assessment, prediction))


async def start(visit: Visit, form: Form) -> Response:
    """Begins: from now on the person can read no plan of the assessment."""
    name = _assessment_name(visit)
    length = minutes(form.get("minutes", ""))
    if length is None:
        return await _again(visit, name, form, (visit.t("learn.length_needed"),))
    request = StartPredictionRequest(
        parent=name.partition("/assessments/")[0],
        prediction=Prediction(assessment=name, time_budget=length),
        request_id=derived_id(form.get("request_id", ""), f"start {length.seconds}"),
    )
    try:
        await visit.console.services.plans.StartPrediction(request, timeout=WRITE_SECONDS)
    except grpc.aio.AioRpcError as error:
        if error_of(error).reason != "STATE_FORBIDS":
            raise
        return await _again(visit, name, form, (visit.t("learn.not_this_case"),), CONFLICT)
    return visit.go(f"/{name}/predict")


async def lock(visit: Visit, form: Form) -> Response:
    """Locks what was predicted, or nothing and says that it was asked for, and reveals."""
    name = _assessment_name(visit)
    show_me = form.get("show_me") == "yes"
    try:
        steps = () if show_me else predicted(form, visit.console.vocabulary, visit.console.texts)
    except Unreadable as wrong:
        return await _again(visit, name, form, wrong.problems)
    prediction = await _own(visit, name)
    if prediction is None:
        return visit.go(f"/{name}/predict")
    request = LockPredictionRequest(
        name=prediction.name,
        etag=form.get("etag", ""),
        steps=steps,
        reasoning=form.get("reasoning", "").strip(),
        show_me=show_me,
        request_id=derived_id(form.get("request_id", ""), f"lock {sorted(form.items())!r}"),
    )
    try:
        locked = await visit.console.services.plans.LockPrediction(request, timeout=WRITE_SECONDS)
    except grpc.aio.AioRpcError as error:
        if error_of(error).code is not grpc.StatusCode.INVALID_ARGUMENT:
            raise
        told = tuple(f"{each.field}: {each.problem}" for each in error_of(error).fields)
        return await _again(visit, name, form, told or (visit.t("learn.nothing"),))
    await _compared(visit, locked)
    return visit.go(f"/{locked.name}")


async def _again(visit: Visit, name: str, form: Form, told: tuple[str, ...], status: int = INCOMPLETE) -> Response:
    assessment, prediction = await asyncio.gather(_assessment(visit, name), _own(visit, name))
    if prediction is not None and prediction.state != Prediction.OPEN:
        return visit.go(f"/{prediction.name}")
    return visit.show("predict.html", predict_page(visit, assessment, prediction, form=form, told=told), status=status)


async def _compared(visit: Visit, prediction: Prediction) -> ThreeWayComparison:
    return await visit.console.services.plans.RevealPrediction(
        RevealPredictionRequest(name=prediction.name, etag=prediction.etag), timeout=PLAN_SECONDS
    )


async def _named(visit: Visit) -> Prediction | None:
    client = visit.request.path_params["client"]
    name = f"clients/{client}/predictions/{visit.request.path_params['prediction']}"
    listed = await visit.console.services.plans.ListPredictions(
        ListPredictionsRequest(parent=f"clients/{client}", page_size=NEWEST), timeout=READ_SECONDS
    )
    return next((each for each in listed.predictions if each.name == name), None)


async def reveal(visit: Visit) -> Response:
    """Shows the comparison of a prediction that is locked."""
    return await _revealed(visit)


async def _revealed(visit: Visit, form: Form | None = None, told: tuple[str, ...] = (), status: int = 200) -> Response:
    prediction = await _named(visit)
    if prediction is None:
        return problem(visit, 404, "missing")
    if prediction.state == Prediction.OPEN:
        return visit.go(f"/{prediction.assessment}/predict" if _is_own(visit, prediction) else "/learn")
    found, assessment = await asyncio.gather(_compared(visit, prediction), _assessment(visit, prediction.assessment))
    context = reveal_page(visit, assessment, found, form=form, told=told)
    return visit.show("reveal.html", context, status=status, reviewed=found.proposal.knowledge_reviewed)


def _is_own(visit: Visit, prediction: Prediction) -> bool:
    return prediction.person.id == visit.person.person


async def grade(visit: Visit, form: Form) -> Response:
    """Marks the prediction of somebody else by the rubric."""
    prediction = await _named(visit)
    if prediction is None:
        return problem(visit, 404, "missing")
    try:
        given = marks(form, visit.console.texts)
    except Unreadable as wrong:
        return await _revealed(visit, form, wrong.problems, INCOMPLETE)
    request = GradePredictionRequest(
        name=prediction.name,
        etag=form.get("etag", ""),
        marks=given,
        request_id=derived_id(form.get("request_id", ""), f"grade {sorted(form.items())!r}"),
    )
    try:
        await visit.console.services.plans.GradePrediction(request, timeout=WRITE_SECONDS)
    except grpc.aio.AioRpcError as error:
        if error_of(error).code is not grpc.StatusCode.ABORTED:
            raise
        return await _revealed(visit, form, (visit.t("learn.changed"),), CONFLICT)
    return visit.go(f"/{prediction.name}#marks")


_PREDICT = "/clients/{client}/assessments/{assessment}/predict"
_PREDICTION = "/clients/{client}/predictions/{prediction}"

ROUTES: Sequence[Route] = (
    *page("/learn", learn),
    *page(_PREDICT, predict),
    *action(_PREDICT + "/start", start),
    *action(_PREDICT + "/lock", lock),
    *page(_PREDICTION, reveal),
    *action(_PREDICTION + "/marks", grade),
)
