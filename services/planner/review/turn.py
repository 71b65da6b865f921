"""Whose turn it is, after the rules of code review: who is asked, then who is answered, then nobody."""

from __future__ import annotations

from dataclasses import dataclass

from services.planner.domain.plan import Plan, State
from services.planner.domain.review import SUPERVISOR, Comment, CommentKind, CommentStatus, Meaning
from services.planner.review.permission import authors


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """The person ids whose turn it is (none: any supervisor's), since when, and why in a sentence."""

    people: tuple[str, ...]
    since_micros: int
    reason: str

    def is_of(self, person: str, roles: tuple[str, ...]) -> bool:
        """Whether it is this person's turn."""
        return person in self.people if self.people else SUPERVISOR in roles


def turn(plan: Plan) -> Turn | None:
    """Returns whose turn it is, None if nobody has to do anything about the plan now."""
    match plan.state:
        case State.AWAITING_COSIGN:
            return _between_author_and_cosigner(plan)
        case State.RETURNED:
            sent = next((one for one in reversed(plan.signatures) if one.meaning is Meaning.RETURNED), None)
            since = sent.time_micros if sent else plan.update_micros
            return Turn(people=_writers(plan), since_micros=since, reason="It was sent back.")
        case State.STALE:
            return Turn(
                people=_writers(plan), since_micros=plan.update_micros, reason="The assessment changed; plan again."
            )
        case State.PROPOSED | State.DRAFT:
            return _on_hold(plan) or _asked(plan)
        case State.APPROVED:
            return _on_hold(plan)
    return None


def _between_author_and_cosigner(plan: Plan) -> Turn:
    """Signing, and an answer of the author, make it the co-signer's turn; a comment of anybody else the author's."""
    signed = max((one.time_micros for one in plan.signatures), default=plan.update_micros)
    cosigner = (plan.expected_cosigner,) if plan.expected_cosigner else ()
    last = max(
        (one for one in plan.comments if (one.publish_micros or 0) >= signed),
        key=lambda one: one.publish_micros or 0,
        default=None,
    )
    if last is None:
        return Turn(people=cosigner, since_micros=signed, reason="It was signed and waits to be co-signed.")
    since = last.publish_micros or signed
    if last.author.id in authors(plan):
        return Turn(people=cosigner, since_micros=since, reason="The author has answered.")
    return Turn(people=_writers(plan), since_micros=since, reason=_said(last))


def _on_hold(plan: Plan) -> Turn | None:
    if not plan.hold or plan.approved is None:
        return None
    released = tuple(
        dict.fromkeys(
            one.signer.id for one in plan.approved.signatures if one.meaning in {Meaning.APPROVED, Meaning.COSIGNED}
        )
    )
    return Turn(people=released, since_micros=plan.update_micros, reason="It is on hold; re-attest or amend it.")


def _asked(plan: Plan) -> Turn | None:
    """A question or a MUST_FIX that somebody else left open is for those who write the plan."""
    writers = _writers(plan)
    waiting = [
        one
        for one in plan.comments
        if one.status is CommentStatus.OPEN and one.kind is not CommentKind.NOTE and one.author.id not in writers
    ]
    if not waiting:
        return None
    return Turn(people=writers, since_micros=waiting[-1].publish_micros or 0, reason=_said(waiting[-1]))


def _said(comment: Comment) -> str:
    asks = {CommentKind.QUESTION: "asked a question", CommentKind.MUST_FIX: "asked for a change"}
    return f"{comment.author.display_name} {asks.get(comment.kind, 'left a note')}."


def _writers(plan: Plan) -> tuple[str, ...]:
    """Returns who signed the newest version; if nobody did, who contributed; if nobody did, who asked for the plan."""
    signers = tuple(one.signer.id for one in plan.signatures if one.meaning is Meaning.AUTHORED)
    people = signers or tuple(one.person.id for one in plan.contributors) or (plan.author.id,)
    return tuple(dict.fromkeys(people))
