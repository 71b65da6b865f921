"""The planner's own canonical encoding: one sequence of bytes per value, the same on every machine and for ever.

Serialised protobuf is not canonical and JSON leaves numbers and order open, so neither can be signed or compared.
A value is its tag, the length of its body and its body; a record is the fields in the order of its class. A field that
a class got later (`LATER`) is written with its name, and only where it is not the default, so that what was encoded
before keeps its bytes. A field that is not signed (`UNSIGNED`) is not written at all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import Field, fields, is_dataclass
from enum import Enum
from typing import Any

from services.planner.domain.later import LATER, UNSIGNED
from services.planner.domain.plan import PlanContent

_FORMAT = "myoplan.planner.content/1"


def content_digest(content: PlanContent, version: int) -> str:
    """Returns the SHA-256 (hexadecimal) that names this version of a plan's content."""
    return digest(_FORMAT, version, content)


def digest(*values: Any) -> str:
    """Returns the SHA-256 (hexadecimal) of the canonical encoding of `values`."""
    return hashlib.sha256(canonical(values)).hexdigest()


def canonical(value: Any) -> bytes:
    """Returns the canonical bytes of plain values, tuples, enums and dataclasses of these.

    Raises TypeError for anything else, above all for what has no order of its own (sets, mappings).
    """
    return b"".join(_parts(value))


def _parts(value: Any) -> Iterator[bytes]:
    tag, body = _tagged(value)
    yield b"%b%d:" % (tag, len(body))
    yield body


def _field_parts(field: Field[Any], value: Any) -> Iterator[bytes]:
    if field.metadata.get(UNSIGNED):
        return
    if field.metadata.get(LATER):
        if value == field.default:
            return
        yield from _parts(field.name)
    yield from _parts(value)


def _tagged(value: Any) -> tuple[bytes, bytes]:
    if isinstance(value, Enum):
        value = value.value
    if value is None:
        return b"n", b""
    if isinstance(value, bool | int | float | str):
        return _scalar(value)
    if isinstance(value, tuple):
        return b"l", b"".join(part for item in value for part in _parts(item))
    if is_dataclass(value) and not isinstance(value, type):
        return b"r", b"".join(
            part for field in fields(value) for part in _field_parts(field, getattr(value, field.name))
        )
    raise TypeError(f"{type(value).__name__} has no canonical form")


def _scalar(value: bool | float | str) -> tuple[bytes, bytes]:
    if isinstance(value, bool):
        return b"b", b"1" if value else b"0"
    if isinstance(value, int):
        return b"i", b"%d" % value
    if isinstance(value, float):
        # The hexadecimal form is exact; adding zero makes -0.0 the same value as 0.0.
        return b"f", (value + 0.0).hex().encode()
    return b"s", value.encode()
