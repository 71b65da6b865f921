"""The guard in front of every release: what has to hold at that moment, all of it named when it does not."""

from __future__ import annotations

from services.planner.domain.errors import FieldProblem, InputsChanged, ReleaseBlocked, RequestInvalid, SignInTooOld
from services.planner.domain.plan import Plan
from services.planner.domain.review import Attestation, Comment, CommentKind, CommentStatus, Reviewer
from services.planner.review.permission import trainee_contributed
from services.planner.review.table import Action, Need, Row, rows

SIGN_IN_SECONDS = 60
"""How old a sign-in may be for a signature [s]; decided for every clinic alike."""
_MICROS = 1_000_000


def check_sign_in(action: Action, by: Reviewer, now_micros: int) -> None:
    """Raises SignInTooOld if the action is a signature and the person has not proven a moment ago who they are."""
    if any(Need.RECENT_SIGN_IN in row.needs for row in rows(action)) and (
        by.auth_micros is None or now_micros - by.auth_micros > SIGN_IN_SECONDS * _MICROS
    ):
        raise SignInTooOld(SIGN_IN_SECONDS)


def check_attestation(plan: Plan, row: Row, attestation: Attestation) -> None:
    """Raises RequestInvalid if somebody else's work is released and nothing is attested about it."""
    needed = Need.ATTESTATION in row.needs or (
        Need.ATTESTATION_OF_TRAINEE_WORK in row.needs and trainee_contributed(plan)
    )
    if needed and attestation is Attestation.NONE:
        raise RequestInvalid((FieldProblem("attestation", "is required: another person's work is released"),))


def check_inputs(plan: Plan, row: Row, assessment_etag: str) -> None:
    """Raises InputsChanged if `assessment_etag`, read a moment ago, is not the one that the plan was made from."""
    if Need.INPUTS_CURRENT in row.needs and assessment_etag != plan.content.assessment_etag:
        raise InputsChanged(plan.content.assessment)


def check_open_points(plan: Plan, row: Row) -> None:
    """Raises ReleaseBlocked with every MUST_FIX that is open and every flag that nobody has read."""
    open_points = tuple(one.id for one in open_must_fix(plan)) if Need.NO_OPEN_MUST_FIX in row.needs else ()
    unread = tuple(one.rule for one in plan.acknowledgements if one.person is None)
    if Need.FLAGS_READ not in row.needs:
        unread = ()
    if open_points or unread:
        raise ReleaseBlocked(plan.name, open_points, unread)


def open_must_fix(plan: Plan) -> tuple[Comment, ...]:
    """Returns the published comments that block the release."""
    return tuple(one for one in plan.comments if one.kind is CommentKind.MUST_FIX and one.status is CommentStatus.OPEN)
