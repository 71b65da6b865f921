"""What becomes of a plan by each act. Pure: who, when and what come in, the new plan goes out.

Except where a docstring says so, the caller has asked `permission.permit` and `release.check` before.
"""

from __future__ import annotations

from dataclasses import replace

from services.planner.domain.canonical import content_digest
from services.planner.domain.constraints import Constraints
from services.planner.domain.plan import ApprovedVersion, Plan, PlanContent, State
from services.planner.domain.review import (
    Acknowledgement,
    Addendum,
    Attestation,
    Contributor,
    Meaning,
    Person,
    Reviewer,
    Signature,
    VersionChange,
)
from services.planner.review.flags import carried_over
from services.planner.review.permission import permit
from services.planner.review.table import Action

_MICROS_PER_HOUR = 3_600_000_000


# --- content ------------------------------------------------------------------------------------------------------


def edited(
    plan: Plan, *, by: Reviewer, content: PlanContent, reason: str, sentences: tuple[str, ...], now_micros: int
) -> Plan:
    """Returns the plan with a new version of its content: a DRAFT that nobody has signed.

    Asks the table itself. Raises ActorLacksRight, PlanStateForbids.
    """
    permit(plan, Action.EDIT, by)
    draft = _new_version(plan, by.person, content, reason, sentences, now_micros)
    return replace(draft, contributors=with_contributor(plan.contributors, by))


def withdrawn(plan: Plan, *, by: Reviewer, reason: str, now_micros: int) -> Plan:
    """Returns the plan as a DRAFT again: the same content under a new number, the signatures void."""
    return _new_version(plan, by.person, plan.content, reason, (), now_micros)


def amended(plan: Plan, *, by: Reviewer, reason: str, now_micros: int) -> Plan:
    """Returns the plan with a DRAFT beside the version in force, which stays so; the contributors begin anew."""
    draft = _new_version(plan, by.person, plan.content, reason, (), now_micros)
    return replace(draft, contributors=with_contributor((), by))


def _new_version(
    plan: Plan, person: Person, content: PlanContent, reason: str, sentences: tuple[str, ...], now_micros: int
) -> Plan:
    version = plan.next_version
    return replace(
        plan,
        version=version,
        newest_version=version,
        state=State.DRAFT,
        content=content,
        digest=content_digest(content, version),
        update_micros=now_micros,
        proposed=plan.proposed or plan.content,
        expected_cosigner="",
        signatures=(),
        acknowledgements=carried_over(plan.acknowledgements, plan.content, content),
        change=VersionChange(from_version=plan.version, reason=reason, sentences=sentences, person=person),
        hold_reason=plan.hold_reason if plan.hold else "",
    )


def with_contributor(contributors: tuple[Contributor, ...], by: Reviewer) -> tuple[Contributor, ...]:
    """Returns the contributors with one more; who once contributed as a trainee stays one."""
    if not any(one.person.id == by.id for one in contributors):
        return (*contributors, Contributor(person=by.person, trainee=by.trainee))
    return tuple(
        replace(one, trainee=one.trainee or by.trainee) if one.person.id == by.id else one for one in contributors
    )


def first_contributors(by: Reviewer, constraints: Constraints) -> tuple[Contributor, ...]:
    """Returns who contributed to a plan that the planner has just made: whoever steered it, and a trainee who asked."""
    return with_contributor((), by) if by.trainee or constraints != Constraints() else ()


# --- signatures ---------------------------------------------------------------------------------------------------


def signature(
    plan: Plan, by: Reviewer, role: str, meaning: Meaning, attestation: Attestation, text: str, now_micros: int
) -> Signature:
    """Returns a signature on the newest version of the plan, bound to its digest."""
    return Signature(
        plan=plan.name,
        version=plan.version,
        digest=plan.digest,
        signer=by.person,
        role=role,
        meaning=meaning,
        attestation=attestation,
        text=text,
        time_micros=now_micros,
        clinic=by.clinic,
    )


def signed(plan: Plan, *, by: Reviewer, signature: Signature, expected_cosigner: str, now_micros: int) -> Plan:
    """Returns the plan waiting for `expected_cosigner` (a person id)."""
    return replace(
        plan,
        state=State.AWAITING_COSIGN,
        signatures=(*plan.signatures, signature),
        contributors=with_contributor(plan.contributors, by),
        expected_cosigner=expected_cosigner,
        update_micros=now_micros,
    )


def released(plan: Plan, *, signature: Signature, revision: int, now_micros: int) -> Plan:
    """Returns the plan with its newest version in force; `revision` is the one that this makes."""
    signatures = (*plan.signatures, signature)
    return replace(
        plan,
        state=State.APPROVED,
        signatures=signatures,
        approved=ApprovedVersion(
            version=plan.version,
            revision=revision,
            content=plan.content,
            digest=plan.digest,
            signatures=signatures,
        ),
        hold=False,
        hold_reason="",
        expected_cosigner="",
        update_micros=now_micros,
    )


def resnapshotted(plan: Plan, *, by: Reviewer, content: PlanContent, now_micros: int) -> Plan:
    """Returns the approved plan on the inputs as they are now, still to be released: no step has changed."""
    renewed = _new_version(plan, by.person, content, "", (), now_micros)
    told = max((one.time_micros for one in plan.signatures), default=None)
    flags = carried_over(plan.acknowledgements, plan.content, content, told_micros=told)
    return replace(renewed, contributors=plan.contributors, acknowledgements=flags)


def returned(plan: Plan, *, signature: Signature, now_micros: int) -> Plan:
    """Returns the plan sent back; the signature says why."""
    return replace(
        plan,
        state=State.RETURNED,
        signatures=(*plan.signatures, signature),
        expected_cosigner="",
        update_micros=now_micros,
    )


def reassigned(plan: Plan, *, expected_cosigner: str, now_micros: int) -> Plan:
    """Returns the plan waiting for another person."""
    return replace(plan, expected_cosigner=expected_cosigner, update_micros=now_micros)


def acknowledged(plan: Plan, *, rule: str, person: Person, now_micros: int) -> Plan:
    """Returns the plan with the flag of a rule read.

    Of an approved plan a flag can be read that the plan does not have yet: one that re-attesting it will bring.
    """
    read = Acknowledgement(rule=rule, person=person, time_micros=now_micros)
    flags = tuple(read if one.rule == rule else one for one in plan.acknowledgements)
    return replace(plan, acknowledgements=flags if read in flags else (*flags, read), update_micros=now_micros)


# --- after release, and ends --------------------------------------------------------------------------------------


def with_addendum(plan: Plan, *, by: Reviewer, role: str, text: str, now_micros: int) -> Plan:
    """Returns the approved plan with a remark; its content stays as it is."""
    remark = Addendum(text=text, author=by.person, role=role, time_micros=now_micros, version=plan.version)
    return replace(plan, addenda=(*plan.addenda, remark), update_micros=now_micros)


def entered_in_error(plan: Plan, *, now_micros: int) -> Plan:
    """Returns the plan out of use for ever: no version of it is in force any more."""
    return replace(
        plan,
        state=State.ENTERED_IN_ERROR,
        approved=None,
        hold=False,
        hold_reason="",
        expected_cosigner="",
        update_micros=now_micros,
    )


def discarded(plan: Plan, *, now_micros: int) -> Plan:
    """Returns the plan given up; an amendment that is given up leaves the version in force where it was."""
    return _ended(plan, State.DISCARDED, now_micros)


def _ended(plan: Plan, state: State, now_micros: int) -> Plan:
    ended = replace(plan, expected_cosigner="", update_micros=now_micros)
    force = plan.approved
    if force is None:
        return replace(ended, state=state, hold_reason="")
    return replace(
        ended,
        state=State.APPROVED,
        version=force.version,
        newest_version=max(plan.version, plan.newest_version),
        content=force.content,
        digest=force.digest,
        signatures=force.signatures,
        acknowledgements=carried_over(plan.acknowledgements, plan.content, force.content),
        hold_reason=plan.hold_reason if plan.hold else "",
    )


# --- what the planner itself does ---------------------------------------------------------------------------------


def stale(plan: Plan, *, by: Reviewer, reason: str, now_micros: int) -> Plan:
    """Returns the plan STALE: its assessment has changed. Asks the table itself; `by` has to be the planner.

    Raises ActorLacksRight, PlanStateForbids.
    """
    permit(plan, Action.INPUTS_CHANGED, by)
    return replace(
        plan,
        state=State.STALE,
        expected_cosigner="",
        hold_reason=plan.hold_reason if plan.hold else reason,
        update_micros=now_micros,
    )


def hold(plan: Plan, *, by: Reviewer, reason: str, now_micros: int, rules: tuple[str, ...] = ()) -> Plan:
    """Returns the plan with its version in force out of use until a licensed person re-attests or amends it.

    `rules`: the safety rules that fire now and did not; they have to be read before the plan is re-attested.
    Asks the table itself; `by` has to be the planner. Raises ActorLacksRight, PlanStateForbids.
    """
    permit(plan, Action.FLAG_RAISED, by)
    flags = tuple(one for one in plan.acknowledgements if one.rule not in rules)
    return replace(
        plan,
        hold=True,
        hold_reason=reason,
        acknowledgements=(*flags, *(Acknowledgement(rule=rule) for rule in rules)),
        update_micros=now_micros,
    )


def expired(plan: Plan, *, by: Reviewer, now_micros: int) -> Plan:
    """Returns the plan EXPIRED, or back at the version in force. Asks the table itself; `by` has to be the planner.

    Raises ActorLacksRight, PlanStateForbids.
    """
    permit(plan, Action.EXPIRE, by)
    return _ended(plan, State.EXPIRED, now_micros)


def overdue(plan: Plan, *, after_hours: int, now_micros: int) -> bool:
    """Whether the plan was left alone unreleased for `after_hours` [h], counted from its session if that is later."""
    since = max(plan.update_micros, plan.scheduled_micros or 0)
    return left_alone(since, after_hours=after_hours, now_micros=now_micros)


def left_alone(since_micros: int, *, after_hours: int, now_micros: int) -> bool:
    """Whether more than `after_hours` [h] have passed."""
    return now_micros - since_micros > after_hours * _MICROS_PER_HOUR
