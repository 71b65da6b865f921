"""Connects the command line to the services: the ones named, or private ones started for one command."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import grpc
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from cli.failures import ExitCode, Failure, InvalidInput
from cli.local.accounts import DEMO_THERAPIST, LocalKeys
from cli.local.stack import Running, private_stack, read_running
from myoplan.assessment.v1.assessment_service_pb2_grpc import AssessmentServiceStub
from myoplan.planner.v1.knowledge_service_pb2_grpc import KnowledgeServiceStub
from myoplan.planner.v1.planner_service_pb2_grpc import PlannerServiceStub
from services.runtime.client import blocking_channel, error_of

TOKEN_LIFE = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """The stubs and the credential that every call carries."""

    assessments: AssessmentServiceStub
    plans: PlannerServiceStub
    knowledge: KnowledgeServiceStub
    credentials: tuple[tuple[str, str], ...]

    @staticmethod
    def request_id() -> str:
        """Returns a new id that makes a write repeatable."""
        return str(uuid.uuid4())


@contextlib.contextmanager
def connect(server: str, *, quiet: bool) -> Iterator[Connection]:
    """Connects to `server` (`local`, or two addresses), or starts a private stack when it is empty."""
    if server:
        with _connected(*_addresses(server)) as connection:
            yield connection
    else:
        with private_stack(_progress(quiet)) as running, connected(running) as connection:
            yield connection


@contextlib.contextmanager
def connected(running: Running) -> Iterator[Connection]:
    """Connects to a stack on this machine as the demo therapist."""
    token = LocalKeys(Path(running.keys)).token(DEMO_THERAPIST, TOKEN_LIFE)
    with _connected(running.assessment, running.planner, token) as connection:
        yield connection


def _addresses(server: str) -> tuple[str, str, str]:
    given = os.environ.get("MYOPLAN_TOKEN", "")
    if server == "local":
        running = read_running()
        if running is None:
            raise Failure("nothing is running on this machine: start it with `myoplan up`, or name the server")
        return (
            running.assessment,
            running.planner,
            given or LocalKeys(Path(running.keys)).token(DEMO_THERAPIST, TOKEN_LIFE),
        )
    assessment, comma, planner = server.partition(",")
    if not (assessment and comma and planner):
        raise Failure("--server is 'local' or ASSESSMENT_ADDRESS,PLANNER_ADDRESS", ExitCode.USAGE)
    if not given:
        raise Failure("set MYOPLAN_TOKEN to a token of the server's identity provider", ExitCode.USAGE)
    return assessment, planner, given


@contextlib.contextmanager
def _connected(assessment: str, planner: str, token: str) -> Iterator[Connection]:
    authority = os.environ.get("MYOPLAN_CA", "")
    with (
        blocking_channel(assessment, authority) as assessments,
        blocking_channel(planner, authority) as plans,
    ):
        yield Connection(
            assessments=AssessmentServiceStub(assessments),
            plans=PlannerServiceStub(plans),
            knowledge=KnowledgeServiceStub(plans),
            credentials=(("authorization", f"Bearer {token}"),),
        )


def _progress(quiet: bool) -> Callable[[str], None]:
    return (lambda _: None) if quiet or not sys.stderr.isatty() else (lambda text: print(text, file=sys.stderr))


def proto_json(message: Message) -> str:
    """Returns the proto-JSON of a message on one line."""
    return json.dumps(MessageToDict(message), ensure_ascii=False)


def failure_of(error: grpc.RpcError) -> Failure:
    """Returns what a failed call means for the person at the keyboard."""
    known = error_of(error)
    if known.code is grpc.StatusCode.INVALID_ARGUMENT:
        lines = [f"\n  {problem.field}: {problem.problem}" for problem in known.fields]
        problems = tuple((problem.field, problem.problem) for problem in known.fields)
        return InvalidInput(known.message + "".join(lines), problems, known.reason)
    hints = {
        grpc.StatusCode.UNAVAILABLE: "; is the server running? `myoplan doctor` looks",
        grpc.StatusCode.UNAUTHENTICATED: "; get a new token (`myoplan token` for a local one)",
        grpc.StatusCode.ABORTED: "; read it again and decide again",
    }
    return Failure(f"{known.code.name}: {known.message}{hints.get(known.code, '')}")
