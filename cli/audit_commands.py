"""The commands about the audit trail: what happened to a record, whether everything stored is sound, an export."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.connection import connect, proto_json
from cli.failures import ExitCode, Failure
from cli.local.accounts import LocalKeys
from cli.local.stack import read_running
from myoplan.assessment.v1 import assessment_service_pb2
from myoplan.planner.v1 import plan_pb2, review_pb2

URL_SETTING = "MYOPLAN_REDIS_URL"
SERVICES = ("assessment", "planner")
PAGE_SIZE = 200

Service = Annotated[str, typer.Option(help="assessment or planner; default: both.")]
Clinic = Annotated[str, typer.Option(help="One clinic; default: every one.")]
Url = Annotated[str, typer.Option(envvar=URL_SETTING, help="The store; default: that of the local stack.")]


def register(application: typer.Typer) -> None:
    """Adds the group `audit` to a Typer application."""
    group = typer.Typer(help="Look into the audit trail and check what is stored.", no_args_is_help=True)
    for command in (show, verify, export):
        group.command()(command)
    application.add_typer(group, name="audit")


def show(
    name: Annotated[str, typer.Argument(help="clients/CLIENT/plans/PLAN or clients/CLIENT/assessments/ASSESSMENT.")],
    server: Annotated[
        str,
        typer.Option(
            envvar="MYOPLAN_SERVER",
            help="'local' for the one that `myoplan up` started, or ASSESSMENT_ADDRESS,PLANNER_ADDRESS.",
        ),
    ] = "local",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one line for each event.")] = False,
) -> None:
    """Tell what happened to a plan or an assessment, the first event first."""
    with connect(server, quiet=True) as services:
        if "/plans/" in name:
            events = _all_pages(
                lambda token: services.plans.ListPlanEvents(
                    review_pb2.ListPlanEventsRequest(parent=name, page_size=PAGE_SIZE, page_token=token),
                    metadata=services.credentials,
                ),
                "events",
            )
            lines = [proto_json(event) if as_json else _plan_event(event) for event in events]
        else:
            events = _all_pages(
                lambda token: services.assessments.ListAssessmentRevisions(
                    assessment_service_pb2.ListAssessmentRevisionsRequest(
                        name=name, page_size=PAGE_SIZE, page_token=token
                    ),
                    metadata=services.credentials,
                ),
                "revisions",
            )
            lines = [proto_json(revision) if as_json else _assessment_revision(revision) for revision in events]
    for line in reversed(lines):
        print(line)


def verify(
    service: Service = "",
    clinic: Clinic = "",
    url: Url = "",
    exported: Annotated[Path | None, typer.Option("--export", help="An export instead of a store.")] = None,
    key: Annotated[
        Path | None, typer.Option(help="The key that seals the records; default: the local stack's.")
    ] = None,
    anchor: Annotated[Path | None, typer.Option(help="The anchor file; default: the local stack's.")] = None,
) -> None:
    """Check everything stored against its seals and its anchor.

    Exit code 1 if anything is wrong, 2 if it could not look.
    """
    _known(service)
    seal_key = key or _local_seal_key()
    if exported:
        anchored = ["--anchor", str(anchor)] if anchor else []
        raise typer.Exit(_run("verify", "--export", str(exported), "--key", str(seal_key), *anchored))
    if anchor and not service:
        raise Failure("an anchor file belongs to one service: give --service too", ExitCode.USAGE)
    codes = []
    for each in [service] if service else SERVICES:
        known = anchor or (None if url else _local_anchor(each))
        words = ["--service", each, "--clinic", clinic, "--key", str(seal_key)]
        codes.append(_run("verify", *words, *(["--anchor", str(known)] if known else []), url=url or _local_url()))
    raise typer.Exit(max(codes))


def export(
    clinic: Annotated[str, typer.Argument(help="The clinic.")],
    out: Annotated[Path, typer.Argument(help="The file to write; it must not be there yet.")],
    service: Service = "planner",
    url: Url = "",
) -> None:
    """Write everything stored of one clinic to a file, to be verified elsewhere. It holds health data."""
    _known(service)
    raise typer.Exit(_run("export", "--service", service, "--clinic", clinic, str(out), url=url or _local_url()))


def _run(module: str, *words: str, url: str = "") -> int:
    """Runs a module of the record store as a process of its own: the command line itself knows no store.

    The address goes by the environment, because it may hold a password.
    """
    environment = {**os.environ, URL_SETTING: url}
    # To verify, the planner's own module knows the record store's and looks into plans as well.
    place = "services.planner.verify" if module == "verify" else f"services.store.{module}"
    command = [sys.executable, "-m", place, *words]
    return subprocess.run(command, env=environment, check=False).returncode


def _known(service: str) -> None:
    if service and service not in SERVICES:
        raise Failure(f"the services are {' and '.join(SERVICES)}, not '{service}'", ExitCode.USAGE)


def _local_seal_key() -> Path:
    running = read_running()
    if running is None:
        raise Failure("nothing is running on this machine: name the key with --key", ExitCode.USAGE)
    return LocalKeys(Path(running.keys)).seal_key_file


def _local_url() -> str:
    running = read_running()
    if running is None or not running.store_url:
        raise Failure(f"nothing is running on this machine: name the store with --url or {URL_SETTING}", ExitCode.USAGE)
    return running.store_url


def _local_anchor(service: str) -> Path | None:
    running = read_running()
    return Path(running.anchors) / f"{service}.json" if running and running.anchors else None


def _all_pages(ask: Any, field: str) -> list[Any]:
    found: list[Any] = []
    token = ""
    while True:
        answer = ask(token)
        found += getattr(answer, field)
        token = answer.next_page_token
        if not token:
            return found


def _plan_event(event: review_pb2.PlanEvent) -> str:
    hold = ", on hold" if event.hold else ""
    roles = f"; {', '.join(event.roles)}"
    return _line(event, event.action, roles, f"{plan_pb2.Plan.State.Name(event.state)}{hold}, seal {event.seal[:12]}")


def _assessment_revision(revision: assessment_service_pb2.AssessmentRevision) -> str:
    action = assessment_service_pb2.Action.Name(revision.action)
    return _line(revision, action, "", ", ".join(revision.changes))


def _line(event: Any, action: str, roles: str, what: str) -> str:
    when = event.time.ToDatetime().isoformat(sep=" ", timespec="seconds")
    who = f"{event.person.display_name} ({event.person.id}{roles})"
    reason = f", because: {event.reason}" if event.reason else ""
    return f"{when} UTC  {event.revision:>4}  {action:<12} {who}: {what}{reason}"
