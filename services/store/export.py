"""Writes everything that is stored of one clinic to a file, to be checked elsewhere: `python -m services.store.export`.

The file has a head, every entry of the trail, every key with its value, every list, and an end that says how many parts
there are; before each part stands a line of JSON that says what it is. It holds health data, as it is stored. No key is
needed to write it, none is in it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from bisect import bisect_right
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import IO, Any

from redis.asyncio import Redis

from services.store.layout import Layout, clinic_of_trail
from services.store.model import RecordDamaged, StoreError
from services.store.redis_copy import RedisCopy
from services.store.redis_errors import explained
from services.store.seals import SEAL_BYTES, unproven_place
from services.store.trail import BATCH

FORMAT = "myoplan export 1"
URL_SETTING = "MYOPLAN_REDIS_URL"
SERVICES = ("assessment", "planner")
_MOST_LINE_BYTES = 64 * 1024


class ExportUnreadable(Exception):
    """The file is no whole export; the text says why."""


def client_of(url: str) -> Redis:
    """Returns a client for reading."""
    return Redis.from_url(url, protocol=2, driver_info=None)


async def clinics_of(client: Redis, service: str) -> list[str]:
    """Returns every clinic of a service that has a trail."""
    with explained():
        keys = [key.decode(errors="backslashreplace") async for key in client.scan_iter(match=Layout.trails(service))]
    return sorted({clinic for key in keys if (clinic := clinic_of_trail(key))})


async def export(client: Redis, layout: Layout, out: IO[bytes]) -> int:
    """Writes a clinic that may be in use to a file and returns how many entries its trail has. Raises StoreError.

    What is stored is read after the trail up to a horizon, then the rest of the trail, then whatever the rest says has
    moved meanwhile: the same order in which a store in use is checked.
    """
    copy, parts = RedisCopy(client, layout), _Parts(out)
    horizon = await copy.last_seq()
    parts.put(format=FORMAT, service=layout.service, clinic=layout.clinic, horizon=horizon)
    last = horizon
    async for seq, sealed in _entries(copy, 0, horizon):
        parts.put(sealed, seq=seq)
        last = seq
    keys: dict[str, None] = {}
    async for key in copy.keys():
        keys[key] = None
    await _put_keys(client, copy, parts, [key for key in keys if key != layout.trail])
    end, moved = await copy.last_seq(), []
    async for seq, sealed in _entries(copy, last, end):
        parts.put(sealed, seq=seq)
        if place := unproven_place(sealed[SEAL_BYTES:]):
            moved.append(layout.earlier(place[0], place[1] - 1))
    await _put_keys(client, copy, parts, moved)
    parts.put(end=end, parts=parts.count)
    return end


async def _entries(copy: RedisCopy, after: int, until: int) -> AsyncIterator[tuple[int, bytes]]:
    while after < until and (batch := await copy.trail(after, BATCH)):
        for entry in batch:
            yield entry
        after = batch[-1][0]


async def _put_keys(client: Redis, copy: RedisCopy, parts: _Parts, keys: Sequence[str]) -> None:
    for start in range(0, len(keys), BATCH):
        batch = keys[start : start + BATCH]
        with explained():
            async with client.pipeline(transaction=False) as pipeline:
                for key in batch:
                    pipeline.execute_command("TYPE", key)
                kinds = [kind.decode() for kind in await pipeline.execute()]
        texts = [key for key, kind in zip(batch, kinds, strict=True) if kind == "string"]
        for key, value in zip(texts, await copy.values(texts), strict=True):
            if value is not None:
                parts.put(value, key=key)
        for key, kind in zip(batch, kinds, strict=True):
            if kind == "zset":
                parts.put(json.dumps(await copy.listed(key)).encode(), key=key)
            elif kind not in {"string", "none"}:
                parts.put(b"", key=key)


class _Parts:
    """Writes a file part by part: a line that says what comes and how long it is, then its bytes."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out, self.count = out, 0

    def put(self, value: bytes = b"", **fields: Any) -> None:
        self._out.write(json.dumps({**fields, "bytes": len(value)}).encode() + b"\n" + value)
        self.count += 1


class ExportCopy:
    """Implements `services.store.trail.Copy` over a file. Only places in the file are in memory."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._keys: dict[str, tuple[int, int]] = {}
        self._seqs: list[int] = []
        self._entries: list[tuple[int, int]] = []
        try:
            self.layout, self._ends = self._read_places()
        except (ValueError, KeyError, TypeError, AttributeError):
            self._file.close()
            raise ExportUnreadable("the file is not an export of a clinic") from None
        except ExportUnreadable:
            self._file.close()
            raise

    def _read_places(self) -> tuple[Layout, list[int]]:
        head = json.loads(self._file.readline(_MOST_LINE_BYTES))
        if head["format"] != FORMAT:
            raise ExportUnreadable("the export has a form that this version does not know")
        count = 1
        while line := self._file.readline(_MOST_LINE_BYTES):
            fields = json.loads(line)
            if "end" in fields:
                if fields["parts"] != count or self._file.read(1):
                    break
                return Layout(head["service"], head["clinic"]), [fields["end"], head["horizon"]]
            place = (self._file.tell(), fields["bytes"])
            if "seq" in fields:
                self._seqs.append(fields["seq"])
                self._entries.append(place)
            else:
                self._keys[fields["key"]] = place
            self._file.seek(place[1], os.SEEK_CUR)
            count += 1
        raise ExportUnreadable("the export is not whole")

    def _at(self, place: tuple[int, int]) -> bytes:
        self._file.seek(place[0])
        return self._file.read(place[1])

    async def last_seq(self) -> int:
        """Returns how far the trail had come when the export began, and from the second time on when it ended."""
        return self._ends.pop() if len(self._ends) > 1 else self._ends[0]

    async def trail(self, after: int, limit: int) -> Sequence[tuple[int, bytes]]:
        """Returns the next entries of the trail."""
        start = bisect_right(self._seqs, after)
        end = start + limit
        return [
            (seq, self._at(place)) for seq, place in zip(self._seqs[start:end], self._entries[start:end], strict=True)
        ]

    async def values(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        """Returns what is stored under the keys."""
        return [self._at(self._keys[key]) if key in self._keys else None for key in keys]

    async def listed(self, index: str) -> Sequence[tuple[str, int]]:
        """Returns the record names of an index, each with the seq of its creation."""
        try:
            return [(str(name), int(seq)) for name, seq in json.loads(self._at(self._keys[index]))]
        except (KeyError, ValueError, TypeError):
            return []

    async def keys(self) -> AsyncIterator[str]:
        """Yields every key of the clinic."""
        for key in self._keys:
            yield key

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Exports one clinic and returns the exit code: 1 if the store did not give it."""
    parser = argparse.ArgumentParser(prog="python -m services.store.export", description=__doc__.split("\n")[0])
    parser.add_argument("--url", default=os.environ.get(URL_SETTING, ""), help=f"the store; default: {URL_SETTING}")
    parser.add_argument("--service", required=True, choices=SERVICES)
    parser.add_argument("--clinic", required=True)
    parser.add_argument("out", type=Path, help="the file to write; it must not be there yet")
    given = parser.parse_args(arguments)
    if not given.url:
        parser.error(f"name the store with --url or {URL_SETTING}")
    try:
        layout = Layout(given.service, given.clinic)
        handle = os.open(given.out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except (ValueError, OSError) as problem:
        parser.error(str(problem))
    try:
        with os.fdopen(handle, "wb") as out:
            count = asyncio.run(_export(given.url, layout, out))
    except (StoreError, RecordDamaged, OSError) as problem:
        given.out.unlink(missing_ok=True)
        print(f"not exported: {problem}", file=sys.stderr)
        return 1
    print(f"{given.service} {given.clinic}: {count} entries in {given.out}")
    return 0


async def _export(url: str, layout: Layout, out: IO[bytes]) -> int:
    async with client_of(url) as client:
        return await export(client, layout, out)


if __name__ == "__main__":
    sys.exit(main())
