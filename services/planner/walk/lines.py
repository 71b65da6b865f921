"""The lines of evidence, one function each: from a finding over an edge of the graph to a muscle on one side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from knowledge.model import LimitsMotion, Mechanism
from services.planner.domain.reasons import PathEdge, Rule
from services.planner.domain.sides import Side, muscle_sides
from services.planner.domain.snapshot import (
    Classification,
    LimitedBy,
    Mode,
    PainArea,
    Palpation,
    RomTest,
    Snapshot,
    Verdict,
)
from services.planner.graph.index import KnowledgeGraph
from services.planner.graph.numbers import Numbers
from services.planner.walk.evidence import Factor, Line

_MOST_INTENSE = 10.0


@dataclass(frozen=True, slots=True, order=True)
class Spot:
    """A muscle on one side."""

    muscle: str
    side: Side


def pain_lines(snapshot: Snapshot, graph: KnowledgeGraph) -> Iterator[tuple[Spot, Line]]:
    """A painful zone proposes the muscles that refer there, and weakly those that lie under it."""
    for order, area in enumerate(snapshot.pain_areas):
        for edge in graph.referrals_to.get(area.zone, ()):
            weight = graph.numbers.of_referral(edge)
            strength = graph.numbers.pain_area_weight * weight * _intensity_share(area.intensity, graph.numbers)
            path = (_edge(f"zone/{area.zone}", "refers_to", f"muscle/{edge.muscle}", weight, edge.source),)
            for side in muscle_sides(area.side, edge.side, paired=graph.base.muscles[edge.muscle].paired):
                yield Spot(edge.muscle, side), _pain_line(Rule.REFERRAL_TO_PAIN_ZONE, area, strength, path, order)
        yield from _local_pain_lines(area, order, graph)


def _local_pain_lines(area: PainArea, order: int, graph: KnowledgeGraph) -> Iterator[tuple[Spot, Line]]:
    weight = graph.numbers.local_pain_weight
    strength = weight * _intensity_share(area.intensity, graph.numbers)
    for muscle in graph.muscles_under.get(area.zone, ()):
        path = (_edge(f"zone/{area.zone}", "lies_in", f"muscle/{muscle.id}", weight, muscle.source),)
        if not muscle.paired:
            sides: tuple[Side, ...] = (Side.MIDLINE,)
        else:
            sides = (Side.LEFT, Side.RIGHT) if area.side is Side.MIDLINE else (area.side,)
        for side in sides:
            yield Spot(muscle.id, side), _pain_line(Rule.LIES_UNDER_PAIN_ZONE, area, strength, path, order)


def _pain_line(rule: Rule, area: PainArea, strength: float, path: tuple[PathEdge, ...], order: int) -> Line:
    return Line(rule=rule, topic=f"zone/{area.zone}", strength=strength, findings=(area.id,), path=path, order=order)


def motion_lines(snapshot: Snapshot, graph: KnowledgeGraph) -> Iterator[tuple[Spot, Line]]:
    """A reduced or painful motion points to the muscles that limit it, by the mechanism that the test shows."""
    for order, test in enumerate(snapshot.rom_tests):
        rule, share = motion_finding(test, graph.numbers)
        if rule is None:
            continue
        for edge in graph.limits_on.get(test.motion, ()):
            weight = _mechanism_weight(edge, test, graph.numbers) * graph.numbers.of_confidence(edge.confidence)
            path = (_edge(f"motion/{test.motion}", "limits_motion", f"muscle/{edge.muscle}", weight, edge.source),)
            line = Line(
                rule=rule,
                topic=f"motion/{test.motion}/{test.side}",
                strength=weight * share,
                findings=(test.id,),
                path=path,
                order=order,
            )
            for side in muscle_sides(test.side, edge.side, paired=graph.base.muscles[edge.muscle].paired):
                yield Spot(edge.muscle, side), line


def motion_finding(test: RomTest, numbers: Numbers) -> tuple[Rule | None, float]:
    """Returns what a test says about muscles and how much of it, [0, 1]; None: nothing.

    A motion that ends at the natural end of the joint says nothing about a muscle. The share grows with the deficit,
    as a part of the reference or of the better side, up to the deficit from which it is full.
    """
    if test.limited_by is LimitedBy.END_RANGE:
        return None, 0.0
    painful = numbers.rom_painful_without_deficit * _intensity_share(test.pain, numbers) if test.pain else 0.0
    if test.verdict is Verdict.REDUCED:
        return Rule.LIMITS_REDUCED_MOTION, max(painful, _deficit_share(test, numbers))
    return (Rule.LIMITS_PAINFUL_MOTION, painful) if painful else (None, 0.0)


def _deficit_share(test: RomTest, numbers: Numbers) -> float:
    shares = []
    for missing in (test.deficit, -test.side_difference if test.side_difference is not None else None):
        if missing is not None and missing > 0 and test.value is not None:
            whole = test.value + missing
            shares.append(missing / whole if whole > 0 else 1.0)
    if not shares:
        # Found reduced, but the figures are not told: the finding stands at its full weight.
        return 1.0
    return min(1.0, max(shares) / numbers.rom_full_deficit_share)


def _mechanism_weight(edge: LimitsMotion, test: RomTest, numbers: Numbers) -> float:
    """A short muscle stops the stretch, a sore one hurts as it contracts; a test can point to the other of the two."""
    if edge.mechanism is Mechanism.SHORTENED:
        other = test.limited_by is LimitedBy.CONTRACTION or test.mode is Mode.RESISTED
        weight = numbers.rom_weight_shortened
    elif edge.mechanism is Mechanism.PAINFUL_CONTRACTION:
        other = test.limited_by is LimitedBy.STRETCH or test.mode is Mode.PASSIVE
        weight = numbers.rom_weight_painful_contraction
    else:
        other = test.mode is Mode.PASSIVE
        weight = numbers.rom_weight_inhibited
    return weight * (numbers.rom_other_mechanism_multiplier if other else 1.0)


def palpation_line(palpation: Palpation, order: int, numbers: Numbers) -> Line | None:
    """A positive palpation is a line of its own, without any painful area that leads to it."""
    strength = {
        Classification.ACTIVE_TRIGGER_POINT: numbers.palpation_own_evidence_active,
        Classification.LATENT_TRIGGER_POINT: numbers.palpation_own_evidence_latent,
        Classification.TENDER: numbers.palpation_own_evidence_tender,
        Classification.TAUT: numbers.palpation_own_evidence_taut,
        Classification.INCOMPLETE: _incomplete_strength(palpation, numbers),
        Classification.UNREMARKABLE: 0.0,
    }[palpation.classification]
    if not strength:
        return None
    return Line(
        rule=Rule.PALPATION_POSITIVE,
        topic="palpation",
        strength=strength,
        findings=(palpation.id,),
        path=(),
        order=order,
    )


def _incomplete_strength(palpation: Palpation, numbers: Numbers) -> float:
    if palpation.reproduces_familiar_pain or is_tender(palpation):
        return numbers.palpation_own_evidence_tender
    return numbers.palpation_own_evidence_taut if palpation.taut_band else 0.0


def is_tender(palpation: Palpation) -> bool:
    """Whether a spot was found tender, by word or by number."""
    return bool(palpation.spot_tenderness) or bool(palpation.tenderness)


def is_positive(palpation: Palpation) -> bool:
    """Whether the hands found something: the muscle can be treated."""
    if palpation.classification is Classification.INCOMPLETE:
        return bool(palpation.reproduces_familiar_pain or palpation.taut_band or is_tender(palpation))
    return palpation.classification is not Classification.UNREMARKABLE


def palpation_factor(palpations: tuple[Palpation, ...], palpability: float, numbers: Numbers) -> Factor:
    """What the hands found multiplies the odds: the familiar pain most, then tenderness, then the taut band.

    Of several sites of one muscle the most telling counts. What is hard to palpate moves the odds less.
    """
    positive = [palpation for palpation in palpations if is_positive(palpation)]
    if positive:
        multiplier = max(_signs(palpation, numbers) for palpation in positive)
        rule, told = Rule.PALPATION_CONFIRMS, tuple(palpation.id for palpation in positive)
    else:
        silent = tuple(p.id for p in palpations if p.classification is Classification.UNREMARKABLE)
        if not silent:
            return Factor(rule=Rule.NOT_PALPATED, multiplier=numbers.unpalpated_weight)
        multiplier, rule, told = numbers.palpation_unremarkable, Rule.PALPATION_UNREMARKABLE, silent
    return Factor(rule=rule, multiplier=1 + (multiplier - 1) * palpability, findings=told)


def _signs(palpation: Palpation, numbers: Numbers) -> float:
    product = 1.0
    if palpation.reproduces_familiar_pain:
        product *= numbers.palpation_familiar_pain
    if is_tender(palpation):
        degree = numbers.pain_intensity_when_missing if palpation.tenderness is None else palpation.tenderness
        product *= 1 + (numbers.palpation_tenderness - 1) * degree / _MOST_INTENSE
    if palpation.referred_pain:
        product *= numbers.palpation_referred_pain
    if palpation.taut_band:
        product *= numbers.palpation_taut_band
    if palpation.classification is Classification.LATENT_TRIGGER_POINT:
        product *= numbers.palpation_latent
    return product


def satellite_lines(
    spot: Spot, positive: frozenset[Spot], scores: Mapping[Spot, float], graph: KnowledgeGraph
) -> Iterator[tuple[Spot, Line]]:
    """A positive muscle points to its key, if that is itself positive: treating the key first eases both."""
    paired = graph.base.muscles[spot.muscle].paired
    for edge in graph.keys_of.get(spot.muscle, ()):
        weight = graph.numbers.satellite_pull * graph.numbers.of_confidence(edge.confidence)
        near = spot.side if paired else Side.MIDLINE
        for side in muscle_sides(near, edge.side, paired=graph.base.muscles[edge.key].paired):
            key = Spot(edge.key, side)
            if key in positive:
                path = (_edge(f"muscle/{spot.muscle}", "satellite_of", f"muscle/{edge.key}", weight, edge.source),)
                yield (
                    key,
                    Line(
                        rule=Rule.KEY_OF_SATELLITE,
                        topic=f"satellite/{spot.muscle}/{spot.side is side}",
                        strength=weight * scores[spot],
                        findings=(),
                        path=path,
                        order=0,
                    ),
                )


def partner_lines(spot: Spot, scores: Mapping[Spot, float], graph: KnowledgeGraph) -> Iterator[tuple[Spot, Line]]:
    """A positive muscle raises its partners in a movement a little, if other findings already point to them."""
    for unit in graph.units_of.get(spot.muscle, ()):
        weight = graph.numbers.partner_weight * graph.numbers.of_confidence(unit.confidence)
        for member in unit.members:
            side = spot.side if graph.base.muscles[member.muscle].paired else Side.MIDLINE
            partner = Spot(member.muscle, side)
            if partner in scores and partner != spot:
                unit_node = f"functional_unit/{unit.id}"
                path = (
                    _edge(f"muscle/{spot.muscle}", "functional_partner", unit_node, weight, unit.source),
                    _edge(unit_node, "functional_partner", f"muscle/{member.muscle}", None, unit.source),
                )
                yield (
                    partner,
                    Line(
                        rule=Rule.FUNCTIONAL_PARTNER,
                        topic="partner",
                        strength=weight * scores[spot],
                        findings=(),
                        path=path,
                        order=0,
                    ),
                )


def _intensity_share(intensity: float | None, numbers: Numbers) -> float:
    """A line from the least share at 0 to the whole at 10."""
    degree = numbers.pain_intensity_when_missing if intensity is None else intensity
    least = numbers.pain_intensity_weight_least
    return least + (1 - least) * degree / _MOST_INTENSE


def _edge(start: str, edge: str, end: str, weight: float | None, source: str) -> PathEdge:
    return PathEdge(start=start, edge=edge, end=end, weight=None if weight is None else round(weight, 6), source=source)
