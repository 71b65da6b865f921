"""Learning mode, as a client sees it: blind until it is locked, through every method there is."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest
from google.protobuf import message_factory
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from myoplan.assessment.v1 import assessment_pb2 as a
from myoplan.planner.v1 import edit_pb2, plan_pb2, planner_service_pb2, review_pb2, session_pb2
from myoplan.planner.v1 import learning_pb2 as pb
from services.runtime.identity import Role
from tests.support.planner import load_once
from tests.support.planner_service import (
    ASSESSMENT_NAME,
    CLIENT,
    PLAN_NAME,
    Running,
    headache,
    new_request_id,
    planning,
)
from tests.support.store import new_clinic
from tests.support.working import approved_plan, begin, delivery, reporting

METHODS: list[MethodDescriptor] = list(planner_service_pb2.DESCRIPTOR.services_by_name["PlannerService"].methods)
KIM = {"person": "kim", "roles": ["trainee"]}
EVERY_ROLE = {"person": "kim", "roles": [role.value for role in Role]}
Verdict = pb.ThreeWayComparison


def starting(assessment: str = ASSESSMENT_NAME, minutes: float = 60, **changes: Any) -> pb.StartPredictionRequest:
    prediction = pb.Prediction(assessment=assessment, time_budget=Duration(seconds=round(60 * minutes)))
    return pb.StartPredictionRequest(**{"parent": CLIENT, "prediction": prediction, **changes})


def step(muscle: str, side: Any = plan_pb2.RIGHT, technique: str = "", **changes: Any) -> pb.PredictedStep:
    target = plan_pb2.Target(muscle=muscle, side=side, technique=technique)
    return pb.PredictedStep(target=target, **changes)


def locking(prediction: pb.Prediction, *steps: pb.PredictedStep, **changes: Any) -> pb.LockPredictionRequest:
    fields = {"name": prediction.name, "etag": prediction.etag, "steps": steps, **changes}
    return pb.LockPredictionRequest(**fields)


def revealing(prediction: pb.Prediction, **changes: Any) -> pb.RevealPredictionRequest:
    return pb.RevealPredictionRequest(name=prediction.name, etag=prediction.etag, **changes)


def mark(criterion: str = "safety", level: int = 3, **changes: Any) -> pb.Mark:
    return pb.Mark(criterion=criterion, level=level, **changes)


async def start(service: Running, **claims: Any) -> pb.Prediction:
    answer: pb.Prediction = await service.call("StartPrediction", starting(), **{**KIM, **claims})
    return answer


async def lock(service: Running, prediction: pb.Prediction, *steps: pb.PredictedStep) -> pb.Prediction:
    answer: pb.Prediction = await service.call("LockPrediction", locking(prediction, *steps), **KIM)
    return answer


# --- blind --------------------------------------------------------------------------------------------------------


def filled(message: Any, plan: plan_pb2.Plan, prediction: pb.Prediction) -> Any:
    """Fills every field of a request by its name, whatever the method: it asks for the plan in all ways it can."""
    about_prediction = "Prediction" in message.DESCRIPTOR.name and "prediction" not in message.DESCRIPTOR.fields_by_name
    about_one_plan = any(word in message.DESCRIPTOR.name for word in ("Comment", "Suggestion", "PlanEvents"))
    about_comment = message.DESCRIPTOR.name == "DeleteCommentRequest"
    known: dict[str, Any] = {
        "name": prediction.name if about_prediction else f"{plan.name}/comments/c-1" if about_comment else plan.name,
        "parent": plan.name if about_one_plan else CLIENT,
        "earlier": plan.name,
        "later": plan.name,
        "later_delivered": True,
        "etag": prediction.etag if about_prediction else plan.etag,
        "digest": plan.digest,
        "reason": "because it is so, for the test",
        "text": "a word",
        "view": planner_service_pb2.FULL,
        "muscle": "upper_trapezius",
        "side": plan_pb2.RIGHT,
        "plan": plan_pb2.Plan(assessment=plan.assessment, time_budget=Duration(seconds=3600)),
        "prediction": pb.Prediction(assessment=plan.assessment, time_budget=Duration(seconds=3600)),
        "validate_only": True,
        "expected_cosigner": "ruth",
        "attestation": plan_pb2.REVIEWED_AND_AGREE,
        "comment": review_pb2.Comment(kind=review_pb2.Comment.NOTE, text="a word")
        if message.DESCRIPTOR.fields_by_name.get("comment")
        and message.DESCRIPTOR.fields_by_name["comment"].message_type
        else "c-1",
        "rule": "anticoagulant",
        "edits": [edit_pb2.PlanEdit(refit=edit_pb2.Refit())],
        "alternatives": 2,
        "client": CLIENT,
        "duration": Duration(seconds=600),
        "deliveries": [delivery(plan.steps[1].id)],
        "elapsed": Duration(seconds=60),
        "marks": [mark()],
        "resolution": "done",
        "format": 1,
    }
    for field in message.DESCRIPTOR.fields:
        if field.name not in known:
            continue
        value = known[field.name]
        if field.is_repeated:
            getattr(message, field.name).extend(value)
        elif field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE:
            getattr(message, field.name).CopyFrom(value)
        else:
            setattr(message, field.name, value)
    return message


async def bytes_of(service: Running, method: MethodDescriptor, request: Message) -> bytes:
    """Returns every byte that an answer, an error or a few seconds of a stream bring to the person."""
    call: Any = getattr(service.planner, method.name)(request, metadata=service.credentials(**EVERY_ROLE), timeout=20)
    if not method.server_streaming:
        try:
            answer: Message = await call
        except grpc.aio.AioRpcError as error:
            trailers = b"".join(
                value if isinstance(value, bytes) else str(value).encode() for _, value in error.trailing_metadata()
            )
            return error.code().name.encode() + b" " + (error.details() or "").encode() + trailers
        return b"OK " + answer.SerializeToString()
    seen = b"OK "
    try:
        while True:
            event = await asyncio.wait_for(call.read(), 1)
            if event is grpc.aio.EOF:
                return seen
            seen += event.SerializeToString()
    except TimeoutError:
        return seen
    finally:
        call.cancel()


async def walk(service: Running, plan: plan_pb2.Plan, prediction: pb.Prediction) -> dict[str, bytes]:
    """Calls every method of the service and returns the bytes of every answer, by method."""
    found = {}
    for method in METHODS:
        kind = message_factory.GetMessageClass(method.input_type)
        if method.name not in {"LockPrediction", "StartPrediction"}:
            found[method.name] = await bytes_of(service, method, filled(kind(), plan, prediction))
    return found


async def test_nothing_of_the_plan_is_readable_through_any_method_until_it_is_locked(in_memory: Running) -> None:
    plan = await approved_plan(in_memory)
    await begin(in_memory, plan)
    await in_memory.call("RecordDelivery", reporting(delivery(plan.steps[0].id)))
    secrets = {
        *(one.muscle for one in plan.steps if one.muscle),
        *(one.muscle for one in plan.candidates),
        *(one.muscle for one in plan.omissions if one.muscle),
        plan.name,
        plan.digest,
    }
    prediction = await start(in_memory)
    blind = await walk(in_memory, plan, prediction)
    assert set(blind) | {"LockPrediction", "StartPrediction"} == {method.name for method in METHODS}
    for method, answer in blind.items():
        # CheckPlan reads nothing: whoever asks it brings the plan along, and this person has none to bring.
        asked_well = method == "CheckPlan" or not answer.startswith(b"INVALID_ARGUMENT")
        assert asked_well, f"{method} was not asked well: {answer[:300]!r}"
        leaked = {word for word in secrets if word.encode() in answer.replace(b"upper_trapezius", b"")}
        assert not leaked, f"{method} shows {leaked}"
        assert b"upper_trapezius" not in answer, method
    assert b"PREDICTION_OPEN" not in blind["CheckPlan"]
    for method in ("GetPlan", "CreatePlan", "ComparePlans", "ReplayPlan", "GetSession", "RevisePlan", "SignPlan"):
        assert b"PREDICTION_OPEN" in blind[method], method
    # The control: the same walk finds it once the prediction is locked.
    await lock(in_memory, prediction, step("upper_trapezius"))
    locked = await in_memory.call("ListPredictions", pb.ListPredictionsRequest(parent=CLIENT), **KIM)
    open_now = await walk(in_memory, plan, locked.predictions[0])
    shows = {
        method
        for method, answer in open_now.items()
        if any(word.encode() in answer for word in secrets - {plan.digest})
    }
    assert shows >= {
        "CreatePlan", "GetPlan", "ListPlans", "ComparePlans", "GetSession", "ListUsablePlans", "RevealPrediction",
        "WatchPlans",
    }  # fmt: skip


async def test_only_that_person_and_only_that_assessment(in_memory: Running) -> None:
    await approved_plan(in_memory)
    await start(in_memory)
    get = planner_service_pb2.GetPlanRequest(name=PLAN_NAME)
    assert (await in_memory.call("GetPlan", get, person="lee", roles=["trainee"])).name == PLAN_NAME
    refusal = await in_memory.refused("GetPlan", get, **KIM)
    assert (refusal.code.name, refusal.reason) == ("PERMISSION_DENIED", "PREDICTION_OPEN")
    assert refusal.metadata == {"resource": ASSESSMENT_NAME}
    other = await in_memory.assess(identifier="second")
    made = await in_memory.call("CreatePlan", planning(assessment=other, plan_id="second"), **KIM)
    listed = await in_memory.call("ListPlans", planner_service_pb2.ListPlansRequest(parent="clients/-"), **KIM)
    assert [one.name for one in listed.plans] == [made.name]


async def test_a_plan_made_later_is_hidden_too(service: Running) -> None:
    await service.assess()
    await start(service)
    await service.call("CreatePlan", planning())
    refusal = await service.refused("GetPlan", planner_service_pb2.GetPlanRequest(name=PLAN_NAME), **KIM)
    assert refusal.reason == "PREDICTION_OPEN"
    await service.call("LockPrediction", locking(await _own(service), show_me=True), **KIM)
    assert (await service.call("GetPlan", planner_service_pb2.GetPlanRequest(name=PLAN_NAME), **KIM)).steps


async def _own(service: Running) -> pb.Prediction:
    found = await service.call("ListPredictions", pb.ListPredictionsRequest(parent=CLIENT), **KIM)
    prediction: pb.Prediction = found.predictions[0]
    return prediction


# --- the way ------------------------------------------------------------------------------------------------------


async def test_a_prediction_from_start_to_marks(service: Running) -> None:
    plan = await approved_plan(service)
    started = await start(service)
    assert (started.state, started.person.id, started.assessment) == (pb.Prediction.OPEN, "kim", ASSESSMENT_NAME)
    locked = await lock(
        service,
        started,
        step("upper_trapezius", sure=True, duration=Duration(seconds=300)),
        step("masseter_superficial"),
    )
    assert (locked.state, len(locked.steps), locked.shown) == (pb.Prediction.LOCKED, 2, False)
    found = await service.call("RevealPrediction", revealing(locked), **KIM)
    assert found.prediction.state == pb.Prediction.REVEALED
    rows = {(row.muscle, row.side): row for row in found.rows}
    agreed = rows["upper_trapezius", plan_pb2.RIGHT]
    assert (agreed.verdict, agreed.predicted, agreed.proposed, agreed.approved) == (Verdict.AGREED, True, True, True)
    assert agreed.rationale.reasons
    assert rows["levator_scapulae", plan_pb2.RIGHT].verdict == Verdict.MISSED
    assert rows["masseter_superficial", plan_pb2.RIGHT].verdict == Verdict.ADDED
    assert [row.verdict for row in found.rows] == sorted(row.verdict for row in found.rows)
    assert found.approved_plan == plan.name
    assert [one.muscle for one in found.proposal.steps] == [one.muscle for one in plan.steps]
    assert not found.proposal.name, "nothing is stored"
    marked = await service.call(
        "GradePrediction",
        pb.GradePredictionRequest(
            name=locked.name,
            etag=found.prediction.etag,
            marks=[mark(), mark("reasoning", 2, comment="say which finding")],
        ),
        person="sue",
        roles=["supervisor"],
    )
    assert [(one.criterion, one.level, one.person.id) for one in marked.marks] == [
        ("safety", 3, "sue"),
        ("reasoning", 2, "sue"),
    ]
    (count,) = (await service.call("ListPredictions", pb.ListPredictionsRequest(parent="clients/-"), **KIM)).counts
    missed = sum(row.proposed and not row.predicted for row in found.rows)
    assert (count.agreed, count.missed, count.added, count.unsafe) == (1, missed, 1, 0)
    assert await service.store.verify(service.clinic) == ()


async def test_what_a_rule_forbids_is_unsafe_with_the_rule(in_memory: Running) -> None:
    flags = [*headache().health_flags]
    numb = a.HealthFlag(condition="skin_lesion", answer=a.HealthFlag.PRESENT, zone="back_of_neck", side=a.RIGHT)
    kept = [one for one in flags if one.condition != "skin_lesion"]
    await in_memory.assess(headache(health_flags=[*kept, numb]))
    locked = await lock(in_memory, await start(in_memory), step("upper_trapezius"), step("semispinalis_capitis"))
    found = await in_memory.call("RevealPrediction", revealing(locked), **KIM)
    unsafe = [row for row in found.rows if row.verdict == Verdict.UNSAFE]
    assert unsafe
    assert all(row.rationale.reasons[0].rule in load_once().rules for row in unsafe)
    assert all(row.message for row in unsafe)
    (count,) = (await in_memory.call("ListPredictions", pb.ListPredictionsRequest(parent=CLIENT), **KIM)).counts
    assert count.unsafe == len(unsafe)


async def test_show_me_is_allowed_and_kept(in_memory: Running) -> None:
    await in_memory.assess()
    prediction = await start(in_memory)
    refusal = await in_memory.refused("LockPrediction", locking(prediction), **KIM)
    assert [problem.field for problem in refusal.fields] == ["steps"]
    shown = await in_memory.call("LockPrediction", locking(prediction, show_me=True), **KIM)
    assert (shown.shown, shown.state) == (True, pb.Prediction.LOCKED)


async def test_repeated_requests_do_nothing_twice(service: Running) -> None:
    await service.assess()
    begin_twice = starting(request_id=new_request_id())
    first = await service.call("StartPrediction", begin_twice, **KIM)
    assert await service.call("StartPrediction", begin_twice, **KIM) == first
    again = locking(first, step("upper_trapezius"), request_id=new_request_id())
    locked = await service.call("LockPrediction", again, **KIM)
    assert await service.call("LockPrediction", again, **KIM) == locked
    reveal = revealing(locked, request_id=new_request_id())
    assert await service.call("RevealPrediction", reveal, **KIM) == await service.call(
        "RevealPrediction", reveal, **KIM
    )


# --- what is refused ----------------------------------------------------------------------------------------------


async def test_who_has_worked_on_a_plan_cannot_predict_any_more(in_memory: Running) -> None:
    plan = await approved_plan(in_memory)
    await begin(in_memory, plan)
    for person in ("tess", "ruth"):  # who made it and works it, and who signed it
        refusal = await in_memory.refused("StartPrediction", starting(), person=person)
        assert (refusal.code.name, refusal.reason) == ("FAILED_PRECONDITION", "STATE_FORBIDS"), person
    await start(in_memory)


async def test_each_person_predicts_once(in_memory: Running) -> None:
    await in_memory.assess()
    prediction = await start(in_memory)
    assert (await in_memory.refused("StartPrediction", starting(), **KIM)).reason == "PREDICTION_OPEN"
    await lock(in_memory, prediction, step("upper_trapezius"))
    refusal = await in_memory.refused("StartPrediction", starting(), **KIM)
    assert (refusal.code.name, refusal.reason) == ("FAILED_PRECONDITION", "STATE_FORBIDS")


async def test_only_a_sealed_assessment_is_predicted_on(in_memory: Running) -> None:
    await in_memory.open()
    refusal = await in_memory.refused("StartPrediction", starting(), **KIM)
    assert (refusal.code.name, refusal.metadata["needed"]) == ("FAILED_PRECONDITION", "COMPLETED")
    missing = await in_memory.refused("StartPrediction", starting(f"{CLIENT}/assessments/none"), **KIM)
    assert missing.code is grpc.StatusCode.NOT_FOUND


async def test_nobody_handles_the_prediction_of_another(in_memory: Running) -> None:
    await in_memory.assess()
    prediction = await start(in_memory)
    lee = {"person": "lee", "roles": ["trainee"]}
    for method, request in (
        ("LockPrediction", locking(prediction, step("upper_trapezius"))),
        ("RevealPrediction", revealing(prediction)),
        ("ListPredictions", pb.ListPredictionsRequest(parent=CLIENT, person="kim")),
    ):
        refusal = await in_memory.refused(method, request, **lee)
        assert (refusal.code.name, refusal.reason) == ("PERMISSION_DENIED", "ROLE_LACKS_RIGHT"), method
    assert not (await in_memory.call("ListPredictions", pb.ListPredictionsRequest(parent=CLIENT), **lee)).predictions
    foreign = await in_memory.refused(
        "LockPrediction", locking(prediction, step("masseter_superficial")), clinic=new_clinic()
    )
    assert foreign.code is grpc.StatusCode.NOT_FOUND
    sue = {"person": "sue", "roles": ["supervisor"]}
    (seen,) = (await in_memory.call("ListPredictions", pb.ListPredictionsRequest(parent=CLIENT), **sue)).predictions
    assert seen.person.id == "kim"


async def test_nothing_is_revealed_or_marked_before_it_is_locked(in_memory: Running) -> None:
    await in_memory.assess()
    prediction = await start(in_memory)
    sue = {"person": "sue", "roles": ["supervisor"]}
    grade = pb.GradePredictionRequest(name=prediction.name, etag=prediction.etag, marks=[mark()])
    for method, request, claims in (
        ("RevealPrediction", revealing(prediction), KIM),
        ("RevealPrediction", revealing(prediction), sue),
        ("GradePrediction", grade, sue),
    ):
        refusal = await in_memory.refused(method, request, **claims)
        assert (refusal.code.name, refusal.metadata["state"]) == ("FAILED_PRECONDITION", "OPEN")


async def test_nobody_marks_themselves(in_memory: Running) -> None:
    await in_memory.assess()
    kim = {"person": "kim", "roles": ["supervisor"]}
    prediction = await start(in_memory, **kim)
    locked = await in_memory.call("LockPrediction", locking(prediction, show_me=True), **kim)
    grade = pb.GradePredictionRequest(name=locked.name, etag=locked.etag, marks=[mark()])
    assert (await in_memory.refused("GradePrediction", grade, **kim)).code is grpc.StatusCode.PERMISSION_DENIED


async def test_a_supervisor_who_predicts_sees_no_comparison_of_others(in_memory: Running) -> None:
    await in_memory.assess()
    locked = await lock(in_memory, await start(in_memory), step("upper_trapezius"))
    sue = {"person": "sue", "roles": ["supervisor"]}
    own = await in_memory.call("StartPrediction", starting(), **sue)
    assert (await in_memory.refused("RevealPrediction", revealing(locked), **sue)).reason == "PREDICTION_OPEN"
    listed = await in_memory.call("ListPredictions", pb.ListPredictionsRequest(parent=CLIENT), **sue)
    assert [one.name for one in listed.predictions] == [own.name]


async def test_a_stale_etag(in_memory: Running) -> None:
    await in_memory.assess()
    prediction = await start(in_memory)
    await lock(in_memory, prediction, step("upper_trapezius"))
    refusal = await in_memory.refused("RevealPrediction", revealing(prediction), **KIM)
    assert (refusal.code.name, refusal.reason) == ("ABORTED", "ETAG_MISMATCH")


@pytest.mark.parametrize(
    ("method", "request_", "fields"),
    [
        ("StartPrediction", starting(minutes=0), {"prediction.time_budget"}),
        ("StartPrediction", starting("clients/eve/assessments/x", 60.2), {
            "prediction.assessment", "prediction.time_budget",
        }),
        ("LockPrediction", pb.LockPredictionRequest(name="x"), {"name", "etag"}),
        ("LockPrediction", pb.LockPredictionRequest(
            name=f"{CLIENT}/predictions/p", etag="1", steps=[step("nothing"), step("infraspinatus", plan_pb2.MIDLINE)]
        ), {"steps[0].target.muscle", "steps[1].target.side"}),
        ("GradePrediction", pb.GradePredictionRequest(
            name=f"{CLIENT}/predictions/p", etag="1", marks=[mark("beauty", 5), mark(), mark()]
        ), {"marks[0].criterion", "marks[0].level", "marks[2].criterion"}),
        ("GradePrediction", pb.GradePredictionRequest(name=f"{CLIENT}/predictions/p", etag="1"), {"marks"}),
        ("ListPredictions", pb.ListPredictionsRequest(parent="x", page_token="y"), {"parent", "page_token"}),
    ],
    ids=["no time", "another client", "no name", "no muscle", "marks", "no marks", "page"],
)  # fmt: skip
async def test_wrong_requests_name_every_field(
    in_memory: Running, method: str, request_: Message, fields: set[str]
) -> None:
    refusal = await in_memory.refused(method, request_, person="sue", roles=["supervisor"])
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert {problem.field for problem in refusal.fields} == fields


async def test_sessions_of_the_assessment_are_hidden_from_the_report(in_memory: Running) -> None:
    plan = await approved_plan(in_memory)
    await begin(in_memory, plan)
    await in_memory.call("RecordDelivery", reporting(delivery(plan.steps[0].id)))
    await in_memory.call("FinishSession", session_pb2.FinishSessionRequest(name=PLAN_NAME, pain=1))
    report = session_pb2.ReportDeliveryRequest(parent="clients/-")
    await start(in_memory, roles=["therapist"])
    assert (await in_memory.call("ReportDelivery", report, person="kim")).sessions == 0
    assert (await in_memory.call("ReportDelivery", report)).sessions == 1
