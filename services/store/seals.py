"""What is sealed and how: the canonical statement of an entry, its keyed seal, and the forms in which both are stored.

A *statement* is the canonical bytes of everything an entry says, its scope (service and clinic) included. Its *seal* is
the HMAC-SHA-256 over the statement, with a key that is never in the store. *Sealed bytes* are the seal followed by the
statement; a *stored revision* is the sealed bytes with the seq in front of the statement and the content behind it.

`seq` is given by the store when the write lands, after the seal was made, so it is not part of the statement; otherwise
every write of a clinic would compete for one number. What the writer had seen of the trail is sealed instead
(`written_after`): an entry cannot be moved in front of anything its writer had already seen.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import struct
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from pathlib import Path

from services.store.model import Actor, Entry, Note, RecordDamaged, Refusal, Request, Revision, Write

SEAL_BYTES = 32
FIRST_REVISION = 1
SHORTEST_KEY_BYTES = 32
KEY_ID_CHARACTERS = 8
ETAG_CHARACTERS = 16

_FORMAT = b"myoplan entry 1"
_NUMBER = struct.Struct(">I")
# Decimal digits, because Lua writes them without a library: seq (up to 2^53), then the length of the statement.
_SEQ_DIGITS = 16
_STATEMENT_LENGTH_DIGITS = 8
PREFIX_BYTES = SEAL_BYTES + _SEQ_DIGITS + _STATEMENT_LENGTH_DIGITS


def digest_of(content: bytes) -> str:
    """Returns the SHA-256 of a content, hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def etag_of(revision: int, seal: str) -> str:
    """Returns the etag of a revision: its number and the start of its seal."""
    return f"{revision}-{seal[:ETAG_CHARACTERS]}"


def request_digest(actor: Actor, request: Request) -> str:
    """Returns what a repeated request is found by: one value per person, method and request id, hexadecimal."""
    return digest_of(_pack(actor.person, request.method, request.request_id))


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals entries and checks seals with one key. `key_id` names the key and is stored beside every seal."""

    key_id: str
    key: bytes

    def __post_init__(self) -> None:
        if len(self.key) < SHORTEST_KEY_BYTES:
            raise ValueError(f"a seal key has at least {SHORTEST_KEY_BYTES} bytes, this one has {len(self.key)}")

    def __repr__(self) -> str:
        """Names the key, never shows it."""
        return f"Sealer(key_id={self.key_id!r})"

    @classmethod
    def from_key(cls, key: bytes) -> Sealer:
        """Returns a sealer whose key id is the first 8 hexadecimal digits of the key's SHA-256."""
        return cls(digest_of(key)[:KEY_ID_CHARACTERS], key)

    @classmethod
    def from_file(cls, path: Path) -> Sealer:
        """Reads a key file (32 bytes or more, used as they are). Raises OSError, ValueError."""
        return cls.from_key(path.read_bytes())

    def seal(self, scope: str, entry: Entry) -> Sealed:
        """Seals an entry that has no seal and no seq yet."""
        statement = _statement(scope, entry)
        return Sealed(scope=scope, entry=entry, seal=self._mac(statement), statement=statement)

    def open(self, scope: str, seq: int, sealed: bytes) -> Entry:
        """Returns the entry that sealed bytes hold. Raises RecordDamaged if this key did not seal exactly them."""
        seal, statement = sealed[:SEAL_BYTES], sealed[SEAL_BYTES:]
        if not hmac.compare_digest(seal, self._mac(statement)):
            raise RecordDamaged(f"entry {seq} does not match its seal{self._other_key(statement)}")
        said, entry = _read_statement(statement, seq, seal.hex())
        if said != scope:
            raise RecordDamaged(f"entry {seq} was sealed for another clinic or service")
        return entry

    def open_stored_entry(self, scope: str, name: str, stored: bytes) -> Entry:
        """Returns the entry of a stored revision, of which the content may be cut off. Raises RecordDamaged."""
        end = entry_bytes(name, stored)
        seq = int(stored[SEAL_BYTES : SEAL_BYTES + _SEQ_DIGITS])
        try:
            entry = self.open(scope, seq, stored[:SEAL_BYTES] + stored[PREFIX_BYTES:end])
        except RecordDamaged as damage:
            raise RecordDamaged(f"{name}: {damage}") from None
        if entry.name != name:
            raise RecordDamaged(f"{name}: a revision of another record is in its place")
        return entry

    def open_revision(self, scope: str, name: str, stored: bytes) -> Revision:
        """Returns a stored revision, seal and content checked. Raises RecordDamaged."""
        entry = self.open_stored_entry(scope, name, stored)
        content = stored[entry_bytes(name, stored) :]
        if digest_of(content) != entry.content_digest:
            raise RecordDamaged(f"{name}: the content of revision {entry.revision} does not match its seal")
        return Revision(content=content, entry=entry)

    def mark(self, *parts: bytes) -> bytes:
        """Returns the HMAC over parts, for an anchor. No statement of an entry begins as these do."""
        return self._mac(b"anchor" + b"".join(parts))

    def _other_key(self, statement: bytes) -> str:
        """Tells a wrong key file from a changed entry. The statement is unproven: only letters and digits may pass."""
        try:
            used = _unpack(statement)[1].decode()
        except (struct.error, UnicodeDecodeError, IndexError):
            return ""
        return f": it names key {used}, this is key {self.key_id}" if used.isalnum() and used != self.key_id else ""

    def _mac(self, statement: bytes) -> bytes:
        return hmac.digest(self.key, statement, hashlib.sha256)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """An entry with its seal, before the store gave it a place."""

    scope: str
    entry: Entry
    seal: bytes
    statement: bytes

    @property
    def sealed(self) -> bytes:
        """The bytes that the trail keeps."""
        return self.seal + self.statement

    def placed(self, seq: int) -> Entry:
        """Returns the entry with the seq that the store gave it."""
        etag = etag_of(self.entry.revision, self.seal.hex()) if self.entry.revision else ""
        return replace(self.entry, seq=seq, seal=self.seal.hex(), etag=etag)


def stored_revision(seq: int, sealed: bytes, content: bytes) -> bytes:
    """Returns the bytes that a record keeps. `commit.lua` builds the same, because only it knows the seq."""
    statement = sealed[SEAL_BYTES:]
    numbers = f"{seq:0{_SEQ_DIGITS}d}{len(statement):0{_STATEMENT_LENGTH_DIGITS}d}".encode()
    return sealed[:SEAL_BYTES] + numbers + statement + content


def entry_bytes(name: str, stored: bytes) -> int:
    """Returns how many bytes of a stored revision come before its content, from its first PREFIX_BYTES bytes.

    Raises RecordDamaged.
    """
    numbers = stored[SEAL_BYTES:PREFIX_BYTES]
    if len(numbers) != PREFIX_BYTES - SEAL_BYTES or not numbers.isdigit():
        raise RecordDamaged(f"{name}: a stored revision has no readable start")
    return PREFIX_BYTES + int(numbers[_SEQ_DIGITS:])


def entry_of_write(sealer: Sealer, write: Write, *, previous: Entry | None, written_after: int) -> Entry:
    """Returns the entry of a write, to be sealed: the next revision after `previous`."""
    return Entry(
        seq=0,
        name=write.name,
        revision=previous.revision + 1 if previous else FIRST_REVISION,
        etag="",
        action=write.action,
        person=write.actor.person,
        display_name=write.actor.display_name,
        roles=write.actor.roles,
        time_micros=write.time_micros,
        reason=write.reason,
        changes=write.changes,
        facts=dict(write.facts),
        content_digest=digest_of(write.content),
        previous_seal=previous.seal if previous else "",
        written_after=max(written_after, previous.seq) if previous else written_after,
        key_id=sealer.key_id,
        seal="",
    )


def entry_of_refusal(sealer: Sealer, refusal: Refusal, *, written_after: int) -> Entry:
    """Returns the entry of a refusal, to be sealed."""
    note = Note(actor=refusal.actor, action=refusal.action, time_micros=refusal.time_micros, reason=refusal.reason)
    return replace(entry_of_note(sealer, note, written_after=written_after), name=refusal.name)


def entry_of_note(sealer: Sealer, note: Note, *, written_after: int) -> Entry:
    """Returns the entry of a note, to be sealed.

    Nothing comes before a note, so `previous_seal` holds a random value: two equal notes have different seals, and a
    copied one shows.
    """
    return Entry(
        seq=0,
        name="",
        revision=0,
        etag="",
        action=note.action,
        person=note.actor.person,
        display_name=note.actor.display_name,
        roles=note.actor.roles,
        time_micros=note.time_micros,
        reason=note.reason,
        changes=note.changes,
        facts=dict(note.facts),
        content_digest="",
        previous_seal=secrets.token_hex(SEAL_BYTES),
        written_after=written_after,
        key_id=sealer.key_id,
        seal="",
    )


# The canonical form: the number of fields, the length of each, the fields in fixed order. No two entries share one.


def _pack(*fields: str | bytes) -> bytes:
    values = [field.encode() if isinstance(field, str) else field for field in fields]
    return struct.pack(f">{len(values) + 1}I", len(values), *map(len, values)) + b"".join(values)


def _unpack(data: bytes) -> list[bytes]:
    (count,) = _NUMBER.unpack_from(data)
    lengths = struct.unpack_from(f">{count}I", data, _NUMBER.size)
    ends = accumulate(lengths, initial=_NUMBER.size * (count + 1))
    return [data[start:end] for start, end in pairwise(ends)]


def _statement(scope: str, entry: Entry) -> bytes:
    facts = sorted(entry.facts.items())
    return _pack(
        _FORMAT,
        entry.key_id,
        scope,
        entry.name,
        str(entry.revision),
        bytes.fromhex(entry.previous_seal),
        entry.action,
        entry.person,
        entry.display_name,
        str(entry.time_micros),
        str(entry.written_after),
        entry.reason,
        bytes.fromhex(entry.content_digest),
        str(len(entry.roles)),
        str(len(entry.changes)),
        *entry.roles,
        *entry.changes,
        *(text for fact in facts for text in fact),
    )


def unproven_place(statement: bytes) -> tuple[str, int] | None:
    """Returns the record name and the revision that a statement says it is about, without proof; None if it is none."""
    try:
        fields = _unpack(statement)
        name, revision = fields[3].decode(), int(fields[4])
    except (struct.error, UnicodeDecodeError, IndexError, ValueError):
        return None
    return (name, revision) if revision else None


def _read_statement(statement: bytes, seq: int, seal: str) -> tuple[str, Entry]:
    """Reads a statement whose seal matched: only this module wrote it, so its form needs no further doubt."""
    fields = _unpack(statement)
    if fields[0] != _FORMAT:
        raise RecordDamaged(f"entry {seq} has a format that this version does not know")
    (_, key_id, scope, name, revision, previous_seal, action, person, display_name, time, after, *rest) = fields
    reason, content_digest, roles, changes, *lists = rest
    words = [word.decode() for word in lists]
    number, end_of_roles = int(revision), int(roles)
    end_of_changes = end_of_roles + int(changes)
    return scope.decode(), Entry(
        seq=seq,
        name=name.decode(),
        revision=number,
        etag=etag_of(number, seal) if number else "",
        action=action.decode(),
        person=person.decode(),
        display_name=display_name.decode(),
        roles=tuple(words[:end_of_roles]),
        time_micros=int(time),
        reason=reason.decode(),
        changes=tuple(words[end_of_roles:end_of_changes]),
        facts=dict(zip(words[end_of_changes::2], words[end_of_changes + 1 :: 2], strict=True)),
        content_digest=content_digest.hex(),
        previous_seal=previous_seal.hex(),
        written_after=int(after),
        key_id=key_id.decode(),
        seal=seal,
    )
