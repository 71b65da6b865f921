"""ExportPlan over gRPC: what is printed, who may print, and what it costs the planner."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import grpc
from google.protobuf.duration_pb2 import Duration

from myoplan.planner.v1.learning_pb2 import Prediction, StartPredictionRequest
from myoplan.planner.v1.review_pb2 import ExportPlanRequest
from tests.support.planner_service import CLIENT, PLAN_NAME, Running, planning
from tests.support.sheet import read

ROOT = Path(__file__).resolve().parents[3]
PDF, HTML = ExportPlanRequest.PDF, ExportPlanRequest.HTML


async def test_pdf_is_one_page_of_this_plan(in_memory: Running) -> None:
    await in_memory.assess()
    made = await in_memory.call("CreatePlan", planning())
    request = ExportPlanRequest(name=PLAN_NAME, format=PDF)
    answer = await in_memory.planner.ExportPlan(request, metadata=in_memory.credentials(), timeout=30)
    assert (answer.media_type, answer.filename) == ("application/pdf", "ada-first-revision-1.pdf")
    pages, text = read(answer.content)
    assert pages == 1
    assert made.digest[:12] in text
    assert "Suggested – not approved" in text
    assert "Not clinically reviewed" in text
    assert "RIGHT levator scapulae" in text
    assert "LEFT" in text


async def test_html_has_charts_and_the_same_words(in_memory: Running) -> None:
    await in_memory.assess()
    await in_memory.call("CreatePlan", planning())
    answer = await in_memory.call("ExportPlan", ExportPlanRequest(name=PLAN_NAME, format=HTML, revision=1))
    assert (answer.media_type, answer.filename) == ("text/html; charset=utf-8", "ada-first-revision-1.html")
    text = answer.content.decode()
    assert "Suggested – not approved" in text
    assert "<figure>" in text
    assert await in_memory.call("ExportPlan", ExportPlanRequest(name=PLAN_NAME, format=HTML)) == answer


async def test_bad_input_names_every_field(in_memory: Running) -> None:
    refused = await in_memory.refused("ExportPlan", ExportPlanRequest(name="x", revision=0))
    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
    assert [one.field for one in refused.fields] == ["name", "format", "revision"]


async def test_what_is_not_there_and_what_belongs_to_another_clinic_look_the_same(in_memory: Running) -> None:
    request = ExportPlanRequest(name=PLAN_NAME, format=HTML)
    missing = await in_memory.refused("ExportPlan", request)
    await in_memory.assess()
    await in_memory.call("CreatePlan", planning())
    foreign = await in_memory.refused("ExportPlan", request, clinic="another")
    assert (missing.code, missing.message) == (foreign.code, foreign.message)
    assert missing.code is grpc.StatusCode.NOT_FOUND


async def test_a_printer_is_no_way_around_learning_mode(in_memory: Running) -> None:
    """While a trainee predicts, the proposal is hidden from them; others print it."""
    assessment = await in_memory.assess()
    await in_memory.call("CreatePlan", planning())
    trainee = {"sub": "tim", "name": "Tim", "roles": ["trainee"]}
    request = ExportPlanRequest(name=PLAN_NAME, format=HTML)
    assert (await in_memory.call("ExportPlan", request, **trainee)).content
    prediction = Prediction(assessment=assessment, time_budget=Duration(seconds=3600))
    await in_memory.call("StartPrediction", StartPredictionRequest(parent=CLIENT, prediction=prediction), **trainee)
    refused = await in_memory.refused("ExportPlan", request, **trainee)
    assert (refused.code, refused.reason) == (grpc.StatusCode.PERMISSION_DENIED, "PREDICTION_OPEN")
    assert (await in_memory.call("ExportPlan", request)).content


async def test_whoever_runs_the_machines_prints_nothing(in_memory: Running) -> None:
    request = ExportPlanRequest(name=PLAN_NAME, format=HTML)
    refused = await in_memory.refused("ExportPlan", request, roles=["admin"])
    assert refused.code is grpc.StatusCode.PERMISSION_DENIED


def test_the_planner_does_not_hold_what_prints() -> None:
    """Its memory goal would be gone with the first sheet; the control holds it."""
    look = "import sys; print([name for name in ('weasyprint', 'jinja2', 'sheet') if name in sys.modules])"
    for imported, expected in (("services.planner.__main__", "[]"), ("sheet", "['jinja2', 'sheet']")):
        done = subprocess.run(
            [sys.executable, "-c", f"import {imported}; {look}"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == expected
