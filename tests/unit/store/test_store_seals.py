"""The canonical form, the seal and the forms in which both are stored."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.store.model import Entry, RecordDamaged
from services.store.seals import (
    PREFIX_BYTES,
    Sealer,
    digest_of,
    entry_bytes,
    entry_of_refusal,
    entry_of_write,
    etag_of,
    request_digest,
    stored_revision,
)
from tests.support.store import OTHER_RECORD, RECORD, SEALER, person, refusal, request, write

SCOPE = "assessment:{clinic}"
TEXT = st.text(max_size=20)
ENTRIES = st.builds(
    Entry,
    seq=st.just(0),
    name=TEXT,
    revision=st.integers(1, 10**9),
    etag=st.just(""),
    action=TEXT,
    person=TEXT,
    display_name=TEXT,
    roles=st.lists(TEXT, max_size=3).map(tuple),
    time_micros=st.integers(-(10**18), 10**18),
    reason=TEXT,
    changes=st.lists(TEXT, max_size=3).map(tuple),
    facts=st.dictionaries(TEXT, TEXT, max_size=3),
    content_digest=st.binary(max_size=32).map(bytes.hex),
    previous_seal=st.binary(max_size=32).map(bytes.hex),
    written_after=st.integers(0, 10**9),
    key_id=TEXT,
    seal=st.just(""),
)


def first_entry() -> Entry:
    return entry_of_write(SEALER, write(person("clinic")), previous=None, written_after=0)


@given(ENTRIES, st.integers(1, 2**53))
def test_what_is_sealed_is_read_back(entry: Entry, seq: int) -> None:
    sealed = SEALER.seal(SCOPE, entry)
    assert SEALER.open(SCOPE, seq, sealed.sealed) == sealed.placed(seq)


@given(ENTRIES, ENTRIES)
def test_two_entries_never_share_a_statement(one: Entry, other: Entry) -> None:
    same = SEALER.seal(SCOPE, one).statement == SEALER.seal(SCOPE, other).statement
    assert same == (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"roles": ("a", "b")}, {"roles": ("ab",)}),
        ({"roles": ("a",), "changes": ()}, {"roles": (), "changes": ("a",)}),
        ({"changes": ("a", "b"), "facts": {}}, {"changes": (), "facts": {"a": "b"}}),
        ({"person": "ab", "display_name": "c"}, {"person": "a", "display_name": "bc"}),
        ({"reason": "a", "action": ""}, {"reason": "", "action": "a"}),
    ],
)
def test_nothing_moves_from_one_field_to_the_next(one: dict[str, object], other: dict[str, object]) -> None:
    entry = first_entry()
    seals = {SEALER.seal(SCOPE, replace(entry, **changed)).seal for changed in (one, other)}  # type: ignore[arg-type]
    assert len(seals) == 2


def test_the_order_of_facts_does_not_matter() -> None:
    entry = first_entry()
    one, other = {"a": "1", "b": "2"}, {"b": "2", "a": "1"}
    assert SEALER.seal(SCOPE, replace(entry, facts=one)).seal == SEALER.seal(SCOPE, replace(entry, facts=other)).seal


@pytest.mark.parametrize("field", [field.name for field in fields(Entry)])
def test_the_seal_covers_every_field_but_the_place(field: str) -> None:
    """`seq` is given later, `etag` and `seal` come out of the seal itself."""
    entry = first_entry()
    changed: dict[str, object] = {
        "revision": 2,
        "seq": 7,
        "time_micros": 1,
        "written_after": 1,
        "roles": ("supervisor",),
        "changes": ("a",),
        "facts": {"state": "VOIDED"},
        "content_digest": "ab",
        "previous_seal": "ab",
    }
    other = replace(entry, **{field: changed.get(field, "another")})  # type: ignore[arg-type]
    same = SEALER.seal(SCOPE, entry).seal == SEALER.seal(SCOPE, other).seal
    assert same == (field in {"seq", "etag", "seal"})


def test_the_seal_is_the_keyed_hash_of_the_statement() -> None:
    sealed = SEALER.seal(SCOPE, first_entry())
    assert sealed.seal == hmac.new(SEALER.key, sealed.statement, hashlib.sha256).digest()


def test_the_form_of_a_statement_never_changes() -> None:
    """Sealed entries are kept for years: a change of these bytes makes every stored seal wrong."""
    entry = replace(first_entry(), time_micros=1_700_000_000_000_000, changes=("rom/knee",), display_name="Tëss")
    sealed = SEALER.seal(SCOPE, entry)
    lengths = (15, 8, 19, 29, 1, 0, 6, 4, 5, 16, 1, 7, 32, 1, 1, 9, 8, 5, 4)
    assert sealed.statement == b"".join(number.to_bytes(4) for number in (len(lengths), *lengths)) + (
        b"myoplan entry 1"
        b"2e538f5a"
        b"assessment:{clinic}"
        b"clients/ada/assessments/first"
        b"1"
        b"record"
        b"tess"
        b"T\xc3\xabss"
        b"1700000000000000"
        b"0"
        b"because" + hashlib.sha256(b"content").digest() + b"1"
        b"1"
        b"therapist"
        b"rom/knee"
        b"state"
        b"OPEN"
    )
    assert sealed.seal.hex() == "5d68ecdab658733f4f0a2ad20c38fba42973eefe2d6335cc56c890f8d02d1277"


def test_the_scope_is_sealed() -> None:
    sealed = SEALER.seal(SCOPE, first_entry())
    with pytest.raises(RecordDamaged, match="another clinic or service"):
        SEALER.open("planner:{clinic}", 1, sealed.sealed)
    with pytest.raises(RecordDamaged, match="another clinic or service"):
        SEALER.open("assessment:{other}", 1, sealed.sealed)


@pytest.mark.parametrize("damaged", [b"", b"x", b"\xff" * 31, b"\x00" * 64, b"\xff" * 200])
def test_nonsense_does_not_match_its_seal(damaged: bytes) -> None:
    with pytest.raises(RecordDamaged, match="entry 5 does not match its seal"):
        SEALER.open(SCOPE, 5, damaged)


def test_another_key_is_named() -> None:
    other = Sealer.from_key(b"some other key with 32 bytes ...")
    entry = entry_of_write(other, write(person("clinic")), previous=None, written_after=0)
    sealed = other.seal(SCOPE, entry).sealed
    with pytest.raises(RecordDamaged, match=f"it names key {other.key_id}, this is key {SEALER.key_id}"):
        SEALER.open(SCOPE, 5, sealed)


def test_a_revision_is_stored_and_opened() -> None:
    wanted = write(person("clinic"), content=b"\x00content")
    sealed = SEALER.seal(SCOPE, entry_of_write(SEALER, wanted, previous=None, written_after=3))
    stored = stored_revision(12, sealed.sealed, wanted.content)
    revision = SEALER.open_revision(SCOPE, RECORD, stored)
    assert revision.content == wanted.content
    assert revision.entry == sealed.placed(12)
    start = stored[: entry_bytes(RECORD, stored)]
    assert SEALER.open_stored_entry(SCOPE, RECORD, start) == revision.entry
    assert start + wanted.content == stored


def test_a_revision_belongs_to_its_record_and_content() -> None:
    wanted = write(person("clinic"))
    sealed = SEALER.seal(SCOPE, entry_of_write(SEALER, wanted, previous=None, written_after=0)).sealed
    with pytest.raises(RecordDamaged, match="a revision of another record"):
        SEALER.open_revision(SCOPE, OTHER_RECORD, stored_revision(1, sealed, wanted.content))
    with pytest.raises(RecordDamaged, match="the content of revision 1"):
        SEALER.open_revision(SCOPE, RECORD, stored_revision(1, sealed, b"other"))


@pytest.mark.parametrize("stored", [b"", b"x" * (PREFIX_BYTES - 1), b"x" * 100, b"0" * 32 + b"-1" * 12])
def test_a_start_that_cannot_be_read_is_damage(stored: bytes) -> None:
    with pytest.raises(RecordDamaged, match="no readable start"):
        SEALER.open_revision(SCOPE, RECORD, stored)


def test_entries_form_a_chain() -> None:
    first = SEALER.seal(SCOPE, first_entry()).placed(4)
    second = entry_of_write(SEALER, write(person("clinic"), after=first.etag), previous=first, written_after=2)
    assert (second.revision, second.previous_seal, second.written_after) == (2, first.seal, 4)
    assert first.etag == etag_of(1, first.seal) == f"1-{first.seal[:16]}"


def test_two_equal_refusals_have_different_seals() -> None:
    seals = {
        SEALER.seal(SCOPE, entry_of_refusal(SEALER, refusal(person("clinic")), written_after=0)).seal for _ in range(2)
    }
    assert len(seals) == 2


def test_a_refusal_has_neither_revision_nor_etag() -> None:
    sealed = SEALER.seal(SCOPE, entry_of_refusal(SEALER, refusal(person("clinic")), written_after=0))
    assert (sealed.placed(3).revision, sealed.placed(3).etag, sealed.placed(3).seq) == (0, "", 3)
    assert SEALER.open(SCOPE, 3, sealed.sealed) == sealed.placed(3)


def test_requests_are_told_apart_by_person_method_and_id() -> None:
    digests = {
        request_digest(person("clinic", name), request(request_id, method=method))
        for name in ("tess", "ulf")
        for method in ("/a/B", "/a/C")
        for request_id in ("r1", "r2")
    }
    assert len(digests) == 8


def test_a_key_has_32_bytes_or_more(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 32 bytes, this one has 31"):
        Sealer.from_key(b"x" * 31)
    path = tmp_path / "seal.key"
    path.write_bytes(b"x" * 40)
    sealer = Sealer.from_file(path)
    assert sealer == Sealer(digest_of(b"x" * 40)[:8], b"x" * 40)


def test_a_key_is_never_shown() -> None:
    assert repr(SEALER) == f"Sealer(key_id='{SEALER.key_id}')"
    assert SEALER.key.decode() not in f"{SEALER} {SEALER!r}"
