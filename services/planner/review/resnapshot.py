"""Puts the steps of an approved plan on the findings as they are now, if they are still safe there."""

from __future__ import annotations

from dataclasses import replace

from knowledge.model import KnowledgeBase
from services.planner.check import check
from services.planner.domain.errors import EditUnsafe
from services.planner.domain.plan import Caution, PlanContent
from services.planner.domain.reasons import Rule
from services.planner.domain.snapshot import Snapshot
from services.planner.screen.rules import screen

_OF_THE_SCREEN = Rule.SAFETY_NOT_ASKED
_OWN = frozenset(Rule) - {_OF_THE_SCREEN}


def resnapshotted_content(
    content: PlanContent, *, snapshot: Snapshot, assessment_etag: str, base: KnowledgeBase
) -> PlanContent:
    """Returns the content with every step as it was, screened anew and checked by the independent checker.

    Raises EditUnsafe with everything that now speaks against a step.
    """
    screening = screen(snapshot.health_flags, base, snapshot.age_years)
    own: tuple[Caution, ...] = tuple(one for one in content.cautions if one.rule in _OWN)
    renewed = replace(
        content,
        snapshot=snapshot,
        assessment_etag=assessment_etag,
        disposition=screening.disposition,
        cautions=(*screening.cautions, *own),
        questions=screening.questions,
        referrals=screening.referrals,
        knowledge_revision=base.revision,
    )
    findings = check(renewed, base)
    if findings:
        raise EditUnsafe(tuple(map(str, findings)), findings[0].rule)
    return renewed
