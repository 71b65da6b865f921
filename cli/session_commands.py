"""The commands about working a plan, about predictions, and about progress between two visits.

Data goes to stdout; times on the command line are minutes.
"""

from __future__ import annotations

from typing import Annotated

import typer
from google.protobuf.duration_pb2 import Duration

from cli.connection import Connection, connect, proto_json
from cli.failures import ExitCode, Failure
from cli.plan_commands import SIDES, Json, PlanName, Server
from myoplan.assessment.v1 import assessment_service_pb2
from myoplan.planner.v1 import learning_pb2, plan_pb2, planner_service_pb2, session_pb2

STATUS = {
    session_pb2.SessionStep.DONE: "done",
    session_pb2.SessionStep.PENDING: "to come",
    session_pb2.SessionStep.SKIPPED: "left out",
    session_pb2.SessionStep.DROPPED: "dropped",
}
VERDICTS = {
    learning_pb2.ThreeWayComparison.AGREED: "agreed",
    learning_pb2.ThreeWayComparison.MISSED: "missed",
    learning_pb2.ThreeWayComparison.ADDED: "added",
    learning_pb2.ThreeWayComparison.UNSAFE: "UNSAFE",
}

PredictionName = Annotated[
    str, typer.Argument(metavar="PREDICTION", help="The prediction's name, clients/CLIENT/predictions/PREDICTION.")
]
Minutes = Annotated[float, typer.Option(help="The length of the session in minutes.")]

session = typer.Typer(help="Work an approved plan.", no_args_is_help=True)
predict = typer.Typer(help="Write down what you would do before you see the plan.", no_args_is_help=True)


def register(application: typer.Typer) -> None:
    """Adds these commands to a Typer application."""
    application.add_typer(session, name="session")
    application.add_typer(predict, name="predict")
    application.command()(progress)


# --- progress -----------------------------------------------------------------------------------------------------


def progress(
    earlier: Annotated[str, typer.Argument(help="The earlier assessment, clients/CLIENT/assessments/ASSESSMENT.")],
    later: Annotated[str, typer.Argument(help="The later assessment of the same client.")],
    server: Server = "local",
    as_json: Json = False,
) -> None:
    """Compare two assessments of a client: what changed, and whether by more than measuring alone explains."""
    request = assessment_service_pb2.CompareAssessmentsRequest(
        parent=earlier.partition("/assessments/")[0], earlier=earlier, later=later
    )
    with connect(server, quiet=True) as services:
        answer = services.assessments.CompareAssessments(request, metadata=services.credentials)
    if as_json:
        print(proto_json(answer))
        return
    for motion in answer.motions:
        print(motion.message)
    for pain in answer.pain_areas:
        print(pain.message)
    if not answer.motions and not answer.pain_areas:
        print("Neither of the two has a motion or a painful area.")


# --- sessions -----------------------------------------------------------------------------------------------------


@session.command(name="start")
def start_session(plan: PlanName, server: Server = "local", as_json: Json = False) -> None:
    """Begin to work an approved plan."""
    with connect(server, quiet=True) as services:
        etag = _plan(services, plan).etag
        request = session_pb2.StartSessionRequest(name=plan, etag=etag, request_id=services.request_id())
        _tell(services.plans.StartSession(request, metadata=services.credentials), as_json=as_json)


@session.command(name="show")
def show_session(plan: PlanName, server: Server = "local", as_json: Json = False) -> None:
    """Show how a plan is worked."""
    with connect(server, quiet=True) as services:
        request = session_pb2.GetSessionRequest(name=plan)
        _tell(services.plans.GetSession(request, metadata=services.credentials), as_json=as_json)


@session.command(name="done")
def report_steps(
    plan: PlanName,
    steps: Annotated[
        list[str], typer.Argument(metavar="STEP...", help="STEP, STEP=MINUTES or STEP=skipped; as planned without.")
    ],
    note: Annotated[str, typer.Option(help="What you noted about these steps.")] = "",
    server: Server = "local",
    as_json: Json = False,
) -> None:
    """Report steps as done or left out."""
    with connect(server, quiet=True) as services:
        shown = services.plans.GetSession(session_pb2.GetSessionRequest(name=plan), metadata=services.credentials)
        planned = {one.step.id: one.step.duration for one in shown.steps}
        request = session_pb2.RecordDeliveryRequest(
            name=plan,
            deliveries=[_delivery(word, planned, note) for word in steps],
            request_id=services.request_id(),
        )
        _tell(services.plans.RecordDelivery(request, metadata=services.credentials), as_json=as_json)


def _delivery(word: str, planned: dict[str, Duration], note: str) -> session_pb2.Delivery:
    step, given, value = word.partition("=")
    if value == "skipped":
        return session_pb2.Delivery(step=step, status=session_pb2.SessionStep.SKIPPED, note=note)
    seconds = _seconds(value) if given else planned.get(step, Duration(seconds=0)).seconds
    done = Duration(seconds=seconds)
    return session_pb2.Delivery(step=step, status=session_pb2.SessionStep.DONE, delivered=done, note=note)


@session.command(name="refit")
def refit_session(
    plan: PlanName,
    elapsed: Annotated[float, typer.Option(help="Minutes since the session began.")],
    lost: Annotated[float, typer.Option(help="Minutes lost from the end.")] = 0,
    position: Annotated[list[str] | None, typer.Option(help="A position that is not possible any more.")] = None,
    server: Server = "local",
    as_json: Json = False,
) -> None:
    """Re-fit the rest: drop, shorten, move or reorder what was approved, nothing more."""
    request = session_pb2.RefitSessionRequest(
        name=plan,
        elapsed=Duration(seconds=round(60 * elapsed)),
        lost=Duration(seconds=round(60 * lost)),
        unavailable_positions=position or [],
    )
    with connect(server, quiet=True) as services:
        request.request_id = services.request_id()
        _tell(services.plans.RefitSession(request, metadata=services.credentials), as_json=as_json)


@session.command(name="finish")
def finish_session(
    plan: PlanName,
    retest: Annotated[list[str] | None, typer.Option(help="MOTION:SIDE=VALUE, measured again.")] = None,
    pain: Annotated[float | None, typer.Option(help="Pain after the session, 0 to 10.")] = None,
    reaction: Annotated[str, typer.Option(help="How the client reacted.")] = "",
    server: Server = "local",
    as_json: Json = False,
) -> None:
    """Finish a session with its re-tests."""
    request = session_pb2.FinishSessionRequest(
        name=plan, retests=[_retest(word) for word in retest or []], pain=pain, reaction=reaction
    )
    with connect(server, quiet=True) as services:
        request.request_id = services.request_id()
        _tell(services.plans.FinishSession(request, metadata=services.credentials), as_json=as_json)


def _retest(word: str) -> session_pb2.Retest:
    place, equals, value = word.partition("=")
    motion, _, side = place.partition(":")
    if not equals or side not in SIDES:
        raise Failure(f"'{word}' is not MOTION:SIDE=VALUE, side left, right or midline", ExitCode.USAGE)
    return session_pb2.Retest(motion=motion, side=SIDES[side], value=_number(value))


@session.command(name="report")
def report_delivery(
    client: Annotated[str, typer.Argument(help="clients/CLIENT, or clients/- for all.")] = "clients/-",
    server: Server = "local",
    as_json: Json = False,
) -> None:
    """Print planned against delivered minutes per technique."""
    request = session_pb2.ReportDeliveryRequest(parent=client)
    with connect(server, quiet=True) as services:
        answer = services.plans.ReportDelivery(request, metadata=services.credentials)
    if as_json:
        print(proto_json(answer))
        return
    print(f"{answer.sessions} finished sessions")
    for one in answer.techniques:
        pain = f", pain {one.median_pain_change:+g}" if one.HasField("median_pain_change") else ""
        print(
            f"{one.technique}: {one.delivered.seconds / 60:g} of {one.planned.seconds / 60:g} minutes, "
            f"{one.steps_done} of {one.steps_planned} steps{pain}"
        )


def _tell(answer: session_pb2.Session, *, as_json: bool) -> None:
    if as_json:
        print(proto_json(answer))
        return
    state = session_pb2.Session.State.Name(answer.state).lower()
    print(f"{answer.plan}, version {answer.version}: {state}")
    for one in answer.steps:
        worked = f", worked {one.delivered.seconds / 60:g}" if one.HasField("delivered") else ""
        print(f"  {STATUS[one.status]:<8}  {one.step.id}, {one.step.duration.seconds / 60:g} minutes{worked}")
    for change in answer.changes[-1:]:
        print("\n".join(change.sentences))


# --- predictions --------------------------------------------------------------------------------------------------


@predict.command(name="start")
def start_prediction(
    assessment: Annotated[str, typer.Argument(help="clients/CLIENT/assessments/ASSESSMENT.")],
    minutes: Minutes = 60,
    server: Server = "local",
    as_json: Json = False,
) -> None:
    """Begin a prediction: until it is locked you see no plan of the assessment."""
    prediction = learning_pb2.Prediction(assessment=assessment, time_budget=Duration(seconds=round(60 * minutes)))
    with connect(server, quiet=True) as services:
        request = learning_pb2.StartPredictionRequest(
            parent=assessment.partition("/assessments/")[0], prediction=prediction, request_id=services.request_id()
        )
        answer = services.plans.StartPrediction(request, metadata=services.credentials)
    print(proto_json(answer) if as_json else answer.name)


@predict.command(name="lock")
def lock_prediction(
    prediction: PredictionName,
    steps: Annotated[
        list[str] | None, typer.Argument(metavar="MUSCLE:SIDE[:TECHNIQUE]...", help="What you would do, in order.")
    ] = None,
    reasoning: Annotated[str, typer.Option(help="Why, in a few words.")] = "",
    show_me: Annotated[bool, typer.Option(help="Ask to be shown the proposal without a plan of your own.")] = False,
    server: Server = "local",
    as_json: Json = False,
) -> None:
    """Lock a prediction with what you would do."""
    with connect(server, quiet=True) as services:
        request = learning_pb2.LockPredictionRequest(
            name=prediction,
            etag=_prediction(services, prediction).etag,
            steps=[_step(word) for word in steps or []],
            reasoning=reasoning,
            show_me=show_me,
            request_id=services.request_id(),
        )
        answer = services.plans.LockPrediction(request, metadata=services.credentials)
    print(proto_json(answer) if as_json else f"{answer.name} is locked")


def _step(word: str) -> learning_pb2.PredictedStep:
    muscle, _, rest = word.partition(":")
    side, _, technique = rest.partition(":")
    if side not in SIDES:
        raise Failure(f"'{word}' is not MUSCLE:SIDE, side left, right or midline", ExitCode.USAGE)
    target = plan_pb2.Target(muscle=muscle, side=SIDES[side], technique=technique)
    return learning_pb2.PredictedStep(target=target)


@predict.command(name="reveal")
def reveal_prediction(prediction: PredictionName, server: Server = "local", as_json: Json = False) -> None:
    """Compare a locked prediction with the proposal and with what was approved."""
    with connect(server, quiet=True) as services:
        request = learning_pb2.RevealPredictionRequest(
            name=prediction, etag=_prediction(services, prediction).etag, request_id=services.request_id()
        )
        answer = services.plans.RevealPrediction(request, metadata=services.credentials)
    if as_json:
        print(proto_json(answer))
        return
    for row in answer.rows:
        side = "" if row.side == plan_pb2.MIDLINE else f" {plan_pb2.Side.Name(row.side)}"
        who = [
            name
            for name, treats in (("you", row.predicted), ("planner", row.proposed), ("approved", row.approved))
            if treats
        ]
        print(f"{VERDICTS[row.verdict]:<7} {row.muscle}{side} ({', '.join(who)}): {row.message}")


@predict.command(name="grade")
def grade_prediction(
    prediction: PredictionName,
    marks: Annotated[list[str], typer.Argument(metavar="CRITERION=LEVEL...", help="Levels go from 1 to 4.")],
    comment: Annotated[str, typer.Option(help="In words, kept with each of these marks.")] = "",
    server: Server = "local",
    as_json: Json = False,
) -> None:
    """Mark a locked prediction (supervisors)."""
    with connect(server, quiet=True) as services:
        request = learning_pb2.GradePredictionRequest(
            name=prediction,
            etag=_prediction(services, prediction).etag,
            marks=[_mark(word, comment) for word in marks],
            request_id=services.request_id(),
        )
        answer = services.plans.GradePrediction(request, metadata=services.credentials)
    print(proto_json(answer) if as_json else f"{len(answer.marks)} marks on {answer.name}")


def _mark(word: str, comment: str) -> learning_pb2.Mark:
    criterion, _, level = word.partition("=")
    if not level.isdecimal():
        raise Failure(f"'{word}' is not CRITERION=LEVEL", ExitCode.USAGE)
    return learning_pb2.Mark(criterion=criterion, level=int(level), comment=comment)


@predict.command(name="list")
def list_predictions(
    client: Annotated[str, typer.Argument(help="clients/CLIENT, or clients/- for all.")] = "clients/-",
    person: Annotated[str, typer.Option(help="Only of this person (supervisors).")] = "",
    server: Server = "local",
    as_json: Json = False,
) -> None:
    """List predictions and what became of them."""
    with connect(server, quiet=True) as services:
        found = _predictions(services, client, person)
    if as_json:
        print(proto_json(found))
        return
    counts = {one.prediction: one for one in found.counts}
    for one in found.predictions:
        state = learning_pb2.Prediction.State.Name(one.state).lower()
        count = counts.get(one.name)
        came_out = (
            f": {count.agreed} agreed, {count.missed} missed, {count.added} added, {count.unsafe} unsafe"
            if count
            else ""
        )
        print(f"{one.name} by {one.person.id}, {state}{came_out}")


def _prediction(services: Connection, name: str) -> learning_pb2.Prediction:
    """Returns a prediction as it is now; one that the caller may not see is as if it were not there."""
    found = _predictions(services, name.partition("/predictions/")[0], "").predictions
    prediction = next((one for one in found if one.name == name), None)
    if prediction is None:
        raise Failure(f"there is no prediction {name} that you may see")
    return prediction


def _predictions(services: Connection, client: str, person: str) -> learning_pb2.ListPredictionsResponse:
    """Returns all predictions of a client, page by page."""
    request = learning_pb2.ListPredictionsRequest(parent=client, person=person, page_size=200)
    whole = learning_pb2.ListPredictionsResponse()
    while True:
        page = services.plans.ListPredictions(request, metadata=services.credentials)
        whole.predictions.extend(page.predictions)
        whole.counts.extend(page.counts)
        if not page.next_page_token:
            return whole
        request.page_token = page.next_page_token


def _plan(services: Connection, name: str) -> plan_pb2.Plan:
    request = planner_service_pb2.GetPlanRequest(name=name, view=planner_service_pb2.BASIC)
    return services.plans.GetPlan(request, metadata=services.credentials)


def _seconds(text: str) -> int:
    return round(60 * _number(text))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise Failure(f"'{text}' is not a number", ExitCode.USAGE) from None
