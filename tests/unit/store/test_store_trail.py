"""The check of a clinic over long chains: many tamperings, no false alarm. The single kinds are in tests/contract."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from services.store.memory import MemoryStore
from services.store.seals import SEAL_BYTES
from tests.support.store import SEALER, SERVICE, MemoryHand, person, refusal, write

RECORDS = 25
REVISIONS = 38
REFUSALS = 50
# Of each kind; 204 in all.
TRIALS = 34
ENTRIES = RECORDS * REVISIONS + REFUSALS


async def filled(
    seed: int, records: int = RECORDS, revisions: int = REVISIONS, refusals: int = REFUSALS
) -> MemoryStore:
    """Returns a store with one clinic, `north`, whose records were written in a random order."""
    dice = random.Random(seed)
    order = [number for number in range(records) for _ in range(revisions)] + [-1] * refusals
    dice.shuffle(order)
    store = MemoryStore(SEALER, SERVICE)
    etags: dict[int, str] = {}
    for number in order:
        if number < 0:
            await store.refuse(refusal(person("north")))
            continue
        name = f"clients/c{number % 5}/assessments/a{number}"
        revision = await store.write(write(person("north"), name, after=etags.get(number), content=dice.randbytes(20)))
        etags[number] = revision.entry.etag
    return store


@dataclass(frozen=True, slots=True)
class Change:
    """A tampering of the trail and the seq of the first entry that gives it away."""

    entries: list[tuple[int, bytes]]
    first: int


def edit(trail: list[tuple[int, bytes]], dice: random.Random) -> Change:
    place = dice.randrange(len(trail))
    seq, sealed = trail[place]
    position = dice.randrange(len(sealed))
    changed = sealed[:position] + bytes([sealed[position] ^ (1 << dice.randrange(8))]) + sealed[position + 1 :]
    return Change([*trail[:place], (seq, changed), *trail[place + 1 :]], seq)


def delete(trail: list[tuple[int, bytes]], dice: random.Random) -> Change:
    place = dice.randrange(len(trail) - 1)
    return Change(trail[:place] + trail[place + 1 :], trail[place][0])


def delete_and_close_the_gap(trail: list[tuple[int, bytes]], dice: random.Random) -> Change:
    place = dice.randrange(len(trail) - 1)
    kept = [sealed for _, sealed in trail[:place] + trail[place + 1 :]]
    return Change(list(enumerate(kept, 1)), trail[place][0])


def reorder(trail: list[tuple[int, bytes]], dice: random.Random) -> Change:
    one, other = sorted(dice.sample(range(len(trail)), 2))
    swapped = list(trail)
    swapped[one], swapped[other] = (trail[one][0], trail[other][1]), (trail[other][0], trail[one][1])
    return Change(swapped, trail[one][0])


def insert_a_copy(trail: list[tuple[int, bytes]], dice: random.Random) -> Change:
    source, place = dice.randrange(len(trail)), dice.randrange(len(trail))
    sealed = [sealed for _, sealed in trail]
    sealed.insert(place, trail[source][1])
    # A copy may stand unnoticed until the original comes, but no further.
    return Change(list(enumerate(sealed, 1)), max(place, min(source + 1, len(trail))) + 1)


def seal_without_the_key(trail: list[tuple[int, bytes]], dice: random.Random) -> Change:
    place = dice.randrange(len(trail))
    seq, sealed = trail[place]
    statement = sealed[SEAL_BYTES:].replace(b"because", b"BECAUSE")
    return Change([*trail[:place], (seq, hashlib.sha256(statement).digest() + statement), *trail[place + 1 :]], seq)


@pytest.mark.parametrize(
    "tamper",
    [edit, delete, delete_and_close_the_gap, reorder, insert_a_copy, seal_without_the_key],
    ids=lambda f: f.__name__,
)
async def test_every_tampering_of_a_long_trail_is_found_where_it_begins(
    tamper: Callable[[list[tuple[int, bytes]], random.Random], Change],
) -> None:
    seed = 20261124
    store = await filled(seed)
    hand = MemoryHand(store.clinic("north"))
    trail = await hand.trail()
    assert len(trail) == ENTRIES
    assert await store.verify("north") == ()
    dice = random.Random(seed)
    for trial in range(TRIALS):
        change = tamper(trail, dice)
        await hand.put_trail(change.entries)
        problems = await store.verify("north")
        assert problems, f"trial {trial} of seed {seed}"
        assert _first_seq(problems[0]) <= change.first, f"trial {trial} of seed {seed}: {problems[0]}"
    await hand.put_trail(trail)
    assert await store.verify("north") == ()


def _first_seq(problem: str) -> int:
    words = problem.replace(",", " ").replace(":", " ").split()
    return int(next(words[place + 1] for place, word in enumerate(words) if word in {"entry", "entries"}))


async def test_fifty_sound_clinics_raise_no_alarm() -> None:
    for seed in range(50):
        store = await filled(seed, records=5, revisions=4, refusals=5)
        assert await store.verify("north") == (), f"seed {seed}"
