"""Checks stored clinics against their seals and their anchor: `python -m services.store.verify`.

It reads a store in use, or an export of one clinic, and needs nothing else but the key. One sentence for each problem,
the first wrong entry first. Exit code 0 if everything is sound, 1 if not, 2 if it could not look.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from services.store import trail
from services.store.anchor import AnchorFile, AnchorUnreadable, Mark, compare
from services.store.export import SERVICES, URL_SETTING, ExportCopy, ExportUnreadable, client_of, clinics_of
from services.store.layout import Layout
from services.store.model import Inspect, RecordDamaged, StoreError
from services.store.redis_copy import RedisCopy
from services.store.seals import Sealer


class NothingToVerify(Exception):
    """What was given cannot be looked at; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What to check. `source`: the address of a store or the path of an export."""

    source: str | Path
    service: str
    clinic: str
    key: Path
    anchor: Path | None
    print_entries: bool = False


def main(arguments: Sequence[str] | None = None, inspect: Mapping[str, Inspect] | None = None) -> int:
    """Checks and prints, returns the exit code. `inspect`: by collection, what looks into the contents."""
    question = _read_arguments(arguments)
    try:
        return asyncio.run(_verify(question, inspect or {}))
    except (NothingToVerify, ExportUnreadable, AnchorUnreadable, StoreError, OSError, ValueError) as problem:
        print(f"nothing was verified: {problem}", file=sys.stderr)
        return 2


def _read_arguments(arguments: Sequence[str] | None) -> Question:
    parser = argparse.ArgumentParser(prog="python -m services.store.verify", description=__doc__.split("\n")[0])
    parser.add_argument("--url", default=os.environ.get(URL_SETTING, ""), help=f"the store; default: {URL_SETTING}")
    parser.add_argument("--export", type=Path, help="an export instead of a store; it names its service and clinic")
    parser.add_argument("--service", choices=SERVICES, help="whose records (needed for a store)")
    parser.add_argument("--clinic", default="", help="one clinic of the store; default: every one")
    parser.add_argument("--key", type=Path, required=True, help="the file of the key that seals the records")
    parser.add_argument("--anchor", type=Path, help="the anchor file of the service, or a copy of it")
    parser.add_argument("--print-entries", action="store_true", help="print every entry of the trail, one JSON a line")
    given = parser.parse_args(arguments)
    if given.export is None and not (given.url and given.service):
        parser.error(f"give --export, or --service and the store (--url or {URL_SETTING})")
    return Question(
        source=given.export or given.url,
        service=given.service or "",
        clinic=given.clinic,
        key=given.key,
        anchor=given.anchor,
        print_entries=given.print_entries,
    )


async def _verify(question: Question, inspect: Mapping[str, Inspect]) -> int:
    sealer = Sealer.from_file(question.key)
    found = 0
    async with _copies(question, sealer) as copies:
        if not copies:
            print(f"{question.service}: no clinic has a trail")
        for layout, copy, mark in copies:
            if question.print_entries:
                await _print_entries(sealer, layout, copy)
            problems = list(await trail.verify(sealer, layout, copy, inspect))
            if mark and (problem := await compare(sealer, layout, copy, mark)):
                problems.append(f"anchor: {problem}")
            for problem in problems:
                print(f"{layout.service} {layout.clinic}: {problem}")
            if not problems:
                anchored = f", anchored up to entry {mark.seq}" if mark else ""
                print(f"{layout.service} {layout.clinic}: sound, {await copy.last_seq()} entries{anchored}")
            found += len(problems)
    return 1 if found else 0


@asynccontextmanager
async def _copies(
    question: Question, sealer: Sealer
) -> AsyncIterator[Sequence[tuple[Layout, trail.Copy, Mark | None]]]:
    """Opens what is to be checked: clinics with their stored bytes and their marks."""
    if isinstance(question.source, Path):
        export = ExportCopy(question.source)
        mark = _marks(question, export.layout.service, sealer).get(export.layout.clinic)
        try:
            yield [(export.layout, export, mark)]
        finally:
            export.close()
        return
    marks = _marks(question, question.service, sealer)
    async with client_of(question.source) as client:
        clinics = [question.clinic] if question.clinic else await clinics_of(client, question.service)
        if not question.clinic:
            # A clinic that is anchored and has no trail any more must not be passed over.
            clinics = sorted({*clinics, *marks})
        layouts = [Layout(question.service, clinic) for clinic in clinics]
        yield [(layout, RedisCopy(client, layout), marks.get(layout.clinic)) for layout in layouts]


def _marks(question: Question, service: str, sealer: Sealer) -> Mapping[str, Mark]:
    if question.anchor is None:
        return {}
    marks = AnchorFile(question.anchor, service, sealer).read()
    if marks is None:
        raise NothingToVerify(f"there is no anchor file {question.anchor}")
    return marks


async def _print_entries(sealer: Sealer, layout: Layout, copy: trail.Copy) -> None:
    try:
        async for entry in trail.entries(sealer, layout, copy):
            print(json.dumps(asdict(entry), ensure_ascii=False))
    except RecordDamaged as damage:
        print(f"{layout.service} {layout.clinic}: no further entries are shown: {damage}", file=sys.stderr)


if __name__ == "__main__":
    # Many small objects that all live on: collecting garbage among them takes a tenth of the time and finds none.
    gc.disable()
    sys.exit(main())
