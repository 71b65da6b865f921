"""The graph compiled for reading: what leads to a zone, a motion, a muscle, in one step and always in one order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from knowledge.model import (
    EndangermentSite,
    FunctionalUnit,
    Handling,
    KnowledgeBase,
    LimitsMotion,
    Muscle,
    Overlies,
    Phase,
    RefersTo,
    SatelliteOf,
    Technique,
    TreatedBy,
)
from services.planner.graph.build import Graph, build_graph
from services.planner.graph.numbers import Numbers, read_numbers

Fact = TypeVar("Fact")


@dataclass(frozen=True, slots=True, kw_only=True)
class KnowledgeGraph:
    """Adjacency by id. Each value is in the order of its key fields, so that no walk depends on the order of files."""

    base: KnowledgeBase
    numbers: Numbers
    referrals_to: Mapping[str, tuple[RefersTo, ...]]
    referrals_of: Mapping[str, tuple[RefersTo, ...]]
    muscles_under: Mapping[str, tuple[Muscle, ...]]
    limits_on: Mapping[str, tuple[LimitsMotion, ...]]
    limits_by: Mapping[str, tuple[LimitsMotion, ...]]
    keys_of: Mapping[str, tuple[SatelliteOf, ...]]
    treatments_of: Mapping[str, tuple[TreatedBy, ...]]
    deeper_than: Mapping[str, tuple[Overlies, ...]]
    units_of: Mapping[str, tuple[FunctionalUnit, ...]]
    sites_of: Mapping[str, tuple[EndangermentSite, ...]]
    region_rank: Mapping[str, int]
    zone_rank: Mapping[str, int]
    limb_regions: frozenset[str]
    intraoral_techniques: frozenset[str]
    techniques_in: Mapping[Phase, tuple[Technique, ...]]


def compile_graph(base: KnowledgeBase, graph: Graph | None = None) -> KnowledgeGraph:
    """Returns the indexes of the graph of `base`. Raises KnowledgeIncomplete if a planning number is missing.

    `region_rank` and `zone_rank` follow their files, which go from the trunk outwards. A region none of whose zones
    crosses the midline is a limb: it has a left and a right that are warmed up on their own. An intraoral technique is
    one that asks for consent and is used on a muscle that can only be reached inside the mouth.
    """
    whole = build_graph(base) if graph is None else graph
    crossing = {zone.region for zone in base.zones.values() if zone.crosses_midline}
    return KnowledgeGraph(
        base=base,
        numbers=read_numbers(base.planning),
        referrals_to=_by_end(whole, "refers_to", RefersTo, ("role", "muscle", "side")),
        referrals_of=_by_start(whole, "refers_to", RefersTo, ("role", "zone", "side")),
        muscles_under=_by_end(whole, "lies_in", Muscle, ("id",)),
        limits_on=_by_end(whole, "limits_motion", LimitsMotion, ("muscle", "mechanism", "side", "test_variant")),
        limits_by=_by_start(whole, "limits_motion", LimitsMotion, ("motion", "mechanism", "side", "test_variant")),
        keys_of=_by_start(whole, "satellite_of", SatelliteOf, ("key", "mechanism", "side")),
        treatments_of=_by_start(whole, "treated_by", TreatedBy, ("order", "technique")),
        deeper_than=_by_start(whole, "overlies", Overlies, ("deeper",)),
        units_of=_by_start(whole, "functional_partner", FunctionalUnit, ("id",)),
        sites_of=_by_start(whole, "near", EndangermentSite, ("id",)),
        region_rank={region: rank for rank, region in enumerate(base.regions)},
        zone_rank={zone: rank for rank, zone in enumerate(base.zones)},
        limb_regions=frozenset(set(base.regions) - crossing),
        intraoral_techniques=_intraoral_techniques(base),
        techniques_in={
            phase: tuple(
                sorted((t for t in base.techniques.values() if t.phase is phase), key=lambda technique: technique.id)
            )
            for phase in Phase
        },
    )


def _intraoral_techniques(base: KnowledgeBase) -> frozenset[str]:
    return frozenset(
        use.technique
        for use in base.treated_by
        if base.techniques[use.technique].consent and base.muscles[use.muscle].handling is Handling.INTRAORAL
    )


def _by_start(graph: Graph, kind: str, of: type[Fact], order: tuple[str, ...]) -> dict[str, tuple[Fact, ...]]:
    found: dict[str, list[Fact]] = {}
    for start, _, data in graph.edges(data=True):
        if data["kind"] == kind:
            found.setdefault(_id(start), []).append(data["fact"])
    return _sorted(found, of, order)


def _by_end(graph: Graph, kind: str, of: type[Fact], order: tuple[str, ...]) -> dict[str, tuple[Fact, ...]]:
    found: dict[str, list[Fact]] = {}
    for _, end, data in graph.edges(data=True):
        if data["kind"] == kind:
            found.setdefault(_id(end), []).append(data["fact"])
    return _sorted(found, of, order)


def _sorted(found: dict[str, list[Fact]], _: type[Fact], order: tuple[str, ...]) -> dict[str, tuple[Fact, ...]]:
    def key(fact: Any) -> tuple[Any, ...]:
        return tuple(getattr(fact, name) for name in order)

    return {identifier: tuple(sorted(facts, key=key)) for identifier, facts in found.items()}


def _id(key: str) -> str:
    return key.partition("/")[2]
