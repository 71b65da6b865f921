"""The commands, run as a person would: a process of its own, an empty home, a real Redis, both services."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CASES = ROOT / "examples" / "cases"
MOST_SECONDS = 120


def environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MYOPLAN_", "XDG_"))}
    return {**kept, "HOME": str(home), "COLUMNS": "132", "NO_COLOR": "1"}


def myoplan(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli", *arguments],
        cwd=ROOT,
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=MOST_SECONDS,
        check=False,
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def up(home: Path) -> Iterator[subprocess.Popen[str]]:
    """A running `myoplan up`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "cli", "up"],
        cwd=ROOT,
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    assert first.startswith("assessment service"), first
    yield process
    process.send_signal(signal.SIGINT)
    assert process.wait(MOST_SECONDS) == 0
    process.stdout.close()


def test_demo_prints_a_plan_for_every_example_and_ends(home: Path) -> None:
    done = myoplan(home, "demo", "--once")
    assert done.returncode == 0, done.stderr
    for case in CASES.glob("*.yaml"):
        assert case.stem.replace("_", " ") in done.stdout
    assert done.stdout.count("Not clinically reviewed") >= len(list(CASES.glob("*.yaml")))
    assert "DO NOT TREAT: refer" in done.stdout
    assert not (home / ".local" / "share" / "myoplan" / "running.json").exists()


def test_fit_prints_one_json_line_for_each_case_and_tells_the_worst(home: Path) -> None:
    cases = [str(CASES / name) for name in ("neck_pain.yaml", "calf_with_thrombosis_signs.yaml")]
    done = myoplan(home, "fit", *cases, "--minutes", "45", "--json")
    plans = [json.loads(line) for line in done.stdout.splitlines()]
    assert [plan["disposition"] for plan in plans] == ["TREAT", "REFER"]
    assert done.returncode == 4
    assert plans[0]["timeBudget"] == "2700s"
    assert "steps" not in plans[1]


def test_fit_tells_every_problem_of_a_wrong_case(home: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(
        "pain_areas: [{zone: back_of_hed, side: LEFT}]\n"
        "palpation_findings: [{muscle: upper_trapezius, taut_band: true}]\n"
        "rom_tests: [{motion: cervical_rotation, side: LEFT, mode: ACTIVE, measured: {value: 500}}]\n"
    )
    done = myoplan(home, "fit", str(wrong), "--json")
    assert done.returncode == 2
    fields = {problem["field"] for problem in json.loads(done.stdout)["error"]["fields"]}
    assert len(fields) == 3
    assert "did you mean back_of_head" in done.stderr


def test_no_time_is_no_feasible_plan(home: Path) -> None:
    assert myoplan(home, "fit", str(CASES / "neck_pain.yaml"), "--minutes", "2", "--json").returncode == 3


def test_impossible_minutes_are_refused(home: Path) -> None:
    assert myoplan(home, "fit", str(CASES / "neck_pain.yaml"), "--minutes", "1000").returncode == 2


def test_trace_zone_and_screen(home: Path) -> None:
    done = myoplan(home, "kb", "trace-zone", "--all", "--side", "left", "--json")
    zones = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(zones) == 60, done.stderr
    assert all(zone["muscles"] for zone in zones)
    assert {"muscle", "role", "confidence", "source"} <= set(zones[0]["muscles"][0])
    screened = myoplan(home, "kb", "screen", str(CASES / "neck_pain_on_warfarin.yaml"), "--json")
    assert json.loads(screened.stdout)["disposition"] == "TREAT_WITH_CAUTION", screened.stderr
    assert myoplan(home, "kb", "screen", str(CASES / "calf_with_thrombosis_signs.yaml")).returncode == 4


@pytest.mark.usefixtures("up")
def test_record_fit_and_show_against_a_running_server(home: Path) -> None:
    name = myoplan(home, "record", str(CASES / "neck_pain.yaml")).stdout.strip()
    assert name.startswith("clients/neck-pain/assessments/")
    fitted = myoplan(home, "fit", "--assessment", name, "--server", "local", "--json")
    plan = json.loads(fitted.stdout)
    shown = myoplan(home, "show", plan["name"], "--json")
    assert json.loads(shown.stdout) == plan
    treated = next(number for number, step in enumerate(plan["steps"], 1) if step["phase"] == "RELEASE")
    why = myoplan(home, "show", plan["name"], "--why", str(treated))
    assert "refers to" in why.stdout, why.stderr
    assert myoplan(home, "doctor").returncode == 0


def test_the_clinic_system_example_runs(home: Path, up: subprocess.Popen[str]) -> None:
    assert up.poll() is None
    running = json.loads((home / ".local" / "share" / "myoplan" / "running.json").read_text())
    token = myoplan(home, "token", "--role", "system").stdout.strip()
    done = subprocess.run(
        [sys.executable, "examples/clinic_system.py", running["assessment"], running["planner"], token],
        cwd=ROOT,
        env={**environment(home), "PYTHONPATH": str(ROOT / "gen")},
        capture_output=True,
        text=True,
        timeout=MOST_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "ACTIVE_TRIGGER_POINT in levator_scapulae" in done.stdout
    assert "COMPLETED revision 3" in done.stdout


def test_nothing_running_is_said_plainly(tmp_path: Path) -> None:
    done = myoplan(tmp_path, "show", "clients/a/plans/b")
    assert done.returncode == 1
    assert "myoplan up" in done.stderr


def test_a_second_up_on_the_same_data_is_refused(home: Path, up: subprocess.Popen[str]) -> None:
    assert up.poll() is None
    done = myoplan(home, "up")
    assert done.returncode == 1
    assert "stop it first" in done.stderr


def test_the_readme_shows_what_the_command_prints(home: Path) -> None:
    """The plan of the README is the plan of today's knowledge and planner; the last line names a random id."""
    printed = myoplan(home, "fit", "examples/cases/neck_pain.yaml").stdout.splitlines()
    readme = (ROOT / "README.md").read_text()
    shown = readme.partition("```text\n")[2].partition("```")[0].splitlines()
    assert shown == [line.rstrip() for line in printed[:-1]], "\n".join(line.rstrip() for line in printed[:-1])


def test_impact_tells_which_plans_an_overlay_changes(home: Path, tmp_path: Path) -> None:
    """A clinic that treats at most two muscles an hour gets other plans, and is told which."""
    (tmp_path / "sources.yaml").write_text(
        "kind: source\nentries:\n  our_clinic:\n"
        "    citation: Decision of our own therapists\n    licence: own\n    status: unverified\n"
    )
    (tmp_path / "planning.yaml").write_text(
        "kind: planning_number\n"
        "defaults: {source: our_clinic, basis: expert, confidence: low, status: unverified}\n"
        "entries:\n  muscles_per_hour_most:\n    value: 2\n"
    )
    cases = [str(CASES / name) for name in ("neck_pain.yaml", "calf_with_thrombosis_signs.yaml")]
    done = myoplan(home, "kb", "impact", str(tmp_path), *cases)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "1 of 2 plans change"
    assert "no longer: LEFT sternocleidomastoid" in done.stdout
    assert "calf_with_thrombosis_signs" not in done.stdout


def test_trace_motion_names_the_muscles_that_limit_it(home: Path) -> None:
    done = myoplan(home, "kb", "trace-motion", "cervical_rotation", "--side", "right", "--json")
    muscles = {(found["muscle"], found["side"]) for found in json.loads(done.stdout)["muscles"]}
    assert {("levator_scapulae", "LEFT"), ("levator_scapulae", "RIGHT")} <= muscles
