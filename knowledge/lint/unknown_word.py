"""A field with a fixed set of words holds one of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from knowledge import model
from knowledge.lint.finding import Finding, subject_of
from knowledge.load import parts, things
from knowledge.model import KnowledgeBase

RULE = "unknown_word"
REMEDY = "use one of the words"

_ASPECTS = frozenset(
    {"anterior", "posterior", "medial", "lateral", "superior", "inferior", "dorsal", "volar", "plantar"}
)
_CONDITION_KINDS = frozenset(
    {"disease", "injury", "sign", "medication", "device", "pregnancy", "skin", "surgery", "mental"}
)
# Type -> field and its words. The meaning of each is in the docstring of the type.
_WORDS: Mapping[type[Any], tuple[tuple[str, frozenset[str]], ...]] = {
    model.TriggerPointSite: (("tissue", frozenset({"belly", "attachment"})),),
    model.Identifiers: (("match", frozenset({"exact", "group"})),),
    model.Zone: (("aspect", _ASPECTS),),
    model.Motion: (
        ("sides", frozenset({"left", "right", "midline"})),
        ("side_means", frozenset({"limb", "direction"})),
        ("normal_end_feel", frozenset({"soft", "firm", "hard"})),
    ),
    model.Norm: (("mode", frozenset({"", "active", "passive"})), ("sex", frozenset({"", "female", "male"}))),
    model.MeasurementError: (("examiners", frozenset({"same", "different"})),),
    model.Technique: (
        ("acts_on", frozenset({"belly", "attachment", "fascia", "joint", "region"})),
        ("evidence_grade", frozenset({"A", "B", "C"})),
    ),
    model.Dose: (("level", frozenset({"short", "usual", "long", "extended"})),),
    model.Mimic: (("sex", frozenset({"", "female", "male"})),),
    model.SatelliteOf: (("mechanism", frozenset({"referral_zone", "synergist", "antagonist", "nerve"})),),
    model.UnitMember: (("role", frozenset({"agonist", "synergist", "antagonist", "stabiliser"})),),
    model.Parameter: (("kind", frozenset({"number", "text", "truth"})),),
    model.Condition: (("kind", _CONDITION_KINDS),),
    model.Advice: (("kind", frozenset({"aftercare", "home_care", "self_stretch", "follow_up"})),),
}


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields words that their field does not know."""
    for thing in things(base):
        for part in parts(thing):
            for name, words in _WORDS.get(type(part), ()):
                value = getattr(part, name)
                for word in value if isinstance(value, tuple) else (value,):
                    if word not in words:
                        told = f"{name} '{word}' is not one of {', '.join(sorted(words))}"
                        yield Finding(RULE, subject_of(thing), told, REMEDY)
