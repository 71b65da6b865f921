"""Turns the knowledge base into one typed directed multigraph. Static knowledge only: no person is ever part of it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any, TypeAlias

import networkx as nx

from knowledge.model import Evidence, KnowledgeBase

Graph: TypeAlias = "nx.MultiDiGraph[str]"


def node(kind: str, identifier: str) -> str:
    """Returns the key of a node, `muscle/upper_trapezius`."""
    return f"{kind}/{identifier}"


def build_graph(base: KnowledgeBase) -> Graph:
    """Returns the graph: a node for each thing, an edge for each fact that links two, in the order of the files.

    A node has `kind` and `thing`; an edge has `kind` and the fact itself as `fact`.
    """
    graph: Graph = nx.MultiDiGraph()
    things: dict[str, dict[str, Any]] = {
        "muscle": dict(base.muscles),
        "zone": dict(base.zones),
        "motion": dict(base.motions),
        "technique": dict(base.techniques),
        "functional_unit": dict(base.functional_units),
        "endangerment_site": dict(base.endangerment_sites),
    }
    for kind, members in things.items():
        for identifier, thing in members.items():
            graph.add_node(node(kind, identifier), kind=kind, thing=thing)
    for start, end, kind, fact in _edges(base):
        graph.add_edge(start, end, kind=kind, fact=fact)
    return graph


def _edges(base: KnowledgeBase) -> Iterator[tuple[str, str, str, Evidence]]:
    """Yields start, end, kind and fact of every edge; each starts at a muscle."""
    for fact, kind, muscle, end in chain(
        ((edge, "refers_to", edge.muscle, f"zone/{edge.zone}") for edge in base.refers_to),
        ((edge, "limits_motion", edge.muscle, f"motion/{edge.motion}") for edge in base.limits_motion),
        ((edge, "satellite_of", edge.muscle, f"muscle/{edge.key}") for edge in base.satellite_of),
        ((edge, "treated_by", edge.muscle, f"technique/{edge.technique}") for edge in base.treated_by),
        ((edge, "overlies", edge.muscle, f"muscle/{edge.deeper}") for edge in base.overlies),
        _memberships(base),
    ):
        yield node("muscle", muscle), end, kind, fact


def _memberships(base: KnowledgeBase) -> Iterator[tuple[Evidence, str, str, str]]:
    """Yields the edges that the files write as lists inside a node."""
    for muscle in base.muscles.values():
        yield from ((muscle, "lies_in", muscle.id, f"zone/{zone}") for zone in muscle.lies_in)
    for unit in base.functional_units.values():
        for member in unit.members:
            yield unit, "functional_partner", member.muscle, f"functional_unit/{unit.id}"
    for site in base.endangerment_sites.values():
        yield from ((site, "near", muscle, f"endangerment_site/{site.id}") for muscle in site.muscles)
