"""Which movements lengthen a muscle, and in which positions the joint is free to make them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from knowledge.model import Confidence, LimitsMotion, Mechanism, Motion
from knowledge.model import Side as Relation
from services.planner.domain.sides import Side, position_of
from services.planner.graph.index import KnowledgeGraph

_TRUST = {confidence: rank for rank, confidence in enumerate(Confidence)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """A movement that lengthens a muscle. `side` None: the movement to either side does it.

    `variant` says how the limb is held; `positions` are position ids.
    """

    motion: Motion
    side: Side | None
    variant: str
    positions: tuple[str, ...]


def movements(muscle: str, treated: Side, graph: KnowledgeGraph) -> tuple[Movement, ...]:
    """Returns the movements that lengthen a muscle of this side, the best known first; empty: none is known.

    What a muscle stops by being short is what lengthens it.
    """
    edges = [edge for edge in graph.limits_by.get(muscle, ()) if edge.mechanism is Mechanism.SHORTENED]
    edges.sort(key=lambda edge: _TRUST[edge.confidence])
    return tuple(_movements(edges, treated, graph))


def _movements(edges: list[LimitsMotion], treated: Side, graph: KnowledgeGraph) -> Iterator[Movement]:
    for edge in edges:
        motion = graph.base.motions[edge.motion]
        accesses = edge.lengthened_in or motion.moved_in
        places = [position for access in accesses for position in position_of(access, treated)]
        if places:
            yield Movement(
                motion=motion,
                side=_side(motion, edge.side, treated),
                variant=edge.test_variant,
                positions=tuple(dict.fromkeys(places)),
            )


def _side(motion: Motion, relation: Relation, treated: Side) -> Side | None:
    if motion.sides == ("midline",):
        return Side.MIDLINE
    if treated is Side.MIDLINE or relation is Relation.BOTH:
        return None
    return treated if relation is Relation.SAME else treated.other
