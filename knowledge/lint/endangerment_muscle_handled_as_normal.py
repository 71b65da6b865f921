"""A muscle at a place where a vessel, nerve or organ can be hurt must not be handled like any other."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.lint.finding import Finding
from knowledge.model import Handling, KnowledgeBase

RULE = "endangerment_muscle_handled_as_normal"
REMEDY = "set the handling near_endangerment, or take the muscle out of the site"

# Level on the pressure scale of 1 to 5.
_MEDIUM = 3


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields muscles of a site that allows medium pressure at most, whose handling is normal."""
    for site in base.endangerment_sites.values():
        if site.max_pressure is None or site.max_pressure > _MEDIUM:
            continue  # only an end of the muscle is near, or only the firmest pressure is too much
        for muscle in site.muscles:
            if base.muscles[muscle].handling is Handling.NORMAL:
                yield Finding(
                    RULE, f"{site.id} -> {muscle}", "limits the pressure on a muscle handled as normal", REMEDY
                )
