"""The check of a clinic finds every change that can be made without the key, on both stores."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from services.store.layout import Layout
from services.store.model import Entry
from services.store.redis import RedisStore
from services.store.seals import Sealed, Sealer, stored_revision
from tests.support.store import (
    OTHER_RECORD,
    RECORD,
    RECORD_OF_ANOTHER_CLIENT,
    SEALER,
    SERVICE,
    Hand,
    Place,
    new_clinic,
    person,
    refusal,
    write,
)

Tampering = Callable[[Hand], Awaitable[str]]


async def fill(place: Place, clinic: str) -> None:
    """Writes eight entries: three revisions of one record, two of another, a refusal, a record, a refusal."""
    actor = person(clinic)
    first = await place.store.write(write(actor, RECORD, content=b"one"))  # 1
    other = await place.store.write(write(actor, OTHER_RECORD, content=b"two"))  # 2
    second = await place.store.write(write(actor, RECORD, after=first.entry.etag, content=b"three"))  # 3
    await place.store.refuse(refusal(actor))  # 4
    await place.store.write(write(actor, OTHER_RECORD, after=other.entry.etag, content=b"four"))  # 5
    await place.store.write(write(actor, RECORD, after=second.entry.etag, content=b"five"))  # 6
    await place.store.write(write(actor, RECORD_OF_ANOTHER_CLIENT, content=b"six"))  # 7
    await place.store.refuse(refusal(actor))  # 8


# Each returns words that the first problem has to hold.


async def edit_newest_content(hand: Hand) -> str:
    await _edit(hand, hand.layout.newest(RECORD), b"five", b"FIVE")
    return "clients/ada/assessments/first: the content of revision 3 does not match its seal"


async def edit_earlier_content(hand: Hand) -> str:
    await _edit(hand, hand.layout.earlier(RECORD, 2), b"three", b"THREE")
    return "clients/ada/assessments/first: the content of revision 2 does not match its seal"


async def edit_entry_of_a_record(hand: Hand) -> str:
    await _edit(hand, hand.layout.newest(RECORD), b"because", b"BECAUSE")
    return "clients/ada/assessments/first: entry 6 does not match its seal"


async def edit_entry_of_an_earlier_revision(hand: Hand) -> str:
    await _edit(hand, hand.layout.earlier(RECORD, 1), b"because", b"BECAUSE")
    return "clients/ada/assessments/first: revision 1 differs from entry 1"


async def edit_place_in_a_record(hand: Hand) -> str:
    await _edit(hand, hand.layout.earlier(RECORD, 1), b"0000000000000001", b"0000000000000002")
    return "clients/ada/assessments/first: revision 1 differs from entry 1"


async def edit_entry_of_the_trail(hand: Hand) -> str:
    trail = await hand.trail()
    trail[4] = (5, trail[4][1].replace(b"because", b"BECAUSE"))
    await hand.put_trail(trail)
    return "entry 5 does not match its seal"


async def edit_a_refusal(hand: Hand) -> str:
    trail = await hand.trail()
    trail[3] = (4, trail[3][1].replace(b"PERMISSION", b"SERMISSION"))
    await hand.put_trail(trail)
    return "entry 4 does not match its seal"


async def delete_an_entry(hand: Hand) -> str:
    await hand.put_trail([entry for entry in await hand.trail() if entry[0] != 3])
    return "entry 3 is missing"


async def delete_a_refusal(hand: Hand) -> str:
    await hand.put_trail([entry for entry in await hand.trail() if entry[0] != 4])
    return "entry 4 is missing"


async def delete_a_refusal_and_close_the_gap(hand: Hand) -> str:
    kept = [sealed for seq, sealed in await hand.trail() if seq != 4]
    await hand.put_trail(list(enumerate(kept, 1)))
    return "entry 4 was moved: its writer had already seen entry 4"


async def delete_the_first_entries(hand: Hand) -> str:
    await hand.put_trail((await hand.trail())[3:])
    return "entries 1 to 3 are missing"


async def reorder_one_record(hand: Hand) -> str:
    await _swap(hand, 3, 6)
    return "entry 3 was moved: its writer had already seen entry 5"


async def reorder_two_records(hand: Hand) -> str:
    """The chains of both records still hold; only what the later writer had seen shows it."""
    await _swap(hand, 6, 7)
    return "entry 6 was moved: its writer had already seen entry 6"


async def insert_a_copy_of_a_refusal(hand: Hand) -> str:
    trail = await hand.trail()
    await hand.put_trail([*trail, (9, trail[3][1])])
    return "entry 9 is a copy of an earlier entry"


async def insert_a_copy_of_an_entry(hand: Hand) -> str:
    trail = await hand.trail()
    await hand.put_trail([*trail, (9, trail[0][1])])
    return "clients/ada/assessments/first: revision 1, entry 9, does not continue revision 3"


async def insert_an_invented_entry(hand: Hand) -> str:
    await hand.put_trail([*await hand.trail(), (9, b"\x00" * 100)])
    return "entry 9 does not match its seal"


async def cut_the_tail_of_the_trail(hand: Hand) -> str:
    await hand.put_trail((await hand.trail())[:5])
    return "clients/ada/assessments/first: revision 3 is stored as the newest, the trail knows another"


async def put_an_old_revision_back(hand: Hand) -> str:
    await hand.put(hand.layout.newest(RECORD), await hand.get(hand.layout.earlier(RECORD, 2)))
    return "clients/ada/assessments/first: revision 3, entry 6, is missing"


async def cut_the_tail_of_a_record(hand: Hand) -> str:
    await put_an_old_revision_back(hand)
    await hand.drop(hand.layout.earlier(RECORD, 2))
    return "clients/ada/assessments/first: revision 2, entry 3, is missing"


async def remove_an_earlier_revision(hand: Hand) -> str:
    await hand.drop(hand.layout.earlier(RECORD, 1))
    return "clients/ada/assessments/first: revision 1, entry 1, is missing"


async def remove_a_whole_record(hand: Hand) -> str:
    await hand.drop(hand.layout.newest(RECORD_OF_ANOTHER_CLIENT))
    for collection in ("clients/ben/assessments", "clients/-/assessments"):
        await hand.unlist_record(collection, RECORD_OF_ANOTHER_CLIENT)
    return "clients/ben/assessments/first: it is missing in the list of clients/-/assessments"


async def hide_a_record(hand: Hand) -> str:
    await hand.unlist_record("clients/ada/assessments", OTHER_RECORD)
    return "clients/ada/assessments/second: it is missing in the list of clients/ada/assessments"


async def list_an_invented_record(hand: Hand) -> str:
    await hand.list_record("clients/-/assessments", "clients/eve/assessments/x", 9)
    return "the list of clients/-/assessments holds 'clients/eve/assessments/x' at 9; the trail does not"


async def list_an_invented_client(hand: Hand) -> str:
    await hand.list_record("clients/eve/assessments", "clients/eve/assessments/x", 9)
    return "nothing in the trail explains the key 'index:clients/eve/assessments'"


async def move_a_record_in_a_list(hand: Hand) -> str:
    await hand.list_record("clients/-/assessments", RECORD, 8)
    return "the list of clients/-/assessments holds 'clients/ada/assessments/first' at 8; the trail does not"


async def invent_a_record(hand: Hand) -> str:
    stored = await hand.get(hand.layout.newest(RECORD))
    await hand.put(hand.layout.newest("clients/eve/assessments/x"), stored)
    return "nothing in the trail explains the key 'record:clients/eve/assessments/x'"


async def invent_a_revision(hand: Hand) -> str:
    stored = await hand.get(hand.layout.newest(RECORD))
    await hand.put(hand.layout.earlier(RECORD, 3), stored)
    return "nothing in the trail explains the key 'record:clients/ada/assessments/first@3'"


async def swap_two_records(hand: Hand) -> str:
    keys = (hand.layout.newest(RECORD), hand.layout.newest(OTHER_RECORD))
    one, other = await hand.get(keys[0]), await hand.get(keys[1])
    await hand.put(keys[0], other)
    await hand.put(keys[1], one)
    return "clients/ada/assessments/first: a revision of another record is in its place"


async def swap_the_contents_of_two_records(hand: Hand) -> str:
    await _edit(hand, hand.layout.newest(RECORD), b"five", b"four")
    await _edit(hand, hand.layout.newest(OTHER_RECORD), b"four", b"five")
    return "clients/ada/assessments/first: the content of revision 3 does not match its seal"


async def seal_without_the_key(hand: Hand) -> str:
    """An insider changes a content and recomputes everything that follows, as a plain hash chain would allow."""
    await recompute(hand, lambda statement: hashlib.sha256(statement).digest())
    return "entry 6 does not match its seal"


async def seal_with_another_key(hand: Hand) -> str:
    other = Sealer.from_key(b"some other key with 32 bytes ...")
    await recompute(hand, other._mac, other.key_id)
    return f"entry 6 does not match its seal: it names key {other.key_id}, this is key {SEALER.key_id}"


async def recompute(hand: Hand, mac: Callable[[bytes], bytes], key_id: str = SEALER.key_id) -> None:
    """Puts another content in the newest revision of a record and makes trail and record agree on it."""
    trail = await hand.trail()
    genuine = SEALER.open(hand.layout.scope, 6, trail[5][1])
    forged = replace(genuine, content_digest=hashlib.sha256(b"FIVE").hexdigest(), key_id=key_id)
    statement = SEALER.seal(hand.layout.scope, forged).statement
    sealed = mac(statement) + statement
    trail[5] = (6, sealed)
    await hand.put_trail(trail)
    await hand.put(hand.layout.newest(RECORD), stored_revision(6, sealed, b"FIVE"))


async def _edit(hand: Hand, key: str, before: bytes, after: bytes) -> None:
    stored = await hand.get(key)
    assert before in stored
    await hand.put(key, stored.replace(before, after))


async def _swap(hand: Hand, one: int, other: int) -> None:
    trail = dict(await hand.trail())
    trail[one], trail[other] = trail[other], trail[one]
    await hand.put_trail(sorted(trail.items()))


TAMPERINGS: tuple[Tampering, ...] = (
    edit_newest_content,
    edit_earlier_content,
    edit_entry_of_a_record,
    edit_entry_of_an_earlier_revision,
    edit_place_in_a_record,
    edit_entry_of_the_trail,
    edit_a_refusal,
    delete_an_entry,
    delete_a_refusal,
    delete_a_refusal_and_close_the_gap,
    delete_the_first_entries,
    reorder_one_record,
    reorder_two_records,
    insert_a_copy_of_a_refusal,
    insert_a_copy_of_an_entry,
    insert_an_invented_entry,
    cut_the_tail_of_the_trail,
    put_an_old_revision_back,
    cut_the_tail_of_a_record,
    remove_an_earlier_revision,
    remove_a_whole_record,
    hide_a_record,
    list_an_invented_record,
    list_an_invented_client,
    move_a_record_in_a_list,
    invent_a_record,
    invent_a_revision,
    swap_two_records,
    swap_the_contents_of_two_records,
    seal_without_the_key,
    seal_with_another_key,
)


async def test_a_sound_clinic_has_no_problem(place: Place) -> None:
    await fill(place, place.clinic)
    assert await place.store.verify(place.clinic) == ()


async def test_an_empty_clinic_has_no_problem(place: Place) -> None:
    assert await place.store.verify(place.clinic) == ()


@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda tamper: tamper.__name__)
async def test_a_change_is_found(place: Place, tamper: Tampering) -> None:
    await fill(place, place.clinic)
    first_problem = await tamper(place.hand())
    problems = await place.store.verify(place.clinic)
    assert problems[:1] == (first_problem,)


async def test_whoever_has_the_key_can_forge(place: Place) -> None:
    """The control: the forgery above is complete, so it is the key that made it show."""
    await fill(place, place.clinic)
    await recompute(place.hand(), SEALER._mac)
    assert await place.store.verify(place.clinic) == ()


@pytest.mark.parametrize("what", ["trail", "record", "everything"])
async def test_what_is_copied_from_another_clinic_is_found(place: Place, what: str) -> None:
    elsewhere = new_clinic()
    await fill(place, place.clinic)
    await fill(place, elsewhere)
    here, there = place.hand(), place.hand(elsewhere)
    if what != "record":
        await here.put_trail(await there.trail())
    if what != "trail":
        for name in (RECORD, OTHER_RECORD, RECORD_OF_ANOTHER_CLIENT):
            await here.put(here.layout.newest(name), await there.get(there.layout.newest(name)))
    problems = await place.store.verify(place.clinic)
    assert any("was sealed for another clinic or service" in problem for problem in problems)
    assert await place.store.verify(elsewhere) == ()


async def test_an_entry_of_another_service_is_found(place: Place) -> None:
    """Both services use one key and know the same clinics."""
    await fill(place, place.clinic)
    hand = place.hand()
    trail = await hand.trail()
    entry = SEALER.open(hand.layout.scope, 8, trail[7][1])
    foreign = _sealed(Layout("planner", place.clinic), entry)
    await hand.put_trail([*trail[:7], (8, foreign.sealed)])
    assert await place.store.verify(place.clinic) == ("entry 8 was sealed for another clinic or service",)


def _sealed(layout: Layout, entry: Entry) -> Sealed:
    return SEALER.seal(layout.scope, entry)


async def test_a_flipped_bit_anywhere_is_found(place: Place) -> None:
    """Every part of a stored revision and of an entry counts."""
    await fill(place, place.clinic)
    hand = place.hand()
    key = hand.layout.newest(RECORD_OF_ANOTHER_CLIENT)
    stored = await hand.get(key)
    for position in range(0, len(stored), 19):
        await hand.put(key, _flipped(stored, position))
        assert await place.store.verify(place.clinic) != (), f"byte {position} of a revision"
    await hand.put(key, stored)
    trail = await hand.trail()
    sealed = trail[6][1]
    for position in range(0, len(sealed), 19):
        await hand.put_trail([*trail[:6], (7, _flipped(sealed, position)), trail[7]])
        assert await place.store.verify(place.clinic) != (), f"byte {position} of an entry"
    await hand.put_trail(trail)
    assert await place.store.verify(place.clinic) == ()


def _flipped(data: bytes, position: int) -> bytes:
    return data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]


async def test_more_than_one_batch_is_checked(place: Place) -> None:
    actor = person(place.clinic)
    for start in range(0, 300, 50):
        names = [f"clients/ada/assessments/{number}" for number in range(start, start + 50)]
        revisions = await asyncio.gather(*(place.store.write(write(actor, name)) for name in names))
        await asyncio.gather(
            *(place.store.write(write(actor, revision.entry.name, after=revision.entry.etag)) for revision in revisions)
        )
    assert await place.store.verify(place.clinic) == ()
    hand = place.hand()
    await hand.drop(hand.layout.earlier("clients/ada/assessments/299", 1))
    (problem,) = await place.store.verify(place.clinic)
    assert problem.startswith("clients/ada/assessments/299: revision 1, entry ")


async def test_a_store_in_use_raises_no_false_alarm(place: Place) -> None:
    actor = person(place.clinic)
    checked = asyncio.Event()

    async def keep_writing(writer: int) -> int:
        count = 0
        while not checked.is_set():
            name = f"clients/client-{writer}/assessments/{count}"
            revision = await place.store.write(write(actor, name))
            for _ in range(3):
                revision = await place.store.write(write(actor, name, after=revision.entry.etag))
            await place.store.refuse(refusal(actor))
            await asyncio.sleep(0)  # Lets the check run on the memory store, which never waits.
            count += 1
        return count

    writing = [asyncio.ensure_future(keep_writing(writer)) for writer in range(4)]
    try:
        for _ in range(8):
            assert await place.store.verify(place.clinic) == ()
            await asyncio.sleep(0)
    finally:
        checked.set()
        counts = await asyncio.gather(*writing)
    assert min(counts) > 0


async def test_the_cut_tail_of_the_stream_itself_is_found(redis_store: RedisStore) -> None:
    """Redis remembers the last id that a stream ever had."""
    place = Place(redis_store, new_clinic(), None)
    await fill(place, place.clinic)
    await redis_store._reader.xdel(Layout(SERVICE, place.clinic).trail, "8-0")
    assert await redis_store.verify(place.clinic) == ("entry 8 is missing",)


@pytest.mark.parametrize("place_of_entry", ["9-1", "10-3"])
async def test_an_entry_between_two_seqs_is_found(redis_store: RedisStore, place_of_entry: str) -> None:
    place = Place(redis_store, new_clinic(), None)
    await fill(place, place.clinic)
    trail = Layout(SERVICE, place.clinic).trail
    await redis_store._reader.xadd(trail, {"sealed": b"x"}, id=place_of_entry)
    (problem,) = await redis_store.verify(place.clinic)
    assert "an entry of another form" in problem


async def test_an_entry_of_another_form_is_found(redis_store: RedisStore) -> None:
    place = Place(redis_store, new_clinic(), None)
    await fill(place, place.clinic)
    trail = Layout(SERVICE, place.clinic).trail
    await redis_store._reader.xadd(trail, {"other": b"x"}, id="9-0")
    (problem,) = await redis_store.verify(place.clinic)
    assert "an entry of another form" in problem


async def test_a_trail_of_another_type_is_found(redis_store: RedisStore) -> None:
    place = Place(redis_store, new_clinic(), None)
    trail = Layout(SERVICE, place.clinic).trail
    await redis_store._reader.set(trail, b"x")
    (problem,) = await redis_store.verify(place.clinic)
    assert "WRONGTYPE" in problem
