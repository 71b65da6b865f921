"""Words that people type, and the ids they may have meant. A word suggests; it never decides silently."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher, get_close_matches
from types import MappingProxyType
from typing import Protocol

# How alike two words have to be, [0, 1], and how much less alike than the best match another may be.
_CLOSE = 0.6
_MARGIN = 0.1
_MOST = 3
_SHORTEST_BEGINNING = 3


class Named(Protocol):
    """Anything with names, the preferred one first."""

    @property
    def names(self) -> tuple[str, ...]:
        """The preferred name, then synonyms."""
        ...


class Group(Named, Protocol):
    """A word for several things."""

    @property
    def members(self) -> tuple[str, ...]:
        """The ids of the things it stands for."""
        ...


_NO_GROUPS: Mapping[str, Group] = MappingProxyType({})


def suggest(known: Mapping[str, Named], word: str, groups: Mapping[str, Group] = _NO_GROUPS) -> tuple[str, ...]:
    """Returns up to three ids that `word` may have meant, likeliest first; a group word gives all its members.

    A name that equals the word stands alone; else names that begin with it come before names that look like it.
    """
    wanted = plain(word)
    meant: dict[str, list[tuple[str, ...]]] = {}
    for identifier, thing in known.items():
        for name in {plain(name): None for name in (identifier, *thing.names)}:
            meant.setdefault(name, []).append((identifier,))
    for identifier, group in groups.items():
        for name in {plain(name): None for name in (identifier, *group.names)}:
            meant.setdefault(name, []).append(tuple(member for member in group.members if member in known))
    names = [wanted] if wanted in meant else [*_beginning_with(wanted, meant), *_looking_like(wanted, meant)]
    found: dict[str, None] = {}
    for identifiers in (identifiers for name in names for identifiers in meant[name]):
        if len(found) >= _MOST:
            break
        found.update(dict.fromkeys(identifiers))
    return tuple(found)


def did_you_mean(known: Mapping[str, Named], word: str, groups: Mapping[str, Group] = _NO_GROUPS) -> str:
    """Returns `; did you mean a or b?`, or nothing when no id is close."""
    options = suggest(known, word, groups)
    return f"; did you mean {' or '.join(options)}?" if options else ""


def _beginning_with(wanted: str, names: Iterable[str]) -> list[str]:
    return sorted(name for name in names if name.startswith(wanted)) if len(wanted) >= _SHORTEST_BEGINNING else []


def _looking_like(wanted: str, names: Iterable[str]) -> list[str]:
    close = get_close_matches(wanted, names, n=2 * _MOST, cutoff=_CLOSE)
    alike = [SequenceMatcher(a=name, b=wanted).ratio() for name in close]
    return [name for name, likeness in zip(close, alike, strict=True) if likeness >= max(alike) - _MARGIN]


def plain(word: str) -> str:
    """Returns a word as it is compared: lower case, runs of anything but letters and digits as one space."""
    return re.sub(r"[^a-z0-9]+", " ", word.lower()).strip()
