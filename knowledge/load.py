"""The only reader of knowledge files: `load()` turns a folder of YAML into one frozen `KnowledgeBase`, or refuses it whole.

A file is `kind`, `defaults` (fields that every entry has unless it says otherwise) and `entries`: nodes by id, edges by the
id of their first end. Files are bounded before they are parsed, so a hostile one is refused quickly: size, depth, aliases,
tags and repeated keys. Every problem of every file is reported at once, each with file, line and remedy.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from knowledge import model
from knowledge.model import KnowledgeBase

MAX_FILE_BYTES = 256 * 1024
MAX_FILES = 500
MAX_DEPTH = 12

# Kind of a file -> (type, field of the KnowledgeBase, name of the field that the key of an entry fills).
NODES: Mapping[str, tuple[type[Any], str]] = {
    "source": (model.Source, "sources"),
    "region": (model.Region, "regions"),
    "muscle": (model.Muscle, "muscles"),
    "zone": (model.Zone, "zones"),
    "motion": (model.Motion, "motions"),
    "position": (model.Position, "positions"),
    "technique": (model.Technique, "techniques"),
    "condition": (model.Condition, "conditions"),
    "safety_rule": (model.SafetyRule, "rules"),
    "endangerment_site": (model.EndangermentSite, "endangerment_sites"),
    "mimic": (model.Mimic, "mimics"),
    "functional_unit": (model.FunctionalUnit, "functional_units"),
    "perpetuating_factor": (model.PerpetuatingFactor, "factors"),
    "advice": (model.Advice, "advice"),
    "complaint": (model.Complaint, "complaints"),
    "planning_number": (model.PlanningNumber, "planning"),
}
EDGES: Mapping[str, tuple[type[Any], str, str]] = {
    "refers_to": (model.RefersTo, "refers_to", "muscle"),
    "limits_motion": (model.LimitsMotion, "limits_motion", "motion"),
    "satellite_of": (model.SatelliteOf, "satellite_of", "muscle"),
    "treated_by": (model.TreatedBy, "treated_by", "technique"),
    "overlies": (model.Overlies, "overlies", "muscle"),
    "entraps": (model.Entraps, "entraps", "muscle"),
    "position_change": (model.PositionChange, "position_changes", ""),
}
# Field of any type -> the collection whose id it holds. This is what "dangling" means.
REFERENCES: Mapping[str, str] = {
    "source": "sources",
    "limit_source": "sources",
    "region": "regions",
    "regions": "regions",
    "only_in": "regions",
    "muscle": "muscles",
    "muscles": "muscles",
    "deeper": "muscles",
    "key": "muscles",
    "zone": "zones",
    "zones": "zones",
    "lies_in": "zones",
    "motion": "motions",
    "technique": "techniques",
    "techniques": "techniques",
    "no_techniques": "techniques",
    "needs": "techniques",
    "conditions": "conditions",
    "between": "positions",
    "positions": "positions",
}
# A field that has such a name and holds something else.
NOT_REFERENCES = {(model.Motion, "motion"), (model.Parameter, "key")}


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


class FileRefused(Exception):
    """A file cannot be read at all."""

    def __init__(self, line: int, message: str, remedy: str) -> None:
        super().__init__(message)
        self.line, self.message, self.remedy = line, message, remedy


def load(folder: Path | None = None) -> KnowledgeBase:
    """Reads every `*.yaml` under `folder` (default: the curated knowledge beside this module).

    Raises KnowledgeInvalid with every problem found.
    """
    root = folder or Path(__file__).parent
    reading = _Reading(root)
    paths = sorted(path for path in root.rglob("*.yaml") if "overlays" not in path.relative_to(root).parts)
    if len(paths) > MAX_FILES:
        raise KnowledgeInvalid([Problem(str(root), 0, f"{len(paths)} files", f"keep to {MAX_FILES}")])
    for path in paths:
        reading.read(path)
    return reading.finish()


class _Reading:
    """One pass over a folder: collects entries and problems, so that all problems are told at once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.problems: list[Problem] = []
        self.content: dict[str, list[Any]] = {kind: [] for kind in (*NODES, *EDGES)}
        self.places: dict[str, list[tuple[Path, tuple[str | int, ...]]]] = {kind: [] for kind in (*NODES, *EDGES)}
        self.composed: dict[Path, yaml.Node | None] = {}  # only files with a problem are composed, to tell the line

    def read(self, path: Path) -> None:
        try:
            document = parse(path)
            kind, defaults, entries = _frame(document)
        except FileRefused as refused:
            self.problem(path, refused.line, refused.message, refused.remedy)
            return
        for place, values in _rows(kind, defaults, entries):
            self.content[kind].append(values)
            self.places[kind].append((path, place))

    def problem(self, path: Path, line: int, message: str, remedy: str) -> None:
        self.problems.append(Problem(str(path.relative_to(self.root)), line, message, remedy))

    def finish(self) -> KnowledgeBase:
        self._expand()
        if self.problems:
            raise KnowledgeInvalid(self.problems)
        typed = {kind: self._typed(kind) for kind in self.content}
        if self.problems:
            raise KnowledgeInvalid(self.problems)
        nodes = {field: {node.id: node for node in typed[kind]} for kind, (_, field) in NODES.items()}
        edges = {field: tuple(typed[kind]) for kind, (_, field, _) in EDGES.items()}
        for kind, (_, field) in NODES.items():
            self._find_repeated(kind, field, len(nodes[field]))
        for kind in self.content:
            for position, thing in enumerate(typed[kind]):
                for message in _dangling(thing, nodes):
                    self._at(kind, position, (), message, "use an id that exists")
        if self.problems:
            raise KnowledgeInvalid(self.problems)
        revision = hashlib.sha256(json.dumps(self.content, sort_keys=True).encode()).hexdigest()
        return KnowledgeBase(revision=revision, **nodes, **edges)

    def _expand(self) -> None:
        """Writes `muscles: [a, b]`, `regions` and `except` of an edge file out as one edge for each muscle."""
        region_of = {values["id"]: values.get("region") for values in self.content["muscle"]}
        for kind in ("limits_motion", "treated_by"):
            rows: list[Any] = []
            places: list[tuple[Path, tuple[str | int, ...]]] = []
            for values, place in zip(self.content[kind], self.places[kind], strict=True):
                if "muscle" in values:
                    muscles = [values["muscle"]]
                else:
                    regions = values.get("regions", [])
                    muscles = [muscle for muscle, region in region_of.items() if region in regions]
                    muscles += values.get("muscles", [])
                left_out = values.get("except", [])
                rest = {name: value for name, value in values.items() if name not in {"muscles", "regions", "except"}}
                for muscle in dict.fromkeys(muscles):
                    if muscle not in left_out:
                        rows.append({**rest, "muscle": muscle})
                        places.append(place)
            self.content[kind], self.places[kind] = rows, places

    def _typed(self, kind: str) -> list[Any]:
        type_ = (NODES.get(kind) or EDGES[kind])[0]
        try:
            return _adapter(type_).validate_python(self.content[kind])
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                position, *inside = detail["loc"]
                message = f"{'.'.join(str(part) for part in inside)}: {detail['msg']}"
                self._at(kind, int(position), tuple(inside), message, f"see {type_.__name__} in knowledge/model.py")
            return []

    def _find_repeated(self, kind: str, field: str, distinct: int) -> None:
        if distinct == len(self.content[kind]):
            return
        seen: set[str] = set()
        for position, values in enumerate(self.content[kind]):
            if values["id"] in seen:
                self._at(kind, position, (), f"{field}: '{values['id']}' is there twice", "keep one of the two")
            seen.add(values["id"])

    def _at(self, kind: str, position: int, inside: tuple[str | int, ...], message: str, remedy: str) -> None:
        path, place = self.places[kind][position]
        where = ".".join(str(part) for part in place[1:])
        if path not in self.composed:
            self.composed[path] = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        line = _line(self.composed[path], (*place, *inside))
        self.problem(path, line, f"{where}: {message}", remedy)


@cache
def _adapter(type_: type[Any]) -> TypeAdapter[list[Any]]:
    return TypeAdapter(list[type_])  # type: ignore[valid-type]


def _frame(document: Any) -> tuple[str, dict[str, Any], Any]:
    if not isinstance(document, dict) or "kind" not in document or "entries" not in document:
        raise FileRefused(1, "not a knowledge file", "begin with kind: and entries:")
    unknown = set(document) - {"kind", "defaults", "entries"}
    if unknown:
        raise FileRefused(1, f"unknown top-level {', '.join(sorted(unknown))}", "only kind, defaults and entries")
    kind, entries = document["kind"], document["entries"]
    if kind not in NODES and kind not in EDGES:
        raise FileRefused(1, f"unknown kind {kind!r}", f"one of {', '.join(sorted((*NODES, *EDGES)))}")
    listed = kind in EDGES and not EDGES[kind][2]
    if not isinstance(entries, list if listed else dict):
        raise FileRefused(1, "entries has the wrong form", "a list" if listed else "a mapping by id")
    return kind, document.get("defaults") or {}, entries


def _rows(kind: str, defaults: dict[str, Any], entries: Any) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    """Yields each entry of a file with its place in it."""
    if kind in NODES:
        for identifier, values in entries.items():
            yield ("entries", identifier), {**defaults, **(values or {}), "id": identifier}
    elif not EDGES[kind][2]:
        for position, values in enumerate(entries):
            yield ("entries", position), {**defaults, **values}
    else:
        first = EDGES[kind][2]
        for identifier, items in entries.items():
            for position, values in enumerate(items or ()):
                yield ("entries", identifier, position), {**defaults, **values, first: identifier}


def _dangling(thing: Any, nodes: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yields a message for every id in `thing`, nested parts included, that nothing has."""
    for name, collection, is_list in _reference_fields(type(thing)):
        value = getattr(thing, name)
        for identifier in value if is_list else (value,):
            if identifier and identifier not in nodes[collection]:
                yield f"{name}: there is no '{identifier}' among the {collection}"
    for name in _nested_fields(type(thing)):
        value = getattr(thing, name)
        for part in value if isinstance(value, tuple) else (value,):
            if part is not None:
                yield from _dangling(part, nodes)


@cache
def _reference_fields(type_: type[Any]) -> tuple[tuple[str, str, bool], ...]:
    return tuple(
        (field.name, REFERENCES[field.name], "tuple" in str(field.type))
        for field in fields(type_)
        if field.name in REFERENCES and (type_, field.name) not in NOT_REFERENCES
    )


@cache
def _nested_fields(type_: type[Any]) -> tuple[str, ...]:
    known = {name for name in vars(model) if isinstance(getattr(model, name), type)}
    words = {field.name: set(str(field.type).replace("[", " ").replace(",", " ").split()) for field in fields(type_)}
    facts = {name for name in known if issubclass(getattr(model, name), model.Fact)}
    return tuple(name for name, parts in words.items() if parts & facts)


# --- bounded YAML -------------------------------------------------------------------------------------------------


class _Strict(yaml.CSafeLoader):
    """A safe loader that also refuses repeated and non-text keys; anchors, aliases and tags never reach it."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        mapping: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=deep)
            if not isinstance(key, str):
                raise FileRefused(key_node.start_mark.line + 1, f"key {key!r} is not text", "quote it")
            if key in mapping:
                raise FileRefused(key_node.start_mark.line + 1, f"key '{key}' is there twice", "keep one of the two")
            mapping[key] = self.construct_object(value_node, deep=deep)
        return mapping


def _construct_map(loader: _Strict, node: yaml.MappingNode) -> Iterator[dict[str, Any]]:
    data: dict[str, Any] = {}
    yield data
    data.update(loader.construct_mapping(node))


def _construct_float(loader: _Strict, node: yaml.ScalarNode) -> float:
    value = float(loader.construct_yaml_float(node))
    if value in {float("inf"), float("-inf")} or value != value:  # noqa: PLR0124 - NaN
        raise FileRefused(node.start_mark.line + 1, f"'{node.value}' is not a number of the body", "give a finite one")
    return value


def _construct_int(_: _Strict, node: yaml.ScalarNode) -> int:
    try:
        # YAML 1.1 reads 010 as eight and 12:30 as 750; here they are mistakes.
        value = int(node.value)
        if str(value) == node.value.lstrip("+"):
            return value
    except ValueError:
        pass
    raise FileRefused(node.start_mark.line + 1, f"'{node.value}' is not a plain whole number", "write it in decimal")


def _construct_bool(_: _Strict, node: yaml.ScalarNode) -> bool:
    if node.value in {"true", "false"}:
        return bool(node.value == "true")
    raise FileRefused(node.start_mark.line + 1, f"'{node.value}' reads as yes or no", "write true or false, or quote it")


def _refuse_date(_: _Strict, node: yaml.ScalarNode) -> None:
    raise FileRefused(node.start_mark.line + 1, f"'{node.value}' reads as a date", "quote it")


_Strict.add_constructor("tag:yaml.org,2002:map", _construct_map)
_Strict.add_constructor("tag:yaml.org,2002:float", _construct_float)
_Strict.add_constructor("tag:yaml.org,2002:int", _construct_int)
_Strict.add_constructor("tag:yaml.org,2002:bool", _construct_bool)
_Strict.add_constructor("tag:yaml.org,2002:timestamp", _refuse_date)


def parse(path: Path) -> Any:
    """Returns the document of one file, every bound checked first. Raises FileRefused."""
    if path.is_symlink():
        raise FileRefused(0, "is a link", "put the file itself here")
    size = path.stat().st_size
    if size > MAX_FILE_BYTES:
        raise FileRefused(0, f"has {size} bytes", f"split it: at most {MAX_FILE_BYTES}")
    try:
        text = path.read_bytes().decode("utf-8")
        _check_events(text)
        return yaml.load(text, Loader=_Strict)  # noqa: S506 - a bounded subclass of the safe loader
    except UnicodeDecodeError as error:
        raise FileRefused(0, "is not UTF-8", "save it as UTF-8") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise FileRefused(
            mark.line + 1 if mark else 0, f"is not YAML: {getattr(error, 'problem', 'unreadable')}", "correct the line"
        ) from error


def _check_events(text: str) -> None:
    """Refuses by the stream of tokens what must not even be built: depth, anchors, aliases, tags, more documents."""
    if not set("&*!") & set(text) and _bracket_depth(text) <= MAX_DEPTH:
        return  # nothing that could be an anchor, an alias, a tag or deep nesting: the usual file
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise FileRefused(line, "uses an anchor or alias", "write the value out")
        if getattr(event, "tag", None):
            raise FileRefused(line, f"uses the tag {event.tag}", "plain values only")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise FileRefused(line, f"is nested deeper than {MAX_DEPTH}", "flatten it")


def _bracket_depth(text: str) -> int:
    """Returns an upper bound of the nesting: brackets in text count too, and so does the deepest indentation."""
    depth = deepest = 0
    for character in text:
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    indentation = max((len(line) - len(line.lstrip(" ")) for line in text.splitlines()), default=0)
    dashes = max((line.count("- ") for line in text.splitlines()), default=0)
    return deepest + indentation // 2 + dashes


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
    collections = [getattr(base, field) for _, field in NODES.values()]
    edges = [getattr(base, field) for _, field, _ in EDGES.values()]
    for thing in chain(*(collection.values() for collection in collections), *edges):
        if isinstance(thing, model.Evidence):
            yield thing
