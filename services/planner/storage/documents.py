"""Plans as compressed JSON documents. A document names its format and version; each version ever written has a golden.

Version 1 was plain JSON with one content. Version 2 keeps every distinct content once, in `contents`: a plan that is
approved and amended has up to three (as proposed, in force, newest), and most often they are the same.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from services.planner.domain.plan import Plan, PlanContent
from services.planner.review.flags import unread

FORMAT = "myoplan.planner.plan"
VERSION = 2
_HEAD = f"{FORMAT}/{VERSION} ".encode()
# The whole of the largest plan with three contents is far below this; what unpacks to more is no plan.
_MOST_BYTES = 16 * 1024 * 1024
_FIRST_BYTE_OF_JSON = b"{"

_ADAPTER = TypeAdapter(Plan)
_CONTENT = TypeAdapter(list[PlanContent])
_NO_DETAILS: Any = {"steps": (), "omissions": (), "candidates": (), "aftercare": (), "kept": ()}
_CONTENTS: Any = {"content": True, "proposed": True, "approved": {"content"}}


class JsonDocuments:
    """Implements `Documents`. A document that lacks a field of a plan is unreadable, not a plan with a gap."""

    def encode(self, plan: Plan) -> bytes:
        """Returns the document of a plan, always the newest version."""
        contents: list[PlanContent] = []
        kept: dict[str, Any] = _ADAPTER.dump_python(plan, mode="json", exclude=_CONTENTS)
        kept["content"] = _place_of(plan.content, contents)
        kept["proposed"] = None if plan.proposed is None else _place_of(plan.proposed, contents)
        if plan.approved is not None:
            kept["approved"]["content"] = _place_of(plan.approved.content, contents)
        document = {
            "format": FORMAT,
            "version": VERSION,
            "plan": kept,
            "contents": _CONTENT.dump_python(contents, mode="json"),
        }
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        plain = text.encode()
        return b"%b%d\n%b" % (_HEAD, len(plain), zlib.compress(plain))

    def size(self, document: bytes) -> int:
        """Returns how many bytes the document has when it is unpacked."""
        if document.startswith(_FIRST_BYTE_OF_JSON):
            return len(document)
        return _size_and_rest(document)[0]

    def decode(self, document: bytes, *, details: bool = True) -> Plan:
        """Returns the plan in a document, or, in a quarter of the time, without its details. Raises ValueError."""
        read = _unpacked(document)
        if not isinstance(read, dict) or read.get("format") != FORMAT:
            raise ValueError(f"not a document of {FORMAT}")
        try:
            match read.get("version"):
                case 1:
                    # What has to be read before a release was not kept; nobody can have read any of it.
                    plan = _ADAPTER.validate_python(read.get("plan"))
                    return replace(plan, acknowledgements=unread(plan.content))
                case 2:
                    return _ADAPTER.validate_python(_whole(read if details else _without_details(read)))
        except (ValidationError, KeyError, TypeError, IndexError) as error:
            raise ValueError(f"a damaged document of {FORMAT}") from error
        raise ValueError(f"a version of {FORMAT} that this planner cannot read")


def _unpacked(document: bytes) -> Any:
    if document.startswith(_FIRST_BYTE_OF_JSON):
        return json.loads(document)
    size, packed = _size_and_rest(document)
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(packed, size)
    except zlib.error as error:
        raise ValueError(f"a damaged document of {FORMAT}") from error
    if not unpacker.eof or len(text) != size:
        raise ValueError(f"a document of {FORMAT} that is not as long as it says")
    return json.loads(text)


def _size_and_rest(document: bytes) -> tuple[int, bytes]:
    """Reads the first line of a packed document, `FORMAT/VERSION SIZE`: bytes unpacked, and what is packed."""
    head, _, packed = document.partition(b"\n")
    size = head.removeprefix(_HEAD)
    if size == head or not size.isdigit() or not 0 < int(size) <= _MOST_BYTES:
        raise ValueError(f"not a document of {FORMAT} that this planner can read")
    return int(size), packed


def _place_of(content: PlanContent, contents: list[PlanContent]) -> int:
    """Returns where a content stands among the distinct ones, and puts it there if it is new."""
    if content not in contents:
        contents.append(content)
    return contents.index(content)


def _without_details(read: dict[str, Any]) -> dict[str, Any]:
    return {**read, "contents": [{**content, **_NO_DETAILS} for content in read["contents"]]}


def _whole(read: dict[str, Any]) -> Any:
    """Returns the plan with its contents in their places."""
    kept, contents = read["plan"], _CONTENT.validate_python(read["contents"])
    kept["content"] = contents[kept["content"]]
    if kept["proposed"] is not None:
        kept["proposed"] = contents[kept["proposed"]]
    if kept["approved"] is not None:
        kept["approved"]["content"] = contents[kept["approved"]["content"]]
    return kept
