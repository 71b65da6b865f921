"""One clinic as it lies in Redis, read for a check; and the forms in which Redis answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence

from redis.asyncio import Redis

from services.store.layout import Layout
from services.store.model import RecordDamaged
from services.store.redis_errors import ask, explained
from services.store.trail import BATCH

TRAIL_FIELD = b"sealed"


class RedisCopy:
    """Implements `services.store.trail.Copy` over a store in use."""

    def __init__(self, reader: Redis, layout: Layout) -> None:
        self._reader, self._layout = reader, layout

    async def last_seq(self) -> int:
        """Returns the seq up to which the trail was ever written."""
        if not await ask(self._reader, "EXISTS", self._layout.trail):
            return 0
        known = await ask(self._reader, "XINFO", "STREAM", self._layout.trail)
        return _seq(known[known.index(b"last-generated-id") + 1])

    async def trail(self, after: int, limit: int) -> Sequence[tuple[int, bytes]]:
        """Returns the next entries of the trail."""
        words = (f"({after}-0", "+", "COUNT", limit)
        reply = await ask(self._reader, "XRANGE", self._layout.trail, *words)
        return list(sealed_entries(reply))

    async def values(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        """Returns what is stored under the keys."""
        if not keys:
            return []
        values: Sequence[bytes | None] = await ask(self._reader, "MGET", *keys)
        return values

    async def listed(self, index: str) -> Sequence[tuple[str, int]]:
        """Returns the record names of an index, each with the seq of its creation."""
        pairs: list[tuple[str, int]] = []
        while True:
            start, end = len(pairs), len(pairs) + BATCH - 1
            batch = pairs_of(await ask(self._reader, "ZRANGE", index, start, end, "WITHSCORES"))
            pairs += batch
            if not batch:
                return pairs

    async def keys(self) -> AsyncIterator[str]:
        """Yields every key of the clinic, some perhaps twice."""
        with explained():
            async for key in self._reader.scan_iter(match=f"{self._layout.scope}:*", count=1000):
                yield key.decode(errors="backslashreplace")


def sealed_entries(reply: Sequence[tuple[bytes, dict[bytes, bytes]]]) -> Iterator[tuple[int, bytes]]:
    """Yields seq and sealed bytes of each entry in a piece of a trail. Raises RecordDamaged for another form."""
    for place, fields in reply:
        if fields.keys() != {TRAIL_FIELD}:
            raise RecordDamaged(f"the trail holds an entry of another form at {place!a}")
        yield _seq(place), fields[TRAIL_FIELD]


def _seq(place: bytes) -> int:
    digits, _, rest = place.partition(b"-")
    if rest != b"0":
        raise RecordDamaged(f"the trail holds an entry of another form at {place!a}")
    return int(digits)


def pairs_of(listed: Sequence[bytes]) -> list[tuple[str, int]]:
    """Returns the members of a sorted set with their scores."""
    return [
        (name.decode(errors="backslashreplace"), int(float(score)))
        for name, score in zip(listed[::2], listed[1::2], strict=True)
    ]
