"""Reads the fields of a message and collects everything that is wrong with them.

What is returned for a wrong field is never used: `Problems.raise_any` stands between it and the use case.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from math import isfinite
from typing import Any, Protocol, TypeVar

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from knowledge.names import Group, Named, did_you_mean
from myoplan.assessment.v1 import assessment_pb2 as pb
from services.assessment.domain.errors import FieldProblem, RequestInvalid
from services.assessment.domain.findings import Side
from services.assessment.domain.limits import CHOSEN_IDS, LEAST_NUMBER, WORD_CHARACTERS, YEARS, Range
from services.assessment.ports import Vocabulary

# Control characters and the overrides of writing direction, which can make a text read as another.
_UNSEEN = "\u202a-\u202e\u2066-\u2069\x7f-\x9f"
_FORBIDDEN_IN_LINES = re.compile(f"[\x00-\x08\x0b-\x1f{_UNSEEN}]")
_FORBIDDEN_IN_A_LINE = re.compile(f"[\x00-\x1f{_UNSEEN}]")
_NANOS = 1_000_000_000
# Looking for what a word may have meant takes time; a request full of unknown words must not take much.
MOST_SUGGESTIONS = 16

EnumMember = TypeVar("EnumMember", bound=Enum)
Thing = TypeVar("Thing", bound=Named)
Item = TypeVar("Item")


class EnumType(Protocol):
    """What the generated code gives for an enum."""

    def items(self) -> Iterable[tuple[str, Any]]:
        """Returns names and numbers."""
        ...


def members(type_: EnumType, domain: type[EnumMember]) -> Mapping[int, EnumMember]:
    """Returns the domain's member for every number of an enum; both use the same names."""
    return {number: domain[name] for name, number in type_.items() if name in domain.__members__}


SIDES = members(pb.Side, Side)


class Problems:
    """Everything that is wrong with one request."""

    def __init__(self) -> None:
        self.found: list[FieldProblem] = []
        self._suggestions_left = MOST_SUGGESTIONS

    def tell(self, field: str, problem: str) -> None:
        """Adds a problem."""
        self.found.append(FieldProblem(field, problem))

    def keep_under(self, prefix: str, paths: Iterable[str]) -> None:
        """Forgets the problems of fields that are not at or under one of `paths`, each behind `prefix`."""
        wholes = [prefix + path for path in paths]
        begins = tuple(whole + mark for whole in wholes for mark in ".[")
        self.found = [problem for problem in self.found if problem.field in wholes or problem.field.startswith(begins)]

    def suggestion(self, known: Mapping[str, Named], word: str, groups: Mapping[str, Group]) -> str:
        """Returns `; did you mean …?` where an id is close, as long as that does not take too much time.

        The name of one of `groups` (traps, SCM) suggests its members.
        """
        if self._suggestions_left == 0 or len(word) > WORD_CHARACTERS:
            return ""
        self._suggestions_left -= 1
        return did_you_mean(known, word, groups)

    def raise_any(self) -> None:
        """Raises RequestInvalid if anything is wrong."""
        if self.found:
            raise RequestInvalid(self.found)


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the fields of the message at `path`."""

    vocabulary: Vocabulary
    problems: Problems = field(default_factory=Problems)
    path: str = ""

    def inside(self, name: str) -> Reader:
        """Returns a reader of the message in a field."""
        return Reader(self.vocabulary, self.problems, f"{self.path}{name}.")

    def tell(self, name: str, problem: str) -> None:
        """Adds a problem of a field."""
        self.problems.tell(f"{self.path}{name}", problem)

    def items(
        self, name: str, values: Sequence[Any], most: int, read: Callable[[Reader, Any], Item]
    ) -> tuple[Item, ...]:
        """Reads the messages of a repeated field; of too many none is looked at."""
        if len(values) > most:
            self.tell(name, f"has {len(values)} entries; at most {most}")
            return ()
        return tuple(read(self.inside(f"{name}[{index}]"), value) for index, value in enumerate(values))

    # Text

    def line(self, name: str, value: str, most: int, *, required: bool = False) -> str:
        """Reads one line of at most `most` characters."""
        text = self._clean(name, value, _FORBIDDEN_IN_A_LINE, "line breaks or control characters")
        if required and not text.strip():
            self.tell(name, "is required")
        if len(text) > most:
            self.tell(name, f"has {len(text)} characters; at most {most}")
        return text

    def lines(self, name: str, value: str, most_bytes: int, *, required: bool = False) -> str:
        """Reads a text of at most `most_bytes` bytes; line breaks and tabs are fine."""
        text = self._clean(name, value, _FORBIDDEN_IN_LINES, "control characters")
        if required and not text.strip():
            self.tell(name, "is required")
        if (size := len(text.encode())) > most_bytes:
            self.tell(name, f"has {size} bytes; at most {most_bytes}")
        return text

    def list_of_lines(self, name: str, values: Sequence[str], most: int, most_characters: int) -> tuple[str, ...]:
        """Reads a repeated field of lines, none of them empty."""
        if len(values) > most:
            self.tell(name, f"has {len(values)} entries; at most {most}")
            return ()
        return tuple(
            self.line(f"{name}[{index}]", value, most_characters, required=True) for index, value in enumerate(values)
        )

    def _clean(self, name: str, value: str, forbidden: re.Pattern[str], what: str) -> str:
        if forbidden.search(value):
            self.tell(name, f"holds {what}, or overrides of the writing direction")
        return unicodedata.normalize("NFC", value)

    def matching(self, name: str, value: str, form: re.Pattern[str], what: str, *, required: bool = True) -> str:
        """Reads a text of a fixed form, described by `what`."""
        if not value:
            if required:
                self.tell(name, f"is required: {what}")
        elif not form.fullmatch(value):
            self.tell(name, f"{quoted(value)} is not {what}")
        return value

    # Numbers

    def number(self, name: str, message: Message, allowed: Range) -> float | None:
        """Reads an optional number, None if it is absent. -0.0 is 0.0."""
        if not message.HasField(name):
            return None
        return self.checked_number(name, getattr(message, name), allowed)

    def checked_number(self, name: str, value: float, allowed: Range) -> float:
        """Checks a number that is there."""
        if not isfinite(value):
            self.tell(name, "is not a number that can be measured")
        elif value not in allowed:
            self.tell(name, f"{value:g} is not in {allowed}")
        elif 0 < abs(value) < LEAST_NUMBER:
            self.tell(name, f"{value:g} is too near to zero to be a measurement")
        return value + 0.0

    def whole(self, name: str, message: Message, allowed: Range) -> int | None:
        """Reads an optional whole number, None if it is absent."""
        if not message.HasField(name):
            return None
        value: int = getattr(message, name)
        if value not in allowed:
            self.tell(name, f"{value} is not in {allowed}")
        return value

    def moment(self, name: str, message: Message) -> datetime | None:
        """Reads an optional time, to the microsecond, in UTC."""
        if not message.HasField(name):
            return None
        stamp: Timestamp = getattr(message, name)
        try:
            moment = datetime.fromtimestamp(stamp.seconds, UTC) + timedelta(microseconds=stamp.nanos // 1000)
        except (ValueError, OverflowError, OSError):
            moment = None
        if moment is None or not 0 <= stamp.nanos < _NANOS or not YEARS.low <= moment.year < YEARS.high:
            self.tell(name, f"is not a time from {YEARS.low:g} to {YEARS.high:g}")
        return moment

    def flag(self, name: str, message: Message) -> bool | None:
        """Reads an optional yes or no, None if it is absent."""
        return getattr(message, name) if message.HasField(name) else None

    # Choices

    def optional_choice(self, name: str, number: int, choices: Mapping[int, EnumMember]) -> EnumMember | None:
        """Reads an enum, None for the unspecified value."""
        if number and number not in choices:
            self.tell(name, f"{number} is not one of {_words(member.name for member in choices.values())}")
        return choices.get(number)

    def choice(self, name: str, number: int, choices: Mapping[int, EnumMember]) -> EnumMember:
        """Reads an enum that has to be given."""
        if not number:
            self.tell(name, f"is required: {_words(member.name for member in choices.values())}")
        return self.optional_choice(name, number, choices) or next(iter(choices.values()))

    def side(self, name: str, number: int, allowed: Sequence[Side], of: str) -> Side:
        """Reads the side of something that has only the sides in `allowed`; `of` says what and why."""
        if number == 0:
            self.tell(name, f"is required: {_words(side.name for side in allowed)}, {of}")
            return allowed[0]
        side = self.optional_choice(name, number, SIDES)
        if side is not None and side not in allowed:
            self.tell(name, f"{side.name} is not possible: {_words(side.name for side in allowed)}, {of}")
        return side or allowed[0]

    # Words of the body

    def known(self, name: str, kind: str, known: Mapping[str, Thing], word: str) -> Thing | None:
        """Reads an id of the vocabulary that has to be given."""
        if not word:
            self.tell(name, f"is required: the id of a {kind}")
            return None
        thing = known.get(word)
        if thing is None:
            groups = self.vocabulary.muscle_groups if known is self.vocabulary.muscles else {}
            self.tell(name, f"unknown {kind} {quoted(word)}{self.problems.suggestion(known, word, groups)}")
        return thing

    def chosen(self, name: str, kind: str, known: Mapping[str, Thing], words: Sequence[str]) -> tuple[str, ...]:
        """Reads a repeated field of ids; one that is there twice counts once."""
        if len(words) > CHOSEN_IDS:
            self.tell(name, f"has {len(words)} entries; at most {CHOSEN_IDS}")
            return ()
        for index, word in enumerate(words):
            self.known(f"{name}[{index}]", kind, known, word)
        return tuple(dict.fromkeys(words))


def quoted(word: str) -> str:
    """Returns what somebody sent, short and with nothing unseen in it."""
    return repr(word if len(word) <= WORD_CHARACTERS else word[:WORD_CHARACTERS] + "…")


def _words(names: Iterable[str]) -> str:
    *rest, last = dict.fromkeys(names)
    return f"{', '.join(rest)} or {last}" if rest else last
