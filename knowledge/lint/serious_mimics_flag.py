"""A zone warns of serious diseases that imitate muscle pain when, and only when, such a disease is named for it."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.lint.finding import Finding
from knowledge.model import KnowledgeBase, Mimic, Urgency

RULE = "serious_mimics_flag"
REMEDY = "let the flag of the zone and the mimics agree"


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields zones with the flag and no urgent mimic, and zones with an emergency among their mimics and no flag."""
    mimics_of: dict[str, list[Mimic]] = {zone: [] for zone in base.zones}
    for mimic in base.mimics.values():
        for zone in mimic.zones:
            mimics_of[zone].append(mimic)
    for zone in base.zones:
        urgent = [mimic.id for mimic in mimics_of[zone] if mimic.urgency in {Urgency.EMERGENCY, Urgency.SAME_DAY}]
        emergencies = [mimic.id for mimic in mimics_of[zone] if mimic.urgency is Urgency.EMERGENCY]
        if base.zones[zone].serious_mimics and not urgent:
            yield Finding(RULE, zone, "has serious mimics and none is named", REMEDY)
        if emergencies and not base.zones[zone].serious_mimics:
            yield Finding(RULE, zone, f"has no serious mimics and {', '.join(emergencies)} is one", REMEDY)
