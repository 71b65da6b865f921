"""A fact is verified only if a page of its source was read."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.lint.finding import Finding, subject_of
from knowledge.load import facts
from knowledge.model import KnowledgeBase, MeasurementError, Norm, Status

RULE = "verified_fact_of_unverified_source"
REMEDY = "set the fact to unverified, or the source to verified if its page was read"


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields verified facts, norms and errors whose source is unverified."""
    unread = {source.id for source in base.sources.values() if source.status is Status.UNVERIFIED}
    for fact in facts(base):
        if fact.status is Status.VERIFIED and fact.source in unread:
            yield Finding(RULE, subject_of(fact), f"is verified by '{fact.source}', which nobody read", REMEDY)
    for motion in base.motions.values():
        numbers: tuple[Norm | MeasurementError, ...] = (*motion.norms, *motion.measurement_errors)
        for number in numbers:
            if number.status is Status.VERIFIED and number.source in unread:
                told = f"{number.value:g} is verified by '{number.source}', which nobody read"
                yield Finding(RULE, motion.id, told, REMEDY)
