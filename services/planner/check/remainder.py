"""Checks the rest of a running session against the approved plan; nothing here is shared with what re-fits it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from knowledge.model import KnowledgeBase
from services.planner.check import safety, session
from services.planner.check.findings import TREATMENT, Finding, Subject
from services.planner.domain.plan import STEP_SECONDS, Phase, PlanContent, Step


def check_remainder(
    approved: PlanContent,
    done: Sequence[Step],
    rest: Sequence[Step],
    seconds: int,
    unavailable_positions: Sequence[str],
    base: KnowledgeBase,
) -> tuple[Finding, ...]:
    """Returns everything that is wrong with `rest`, what is still to come after `done` in `seconds` [s].

    `unavailable_positions` are those that are not possible beside the ones that the plan names.
    """
    constraints = replace(
        approved.constraints,
        unavailable_positions=(*approved.constraints.unavailable_positions, *unavailable_positions),
    )
    whole = Subject(plan=replace(approved, constraints=constraints, steps=(*done, *rest)), base=base)
    alone = Subject(plan=replace(approved, constraints=constraints, steps=tuple(rest)), base=base)
    ids = {step.id for step in rest}
    found = [
        *_nothing_is_more(approved, done, rest, base),
        *_time_is_enough(rest, seconds),
        *_retests_follow_work(approved, done, rest),
        *session.work_in_order(alone),
        # Where only one of the two was still to be done, or the first was begun before, there is no order to keep.
        *(one for one in session.muscles_in_order(alone) if one in set(session.muscles_in_order(whole))),
        *safety.wishes_are_kept(alone),
        *safety.consents_are_kept(alone),
        *safety.nothing_cut_is_done(alone),
        *session.muscles_are_reached(alone),
    ]
    with_done = [
        *session.needs_are_met(whole),
        *session.positions_and_turns(whole),
        *session.phases_in_order(whole),
    ]
    # What was done is done, right or not; only what is to come can be wrong.
    found += [one for one in with_done if one.step in ids or not one.step]
    return tuple(one for one in found if one not in set(_of_the_approved(approved, base)))


def _of_the_approved(approved: PlanContent, base: KnowledgeBase) -> Iterator[Finding]:
    """An order that the approved plan has by a person's wish is no fault of the rest."""
    subject = Subject(plan=approved, base=base)
    yield from session.muscles_in_order(subject)
    yield from session.work_in_order(subject)


def _nothing_is_more(
    approved: PlanContent, done: Sequence[Step], rest: Sequence[Step], base: KnowledgeBase
) -> Iterator[Finding]:
    """Every step was approved as it is, or longer; no step comes twice."""
    known = {step.id: step for step in approved.steps}
    seen = {step.id for step in done}
    for step in rest:
        if step.id in seen:
            yield Finding(rule="rest", step=step.id, message="was done already or comes twice")
        seen.add(step.id)
        if step.phase is Phase.TURN:
            continue
        if step.id not in known:
            yield Finding(rule="rest", step=step.id, message="was never approved")
            continue
        planned = known[step.id]
        for name in ("phase", "muscle", "side", "region", "motion", "technique", "pressure_level"):
            if getattr(step, name) != getattr(planned, name):
                yield Finding(rule="rest", step=step.id, message=f"has another {name} than approved")
        yield from _length_is_allowed(step, planned, base)


def _length_is_allowed(step: Step, planned: Step, base: KnowledgeBase) -> Iterator[Finding]:
    if step.duration_seconds <= 0 or step.duration_seconds % STEP_SECONDS:
        yield Finding(rule="rest", step=step.id, message=f"lasts {step.duration_seconds} s")
    if step.duration_seconds == planned.duration_seconds and step.dose == planned.dose:
        return
    doses = {dose.level: dose for dose in base.techniques[step.technique].doses}
    level, approved_level = step.dose.level if step.dose else "", planned.dose.level if planned.dose else ""
    shorter = level in doses and approved_level in doses and doses[level].seconds <= doses[approved_level].seconds
    if not shorter or not doses[level].seconds <= step.duration_seconds < planned.duration_seconds:
        yield Finding(rule="rest", step=step.id, message="is not a shorter dose of what was approved")


def _time_is_enough(rest: Sequence[Step], seconds: int) -> Iterator[Finding]:
    needed = sum(step.duration_seconds for step in rest)
    if needed > seconds:
        yield Finding(rule="rest", message=f"takes {needed} s of {seconds} s that are left")


def _retests_follow_work(approved: PlanContent, done: Sequence[Step], rest: Sequence[Step]) -> Iterator[Finding]:
    """A motion is measured again after all work that the plan says is about it, and only if there was any."""
    for place, retest in enumerate(rest):
        if retest.phase is not Phase.RETEST:
            continue
        tests = {
            test.id for test in approved.snapshot.rom_tests if (test.motion, test.side) == (retest.motion, retest.side)
        }
        about = {
            (one.muscle, one.side)
            for one in approved.candidates
            for reason in one.reasons
            if reason.rule == "limits_reduced_motion" and tests & set(reason.findings)
        }
        work = [step for step in approved.steps if step.phase in TREATMENT and (step.muscle, step.side) in about]
        names = {step.id for step in work}
        earlier = {step.id for step in (*done, *rest[:place])}
        if names and not names & earlier:
            yield Finding(rule="rest", step=retest.id, message="measures what nobody worked on")
        if any(step.id in names for step in rest[place:]):
            yield Finding(rule="rest", step=retest.id, message="comes before the work it measures")
