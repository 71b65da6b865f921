"""`myoplan review`, by three people against both services over a real Redis."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import grpc
import pytest
from typer.testing import CliRunner, Result

from cli.commands import application
from cli.connection import TOKEN_LIFE
from cli.failures import ExitCode, Failure
from cli.local.accounts import CONSOLE_PEOPLE, LocalKeys
from cli.local.stack import Running, announced, private_stack
from myoplan.planner.v1 import review_pb2
from myoplan.planner.v1.planner_service_pb2_grpc import PlannerServiceStub
from services.planner.domain.plan import State
from services.planner.storage.documents import JsonDocuments
from services.planner.usecases.plans import Plans
from services.runtime.client import blocking_channel, error_of
from services.store.model import Actor
from services.store.redis import RedisStore
from services.store.seals import Sealer

CASE = Path(__file__).resolve().parents[2] / "examples" / "cases" / "neck_pain.yaml"


@dataclass(frozen=True)
class People:
    """A running stack of this machine and its three people: tess (therapist), theo (trainee), sara (supervisor)."""

    keys: LocalKeys
    passwords: dict[str, str]
    store_url: str
    planner: str

    def run(self, person: str, *arguments: str, typed: str = "") -> Result:
        account = next(one for one in CONSOLE_PEOPLE if one.person == person)
        environment = {
            "MYOPLAN_TOKEN": self.keys.token(account, TOKEN_LIFE),
            "COLUMNS": "132",
            "NO_COLOR": "1",
        }
        return CliRunner().invoke(application, [*arguments, "--server", "local"], env=environment, input=typed)

    def sign_in(self, person: str) -> str:
        return self.passwords[person] + "\n"

    def plan(self, person: str) -> str:
        name = self.run(person, "record", str(CASE)).stdout.strip()
        made = self.run(person, "fit", "--assessment", name, "--minutes", "40", "--json")
        return str(json.loads(made.stdout)["name"])

    def draft(self, person: str, plan: str, text: str) -> str:
        """Writes a draft, as the console does; the command line only publishes."""
        account = next(one for one in CONSOLE_PEOPLE if one.person == person)
        metadata = (("authorization", f"Bearer {self.keys.token(account, TOKEN_LIFE)}"),)
        said = review_pb2.Comment(kind=review_pb2.Comment.NOTE, text=text)
        request = review_pb2.CreateCommentRequest(parent=plan, comment=said)
        with blocking_channel(self.planner) as channel:
            return PlannerServiceStub(channel).CreateComment(request, metadata=metadata, timeout=10).id


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        with private_stack(lambda _: None) as running, announced(running):
            yield _people(running)


def _people(running: Running) -> People:
    keys = LocalKeys(Path(running.keys))
    return People(
        keys, {one.account.person: one.password for one in keys.console_sign_ins()}, running.store_url, running.planner
    )


def test_the_story(stack: People) -> None:
    plan = stack.plan("theo")
    signed = stack.run("theo", "review", "sign", plan, "--cosigner", "sara", typed=stack.sign_in("theo"))
    assert signed.exit_code == ExitCode.NEEDS_COSIGN, signed.output
    assert "AWAITING_COSIGN" in signed.stdout

    queue = stack.run("sara", "review", "list")
    assert "Your turn (1)" in queue.stdout
    assert plan in queue.stdout
    said = stack.run("sara", "review", "comment", plan, "why so firm?", "--kind", "must_fix")
    assert "MUST_FIX OPEN" in said.stdout
    shown = stack.run("sara", "review", "show", plan)
    assert shown.exit_code == ExitCode.NEEDS_COSIGN
    assert "AUTHORED by Theo (trainee) (trainee)" in shown.stdout
    blocked = stack.run("sara", "review", "cosign", plan, typed="3\n" + stack.sign_in("sara"))
    assert isinstance(blocked.exception, Failure)
    assert "must be fixed" in str(blocked.exception)

    back = stack.run("sara", "review", "return", plan, "--reason", "lighter, please")
    assert "RETURNED" in back.stdout
    revised = stack.run("theo", "revise", plan, "--minutes", "35", "--reason", "shorter")
    assert revised.exit_code == 0, revised.output
    changes = stack.run("theo", "review", "diff", plan)
    assert changes.exit_code == 0
    assert changes.stdout
    assert json.loads(stack.run("sara", "review", "list", "--json").stdout)["items"]


def test_a_therapist_approves_and_says_the_password(stack: People) -> None:
    plan = stack.plan("tess")
    wrong = stack.run("tess", "review", "approve", plan, typed="not-the-password\n")
    assert isinstance(wrong.exception, Failure)
    assert "nothing was signed" in str(wrong.exception)
    assert _unread(stack, plan) == [], "the case has no flag"
    done = stack.run("tess", "review", "approve", plan, typed=stack.sign_in("tess"))
    assert done.exit_code == 0, done.output
    assert "APPROVED" in done.stdout
    assert stack.passwords["tess"] not in done.output


def _unread(stack: People, plan: str) -> list[str]:
    lines = stack.run("tess", "review", "show", plan, "--json").stdout.splitlines()
    return [one["rule"] for one in json.loads(lines[0]).get("acknowledgements", ()) if "person" not in one]


def test_a_cosignature_asks_what_is_attested(stack: People) -> None:
    plan = stack.plan("theo")
    stack.run("theo", "review", "sign", plan, "--cosigner", "sara", typed=stack.sign_in("theo"))
    other = stack.run("tess", "review", "approve", plan)
    assert isinstance(other.exception, Failure)
    assert other.exception.exit_code == ExitCode.NEEDS_COSIGN
    done = stack.run("sara", "review", "cosign", plan, typed="9\n4\nless on the neck\n" + stack.sign_in("sara"))
    assert done.exit_code == 0, done.output
    shown = stack.run("sara", "review", "show", plan).stdout
    assert "COSIGNED by Sara (supervisor) (supervisor)" in shown
    assert "AGREE_EXCEPT: less on the neck" in shown


def test_a_draft_is_deleted_and_a_comment_is_not(stack: People) -> None:
    plan = stack.plan("tess")
    draft = stack.draft("sara", plan, "too rash")
    assert f"{draft}  NOTE DRAFT" in stack.run("sara", "review", "show", plan).stdout
    done = stack.run("sara", "review", "delete", plan, draft)
    assert done.exit_code == 0, done.output
    assert draft not in stack.run("sara", "review", "show", plan).stdout
    published = stack.run("sara", "review", "comment", plan, "this stays").stdout.split()[0]
    refused = stack.run("sara", "review", "delete", plan, published)
    assert isinstance(refused.exception, grpc.RpcError)
    assert error_of(refused.exception).reason == "STATE_FORBIDS"
    assert published in stack.run("sara", "review", "show", plan).stdout


def test_a_kind_of_comment_that_there_is_not(stack: People) -> None:
    wrong = stack.run("tess", "review", "comment", "clients/x/plans/y", "hm", "--kind", "shout")
    assert isinstance(wrong.exception, Failure)
    assert wrong.exception.exit_code == ExitCode.USAGE


async def test_verification_of_the_live_store_looks_into_the_plans(stack: People) -> None:
    """The control: a plan that nobody approved is written as approved, with every seal in order."""
    plan = stack.plan("tess")
    assert CliRunner().invoke(application, ["audit", "verify", "--service", "planner"]).exit_code == 0
    key = Sealer.from_file(stack.keys.seal_key_file)
    async with RedisStore(stack.store_url, "planner", key) as store:
        plans = Plans(store=store, documents=JsonDocuments(), clock=lambda: 1, new_id=str)
        there = await plans.read("demo", plan, 1)
        forged = replace(there.plan, state=State.APPROVED)
        tess = Actor(clinic="demo", person="tess", display_name="Tess", roles=("therapist",))
        await plans.update(tess, forged, there.etag, "APPROVED", "", None)
    assert CliRunner().invoke(application, ["audit", "verify", "--service", "planner"]).exit_code == 1
