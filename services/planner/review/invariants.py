"""What has to be true of the revisions of every plan, whatever was done to it: checked in tests and on a live store.

The numbers are those of docs/approval.md. What leaves no trace in a plan cannot be seen here and is tested where it
happens: a refused decision (I7), an assessment that was current (I8), a repeated request (I15), one entry for each
transition (I10, which the trail proves).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from services.planner.domain.canonical import content_digest
from services.planner.domain.plan import ApprovedVersion, Plan, State
from services.planner.domain.review import (
    SUPERVISOR,
    THERAPIST,
    TRAINEE,
    Attestation,
    Meaning,
    Signature,
)
from services.planner.review.table import TABLE, Action

_FINAL = frozenset({State.SUPERSEDED, State.ENTERED_IN_ERROR, State.EXPIRED, State.DISCARDED})
_RELEASE = frozenset({Meaning.APPROVED, Meaning.COSIGNED})
_LICENSED = frozenset({THERAPIST, SUPERVISOR})
_STAFF = frozenset({TRAINEE, *_LICENSED})
_ACTIONS: Mapping[str, Action] = {action.entry: action for action in Action}
_RELEASING = frozenset({Action.APPROVE.entry, Action.COSIGN.entry, Action.REATTEST.entry})


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What the sealed entry of a revision says: who did what, in which roles, when."""

    action: str
    person: str
    roles: tuple[str, ...]
    time_micros: int


@dataclass(slots=True)
class Chain:
    """The revisions of one plan as they are shown to it, oldest first.

    `clinic` empty: that of the first signature. `strict`: strict four-eyes was always on.
    """

    clinic: str
    strict: bool = False
    _before: Plan | None = None
    _digests: dict[int, str] = field(default_factory=dict)

    def broken_by(self, plan: Plan, act: Act) -> tuple[str, ...]:
        """Takes the next revision and returns what is wrong with it, one sentence each."""
        before, self._before = self._before, plan
        self.clinic = self.clinic or next((one.clinic for one in plan.signatures), "")
        found = [*self._content(before, plan), *self._standing(plan), *_signed(self.clinic, before, plan, act)]
        if before is None:
            if plan.state is not State.PROPOSED or plan.version != 1 or plan.signatures or plan.approved:
                found.append("a plan does not begin as a proposal that nobody has signed")
        else:
            found += [*_moved(before, plan, act), *_released(before, plan, act, strict=self.strict)]
        return tuple(found)

    def _content(self, before: Plan | None, plan: Plan) -> Iterator[str]:
        """Checks I4, I5 and I12: a version is one content for ever, and none is numbered twice."""
        if plan.digest != content_digest(plan.content, plan.version):
            yield f"I4: the digest of version {plan.version} is not that of its content"
        known = self._digests.setdefault(plan.version, plan.digest)
        if known != plan.digest:
            yield f"I5: the content of version {plan.version} has changed"
        if before is None or plan.version == before.version:
            return
        back = before.approved is not None and plan.version == before.approved.version
        if not back and plan.version <= max(version for version in self._digests if version != plan.version):
            yield f"I12: version {plan.version} comes after a higher one"

    def _standing(self, plan: Plan) -> Iterator[str]:
        """Checks I1, I6 and I16: what is in force was released by a licensed person, and only that can be used."""
        force = plan.approved
        if plan.state is State.SUPERSEDED:
            yield "I6: only earlier revisions are superseded"
        if force is None:
            if plan.state is State.APPROVED:
                yield "I6: the plan is approved and no version is in force"
            if plan.hold or plan.usable:
                yield "I16: there is a hold, or something to use, and no version in force"
            return
        yield from self._in_force(plan, force)

    def _in_force(self, plan: Plan, force: ApprovedVersion) -> Iterator[str]:
        if plan.state in _FINAL:
            yield f"I16: the plan is {plan.state.name} and a version is in force"
        if plan.hold and plan.usable:
            yield "I16: the plan is on hold and can be used"
        if plan.state is State.APPROVED and (plan.version, plan.digest) != (force.version, force.digest):
            yield "I6: the plan is approved in another version than the one in force"
        if force.digest != content_digest(force.content, force.version):
            yield "I5: the content in force is not the one that was approved"
        if self._digests.get(force.version, force.digest) != force.digest:
            yield "I5: the content in force has changed"
        if not any(_licensed(one, self.clinic) for one in _releases(force)):
            yield "I1: the version in force was released by nobody who may"
        for one in force.signatures:
            yield from _bound(one, plan.name, force.version, force.digest)


def _releases(force: ApprovedVersion) -> tuple[Signature, ...]:
    return tuple(one for one in force.signatures if one.meaning in _RELEASE)


def _licensed(one: Signature, clinic: str) -> bool:
    return one.role in _LICENSED and one.clinic == clinic


def _bound(one: Signature, plan: str, version: int, digest: str) -> Iterator[str]:
    if (one.plan, one.version, one.digest) != (plan, version, digest):
        yield "I4: a signature belongs to another content"


def _signed(clinic: str, before: Plan | None, plan: Plan, act: Act) -> Iterator[str]:
    """Checks I3, I4 and I14: who signs is the one who acts, in a role they have at that moment, for this content."""
    for one in plan.signatures:
        yield from _bound(one, plan.name, plan.version, plan.digest)
    old = () if before is None else (*before.signatures, *(before.approved.signatures if before.approved else ()))
    for one in plan.signatures:
        if one in old:
            continue
        if (one.signer.id, one.time_micros) != (act.person, act.time_micros):
            yield "I14: a signature is not of the person and moment of its entry"
        if one.role not in act.roles or one.role not in _STAFF or one.clinic != clinic:
            yield "I3: a signature was made in a role that cannot sign, or that the person did not have"


def _moved(before: Plan, plan: Plan, act: Act) -> Iterator[str]:
    """Checks I9, I11 and the table: each step from state to state is one that the action allows."""
    if before.state in _FINAL:
        yield f"I11: the plan was {before.state.name} and something was done to it"
    action = _ACTIONS.get(act.action)
    if action is None:
        if (before.state, before.version, before.signatures, before.approved, before.hold) != (
            plan.state,
            plan.version,
            plan.signatures,
            plan.approved,
            plan.hold,
        ):
            yield f"I9: {act.action} is no action on a plan, and it changed one"
        return
    fits = [row for row in TABLE if row.action is action and before.state in row.states]
    if not any(set(row.who) & set(act.roles) for row in fits):
        yield f"I9: {act.action} was done in the state {before.state.name} by {'+'.join(act.roles)}"
    for row in fits:
        ends = {State.APPROVED} if row.falls_back and before.approved else {row.to or before.state}
        if plan.state not in ends:
            yield f"I9: {act.action} led from {before.state.name} to {plan.state.name}"
        back = row.falls_back and before.approved is not None
        if not back and (plan.version > before.version) is not row.new_version:
            yield f"I12: {act.action} led from version {before.version} to {plan.version}"


def _released(before: Plan, plan: Plan, act: Act, *, strict: bool) -> Iterator[str]:
    """Checks I1, I2, I3, I5, I9 and I13 where the version in force changes."""
    if plan.approved == before.approved:
        return
    if plan.approved is None:
        if plan.state is not State.ENTERED_IN_ERROR:
            yield "I5: the version in force has gone"
        return
    if before.approved and plan.approved.version <= before.approved.version:
        yield "I12: the version in force went back"
    kept = plan.approved.version == before.version
    if kept and not set(before.signatures) <= set(plan.approved.signatures):
        yield "I13: the signatures of the authors are gone from the approved version"
    if plan.hold:
        yield "I16: what was just released is on hold"
    yield from _released_by(plan, plan.approved, act, strict=strict)


def _released_by(plan: Plan, force: ApprovedVersion, act: Act, *, strict: bool) -> Iterator[str]:
    if act.action not in _RELEASING or not _LICENSED & set(act.roles):
        yield f"I9: {act.action} by {'+'.join(act.roles)} released a version"
    new = [one for one in _releases(force) if one.signer.id == act.person]
    if not new:
        yield "I1: a version was released without a signature of who did it"
    trainees = {one.person.id for one in plan.contributors if one.trainee}
    barred = {one.person.id for one in plan.contributors} if strict else trainees
    if act.person in barred:
        yield "I3: a person released their own work"
    if trainees and not any(one.attestation is not Attestation.NONE for one in new):
        yield "I2: a trainee's work was released without an attestation"
