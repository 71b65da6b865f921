"""The only reader of knowledge files: `load()` turns a folder into one `KnowledgeBase`, or refuses it whole.

A file is `kind`, `defaults` (fields that every entry has unless it says otherwise) and `entries`: nodes by id, edges by
the id of their first end. Files are bounded while they are parsed, so a hostile one is refused quickly: size, depth,
aliases, tags and repeated keys. Every problem of every file is told at once, each with file, line and remedy.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from itertools import chain
from operator import attrgetter
from pathlib import Path
from typing import Any

import yaml

from knowledge import model
from knowledge.kinds import EDGES, KINDS, NODES, NOT_REFERENCES, REFERENCES, EdgeKind, NodeKind
from knowledge.model import KnowledgeBase
from knowledge.structure import Mismatch, Place, reader_of
from knowledge.yaml_file import MAX_DEPTH, MAX_FILE_BYTES, FileRefused, parse

__all__ = [
    "CURATED",
    "MAX_DEPTH",
    "MAX_FILES",
    "MAX_FILE_BYTES",
    "OVERLAY_KEYS",
    "FileRefused",
    "KnowledgeInvalid",
    "Problem",
    "facts",
    "load",
    "parse",
]

CURATED = Path(__file__).parent
MAX_FILES = 500
MAX_FOLDER_BYTES = 16 * 1024 * 1024
# What a file of an overlay may say beside kind, defaults and entries.
OVERLAY_KEYS = frozenset({"weakens_safety", "reason"})
# Folders beside the knowledge that hold YAML of another form.
NOT_KNOWLEDGE = {"overlays", "lint"}

_ID = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a file. `line` counts from 1; 0 = the file as a whole."""

    file: str
    line: int
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message} ({self.remedy})"


class KnowledgeInvalid(Exception):
    """The folder is not a knowledge base; nothing of it was used."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


def load(folder: Path | None = None) -> KnowledgeBase:
    """Reads every `*.yaml` under `folder` (default: the curated knowledge beside this module).

    Raises KnowledgeInvalid with every problem found.
    """
    reading = Reading()
    reading.read(folder or CURATED)
    return reading.finish()


@dataclass(frozen=True, slots=True)
class Row:
    """One entry as it stands in a file, the file's defaults filled in."""

    values: dict[str, Any]
    root: Path
    path: Path
    place: Place

    def with_values(self, values: dict[str, Any]) -> Row:
        """Returns the row with other values at the same place."""
        return Row(values, self.root, self.path, self.place)


Rows = dict[str, list[Row]]


class Reading:
    """Collects the entries of a folder and every problem found in them, so that all problems are told at once."""

    def __init__(self, *, further_keys: frozenset[str] = frozenset()) -> None:
        self.rows: Rows = {kind: [] for kind in KINDS}
        self.problems: list[Problem] = []
        self.further: list[tuple[Path, dict[str, Any]]] = []  # what stands under `further_keys`, by file
        self._further_keys = further_keys
        self._composed: dict[Path, yaml.Node | None] = {}  # only files with a problem are composed, to tell the line

    def read(self, root: Path) -> None:
        """Reads every file under `root`."""
        paths = sorted(path for path in root.rglob("*.yaml") if not NOT_KNOWLEDGE & set(path.relative_to(root).parts))
        size = sum(path.lstat().st_size for path in paths)
        if len(paths) > MAX_FILES or size > MAX_FOLDER_BYTES:
            remedy = f"keep to {MAX_FILES} files and {MAX_FOLDER_BYTES} bytes"
            self.problems.append(Problem(str(root), 0, f"has {len(paths)} files of {size} bytes in all", remedy))
            return
        for path in paths:
            self._read_file(root, path)

    def _read_file(self, root: Path, path: Path) -> None:
        name = str(path.relative_to(root))
        try:
            document = parse(path)
            kind, defaults, entries = frame(document, self._further_keys)
            rows = [Row(values, root, path, place) for place, values in _rows(kind, defaults, entries)]
        except FileRefused as refused:
            self.problems.append(Problem(name, refused.line, refused.message, refused.remedy))
            return
        except _EntryRefused as refused:
            line = self._line_of(path, refused.place)
            self.problems.append(Problem(name, line, refused.message, refused.remedy))
            return
        self.rows[kind] += rows
        if further := {key: document[key] for key in self._further_keys & set(document)}:
            self.further.append((path, further))

    def finish(self) -> KnowledgeBase:
        """Returns the knowledge base of everything read. Raises KnowledgeInvalid."""
        self._stop_at_problems()
        rows = self.expanded()
        self.find_repeated(rows)
        typed = {kind: self._typed(kind, rows[kind]) for kind in KINDS}
        self._stop_at_problems()
        nodes: dict[str, Any] = {kind.field: {node.id: node for node in typed[name]} for name, kind in NODES.items()}
        edges: dict[str, Any] = {kind.field: tuple(typed[name]) for name, kind in EDGES.items()}
        for kind in KINDS:
            for row, thing in zip(rows[kind], typed[kind], strict=True):
                for message in dangling(thing, nodes):
                    self.problem(row, (), message, "use an id that exists")
        self._stop_at_problems()
        return KnowledgeBase(revision=_revision(typed), **{**nodes, **edges})

    def expanded(self, regions: Mapping[str, str] | None = None) -> Rows:
        """Writes `muscles: [a, b]`, `regions` and `except` of an edge file out as one edge for each muscle.

        `regions`: the region of each muscle, if the muscles are not among the rows read.
        """
        region_of = regions if regions is not None else regions_of(self.rows)
        rows = dict(self.rows)
        for kind in ("limits_motion", "treated_by"):
            rows[kind] = [new for row in self.rows[kind] for new in _one_for_each_muscle(row, region_of)]
        return rows

    def find_repeated(self, rows: Rows) -> None:
        """Notes a problem for every id that two entries of a kind share."""
        for name, kind in NODES.items():
            seen: set[str] = set()
            for row in rows[name]:
                identifier = row.values["id"]
                if identifier in seen:
                    self.problem(row, (), f"{kind.field}: '{identifier}' is there twice", "keep one of the two")
                seen.add(identifier)

    def problem(self, row: Row, inside: Place, message: str, remedy: str) -> None:
        """Notes a problem at a place inside an entry."""
        line = self._line_of(row.path, (*row.place, *inside))
        where = ".".join(str(part) for part in row.place[1:])
        self.problems.append(Problem(str(row.path.relative_to(row.root)), line, f"{where}: {message}", remedy))

    def _line_of(self, path: Path, place: Place) -> int:
        if path not in self._composed:
            self._composed[path] = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        return _line(self._composed[path], place)

    def _typed(self, name: str, rows: list[Row]) -> list[Any]:
        type_: Any = KINDS[name].type
        reader = reader_of(type_)
        typed = []
        for row in rows:
            try:
                typed.append(reader(row.values))
            except Mismatch as mismatch:
                for inside, message in mismatch.problems:
                    what = ".".join(str(part) for part in inside)
                    self.problem(row, inside, f"{what}: {message}", f"see {type_.__name__} in knowledge/model.py")
        return typed

    def _stop_at_problems(self) -> None:
        if self.problems:
            raise KnowledgeInvalid(self.problems)


def regions_of(rows: Rows) -> dict[str, str]:
    """Returns the region of each muscle among the rows."""
    return {row.values["id"]: row.values.get("region", "") for row in rows["muscle"]}


def _one_for_each_muscle(row: Row, region_of: Mapping[str, str]) -> Iterator[Row]:
    values = row.values
    if "muscle" in values:
        yield row
        return
    rest = {name: value for name, value in values.items() if name not in {"muscles", "regions", "except"}}
    regions, named, left_out = (_ids(values.get(name)) for name in ("regions", "muscles", "except"))
    muscles = [*(muscle for muscle, region in region_of.items() if region in regions), *named]
    for muscle in dict.fromkeys(muscles):
        if muscle not in left_out:
            yield row.with_values({**rest, "muscle": muscle})


def _ids(value: Any) -> list[str]:
    return [identifier for identifier in value if isinstance(identifier, str)] if isinstance(value, list) else []


def frame(
    document: Any, further_keys: frozenset[str] = frozenset()
) -> tuple[str, dict[str, Any], dict[str, Any] | list[Any]]:
    """Returns kind, defaults and entries of a document. Raises FileRefused."""
    if not isinstance(document, dict) or "kind" not in document or "entries" not in document:
        raise FileRefused(1, "not a knowledge file", "begin with kind: and entries:")
    unknown = set(document) - {"kind", "defaults", "entries"} - further_keys
    if unknown:
        raise FileRefused(1, f"unknown top-level {', '.join(sorted(unknown))}", "only kind, defaults and entries")
    kind, defaults, entries = document["kind"], document.get("defaults") or {}, document["entries"]
    if not isinstance(kind, str) or kind not in KINDS:
        raise FileRefused(1, f"unknown kind {kind!r}", f"one of {', '.join(sorted(KINDS))}")
    if not isinstance(defaults, dict):
        raise FileRefused(1, "defaults has the wrong form", "fields with values")
    listed = isinstance(KINDS[kind], EdgeKind) and not EDGES[kind].first
    if not isinstance(entries, list if listed else dict):
        raise FileRefused(1, "entries has the wrong form", "a list" if listed else "a mapping by id")
    return kind, defaults, entries


class _EntryRefused(Exception):
    """An entry of a file has another form than entries of its kind."""

    def __init__(self, place: Place, message: str, remedy: str) -> None:
        super().__init__(message)
        self.place, self.message, self.remedy = place, message, remedy


def _rows(name: str, defaults: dict[str, Any], entries: Any) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Yields each entry of a file with its place in it. Raises _EntryRefused."""
    kind = KINDS[name]
    if isinstance(kind, NodeKind):
        for identifier, values in entries.items():
            place: Place = ("entries", identifier)
            if not _ID.fullmatch(identifier):
                raise _EntryRefused(place, f"'{identifier}' is not an id", "lower-case words joined by underscores")
            yield place, {**defaults, **_fields(place, values, "id"), "id": identifier}
    elif not kind.first:
        for position, values in enumerate(entries):
            place = ("entries", position)
            yield place, {**defaults, **_fields(place, values, "")}
    else:
        for identifier, items in entries.items():
            if not isinstance(items, list):
                raise _EntryRefused(("entries", identifier), f"'{identifier}' has the wrong form", "a list of edges")
            for position, values in enumerate(items):
                place = ("entries", identifier, position)
                yield place, {**defaults, **_fields(place, values, kind.first), kind.first: identifier}


def _fields(place: Place, values: Any, given: str) -> dict[str, Any]:
    where = ".".join(str(part) for part in place[1:])
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise _EntryRefused(place, f"'{where}' has the wrong form", "fields with values")
    if given in values:
        raise _EntryRefused(place, f"'{where}' says its {given} again", f"leave {given} out: the key says it")
    return values


def _revision(typed: Mapping[str, list[Any]]) -> str:
    """Returns the hash of the content as read: comments, spacing and spelled-out defaults do not change it."""
    names = {name: _names(type_) for name, type_ in vars(model).items() if is_dataclass(type_)}
    content = json.dumps((names, typed), default=_values, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()


def _values(thing: Any) -> Any:
    type_: Any = type(thing)
    return _values_of(type_)(thing)


@cache
def _values_of(type_: Any) -> Callable[[Any], Any]:
    """Returns what reads all fields of a thing at once, in the order of its type."""
    return attrgetter(*_names(type_))


def _names(type_: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(type_))


def dangling(thing: Any, nodes: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yields a message for every id in `thing`, nested parts included, that nothing has."""
    for name, identifier, collection in references(thing):
        if identifier not in nodes[collection]:
            yield f"{name}: there is no '{identifier}' among the {collection}"


def references(thing: Any) -> Iterator[tuple[str, str, str]]:
    """Yields field, id and collection for every id that `thing` and its nested parts hold."""
    for part in parts(thing):
        type_: Any = type(part)
        plain, listed, _ = _reference_fields(type_)
        for name, collection in plain:
            if identifier := getattr(part, name):
                yield name, identifier, collection
        for name, collection in listed:
            for identifier in getattr(part, name):
                yield name, identifier, collection


@cache
def _reference_fields(
    type_: Any,
) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Returns the fields of `type_` that hold one id, those that hold several, and those that hold facts with ids."""
    naming = [
        (field.name, REFERENCES[field.name], "tuple" in str(field.type))
        for field in fields(type_)
        if field.name in REFERENCES and (type_, field.name) not in NOT_REFERENCES
    ]
    facts_ = {name for name, value in vars(model).items() if isinstance(value, type) and issubclass(value, model.Fact)}
    words = {field.name: set(re.findall(r"\w+", str(field.type))) for field in fields(type_)}
    return (
        tuple((name, collection) for name, collection, several in naming if not several),
        tuple((name, collection) for name, collection, several in naming if several),
        tuple(name for name, parts in words.items() if parts & facts_),
    )


def _line(node: yaml.Node | None, place: Sequence[str | int]) -> int:
    """Returns the line of an entry or field; the nearest enclosing one where the field is missing."""
    line = 1
    for part in place:
        if isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == str(part)]
            if not found:
                break
            line, node = found[0][0].start_mark.line + 1, found[0][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return int(line)


def facts(base: KnowledgeBase) -> Iterator[model.Evidence]:
    """Yields everything in the knowledge base that carries evidence."""
    for thing in things(base):
        if isinstance(thing, model.Evidence):
            yield thing


def parts(thing: Any) -> Iterator[Any]:
    """Yields a node or edge and every fact nested in it."""
    type_: Any = type(thing)
    yield thing
    for name in _reference_fields(type_)[2]:
        value = getattr(thing, name)
        for part in value if isinstance(value, tuple) else (value,):
            if part is not None:
                yield from parts(part)


def things(base: KnowledgeBase) -> Iterator[Any]:
    """Yields every node and every edge of the knowledge base."""
    collections = (getattr(base, kind.field) for kind in KINDS.values())
    return chain.from_iterable(one.values() if isinstance(one, dict) else one for one in collections)
