"""A zone says that serious diseases imitate muscle pain there exactly when an urgent mimic names it."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.lint.finding import Finding
from knowledge.model import KnowledgeBase, Urgency

RULE = "serious_mimics_flag"
REMEDY = "let the flag of the zone and the mimics agree"


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields zones with the flag and no urgent mimic, and zones with an urgent mimic and no flag."""
    urgent = {
        zone
        for mimic in base.mimics.values()
        if mimic.urgency in {Urgency.EMERGENCY, Urgency.SAME_DAY}
        for zone in mimic.zones
    }
    for zone in base.zones.values():
        if zone.serious_mimics and zone.id not in urgent:
            yield Finding(RULE, zone.id, "has serious mimics and none is named", REMEDY)
        if not zone.serious_mimics and zone.id in urgent:
            named = sorted(mimic.id for mimic in base.mimics.values() if zone.id in mimic.zones)
            yield Finding(RULE, zone.id, f"has no serious mimics and one is named ({', '.join(named)})", REMEDY)
