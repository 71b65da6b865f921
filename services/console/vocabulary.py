"""Words of the knowledge base for the screen: names, what a pick-list offers, and whether it all has been reviewed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from knowledge.kinds import EDGES, KINDS
from knowledge.model import Condition, Evidence, KnowledgeBase, Motion, Muscle, Tier, Zone
from knowledge.names import plain

SIDES = ("left", "right", "midline")
_LONGEST_SHORT_NAME = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One thing that a list offers: its id, its name, other words for it, and the sides it has.

    `rank`: of several that a word may mean, the one with the lowest comes first.
    """

    id: str
    name: str
    words: tuple[str, ...]
    sides: tuple[str, ...]
    rank: int = 0


class Vocabulary:
    """The knowledge base as the pages speak of it. An id that it does not know is shown as plain words."""

    def __init__(self, base: KnowledgeBase) -> None:
        self.base = base
        self.reviewed = all(fact.reviewed_by for fact in _facts(base))
        self._evidence: dict[tuple[str, frozenset[str]], Evidence] | None = None
        self._named: Mapping[str, Mapping[str, object]] = {
            "muscle": base.muscles,
            "zone": base.zones,
            "motion": base.motions,
            "technique": base.techniques,
            "position": base.positions,
            "region": base.regions,
            "condition": base.conditions,
        }
        self._muscles, self._zones, self._conditions = _muscles(base), _zones(base), _conditions(base)

    @property
    def revision(self) -> str:
        """The revision of the knowledge base."""
        return self.base.revision

    def name(self, kind: str, identifier: str) -> str:
        """Returns the preferred name of a node (`muscle`, `upper_trapezius`)."""
        names = getattr(self._named.get(kind, {}).get(identifier), "names", ())
        return names[0] if names else identifier.replace("_", " ")

    def node(self, name: str) -> str:
        """Returns the preferred name of `type/id`."""
        kind, _, identifier = name.partition("/")
        return self.name(kind, identifier)

    def short_name(self, muscle: str) -> str:
        """Returns the shortest of a muscle's names if it is short enough for a narrow block; empty: none is."""
        known = self.base.muscles.get(muscle)
        shortest = min(known.names, key=len) if known else ""
        return shortest if len(shortest) <= _LONGEST_SHORT_NAME else ""

    def muscle_choices(self) -> tuple[Choice, ...]:
        """Returns every muscle, by name; those that no session can do without are the first that a word may mean."""
        return self._muscles

    def zone_choices(self) -> tuple[Choice, ...]:
        """Returns every zone of the pain map, by name."""
        return self._zones

    def condition_choices(self) -> tuple[Choice, ...]:
        """Returns every condition that has a question, by name."""
        return self._conditions

    def condition_named(self, word: str) -> str:
        """Returns the id of the condition that has `word` among its names; empty: none has."""
        wanted = plain(word)
        named = (each.id for each in self.base.conditions.values() if wanted in {plain(name) for name in each.names})
        return next(named, "")

    def evidence(self, edge: str, one: str, other: str) -> Evidence | None:
        """Returns where an edge of the knowledge graph comes from; its ends are `type/id`, in either order."""
        if self._evidence is None:
            self._evidence = dict(_edges(self.base))
        return self._evidence.get((edge, frozenset({one.partition("/")[2], other.partition("/")[2]})))

    def questions(self) -> tuple[Condition, ...]:
        """Returns the conditions that every intake asks, in the order of the knowledge base."""
        return tuple(condition for condition in self.base.conditions.values() if condition.ask_always)

    def motions_of(self, regions: frozenset[str]) -> tuple[Motion, ...]:
        """Returns the motions of some regions."""
        return tuple(motion for motion in self.base.motions.values() if motion.region in regions)


def sides_of_muscle(muscle: Muscle) -> tuple[str, ...]:
    """Returns the sides that a muscle has."""
    return ("left", "right") if muscle.paired else ("midline",)


def sides_of_zone(zone: Zone) -> tuple[str, ...]:
    """Returns the sides that a zone has."""
    return SIDES if zone.crosses_midline else ("left", "right")


def _muscles(base: KnowledgeBase) -> tuple[Choice, ...]:
    tiers = list(Tier)
    return _sorted(
        Choice(
            id=muscle.id,
            name=muscle.names[0],
            words=muscle.names[1:],
            sides=sides_of_muscle(muscle),
            rank=tiers.index(muscle.tier),
        )
        for muscle in base.muscles.values()
    )


def _zones(base: KnowledgeBase) -> tuple[Choice, ...]:
    return _sorted(
        Choice(id=zone.id, name=zone.names[0], words=zone.names[1:], sides=sides_of_zone(zone))
        for zone in base.zones.values()
    )


def _conditions(base: KnowledgeBase) -> tuple[Choice, ...]:
    return _sorted(
        Choice(id=condition.id, name=condition.names[0], words=condition.names[1:], sides=())
        for condition in base.conditions.values()
        if condition.question
    )


def _sorted(choices: Iterable[Choice]) -> tuple[Choice, ...]:
    return tuple(sorted(choices, key=lambda choice: choice.name.casefold()))


def _edges(base: KnowledgeBase) -> Iterator[tuple[tuple[str, frozenset[str]], Evidence]]:
    for name, kind in EDGES.items():
        for edge in getattr(base, kind.field):
            if kind.first and isinstance(edge, Evidence):
                yield (name, frozenset({getattr(edge, kind.first), getattr(edge, kind.second)})), edge


def _facts(base: KnowledgeBase) -> list[Evidence]:
    held = (getattr(base, kind.field) for kind in KINDS.values())
    things = (thing for some in held for thing in (some.values() if isinstance(some, dict) else some))
    return [thing for thing in things if isinstance(thing, Evidence)]
