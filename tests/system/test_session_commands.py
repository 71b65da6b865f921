"""`myoplan session`, `myoplan predict` and `myoplan progress` against a real stack."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import grpc
import pytest

from cli.local.accounts import Account, LocalKeys
from cli.local.stack import Running, private_stack
from myoplan.planner.v1 import plan_pb2, planner_service_pb2, review_pb2
from myoplan.planner.v1.planner_service_pb2_grpc import PlannerServiceStub

ROOT = Path(__file__).resolve().parents[2]
CASE = min((ROOT / "examples" / "cases").glob("*.yaml"))


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with private_stack(lambda _: None) as started:
        yield started


def token(running: Running, person: str, *roles: str) -> str:
    account = Account(clinic="demo", person=person, display_name=person.title(), roles=roles)
    return LocalKeys(Path(running.keys)).token(account, timedelta(minutes=30))


def myoplan(running: Running, person: str, role: str, *words: str, code: int = 0) -> str:
    """Runs a command as somebody and returns what it printed."""
    environment = {
        **os.environ,
        "MYOPLAN_SERVER": f"{running.assessment},{running.planner}",
        "MYOPLAN_TOKEN": token(running, person, role),
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'gen'}",
    }
    done = subprocess.run(
        [sys.executable, "-m", "cli", *words], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout or done.stderr


def approve(running: Running, name: str) -> None:
    """Approves a plan as a therapist who has just signed in."""
    metadata = (("authorization", f"Bearer {token(running, 'ruth', 'therapist')}"),)
    with grpc.insecure_channel(running.planner) as channel:
        stub = PlannerServiceStub(channel)
        plan = stub.GetPlan(planner_service_pb2.GetPlanRequest(name=name), metadata=metadata)
        for flag in plan.acknowledgements:
            request = review_pb2.AcknowledgeFlagRequest(name=name, etag=plan.etag, digest=plan.digest, rule=flag.rule)
            plan = stub.AcknowledgeFlag(request, metadata=metadata)
        stub.ApprovePlan(
            review_pb2.ApprovePlanRequest(
                name=name, etag=plan.etag, digest=plan.digest, attestation=plan_pb2.REVIEWED_AND_AGREE
            ),
            metadata=metadata,
        )


def test_from_a_prediction_to_the_report(running: Running) -> None:
    case = str(CASE)
    earlier = myoplan(running, "tess", "therapist", "record", case, "--client", "ada").strip()
    later = myoplan(running, "tess", "therapist", "record", case, "--client", "ada").strip()
    assert "no change" in myoplan(running, "tess", "therapist", "progress", earlier, later)
    prediction = myoplan(running, "kim", "trainee", "predict", "start", later).strip()
    plan = json.loads(myoplan(running, "tess", "therapist", "fit", "--assessment", later, "--json"))
    hidden = myoplan(running, "kim", "trainee", "show", plan["name"], code=1)
    assert "lock it first" in hidden
    work = [step for step in plan["steps"] if step.get("phase") == "RELEASE"]
    guess = f"{work[0]['muscle']}:{work[0]['side'].lower()}"
    myoplan(running, "kim", "trainee", "predict", "lock", prediction, guess, "--reasoning", "it hurts there")
    assert "agreed" in myoplan(running, "kim", "trainee", "predict", "reveal", prediction)
    myoplan(running, "sue", "supervisor", "predict", "grade", prediction, "safety=4", "reasoning=2")
    assert "1 agreed" in myoplan(running, "kim", "trainee", "predict", "list", "clients/ada")
    approve(running, plan["name"])
    assert "running" in myoplan(running, "tess", "therapist", "session", "start", plan["name"])
    first, second = plan["steps"][0]["id"], plan["steps"][1]["id"]
    done = myoplan(running, "tess", "therapist", "session", "done", plan["name"], f"{first}=2.5", f"{second}=skipped")
    assert "worked 2.5" in done
    words = ("session", "refit", plan["name"], "--elapsed", "5", "--lost", "40")
    assert "left out" in myoplan(running, "tess", "therapist", *words)
    finished = myoplan(running, "tess", "therapist", "session", "finish", plan["name"], "--pain", "2")
    assert "finished" in finished
    assert "1 finished sessions" in myoplan(running, "tess", "therapist", "session", "report", "clients/ada")
