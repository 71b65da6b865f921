"""Words for ids and sides, and texts made safe for paper."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from myoplan.planner.v1.plan_pb2 import Side

_SIDES = {Side.LEFT: "LEFT", Side.RIGHT: "RIGHT", Side.MIDLINE: "midline"}
# Joiners that scripts such as Arabic and Devanagari need to be written correctly.
_JOINERS = "\u200c\u200d"
_LONG_WORD, _MAY_BREAK = re.compile(r"\S{32}(?=\S)"), "\u200b"


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What the knowledge base calls things. What is missing here is shown by its id, never left out.

    `names` maps `kind/id` (`muscle/upper_trapezius`) to a name, `units` a motion id to the unit it is measured in,
    `methods` a technique id to how it is done in general.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    methods: Mapping[str, str] = field(default_factory=dict)

    def name(self, kind: str, identifier: str) -> str:
        """Returns the name of a thing; of an unknown one its id with spaces."""
        return plain(self.names.get(f"{kind}/{identifier}") or identifier.replace("_", " "))

    def muscle(self, identifier: str, side: Side.ValueType) -> str:
        """Returns a muscle with its side, `LEFT upper trapezius`."""
        return f"{side_word(side)} {self.name('muscle', identifier)}".strip()

    def motion(self, identifier: str, side: Side.ValueType) -> str:
        """Returns a motion with its side, `neck rotation, LEFT`; nothing is said of the midline."""
        name = self.name("motion", identifier)
        return name if side == Side.MIDLINE else f"{name}, {side_word(side)}".removesuffix(", ")


def side_word(side: Side.ValueType) -> str:
    """Returns the word for a side; empty where there is none."""
    return _SIDES.get(side, "")


def plain(text: str) -> str:
    """Returns a text on one line, without the invisible characters that could turn or hide what stands beside it.

    A word that is longer than a column may break.
    """
    seen = (one for one in text if one.isspace() or one in _JOINERS or unicodedata.category(one)[0] != "C")
    return _LONG_WORD.sub(rf"\g<0>{_MAY_BREAK}", " ".join("".join(seen).split()))


def capital(text: str) -> str:
    """Returns a text with its first letter large."""
    return text[:1].upper() + text[1:]
