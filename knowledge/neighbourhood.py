"""The knowledge base as a graph: every thing a node, every link an edge, and what is one hop away from a node.

A node is named `kind/id` (`muscle/upper_trapezius`), because two kinds may share an id. A nerve is a node too, though
it has no file of its own: it is known by its name from the muscles that press on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from knowledge.kinds import NODES
from knowledge.load import references
from knowledge.model import KnowledgeBase
from knowledge.names import did_you_mean

# Edge -> kind and field of its start, kind and field of its end.
_LINKS: Mapping[str, tuple[str, str, str, str]] = {
    "refers_to": ("muscle", "muscle", "zone", "zone"),
    "limits_motion": ("muscle", "muscle", "motion", "motion"),
    "satellite_of": ("muscle", "muscle", "muscle", "key"),
    "treated_by": ("muscle", "muscle", "technique", "technique"),
    "overlies": ("muscle", "muscle", "muscle", "deeper"),
    "entraps": ("muscle", "muscle", "nerve", "nerve"),
}
_KIND_OF = {kind.field: name for name, kind in NODES.items()}


@dataclass(frozen=True, slots=True)
class Edge:
    """A link from `start` to `end`, both `kind/id`.

    `fact` is the fact that says so, `says` what it says about the two beside that. A link that is only a field of a
    node (`lies_in`, `needs`) has the name of that field as kind and the node as fact.
    """

    kind: str
    start: str
    end: str
    fact: Any
    says: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """A node with everything that one edge leads to, in either direction."""

    centre: str
    nodes: tuple[str, ...]
    edges: tuple[Edge, ...]


class NodeUnknown(Exception):
    """No node, or more than one, has the name asked for; the message says which may have been meant."""


def nodes(base: KnowledgeBase) -> dict[str, Any]:
    """Returns every node by its name; a nerve has nothing but its name."""
    found: dict[str, Any] = {
        f"{name}/{identifier}": thing
        for name, kind in NODES.items()
        for identifier, thing in getattr(base, kind.field).items()
    }
    return found | {f"nerve/{fact.nerve}": None for fact in base.entraps}


def edges(base: KnowledgeBase) -> Iterator[Edge]:
    """Yields every edge, links that are fields of a node included; what cites which source is left out."""
    for kind, (start_kind, start, end_kind, end) in _LINKS.items():
        for fact in getattr(base, kind):
            names = f"{start_kind}/{getattr(fact, start)}", f"{end_kind}/{getattr(fact, end)}"
            yield Edge(kind, *names, fact, tuple(_says(fact)))
    yield from _edges_of_their_own(base)
    for name, node_kind in NODES.items():
        for identifier, thing in getattr(base, node_kind.field).items():
            for field, other, collection in dict.fromkeys(references(thing)):
                if collection != "sources" and (name, field) != ("functional_unit", "muscle"):
                    yield Edge(field, f"{name}/{identifier}", f"{_KIND_OF[collection]}/{other}", thing)


def _edges_of_their_own(base: KnowledgeBase) -> Iterator[Edge]:
    """Yields links that are neither an edge nor a plain field: where a nerve is felt, turns, members of units."""
    for pressed in base.entraps:
        for zone in pressed.zones:
            yield Edge("felt_in", f"nerve/{pressed.nerve}", f"zone/{zone}", pressed)
    for change in base.position_changes:
        one, other = change.between
        says = (("seconds", str(change.seconds)),)
        yield Edge("position_change", f"position/{one}", f"position/{other}", change, says)
    for unit in base.functional_units.values():
        for member in unit.members:
            says = (("role", member.role),)
            yield Edge("member", f"functional_unit/{unit.id}", f"muscle/{member.muscle}", unit, says)


def _says(fact: Any) -> Iterator[tuple[str, str]]:
    for name in ("role", "mechanism", "side", "order", "test_variant"):
        value = getattr(fact, name, "")
        if value:
            yield name, str(value)


def find(base: KnowledgeBase, word: str) -> str:
    """Returns the name of the node that `word` names, with or without its kind. Raises NodeUnknown."""
    known = nodes(base)
    found = [name for name in known if word in {name, name.partition("/")[2]}]
    if len(found) == 1:
        return found[0]
    if found:
        raise NodeUnknown(f"'{word}' is {' and '.join(found)}; say which")
    hints = (
        did_you_mean(base.muscles, word, base.muscle_groups),
        *(did_you_mean(getattr(base, field), word) for field in ("zones", "conditions", "techniques", "motions")),
    )
    raise NodeUnknown(f"nothing is called '{word}'{next((hint for hint in hints if hint), '')}")


def neighbourhood(base: KnowledgeBase, word: str) -> Neighbourhood:
    """Returns what is one hop from the node that `word` names. Raises NodeUnknown."""
    centre = find(base, word)
    near = tuple(edge for edge in edges(base) if centre in {edge.start, edge.end})
    names = dict.fromkeys((centre, *(name for edge in near for name in (edge.start, edge.end))))
    return Neighbourhood(centre, tuple(names), near)
