"""An older store put back, a tail cut off, a record taken out with its entries: found by the anchor, and only by it."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from redis.asyncio import Redis

from services.store.anchor import AnchorFile, AnchorUnreadable, Mark
from services.store.layout import Layout
from services.store.model import RecordMissing, StoreRolledBack
from services.store.redis import RedisStore
from services.store.seals import Sealer
from services.store.trail import entries
from tests.support.redis_server import RedisServer, noticed, redis_server
from tests.support.store import RECORD, SEALER, SERVICE, new_clinic, person, refusal, write

ENTRIES = 520
# How many entries older than the anchor each of the twenty copies is.
AGES = (1, 2, 3, 5, 8, 13, 21, 34, 55, 80, 89, 100, 144, 200, 233, 300, 377, 400, 450, 500)
LAYOUT = Layout(SERVICE, "north")


class Copies:
    """A server whose files were copied while its trail grew to ENTRIES entries, with the anchor of the last of them."""

    def __init__(self, server: RedisServer, folder: Path) -> None:
        self.server, self.folder = server, folder
        self.anchor = folder / "anchor.json"

    def take(self, age: int) -> None:
        """Copies the server's files as they are."""
        for path in self.server.folder.glob("appendonly*"):
            _copy(path, self.folder / str(age) / path.name)

    def put_back(self, age: int) -> None:
        """Starts the server over an earlier copy."""
        self.server.kill()
        self.clear()
        for path in (self.folder / str(age)).iterdir():
            _copy(path, self.server.folder / path.name)
        self.server.start()

    def clear(self) -> None:
        """Removes the server's files."""
        for path in self.server.folder.glob("appendonly*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def store(
        self,
        *,
        anchored: bool = True,
        accepted: tuple[str, ...] = (),
        on_problem: Callable[[str | None], None] | None = None,
    ) -> RedisStore:
        """Returns a store with the anchor as it was in the end, or without."""
        kept = self.folder / "kept.json"
        shutil.copy(self.anchor, kept)
        return RedisStore(
            self.server.url,
            SERVICE,
            SEALER,
            anchor_file=kept if anchored else None,
            accepted_losses=accepted,
            on_problem=on_problem,
        )


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)


async def fill(copies: Copies) -> None:
    """Writes until the trail has ENTRIES entries: revisions of a few records and refusals, one after another."""
    actor = person("north")
    etags: dict[str, str] = {}
    async with RedisStore(copies.server.url, SERVICE, SEALER, anchor_file=copies.anchor) as store:
        for number in range(1, ENTRIES + 1):
            if number % 7 == 0:
                await store.refuse(refusal(actor))
            else:
                name = f"clients/c{number % 3}/assessments/a{number % 5}"
                revision = await store.write(write(actor, name, after=etags.get(name)))
                etags[name] = revision.entry.etag
            if ENTRIES - number in AGES:
                copies.take(ENTRIES - number)
        copies.take(0)


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copies]:
    with redis_server() as server:
        found = Copies(server, tmp_path_factory.mktemp("copies"))
        asyncio.run(fill(found))
        yield found


def missing(first: int, last: int = ENTRIES) -> str:
    return f"entry {first} is missing" if first == last else f"entries {first} to {last} are missing"


async def test_the_anchor_holds_the_newest_entry(copies: Copies) -> None:
    copies.put_back(0)
    marks = AnchorFile(copies.anchor, SERVICE, SEALER).read()
    assert marks is not None
    assert marks.keys() == {"north"}
    assert marks["north"].seq == ENTRIES
    async with copies.store() as store:
        assert store.problem is None
        assert (await store.read("north", "clients/c0/assessments/a0")).entry.seq <= ENTRIES


@pytest.mark.parametrize("age", AGES)
async def test_an_older_store_is_found_with_exactly_what_is_missing(copies: Copies, age: int) -> None:
    copies.put_back(age)
    expected = missing(ENTRIES - age + 1)
    async with copies.store() as store:
        assert store.problem == f"north: {expected}"
        with pytest.raises(StoreRolledBack, match=expected):
            await store.read("north", "clients/c0/assessments/a0")
        with pytest.raises(StoreRolledBack, match=expected):
            await store.list("north", "clients/-/assessments", 10)
        with pytest.raises(StoreRolledBack, match=expected):
            await store.history("north", "clients/c0/assessments/a0", 10)
        with pytest.raises(StoreRolledBack, match=expected):
            await store.write(write(person("north"), "clients/new/assessments/a"))
        with pytest.raises(StoreRolledBack, match=expected):
            await anext(aiter(store.events("north", 0)))
        # Another clinic is served.
        other = new_clinic()
        await store.write(write(person(other)))
        assert (await store.read(other, RECORD)).entry.seq == 1


@pytest.mark.parametrize("age", [1, 500])
async def test_without_the_anchor_an_older_store_looks_sound(copies: Copies, age: int) -> None:
    """The control."""
    copies.put_back(age)
    async with copies.store(anchored=False) as store:
        assert store.problem is None
        assert await store.verify("north") == ()
        await store.write(write(person("north"), "clients/new/assessments/a"))


async def test_an_empty_store_is_never_a_fresh_start(copies: Copies) -> None:
    copies.server.kill()
    copies.clear()
    copies.server.start()
    async with copies.store() as store:
        with pytest.raises(StoreRolledBack, match=missing(1)):
            await store.read("north", "clients/c0/assessments/a0")


async def test_an_older_store_that_went_on_is_found(copies: Copies) -> None:
    """It has more entries than were anchored by now, but not the anchored one."""
    copies.put_back(3)
    async with copies.store(anchored=False) as store:
        for _ in range(10):
            await store.refuse(refusal(person("north")))
    async with copies.store() as store:
        with pytest.raises(StoreRolledBack, match=f"the trail up to entry {ENTRIES} is not the one that was anchored"):
            await store.read("north", "clients/c0/assessments/a0")


async def test_a_cut_tail_is_found(copies: Copies) -> None:
    copies.put_back(0)
    async with Redis.from_url(copies.server.url, protocol=2) as client:
        await client.xdel(LAYOUT.trail, *[f"{seq}-0" for seq in range(ENTRIES - 9, ENTRIES + 1)])
    async with copies.store() as store:
        with pytest.raises(StoreRolledBack, match=missing(ENTRIES - 9)):
            await store.read("north", "clients/c0/assessments/a0")


@pytest.mark.parametrize("renumbered", [False, True])
async def test_a_record_taken_out_with_its_entries_is_found(copies: Copies, *, renumbered: bool) -> None:
    """Its revisions, its places in the lists and its entries; the other entries keep their seq, or close the gap."""
    copies.put_back(0)
    name = "clients/c0/assessments/a0"
    async with Redis.from_url(copies.server.url, protocol=2) as client, copies.store(anchored=False) as store:
        trail = [entry async for entry in entries(SEALER, LAYOUT, store.copy("north"))]
        stored = dict(await store.copy("north").trail(0, ENTRIES))
        gone = [entry.seq for entry in trail if entry.name == name]
        revisions = [entry.revision for entry in trail if entry.name == name]
        assert len(gone) > 5
        await client.delete(LAYOUT.newest(name), *[LAYOUT.earlier(name, number) for number in revisions])
        for collection in ("clients/-/assessments", "clients/c0/assessments"):
            await client.zrem(LAYOUT.index(collection), name)
        await client.delete(LAYOUT.trail)
        kept = [(seq, sealed) for seq, sealed in sorted(stored.items()) if seq not in gone]
        for place, (seq, sealed) in enumerate(kept, 1):
            await client.xadd(LAYOUT.trail, {"sealed": sealed}, id=f"{place if renumbered else seq}-0")
    found_out = asyncio.Event()
    async with copies.store(
        on_problem=lambda problem: found_out.set() if problem and "missing" in problem else None
    ) as store:
        if not renumbered:
            # The newest entry is where it was; the holes before it are found while the store is served.
            async with asyncio.timeout(10):
                await found_out.wait()
        with pytest.raises(StoreRolledBack) as found:
            await store.read("north", "clients/c1/assessments/a1")
    expected = missing(len(kept) + 1) if renumbered else f"entries {', '.join(map(str, gone))} are missing"
    assert str(found.value) == expected


async def test_an_operator_may_accept_a_loss_and_that_is_an_entry(copies: Copies) -> None:
    copies.put_back(21)
    (mark,) = (AnchorFile(copies.anchor, SERVICE, SEALER).read() or {}).values()
    async with copies.store(accepted=("north@1-00000000", f"south{mark.word('')}")) as store:
        assert store.problem is not None, "words for other losses accept nothing"
    async with copies.store(accepted=(mark.word("north"),)) as store:
        assert store.problem is None
        written = await store.write(write(person("north"), "clients/new/assessments/a"))
        assert await store.verify("north") == ()
        notes = [entry async for entry in entries(SEALER, LAYOUT, store.copy("north")) if entry.action == "accept_loss"]
        assert [(note.person, note.roles, note.reason) for note in notes] == [("operator", ("operator",), missing(500))]
        assert notes[0].facts["accepted"] == mark.word("north")
    # From then on the store is anchored as it is, without the word.
    async with RedisStore(copies.server.url, SERVICE, SEALER, anchor_file=copies.folder / "kept.json") as store:
        assert store.problem is None
        assert (await store.read("north", "clients/new/assessments/a")) == written


async def test_a_store_replaced_under_a_running_service_is_found(copies: Copies) -> None:
    copies.put_back(0)
    async with copies.store() as store:
        name = "clients/c0/assessments/a0"
        await store.read("north", name)
        copies.put_back(100)
        with pytest.raises(StoreRolledBack, match=missing(ENTRIES - 99)):
            await store.read("north", name)
        copies.server.kill()
        copies.clear()
        copies.server.start()
        await noticed()
        await store.guard.check()  # As it does by itself every few seconds.
        with pytest.raises(StoreRolledBack, match=missing(1)):
            await store.read("north", name)
        copies.put_back(0)
        await noticed()
        await store.guard.check()
        assert (await store.read("north", name)).entry.name == name
        assert store.problem is None


async def test_a_replaced_store_is_missing_records_without_the_anchor(copies: Copies) -> None:
    """The control: a reader is told that there never was such a record."""
    copies.put_back(0)
    async with copies.store(anchored=False) as store:
        name = "clients/c0/assessments/a0"
        await store.read("north", name)
        copies.server.kill()
        copies.clear()
        copies.server.start()
        with pytest.raises(RecordMissing):
            await store.read("north", name)


async def test_restarts_of_a_sound_store_raise_no_alarm(copies: Copies) -> None:
    copies.put_back(0)
    anchor = copies.folder / "restarts.json"
    shutil.copy(copies.anchor, anchor)
    problems: list[str | None] = []
    newest = None
    for _ in range(4):
        store = RedisStore(copies.server.url, SERVICE, SEALER, anchor_file=anchor, on_problem=problems.append)
        async with store:
            for _ in range(3):
                after = newest.entry.etag if newest else None
                newest = await store.write(write(person("north"), "clients/new/assessments/r", after=after))
            copies.server.restart()
            assert await store.read("north", "clients/new/assessments/r") == newest
    assert not [problem for problem in problems if problem and "missing" in problem]
    assert store.problem is None
    marks = AnchorFile(anchor, SERVICE, SEALER).read()
    assert marks is not None
    assert marks["north"].seq == ENTRIES + 12


async def test_the_file_follows_within_a_hundred_entries(copies: Copies) -> None:
    """Nobody ends the store: it is the follower that writes."""
    clinic = new_clinic()
    anchor = copies.folder / "follows.json"
    async with AsyncExitStack() as ends:
        store = await ends.enter_async_context(RedisStore(copies.server.url, SERVICE, SEALER, anchor_file=anchor))
        for _ in range(100):
            await store.refuse(refusal(person(clinic)))
        assert store.anchoring is not None
        for seq in (100, 101):
            async with asyncio.timeout(10):
                await store.anchoring.until(clinic, seq)
            assert _seq(anchor, clinic) >= seq
            await store.refuse(refusal(person(clinic)))
        assert store.problem is None


def _seq(anchor: Path, clinic: str) -> int:
    marks = AnchorFile(anchor, SERVICE, SEALER).read() or {}
    return marks[clinic].seq if clinic in marks else 0


@pytest.mark.parametrize("change", ["seq", "clinic", "seal", "no json", "empty", "key", "service"])
async def test_a_changed_file_is_no_anchor(copies: Copies, tmp_path: Path, change: str) -> None:
    path = tmp_path / "anchor.json"
    document = json.loads(copies.anchor.read_text())
    match change:
        case "seq":
            document["clinics"]["north"]["seq"] -= 20
        case "clinic":
            document["clinics"] = {}
        case "seal":
            document["seal"] = "00" * 32
    path.write_text({"no json": "{", "empty": ""}.get(change, json.dumps(document)))
    service = "planner" if change == "service" else SERVICE
    sealer = Sealer.from_key(b"another key of thirty-two bytes.") if change == "key" else SEALER
    with pytest.raises(AnchorUnreadable):
        AnchorFile(path, service, sealer).read()
    async with RedisStore(copies.server.url, service, sealer, anchor_file=path) as store:
        assert store.problem is not None
        with pytest.raises(StoreRolledBack, match="anchor file"):
            await store.write(write(person(new_clinic())))


def test_a_write_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    file = AnchorFile(tmp_path / "anchor.json", SERVICE, SEALER)
    mark = Mark(seq=1, seal="ab", running="cd")
    file.write({"north": mark})
    with pytest.raises(TypeError):
        file.write({"north": mark, 1: mark})  # type: ignore[dict-item]
    assert file.read() == {"north": mark}
    assert [path.name for path in tmp_path.iterdir()] == ["anchor.json"]
