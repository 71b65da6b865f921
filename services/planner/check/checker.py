"""Runs every check on a plan."""

from __future__ import annotations

from knowledge.model import KnowledgeBase
from services.planner.check import evidence, safety, session
from services.planner.check.findings import Check, Finding, Subject
from services.planner.domain.plan import PlanContent

CHECKS: tuple[Check, ...] = (
    session.minutes_add_up,
    session.steps_join,
    session.steps_have_names,
    session.phases_in_order,
    session.positions_and_turns,
    session.muscles_are_reached,
    session.techniques_fit,
    session.needs_are_met,
    session.work_in_order,
    session.muscles_in_order,
    session.demanded_order_is_kept,
    session.overrides_say_why,
    session.loads_are_bearable,
    session.muscles_get_their_time,
    session.retests_are_of_treated_motions,
    session.arrival_measures_what_it_can,
    session.checks_come_before_work,
    session.no_turn_for_a_check,
    safety.disposition_is_right,
    safety.rules_are_told,
    safety.nothing_cut_is_done,
    safety.the_sensitised_are_spared,
    safety.consents_are_kept,
    safety.wishes_are_kept,
    safety.endangerment_sites_are_spared,
    safety.only_the_confirmed_is_treated,
    evidence.plan_names_its_origin,
    evidence.reasons_exist,
    evidence.sources_exist,
    evidence.candidates_are_ranked,
    evidence.nothing_is_dropped_silently,
    evidence.omissions_are_told,
    evidence.pins_are_marked,
)


def check(plan: PlanContent, base: KnowledgeBase) -> tuple[Finding, ...]:
    """Returns everything that is wrong with a plan; empty: nothing."""
    subject = Subject(plan=plan, base=base)
    return tuple(finding for one in CHECKS for finding in one(subject))
