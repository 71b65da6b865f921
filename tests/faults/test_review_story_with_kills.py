"""The story of one plan in the hands of three people over gRPC; a service or Redis is killed at every step of it."""

from __future__ import annotations

import json
import random
import socket
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from cli.local.accounts import CONSOLE_PEOPLE, DEMO_THERAPIST, ISSUER, LocalKeys
from cli.local.planner_tokens import planner_tokens
from cli.local.redis_server import RedisServer, find_redis
from cli.local.stack import ServiceProcess
from myoplan.assessment.v1 import assessment_pb2 as a
from myoplan.assessment.v1 import assessment_service_pb2 as assessment_pb
from myoplan.assessment.v1.assessment_service_pb2_grpc import AssessmentServiceStub
from myoplan.planner.v1 import edit_pb2
from myoplan.planner.v1 import plan_pb2 as pb
from myoplan.planner.v1 import planner_service_pb2 as service_pb
from myoplan.planner.v1 import review_pb2 as r
from myoplan.planner.v1 import session_pb2 as s
from myoplan.planner.v1.planner_service_pb2_grpc import PlannerServiceStub
from services.runtime.client import blocking_channel, error_of
from services.runtime.status import CallRefused
from services.store.redis import RedisStore
from services.store.seals import Sealer
from tests.support.planner_service import headache, new_request_id, planning
from tests.support.working import DONE, DROPPED, PENDING, delivery

SEED = 20261124
UNDER_WAY = 1 / 3  # how often the kill comes while the call is under way and not after its answer
PATIENCE_SECONDS = 20.0
NO_ANSWER = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}
MINUTES = 40
LOST_SECONDS = 12 * 60
DONE_BEFORE_THE_LOSS = 5
PAIN_AFTER, ROTATION_AFTER = 2.0, 70.0
CLINIC = DEMO_THERAPIST.clinic
PEOPLE = {account.person: account for account in CONSOLE_PEOPLE}
TESS, THEO, SARA, PLANNER = "tess", "theo", "sara", "planner"
KILLED = ("planner", "redis", "assessment")
SORE = "levator_scapulae"
LESS_SECONDS = 30

PLAN_TRAIL = [
    ("CREATED", THEO),
    ("SIGNED", THEO),
    ("COMMENTED", SARA),
    ("RETURNED", SARA),
    ("EDITED", THEO),
    ("SIGNED", THEO),
    ("COSIGNED", SARA),
]
HELD = ("PUT_ON_HOLD", PLANNER)
WORK_TRAIL = Counter({
    ("comment_drafts", "COMMENT_DRAFTED", SARA): 1,
    ("comment_drafts", "DRAFTS_CLEARED", SARA): 1,
    ("sessions", "SESSION_STARTED", TESS): 1,
    ("sessions", "DELIVERED", TESS): 2,
    ("sessions", "SESSION_REFITTED", TESS): 1,
    ("sessions", "SESSION_FINISHED", TESS): 1,
})  # fmt: skip
PLANNER_TRAIL = WORK_TRAIL + Counter(("plans", *one) for one in PLAN_TRAIL)
ASSESSMENT_TRAIL = [("CREATED", TESS), ("COMPLETED", TESS), ("AMENDED", TESS), ("FINDINGS_RECORDED", TESS)]


@dataclass
class Stage:
    """A real Redis, a real assessment service and a real planner that follows it; each can be killed."""

    folder: Path
    ends: ExitStack
    services: dict[str, ServiceProcess] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.keys = LocalKeys(self.folder / "keys")
        self.redis = RedisServer(find_redis(), self.folder / "redis")
        self.ends.callback(self.redis.stop)
        self.redis.start()
        places = {name: f"127.0.0.1:{_free_port()}" for name in ("assessment", "planner")}
        for name, place in places.items():
            settings = {
                "MYOPLAN_ADDRESS": place,
                "MYOPLAN_REDIS_URL": self.redis.url,
                "MYOPLAN_KEY_SET": str(self.keys.key_set_file),
                "MYOPLAN_ISSUER": ISSUER,
                "MYOPLAN_SEAL_KEY_FILE": str(self.keys.seal_key_file),
                "MYOPLAN_ANCHOR_FILE": str(self.anchor(name)),
            }
            if name == "planner":
                settings["MYOPLAN_ASSESSMENT_ADDRESS"] = places["assessment"]
                settings["MYOPLAN_FOLLOW_TOKENS"] = str(self.ends.enter_context(planner_tokens(self.keys)))
            self.services[name] = ServiceProcess(name, settings, self.folder)
            self.ends.callback(self.services[name].stop)
            self.services[name].launch()
        for service in self.services.values():
            service.wait_until_serving()
        self.plans = PlannerServiceStub(self.ends.enter_context(blocking_channel(places["planner"])))
        self.assessments = AssessmentServiceStub(self.ends.enter_context(blocking_channel(places["assessment"])))

    def anchor(self, service: str) -> Path:
        return self.folder / f"{service}.json"

    def kill(self, which: str) -> None:
        """Ends Redis or a service at once, as a crash would, and starts it again at the same address."""
        killed = self.services.get(which, self.redis)
        killed.kill()
        killed.start()

    def method(self, name: str) -> Any:
        return getattr(self.plans if hasattr(self.plans, name) else self.assessments, name)

    def sending(self, person: str) -> dict[str, Any]:
        """Returns what a call of a person carries, who has signed in a moment ago."""
        token = self.keys.token(PEOPLE[person], timedelta(minutes=5))
        return {
            "metadata": (("authorization", f"Bearer {token}"),),
            "timeout": PATIENCE_SECONDS,
            "wait_for_ready": True,
        }

    def send(self, person: str, method: str, request: Any) -> Any:
        """Sends the call until the service answers; a refusal is an answer, and raised."""
        end = time.monotonic() + 3 * PATIENCE_SECONDS
        while True:
            try:
                return self.method(method)(request, **self.sending(person))
            except grpc.RpcError as error:
                if error.code() not in NO_ANSWER or time.monotonic() > end:
                    raise

    def went_on_hold(self, client: str) -> bool:
        """Waits until a plan of the client is on hold."""
        events = self.plans.WatchPlans(r.WatchPlansRequest(parent=client), **self.sending(TESS))
        try:
            return any(event.hold for event in events)
        except grpc.RpcError:
            return False
        finally:
            events.cancel()

    def trail(self, service: str, module: str, client: str) -> Counter[tuple[str, str, str]]:
        """Verifies the clinic as an auditor does; returns how often who did what to which records of a client."""
        arguments = ["--url", self.redis.url, "--service", service, "--clinic", CLINIC, "--print-entries"]
        keys = ["--key", str(self.keys.seal_key_file), "--anchor", str(self.anchor(service))]
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments, *keys], capture_output=True, text=True, check=False
        )
        *entries, verdict = done.stdout.splitlines()
        assert (done.returncode, f"{service} {CLINIC}: sound, " in verdict) == (0, True), done.stdout + done.stderr
        print(verdict)
        read = [json.loads(entry) for entry in entries]
        # Refusals and reads have no revision.
        written = [one for one in read if one["revision"] and one["name"].startswith(f"{client}/")]
        return Counter((one["name"].split("/")[2], one["action"], one["person"]) for one in written)

    async def stored(self, plan: pb.Plan) -> bytes:
        """Returns the bytes of one revision of a plan as they lie in Redis."""
        async with RedisStore(self.redis.url, "planner", Sealer.from_file(self.keys.seal_key_file)) as store:
            return (await store.read(CLINIC, plan.name, plan.revision)).content


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One stage for every telling of the story; each has a client of its own."""
    with ExitStack() as ends:
        yield Stage(tmp_path_factory.mktemp("stage"), ends)


# Three ways to send the writes of the story


@dataclass
class Killed:
    """Kills something at every write, whichever the draw says, and sends the write again as it was."""

    stage: Stage
    draw: random.Random
    kills: Counter[str] = field(default_factory=Counter)
    under_way: int = 0
    turn: list[str] = field(default_factory=list)

    def write(self, person: str, method: str, request: Any) -> Any:
        request.request_id = new_request_id()
        self.turn = self.turn or self.draw.sample(KILLED, len(KILLED))
        killed = self.turn.pop()
        first = None
        if self.draw.random() < UNDER_WAY:
            self.under_way += 1
            call = self.stage.method(method).future(request, **self.stage.sending(person))
            self.stage.kill(killed)
            try:
                first = call.result()
            except grpc.RpcError as error:
                if error.code() not in NO_ANSWER:
                    raise
        else:
            first = self.stage.send(person, method, request)
            self.stage.kill(killed)
        self.kills[killed] += 1
        again = self.stage.send(person, method, request)
        assert first in (None, again), f"{method} answers otherwise after {killed} was killed"
        return again


@dataclass
class SentTwice:
    """Kills nothing. It sends the call of one method twice, as two requests; `second` is what the second gave."""

    stage: Stage
    twice: str
    second: Any = None

    def write(self, person: str, method: str, request: Any) -> Any:
        request.request_id = new_request_id()
        first = self.stage.send(person, method, request)
        if method == self.twice:
            request.request_id = new_request_id()
            try:
                self.second = self.stage.send(person, method, request)
            except grpc.RpcError as error:
                self.second = error_of(error)
        return first


Play = Killed | SentTwice


# The story


def released(play: Play) -> pb.Plan:
    """The trainee drafts, the supervisor sends it back with a suggestion, the trainee takes it, she co-signs."""
    client = f"clients/c-{uuid.uuid4().hex[:8]}"
    opened = play.write(
        TESS, "CreateAssessment", assessment_pb.CreateAssessmentRequest(parent=client, assessment=headache())
    )
    play.write(TESS, "CompleteAssessment", assessment_pb.CompleteAssessmentRequest(name=opened.name, etag=opened.etag))
    draft = play.write(THEO, "CreatePlan", planning(MINUTES, assessment=opened.name, parent=client))
    waiting = play.write(THEO, "SignPlan", r.SignPlanRequest(**seen(draft), expected_cosigner=SARA))
    before = work_on(draft, SORE)
    shorter = edit_pb2.SetDuration(step=before.id, duration=Duration(seconds=before.duration.seconds - LESS_SECONDS))
    suggestion = r.Comment(
        step=before.id,
        kind=r.Comment.MUST_FIX,
        text="It was sore for two days last week: half a minute less.",
        suggestion=[edit_pb2.PlanEdit(set_duration=shorter)],
    )
    play.write(SARA, "CreateComment", r.CreateCommentRequest(parent=draft.name, comment=suggestion))
    said = play.write(SARA, "PublishComments", r.PublishCommentsRequest(parent=draft.name, etag=waiting.etag))
    asked = newest(play, SARA, draft)
    assert (asked.state, asked.open_must_fix) == (pb.Plan.AWAITING_COSIGN, 1)
    returned = play.write(SARA, "ReturnPlan", r.ReturnPlanRequest(**seen(asked), reason="see the comment"))
    taking = r.TakeSuggestionRequest(parent=draft.name, comment=said.comments[0].id, etag=returned.etag)
    taken = play.write(THEO, "TakeSuggestion", taking)
    assert (taken.state, taken.version, taken.open_must_fix) == (pb.Plan.DRAFT, 2, 0)
    assert work_on(taken, SORE).duration == shorter.duration
    signed = play.write(THEO, "SignPlan", r.SignPlanRequest(**seen(taken), expected_cosigner=SARA))
    cosigning = r.CosignPlanRequest(**seen(signed), attestation=pb.REVIEWED_AND_AGREE)
    plan: pb.Plan = play.write(SARA, "CosignPlan", cosigning)
    assert (plan.state, plan.approved_version, plan.digest) == (pb.Plan.APPROVED, 2, taken.digest)
    assert [(one.signer.id, one.meaning) for one in plan.signatures] == [
        (THEO, pb.Signature.AUTHORED),
        (SARA, pb.Signature.COSIGNED),
    ]
    return plan


def worked(play: Play, plan: pb.Plan) -> s.Session:
    """The therapist works, loses twelve minutes, has the rest re-fitted, works it and measures again."""
    begun = play.write(TESS, "StartSession", s.StartSessionRequest(name=plan.name, etag=plan.etag))
    assert [one.step for one in begun.steps] == list(plan.steps)
    first = begun.steps[:DONE_BEFORE_THE_LOSS]
    play.write(TESS, "RecordDelivery", reporting(plan, first))
    elapsed = Duration(seconds=sum(one.step.duration.seconds for one in first))
    lost = Duration(seconds=LOST_SECONDS)
    play.write(TESS, "RefitSession", s.RefitSessionRequest(name=plan.name, elapsed=elapsed, lost=lost))
    left = play.stage.send(TESS, "GetSession", s.GetSessionRequest(name=plan.name))
    play.write(TESS, "RecordDelivery", reporting(plan, of(left, PENDING)))
    retest = s.Retest(motion="cervical_rotation", side=pb.LEFT, value=ROTATION_AFTER)
    session: s.Session = play.write(
        TESS, "FinishSession", s.FinishSessionRequest(name=plan.name, retests=[retest], pain=PAIN_AFTER)
    )
    return session


def found_out_later(play: Play, plan: pb.Plan) -> None:
    """The assessment is opened again: the client takes a blood thinner."""
    asking = assessment_pb.GetAssessmentRequest(name=plan.assessment)
    sealed = play.stage.send(TESS, "GetAssessment", asking)
    amending = assessment_pb.AmendAssessmentRequest(name=plan.assessment, etag=sealed.etag, reason="asked again")
    play.write(TESS, "AmendAssessment", amending)
    thinner = a.HealthFlag(condition="anticoagulant", answer=a.HealthFlag.PRESENT)
    recording = assessment_pb.RecordFindingsRequest(name=plan.assessment, health_flags=[thinner])
    play.write(TESS, "RecordFindings", recording)


def seen(plan: pb.Plan) -> dict[str, Any]:
    """Returns what every decision carries."""
    return {"name": plan.name, "etag": plan.etag, "digest": plan.digest}


def work_on(plan: pb.Plan, muscle: str) -> pb.Step:
    (step,) = [one for one in plan.steps if one.muscle == muscle and one.phase == pb.Step.RELEASE]
    return step


def client_of(plan: pb.Plan) -> str:
    return plan.name.partition("/plans/")[0]


def newest(play: Play, person: str, plan: pb.Plan, revision: int | None = None) -> pb.Plan:
    request = service_pb.GetPlanRequest(name=plan.name, revision=revision)
    there: pb.Plan = play.stage.send(person, "GetPlan", request)
    return there


def of(session: s.Session, status: s.SessionStep.Status.ValueType) -> list[s.SessionStep]:
    return [one for one in session.steps if one.status == status]


def reporting(plan: pb.Plan, steps: list[s.SessionStep]) -> s.RecordDeliveryRequest:
    """Returns the report that steps were done for as long as they are planned now."""
    done = [delivery(one.step.id, one.step.duration.seconds) for one in steps]
    return s.RecordDeliveryRequest(name=plan.name, deliveries=done)


# What is checked at the end


def check_session(session: s.Session, plan: pb.Plan) -> None:
    """What was worked is what was planned, less twelve minutes, and nothing that nobody approved."""
    assert (session.state, session.therapist.id) == (s.Session.FINISHED, TESS)
    assert (session.version, session.digest) == (plan.approved_version, plan.digest)
    assert [change.lost.seconds for change in session.changes] == [LOST_SECONDS], "not lost once"
    assert session.changes[0].sentences != ["Nothing changes."]
    # A turn is no work that anybody approved: a re-fit makes those that the rest needs.
    approved = {step.id: step for step in plan.steps if step.phase != pb.Step.TURN}
    kept = [one for one in session.steps if one.step.phase != pb.Step.TURN]
    assert {one.step.id for one in kept} == set(approved)
    assert {one.status for one in kept} == {DONE, DROPPED}
    done = of(session, DONE)
    assert [one.step.id for one in done[:DONE_BEFORE_THE_LOSS]] == [
        step.id for step in plan.steps[:DONE_BEFORE_THE_LOSS]
    ]
    assert all(one.delivered.seconds == one.step.duration.seconds for one in done)
    assert all(one.step.duration.seconds <= approved[one.step.id].duration.seconds for one in kept)
    assert sum(one.delivered.seconds for one in done) <= plan.time_budget.seconds - LOST_SECONDS
    (retest,) = session.retests
    assert (retest.before, retest.value, session.pain) == (45.0, ROTATION_AFTER, PAIN_AFTER)


def check_report(report: s.DeliveryReport, session: s.Session) -> None:
    """The report counts the one session once."""
    assert report.sessions == 1
    counted = [one for one in session.steps if one.step.phase != pb.Step.TURN]
    assert {one.technique for one in report.techniques} == {one.step.technique for one in counted}
    for technique in report.techniques:
        planned = [one for one in counted if one.step.technique == technique.technique]
        done = [one for one in planned if one.status == DONE]
        assert (technique.steps_planned, technique.steps_done) == (len(planned), len(done))
        assert technique.planned.seconds == sum(one.approved_duration.seconds for one in planned)
        assert technique.delivered.seconds == sum(one.delivered.seconds for one in done)
        if done:
            assert (technique.sessions_retested, technique.median_pain_change) == (1, PAIN_AFTER - 6.0)


def differences(found: Counter[Any], expected: Counter[Any]) -> dict[Any, int]:
    """Returns what was written more often than it was done (positive), and what is missing (negative)."""
    return {one: found[one] - expected[one] for one in found | expected if found[one] != expected[one]}


async def test_the_story_survives_a_kill_at_every_step(stage: Stage) -> None:
    print(f"seed {SEED}")
    begun = time.monotonic()
    play = Killed(stage, random.Random(SEED))
    plan = released(play)
    stored, answered = await stage.stored(plan), plan.SerializeToString(deterministic=True)
    finished = worked(play, plan)
    session = stage.send(SARA, "GetSession", s.GetSessionRequest(name=plan.name))
    assert session == finished
    check_session(session, plan)
    client = client_of(plan)
    check_report(stage.send(SARA, "ReportDelivery", s.ReportDeliveryRequest(parent=client)), session)
    usable = r.ListUsablePlansRequest(parent=client)
    assert list(stage.send(TESS, "ListUsablePlans", usable).plans) == [plan], "working it has not touched it"

    found_out_later(play, plan)
    assert stage.went_on_hold(client)
    held = newest(play, TESS, plan)
    assert (held.state, held.hold, held.revision) == (pb.Plan.APPROVED, True, plan.revision + 1)
    assert (held.digest, held.steps) == (plan.digest, plan.steps)
    assert not stage.send(TESS, "ListUsablePlans", usable).plans
    assert await stage.stored(plan) == stored
    assert newest(play, TESS, plan, plan.revision).SerializeToString(deterministic=True) == answered

    events = stage.send(SARA, "ListPlanEvents", r.ListPlanEventsRequest(parent=plan.name))
    trail = [(one.action, one.person.id) for one in reversed(events.events)]
    assert (trail, events.next_page_token) == ([*PLAN_TRAIL, HELD], "")
    planned = stage.trail("planner", "services.planner.verify", client)
    assert differences(planned, PLANNER_TRAIL + Counter([("plans", *HELD)])) == {}
    assessed = stage.trail("assessment", "services.store.verify", client)
    assert differences(assessed, Counter(("assessments", *one) for one in ASSESSMENT_TRAIL)) == {}
    print(
        f"{play.kills.total()} kills ({dict(play.kills)}), {play.under_way} of them with the call under way, "
        f"{planned.total()} + {assessed.total()} entries, {time.monotonic() - begun:.1f} s"
    )
    assert set(play.kills) == set(KILLED)


# Controls: the same story, and at one place the same call as another request


async def test_control_a_re_fit_as_another_request_loses_the_minutes_twice(stage: Stage) -> None:
    """A double effect, and every check of the end sees it: the session, its changes, the trail."""
    play = SentTwice(stage, "RefitSession")
    plan = released(play)
    session = worked(play, plan)
    assert [change.lost.seconds for change in play.second.changes] == [LOST_SECONDS, LOST_SECONDS]
    with pytest.raises(AssertionError, match="not lost once"):
        check_session(session, plan)
    trail = stage.trail("planner", "services.planner.verify", client_of(plan))
    assert differences(trail, PLANNER_TRAIL) == {("sessions", "SESSION_REFITTED", TESS): 1}


async def test_control_a_co_signature_as_another_request_is_refused(stage: Stage) -> None:
    """A refusal: the plan is another revision by then, so the second has no effect."""
    play = SentTwice(stage, "CosignPlan")
    plan = released(play)
    assert isinstance(play.second, CallRefused)
    assert (play.second.code, play.second.reason) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH")
    assert newest(play, SARA, plan) == plan
