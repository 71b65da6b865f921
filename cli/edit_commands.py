"""The commands that edit a stored plan and that look at what else it could be: revise and explore."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated

import grpc
import typer
from google.protobuf.duration_pb2 import Duration

from cli import edit_text, plan_text
from cli.connection import Connection, connect, failure_of, proto_json
from cli.failures import ExitCode, Failure
from cli.plan_commands import SIDES, Json, PlanName, Server
from myoplan.planner.v1 import edit_pb2
from myoplan.planner.v1 import plan_pb2 as pb
from myoplan.planner.v1 import planner_service_pb2 as service_pb
from services.runtime.client import error_of

_FORBIDDEN = {"DEMAND_UNSAFE"}
_INFEASIBLE = {"EDITS_CONFLICT"}
Targets = list[str] | None
_HELP = "MUSCLE:SIDE or MUSCLE:SIDE:TECHNIQUE"


def register(application: typer.Typer) -> None:
    """Adds these commands to a Typer application."""
    for command in (revise, explore):
        application.command()(command)


def revise(
    plan: PlanName,
    pin: Annotated[Targets, typer.Option(help=f"{_HELP} that has to stay.")] = None,
    unpin: Annotated[Targets, typer.Option(help=f"{_HELP} whose pin is taken back.")] = None,
    exclude: Annotated[Targets, typer.Option(help=f"{_HELP} to take out.")] = None,
    include: Annotated[Targets, typer.Option(help=f"{_HELP} to bring in.")] = None,
    minutes: Annotated[float | None, typer.Option(help="The length of the session in minutes.")] = None,
    no_position: Annotated[Targets, typer.Option(help="A position id that the client cannot take.")] = None,
    duration: Annotated[Targets, typer.Option(help="STEP=MINUTES.")] = None,
    technique: Annotated[Targets, typer.Option(help="STEP=TECHNIQUE.")] = None,
    move: Annotated[Targets, typer.Option(help="STEP:before=STEP or STEP:after=STEP.")] = None,
    refit: Annotated[bool, typer.Option("--refit", help="Plan anew under all demands.")] = False,
    override: Annotated[
        Targets, typer.Option(help="RULE=CODE or RULE=CODE:COMMENT, for the moves; CODE as client_wish.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; needed for a plan that was returned or is stale.")] = "",
    preview: Annotated[bool, typer.Option("--preview", help="Only show what would change.")] = False,
    server: Server = "local",
    as_json: Json = False,
) -> None:
    """Edit a stored plan. What no edit touches changes as little as possible; STEP is a step id of `show --json`.

    Edits are made in the order exclude, include, unpin, pin, technique, duration, move, position, minutes, refit. Exit
    code 3 if the demands cannot hold together, 4 if a rule of safety forbids an edit.
    """
    edits = [
        *(edit_pb2.PlanEdit(exclude=_target(one)) for one in exclude or ()),
        *(edit_pb2.PlanEdit(include=_target(one)) for one in include or ()),
        *(edit_pb2.PlanEdit(unpin=_target(one)) for one in unpin or ()),
        *(edit_pb2.PlanEdit(pin=_target(one)) for one in pin or ()),
        *(edit_pb2.PlanEdit(set_technique=_technique(one)) for one in technique or ()),
        *(edit_pb2.PlanEdit(set_duration=_duration(one)) for one in duration or ()),
        *_moves(move or (), [_override(one) for one in override or ()]),
        *(edit_pb2.PlanEdit(mark_position_unavailable=one) for one in no_position or ()),
        *(edit_pb2.PlanEdit(set_time_budget=_seconds(minutes)) for _ in range(minutes is not None)),
        *(edit_pb2.PlanEdit(refit=edit_pb2.Refit()) for _ in range(refit)),
    ]
    if not edits:
        raise Failure("give at least one edit, as --pin MUSCLE:SIDE", ExitCode.USAGE)
    with connect(server, quiet=True) as services:
        shown = services.plans.GetPlan(
            service_pb.GetPlanRequest(name=plan, view=service_pb.BASIC), metadata=services.credentials
        )
        request = edit_pb2.RevisePlanRequest(
            name=plan,
            etag=shown.etag,
            edits=edits,
            reason=reason,
            validate_only=preview,
            request_id="" if preview else Connection.request_id(),
        )
        try:
            answer = services.plans.RevisePlan(request, metadata=services.credentials)
        except grpc.RpcError as error:
            raise _failure(error) from error
    print(proto_json(answer)) if as_json else edit_text.print_revised(answer, plan_text.console())


def explore(
    plan: PlanName,
    alternatives: Annotated[int, typer.Option(help="How many other plans at most, up to 5.")] = 3,
    server: Server = "local",
    as_json: Json = False,
) -> None:
    """Show what else a stored plan could be, what more or fewer minutes change, and what its benefit rests on."""
    with connect(server, quiet=True) as services:
        request = edit_pb2.ExplorePlanRequest(name=plan, alternatives=alternatives)
        answer = services.plans.ExplorePlan(request, metadata=services.credentials)
    print(proto_json(answer)) if as_json else edit_text.print_exploration(answer, plan_text.console())


def _failure(error: grpc.RpcError) -> Failure:
    """Returns what stands against the edits, every sentence of it."""
    known = error_of(error)
    failure = failure_of(error)
    if not known.preconditions:
        return failure
    told = "".join(f"\n  {sentence}" for sentence in known.preconditions)
    rule = f" ({known.metadata['rule']})" if known.metadata.get("rule") else ""
    code = ExitCode.ERROR
    if known.reason in _FORBIDDEN:
        code = ExitCode.BLOCKED_BY_SAFETY
    elif known.reason in _INFEASIBLE:
        code = ExitCode.NO_FEASIBLE_PLAN
    return Failure(f"{known.message}{rule}{told}", code)


# --- words of the command line --------------------------------------------------------------------------------------


def _target(text: str) -> pb.Target:
    muscle, _, rest = text.partition(":")
    side, _, technique = rest.partition(":")
    if side not in SIDES:
        raise Failure(f"'{text}': give MUSCLE:left, MUSCLE:right or MUSCLE:midline", ExitCode.USAGE)
    return pb.Target(muscle=muscle, side=SIDES[side], technique=technique)


def _pair(text: str, what: str) -> tuple[str, str]:
    left, equals, right = text.partition("=")
    if not (left and equals and right):
        raise Failure(f"'{text}': give {what}", ExitCode.USAGE)
    return left, right


def _technique(text: str) -> edit_pb2.SetTechnique:
    step, technique = _pair(text, "STEP=TECHNIQUE")
    return edit_pb2.SetTechnique(step=step, technique=technique)


def _duration(text: str) -> edit_pb2.SetDuration:
    step, minutes = _pair(text, "STEP=MINUTES")
    try:
        return edit_pb2.SetDuration(step=step, duration=_seconds(float(minutes)))
    except (ValueError, OverflowError):
        raise Failure(f"'{text}': give STEP=MINUTES", ExitCode.USAGE) from None


def _seconds(minutes: float | None) -> Duration:
    return Duration(seconds=round(60 * (minutes or 0)))


def _moves(texts: Iterable[str], overrides: list[pb.Override]) -> Iterator[edit_pb2.PlanEdit]:
    """Yields each move; with overrides, once for each of them."""
    for text in texts:
        step, _, place = text.partition(":")
        word, anchor = _pair(place, "STEP:before=STEP or STEP:after=STEP")
        if word not in {"before", "after"}:
            raise Failure(f"'{text}': give STEP:before=STEP or STEP:after=STEP", ExitCode.USAGE)
        moved = edit_pb2.MoveStep(step=step, **{word: anchor})
        yield from (edit_pb2.PlanEdit(move=moved, override=one) for one in overrides)
        if not overrides:
            yield edit_pb2.PlanEdit(move=moved)


def _override(text: str) -> pb.Override:
    rule, said = _pair(text, "RULE=CODE or RULE=CODE:COMMENT")
    code, _, comment = said.partition(":")
    codes = {name.lower(): number for name, number in pb.Override.ReasonCode.items() if number}
    if code.lower() not in codes:
        raise Failure(f"'{text}': the code is one of {', '.join(codes)}", ExitCode.USAGE)
    return pb.Override(rule=rule, reason_code=codes[code.lower()], comment=comment)
