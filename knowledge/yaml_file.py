"""One YAML file, read in a single pass that keeps every bound: size, depth, no aliases, tags or repeated keys.

The document is built from the parser's events, so that a bound is met before anything larger than it exists.
"""

from __future__ import annotations

from functools import lru_cache
from math import isfinite
from pathlib import Path
from typing import Any

import yaml
from yaml.resolver import Resolver

MAX_FILE_BYTES = 256 * 1024
MAX_DEPTH = 12

# No count or size of the body has more digits.
_LONGEST_NUMBER = 18
_LONGEST_WORD = 64
_TAG_PREFIX = "tag:yaml.org,2002:"
_VALUES = {yaml.ScalarEvent, yaml.MappingStartEvent, yaml.SequenceStartEvent, yaml.AliasEvent}
# Decides what a plain word is; YAML 1.1 finds numbers and dates in words where nobody meant one.
_resolver: Any = Resolver()


class FileRefused(Exception):
    """A file cannot be read at all. `line` counts from 1; 0 = the file as a whole."""

    def __init__(self, line: int, message: str, remedy: str) -> None:
        super().__init__(message)
        self.line, self.message, self.remedy = line, message, remedy


class _WordRefused(Exception):
    """A plain word that YAML reads as something else than what stands there."""


def parse(path: Path) -> Any:
    """Returns the document of one file: dictionaries, lists, text, numbers, truth values. Raises FileRefused."""
    return document_of(text_of(path))


def text_of(path: Path) -> str:
    """Returns the text of a file that is not too large. Raises FileRefused."""
    if path.is_symlink():
        raise FileRefused(0, "is a link", "put the file itself here")
    if not path.is_file():
        raise FileRefused(0, "is not a plain file", "put a file here")
    with path.open("rb") as file:
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise FileRefused(0, f"has more than {MAX_FILE_BYTES} bytes", "split it")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FileRefused(0, "is not UTF-8", "save it as UTF-8") from error


def document_of(text: str) -> Any:
    """Returns the one document in `text`. Raises FileRefused."""
    try:
        return _build(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "unreadable"
        raise FileRefused(mark.line + 1 if mark else 0, f"is not YAML: {problem}", "correct the line") from error


def _build(text: str) -> Any:
    """Builds the document from events. `key` is the key that waits for its value while inside a mapping."""
    next_event = yaml.CSafeLoader(text).get_event
    documents: list[Any] = []
    inside: list[tuple[Any, bool]] = []
    current: Any = documents
    in_mapping = False
    key: str | None = None
    while True:
        event: Any = next_event()
        kind = type(event)
        if kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            current, in_mapping = inside.pop()
            continue
        if kind not in _VALUES:
            if kind is yaml.StreamEndEvent:
                return documents[0] if documents else None
            if kind is yaml.DocumentStartEvent and documents:
                raise FileRefused(_line(event), "is not YAML of one document", "give the second a file of its own")
            continue
        if event.anchor is not None or event.tag is not None:
            raise _marked(event)
        value = _value(event, kind, len(inside))
        if not in_mapping:
            current.append(value)
        elif key is None:
            key = _key(event, value, current)
        else:
            current[key] = value
            key = None
        if kind is not yaml.ScalarEvent:
            inside.append((current, in_mapping))
            current, in_mapping = value, kind is yaml.MappingStartEvent


def _value(event: Any, kind: type, depth: int) -> Any:
    if kind is not yaml.ScalarEvent:
        if depth == MAX_DEPTH:
            raise FileRefused(_line(event), f"is nested deeper than {MAX_DEPTH}", "flatten it")
        return {} if kind is yaml.MappingStartEvent else []
    if not event.implicit[0]:
        return event.value
    try:
        return (_known_meaning if len(event.value) <= _LONGEST_WORD else _meaning)(event.value)
    except _WordRefused as refused:
        raise FileRefused(_line(event), *refused.args) from None


def _key(event: Any, value: Any, mapping: dict[str, Any]) -> str:
    if not isinstance(value, str):
        raise FileRefused(_line(event), f"key {value!r} is not text", "quote it")
    if value in mapping:
        raise FileRefused(_line(event), f"key '{value}' is there twice", "keep one of the two")
    return value


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _marked(event: Any) -> FileRefused:
    if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
        return FileRefused(_line(event), "uses an anchor or alias", "write the value out")
    return FileRefused(_line(event), f"uses the tag {event.tag}", "plain values only")


def reads_as_itself(word: str) -> bool:
    """Returns whether an unquoted word is read as the text that it is."""
    try:
        return bool(_meaning(word) == word)
    except _WordRefused:
        return False


def _meaning(word: str) -> Any:
    """Returns what an unquoted word means. Raises _WordRefused."""
    tag = str(_resolver.resolve(yaml.ScalarNode, word, (True, False))).removeprefix(_TAG_PREFIX)
    if tag == "str":
        return word
    if tag == "null":
        return None
    read = {"int": _whole_number, "float": _number, "bool": _truth}.get(tag)
    if read is None:
        reads_as = {"timestamp": "a date"}.get(tag, "an instruction")
        raise _WordRefused(f"'{word}' reads as {reads_as}", "quote it")
    return read(word)


# Most words come again and again; a long one is a sentence and comes once.
_known_meaning = lru_cache(maxsize=1 << 15)(_meaning)


def _whole_number(word: str) -> int:
    # YAML 1.1 reads 010 as eight and 12:30 as 750; here they are mistakes.
    if word.lstrip("+-").isdecimal() and len(word) < _LONGEST_NUMBER and str(int(word)) == word.lstrip("+"):
        return int(word)
    raise _WordRefused(f"'{word}' is not a plain whole number", "write it in decimal")


def _number(word: str) -> float:
    try:
        value = float(word.replace("_", ":"))
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise _WordRefused(f"'{word}' is not a number of the body", "give a finite one in decimal")
    return value


def _truth(word: str) -> bool:
    if word in {"true", "false"}:
        return word == "true"
    raise _WordRefused(f"'{word}' reads as yes or no", "write true or false, or quote it")
