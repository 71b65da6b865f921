"""Turns plain values into the frozen types of `model.py`, strictly: no unknown field, no guess between text and number.

This is not pydantic because the loader runs at the start of every command: pydantic takes a quarter of a second to
import and a tenth to prepare these types. `schema.py` still uses it, and a test holds the two to the same result.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

Place = tuple[str | int, ...]
Reader = Callable[[Any], Any]


class Mismatch(Exception):
    """Values do not fit a type. Every problem is a place inside the values and a sentence without its subject."""

    def __init__(self, *problems: tuple[Place, str]) -> None:
        super().__init__(problems)
        self.problems = problems


@cache
def reader_of(type_: Any) -> Reader:
    """Returns the function that turns a plain value into `type_` or raises Mismatch."""
    if is_dataclass(type_) and isinstance(type_, type):
        return _record(type_)
    if isinstance(type_, type) and issubclass(type_, Enum):
        return _word(type_)
    if get_origin(type_) is tuple:
        return _list(get_args(type_))
    if get_origin(type_) in {Union, UnionType}:
        (inner,) = [part for part in get_args(type_) if part is not NoneType]
        return _optional(reader_of(inner))
    return _SIMPLE[type_]


def _record(type_: type[Any]) -> Reader:
    hints = get_type_hints(type_)
    known = [
        (field.name, reader_of(hints[field.name]), field.default is MISSING and field.default_factory is MISSING)
        for field in fields(type_)
    ]
    names = {name for name, _, _ in known}

    def read(values: Any) -> Any:
        if type(values) is not dict:
            raise Mismatch(((), "should be fields with values"))
        filled: dict[str, Any] = {}
        problems: list[tuple[Place, str]] = []
        for name, reader, required in known:
            if name in values:
                try:
                    filled[name] = reader(values[name])
                except Mismatch as mismatch:
                    problems += [((name, *place), message) for place, message in mismatch.problems]
            elif required:
                problems.append(((name,), "is missing"))
        if problems or len(filled) != len(values):
            problems += [((name,), "is not a field of this kind") for name in values if name not in names]
            raise Mismatch(*problems)
        return type_(**filled)

    return read


def _word(type_: type[Enum]) -> Reader:
    members = {member.value: member for member in type_}
    expected = f"should be one of {', '.join(members)}"

    def read(value: Any) -> Any:
        if type(value) is str and value in members:
            return members[value]
        raise Mismatch(((), expected))

    return read


def _list(parts: tuple[Any, ...]) -> Reader:
    reader = reader_of(parts[0])
    length = None if parts[-1] is Ellipsis else len(parts)

    def read(values: Any) -> Any:
        if type(values) is not list:
            raise Mismatch(((), "should be a list"))
        if length is not None and len(values) != length:
            raise Mismatch(((), f"should be a list of {length}"))
        try:
            return tuple([reader(value) for value in values])
        except Mismatch:
            raise Mismatch(*_every_problem(reader, values)) from None

    return read


def _every_problem(reader: Reader, values: list[Any]) -> list[tuple[Place, str]]:
    problems: list[tuple[Place, str]] = []
    for position, value in enumerate(values):
        try:
            reader(value)
        except Mismatch as mismatch:
            problems += [((position, *place), message) for place, message in mismatch.problems]
    return problems


def _optional(reader: Reader) -> Reader:
    return lambda value: None if value is None else reader(value)


def _text(value: Any) -> str:
    if type(value) is str:
        return value
    raise Mismatch(((), "should be text (quote it if it looks like something else)"))


def _whole_number(value: Any) -> int:
    if type(value) is int:
        return value
    raise Mismatch(((), "should be a whole number"))


def _number(value: Any) -> float:
    if type(value) is float or type(value) is int:
        return float(value)
    raise Mismatch(((), "should be a number"))


def _truth(value: Any) -> bool:
    if type(value) is bool:
        return value
    raise Mismatch(((), "should be true or false"))


_SIMPLE: dict[Any, Reader] = {str: _text, int: _whole_number, float: _number, bool: _truth}
