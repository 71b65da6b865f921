"""A longer dose does more, and each further minute does less than the one before."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from knowledge.lint.finding import Finding
from knowledge.model import KnowledgeBase

RULE = "dose_not_concave"
REMEDY = "correct seconds, effect or load of the doses"

_ROUNDING = 1e-9


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields techniques whose doses do not gain less and less as they get longer."""
    for technique in base.techniques.values():
        doses = [(0, 0.0), *((dose.seconds, dose.effect) for dose in technique.doses)]
        if any(later[0] <= sooner[0] or later[1] <= sooner[1] for sooner, later in pairwise(doses)):
            yield Finding(RULE, technique.id, "a longer dose does not do more", REMEDY)
        elif any(later > sooner + _ROUNDING for sooner, later in pairwise(_gains(doses))):
            yield Finding(RULE, technique.id, "a later minute gains more than an earlier one", REMEDY)
        if any(later.tissue_load < sooner.tissue_load for sooner, later in pairwise(technique.doses)):
            yield Finding(RULE, technique.id, "a longer dose loads the tissue less", REMEDY)


def _gains(doses: list[tuple[int, float]]) -> list[float]:
    return [(later[1] - sooner[1]) / (later[0] - sooner[0]) for sooner, later in pairwise(doses)]
