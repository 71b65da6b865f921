"""A muscle that stops a motion by being short must have a technique that lengthens it."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.lint.finding import Finding
from knowledge.model import KnowledgeBase, Mechanism, Phase, Tier

RULE = "stretchable_muscle_without_lengthening"
REMEDY = "name a lengthening technique that is used on it"


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields muscles that limit a motion by shortening and that no lengthening technique is used on."""
    lengthened = {edge.muscle for edge in base.treated_by if base.techniques[edge.technique].phase is Phase.LENGTHEN}
    short = dict.fromkeys(edge.muscle for edge in base.limits_motion if edge.mechanism is Mechanism.SHORTENED)
    for muscle in short:
        if muscle not in lengthened and base.muscles[muscle].tier is not Tier.REFER:
            yield Finding(RULE, muscle, "limits a motion by being short and nothing lengthens it", REMEDY)
