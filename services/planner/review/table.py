"""The one table of what may be done to a plan: state, action, role and relation give the next state.

Code, tests and docs/approval.md read it. Every cell that is not in it is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.planner.domain.plan import State
from services.planner.domain.review import PLANNER, SUPERVISOR, THERAPIST, TRAINEE


class Action(StrEnum):
    """What can be done to a plan; the value is how a sentence says it."""

    PROPOSE = "propose"
    EDIT = "edit"
    SIGN = "sign"
    APPROVE = "approve"
    COSIGN = "co-sign"
    RETURN = "return"
    WITHDRAW = "withdraw"
    REASSIGN = "reassign"
    DISCARD = "discard"
    ACKNOWLEDGE_FLAG = "acknowledge a flag of"
    INPUTS_CHANGED = "mark as stale"
    EXPIRE = "expire"
    AMEND = "amend"
    REATTEST = "re-attest"
    ADDENDUM = "add to"
    FLAG_RAISED = "put on hold"
    MARK_ENTERED_IN_ERROR = "mark as entered in error"
    COMMENT = "comment on"
    RESOLVE_COMMENT = "resolve a comment on"

    @property
    def entry(self) -> str:
        """How the audit trail names it once it is done."""
        return _ENTRIES[self]


_ENTRIES: Mapping[Action, str] = {
    Action.PROPOSE: "CREATED",
    Action.EDIT: "EDITED",
    Action.SIGN: "SIGNED",
    Action.APPROVE: "APPROVED",
    Action.COSIGN: "COSIGNED",
    Action.RETURN: "RETURNED",
    Action.WITHDRAW: "WITHDRAWN",
    Action.REASSIGN: "REASSIGNED",
    Action.DISCARD: "DISCARDED",
    Action.ACKNOWLEDGE_FLAG: "FLAG_ACKNOWLEDGED",
    Action.INPUTS_CHANGED: "WENT_STALE",
    Action.EXPIRE: "EXPIRED",
    Action.AMEND: "AMENDED",
    Action.REATTEST: "REATTESTED",
    Action.ADDENDUM: "ADDENDUM_ADDED",
    Action.FLAG_RAISED: "PUT_ON_HOLD",
    Action.MARK_ENTERED_IN_ERROR: "ENTERED_IN_ERROR",
    Action.COMMENT: "COMMENTED",
    Action.RESOLVE_COMMENT: "COMMENT_RESOLVED",
}


class Relation(StrEnum):
    """What somebody has to be to this plan, beside having the role."""

    ANYONE = "anyone"
    AUTHOR = "who signed it as its author"
    AUTHOR_OR_COSIGNER = "who signed it, or is asked to co-sign"
    COSIGNER = "who is asked to co-sign"
    UNDER_FOUR_EYES = "only under strict four-eyes"


class Need(StrEnum):
    """What has to hold before the action is done."""

    ETAG = "etag"
    DIGEST = "digest"
    REASON = "reason"
    TEXT = "text"
    COSIGNER = "a co-signer named"
    RECENT_SIGN_IN = "signed in within 60 s"
    OTHER_HANDS = "not their own work"
    ATTESTATION = "attestation"
    ATTESTATION_OF_TRAINEE_WORK = "attestation if a trainee contributed"
    INPUTS_CURRENT = "inputs current"
    FLAGS_READ = "every flag read"
    NO_OPEN_MUST_FIX = "no open MUST_FIX"
    STILL_SAFE = "steps safe on the newest flags"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`action` in one of `states` by `who` (role to relation) leads to the state `to`; None: to none other.

    `in_force`: it is about the version in force, which is there also while another is written beside it.
    `falls_back`: if there is a version in force, it takes its place again, APPROVED, instead of the state `to`.
    `new_version`: the content gets a new number, and no signature is on it.
    """

    action: Action
    states: tuple[State, ...]
    who: Mapping[str, Relation]
    needs: tuple[Need, ...]
    to: State | None
    in_force: bool = False
    falls_back: bool = False
    new_version: bool = False


_ANYONE = Relation.ANYONE
# The first role that fits is the one in which a person signs.
_STAFF: Mapping[str, Relation] = {SUPERVISOR: _ANYONE, THERAPIST: _ANYONE, TRAINEE: _ANYONE}
_LICENSED: Mapping[str, Relation] = {SUPERVISOR: _ANYONE, THERAPIST: _ANYONE}
_SYSTEM: Mapping[str, Relation] = {PLANNER: _ANYONE}
_HOLDERS: Mapping[str, Relation] = {
    SUPERVISOR: _ANYONE,
    THERAPIST: Relation.AUTHOR_OR_COSIGNER,
    TRAINEE: Relation.AUTHOR,
}
_REVIEWERS: Mapping[str, Relation] = {SUPERVISOR: _ANYONE, THERAPIST: Relation.COSIGNER}

_SEEN = (Need.ETAG, Need.DIGEST)
_GUARD = (*_SEEN, Need.RECENT_SIGN_IN, Need.OTHER_HANDS, Need.INPUTS_CURRENT, Need.FLAGS_READ, Need.NO_OPEN_MUST_FIX)

_UNRELEASED = (State.PROPOSED, State.DRAFT, State.AWAITING_COSIGN, State.RETURNED, State.STALE)
_LIVE = (*_UNRELEASED, State.APPROVED)

TABLE: tuple[Row, ...] = (
    # To a release.
    Row(
        action=Action.EDIT,
        states=(State.PROPOSED, State.DRAFT, State.RETURNED, State.STALE),
        who=_STAFF,
        needs=(Need.ETAG,),
        to=State.DRAFT,
        new_version=True,
    ),
    Row(
        action=Action.EDIT,
        states=(State.AWAITING_COSIGN,),
        who=_HOLDERS,
        needs=(Need.ETAG,),
        to=State.DRAFT,
        new_version=True,
    ),
    Row(
        action=Action.SIGN,
        states=(State.PROPOSED, State.DRAFT),
        who={TRAINEE: _ANYONE, THERAPIST: Relation.UNDER_FOUR_EYES},
        needs=(*_SEEN, Need.RECENT_SIGN_IN, Need.COSIGNER),
        to=State.AWAITING_COSIGN,
    ),
    Row(
        action=Action.APPROVE,
        states=(State.PROPOSED, State.DRAFT),
        who=_LICENSED,
        needs=(*_GUARD, Need.ATTESTATION_OF_TRAINEE_WORK),
        to=State.APPROVED,
    ),
    Row(
        action=Action.COSIGN,
        states=(State.AWAITING_COSIGN,),
        who=_REVIEWERS,
        needs=(*_GUARD, Need.ATTESTATION),
        to=State.APPROVED,
    ),
    Row(
        action=Action.RETURN,
        states=(State.AWAITING_COSIGN,),
        who=_REVIEWERS,
        needs=(*_SEEN, Need.REASON),
        to=State.RETURNED,
    ),
    Row(
        action=Action.WITHDRAW,
        states=(State.AWAITING_COSIGN,),
        who=_HOLDERS,
        needs=(*_SEEN, Need.REASON),
        to=State.DRAFT,
        new_version=True,
    ),
    Row(
        action=Action.REASSIGN,
        states=(State.AWAITING_COSIGN,),
        who={SUPERVISOR: _ANYONE},
        needs=(*_SEEN, Need.REASON, Need.COSIGNER),
        to=State.AWAITING_COSIGN,
    ),
    Row(
        action=Action.DISCARD,
        states=(State.PROPOSED, State.DRAFT, State.RETURNED, State.STALE),
        who=_STAFF,
        needs=(*_SEEN, Need.REASON),
        to=State.DISCARDED,
        falls_back=True,
    ),
    Row(
        action=Action.ACKNOWLEDGE_FLAG,
        states=(*_UNRELEASED, State.APPROVED),
        who=_LICENSED,
        needs=_SEEN,
        to=None,
    ),
    # What the planner itself does.
    Row(
        action=Action.INPUTS_CHANGED,
        states=(State.PROPOSED, State.DRAFT, State.AWAITING_COSIGN),
        who=_SYSTEM,
        needs=(Need.ETAG,),
        to=State.STALE,
    ),
    Row(
        action=Action.EXPIRE,
        states=_UNRELEASED,
        who=_SYSTEM,
        needs=(Need.ETAG,),
        to=State.EXPIRED,
        falls_back=True,
    ),
    Row(action=Action.FLAG_RAISED, states=_LIVE, who=_SYSTEM, needs=(Need.ETAG,), to=None, in_force=True),
    # After a release.
    Row(
        action=Action.AMEND,
        states=(State.APPROVED,),
        who=_STAFF,
        needs=(*_SEEN, Need.REASON),
        to=State.DRAFT,
        new_version=True,
    ),
    Row(
        action=Action.REATTEST,
        states=(State.APPROVED,),
        who=_LICENSED,
        needs=(*_GUARD, Need.ATTESTATION, Need.STILL_SAFE),
        to=State.APPROVED,
        new_version=True,
    ),
    Row(
        action=Action.ADDENDUM,
        states=(State.APPROVED,),
        who=_STAFF,
        needs=(*_SEEN, Need.TEXT),
        to=State.APPROVED,
    ),
    Row(
        action=Action.MARK_ENTERED_IN_ERROR,
        states=(State.AWAITING_COSIGN, State.APPROVED),
        who=_LICENSED,
        needs=(*_SEEN, Need.REASON),
        to=State.ENTERED_IN_ERROR,
    ),
    # Talk about it.
    Row(action=Action.COMMENT, states=_LIVE, who=_STAFF, needs=(Need.ETAG,), to=None),
    Row(action=Action.RESOLVE_COMMENT, states=_LIVE, who=_STAFF, needs=(Need.ETAG,), to=None),
)


def rows(action: Action) -> tuple[Row, ...]:
    """Returns the rows of an action."""
    return tuple(row for row in TABLE if row.action is action)
