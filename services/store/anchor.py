"""The anchor: how far each clinic's trail had come, kept in a file outside the store.

Seals show what was changed; only something outside shows that the whole store went back to an earlier state. For each
clinic the file holds the seq and the seal of the newest entry, and a running HMAC over the seals of all entries up to
it. The file is sealed with the same key, so it cannot be written without it either.
"""

from __future__ import annotations

import hmac
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from services.store.layout import Layout
from services.store.model import RecordDamaged
from services.store.seals import SEAL_BYTES, Sealer
from services.store.trail import Copy

FORMAT = "myoplan anchor 1"
BATCH = 1000
# How much of a seal stands in the word with which an operator accepts a loss.
WORD_CHARACTERS = 8


class AnchorUnreadable(Exception):
    """The file is there and is no anchor of this service and key; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """How far a trail is anchored: the newest entry's `seq` and `seal`, and the `running` HMAC (both hexadecimal)."""

    seq: int
    seal: str
    running: str

    def word(self, clinic: str) -> str:
        """Returns the word that accepts the loss of what this mark stands for, `CLINIC@SEQ-SEAL`."""
        return f"{clinic}@{self.seq}-{self.seal[:WORD_CHARACTERS]}"


def beginning(sealer: Sealer, layout: Layout) -> Mark:
    """Returns the mark of an empty trail."""
    return Mark(seq=0, seal="", running=sealer.mark(FORMAT.encode(), layout.scope.encode()).hex())


def extended(sealer: Sealer, mark: Mark, seq: int, sealed: bytes) -> Mark:
    """Returns the mark after one more entry."""
    seal = sealed[:SEAL_BYTES]
    return Mark(seq=seq, seal=seal.hex(), running=sealer.mark(bytes.fromhex(mark.running), seal).hex())


async def compare(sealer: Sealer, layout: Layout, copy: Copy, mark: Mark) -> str | None:
    """Returns what the trail up to a mark lacks or has otherwise, None if it is the anchored one.

    Reads the whole trail up to the mark, its seals only: the check of the seals themselves is `trail.verify`.
    """
    found = beginning(sealer, layout)
    missing: list[tuple[int, int]] = []
    try:
        while found.seq < mark.seq:
            batch = [entry for entry in await copy.trail(found.seq, BATCH) if entry[0] <= mark.seq]
            if not batch:
                missing.append((found.seq + 1, mark.seq))
                break
            for seq, sealed in batch:
                if seq > found.seq + 1:
                    missing.append((found.seq + 1, seq - 1))
                found = extended(sealer, found, seq, sealed)
    except RecordDamaged as damage:
        return str(damage)
    if found.running == mark.running:
        return None  # Holes, if there are any, were there and accepted when the mark was made.
    if missing:
        return missing_sentence(missing)
    return f"the trail up to entry {mark.seq} is not the one that was anchored"


def missing_sentence(ranges: list[tuple[int, int]]) -> str:
    """Says which entries are missing."""
    words = [str(first) if first == last else f"{first} to {last}" for first, last in ranges]
    one = len(ranges) == 1 and ranges[0][0] == ranges[0][1]
    return f"entry {words[0]} is missing" if one else f"entries {', '.join(words)} are missing"


class AnchorFile:
    """The file of one service. One process writes it; another process of the same service has a file of its own."""

    def __init__(self, path: Path, service: str, sealer: Sealer) -> None:
        self.path, self._service, self._sealer = path, service, sealer

    def read(self) -> dict[str, Mark] | None:
        """Returns the marks by clinic, None if there is no file. Raises AnchorUnreadable, OSError."""
        try:
            text = self.path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            document = json.loads(text)
            seal = bytes.fromhex(document.pop("seal"))
            said = {name: document[name] for name in ("format", "service", "key_id")}
            marks = {clinic: Mark(**mark) for clinic, mark in document["clinics"].items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            raise AnchorUnreadable("the anchor file has no readable form") from None
        if said["format"] != FORMAT:
            raise AnchorUnreadable("the anchor file has a form that this version does not know")
        if said["service"] != self._service:
            raise AnchorUnreadable("the anchor file belongs to another service")
        if said["key_id"] != self._sealer.key_id:
            raise AnchorUnreadable(f"the anchor file names another key, this is key {self._sealer.key_id}")
        if not hmac.compare_digest(seal, self._sealer.mark(_canonical(document))):
            raise AnchorUnreadable("the anchor file does not match its seal")
        return marks

    def write(self, marks: Mapping[str, Mark]) -> None:
        """Replaces the file, whole or not at all, and returns when it is on disk. Raises OSError."""
        document: dict[str, object] = {
            "format": FORMAT,
            "service": self._service,
            "key_id": self._sealer.key_id,
            "clinics": {clinic: asdict(mark) for clinic, mark in sorted(marks.items())},
        }
        document["seal"] = self._sealer.mark(_canonical(document)).hex()
        handle, name = tempfile.mkstemp(prefix=f".{self.path.name}.", dir=self.path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(json.dumps(document, indent=1).encode())
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self.path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _canonical(document: Mapping[str, object]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
