"""The commands that hand a plan on, against both services over a real Redis."""

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
from cli.failures import Failure
from cli.local.accounts import DEMO_THERAPIST, LocalKeys
from cli.local.stack import private_stack
from tests.support.sheet import read

CASES = Path(__file__).resolve().parents[2] / "examples" / "cases"


@dataclass(frozen=True)
class Stack:
    """A running stack and how to call it."""

    server: str
    token: str

    def run(self, *arguments: str) -> Result:
        environment = {"MYOPLAN_TOKEN": self.token, "MYOPLAN_SERVER": self.server}
        return CliRunner().invoke(application, list(arguments), env=environment)

    def plan(self, case: str, minutes: int) -> dict[str, Any]:
        done = self.run("fit", str(CASES / f"{case}.yaml"), "--minutes", str(minutes), "--json")
        found: dict[str, Any] = json.loads(done.stdout)
        return found


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with private_stack(lambda _: None) as running:
        token = LocalKeys(Path(running.keys)).token(DEMO_THERAPIST, TOKEN_LIFE)
        yield Stack(f"{running.assessment},{running.planner}", token)


def test_the_fullest_example_is_one_page_with_every_muscle(stack: Stack, tmp_path: Path) -> None:
    """The jaw in three hours: more than thirty steps, in the mouth, with a consent before each entry."""
    plan = stack.plan("jaw_disorder", 180)
    assert len(plan["steps"]) > 30
    pdf, page = tmp_path / "sheet.pdf", tmp_path / "sheet.html"
    done = stack.run("export", plan["name"], "--pdf", str(pdf), "--html", str(page))
    assert (done.exit_code, done.stdout) == (0, "")
    pages, text = read(pdf.read_bytes())
    assert pages == 1
    sides = {(step["side"], step["muscle"].split("_")[0]) for step in plan["steps"] if step.get("muscle")}
    assert {side for side, _ in sides} == {"LEFT", "RIGHT"}
    for side, word in sides:
        assert any(f"{side} {start}{word}" in text for start in ("", "superficial ", "deep ", "lateral ", "medial "))
    assert plan["digest"][:12] in text
    assert plan["digest"][:12] in page.read_text()


def test_referral_is_one_page_that_says_what_to_do(stack: Stack, tmp_path: Path) -> None:
    plan = stack.plan("calf_with_thrombosis_signs", 60)
    pdf = tmp_path / "sheet.pdf"
    assert stack.run("export", plan["name"], "--pdf", str(pdf), "--revision", "1").exit_code == 0
    pages, text = read(pdf.read_bytes())
    assert pages == 1
    assert "No hands-on work today" in text
    assert plan["referrals"][0]["message"] in text


def test_export_says_what_is_missing(stack: Stack, tmp_path: Path) -> None:
    assert "--pdf FILE or --html FILE" in str(stack.run("export", "clients/a/plans/b").exception)
    plan = stack.plan("knee_pain", 60)
    nowhere = stack.run("export", plan["name"], "--html", str(tmp_path / "none" / "sheet.html"))
    assert isinstance(nowhere.exception, Failure)
    assert "No such file" in str(nowhere.exception)


def test_an_exported_problem_solved_gives_the_plan_its_benefit(stack: Stack, tmp_path: Path) -> None:
    plan = stack.plan("neck_pain", 60)
    file, problem = tmp_path / "plan.json", tmp_path / "problem.json"
    file.write_text(json.dumps(plan))
    assert stack.run("problem", "export", str(file), "-o", str(problem)).exit_code == 0
    solved = stack.run("problem", "solve", str(problem))
    assert solved.exit_code == 0
    assert json.loads(solved.stdout)["objective"] == int(plan["optimality"]["objective"])
    by_name = stack.run("problem", "export", plan["name"])
    by_case = stack.run("problem", "export", str(CASES / "neck_pain.yaml"))
    assert by_name.stdout == by_case.stdout == problem.read_text()
    shorter = stack.run("problem", "export", str(CASES / "neck_pain.yaml"), "--minutes", "30")
    assert json.loads(shorter.stdout)["half_minutes"] < json.loads(by_case.stdout)["half_minutes"]


def test_no_problem_without_a_session(stack: Stack) -> None:
    done = stack.run("problem", "export", str(CASES / "calf_with_thrombosis_signs.yaml"))
    assert (done.exit_code, done.stdout) == (4, "")
    assert "allow no session" in done.stderr


def test_what_is_no_plan_and_no_problem_is_refused(stack: Stack, tmp_path: Path) -> None:
    file = tmp_path / "wrong.json"
    file.write_text("{")
    assert "is not the JSON of a plan" in str(stack.run("problem", "export", str(file)).exception)
    file.write_text(json.dumps({"version": 1}))
    done = stack.run("problem", "export", str(file))
    assert done.exit_code == 2
    assert "plan.snapshot" in done.stderr
    assert "plan.time_budget" in done.stderr
    solved = stack.run("problem", "solve", str(file))
    assert solved.exit_code == 2
    assert "No planning problem" in solved.stderr
    other = stack.plan("knee_pain", 60) | {"knowledgeRevision": "f" * 64}
    file.write_text(json.dumps(other))
    refused = stack.run("problem", "export", str(file))
    assert refused.exit_code == 2
    assert "it was made from knowledge ffff" in refused.stderr
