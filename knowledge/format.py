"""The canonical form of a knowledge file: one content, one text. Comments stay with what they stood at.

Nodes are blocks with a blank line between them, their fields in the order of the type and evidence last; an edge is one
flow mapping on a line; lines hold 120 characters; what the type or the file's defaults say anyway is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_type_hints

import yaml

from knowledge.kinds import KINDS, EdgeKind, NodeKind
from knowledge.load import OVERLAY_KEYS, frame
from knowledge.model import Evidence
from knowledge.yaml_file import document_of, reads_as_itself, text_of

WIDTH = 120
# A list with a longer text than this is written one text a line.
_LONGEST_IN_FLOW = 60
_EVIDENCE = tuple(one.name for one in fields(Evidence))
# What an edge file may write in place of the one muscle that the type has.
_SEVERAL_MUSCLES = ("muscle", "regions", "muscles", "except")

_PLAIN = re.compile(r"[^\W_][^\n]*|\([^\n]*")
_NOT_PLAIN = re.compile(r": | #|:$|\s$|[\x00-\x1f\x7f]")
_NOT_PLAIN_IN_FLOW = re.compile(r"[,\[\]{}:\"]")


class FormatterFailed(Exception):
    """The formatter would have changed the content of a file: a fault of the formatter, not of the file."""


def format_text(path: Path) -> str:
    """Returns the canonical text of a knowledge file. Raises FileRefused if it is not one."""
    text = text_of(path)
    document = document_of(text)
    writer = _Writer()
    _write(writer, document, yaml.compose(text, Loader=yaml.CSafeLoader))
    comments = _comments(text)
    formatted = writer.text(comments)
    if _content(document_of(formatted)) != _content(document) or _texts(_comments(formatted)) != _texts(comments):
        raise FormatterFailed(f"{path}: left as it is; please report this file")
    return formatted


def is_canonical(path: Path) -> bool:
    """Returns whether a file has the canonical form. Raises FileRefused if it is no knowledge file."""
    return format_text(path) == text_of(path)


# --- comments -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Comment:
    """A comment; `alone` on its line, or behind something. Lines and columns count from 0."""

    line: int
    column: int
    text: str
    alone: bool


def _comments(text: str) -> list[_Comment]:
    """Returns the comments of a text: what begins with # outside of every value."""
    lines = text.splitlines()
    hidden: dict[int, list[tuple[int, int]]] = {}
    for token in yaml.scan(text, Loader=yaml.CSafeLoader):
        if isinstance(token, yaml.ScalarToken):
            for line, left, right in _extent(token, lines):
                hidden.setdefault(line, []).append((left, right))
    found = []
    for number, content in enumerate(lines):
        for match in re.finditer(r"(?:^|(?<=\s))#.*", content):
            if not any(left <= match.start() < right for left, right in hidden.get(number, ())):
                alone = not content[: match.start()].strip()
                found.append(_Comment(number, match.start(), match.group().rstrip(), alone))
                break
    return found


def _extent(token: Any, lines: list[str]) -> Iterator[tuple[int, int, int]]:
    """Yields line and columns that a value covers; the first line of a block holds only its sign, such as >-."""
    start, end = token.start_mark, token.end_mark
    for line in range(start.line, min(end.line + 1, len(lines))):
        left = start.column if line == start.line else 0
        right = end.column if line == end.line else len(lines[line])
        yield line, left, left + 1 if token.style in {">", "|"} and line == start.line else right


def _texts(comments: list[_Comment]) -> list[str]:
    return sorted(comment.text for comment in comments)


# --- lines and their comments -------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Unit:
    """Lines that stay together, where they begin in the source (from 0), and the comments that belong to them."""

    source: int
    indent: int
    lines: list[str]
    apart: bool = False
    apart_if_commented: bool = False
    above: list[str] = field(default_factory=list)
    behind: str = ""
    below: list[str] = field(default_factory=list)


class _Writer:
    """Collects units in the order of the canonical form, then gives each comment of the source to its unit."""

    def __init__(self) -> None:
        self._units: list[_Unit] = []

    def add(self, source: int, indent: int, lines: list[str], *, apart: bool = False, section: bool = False) -> None:
        """Adds lines; `apart`: after a blank line; `section`: after a blank line if a comment introduces them."""
        self._units.append(_Unit(source, indent, lines, apart=apart, apart_if_commented=section))

    def text(self, comments: list[_Comment]) -> str:
        """Returns the text of all units with the comments."""
        by_source = sorted(self._units, key=lambda unit: unit.source)
        for comment in comments:
            after = next((unit for unit in by_source if unit.source >= comment.line), None)
            before = next((unit for unit in reversed(by_source) if unit.source <= comment.line), None)
            if before is None:  # what stands at the head of the file stays there
                self._units[0].above.append(comment.text)
            elif not comment.alone:
                self._behind(before, comment.text)
            elif after and min(comment.column, before.indent) <= after.indent:
                after.above.append(comment.text)
            else:  # deeper than what follows: the end of what came before
                column = min(before.indent, comment.column + comment.column % 2)
                before.below.append(" " * column + comment.text)
        lines: list[str] = []
        for unit in self._units:
            if unit.apart or (unit.apart_if_commented and unit.above):
                lines.append("")
            lines += [" " * unit.indent + above for above in unit.above]
            lines += [*unit.lines[:-1], unit.lines[-1] + (f"  {unit.behind}" if unit.behind else ""), *unit.below]
        return "\n".join(lines) + "\n"

    def _behind(self, unit: _Unit, comment: str) -> None:
        fits = len(unit.lines) == 1 and len(unit.lines[0]) + len("  ") + len(comment) <= WIDTH
        if fits and not unit.behind:
            unit.behind = comment
        else:
            unit.above.append(comment)


# --- the form of a file -------------------------------------------------------------------------------------------


def _write(writer: _Writer, document: Any, root: Any) -> None:
    name, defaults, entries = frame(document, OVERLAY_KEYS)
    kind = KINDS[name]
    writer.add(_line(root, "kind"), 0, [f"kind: {name}"])
    for key in sorted(OVERLAY_KEYS & set(document), reverse=True):
        writer.add(_line(root, key), 0, _field(0, key, document[key]))
    if defaults:
        writer.add(_line(root, "defaults"), 0, ["defaults:"])
        ordered = _ordered(kind.type, defaults, {}, drop=False)
        writer.add(_value(root, "defaults").start_mark.line, 2, _filled("  ", _pieces(ordered), 3))
    if not entries:
        writer.add(_line(root, "entries"), 0, [f"entries: {'{}' if isinstance(entries, dict) else '[]'}"])
        return
    writer.add(_line(root, "entries"), 0, ["entries:"])
    nodes = _value(root, "entries")
    if isinstance(entries, list):
        _write_edges(writer, kind, entries, defaults, nodes, 2)
        return
    for position, (identifier, values) in enumerate(entries.items()):
        node = _value(nodes, identifier)
        is_node = isinstance(kind, NodeKind)
        line = _line(nodes, identifier)
        writer.add(line, 2, [f"  {identifier}:"], apart=is_node and position > 0, section=position > 0)
        if is_node:
            _write_fields(writer, _ordered(kind.type, values or {}, defaults), node, 4)
        else:
            _write_edges(writer, kind, values, defaults, node, 4)


def _write_edges(
    writer: _Writer, kind: NodeKind | EdgeKind, items: list[Any], defaults: dict[str, Any], node: Any, indent: int
) -> None:
    for item, item_node in zip(items, node.value, strict=True):
        pieces = _pieces(_ordered(kind.type, item, defaults))
        writer.add(item_node.start_mark.line, indent, _filled(" " * indent + "- ", pieces, indent + 3))


def _write_fields(writer: _Writer, values: dict[str, Any], node: Any, indent: int) -> None:
    for name, value in values.items():
        line = _line(node, name)
        if _is_list_of_facts(value):
            writer.add(line, indent, [" " * indent + f"{name}:"])
            for item, item_node in zip(value, _value(node, name).value, strict=True):
                writer.add(item_node.start_mark.line, indent + 2, _item(indent + 2, item))
        else:
            writer.add(line, indent, _field(indent, name, value))


def _field(indent: int, name: str, value: Any) -> list[str]:
    """Returns the lines of a field in a block."""
    start = " " * indent + f"{name}: "
    if isinstance(value, str):
        return _text(start, value, indent + 2)
    if _is_list_of_facts(value):
        return [start.rstrip(), *(line for item in value for line in _item(indent + 2, item))]
    if isinstance(value, list) and any(isinstance(one, str) and len(one) > _LONGEST_IN_FLOW for one in value):
        return [start.rstrip(), *(line for one in value for line in _text(" " * (indent + 2) + "- ", one, indent + 4))]
    filled = _filled(start, _pieces(value), indent + 2)
    if isinstance(value, dict) and len(filled) > 1:
        return [start.rstrip(), *(line for key, one in value.items() for line in _field(indent + 2, key, one))]
    return filled


def _item(indent: int, item: Any) -> list[str]:
    """Returns the lines of a fact in a list: one flow mapping, or a block if a text in it is too long for that."""
    filled = _filled(" " * indent + "- ", _pieces(item), indent + 3)
    if all(len(line) <= WIDTH for line in filled):
        return filled
    block = [line for key, value in item.items() for line in _field(indent + 2, key, value)]
    return [" " * indent + "- " + block[0].lstrip(), *block[1:]]


def _is_list_of_facts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _filled(start: str, pieces: list[str], indent: int) -> list[str]:
    """Returns the pieces on as few lines as hold them."""
    lines = [start + pieces[0]]
    for piece in pieces[1:]:
        if len(lines[-1]) + 1 + len(piece) <= WIDTH:
            lines[-1] += " " + piece
        else:
            lines.append(" " * indent + piece)
    return lines


def _pieces(value: Any) -> list[str]:
    """Returns a value in flow style, cut where a line may break."""
    if isinstance(value, dict):
        parts = [
            [f"{key}: {first}", *rest] for key, (first, *rest) in zip(value, map(_pieces, value.values()), strict=True)
        ]
        opening, closing = "{", "}"
    elif isinstance(value, list):
        parts = [_pieces(one) for one in value]
        opening, closing = "[", "]"
    else:
        return [_scalar(value, in_flow=True)]
    for part in parts[:-1]:
        part[-1] += ","
    pieces = [piece for part in parts for piece in part] or [""]
    pieces[0] = opening + pieces[0]
    pieces[-1] += closing
    return pieces


def _text(start: str, text: str, indent: int) -> list[str]:
    """Returns a text behind a field name: on the line if it fits, else folded over several."""
    on_the_line = start + _scalar(text, in_flow=False)
    words = text.split(" ")
    if len(on_the_line) <= WIDTH or "" in words or "\n" in text:
        return [on_the_line]
    return [start + ">-", *_filled(" " * indent, words, indent)]


def _scalar(value: Any, *, in_flow: bool) -> str:
    if isinstance(value, str):
        plain = _PLAIN.fullmatch(value) and not _NOT_PLAIN.search(value) and reads_as_itself(value)
        if plain and not (in_flow and _NOT_PLAIN_IN_FLOW.search(value)):
            return value
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    # Python writes a small number with an exponent, which YAML 1.1 reads as text.
    return f"{value:.12f}".rstrip("0") if isinstance(value, float) and "e" in repr(value) else repr(value)


# --- the order of fields ------------------------------------------------------------------------------------------


def _ordered(
    type_: Any, values: Mapping[str, Any], defaults: Mapping[str, Any], *, drop: bool = True
) -> dict[str, Any]:
    """Returns the fields of an entry in canonical order, without those that say only what is so anyway."""
    usual, hints = _usual(type_), _hints(type_)
    last = _EVIDENCE if issubclass(type_, Evidence) else ()
    own = [name for name in hints if name not in last]
    if "muscle" in own:
        place = own.index("muscle")
        own[place : place + 1] = _SEVERAL_MUSCLES
    unknown = [name for name in values if name not in {*own, *last}]
    kept: dict[str, Any] = {}
    for name in (*own, *unknown, *last):
        if name in values:
            value = _canonical(hints.get(name), values[name])
            anyway = _canonical(hints.get(name), defaults[name]) if name in defaults else usual.get(name, MISSING)
            if not (drop and anyway is not MISSING and type(anyway) is type(value) and anyway == value):
                kept[name] = value
    return kept


def _canonical(hint: Any, value: Any) -> Any:
    """Returns a value with the fields of the facts in it in canonical order."""
    fact = _fact(hint)
    if fact is None:
        return value
    if isinstance(value, list):
        return [_canonical(fact, one) for one in value]
    return _ordered(fact, value, {}) if isinstance(value, dict) else value


@cache
def _fact(hint: Any) -> Any:
    """Returns the type of the facts that a field of this type holds, or None."""
    return next((part for part in (hint, *get_args(hint)) if is_dataclass(part)), None)


@cache
def _hints(type_: Any) -> dict[str, Any]:
    return get_type_hints(type_)


@cache
def _usual(type_: Any) -> dict[str, Any]:
    """Returns the values that the type gives to fields that are left out, as a file would write them."""
    return {one.name: _as_written(one.default) for one in fields(type_) if one.default is not MISSING}


def _as_written(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return value.value if isinstance(value, Enum) else value


def _content(document: Any) -> Any:
    """Returns what a document says, whatever it leaves to its defaults and in whatever order its fields stand."""
    name, defaults, entries = frame(document, OVERLAY_KEYS)
    type_: Any = KINDS[name].type

    def full(values: Any) -> Any:
        return _canonical(type_, {**_usual(type_), **defaults, **(values or {})})

    further = {key: document[key] for key in OVERLAY_KEYS & set(document)}
    if isinstance(entries, list):
        return name, further, [full(values) for values in entries]
    return (
        name,
        further,
        [
            (identifier, [full(one) for one in values] if isinstance(values, list) else full(values))
            for identifier, values in entries.items()
        ],
    )


# --- places in the source -----------------------------------------------------------------------------------------


def _line(node: Any, key: str) -> int:
    return next(int(one.start_mark.line) for one, _ in node.value if one.value == key)


def _value(node: Any, key: str) -> Any:
    return next(value for one, value in node.value if one.value == key)
