"""Which cautions and referrals somebody has to have read before a plan is released."""

from __future__ import annotations

from collections.abc import Mapping

from services.planner.domain.plan import Caution, PlanContent, Referral
from services.planner.domain.reasons import Rule
from services.planner.domain.review import Acknowledgement

_PLANNERS_OWN = frozenset(Rule)


def unread(content: PlanContent) -> tuple[Acknowledgement, ...]:
    """Returns the flags of a content, none of them read: each rule of safety that fired, once, in the plan's order."""
    return tuple(Acknowledgement(rule=rule) for rule in _told(content))


def carried_over(
    read: tuple[Acknowledgement, ...], earlier: PlanContent, later: PlanContent, *, told_micros: int | None = None
) -> tuple[Acknowledgement, ...]:
    """Returns the flags of `later`; what was read in `earlier` stays read if no word or finding of it changed.

    `told_micros`: what was read after that time was read as it is now; None: nothing was.
    """
    before, after = _told(earlier), _told(later)

    def still(rule: str) -> Acknowledgement:
        one = known.get(rule, Acknowledgement(rule=rule))
        newly = told_micros is not None and one.time_micros is not None and one.time_micros > told_micros
        return one if newly or before.get(rule) == after[rule] else Acknowledgement(rule=rule)

    known = {one.rule: one for one in read}
    return tuple(map(still, after))


def _told(content: PlanContent) -> Mapping[str, tuple[Caution | Referral, ...]]:
    """Returns what a plan says under each safety rule, by rule; the planner's own rules tell of no flag."""
    said: dict[str, tuple[Caution | Referral, ...]] = {}
    flags: tuple[Caution | Referral, ...] = (*content.referrals, *content.cautions)
    for one in flags:
        if one.rule not in _PLANNERS_OWN:
            said[one.rule] = (*said.get(one.rule, ()), one)
    return said
