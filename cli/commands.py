"""The commands of `myoplan`. Data goes to stdout; progress, hints and warnings go to stderr."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import grpc
import typer

from cli import (
    account_commands,
    audit_commands,
    doctor,
    edit_commands,
    export_commands,
    knowledge_commands,
    plan_commands,
    plan_text,
    review_commands,
    serve,
    session_commands,
)
from cli.cases import client_of, read_case
from cli.connection import Connection, connect, failure_of, proto_json
from cli.failures import ExitCode, Failure, InvalidInput
from cli.impact import changes, plans_of
from cli.local.accounts import ROLES, Account, LocalKeys
from cli.local.stack import data_folder, read_running
from myoplan.assessment.v1 import assessment_pb2, assessment_service_pb2
from myoplan.planner.v1 import knowledge_service_pb2, plan_pb2, planner_service_pb2

application = typer.Typer(
    help="From an assessment to a sequenced, explained session plan that a person approves.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)
knowledge = typer.Typer(help="Ask the knowledge base.", no_args_is_help=True)
application.add_typer(knowledge, name="kb")
knowledge_commands.register(knowledge)
plan_commands.register(application)
edit_commands.register(application)
review_commands.register(application)
audit_commands.register(application)
session_commands.register(application)
account_commands.register(application)

Cases = Annotated[list[Path], typer.Argument(help="Case files: the proto-JSON of an Assessment, as YAML or JSON.")]
Server = Annotated[
    str,
    typer.Option(
        envvar="MYOPLAN_SERVER",
        help="'local' for the one that `myoplan up` started, or ASSESSMENT_ADDRESS,PLANNER_ADDRESS. "
        "Without it a private one is started for this command.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, one line for each result.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress on stderr.")]


@application.command()
def fit(
    cases: Annotated[list[Path] | None, typer.Argument(help="Case files (YAML or JSON).")] = None,
    minutes: Annotated[float, typer.Option(help="The length of the session in minutes.")] = 60,
    assessment: Annotated[str, typer.Option(help="A stored assessment instead of case files (needs --server).")] = "",
    pin: Annotated[list[str] | None, typer.Option(help="MUSCLE:left or MUSCLE:right that has to be in.")] = None,
    out: Annotated[list[str] | None, typer.Option(help="MUSCLE:left or MUSCLE:right that must not be in.")] = None,
    server: Server = "",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Plan one session for each case.

    Exit code over all cases: 2 if any is invalid, else 4 if any is to be referred or not treated, else 3 if for any no
    hands-on step fits, else 0.
    """
    if bool(cases) == bool(assessment):
        raise Failure("give case files, or --assessment NAME", ExitCode.USAGE)
    if assessment and not server:
        raise Failure("--assessment needs --server", ExitCode.USAGE)
    constraints = plan_pb2.Constraints(pinned=_targets(pin or []), excluded=_targets(out or []))
    codes: set[ExitCode] = set()
    with connect(server, quiet=quiet) as services:
        for position, case in enumerate(cases or [None]):
            label = str(case or assessment)
            try:
                stored = _record(services, case, complete=True).name if case else assessment
                plan = _create_plan(services, stored, minutes, constraints)
            except (InvalidInput, grpc.RpcError) as error:
                failure = error if isinstance(error, InvalidInput) else failure_of(error)
                if failure.exit_code is not ExitCode.USAGE:
                    raise failure from error
                codes.add(_tell_invalid(label, failure, as_json=as_json))
                continue
            codes.add(_exit_code(plan))
            if as_json:
                print(proto_json(plan))
            else:
                if position:
                    print()
                plan_text.print_plan(plan, title=label, console=plan_text.console())
    for code in (ExitCode.USAGE, ExitCode.BLOCKED_BY_SAFETY, ExitCode.NO_FEASIBLE_PLAN):
        if code in codes:
            raise typer.Exit(code)


@application.command()
def show(
    plan: Annotated[str, typer.Argument(help="The plan's name, clients/CLIENT/plans/PLAN.")],
    why: Annotated[int, typer.Option(help="Explain the step with this number in full.")] = 0,
    server: Server = "local",
    as_json: Json = False,
) -> None:
    """Show a stored plan."""
    with connect(server, quiet=True) as services:
        answer = services.plans.GetPlan(planner_service_pb2.GetPlanRequest(name=plan), metadata=services.credentials)
    console = plan_text.console()
    if why:
        if not 0 < why <= len(answer.steps):
            raise Failure(f"the plan has steps 1 to {len(answer.steps)}", ExitCode.USAGE)
        step = answer.steps[why - 1]
        print(proto_json(step.rationale)) if as_json else plan_text.print_why(step, answer, console)
    elif as_json:
        print(proto_json(answer))
    else:
        plan_text.print_plan(answer, title=plan, console=console)


@application.command()
def record(
    case: Annotated[Path, typer.Argument(help="A case file (YAML or JSON).")],
    client: Annotated[str, typer.Option(help="The client id; default: made from the file's name.")] = "",
    complete: Annotated[bool, typer.Option(help="Seal the assessment, so that a plan can be stored.")] = True,
    server: Server = "local",
    as_json: Json = False,
) -> None:
    """Record an assessment and print its name."""
    with connect(server, quiet=True) as services:
        stored = _record(services, case, complete=complete, client=client)
    print(proto_json(stored) if as_json else stored.name)


@application.command()
def token(
    person: Annotated[str, typer.Option(help="The person id.")] = "tess",
    name: Annotated[str, typer.Option(help="The name to show.")] = "",
    role: Annotated[list[str] | None, typer.Option(help=f"One or more of {', '.join(ROLES)}.")] = None,
    clinic: Annotated[str, typer.Option(help="The clinic id.")] = "demo",
    minutes: Annotated[int, typer.Option(min=1, max=24 * 60, help="How long it is valid.")] = 60,
    keys: Annotated[
        Path | None, typer.Option(help="Folder of the keys; made if missing. Default: the local stack's.")
    ] = None,
) -> None:
    """Issue a token of this machine's own key set, for the stack that `myoplan up` starts."""
    roles = tuple(role or ["therapist"])
    if unknown := [word for word in roles if word not in ROLES]:
        raise Failure(f"unknown role {', '.join(unknown)}; the roles are {', '.join(ROLES)}", ExitCode.USAGE)
    running = read_running()
    folder = keys or (Path(running.keys) if running else data_folder() / "keys")
    account = Account(clinic=clinic, person=person, display_name=name or person, roles=roles)
    print(LocalKeys(folder).token(account, timedelta(minutes=minutes)))


@application.command()
def up() -> None:
    """Start Redis and both services on this machine and serve until Ctrl-C."""
    serve.up()


@application.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="End after printing the plans.")] = False,
    minutes: Annotated[float, typer.Option(help="The length of each session in minutes.")] = 60,
) -> None:
    """Start everything over a temporary folder, plan the example cases, and serve until Ctrl-C."""
    serve.demo(once=once, plan=lambda services, case: _plan_case(services, case, minutes))


@application.command(name="doctor")
def examine() -> None:
    """Tell what this machine has and lacks for Myoplan."""
    if not doctor.examine(plan_text.console()):
        raise typer.Exit(ExitCode.ERROR)


@knowledge.command(name="trace-zone")
def trace_zone(
    zones: Annotated[list[str] | None, typer.Argument(help="Zone ids (back_of_head).")] = None,
    side: Annotated[str, typer.Option(help="left, right, or midline for a zone that crosses it.")] = "",
    every: Annotated[bool, typer.Option("--all", help="Every zone.")] = False,
    server: Server = "",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Ask which muscles refer pain to a zone, likeliest first."""
    if bool(zones) == every:
        raise Failure("name zones, or give --all", ExitCode.USAGE)
    wanted = _side(side)
    with connect(server, quiet=quiet) as services:
        asked = zones or [zone.name.removeprefix("zones/") for zone in _every_zone(services)]
        for zone in asked:
            request = knowledge_service_pb2.TraceZoneRequest(zone=zone, side=wanted)
            answer = services.knowledge.TraceZone(request, metadata=services.credentials)
            if as_json:
                muscles = [json.loads(proto_json(muscle)) for muscle in answer.muscles]
                print(json.dumps({"zone": zone, "muscles": muscles}, ensure_ascii=False))
            else:
                plan_text.print_trace(zone, answer, plan_text.console())


@knowledge.command(name="trace-motion")
def trace_motion(
    motion: Annotated[str, typer.Argument(help="A motion id (cervical_rotation).")],
    side: Annotated[str, typer.Option(help="left or right: the limb, or the direction; midline for trunk and neck.")],
    server: Server = "",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Ask which muscles limit a motion, likeliest first."""
    wanted = _side(side)
    with connect(server, quiet=quiet) as services:
        request = knowledge_service_pb2.TraceMotionRequest(motion=motion, side=wanted)
        answer = services.knowledge.TraceMotion(request, metadata=services.credentials)
    print(proto_json(answer)) if as_json else plan_text.print_motion(motion, answer, plan_text.console())


@knowledge.command()
def impact(
    overlay: Annotated[Path, typer.Argument(help="A folder of knowledge files to lay over the curated ones.")],
    cases: Annotated[list[Path] | None, typer.Argument(help="Case files; default: the examples.")] = None,
    minutes: Annotated[float, typer.Option(help="The length of each session in minutes.")] = 60,
) -> None:
    """Tell which plans change under an overlay. Exit code 1 if any does."""
    asked = sorted(cases or serve.EXAMPLES.glob("*.yaml"))
    before, after = (
        plans_of(asked, folder, lambda services, case: _plan_case(services, case, minutes), lambda _: None)
        for folder in (None, overlay)
    )
    changed = {case: found for case in asked if (found := list(changes(before[case], after[case])))}
    for case, found in changed.items():
        print("\n  ".join([f"{case.stem}:", *found]))
    print(f"{len(changed)} of {len(asked)} plans change", file=sys.stderr)
    if changed:
        raise typer.Exit(ExitCode.ERROR)


@knowledge.command()
def screen(case: Path, server: Server = "", as_json: Json = False, quiet: Quiet = False) -> None:
    """Ask what the health flags of a case mean for a session."""
    assessment = read_case(case)
    with connect(server, quiet=quiet) as services:
        # The planner's snapshot of a flag has the same fields; it spells the answer in words.
        flags = [_screened_flag(flag) for flag in assessment.health_flags]
        request = knowledge_service_pb2.ScreenHealthRequest(health_flags=flags)
        answer = services.knowledge.ScreenHealth(request, metadata=services.credentials)
    print(proto_json(answer)) if as_json else plan_text.print_screening(answer, plan_text.console())
    if answer.disposition in {plan_pb2.Plan.REFER, plan_pb2.Plan.DO_NOT_TREAT}:
        raise typer.Exit(ExitCode.BLOCKED_BY_SAFETY)


def _plan_case(services: Connection, case: Path, minutes: float) -> plan_pb2.Plan:
    stored = _record(services, case, complete=True)
    return _create_plan(services, stored.name, minutes, plan_pb2.Constraints())


def _record(services: Connection, case: Path, *, complete: bool, client: str = "") -> assessment_pb2.Assessment:
    """Records the assessment of a case file, and seals it if asked to."""
    assessment = read_case(case)
    create = assessment_service_pb2.CreateAssessmentRequest(
        parent=f"clients/{client or client_of(case)}", assessment=assessment, request_id=services.request_id()
    )
    stored = services.assessments.CreateAssessment(create, metadata=services.credentials)
    if complete:
        seal = assessment_service_pb2.CompleteAssessmentRequest(
            name=stored.name, etag=stored.etag, request_id=services.request_id()
        )
        stored = services.assessments.CompleteAssessment(seal, metadata=services.credentials)
    return stored


def _create_plan(
    services: Connection, assessment: str, minutes: float, constraints: plan_pb2.Constraints
) -> plan_pb2.Plan:
    plan = plan_pb2.Plan(assessment=assessment, constraints=constraints)
    try:
        plan.time_budget.FromTimedelta(timedelta(minutes=minutes))
    except (OverflowError, ValueError) as error:
        raise InvalidInput(f"--minutes {minutes}: give a number from 1 to 180") from error
    request = planner_service_pb2.CreatePlanRequest(
        parent=assessment.partition("/assessments/")[0], plan=plan, request_id=services.request_id()
    )
    return services.plans.CreatePlan(request, metadata=services.credentials)


def _every_zone(services: Connection) -> list[knowledge_service_pb2.Zone]:
    request = knowledge_service_pb2.ListZonesRequest(page_size=200)
    return list(services.knowledge.ListZones(request, metadata=services.credentials).zones)


def _screened_flag(flag: assessment_pb2.HealthFlag) -> plan_pb2.AssessmentSnapshot.HealthFlag:
    answer = assessment_pb2.HealthFlag.Answer.Name(flag.answer).lower()
    screened = plan_pb2.AssessmentSnapshot.HealthFlag(
        id=flag.id,
        condition=flag.condition,
        answer="" if answer == "answer_unspecified" else answer,
        zone=flag.zone,
        side=plan_pb2.Side.Value(assessment_pb2.Side.Name(flag.side)),
    )
    for detail in flag.parameters:
        screened.parameters.add(
            key=detail.key, **{kind: getattr(detail, kind) for kind in [detail.WhichOneof("value")] if kind}
        )
    return screened


def _targets(words: list[str]) -> list[plan_pb2.Target]:
    targets = []
    for word in words:
        muscle, _, side = word.partition(":")
        targets.append(plan_pb2.Target(muscle=muscle, side=_side(side)))
    return targets


def _side(word: str) -> plan_pb2.Side.ValueType:
    sides = {"left": plan_pb2.LEFT, "right": plan_pb2.RIGHT, "midline": plan_pb2.MIDLINE}
    if word not in sides:
        raise Failure(f"a side is 'left', 'right' or 'midline', not '{word}'", ExitCode.USAGE)
    return sides[word]


def _exit_code(plan: plan_pb2.Plan) -> ExitCode:
    if plan.disposition in {plan_pb2.Plan.REFER, plan_pb2.Plan.DO_NOT_TREAT}:
        return ExitCode.BLOCKED_BY_SAFETY
    return ExitCode.OK if any(step.muscle for step in plan.steps) else ExitCode.NO_FEASIBLE_PLAN


def _tell_invalid(label: str, failure: Failure, *, as_json: bool) -> ExitCode:
    print(f"myoplan: {label}: {failure}", file=sys.stderr)
    if as_json:
        problems = failure.problems if isinstance(failure, InvalidInput) else ()
        fields = [{"field": field, "problem": problem} for field, problem in problems]
        reason = failure.reason if isinstance(failure, InvalidInput) else ""
        error = {"reason": reason, "message": str(failure), "fields": fields}
        print(json.dumps({"case": label, "error": error}, ensure_ascii=False))
    return ExitCode.USAGE


export_commands.register(application, _plan_case)
