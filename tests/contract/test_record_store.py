"""What every record store does, on the memory store and on a real redis-server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from itertools import islice
from typing import cast

import pytest

from services.store.model import (
    Entry,
    EtagMismatch,
    Note,
    RecordDamaged,
    RecordExists,
    RecordMissing,
    RequestReused,
    Revision,
)
from services.store.seals import digest_of
from tests.support.store import (
    OTHER_RECORD,
    RECORD,
    RECORD_OF_ANOTHER_CLIENT,
    SEALER,
    Place,
    new_clinic,
    person,
    refusal,
    request,
    write,
)


async def revise(place: Place, name: str, count: int) -> list[Revision]:
    """Writes a record `count` times."""
    actor = person(place.clinic)
    revisions: list[Revision] = []
    for number in range(count):
        after = revisions[-1].entry.etag if revisions else None
        content = f"{name} {number + 1}".encode()
        revisions.append(await place.store.write(write(actor, name, after=after, content=content)))
    return revisions


async def events(place: Place, count: int, *, after: int = 0, clinic: str | None = None) -> list[Entry]:
    """Returns the next events after a cursor, which must come soon."""
    source = cast("AsyncGenerator[Entry]", place.store.events(clinic or place.clinic, after))
    async with asyncio.timeout(10), aclosing(source):
        return [await anext(source) for _ in range(count)]


# Writing


async def test_a_created_record_is_read_back_whole(place: Place) -> None:
    actor = person(place.clinic)
    wanted = write(
        actor, content=b"\x00 any bytes \xff", changes=("profile.age_years", "rom/knee"), facts={"a": "ü", "b": ""}
    )
    stored = await place.store.write(wanted)
    assert stored.content == wanted.content
    entry = stored.entry
    assert (entry.seq, entry.revision, entry.name) == (1, 1, RECORD)
    assert (entry.person, entry.display_name, entry.roles) == (actor.person, actor.display_name, actor.roles)
    assert (entry.action, entry.reason, entry.time_micros) == (wanted.action, wanted.reason, wanted.time_micros)
    assert (entry.changes, entry.facts) == (wanted.changes, wanted.facts)
    assert entry.content_digest == digest_of(wanted.content)
    assert entry.etag == f"1-{entry.seal[:16]}"
    assert await place.store.read(place.clinic, RECORD) == stored
    assert await place.store.read(place.clinic, RECORD, 1) == stored


async def test_a_revision_continues_the_one_before(place: Place) -> None:
    first, second, third = await revise(place, RECORD, 3)
    assert [revision.entry.revision for revision in (first, second, third)] == [1, 2, 3]
    assert first.entry.previous_seal == ""
    assert second.entry.previous_seal == first.entry.seal
    assert third.entry.previous_seal == second.entry.seal
    assert await place.store.read(place.clinic, RECORD) == third


async def test_every_revision_stays_readable(place: Place) -> None:
    for revision in await revise(place, RECORD, 4):
        assert await place.store.read(place.clinic, RECORD, revision.entry.revision) == revision


async def test_creating_an_existing_record_changes_nothing(place: Place) -> None:
    (first,) = await revise(place, RECORD, 1)
    with pytest.raises(RecordExists):
        await place.store.write(write(person(place.clinic), content=b"another"))
    assert await place.store.read(place.clinic, RECORD) == first
    assert await place.store.history(place.clinic, RECORD, 10) == (first.entry,)


async def test_revising_a_missing_record_changes_nothing(place: Place) -> None:
    with pytest.raises(RecordMissing):
        await place.store.write(write(person(place.clinic), after="1-0123456789abcdef"))
    with pytest.raises(RecordMissing):
        await place.store.read(place.clinic, RECORD)


@pytest.mark.parametrize("etag", ["", "1-0000000000000000", "2-0123456789abcdef", "nonsense"])
async def test_a_wrong_etag_changes_nothing(place: Place, etag: str) -> None:
    (first,) = await revise(place, RECORD, 1)
    with pytest.raises(EtagMismatch):
        await place.store.write(write(person(place.clinic), after=etag, content=b"lost"))
    assert await place.store.read(place.clinic, RECORD) == first


async def test_the_etag_of_an_earlier_revision_is_refused(place: Place) -> None:
    first, second = await revise(place, RECORD, 2)
    with pytest.raises(EtagMismatch):
        await place.store.write(write(person(place.clinic), after=first.entry.etag))
    assert await place.store.read(place.clinic, RECORD) == second


async def test_of_writers_with_the_same_etag_one_wins(place: Place) -> None:
    (first,) = await revise(place, RECORD, 1)
    actor = person(place.clinic)
    attempts = [write(actor, after=first.entry.etag, content=f"{number}".encode()) for number in range(8)]
    outcomes = await asyncio.gather(*(place.store.write(attempt) for attempt in attempts), return_exceptions=True)
    won = [outcome for outcome in outcomes if isinstance(outcome, Revision)]
    assert len(won) == 1
    assert sum(isinstance(outcome, EtagMismatch) for outcome in outcomes) == 7
    assert await place.store.read(place.clinic, RECORD) == won[0]


async def test_32_writers_who_try_again_lose_nothing(place: Place) -> None:
    """Every finding is there in the end, none twice."""
    actor = person(place.clinic)
    await place.store.write(write(actor, content=b""))

    async def add(finding: str) -> None:
        while True:
            newest = await place.store.read(place.clinic, RECORD)
            findings = newest.content.decode().split()
            content = " ".join([*findings, finding]).encode()
            try:
                await place.store.write(write(actor, after=newest.entry.etag, content=content))
            except EtagMismatch:
                continue
            return

    wanted = [f"finding-{number}" for number in range(32)]
    await asyncio.gather(*map(add, wanted))
    newest = await place.store.read(place.clinic, RECORD)
    assert sorted(newest.content.decode().split()) == sorted(wanted)
    assert newest.entry.revision == 33
    assert await place.store.verify(place.clinic) == ()


@pytest.mark.parametrize(
    "name",
    [
        "",
        "x:{y}",
        "clients/ada",
        "clients/-/assessments/a",
        "clients/ada/assessments/A",
        "clients/ada/assessments/a@1",
        "clients/ada/assessments/a/b",
        "clients/ada/assessments/a\n",
        f"clients/ada/assessments/{'a' * 64}",
    ],
)
async def test_a_malformed_name_never_becomes_a_key(place: Place, name: str) -> None:
    with pytest.raises(ValueError, match="not of the allowed form"):
        await place.store.write(write(person(place.clinic), name))


@pytest.mark.parametrize("clinic", ["", "a}b", "a:b", "A", "-a", "a/b", "*", "a\n"])
async def test_a_malformed_clinic_never_becomes_a_key(place: Place, clinic: str) -> None:
    with pytest.raises(ValueError, match="not of the allowed form"):
        await place.store.write(write(person(clinic)))


# Repeated requests


async def test_a_repeated_request_gets_the_first_result(place: Place) -> None:
    wanted = write(person(place.clinic), asked=request("r1"))
    first = await place.store.write(wanted)
    assert await place.store.write(wanted) == first
    assert await place.store.history(place.clinic, RECORD, 10) == (first.entry,)


async def test_a_request_is_repeated_even_after_further_writes(place: Place) -> None:
    actor = person(place.clinic)
    (first,) = await revise(place, RECORD, 1)
    asked = write(actor, after=first.entry.etag, content=b"second", asked=request("r1"))
    second = await place.store.write(asked)
    third = await place.store.write(write(actor, after=second.entry.etag, content=b"third"))
    assert await place.store.write(asked) == second
    assert await place.store.replay(actor, request("r1")) == second
    assert await place.store.read(place.clinic, RECORD) == third


async def test_a_repeated_request_may_name_another_record(place: Place) -> None:
    """A service that makes up the id of a new record makes up another one when the request comes again."""
    actor = person(place.clinic)
    first = await place.store.write(write(actor, RECORD, asked=request("r1")))
    assert await place.store.write(write(actor, OTHER_RECORD, asked=request("r1"))) == first
    with pytest.raises(RecordMissing):
        await place.store.read(place.clinic, OTHER_RECORD)


async def test_a_request_id_with_another_body_is_refused(place: Place) -> None:
    actor = person(place.clinic)
    first = await place.store.write(write(actor, asked=request("r1")))
    with pytest.raises(RequestReused):
        await place.store.write(write(actor, OTHER_RECORD, asked=request("r1", body="another")))
    with pytest.raises(RequestReused):
        await place.store.write(write(actor, after=first.entry.etag, asked=request("r1", body="another")))
    with pytest.raises(RequestReused):
        await place.store.replay(actor, request("r1", body="another"))
    assert await place.store.history(place.clinic, RECORD, 10) == (first.entry,)


async def test_a_refused_write_does_not_use_up_the_request_id(place: Place) -> None:
    (first,) = await revise(place, RECORD, 1)
    actor = person(place.clinic)
    with pytest.raises(EtagMismatch):
        await place.store.write(write(actor, after="1-0000000000000000", asked=request("r1")))
    second = await place.store.write(write(actor, after=first.entry.etag, asked=request("r1", body="corrected")))
    assert second.entry.revision == 2


async def test_request_ids_of_different_people_methods_and_clinics_never_meet(place: Place) -> None:
    clinic, elsewhere = place.clinic, new_clinic()
    attempts = [
        write(person(clinic, "tess"), "clients/ada/assessments/a", asked=request("r1")),
        write(person(clinic, "ulf"), "clients/ada/assessments/b", asked=request("r1")),
        write(person(clinic, "tess"), "clients/ada/assessments/c", asked=request("r1", method="/myoplan.Test/Other")),
        write(person(elsewhere, "tess"), "clients/ada/assessments/d", asked=request("r1")),
        # Two splits of one string: person and method are told apart by length, not by a separator.
        write(person(clinic, "tess/"), "clients/ada/assessments/e", asked=request("r1", method="myoplan.Test/Write")),
    ]
    for attempt in attempts:
        assert (await place.store.write(attempt)).entry.name == attempt.name


async def test_replay_of_an_unknown_request_is_nothing(place: Place) -> None:
    assert await place.store.replay(person(place.clinic), request("unknown")) is None


async def test_the_same_request_three_times_at_once_has_one_effect(place: Place) -> None:
    actor = person(place.clinic)
    for number in range(10):
        name = f"clients/ada/assessments/{number}"
        asked = write(actor, name, asked=request(f"r{number}"))
        outcomes = await asyncio.gather(*(place.store.write(asked) for _ in range(3)))
        assert outcomes[0] == outcomes[1] == outcomes[2]
        assert len(await place.store.history(place.clinic, name, 10)) == 1


async def test_the_same_revision_three_times_at_once_has_one_effect(place: Place) -> None:
    actor = person(place.clinic)
    (newest,) = await revise(place, RECORD, 1)
    for number in range(10):
        asked = write(actor, after=newest.entry.etag, asked=request(f"r{number}"))
        outcomes = await asyncio.gather(*(place.store.write(asked) for _ in range(3)))
        assert outcomes[0] == outcomes[1] == outcomes[2]
        newest = outcomes[0]
    assert newest.entry.revision == 11


# Reading


@pytest.mark.parametrize("revision", [None, 1, 0, -1, 3, 10**12])
async def test_what_is_not_there_is_missing(place: Place, revision: int | None) -> None:
    if revision != 1:
        await revise(place, OTHER_RECORD, 2)
    name = RECORD if revision in {None, 1} else OTHER_RECORD
    with pytest.raises(RecordMissing):
        await place.store.read(place.clinic, name, revision)


async def test_history_is_newest_first_and_goes_on_below_a_revision(place: Place) -> None:
    entries = [revision.entry for revision in await revise(place, RECORD, 5)]
    newest_first = tuple(reversed(entries))
    history = place.store.history
    assert await history(place.clinic, RECORD, 10) == newest_first
    assert await history(place.clinic, RECORD, 2) == newest_first[:2]
    assert await history(place.clinic, RECORD, 2, after=4) == newest_first[2:4]
    assert await history(place.clinic, RECORD, 10, after=2) == newest_first[4:]
    assert await history(place.clinic, RECORD, 10, after=1) == ()
    assert await history(place.clinic, RECORD, 10, after=99) == newest_first
    with pytest.raises(RecordMissing):
        await history(place.clinic, OTHER_RECORD, 10)


async def test_a_long_entry_is_read_whole(place: Place) -> None:
    """An entry of a large batch names hundreds of findings."""
    changes = tuple(f"palpation_findings/upper-trapezius-left-{number}" for number in range(400))
    actor = person(place.clinic)
    first = await place.store.write(write(actor, changes=changes))
    second = await place.store.write(write(actor, after=first.entry.etag))
    assert await place.store.history(place.clinic, RECORD, 10) == (second.entry, first.entry)
    assert await place.store.read(place.clinic, RECORD, 1) == first


async def test_lists_are_newest_record_first_with_the_newest_revision_of_each(place: Place) -> None:
    names = [f"clients/{client}/assessments/{number}" for number in range(3) for client in ("ada", "ben")]
    newest = {name: (await revise(place, name, 1))[-1] for name in names}
    # A later revision does not move a record in the list.
    newest[names[0]] = await place.store.write(
        write(person(place.clinic), names[0], after=newest[names[0]].entry.etag, content=b"newer")
    )
    everything = await place.store.list(place.clinic, "clients/-/assessments", 10)
    assert everything.revisions == tuple(newest[name] for name in reversed(names))
    assert everything.next_after is None
    of_ada = await place.store.list(place.clinic, "clients/ada/assessments", 10)
    assert [revision.entry.name for revision in of_ada.revisions] == [
        name for name in reversed(names) if name.startswith("clients/ada/")
    ]
    assert (await place.store.list(place.clinic, "clients/nobody/assessments", 10)).revisions == ()


async def test_a_list_holds_one_collection_only(place: Place) -> None:
    names = [f"clients/ada/{kind}/a" for kind in ("plans", "comment_drafts", "predictions")]
    for name in names:
        await revise(place, name, 2)
    for client in ("ada", "-"):
        for name in names:
            page = await place.store.list(place.clinic, f"clients/{client}/{name.split('/')[2]}", 10)
            assert [revision.entry.name for revision in page.revisions] == [name]
        assert (await place.store.list(place.clinic, f"clients/{client}/plan", 10)).revisions == ()
    assert await place.store.verify(place.clinic) == ()


@pytest.mark.parametrize("collection", ["clients/ada", "clients/-", "plans", "clients/ada/plans/a", "clients/-/Plans"])
async def test_only_a_collection_is_listed(place: Place, collection: str) -> None:
    with pytest.raises(ValueError, match="not of the allowed form"):
        await place.store.list(place.clinic, collection, 10)


async def test_pages_hold_every_record_once_while_new_ones_come(place: Place) -> None:
    names = [f"clients/ada/assessments/{number}" for number in range(7)]
    for name in names:
        await revise(place, name, 1)
    seen: list[str] = []
    after: int | None = None
    sizes = []
    while True:
        page = await place.store.list(place.clinic, "clients/-/assessments", 3, after)
        sizes.append(len(page.revisions))
        seen += [revision.entry.name for revision in page.revisions]
        after = page.next_after
        if after is None:
            break
        await revise(place, f"clients/ben/assessments/new-{len(seen)}", 1)
    assert seen == list(reversed(names))
    assert sizes == [3, 3, 1]


async def test_a_page_that_ends_with_the_list_has_no_next(place: Place) -> None:
    for number in range(4):
        await revise(place, f"clients/ada/assessments/{number}", 1)
    page = await place.store.list(place.clinic, "clients/-/assessments", 2)
    assert page.next_after is not None
    assert (await place.store.list(place.clinic, "clients/-/assessments", 2, page.next_after)).next_after is None


async def test_clinics_never_see_one_another(place: Place) -> None:
    (mine,) = await revise(place, RECORD, 1)
    elsewhere = new_clinic()
    with pytest.raises(RecordMissing):
        await place.store.read(elsewhere, RECORD)
    with pytest.raises(RecordMissing):
        await place.store.history(elsewhere, RECORD, 10)
    assert (await place.store.list(elsewhere, "clients/-/assessments", 10)).revisions == ()
    theirs = await place.store.write(write(person(elsewhere), content=b"theirs"))
    assert theirs.entry.seq == 1
    assert await place.store.read(place.clinic, RECORD) == mine
    with pytest.raises(EtagMismatch):
        await place.store.write(write(person(elsewhere), after=mine.entry.etag))
    assert await events(place, 1, clinic=elsewhere) == [theirs.entry]


# Events and refusals


async def test_events_come_in_order_and_resume_after_a_cursor(place: Place) -> None:
    written = [entry.entry for name in (RECORD, RECORD_OF_ANOTHER_CLIENT) for entry in await revise(place, name, 3)]
    for cursor in range(6):
        assert await events(place, 6 - cursor, after=cursor) == written[cursor:]


async def test_a_watcher_gets_what_happens_after_it_came(place: Place) -> None:
    (first,) = await revise(place, RECORD, 1)
    waiting = asyncio.ensure_future(events(place, 2, after=first.entry.seq))
    written = [revision.entry for revision in await revise(place, OTHER_RECORD, 2)]
    assert await waiting == written


async def test_a_watcher_of_an_empty_clinic_waits(place: Place) -> None:
    waiting = asyncio.ensure_future(events(place, 1))
    (first,) = await revise(place, RECORD, 1)
    assert await waiting == [first.entry]


async def test_a_watcher_ends_when_cancelled(place: Place) -> None:
    async def watch() -> None:
        async for _ in place.store.events(place.clinic, 0):
            pass

    watching = asyncio.ensure_future(watch())
    (first,) = await revise(place, RECORD, 1)
    assert await events(place, 1) == [first.entry]
    watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching


async def test_many_events_come_whole(place: Place) -> None:
    """More than one batch."""
    actor = person(place.clinic)
    writes = [write(actor, f"clients/ada/assessments/{number}") for number in range(450)]
    batches = iter(writes)
    while batch := list(islice(batches, 50)):
        await asyncio.gather(*map(place.store.write, batch))
    entries = await events(place, 450)
    assert [entry.seq for entry in entries] == list(range(1, 451))


async def test_a_refusal_takes_a_seq_and_makes_no_event(place: Place) -> None:
    first, second = await revise(place, RECORD, 2)
    # Twice the same, to the microsecond: both are kept.
    await place.store.refuse(refusal(person(place.clinic)))
    await place.store.refuse(refusal(person(place.clinic)))
    third = await place.store.write(write(person(place.clinic), after=second.entry.etag))
    assert third.entry.seq == 5
    assert await events(place, 3) == [first.entry, second.entry, third.entry]
    assert await place.store.history(place.clinic, RECORD, 10) == (third.entry, second.entry, first.entry)
    assert await place.store.verify(place.clinic) == ()


async def test_a_refusal_needs_no_record(place: Place) -> None:
    await place.store.refuse(refusal(person(place.clinic), "clients/nobody/assessments/nothing"))
    assert (await place.store.list(place.clinic, "clients/-/assessments", 10)).revisions == ()
    assert await place.store.verify(place.clinic) == ()


async def test_a_note_is_a_sealed_entry_of_the_trail_alone(place: Place) -> None:
    actor = person(place.clinic)
    (first,) = await revise(place, RECORD, 1)
    note = Note(actor=actor, action="read", time_micros=5, reason="why", changes=("a line", "ü"), facts={"a": "b"})
    # Twice the same: both are kept.
    await place.store.note(note)
    await place.store.note(note)
    second = await place.store.write(write(actor, after=first.entry.etag))
    assert second.entry.seq == 4
    assert await events(place, 2) == [first.entry, second.entry]
    hand = place.hand()
    noted = [SEALER.open(hand.layout.scope, seq, sealed) for seq, sealed in (await hand.trail())[1:3]]
    for entry in noted:
        assert (entry.name, entry.revision, entry.etag, entry.content_digest) == ("", 0, "", "")
        assert (entry.person, entry.roles, entry.action, entry.time_micros) == ("tess", ("therapist",), "read", 5)
        assert (entry.reason, entry.changes, entry.facts) == ("why", ("a line", "ü"), {"a": "b"})
    assert noted[0].seal != noted[1].seal
    assert await place.store.verify(place.clinic) == ()


# Damage is found when it is read; the check of a whole clinic is in test_store_verify.py


@pytest.mark.parametrize("revision", [1, 2])
async def test_changed_content_is_never_served(place: Place, revision: int) -> None:
    await revise(place, RECORD, 2)
    hand = place.hand()
    key = hand.layout.newest(RECORD) if revision == 2 else hand.layout.earlier(RECORD, 1)
    stored = await hand.get(key)
    await hand.put(key, stored[:-1] + bytes([stored[-1] ^ 1]))
    with pytest.raises(RecordDamaged):
        await place.store.read(place.clinic, RECORD, revision)


@pytest.mark.parametrize("change", ["flip", "empty", "short", "no numbers"])
async def test_a_changed_entry_is_never_served(place: Place, change: str) -> None:
    await revise(place, RECORD, 1)
    hand = place.hand()
    key = hand.layout.newest(RECORD)
    stored = await hand.get(key)
    changed = {
        "flip": stored.replace(b"because", b"BECAUSE"),
        "empty": b"",
        "short": stored[:40],
        "no numbers": stored[:32] + b"x" * 24 + stored[56:],
    }[change]
    await hand.put(key, changed)
    with pytest.raises(RecordDamaged):
        await place.store.read(place.clinic, RECORD)
    with pytest.raises(RecordDamaged):
        await place.store.list(place.clinic, "clients/-/assessments", 10)
    # Redis does not tell the start of nothing from nothing.
    with pytest.raises(RecordMissing if change == "empty" and place.client else RecordDamaged):
        await place.store.history(place.clinic, RECORD, 10)


async def test_a_record_of_another_name_or_clinic_is_never_served(place: Place) -> None:
    await revise(place, RECORD, 1)
    await revise(place, OTHER_RECORD, 1)
    hand, elsewhere = place.hand(), place.hand(new_clinic())
    stored = await hand.get(hand.layout.newest(RECORD))
    await hand.put(hand.layout.newest(OTHER_RECORD), stored)
    await elsewhere.put(elsewhere.layout.newest(RECORD), stored)
    for clinic, name in ((place.clinic, OTHER_RECORD), (elsewhere.layout.clinic, RECORD)):
        with pytest.raises(RecordDamaged):
            await place.store.read(clinic, name)


async def test_a_changed_event_is_never_delivered(place: Place) -> None:
    await revise(place, RECORD, 3)
    hand = place.hand()
    entries = await hand.trail()
    await hand.put_trail([entries[0], (2, entries[1][1].replace(b"because", b"BECAUSE")), entries[2]])
    assert [entry.seq for entry in await events(place, 1)] == [1]
    with pytest.raises(RecordDamaged):
        await events(place, 2)


async def test_a_hole_in_the_events_is_not_passed_over(place: Place) -> None:
    await revise(place, RECORD, 3)
    hand = place.hand()
    entries = await hand.trail()
    await hand.put_trail([entries[0], entries[2]])
    assert [entry.seq for entry in await events(place, 1)] == [1]
    with pytest.raises(RecordDamaged):
        await events(place, 2)


async def test_the_writer_of_a_revision_is_the_actor(place: Place) -> None:
    """Two people, one record: each entry names its own author."""
    first = await place.store.write(write(person(place.clinic, "tess")))
    second = await place.store.write(write(person(place.clinic, "ulf"), after=first.entry.etag))
    assert (first.entry.person, second.entry.person) == ("tess", "ulf")
