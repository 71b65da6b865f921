"""A muscle that is worked from inside the mouth must have an access with a gloved finger."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.lint.finding import Finding
from knowledge.model import Handling, HandTechnique, KnowledgeBase

RULE = "mouth_muscle_without_glove"
REMEDY = "let handling and access agree"


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields muscles handled in the mouth without a gloved access, and gloved access to muscles never worked on."""
    for muscle in base.muscles.values():
        gloved = any(access.hand is HandTechnique.GLOVED for access in muscle.access)
        if muscle.handling is Handling.INTRAORAL and not gloved:
            yield Finding(RULE, muscle.id, "is worked in the mouth and no access is gloved", REMEDY)
        if muscle.handling is Handling.REFER_ONLY and gloved:
            yield Finding(RULE, muscle.id, "is never worked on and has a gloved access", REMEDY)
