"""The commands about finished plans: check, replay, compare, why and whynot.

Data goes to stdout; the exit code is 1 when there is something to look at.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from google.protobuf.json_format import Parse, ParseError

from cli import explain_text, plan_text
from cli.connection import connect, proto_json
from cli.failures import ExitCode, Failure, InvalidInput
from myoplan.planner.v1 import plan_pb2 as pb
from myoplan.planner.v1 import planner_service_pb2 as service_pb

MOST_FILE_BYTES = 4 * 1024 * 1024
SIDES = {"left": pb.LEFT, "right": pb.RIGHT, "midline": pb.MIDLINE}

PlanName = Annotated[str, typer.Argument(metavar="PLAN", help="The plan's name, clients/CLIENT/plans/PLAN.")]
Server = Annotated[
    str,
    typer.Option(
        envvar="MYOPLAN_SERVER",
        help="'local' for the one that `myoplan up` started, or ASSESSMENT_ADDRESS,PLANNER_ADDRESS.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, one line for each result.")]


def register(application: typer.Typer) -> None:
    """Adds these commands to a Typer application."""
    for command in (check, replay, compare, why, whynot):
        application.command()(command)


def check(
    plan: Annotated[
        Path, typer.Argument(metavar="PLAN.json", help="A plan as JSON, as `myoplan show PLAN --json` prints it.")
    ],
    server: Server = "",
    as_json: Json = False,
) -> None:
    """Check any plan, a hand-edited one included. Exit code 1 if anything is wrong with it."""
    request = service_pb.CheckPlanRequest(plan=read_plan(plan))
    with connect(server, quiet=True) as services:
        answer = services.plans.CheckPlan(request, metadata=services.credentials)
    print(proto_json(answer)) if as_json else explain_text.print_findings(answer, plan_text.console())
    if answer.findings:
        raise typer.Exit(ExitCode.ERROR)


def replay(plan: PlanName, server: Server = "local", as_json: Json = False) -> None:
    """Make a stored plan again from its own findings. Exit code 1 if it does not come out the same."""
    with connect(server, quiet=True) as services:
        request = service_pb.ReplayPlanRequest(name=plan)
        answer = services.plans.ReplayPlan(request, metadata=services.credentials)
    print(proto_json(answer)) if as_json else explain_text.print_replay(answer, plan_text.console())
    if not answer.identical:
        raise typer.Exit(ExitCode.ERROR)


def compare(
    earlier: Annotated[str, typer.Argument(help="The earlier plan's name, with @REVISION for an earlier one of it.")],
    later: Annotated[str, typer.Argument(help="The later plan's name, with @REVISION for an earlier one of it.")],
    server: Server = "local",
    as_json: Json = False,
) -> None:
    """Tell how two stored plans differ, and why."""
    with connect(server, quiet=True) as services:
        (first, first_revision), (second, second_revision) = _revision(earlier), _revision(later)
        request = service_pb.ComparePlansRequest(
            earlier=first, later=second, earlier_revision=first_revision, later_revision=second_revision
        )
        answer = services.plans.ComparePlans(request, metadata=services.credentials)
    print(proto_json(answer)) if as_json else explain_text.print_comparison(answer, plan_text.console())


def _revision(text: str) -> tuple[str, int | None]:
    """Returns the name of a plan and the revision behind the @, None for the newest."""
    name, at, revision = text.partition("@")
    if at and not revision.isdecimal():
        raise Failure(f"'{text}': give PLAN or PLAN@REVISION", ExitCode.USAGE)
    return name, int(revision) if at else None


def why(
    plan: PlanName,
    number: Annotated[int, typer.Argument(metavar="N", help="The number of the step.")],
    server: Server = "local",
    as_json: Json = False,
) -> None:
    """Explain one step in full: every reason with its path and source."""
    with connect(server, quiet=True) as services:
        found = services.plans.GetPlan(service_pb.GetPlanRequest(name=plan), metadata=services.credentials)
    if not 0 < number <= len(found.steps):
        raise Failure(f"the plan has steps 1 to {len(found.steps)}", ExitCode.USAGE)
    step = found.steps[number - 1]
    print(proto_json(step.rationale)) if as_json else plan_text.print_why(step, found, plan_text.console())


def whynot(
    plan: PlanName,
    target: Annotated[str, typer.Argument(metavar="MUSCLE:SIDE", help="As levator_scapulae:left.")],
    technique: Annotated[str, typer.Option(help="Only this technique.")] = "",
    server: Server = "local",
    as_json: Json = False,
) -> None:
    """Explain why a muscle is not treated, and what would bring it in."""
    muscle, _, side = target.partition(":")
    if side not in SIDES:
        raise Failure(f"'{target}': give MUSCLE:left, MUSCLE:right or MUSCLE:midline", ExitCode.USAGE)
    wanted = pb.Target(muscle=muscle, side=SIDES[side], technique=technique)
    with connect(server, quiet=True) as services:
        request = service_pb.ExplainOmissionRequest(
            name=plan, muscle=wanted.muscle, side=wanted.side, technique=wanted.technique
        )
        answer = services.plans.ExplainOmission(request, metadata=services.credentials)
    print(proto_json(answer)) if as_json else explain_text.print_explanation(wanted, answer, plan_text.console())


def read_plan(file: Path) -> pb.Plan:
    """Returns the plan in a JSON file. Raises InvalidInput."""
    try:
        with file.open("rb") as opened:
            text = opened.read(MOST_FILE_BYTES + 1)
    except OSError as error:
        raise InvalidInput(f"{file}: {error.strerror}") from error
    if len(text) > MOST_FILE_BYTES:
        raise InvalidInput(f"{file}: is longer than {MOST_FILE_BYTES} bytes")
    try:
        return Parse(text, pb.Plan())
    except (ParseError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput(f"{file}: is not the JSON of a plan: {error}") from error
