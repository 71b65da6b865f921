"""The commands that edit a plan and look at what else it could be, against both services over a real Redis."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli.commands import application
from cli.connection import TOKEN_LIFE
from cli.failures import ExitCode, Failure
from cli.local.accounts import DEMO_THERAPIST, LocalKeys
from cli.local.stack import private_stack

CASE = Path(__file__).resolve().parents[2] / "examples" / "cases" / "calf_pain.yaml"
SOLEUS = "release-soleus-right-pincer_compression"
MEDIAL = "release-gastrocnemius_medial_head-right-pincer_compression"


@dataclass(frozen=True)
class Stack:
    """A running stack with one recorded case."""

    server: str
    token: str
    assessment: str

    def run(self, *arguments: str) -> Result:
        environment = {"MYOPLAN_TOKEN": self.token, "COLUMNS": "132", "NO_COLOR": "1"}
        return CliRunner().invoke(application, [*arguments, "--server", self.server], env=environment)

    def plan(self) -> str:
        """Plans an hour and returns the name of the plan."""
        made = json.loads(self.run("fit", "--assessment", self.assessment, "--json").stdout)
        return str(made["name"])

    def revised(self, plan: str, *edits: str) -> dict[str, Any]:
        """Edits a plan and returns it."""
        done = self.run("revise", plan, *edits, "--json")
        assert done.exit_code == 0, done.exception
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def failed(self, *arguments: str) -> Failure:
        """Runs a command, which has to fail, and returns what it says."""
        failure = self.run(*arguments).exception
        assert isinstance(failure, Failure)
        return failure


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with private_stack(lambda _: None) as running:
        server = f"{running.assessment},{running.planner}"
        token = LocalKeys(Path(running.keys)).token(DEMO_THERAPIST, TOKEN_LIFE)
        empty = Stack(server, token, "")
        yield Stack(server, token, empty.run("record", str(CASE)).stdout.strip())


def test_every_kind_of_edit_has_an_option(stack: Stack) -> None:
    plan = stack.plan()
    stack.revised(plan, "--pin", "soleus:right", "--exclude", "gastrocnemius_lateral_head:right")
    stack.revised(plan, "--unpin", "soleus:right", "--include", "gastrocnemius_lateral_head:right")
    timed = stack.revised(plan, "--duration", f"{SOLEUS}=3.5", "--minutes", "55")
    assert next(step["duration"] for step in timed["steps"] if step["id"] == SOLEUS) == "210s"
    assert timed["timeBudget"] == "3300s"
    aside = ("--override", "superficial_before_deep=client_wish", "--override", "proximal_before_distal=other:it hurts")
    moved = stack.revised(plan, "--move", f"{SOLEUS}:before={MEDIAL}", *aside)
    assert {one["rule"] for one in moved["constraints"]["overrides"]} == {
        "superficial_before_deep",
        "proximal_before_distal",
    }
    other = stack.revised(plan, "--technique", f"{MEDIAL}=trigger_point_pressure_release")
    assert any(
        step["id"] == MEDIAL.replace("pincer_compression", "trigger_point_pressure_release") for step in other["steps"]
    )
    last = stack.revised(plan, "--no-position", "prone", "--refit")
    assert not any(step.get("position") == "prone" for step in last["steps"])
    assert last["version"] == "7"


def test_a_preview_stores_nothing_and_says_what_would_change(stack: Stack) -> None:
    plan = stack.plan()
    shown = stack.run("revise", plan, "--exclude", "soleus:right", "--preview")
    assert "* RIGHT soleus left out: it was taken out." in shown.stdout
    assert stack.revised(plan, "--pin", "soleus:right")["version"] == "2"


def test_what_stands_against_an_edit_is_said(stack: Stack) -> None:
    plan = stack.plan()
    preference = stack.failed("revise", plan, "--move", f"{SOLEUS}:before={MEDIAL}")
    assert "superficial_before_deep" in str(preference)
    safety = stack.failed("revise", plan, "--pin", "coccygeus:left")
    assert (safety.exit_code, "refer_only" in str(safety)) == (ExitCode.BLOCKED_BY_SAFETY, True)
    clash = stack.failed("revise", plan, "--pin", "soleus:right", "--minutes", "3")
    assert (clash.exit_code, "What would help: A session of" in str(clash)) == (ExitCode.NO_FEASIBLE_PLAN, True)
    for usage in (
        ("revise", plan),
        ("revise", plan, "--pin", "soleus"),
        ("revise", plan, "--move", SOLEUS),
        ("revise", plan, "--move", f"{SOLEUS}:beside={MEDIAL}"),
        ("revise", plan, "--duration", f"{SOLEUS}=long"),
        ("revise", plan, "--override", "superficial_before_deep=because"),
        ("compare", f"{plan}@one", plan),
    ):
        assert stack.failed(*usage).exit_code == ExitCode.USAGE


def test_revisions_are_compared(stack: Stack) -> None:
    plan = stack.plan()
    stack.revised(plan, "--exclude", "soleus:right")
    said = stack.run("compare", f"{plan}@1", f"{plan}@2").stdout
    assert "* RIGHT soleus left out: it was taken out." in said
    assert "The two plans are the same." in stack.run("compare", f"{plan}@2", plan).stdout


def test_exploring_says_what_minutes_change_and_what_the_benefit_rests_on(stack: Stack) -> None:
    said = stack.run("explore", stack.plan()).stdout
    assert "10 minutes fewer:" in said
    assert "% palpation positive" in said


def test_fit_prints_what_clashes(stack: Stack) -> None:
    said = stack.run(
        "fit", "--assessment", stack.assessment, "--minutes", "6", "--pin", "soleus:right",
        "--pin", "gastrocnemius_medial_head:right",
    ).stdout  # fmt: skip
    assert "These cannot hold together:" in said
    assert "What would help: A session of" in said
