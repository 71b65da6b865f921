"""Questions to the knowledge base that take more than a look-up."""

from __future__ import annotations

from dataclasses import dataclass

from knowledge.model import LimitsMotion, Mechanism, RefersTo, Role
from services.planner.domain.sides import Side, muscle_sides
from services.planner.graph.index import KnowledgeGraph

_CONFIDENCE = ("high", "medium", "low")


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedMuscle:
    """A muscle on one side that refers pain to the zone asked for; `weight` is in [0, 1]."""

    edge: RefersTo
    side: Side
    weight: float


def trace_zone(graph: KnowledgeGraph, zone: str, side: Side) -> tuple[TracedMuscle, ...]:
    """Returns the muscles that refer pain to a zone: usual ones first, then by weight, confidence and id.

    The centre of a zone is reached from both sides.
    """
    traced = [
        TracedMuscle(edge=edge, side=one, weight=round(graph.numbers.of_referral(edge), 6))
        for edge in graph.referrals_to.get(zone, ())
        for one in muscle_sides(side, edge.side, paired=graph.base.muscles[edge.muscle].paired)
    ]
    return tuple(
        sorted(
            traced,
            key=lambda muscle: (
                muscle.edge.role is not Role.PRIMARY,
                -muscle.weight,
                _CONFIDENCE.index(muscle.edge.confidence),
                muscle.edge.muscle,
                muscle.side is not side,
                muscle.side,
            ),
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RestrictingMuscle:
    """A muscle on one side that limits the motion asked for; `weight` is in [0, 1]."""

    edge: LimitsMotion
    side: Side
    weight: float


def trace_motion(graph: KnowledgeGraph, motion: str, side: Side) -> tuple[RestrictingMuscle, ...]:
    """Returns the muscles that limit a motion, by weight, then mechanism, confidence and id.

    A motion in the middle of the body is limited from both sides.
    """
    numbers = graph.numbers
    weight_of = {
        Mechanism.SHORTENED: numbers.rom_weight_shortened,
        Mechanism.PAINFUL_CONTRACTION: numbers.rom_weight_painful_contraction,
        Mechanism.INHIBITED: numbers.rom_weight_inhibited,
    }
    traced = [
        RestrictingMuscle(
            edge=edge,
            side=one,
            weight=round(weight_of[edge.mechanism] * numbers.of_confidence(edge.confidence), 6),
        )
        for edge in graph.limits_on.get(motion, ())
        for one in muscle_sides(side, edge.side, paired=graph.base.muscles[edge.muscle].paired)
    ]
    mechanisms = list(Mechanism)
    return tuple(
        sorted(
            traced,
            key=lambda muscle: (
                -muscle.weight,
                mechanisms.index(muscle.edge.mechanism),
                _CONFIDENCE.index(muscle.edge.confidence),
                muscle.edge.muscle,
                muscle.side is not side,
                muscle.side,
            ),
        )
    )
