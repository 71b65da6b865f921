"""The time of a dose must fit what the technique itself says about seconds, holds and repetitions."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from knowledge.lint.finding import Finding
from knowledge.model import KnowledgeBase, Technique

RULE = "dose_outside_range"
REMEDY = "correct the dose or the ranges"


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields doses shorter than the least or longer than the most that the ranges of their technique add up to."""
    for technique in base.techniques.values():
        shortest, longest = _least(technique), _most(technique)
        for dose in technique.doses:
            if not shortest <= dose.seconds <= longest:
                told = f"{dose.level} dose of {dose.seconds} s is not within {shortest:g} to {longest:g} s"
                yield Finding(RULE, f"{technique.id}.{dose.level}", told, REMEDY)


def _least(technique: Technique) -> float:
    once = sum(part.min for part in (technique.seconds, technique.hold_seconds) if part)
    return once * (technique.repetitions.min if technique.repetitions else 1)


def _most(technique: Technique) -> float:
    """Returns the longest time [s] that the ranges add up to; without a range of seconds there is no limit."""
    if not technique.seconds:
        return inf
    once = sum(part.max for part in (technique.seconds, technique.hold_seconds) if part)
    return once * (technique.repetitions.max if technique.repetitions else 1)
