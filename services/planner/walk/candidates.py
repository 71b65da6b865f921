"""The walk: from every finding over the graph to the muscles it points to, ranked, each with the computation behind it.

It touches only what the findings reach, so its cost follows the findings, not the size of the graph.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain

from services.planner.domain.plan import Candidate
from services.planner.domain.reasons import Reason, Rule
from services.planner.domain.sides import Side, leading_side
from services.planner.domain.snapshot import Classification, Palpation, Snapshot
from services.planner.graph.index import KnowledgeGraph
from services.planner.walk.evidence import Factor, Line, combine, merged
from services.planner.walk.lines import (
    Spot,
    is_positive,
    motion_lines,
    pain_lines,
    palpation_factor,
    palpation_line,
    partner_lines,
    satellite_lines,
)

Lines = dict[Spot, list[Line]]


# A plan stays below the size of a message however much was found: so many muscles are listed, with so many reasons in
# all. An assessment of usual size comes nowhere near.
MOST_CANDIDATES = 100
_MOST_REASONS = 600


def walk(snapshot: Snapshot, graph: KnowledgeGraph) -> tuple[Candidate, ...]:
    """Returns the muscles that the findings point to, best first; the same findings give the same digits.

    Ties go by region from the trunk outwards, then by muscle, then the side first named in the assessment. All muscles
    are there, `within_bounds` cuts the list.
    """
    palpations = _by_spot(snapshot.palpations)
    positive = frozenset(spot for spot, found in palpations.items() if any(map(is_positive, found)))
    lines = _lines(snapshot, palpations, graph)
    own = {spot: _judge(spot, found, palpations, snapshot, graph)[0] for spot, found in lines.items()}
    related = _related(lines, positive, own, graph)
    lead = leading_side(_sides(snapshot))
    candidates = [
        Candidate(
            muscle=spot.muscle,
            side=spot.side,
            score=score,
            reasons=reasons,
            to_confirm=not any(palpation for palpation in palpations.get(spot, ()) if _tells(palpation)),
        )
        for spot, found in related.items()
        for score, reasons in (_judge(spot, found, palpations, snapshot, graph),)
        if score >= graph.numbers.candidate_score_least
    ]
    return tuple(
        sorted(
            candidates,
            key=lambda candidate: (
                -candidate.score,
                graph.region_rank[graph.base.muscles[candidate.muscle].region],
                candidate.muscle,
                candidate.side is not lead,
                candidate.side,
            ),
        )
    )


def within_bounds(candidates: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
    """Returns the strongest candidates, their weakest reasons told together where there are very many."""
    listed = candidates[:MOST_CANDIDATES]
    most = _MOST_REASONS // max(len(listed), 1)
    return tuple(replace(candidate, reasons=merged(candidate.reasons, most)) for candidate in listed)


def has_positive_palpation(snapshot: Snapshot) -> bool:
    """Whether the hands found anything anywhere: then only what they found is treated."""
    return any(map(is_positive, snapshot.palpations))


def lead_of(snapshot: Snapshot) -> Side:
    """Returns the side that goes first where nothing else decides: the first one the findings name."""
    return leading_side(_sides(snapshot))


def _tells(palpation: Palpation) -> bool:
    return is_positive(palpation) or palpation.classification is Classification.UNREMARKABLE


def _sides(snapshot: Snapshot) -> Iterator[Side]:
    yield from (area.side for area in snapshot.pain_areas)
    yield from (palpation.side for palpation in snapshot.palpations)
    yield from (test.side for test in snapshot.rom_tests)
    yield from (flag.side for flag in snapshot.health_flags if flag.side)


def _by_spot(palpations: tuple[Palpation, ...]) -> dict[Spot, tuple[Palpation, ...]]:
    found: dict[Spot, tuple[Palpation, ...]] = {}
    for palpation in palpations:
        spot = Spot(palpation.muscle, palpation.side)
        found[spot] = (*found.get(spot, ()), palpation)
    return found


def _lines(snapshot: Snapshot, palpations: Mapping[Spot, tuple[Palpation, ...]], graph: KnowledgeGraph) -> Lines:
    """Collects the lines of pain and palpation, then of motion, which reach less far where nothing else points."""
    lines: Lines = {}
    for spot, line in pain_lines(snapshot, graph):
        lines.setdefault(spot, []).append(line)
    for order, palpation in enumerate(snapshot.palpations):
        own = palpation_line(palpation, order, graph.numbers)
        if own:
            lines.setdefault(Spot(palpation.muscle, palpation.side), []).append(own)
    pointed_to = set(lines) | set(palpations)
    for spot, line in motion_lines(snapshot, graph):
        reach = 1.0 if spot in pointed_to else graph.numbers.motion_reach
        lines.setdefault(spot, []).append(
            Line(
                rule=line.rule,
                topic=line.topic,
                strength=line.strength * reach,
                findings=line.findings,
                path=line.path,
                order=line.order,
            )
        )
    return lines


def _related(lines: Lines, positive: frozenset[Spot], scores: Mapping[Spot, float], graph: KnowledgeGraph) -> Lines:
    """Adds what positive muscles say about their keys and partners, from the scores that they have by themselves."""
    related = {spot: list(found) for spot, found in lines.items()}
    for spot in scores:
        if spot in positive:
            for other, line in chain(
                satellite_lines(spot, positive, scores, graph), partner_lines(spot, scores, graph)
            ):
                related[other].append(line)
    return related


def _judge(
    spot: Spot,
    lines: list[Line],
    palpations: Mapping[Spot, tuple[Palpation, ...]],
    snapshot: Snapshot,
    graph: KnowledgeGraph,
) -> tuple[float, tuple[Reason, ...]]:
    factors = [palpation_factor(palpations.get(spot, ()), graph.base.muscles[spot.muscle].palpability, graph.numbers)]
    focus = _focus(lines, snapshot)
    if focus:
        factors.append(Factor(rule=Rule.CLIENT_FOCUS, multiplier=graph.numbers.focus_zone_multiplier, findings=focus))
    return combine(lines, factors)


def _focus(lines: list[Line], snapshot: Snapshot) -> tuple[str, ...]:
    """Returns the findings through which the muscle belongs to a zone that the client wants treated."""
    wanted = {f"zone/{zone}" for zone in snapshot.preferences.focus_zones}
    return tuple(dict.fromkeys(finding for line in lines if line.topic in wanted for finding in line.findings))
