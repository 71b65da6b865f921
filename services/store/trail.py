"""Checks one clinic: its trail entry by entry, and everything stored against the trail.

The check reads a copy (a store, or an export of one) and needs the key. It finds what was edited, deleted, put in
another order, inserted, copied from another record or clinic, or sealed without the key. It cannot see that trail and
records were cut back together to an earlier state: that takes an anchor outside the store.

A store may be written while it is checked. What is stored is therefore read after the trail up to a horizon, and the
rest of the trail after that: whatever was found in between has to be explained by one of the two.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple, Protocol, TypeVar

from services.store.layout import Layout, collections_of, kind_of
from services.store.model import Entry, Inspect, RecordDamaged
from services.store.seals import FIRST_REVISION, Sealer, digest_of, stored_revision

BATCH = 200

_RECORD_KEY = re.compile(r"record:(?P<name>[^@]+)(?:@(?P<revision>[1-9][0-9]*))?")
_INDEX_KEY = re.compile(r"index:(?P<collection>.+)")
_REQUEST_KEY = re.compile(r"request:[0-9a-f]{64}")


class Copy(Protocol):
    """The stored bytes of one clinic, as a check reads them."""

    async def last_seq(self) -> int:
        """Returns the seq up to which the trail was ever written, 0 for none."""
        ...

    async def trail(self, after: int, limit: int) -> Sequence[tuple[int, bytes]]:
        """Returns the next entries of the trail: seq and sealed bytes. Raises RecordDamaged for another form."""
        ...

    async def values(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        """Returns what is stored under the keys, None for nothing."""
        ...

    async def listed(self, index: str) -> Sequence[tuple[str, int]]:
        """Returns the record names of an index, each with the seq of its creation."""
        ...

    def keys(self) -> AsyncIterator[str]:
        """Yields every key of the clinic, some perhaps twice."""
        ...


async def entries(sealer: Sealer, layout: Layout, copy: Copy, after: int = 0) -> AsyncIterator[Entry]:
    """Yields every entry behind `after`, refusals and notes too, up to now. Raises RecordDamaged."""
    while batch := await copy.trail(after, BATCH):
        for seq, sealed in batch:
            yield sealer.open(layout.scope, seq, sealed)
        after = batch[-1][0]


async def verify(
    sealer: Sealer, layout: Layout, copy: Copy, inspect: Mapping[str, Inspect] | None = None
) -> tuple[str, ...]:
    """Returns one sentence per problem, those of the trail first and in its order; empty if the clinic is sound.

    `inspect`: by collection (`plans`), what looks into the contents. It sees the revisions of a record that are sound
    in themselves, in their order, up to the moment at which the check began.
    """
    check = _Check(sealer, layout, inspect or {})
    try:
        await _follow_to_horizon(check, layout, copy)
        await _read_stored(check, layout, copy)
        await _follow_the_rest(check, layout, copy)
    except RecordDamaged as damage:
        check.tell(str(damage))
    return tuple(check.problems)


async def _follow_to_horizon(check: _Check, layout: Layout, copy: Copy) -> None:
    horizon = await copy.last_seq()
    while check.last_seq < horizon:
        batch = [(seq, sealed) for seq, sealed in await copy.trail(check.last_seq, BATCH) if seq <= horizon]
        if not batch:
            break
        entries = [(entry, sealed) for seq, sealed in batch if (entry := check.follow(seq, sealed))]
        earlier = await copy.values([layout.earlier(entry.name, entry.revision) for entry, _ in entries])
        for (entry, sealed), stored in zip(entries, earlier, strict=True):
            check.compare_earlier(entry, sealed, stored)
    check.end_of_trail(horizon)


async def _read_stored(check: _Check, layout: Layout, copy: Copy) -> None:
    for names in _batches(list(check.newest)):
        newest = await copy.values([layout.newest(name) for name in names])
        for name, stored in zip(names, newest, strict=True):
            check.compare_newest(name, stored)
    for collection in list(check.lists):
        check.compare_list(collection, await copy.listed(layout.index(collection)))
    async for key in copy.keys():
        check.explain_key(key.removeprefix(f"{layout.scope}:"))


async def _follow_the_rest(check: _Check, layout: Layout, copy: Copy) -> None:
    check.past_horizon = True
    end = await copy.last_seq()
    while check.last_seq < end and (batch := await copy.trail(check.last_seq, BATCH)):
        for seq, sealed in batch:
            check.follow(seq, sealed)
    for marks in _batches(check.not_found):
        earlier = await copy.values([layout.earlier(mark.name, mark.revision) for mark in marks])
        for mark, stored in zip(marks, earlier, strict=True):
            check.compare_moved(mark, stored)
    check.conclude()


class _Mark(NamedTuple):
    """What tells one revision from any other."""

    name: str
    revision: int
    seq: int
    seal: str


def _mark(entry: Entry) -> _Mark:
    return _Mark(entry.name, entry.revision, entry.seq, entry.seal)


class _Check:
    """Takes in a clinic piece by piece and collects the problems."""

    def __init__(self, sealer: Sealer, layout: Layout, inspect: Mapping[str, Inspect]) -> None:
        self._sealer, self._layout, self._inspect = sealer, layout, inspect
        self.problems: list[str] = []
        self.last_seq = 0
        self.past_horizon = False
        self.newest: dict[str, _Mark] = {}
        # By collection, as the store lists them: record names, each with the seq of its creation.
        self.lists: dict[str, dict[str, int]] = defaultdict(dict)
        self._refusals: set[str] = set()
        self._not_found: dict[_Mark, None] = {}
        # Found in the store, to be explained by the rest of the trail.
        self._open: list[_Mark] = []
        self._open_listings: list[tuple[str, str, int]] = []
        self._open_keys: list[str] = []
        self._past_horizon: set[_Mark] = set()

    def tell(self, problem: str) -> None:
        """Notes a problem."""
        self.problems.append(problem)

    def _look_into(self, entry: Entry, content: bytes) -> None:
        """Tells what the collection's own check finds in a content."""
        if inspect := self._inspect.get(kind_of(entry.name)):
            for problem in inspect(entry, content):
                self.tell(f"{entry.name}: revision {entry.revision}, entry {entry.seq}: {problem}")

    # The trail

    def follow(self, seq: int, sealed: bytes) -> Entry | None:
        """Takes the next entry of the trail; returns it if it stands for a revision and its seal matches."""
        self._missing(self.last_seq + 1, seq - 1)
        self.last_seq = seq
        try:
            entry = self._sealer.open(self._layout.scope, seq, sealed)
        except RecordDamaged as damage:
            self.tell(str(damage))
            return None
        if entry.written_after >= seq:
            self.tell(f"entry {seq} was moved: its writer had already seen entry {entry.written_after}")
        if not entry.revision:
            if entry.seal in self._refusals:
                self.tell(f"entry {seq} is a copy of an earlier entry")
            self._refusals.add(entry.seal)
            return None
        return self._continue_record(entry)

    def _continue_record(self, entry: Entry) -> Entry | None:
        before = self.newest.get(entry.name)
        revision, seal = (before.revision + 1, before.seal) if before else (FIRST_REVISION, "")
        if (entry.revision, entry.previous_seal) != (revision, seal):
            after = f"does not continue revision {revision - 1}" if before else "has nothing before it"
            self.tell(f"{entry.name}: revision {entry.revision}, entry {entry.seq}, {after}")
            if entry.revision < revision:
                return None
        mark = _mark(entry)
        self.newest[entry.name] = mark
        if before is None:
            for collection in collections_of(entry.name):
                self.lists[collection][entry.name] = entry.seq
        if self.past_horizon:
            self._past_horizon.add(mark)
        return entry

    def end_of_trail(self, last_seq: int) -> None:
        """Says up to where the trail was ever written; what is not there any more was cut off."""
        self._missing(self.last_seq + 1, last_seq)
        self.last_seq = max(self.last_seq, last_seq)

    def _missing(self, first: int, last: int) -> None:
        if first == last:
            self.tell(f"entry {first} is missing")
        elif first < last:
            self.tell(f"entries {first} to {last} are missing")

    # What is stored

    def compare_earlier(self, entry: Entry, sealed: bytes, stored: bytes | None) -> None:
        """Compares an entry with the revision it stands for, which may still be the newest and thus elsewhere."""
        if stored is None:
            self._not_found[_mark(entry)] = None
            return
        start = stored_revision(entry.seq, sealed, b"")
        if not stored.startswith(start):
            self.tell(f"{entry.name}: revision {entry.revision} differs from entry {entry.seq}")
        elif digest_of(stored[len(start) :]) != entry.content_digest:
            self.tell(f"{entry.name}: the content of revision {entry.revision} does not match its seal")
        else:
            self._look_into(entry, stored[len(start) :])

    def compare_newest(self, name: str, stored: bytes | None) -> None:
        """Compares what a record holds as newest with the trail up to now."""
        mark = self.newest[name]
        if stored is None:
            return  # Reported by conclude: the mark stays among those not found.
        try:
            revision = self._sealer.open_revision(self._layout.scope, name, stored)
        except RecordDamaged as damage:
            self.tell(str(damage))
            return
        found = _mark(revision.entry)
        if found == mark:
            self._not_found.pop(mark, None)
            self._look_into(revision.entry, revision.content)
        else:
            self._open.append(found)

    def compare_list(self, collection: str, listed: Iterable[tuple[str, int]]) -> None:
        """Compares a list with the trail up to now."""
        expected, found = self.lists[collection], dict(listed)
        for name in expected.keys() - found.keys():
            self.tell(f"{name}: it is missing in the list of {collection}")
        self._open_listings += [
            (collection, name, seq) for name, seq in found.items() if (name, seq) not in expected.items()
        ]

    def explain_key(self, key: str) -> None:
        """Notes a key of the clinic that the trail up to now does not explain."""
        if not self._explains(key):
            self._open_keys.append(key)

    def _explains(self, key: str) -> bool:
        if record := _RECORD_KEY.fullmatch(key):
            mark = self.newest.get(record["name"])
            return mark is not None and (record["revision"] is None or int(record["revision"]) < mark.revision)
        if index := _INDEX_KEY.fullmatch(key):
            return index["collection"] in self.lists
        return key == "trail" or _REQUEST_KEY.fullmatch(key) is not None

    # After the rest of the trail

    @property
    def not_found(self) -> Sequence[_Mark]:
        """The revisions that were neither the newest nor among the earlier ones when they were looked for."""
        return list(self._not_found)

    def compare_moved(self, mark: _Mark, stored: bytes | None) -> None:
        """Looks once more for a revision that may have been replaced in the meantime."""
        if stored is None:
            return
        del self._not_found[mark]
        try:
            revision = self._sealer.open_revision(self._layout.scope, mark.name, stored)
        except RecordDamaged as damage:
            self.tell(str(damage))
            return
        if _mark(revision.entry) == mark:
            self._look_into(revision.entry, revision.content)
        else:
            self.tell(f"{mark.name}: revision {mark.revision} differs from entry {mark.seq}")

    def conclude(self) -> None:
        """Reports whatever nothing explains."""
        for mark in self._not_found:
            self.tell(f"{mark.name}: revision {mark.revision}, entry {mark.seq}, is missing")
        for mark in self._open:
            if mark not in self._past_horizon:
                self.tell(f"{mark.name}: revision {mark.revision} is stored as the newest, the trail knows another")
        for collection, name, seq in self._open_listings:
            if self.lists[collection].get(name) != seq:
                self.tell(f"the list of {collection} holds {name!a} at {seq}; the trail does not")
        for key in self._open_keys:
            if not self._explains(key):
                self.tell(f"nothing in the trail explains the key {key!a}")


_Item = TypeVar("_Item")


def _batches(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    source = iter(items)
    while batch := list(islice(source, BATCH)):
        yield batch
