"""What one person may do with a plan as it is now. The service decides; the page only offers what can succeed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from myoplan.planner.v1.plan_pb2 import Plan, Signature
from services.console.signin.credential import Person

LICENSED = frozenset({"therapist", "supervisor"})
LIVE = frozenset({Plan.PROPOSED, Plan.DRAFT, Plan.AWAITING_COSIGN, Plan.RETURNED, Plan.STALE, Plan.APPROVED})
OPEN = frozenset({Plan.PROPOSED, Plan.DRAFT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """What is offered. `release` is `cosign`, `approve` or empty; `blocked` are text keys of what comes first."""

    release: str
    blocked: tuple[str, ...]
    attest: bool
    sign: bool
    give_back: bool
    withdraw: bool
    reassign: bool
    acknowledge: bool
    talk: bool
    edit: bool
    words: str


def offers(plan: Plan, person: Person, *, strict: bool = False) -> Offers:
    """Returns what `person` may do. `strict`: a release was refused because the person contributed."""
    waits, roles = plan.state == Plan.AWAITING_COSIGN, person.roles
    own = _is_own(plan, person.person)
    reviewer = waits and ("supervisor" in roles or ("therapist" in roles and plan.expected_cosigner == person.person))
    author = person.person in _authors(plan)
    licensed = bool(roles & LICENSED)
    release = ""
    if reviewer and not own and not author:
        release = "cosign"
    elif plan.state in OPEN and licensed and not own and not strict:
        release = "approve"
    return Offers(
        release=release,
        blocked=tuple(_blocked(plan)) if release else (),
        attest=release == "cosign" or (release == "approve" and any(each.trainee for each in plan.contributors)),
        sign=plan.state in OPEN and (strict or (not licensed and "trainee" in roles)),
        give_back=bool(release == "cosign"),
        withdraw=waits and (author or "supervisor" in roles),
        reassign=waits and "supervisor" in roles,
        acknowledge=licensed and plan.state in LIVE,
        talk=plan.state in LIVE,
        edit=plan.state in OPEN | {Plan.RETURNED, Plan.STALE} or reviewer or (waits and author),
        words=_words(plan, own=own or author, release=release),
    )


def _blocked(plan: Plan) -> Iterator[str]:
    if plan.open_must_fix:
        yield "review.blocked.must_fix"
    if any(not each.HasField("person") for each in plan.acknowledgements):
        yield "review.blocked.flags"


def _is_own(plan: Plan, person: str) -> bool:
    """Whether the person contributed as a trainee; it stays true after a promotion."""
    return any(each.trainee and each.person.id == person for each in plan.contributors)


def _authors(plan: Plan) -> set[str]:
    return {each.signer.id for each in plan.signatures if each.meaning == Signature.AUTHORED}


def _words(plan: Plan, *, own: bool, release: str) -> str:
    """Returns the text key that says where the plan stands; empty where the offers say it."""
    if plan.state == Plan.AWAITING_COSIGN and not release:
        return "review.stands.own_waits" if own else "review.stands.waits"
    if plan.state in {Plan.RETURNED, Plan.STALE}:
        return f"review.stands.{Plan.State.Name(plan.state)}"
    if plan.state in LIVE - {Plan.APPROVED}:
        return ""
    return "review.stands.hold" if plan.hold else f"review.stands.{Plan.State.Name(plan.state)}"
