"""Who read what is written down in batches; a store that does not take it holds up nobody."""

from __future__ import annotations

import asyncio
import io
import json
from itertools import chain, count
from typing import Any

from services.runtime.access_log import MOST_LINES, MOST_NAMES, MOST_WAITING, AccessLog
from services.runtime.identity import Caller, Role
from services.runtime.logs import make_logger
from services.runtime.reads import Reads
from services.store.model import Note, StoreUnavailable

GET = "/myoplan.Test/Get"


def caller(person: str = "tess", *roles: Role, clinic: str = "north") -> Caller:
    return Caller(
        clinic=clinic,
        person=person,
        display_name=person.title(),
        roles=frozenset(roles or (Role.THERAPIST,)),
        token="",
        auth_time=None,
    )


class Store:
    """Takes notes, or does not."""

    def __init__(self) -> None:
        self.notes: list[Note] = []
        self.down = False
        self.taken = asyncio.Event()

    async def note(self, note: Note) -> None:
        await asyncio.sleep(0)
        if self.down:
            raise StoreUnavailable("the store did not answer")
        self.notes.append(note)
        self.taken.set()

    def lines(self) -> list[str]:
        return [line for note in self.notes for line in note.changes]


class Log:
    """An access log over a store, with what it logs."""

    def __init__(self) -> None:
        self.store, self._stream, ticks = Store(), io.StringIO(), count(1_700_000_000_000_000, 1000)
        self.access = AccessLog(self.store.note, make_logger(stream=self._stream), clock=lambda: next(ticks))

    def said(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._stream.getvalue().splitlines()]


async def test_one_entry_for_each_person_says_when_how_and_what() -> None:
    log = Log()
    log.access.add(caller("tess", Role.SUPERVISOR, Role.THERAPIST), GET, ("clients/ada/plans/a",), "OK")
    log.access.add(caller("ulf"), GET, ("clients/ada/plans/b",), "NOT_FOUND")
    log.access.add(caller("tess", Role.SUPERVISOR, Role.THERAPIST), GET, ("clients/-/plans", "clients/b/plans/b"), "OK")
    await log.access.flush()
    assert [(note.actor.person, note.actor.roles, note.action) for note in log.store.notes] == [
        ("tess", ("supervisor", "therapist"), "read"),
        ("ulf", ("therapist",), "read"),
    ]
    assert log.store.notes[0].changes == (
        "2023-11-14T22:13:20.000Z Get OK clients/ada/plans/a",
        "2023-11-14T22:13:20.002Z Get OK clients/-/plans clients/b/plans/b",
    )
    assert log.store.notes[1].changes == ("2023-11-14T22:13:20.001Z Get NOT_FOUND clients/ada/plans/b",)


async def test_clinics_and_roles_never_share_an_entry() -> None:
    log = Log()
    for someone in (caller(), caller(clinic="south"), caller("tess", Role.AUDITOR)):
        log.access.add(someone, GET, ("clients/ada/plans/a",), "OK")
    await log.access.flush()
    assert {(note.actor.clinic, note.actor.roles) for note in log.store.notes} == {
        ("north", ("therapist",)),
        ("south", ("therapist",)),
        ("north", ("auditor",)),
    }


async def test_an_entry_is_bounded_and_nothing_is_left_out() -> None:
    log = Log()
    names = tuple(f"clients/ada/plans/p{number}" for number in range(5 * MOST_NAMES))
    for _ in range(MOST_LINES):
        log.access.add(caller(), GET, names, "OK")
    await log.access.flush()
    assert max(len(note.changes) for note in log.store.notes) == MOST_LINES
    assert len(log.store.notes) == 5
    words = [line.split()[3:] for line in log.store.lines()]
    assert max(map(len, words)) == MOST_NAMES
    assert list(chain.from_iterable(words)) == list(names) * MOST_LINES


async def test_a_hundred_reads_are_written_at_once_and_the_last_ones_at_the_end() -> None:
    log = Log()
    running = asyncio.ensure_future(log.access.run())
    for number in range(100):
        log.access.add(caller(), GET, (f"clients/ada/plans/p{number}",), "OK")
    async with asyncio.timeout(0.9):  # Before the second is over.
        await log.store.taken.wait()
    assert len(log.store.lines()) == 100
    log.access.add(caller(), GET, ("clients/ada/plans/last",), "OK")
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert log.store.lines()[100:] == ["2023-11-14T22:13:20.101Z Get OK clients/ada/plans/last"]


async def test_a_single_read_is_written_within_seconds() -> None:
    log = Log()
    running = asyncio.ensure_future(log.access.run())
    log.access.add(caller(), GET, ("clients/ada/plans/a",), "OK")
    async with asyncio.timeout(5):
        await log.store.taken.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_what_a_dead_store_does_not_take_waits_for_it() -> None:
    log = Log()
    log.store.down = True
    log.access.add(caller(), GET, ("clients/ada/plans/a",), "OK")
    await log.access.flush()
    log.access.add(caller(), GET, ("clients/ada/plans/b",), "OK")
    log.store.down = False
    await log.access.flush()
    assert [line.split()[3] for line in log.store.lines()] == ["clients/ada/plans/a", "clients/ada/plans/b"]
    assert [line["event"] for line in log.said()] == ["reads wait to be written down"]


async def test_too_many_are_counted_and_told() -> None:
    log = Log()
    log.store.down = True
    for _ in range(MOST_WAITING + 7):
        log.access.add(caller(), GET, ("clients/ada/plans/a",), "OK")
    await log.access.flush()
    log.store.down = False
    await log.access.flush()
    assert len(log.store.lines()) == MOST_WAITING
    (told,) = [line for line in log.said() if line["event"] == "reads were not written down"]
    assert told["count"] == 7


async def test_what_is_left_when_the_service_ends_without_a_store_is_told() -> None:
    log = Log()
    log.store.down = True
    running = asyncio.ensure_future(log.access.run())
    for _ in range(3):
        log.access.add(caller(), GET, ("clients/ada/plans/a",), "OK")
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    (told,) = [line for line in log.said() if line["event"] == "reads were not written down"]
    assert told["count"] == 3


def test_a_listed_name_counts_only_if_the_answer_holds_it_whole() -> None:
    short, longer = "clients/ada/plans/p1", "clients/ada/plans/p10"
    longest = f"clients/{'c' * 63}/comment_drafts/{'d' * 63}"
    reads = Reads()
    reads.listed((short, longer, longest))
    reads.answered(b"\n" + bytes([len(longer)]) + longer.encode() + b"\n\x96\x01" + longest.encode())
    assert len(longest) == 0x96
    assert reads.take() == (longer, longest)
    assert reads.take() == ()


def test_what_a_call_changed_is_no_read() -> None:
    reads = Reads()
    reads.read("clients/ada/plans/a")
    reads.read("clients/ada/plans/b")
    reads.written("clients/ada/plans/a")
    assert reads.take() == ("clients/ada/plans/b",)
