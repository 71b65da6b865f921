"""Prints plans in a child process.

WeasyPrint and the libraries under it would add more to this process than everything else in it together, and stay; the
layout of a page keeps a core busy for a second or two, which every other call would feel; and a fault in a library of C
would take the service with it. A child gives all of it back, is ended with the call it works for, and costs a start of
Python, which nobody notices on the way to a printer.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from google.protobuf.json_format import MessageToDict

from knowledge.model import KnowledgeBase, Motion, Muscle, Position, Region, Technique
from myoplan.planner.v1 import review_pb2 as pb
from services.planner.api import render
from services.planner.domain.errors import LimitReached
from services.planner.usecases.export import DocumentKind, Export

_ROOT = Path(__file__).resolve().parents[3]
_REGIONS = _ROOT / "services" / "console" / "bodychart" / "regions.json"
_OVERFULL = 4
_AT_A_TIME = 2
_PAGES = 1
_MEDIA_TYPES = {DocumentKind.PDF: "application/pdf", DocumentKind.HTML: "text/html; charset=utf-8"}
_UNITS = {"degree": "°", "millimetre": "mm"}


class SheetNotPrinted(Exception):
    """The child did not deliver; the text holds its last words. A fault of the installation, or a bug."""


class Sheets:
    """Prints what a knowledge base has words for, two sheets at a time."""

    def __init__(self, base: KnowledgeBase) -> None:
        self._words = words(base)
        self._room = asyncio.Semaphore(_AT_A_TIME)

    async def sheet(self, export: Export) -> pb.ExportPlanResponse:
        """Returns the document. Raises LimitReached if the plan does not fit one page, and SheetNotPrinted."""
        shown = render.plan(export.shown)
        given = {
            "plan": MessageToDict(shown),
            "newest": None if export.newest is export.shown else MessageToDict(render.plan(export.newest, full=False)),
            "words": self._words,
        }
        async with self._room:
            content = await _printed(export.kind, json.dumps(given).encode("utf-8"))
        client, _, plan = shown.name.removeprefix("clients/").partition("/plans/")
        return pb.ExportPlanResponse(
            content=content,
            media_type=_MEDIA_TYPES[export.kind],
            filename=f"{client}-{plan}-revision-{shown.revision}.{export.kind}",
        )


async def _printed(kind: DocumentKind, given: bytes) -> bytes:
    # A clinic may run without the console; a sheet without charts is complete.
    chart = ["--regions", str(_REGIONS)] if _REGIONS.is_file() else []
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "sheet",
        kind,
        *chart,
        cwd=_ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        content, said = await child.communicate(given)
    finally:
        # The call was given up: so is the child.
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode == _OVERFULL:
        raise LimitReached("pages_of_a_sheet", _PAGES)
    if child.returncode:
        raise SheetNotPrinted(said.decode("utf-8", "replace").strip()[-2000:])
    return content


def words(base: KnowledgeBase) -> dict[str, Mapping[str, str]]:
    """Returns what a knowledge base calls things, as `sheet.Words` takes it."""
    kinds: dict[str, Mapping[str, Muscle | Technique | Position | Motion | Region]] = {
        "muscle": base.muscles,
        "technique": base.techniques,
        "position": base.positions,
        "motion": base.motions,
        "region": base.regions,
    }
    names = {f"{kind}/{one}": entry.names[0] for kind, entries in kinds.items() for one, entry in entries.items()}
    units = {motion.id: _UNITS.get(motion.unit, motion.unit) for motion in base.motions.values()}
    methods = {technique.id: technique.instruction for technique in base.techniques.values()}
    return {"names": names, "units": units, "methods": methods}
