"""The commands that check a store or an export of it, as an operator runs them."""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from redis.asyncio import Redis

from services.store import export
from services.store.anchor import AnchorFile, Mark, beginning, extended
from services.store.layout import Layout
from services.store.model import Entry
from services.store.redis import RedisStore
from services.store.verify import main
from tests.contract.test_store_verify import TAMPERINGS, Tampering, fill
from tests.support.redis_server import ROOT, RedisServer
from tests.support.store import RECORD, SEALER, SERVICE, Place, new_clinic, person, refusal, write


class Told(NamedTuple):
    """What a command answered."""

    code: int
    lines: list[str]


class Operator:
    """Runs the commands over a clinic with eight entries."""

    def __init__(self, place: Place, url: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.place, self.clinic = place, place.clinic
        self._url, self._folder, self._capsys = url, folder, capsys
        self.key = folder / "seal.key"
        self.key.write_bytes(SEALER.key)
        self.out = folder / "clinic.export"

    async def verify(self, *words: str) -> Told:
        """Checks the store."""
        return await self._run(main, "--url", self._url, "--service", SERVICE, "--clinic", self.clinic, *words)

    async def verify_export(self, *words: str) -> Told:
        """Checks the export that was made last."""
        return await self._run(main, "--export", str(self.out), *words)

    async def export(self) -> Told:
        """Exports the clinic."""
        self.out.unlink(missing_ok=True)
        words = ("--url", self._url, "--service", SERVICE, "--clinic", self.clinic, str(self.out))
        return Told(await asyncio.to_thread(export.main, words), self._capsys.readouterr().out.splitlines())

    async def _run(self, command: Callable[[list[str]], int], *words: str) -> Told:
        key = [] if "--key" in words else ["--key", str(self.key)]
        code = await asyncio.to_thread(command, [*words, *key])
        said = self._capsys.readouterr()
        return Told(code, (said.out + said.err).splitlines())

    def sentence(self, problem: str) -> str:
        """Returns how the command says a problem of the clinic."""
        return f"{SERVICE} {self.clinic}: {problem}"


@pytest.fixture
async def operator(
    server: RedisServer,
    redis_store: RedisStore,
    redis_client: Redis,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> Operator:
    place = Place(redis_store, new_clinic(), redis_client)
    await fill(place, place.clinic)
    return Operator(place, server.url, tmp_path, capsys)


async def test_a_sound_store_and_its_export(operator: Operator) -> None:
    sound = Told(0, [operator.sentence("sound, 8 entries")])
    assert await operator.verify() == sound
    assert await operator.export() == Told(0, [f"{SERVICE} {operator.clinic}: 8 entries in {operator.out}"])
    assert operator.out.stat().st_mode & 0o777 == 0o600
    assert await operator.verify_export() == sound


@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda tamper: tamper.__name__)
async def test_a_change_is_found_in_the_store_and_in_its_export(operator: Operator, tamper: Tampering) -> None:
    first = await tamper(operator.place.hand())
    live = await operator.verify()
    assert (live.code, live.lines[0]) == (1, operator.sentence(first))
    await operator.export()
    assert set((await operator.verify_export()).lines) == set(live.lines)


async def test_a_key_of_another_type_is_found_in_an_export(operator: Operator) -> None:
    assert operator.place.client is not None
    layout = Layout(SERVICE, operator.clinic)
    await operator.place.client.delete(layout.newest(RECORD))
    await operator.place.client.hset(layout.newest(RECORD), "field", "value")
    await operator.export()
    assert (await operator.verify_export()).code == 1


async def test_every_clinic_of_a_service_is_checked(operator: Operator, server: RedisServer) -> None:
    other = new_clinic()
    await fill(operator.place, other)
    hand = operator.place.hand(other)
    await hand.put(hand.layout.newest(RECORD), b"")
    told = await operator._run(main, "--url", server.url, "--service", SERVICE)
    assert told.code == 1
    assert operator.sentence("sound, 8 entries") in told.lines
    assert any(line.startswith(f"{SERVICE} {other}: {RECORD}: ") for line in told.lines)
    assert (await operator._run(main, "--url", server.url, "--service", "planner")).code == 0


async def test_the_anchor_shows_what_seals_cannot(operator: Operator, tmp_path: Path) -> None:
    """The newest entry is cut off: trail, records and lists agree, and only the anchor knows."""
    layout, hand = Layout(SERVICE, operator.clinic), operator.place.hand()
    mark = beginning(SEALER, layout)
    for seq, sealed in await hand.trail():
        mark = extended(SEALER, mark, seq, sealed)
    anchor = tmp_path / "anchor.json"
    AnchorFile(anchor, SERVICE, SEALER).write({operator.clinic: mark})
    anchored = Told(0, [operator.sentence("sound, 8 entries, anchored up to entry 8")])
    assert await operator.verify("--anchor", str(anchor)) == anchored
    await hand.put_trail((await hand.trail())[:7])
    assert (await operator.verify()).code == 0, "the control"
    expected = Told(1, [operator.sentence("anchor: entry 8 is missing")])
    assert await operator.verify("--anchor", str(anchor)) == expected
    await operator.export()
    assert (await operator.verify_export()).code == 0, "the control"
    assert await operator.verify_export("--anchor", str(anchor)) == expected


async def test_a_clinic_that_only_the_anchor_knows_is_missing(server: RedisServer, operator: Operator) -> None:
    anchor = operator.key.parent / "anchor.json"
    AnchorFile(anchor, "planner", SEALER).write({"gone": Mark(seq=3, seal="00", running="00")})
    told = await operator._run(main, "--url", server.url, "--service", "planner", "--anchor", str(anchor))
    assert told == Told(1, ["planner gone: anchor: entries 1 to 3 are missing"])


async def test_another_key_is_named(operator: Operator, tmp_path: Path) -> None:
    other = tmp_path / "other.key"
    other.write_bytes(b"another key of thirty-two bytes.")
    told = await operator.verify("--key", str(other))
    assert told.code == 1
    assert f"it names key {SEALER.key_id}" in told.lines[0]


async def test_what_is_cut_short_is_no_export(operator: Operator) -> None:
    await operator.export()
    whole = operator.out.read_bytes()
    dice = random.Random(7)
    for length in [0, 1, len(whole) - 2, *(dice.randrange(len(whole) - 1) for _ in range(20))]:
        operator.out.write_bytes(whole[:length])
        assert (await operator.verify_export()).code == 2
    operator.out.write_bytes(whole + b"\n")
    assert (await operator.verify_export()).code == 2


@pytest.mark.parametrize(
    "words",
    [
        ["--service", SERVICE],
        ["--url", "unix:///nowhere/redis.sock"],
        ["--url", "unix:///nowhere/redis.sock", "--service", "other"],
    ],
)
def test_half_a_question_is_refused(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MYOPLAN_REDIS_URL", raising=False)
    with pytest.raises(SystemExit) as refused:
        main([*words, "--key", str(tmp_path / "key")])
    assert refused.value.code == 2


async def test_what_cannot_be_looked_at_is_not_called_sound(operator: Operator, tmp_path: Path) -> None:
    nowhere = ["--service", SERVICE, "--clinic", operator.clinic, "--key", str(operator.key)]
    assert await asyncio.to_thread(main, ["--url", "unix:///nowhere/redis.sock", *nowhere]) == 2
    assert (await operator.verify("--key", str(tmp_path / "none"))).code == 2
    assert (await operator.verify("--anchor", str(tmp_path / "none"))).code == 2
    (tmp_path / "bad").write_text("{}")
    assert (await operator.verify("--anchor", str(tmp_path / "bad"))).code == 2
    operator.out.write_text("{}")
    assert (await operator.verify_export()).code == 2


async def test_an_export_overwrites_nothing(operator: Operator, server: RedisServer) -> None:
    operator.out.write_text("kept")
    words = ["--url", server.url, "--service", SERVICE, "--clinic", operator.clinic, str(operator.out)]
    with pytest.raises(SystemExit):
        await asyncio.to_thread(export.main, words)
    assert operator.out.read_text() == "kept"


async def test_the_entries_are_shown(operator: Operator) -> None:
    told = await operator.verify("--print-entries")
    entries = [json.loads(line) for line in told.lines[:-1]]
    assert [entry["seq"] for entry in entries] == list(range(1, 9))
    assert [entry["revision"] for entry in entries] == [1, 1, 2, 0, 2, 3, 1, 0]
    assert {entry["person"] for entry in entries} == {"tess"}


async def test_an_export_of_a_store_in_use_raises_no_false_alarm(operator: Operator) -> None:
    actor, done = person(operator.clinic), asyncio.Event()

    async def keep_writing(writer: int) -> int:
        count = 0
        while not done.is_set():
            revision = await operator.place.store.write(write(actor, f"clients/c{writer}/plans/p{count}"))
            for _ in range(3):
                await operator.place.store.refuse(refusal(actor))
                revision = await operator.place.store.write(
                    write(actor, revision.entry.name, after=revision.entry.etag)
                )
            count += 1
        return count

    writing = [asyncio.ensure_future(keep_writing(writer)) for writer in range(3)]
    try:
        for _ in range(4):
            assert (await operator.export()).code == 0
            assert (await operator.verify_export()).code == 0
            assert (await operator.verify()).code == 0
    finally:
        done.set()
        assert min(await asyncio.gather(*writing)) > 0


class Inspector:
    """Notes what it is shown and complains about what it is told to."""

    def __init__(self, bad: bytes = b"") -> None:
        self.seen: list[tuple[str, int, bytes]] = []
        self._bad = bad

    def __call__(self, entry: Entry, content: bytes) -> list[str]:
        self.seen.append((entry.name, entry.revision, content))
        return ["is not as it has to be"] if content == self._bad else []


async def test_contents_are_looked_into_in_the_order_of_their_revisions(place: Place) -> None:
    await fill(place, place.clinic)
    plans, others = Inspector(bad=b"three"), Inspector()
    await place.store.write(write(person(place.clinic), "clients/ada/plans/p", content=b"plan"))
    problems = await place.store.verify(place.clinic, {"assessments": plans, "predictions": others})
    assert problems == ("clients/ada/assessments/first: revision 2, entry 3: is not as it has to be",)
    assert others.seen == []
    by_record: dict[str, list[tuple[int, bytes]]] = {}
    for name, revision, content in plans.seen:
        by_record.setdefault(name, []).append((revision, content))
    assert by_record == {
        "clients/ada/assessments/first": [(1, b"one"), (2, b"three"), (3, b"five")],
        "clients/ada/assessments/second": [(1, b"two"), (2, b"four")],
        "clients/ben/assessments/first": [(1, b"six")],
    }


async def test_a_damaged_content_is_not_looked_into(place: Place) -> None:
    await fill(place, place.clinic)
    hand = place.hand()
    key = hand.layout.newest(RECORD)
    await hand.put(key, (await hand.get(key)).replace(b"five", b"FIVE"))
    found = Inspector(bad=b"FIVE")
    problem, *_ = await place.store.verify(place.clinic, {"assessments": found})
    assert "does not match its seal" in problem
    assert b"FIVE" not in {content for _, _, content in found.seen}


async def test_the_command_line_runs_them(operator: Operator, server: RedisServer) -> None:
    """`myoplan audit`: the address goes by the environment, and so does the answer: text and exit code."""

    def myoplan(*words: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "MYOPLAN_REDIS_URL": server.url, "PYTHONPATH": f"{ROOT}:{ROOT / 'gen'}"}
        command = [sys.executable, "-m", "cli", "audit", *words]
        return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)

    place = ("--service", SERVICE, "--clinic", operator.clinic, "--key", str(operator.key))
    done = await asyncio.to_thread(myoplan, "verify", *place)
    assert (done.returncode, done.stdout.strip()) == (0, operator.sentence("sound, 8 entries"))
    done = await asyncio.to_thread(myoplan, "export", operator.clinic, str(operator.out), "--service", SERVICE)
    assert done.returncode == 0, done.stderr
    hand = operator.place.hand()
    await hand.drop(hand.layout.earlier(RECORD, 1))
    done = await asyncio.to_thread(myoplan, "verify", *place)
    assert (done.returncode, done.stdout.strip()) == (
        1,
        operator.sentence("clients/ada/assessments/first: revision 1, entry 1, is missing"),
    )
    assert (await operator.verify_export()).code == 0, "the export was made before"
