"""Words that people type, and the ids they may have meant. A word suggests; it never decides silently."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Protocol

_CLOSE = 0.6
_MOST = 3


class Named(Protocol):
    """Anything with names, the preferred one first."""

    @property
    def names(self) -> tuple[str, ...]:
        """The preferred name, then synonyms."""
        ...


def suggest(known: Mapping[str, Named], word: str) -> tuple[str, ...]:
    """Returns up to three ids that `word` may have meant, likeliest first.

    A name or synonym that equals the word comes before one that merely looks like it.
    """
    wanted = _plain(word)
    by_name: dict[str, list[str]] = {}
    for identifier, thing in known.items():
        for name in (identifier, *thing.names):
            by_name.setdefault(_plain(name), []).append(identifier)
    close = get_close_matches(wanted, by_name, n=2 * _MOST, cutoff=_CLOSE)
    return _first(identifier for name in ([wanted] if wanted in by_name else close) for identifier in by_name[name])


def did_you_mean(known: Mapping[str, Named], word: str) -> str:
    """Returns `; did you mean a or b?`, or nothing when no id is close."""
    options = suggest(known, word)
    return f"; did you mean {' or '.join(options)}?" if options else ""


def _plain(word: str) -> str:
    return re.sub(r"[^a-z0-9]+", " ", word.lower()).strip()


def _first(identifiers: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(identifiers))[:_MOST]
