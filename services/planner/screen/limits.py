"""What is still allowed for one client in one session: every cut by name, with its rule, source and sentence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from knowledge.model import Cuts, Handling, Muscle, Technique, Tier
from services.planner.domain.constraints import Constraints
from services.planner.domain.plan import OmissionKind
from services.planner.domain.reasons import PathEdge, Reason, Rule
from services.planner.domain.sides import Side
from services.planner.domain.snapshot import Preferences
from services.planner.graph.index import KnowledgeGraph
from services.planner.screen.rules import FiredRule, Screening

EVERYWHERE = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Why something is not allowed. `safety`: a safety rule or a missing consent, not a wish."""

    kind: OmissionKind
    reason: Reason
    message: str

    @property
    def safety(self) -> bool:
        """Whether a person's demand cannot override it."""
        return self.kind is OmissionKind.CONTRAINDICATED


@dataclass(frozen=True, slots=True, kw_only=True)
class PressureCap:
    """The firmest pressure allowed, [1, 5], and the cut that set it (None: nothing did)."""

    level: int
    cut: Cut | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Answers what is cut. Strictest first: safety before consent before wish."""

    graph: KnowledgeGraph
    screening: Screening
    preferences: Preferences
    constraints: Constraints

    # --- muscles and regions ---

    def muscle_cuts(self, muscle: Muscle, side: Side) -> tuple[Cut, ...]:
        """Returns why no hand may work on this muscle at all; empty: it may."""
        return (*self._muscle_rule_cuts(muscle, side), *self._muscle_wish_cuts(muscle, side))

    def _muscle_rule_cuts(self, muscle: Muscle, side: Side) -> Iterator[Cut]:
        for found in self.screening.rules:
            cuts = found.rule.cuts
            if cuts and _reaches_muscle(cuts, found, muscle, side):
                yield _rule_cut(found, f"muscle/{muscle.id}")

    def _muscle_wish_cuts(self, muscle: Muscle, side: Side) -> Iterator[Cut]:
        if muscle.handling is Handling.REFER_ONLY or muscle.tier is Tier.REFER:
            yield Cut(
                kind=OmissionKind.CONTRAINDICATED,
                reason=Reason(
                    rule=Rule.REFER_ONLY, path=(_fact_edge(f"muscle/{muscle.id}", "handling", muscle.source),)
                ),
                message=f"No hands-on work on the {muscle.names[0]}: it belongs in specialised hands.",
            )
        if muscle.handling is Handling.INTRAORAL and self.preferences.intraoral_allowed is not True:
            yield self._intraoral_cut()
        yield from self.region_wish_cuts(muscle.region)
        if self.constraints.excludes(muscle.id, side):
            yield Cut(
                kind=OmissionKind.EXCLUDED_BY_PERSON,
                reason=Reason(rule=Rule.EXCLUDED_BY_PERSON),
                message="A person took it out of the plan.",
            )

    def _intraoral_cut(self) -> Cut:
        asked = self.preferences.intraoral_allowed is not None
        return Cut(
            kind=OmissionKind.CONTRAINDICATED,
            reason=Reason(rule=Rule.INTRAORAL_CONSENT),
            message="The client does not allow work inside the mouth."
            if asked
            else "Nobody has asked whether work inside the mouth is allowed.",
        )

    def region_cuts(self, region: str) -> tuple[Cut, ...]:
        """Returns why no general strokes may be given to this region; empty: they may."""
        return (*self._region_rule_cuts(region), *self.region_wish_cuts(region))

    def _region_rule_cuts(self, region: str) -> Iterator[Cut]:
        for found in self.screening.rules:
            cuts = found.rule.cuts
            if cuts and (region in cuts.regions or (cuts.flagged_zone and any(not p.zone for p in found.places))):
                yield _rule_cut(found, f"region/{region}")

    def region_wish_cuts(self, region: str) -> Iterator[Cut]:
        """Yields the client's own no to a region."""
        if region in self.preferences.regions_not_to_touch:
            yield Cut(
                kind=OmissionKind.CONTRAINDICATED,
                reason=Reason(rule=Rule.REGION_NOT_TO_TOUCH),
                message=f"The client does not want the {self.graph.base.regions[region].names[0]} to be touched.",
            )

    def zones_to_spare(self, region: str) -> tuple[tuple[FiredRule, str, Side | None], ...]:
        """Returns the zones of a region that a rule keeps hands away from, with the side (None: both)."""
        spared: list[tuple[FiredRule, str, Side | None]] = []
        for found in self.screening.rules:
            cuts = found.rule.cuts
            if cuts is None:
                continue
            places: list[tuple[str, Side | None]] = [(zone, None) for zone in cuts.zones]
            if cuts.flagged_zone:
                places += [(place.zone, place.side) for place in found.places if place.zone]
            spared += [(found, zone, side) for zone, side in places if self.graph.base.zones[zone].region == region]
        return tuple(spared)

    # --- techniques ---

    def technique_cuts(self, technique: Technique, region: str, muscle: str, side: Side | None) -> tuple[Cut, ...]:
        """Returns why a technique may not be used on a muscle (or, `muscle` empty, on a region); empty: it may."""
        return tuple(self._technique_cuts(technique, region, muscle, side))

    def _technique_cuts(self, technique: Technique, region: str, muscle: str, side: Side | None) -> Iterator[Cut]:
        for found in self.screening.rules:
            cuts = found.rule.cuts
            if cuts and _reaches_technique(cuts, technique) and _applies_in(found, region):
                yield _rule_cut(found, f"technique/{technique.id}")
        if technique.id in self.graph.intraoral_techniques and self.preferences.intraoral_allowed is not True:
            yield self._intraoral_cut()
        for site in self.graph.sites_of.get(muscle, ()):
            if technique.id in site.no_techniques:
                yield Cut(
                    kind=OmissionKind.CONTRAINDICATED,
                    reason=Reason(
                        rule=Rule.ENDANGERMENT_SITE,
                        path=(_fact_edge(f"muscle/{muscle}", "near", site.source, site.id),),
                    ),
                    message=f"{site.names[0]}: {site.rule}",
                )
        cap = self.pressure_cap(region, muscle)
        if cap.cut and technique.pressure.min > cap.level:
            yield cap.cut
        if technique.id in self.preferences.avoid_techniques:
            yield Cut(
                kind=OmissionKind.EXCLUDED_BY_PERSON,
                reason=Reason(rule=Rule.AVOIDED_BY_CLIENT),
                message=f"The client does not want {technique.names[0]}.",
            )
        if muscle and side and self.constraints.excludes(muscle, side, technique.id):
            yield Cut(
                kind=OmissionKind.EXCLUDED_BY_PERSON,
                reason=Reason(rule=Rule.EXCLUDED_BY_PERSON),
                message=f"A person took {technique.names[0]} on it out of the plan.",
            )

    def pressure_cap(self, region: str, muscle: str) -> PressureCap:
        """Returns the firmest pressure allowed on a muscle (or, `muscle` empty, on a region) and why."""
        caps = list(self._pressure_caps(region, muscle))
        lowest = min(caps, key=lambda cap: cap.level, default=None)
        return lowest or PressureCap(level=_FIRMEST, cut=None)

    def _pressure_caps(self, region: str, muscle: str) -> Iterator[PressureCap]:
        for found in self.screening.rules:
            cuts = found.rule.cuts
            if cuts and cuts.max_pressure is not None and _applies_in(found, region):
                yield PressureCap(level=cuts.max_pressure, cut=_rule_cut(found, "pressure"))
        for site in self.graph.sites_of.get(muscle, ()):
            if site.max_pressure is not None:
                reason = Reason(
                    rule=Rule.ENDANGERMENT_SITE, path=(_fact_edge(f"muscle/{muscle}", "near", site.source, site.id),)
                )
                cut = Cut(kind=OmissionKind.CONTRAINDICATED, reason=reason, message=f"{site.names[0]}: {site.rule}")
                yield PressureCap(level=site.max_pressure, cut=cut)
        tolerance = self.preferences.pressure_tolerance
        assumed = int(self.graph.numbers.pressure_tolerance_default)
        for rule, level, who in (
            (Rule.PRESSURE_TOLERANCE, tolerance, "The client wants"),
            (Rule.PRESSURE_NOT_ASKED, assumed if tolerance is None else None, "Nobody asked, so the plan assumes"),
            (Rule.MAX_PRESSURE, self.constraints.max_pressure, "A person allows"),
        ):
            if level is not None:
                cut = Cut(
                    kind=OmissionKind.EXCLUDED_BY_PERSON,
                    reason=Reason(rule=rule),
                    message=f"{who} no more than pressure {level} of {_FIRMEST}.",
                )
                yield PressureCap(level=level, cut=cut)

    @property
    def sensitised(self) -> bool:
        """Whether a fired rule says that touch hurts this client sooner."""
        return any(found.rule.cuts is not None and found.rule.cuts.sensitised for found in self.screening.rules)

    # --- positions and time ---

    def position_cuts(self, position: str) -> tuple[Cut, ...]:
        """Returns why the client may not or cannot be in a position; empty: it is possible."""
        return tuple(self._position_cuts(position))

    def _position_cuts(self, position: str) -> Iterator[Cut]:
        for found in self.screening.rules:
            if found.rule.cuts and position in found.rule.cuts.positions:
                yield _rule_cut(found, f"position/{position}")
        if position in (*self.preferences.unavailable_positions, *self.constraints.unavailable_positions):
            yield Cut(
                kind=OmissionKind.POSITION_UNAVAILABLE,
                reason=Reason(rule=Rule.POSITION_UNAVAILABLE),
                message=f"The client cannot be {self.graph.base.positions[position].names[0]} today.",
            )

    def longest_session(self) -> tuple[int, FiredRule] | None:
        """Returns the most minutes [min] that a fired rule allows, and the rule; None: no rule shortens the session."""
        caps = [
            (found.rule.cuts.max_minutes, found)
            for found in self.screening.rules
            if found.rule.cuts and found.rule.cuts.max_minutes is not None
        ]
        return min(caps, key=lambda cap: cap[0], default=None)


# The top of Walton's pressure scale, which runs from 1.
_FIRMEST = 5


def _applies_in(found: FiredRule, region: str) -> bool:
    return not found.rule.only_in or region in found.rule.only_in


def _reaches_muscle(cuts: Cuts, found: FiredRule, muscle: Muscle, side: Side) -> bool:
    if muscle.id in cuts.muscles or muscle.region in cuts.regions or set(muscle.lies_in) & set(cuts.zones):
        return True
    return cuts.flagged_zone and any(
        not place.zone or (place.zone in muscle.lies_in and _same_side(place.side, side)) for place in found.places
    )


def _same_side(flagged: Side | None, muscle: Side) -> bool:
    """A flag without a side, or on the midline, reaches both sides; so does a midline muscle."""
    return flagged is None or Side.MIDLINE in {flagged, muscle} or flagged is muscle


def _reaches_technique(cuts: Cuts, technique: Technique) -> bool:
    return technique.id in cuts.techniques or technique.family in cuts.families


def _rule_cut(found: FiredRule, target: str) -> Cut:
    path = tuple(
        PathEdge(
            start=f"condition/{condition}",
            edge="contraindicates",
            end=target,
            weight=None,
            source=found.rule.source,
        )
        for condition in found.conditions
    )
    return Cut(
        kind=OmissionKind.CONTRAINDICATED,
        reason=Reason(rule=found.rule.id, findings=found.findings, path=path),
        message=found.rule.message,
    )


def _fact_edge(start: str, edge: str, source: str, end: str = "") -> PathEdge:
    return PathEdge(
        start=start, edge=edge, end=f"endangerment_site/{end}" if end else start, weight=None, source=source
    )
