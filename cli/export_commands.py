"""The commands that hand a plan on: a printed sheet, or the planning problem for any solver.

The problem is made and solved by the planner's own modules in a child process, as the command line imports no service.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from google.protobuf.json_format import MessageToJson

from cli.connection import Connection, connect
from cli.failures import ExitCode, Failure, InvalidInput
from cli.plan_commands import PlanName, Server, read_plan
from myoplan.planner.v1.plan_pb2 import Plan
from myoplan.planner.v1.planner_service_pb2 import GetPlanRequest
from myoplan.planner.v1.review_pb2 import ExportPlanRequest

# A page takes a second or two to lay out, and more on a busy machine; without a deadline a call gets five.
PRINT_SECONDS = 30

PlanCase = Callable[[Connection, Path, float], Plan]

problem = typer.Typer(help="Hand the planning problem to any solver.", no_args_is_help=True)


def register(application: typer.Typer, plan_case: PlanCase) -> None:
    """Adds these commands to a Typer application. `plan_case` plans a case file in so many minutes."""

    def export_problem(
        plan: Annotated[
            str, typer.Argument(metavar="PLAN", help="A stored plan's name, a plan as JSON, or a case file.")
        ],
        out: Annotated[Path | None, typer.Option("-o", "--out", help="A file; default: standard output.")] = None,
        minutes: Annotated[float, typer.Option(help="The length of the session, for a case file.")] = 60,
        server: Annotated[str, typer.Option(envvar="MYOPLAN_SERVER", help="As for `myoplan show`.")] = "",
    ) -> None:
        """Write the planning problem behind a plan. Exit code 4 if the plan allows no session."""
        found = _plan(plan, server, lambda services, case: plan_case(services, case, minutes))
        text = _child("services.planner.problem", given=MessageToJson(found))
        if out is None:
            sys.stdout.write(text)
        else:
            _write(out, text.encode("utf-8"))

    application.command()(export)
    problem.command(name="export")(export_problem)
    problem.command(name="solve")(solve)
    application.add_typer(problem, name="problem")


def export(
    plan: PlanName,
    pdf: Annotated[Path | None, typer.Option(help="Write the sheet as one A4 page.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write the sheet for a browser.")] = None,
    revision: Annotated[int, typer.Option(min=0, help="An earlier revision; 0: the newest.")] = 0,
    server: Server = "local",
) -> None:
    """Write the session sheet of a stored plan to a file."""
    wanted = {ExportPlanRequest.PDF: pdf, ExportPlanRequest.HTML: html}
    files = [(kind, file) for kind, file in wanted.items() if file is not None]
    if not files:
        raise Failure("give --pdf FILE or --html FILE", ExitCode.USAGE)
    with connect(server, quiet=True) as services:
        for kind, file in files:
            request = ExportPlanRequest(name=plan, format=kind, revision=revision or None)
            answer = services.plans.ExportPlan(request, metadata=services.credentials, timeout=PRINT_SECONDS)
            _write(file, answer.content)


def solve(
    file: Annotated[Path, typer.Argument(help="A problem file, as `myoplan problem export` writes it.")],
) -> None:
    """Solve a planning problem and print the solution as JSON."""
    sys.stdout.write(_child("services.planner.optimise", str(file)))


def _plan(named: str, server: str, plan_case: Callable[[Connection, Path], Plan]) -> Plan:
    """Returns the plan of a name, or of a file: a plan as JSON is taken as it is, a case is planned."""
    if named.startswith("clients/") and not Path(named).exists():
        with connect(server or "local", quiet=True) as services:
            return services.plans.GetPlan(GetPlanRequest(name=named), metadata=services.credentials)
    file = Path(named)
    if file.suffix == ".json":
        try:
            return read_plan(file)
        except InvalidInput as no_plan:
            # A case can be JSON, too; if it is none, what is wrong with the plan is the better answer.
            try:
                with connect(server, quiet=True) as services:
                    return plan_case(services, file)
            except InvalidInput:
                raise no_plan from None
    with connect(server, quiet=True) as services:
        return plan_case(services, file)


def _child(module: str, *arguments: str, given: str = "") -> str:
    """Runs a module of the planner and returns its output. What it says and its exit code are passed on."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], input=given.encode("utf-8"), capture_output=True, check=False
    )
    said = done.stderr.decode("utf-8", "replace")
    if done.returncode:
        print(f"myoplan: {said.strip()}", file=sys.stderr)
        raise typer.Exit(done.returncode)
    sys.stderr.write(said)
    return done.stdout.decode("utf-8")


def _write(file: Path, content: bytes) -> None:
    try:
        file.write_bytes(content)
    except OSError as error:
        raise Failure(f"{file}: {error.strerror}") from error
