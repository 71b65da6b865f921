"""Every read of an assessment is in the audit trail soon after, whoever read it and by whatever method."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import grpc
import pytest

from cli.local.accounts import DEMO_THERAPIST, ISSUER, LocalKeys
from cli.local.stack import ServiceProcess
from myoplan.assessment.v1 import assessment_pb2 as a
from myoplan.assessment.v1 import assessment_service_pb2 as s
from myoplan.assessment.v1.assessment_service_pb2_grpc import AssessmentServiceStub
from services.runtime.access_log import AccessLog
from services.runtime.client import blocking_channel
from services.runtime.logs import make_logger
from services.store.layout import Layout
from services.store.memory import MemoryStore
from services.store.model import Entry
from services.store.redis import RedisStore
from services.store.seals import Sealer
from services.store.trail import entries
from tests.support.assessment import CLIENT, NAME, Running, assessment_server, updating
from tests.support.redis_server import RedisServer
from tests.support.store import SEALER, new_clinic


class Logged:
    """A running service whose reads are written down whenever a test asks."""

    def __init__(self, service: Running, store: MemoryStore, access_log: AccessLog) -> None:
        self.service, self._store, self._access_log = service, store, access_log

    async def entries(self) -> list[Entry]:
        """Returns the entries about reads."""
        await self._access_log.flush()
        copy = self._store.clinic(self.service.clinic)
        return [entry async for entry in entries(SEALER, copy.layout, copy) if entry.action == "read"]

    async def reads(self) -> list[tuple[str, ...]]:
        """Returns person, method, outcome and names of every read."""
        return [(entry.person, *line.split()[1:]) for entry in await self.entries() for line in entry.changes]


@pytest.fixture
async def logged(tmp_path: Path) -> AsyncIterator[Logged]:
    async with _logged(tmp_path) as found:
        yield found


@asynccontextmanager
async def _logged(folder: Path) -> AsyncIterator[Logged]:
    store = MemoryStore(SEALER, "assessment")
    access_log = AccessLog(store.note, make_logger(stream=io.StringIO()))
    async with assessment_server(folder, store, new_clinic(), on_read=access_log.add) as service:
        yield Logged(service, store, access_log)


async def test_reads_by_several_people_are_all_in_the_trail(logged: Logged) -> None:
    service = logged.service
    names = [(await service.create(assessment_id=f"n{number}")).name for number in range(8)]
    people = ("ann", "bob", "cat", "dan", "eve")
    for name in names:
        for person in people:
            await service.call("GetAssessment", s.GetAssessmentRequest(name=name), sub=person)
    reads = await logged.reads()
    assert sorted(reads) == sorted((person, "GetAssessment", "OK", name) for person in people for name in names)
    found = await logged.entries()
    assert len(found) == len(people), "one entry for each person and batch"
    assert {(entry.roles, entry.revision, entry.name) for entry in found} == {(("therapist",), 0, "")}
    assert await service.store.verify(service.clinic) == ()


async def test_reading_the_audit_is_itself_in_the_trail(logged: Logged) -> None:
    service = logged.service
    await service.create()
    await service.call(
        "ListAssessmentRevisions", s.ListAssessmentRevisionsRequest(name=NAME), sub="odo", roles=["auditor"]
    )
    assert await logged.reads() == [("odo", "ListAssessmentRevisions", "OK", NAME)]
    assert [entry.roles for entry in await logged.entries()] == [("auditor",)]


async def test_a_list_names_what_it_showed_and_not_what_it_held_back(logged: Logged) -> None:
    service = logged.service
    first = await service.create(assessment_id="a1")
    other = await service.create(assessment_id="a10")
    await service.call("CompleteAssessment", s.CompleteAssessmentRequest(name=first.name, etag=first.etag))
    request = s.ListAssessmentsRequest(parent="clients/-", state=a.Assessment.OPEN)
    await service.call("ListAssessments", request, sub="ann")
    await service.call("ListAssessments", s.ListAssessmentsRequest(parent="clients/nobody"), sub="bob")
    assert await logged.reads() == [
        ("ann", "ListAssessments", "OK", "clients/-/assessments", other.name),
        ("bob", "ListAssessments", "OK", "clients/nobody/assessments"),
    ]


async def test_a_stream_names_what_it_sent_while_it_is_open(logged: Logged) -> None:
    service = logged.service
    await service.create(assessment_id="a1")
    await service.create(parent="clients/ben", assessment_id="theirs")
    await service.create(assessment_id="a2")
    watching = service.watch(s.WatchAssessmentsRequest(parent=CLIENT), sub="sys", roles=["system"])
    for _ in range(2):
        await watching.read()
    expected = [("sys", "WatchAssessments", "OK", f"{CLIENT}/assessments/a{number}") for number in (1, 2)]
    # The message may be with its reader before the server has come back from sending it.
    while len(reads := await logged.reads()) < len(expected):
        await service.get(f"{CLIENT}/assessments/a1")
    watching.cancel()
    assert [read for read in reads if read[0] == "sys"] == expected


async def test_looking_for_what_is_not_there_is_in_the_trail(logged: Logged) -> None:
    await logged.service.refused("GetAssessment", s.GetAssessmentRequest(name=NAME), sub="ann")
    assert await logged.reads() == [("ann", "GetAssessment", "NOT_FOUND", NAME)]


async def test_a_change_and_a_refusal_have_their_own_entries_only(logged: Logged) -> None:
    service = logged.service
    stored = await service.create()
    request = updating("complaint", etag=stored.etag, complaint="neck")
    await service.call("UpdateAssessment", request)
    await service.refused("GetAssessment", s.GetAssessmentRequest(name=NAME), roles=["admin"])
    await service.refused("GetAssessment", s.GetAssessmentRequest(name="clients/Ada"))
    await service.refused("UpdateAssessment", updating("complaint", etag="", complaint="neck"))
    assert await logged.reads() == []


async def test_a_stale_change_shows_that_the_record_was_read(logged: Logged) -> None:
    service = logged.service
    await service.create()
    refusal = await service.refused("UpdateAssessment", updating("complaint", complaint="neck"), sub="ann")
    assert refusal.code is grpc.StatusCode.ABORTED
    assert await logged.reads() == [("ann", "UpdateAssessment", "ABORTED", NAME)]


async def test_the_process_writes_down_its_last_reads_when_it_is_stopped(tmp_path: Path, redis: RedisServer) -> None:
    keys = LocalKeys(tmp_path / "keys")
    settings = {
        "MYOPLAN_REDIS_URL": redis.url,
        "MYOPLAN_KEY_SET": str(keys.key_set_file),
        "MYOPLAN_ISSUER": ISSUER,
        "MYOPLAN_SEAL_KEY_FILE": str(keys.seal_key_file),
        "MYOPLAN_ANCHOR_FILE": str(tmp_path / "anchor.json"),
    }
    process = ServiceProcess("assessment", settings, tmp_path)
    process.start()
    try:
        credentials = (("authorization", f"Bearer {keys.token(DEMO_THERAPIST, timedelta(minutes=5))}"),)
        with blocking_channel(process.address, "") as channel:
            stub = AssessmentServiceStub(channel)
            create = s.CreateAssessmentRequest(parent=CLIENT, assessment_id="first", assessment=a.Assessment())
            stub.CreateAssessment(create, metadata=credentials, timeout=20)
            for _ in range(5):
                stub.GetAssessment(s.GetAssessmentRequest(name=NAME), metadata=credentials, timeout=20)
    finally:
        process.stop()
    sealer = Sealer.from_file(keys.seal_key_file)
    layout = Layout("assessment", DEMO_THERAPIST.clinic)
    async with RedisStore(redis.url, "assessment", sealer, anchor_file=tmp_path / "anchor.json") as store:
        found = [entry async for entry in entries(sealer, layout, store.copy(layout.clinic)) if entry.action == "read"]
        assert store.problem is None
    lines = [line for entry in found for line in entry.changes]
    assert [line.split()[1:] for line in lines] == [["GetAssessment", "OK", NAME]] * 5
    assert {entry.person for entry in found} == {DEMO_THERAPIST.person}
