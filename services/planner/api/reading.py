"""Reads the fields of a request and collects everything that is wrong with them.

What is returned for a wrong field is never used: `raise_any` stands between it and the use case.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from types import MappingProxyType
from typing import Any, TypeVar

from google.protobuf.message import Message

from knowledge.names import Group, Named, did_you_mean
from services.planner.api import names
from services.planner.api.pages import MOST_ON_A_PAGE, USUAL_ON_A_PAGE, TokenInvalid, place_of
from services.planner.domain.canonical import digest
from services.planner.domain.errors import FieldProblem, RequestInvalid
from services.store.model import Request

Thing = TypeVar("Thing", bound=Named)
# Looking for what a word may have meant takes time; a request full of unknown words must not take much.
_MOST_SUGGESTIONS = 16
_MOST_CHARACTERS = 64
_NO_GROUPS: Mapping[str, Group] = MappingProxyType({})


@dataclass(slots=True)
class Reader:
    """Collects the problems of one request, each under the path of its field."""

    problems: list[FieldProblem] = field(default_factory=list)
    _suggestions_left: int = _MOST_SUGGESTIONS

    def tell(self, path: str, problem: str) -> None:
        """Adds a problem."""
        self.problems.append(FieldProblem(path, problem))

    def raise_any(self) -> None:
        """Raises RequestInvalid if anything is wrong."""
        if self.problems:
            raise RequestInvalid(tuple(self.problems))

    def matching(self, path: str, value: str, form: re.Pattern[str], what: str, *, required: bool = True) -> str:
        """Reads a text of a fixed form, described by `what`."""
        if not value:
            if required:
                self.tell(path, f"is required: {what}")
        elif not form.fullmatch(value):
            self.tell(path, f"{_quoted(value)} is not {what}")
        return value

    def known(
        self, path: str, kind: str, things: Mapping[str, Thing], word: str, groups: Mapping[str, Group] = _NO_GROUPS
    ) -> Thing | None:
        """Reads an id of the vocabulary. A word for several things is no id; it is answered with its members."""
        if not word:
            self.tell(path, f"is required: the id of a {kind}")
            return None
        if word not in things:
            self.tell(path, f"unknown {kind} {_quoted(word)}{self._suggestion(things, word, groups)}")
            return None
        return things[word]

    def _suggestion(self, things: Mapping[str, Named], word: str, groups: Mapping[str, Group]) -> str:
        if self._suggestions_left == 0 or len(word) > _MOST_CHARACTERS:
            return ""
        self._suggestions_left -= 1
        return did_you_mean(things, word, groups)

    def whole(self, path: str, message: Message, name: str, low: int, high: int) -> int | None:
        """Reads an optional whole number in [low, high], None if it is absent."""
        if not message.HasField(name):
            return None
        value: int = getattr(message, name)
        if not low <= value <= high:
            self.tell(path, f"{value} is not in [{low}, {high}]")
        return value

    def text(self, path: str, value: str, most: int, *, least: int = 0) -> str:
        """Reads a text of `least` to `most` characters, spaces around it left out."""
        words = value.strip()
        if len(words) > most:
            self.tell(path, f"has {len(words)} characters; at most {most}")
        elif len(words) < least:
            self.tell(path, f"is required: at least {least} characters" if least > 1 else "is required")
        return words

    def request(self, method: str, request_id: str, *asked: Any) -> Request | None:
        """Reads what makes a call repeatable: the id and the digest of what was asked; None without an id."""
        if not request_id:
            return None
        self.matching("request_id", request_id, names.REQUEST_ID, "a UUID4")
        return Request(method=method, request_id=request_id.lower(), body_digest=digest(*asked))

    def number(self, path: str, value: float) -> float:
        """Reads a number that is there; -0.0 is 0.0."""
        if not isfinite(value):
            self.tell(path, "is not a number that can be measured")
        return value + 0.0

    def choice(self, path: str, value: int, enum: Any, *, required: bool = False) -> str:
        """Reads an enum and returns its name in lower case; empty for the unspecified value."""
        names: dict[int, str] = {number: name for name, number in enum.items() if number}
        if value not in names:
            if value or required:
                said = f"{value} is not" if value else "is required:"
                self.tell(path, f"{said} one of {', '.join(names.values())}")
            return ""
        return names[value].lower()

    def most(self, path: str, values: Sequence[Any], most: int) -> bool:
        """Returns whether a repeated field has few enough entries to look at."""
        if len(values) > most:
            self.tell(path, f"has {len(values)} entries; at most {most}")
            return False
        return True

    def page_size(self, value: int) -> int:
        """Reads a page size: 0 means the usual one, too large ones are cut to the most."""
        if value < 0:
            self.tell("page_size", f"{value} is negative")
        return min(value, MOST_ON_A_PAGE) or USUAL_ON_A_PAGE

    def place(self, scope: str, token: str) -> str | None:
        """Reads a page token, None for the first page."""
        try:
            return place_of(scope, token)
        except TokenInvalid:
            self.tell("page_token", "is not the token of a page before this one; begin without it")
            return None


def _quoted(word: str) -> str:
    """Returns what somebody sent, short and with nothing unseen in it."""
    return repr(word if len(word) <= _MOST_CHARACTERS else word[:_MOST_CHARACTERS] + "…")
