"""The commands about finished plans, against both services over a real Redis."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.commands import application
from cli.connection import TOKEN_LIFE
from cli.failures import Failure
from cli.local.accounts import DEMO_THERAPIST, LocalKeys
from cli.local.stack import private_stack

CASE = Path(__file__).resolve().parents[2] / "examples" / "cases" / "neck_pain.yaml"


@dataclass(frozen=True)
class Stack:
    """A running stack with two plans of one case: `short` of twenty minutes, `long` of an hour."""

    server: str
    token: str
    short: dict[str, object]
    long: dict[str, object]

    def run(self, *arguments: str) -> Result:
        return invoke(self.server, self.token, *arguments)


def invoke(server: str, token: str, *arguments: str) -> Result:
    environment = {"MYOPLAN_TOKEN": token, "COLUMNS": "132", "NO_COLOR": "1"}
    return CliRunner().invoke(application, [*arguments, "--server", server], env=environment)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with private_stack(lambda _: None) as running:
        server = f"{running.assessment},{running.planner}"
        token = LocalKeys(Path(running.keys)).token(DEMO_THERAPIST, TOKEN_LIFE)
        name = invoke(server, token, "record", str(CASE)).stdout.strip()
        short, long = (
            json.loads(invoke(server, token, "fit", "--assessment", name, "--minutes", minutes, "--json").stdout)
            for minutes in ("20", "60")
        )
        yield Stack(server, token, short, long)


def left_out(plan: dict[str, object]) -> str:
    """The first muscle that is left out for time, as the commands name it."""
    omissions = plan["omissions"]
    assert isinstance(omissions, list)
    one = next(one for one in omissions if one["kind"] == "OVER_BUDGET")
    return f"{one['muscle']}:{one['side'].lower()}"


def test_check_says_that_nothing_is_wrong_or_what_is(stack: Stack, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(stack.long))
    done = stack.run("check", str(file))
    assert (done.exit_code, done.stdout) == (0, "Nothing is wrong with it.\n")
    file.write_text(json.dumps(stack.long | {"slack": "7s"}))
    done = stack.run("check", str(file))
    assert done.exit_code == 1
    assert "planned and free time are not the budget (budget)" in done.stdout
    assert "2 findings" in done.stdout
    found = json.loads(stack.run("check", str(file), "--json").stdout)
    assert [one["rule"] for one in found["findings"]] == ["budget", "digest"]


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"steps": 1}', '{"magic": 1}', "\ud800"])
def test_check_refuses_what_is_no_plan(stack: Stack, tmp_path: Path, text: str) -> None:
    file = tmp_path / "plan.json"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    done = stack.run("check", str(file))
    assert isinstance(done.exception, Failure)
    assert done.exception.exit_code == 2
    assert "is not the JSON of a plan" in str(done.exception)


def test_check_refuses_a_file_that_is_not_there(stack: Stack, tmp_path: Path) -> None:
    assert "No such file" in str(stack.run("check", str(tmp_path / "none.json")).exception)


def test_replay_says_identical(stack: Stack) -> None:
    done = stack.run("replay", str(stack.long["name"]))
    assert (done.exit_code, done.stdout) == (0, "Identical to the last value.\n")
    assert json.loads(stack.run("replay", str(stack.long["name"]), "--json").stdout) == {"identical": True}


def test_compare_tells_what_came_and_went(stack: Stack) -> None:
    done = stack.run("compare", str(stack.short["name"]), str(stack.long["name"]))
    assert done.exit_code == 0
    assert "20 min became 60 min" in done.stdout
    muscle = left_out(stack.short).partition(":")[0].replace("_", " ")
    assert any(line.startswith("+ ") and muscle in line for line in done.stdout.splitlines())
    same = stack.run("compare", str(stack.long["name"]), str(stack.long["name"]))
    assert same.stdout == "The two plans are the same.\n"


def test_whynot_tells_why_and_what_brings_it_in(stack: Stack) -> None:
    done = stack.run("whynot", str(stack.short["name"]), left_out(stack.short))
    assert done.exit_code == 0
    assert "does not fit the time" in done.stdout
    assert "What brings it in: a session of" in done.stdout
    assert done.stdout.startswith(("LEFT ", "RIGHT "))
    assert "-> muscle " in done.stdout
    assert "refers to the" in done.stdout or "positive when pressed" in done.stdout
    wrong = stack.run("whynot", str(stack.short["name"]), "piriformis")
    assert "MUSCLE:left" in str(wrong.exception)


def test_why_is_show_why(stack: Stack) -> None:
    name = str(stack.long["name"])
    assert stack.run("why", name, "3").stdout == stack.run("show", name, "--why", "3").stdout
    assert "the plan has steps 1 to" in str(stack.run("why", name, "99").exception)
