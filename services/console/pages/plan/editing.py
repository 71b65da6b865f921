"""What the plan page offers to change, and what it asks or says after a change."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from myoplan.planner.v1.plan_pb2 import Plan, Signature, Step
from myoplan.planner.v1.session_pb2 import Session
from services.console.pages.plan.edits import REASONS, neighbour
from services.console.pages.review.offers import Offers, offers
from services.console.pages.review.signing import proof_of
from services.console.web import Visit
from services.console.wording import SECONDS, minutes, side_word

SESSION_MINUTES = (30, 45, 50, 60, 75, 90, 120)
MAIN_SENTENCES = 2
SHAPED = frozenset({Step.RELEASE, Step.LENGTHEN})
REOPENED = frozenset({Plan.RETURNED, Plan.STALE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One thing that a list offers."""

    value: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepControls:
    """What can be done with the selected step. `pin` is `pin`, `unpin` or empty."""

    step: str
    earlier: bool
    later: bool
    pin: str
    techniques: tuple[Choice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What an edit needs first: `kind` is `override`, `reason` or `conflict`; `fields` is the edit itself."""

    kind: str
    texts: tuple[str, ...]
    fields: Mapping[str, str]
    reasons: tuple[Choice, ...] = ()
    ways: tuple[Choice, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What was refused, in words. `stop`: a rule of safety, and no way round it."""

    text: str
    details: tuple[str, ...] = ()
    stop: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What the last edit changed: the main sentences, the others, and where the plan before it is."""

    main: tuple[str, ...]
    further: tuple[str, ...]
    who: str
    before: str
    differences: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """A caution or referral that has to be read before the plan is released. `who` has read it; empty: nobody."""

    rule: str
    message: str
    who: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Onward:
    """Where an approved plan leads: to the treatment, back to it while it runs, to what was done once it is finished.

    `main`: nothing else is to be done with the plan first.
    """

    name: str
    address: str
    main: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Editing:
    """Everything about changing and releasing the plan."""

    etag: str
    digest: str
    request_id: str
    step: StepControls | None
    minutes: tuple[str, ...]
    positions: tuple[Choice, ...]
    unavailable: tuple[str, ...]
    changed: Changed | None
    undo: bool
    offers: Offers
    flags: tuple[Flag, ...]
    unread: int
    proof: str
    onward: Onward | None
    amend: bool
    hold: str
    returned: str
    """Who sent the plan back and why, as long as nobody has taken it up again."""
    hint: str
    review: str
    document: str
    old: str = ""
    """Where the plan is as it is now, if this is an earlier revision."""
    told: Told | None = None
    question: Question | None = None
    ticked: bool = False
    values: Mapping[str, str] = field(default_factory=dict)


def editing(
    visit: Visit, plan: Plan, selected: Step | None, *, session: Session | None = None, **more: object
) -> Editing:
    """Returns what is offered to the person who asks. `session`: how the plan is worked; None: nobody has begun.

    `more`: what is told, asked, or was ticked.
    """
    offered = offers(plan, visit.person)
    vocabulary = visit.console.vocabulary
    unavailable = {*plan.constraints.unavailable_positions, *plan.snapshot.preferences.unavailable_positions}
    flags = tuple(_flags(plan))
    address = f"/{plan.name}"
    return Editing(
        etag=plan.etag,
        digest=plan.digest,
        request_id=str(uuid.uuid4()),
        step=_controls(visit, plan, selected) if offered.edit and selected is not None and selected.muscle else None,
        minutes=_session_minutes(plan) if offered.edit else (),
        positions=tuple(
            Choice(value=each, name=vocabulary.name("position", each))
            for each in vocabulary.base.positions
            if each not in unavailable
        ),
        unavailable=tuple(vocabulary.name("position", each) for each in sorted(unavailable)),
        changed=_changed(plan),
        undo=offered.edit and plan.state == Plan.DRAFT and plan.HasField("change"),
        offers=offered,
        flags=flags,
        unread=sum(not each.who for each in flags),
        proof=proof_of(visit),
        onward=_onward(visit, plan, session),
        amend=_usable(plan) and (session is None or session.state == Session.RUNNING),
        hold=plan.hold_reason,
        returned=_returned(visit, plan),
        hint=visit.t(f"plan.stands.{Plan.State.Name(plan.state)}") if plan.state in REOPENED else "",
        review=f"{address}/review",
        document=f"{address}/sheet",
        **more,  # type: ignore[arg-type]
    )


def _usable(plan: Plan) -> bool:
    return bool(plan.approved_version) and not plan.hold and plan.state == Plan.APPROVED


def _onward(visit: Visit, plan: Plan, session: Session | None) -> Onward | None:
    """Returns where the plan leads; a session that runs is finished whatever has become of the plan since."""
    if session is None and not _usable(plan):
        return None
    text, place = "plan.to_room", "room"
    if session is not None:
        text, place = ("room.to_report", "finish") if session.state == Session.FINISHED else ("room.resume", "room")
    return Onward(name=visit.t(text), address=f"/{plan.name}/{place}", main=plan.state == Plan.APPROVED)


def _returned(visit: Visit, plan: Plan) -> str:
    sent = [each for each in plan.signatures if each.meaning == Signature.RETURNED]
    if plan.state != Plan.RETURNED or not sent:
        return ""
    return visit.t("plan.sent_back", who=sent[-1].signer.display_name, reason=sent[-1].text)


def _controls(visit: Visit, plan: Plan, step: Step) -> StepControls:
    pin = "unpin" if step.pinned else "pin" if step.phase in SHAPED else ""
    return StepControls(
        step=step.id,
        earlier=neighbour(plan, step, earlier=True) is not None,
        later=neighbour(plan, step, earlier=False) is not None,
        pin=pin,
        techniques=_techniques(visit, step),
    )


def _techniques(visit: Visit, step: Step) -> tuple[Choice, ...]:
    """Returns the techniques that can take the place of the step's, the preferred first."""
    base = visit.console.vocabulary.base
    uses = sorted((each for each in base.treated_by if each.muscle == step.muscle), key=lambda each: each.order)
    phase = Step.Phase.Name(step.phase).lower()
    return tuple(
        Choice(value=each.technique, name=visit.console.vocabulary.name("technique", each.technique))
        for each in uses
        if each.technique != step.technique and base.techniques[each.technique].phase.value == phase
    )


def _session_minutes(plan: Plan) -> tuple[str, ...]:
    now = minutes(plan.time_budget)
    return tuple(f"{each:g}" for each in sorted({*map(float, SESSION_MINUTES), now}))


def _changed(plan: Plan) -> Changed | None:
    if not plan.HasField("change"):
        return None
    sentences = tuple(plan.change.sentences)
    return Changed(
        main=sentences[:MAIN_SENTENCES],
        further=sentences[MAIN_SENTENCES:],
        who=plan.change.person.display_name,
        before=f"/{plan.name}?version={plan.change.from_version}",
        differences=f"/{plan.name}/changes?from={plan.change.from_version}",
    )


def _flags(plan: Plan) -> Iterable[Flag]:
    words = {each.rule: each.message for each in plan.cautions}
    words |= {each.rule: each.message for each in plan.referrals}
    for each in plan.acknowledgements:
        yield Flag(
            rule=each.rule,
            message=words.get(each.rule, each.rule.replace("_", " ")),
            who=each.person.display_name if each.HasField("person") else "",
        )


def override_reasons(visit: Visit) -> tuple[Choice, ...]:
    """Returns the coded reasons for going against a preference."""
    return tuple(Choice(value=name, name=visit.t(f"plan.override.{name}")) for name in REASONS)


def way_name(visit: Visit, way: str) -> str:
    """Returns what a loosening is called on its button."""
    kind, _, rest = way.partition(" ")
    if kind == "minutes":
        return visit.t("plan.conflict.minutes", n=f"{int(rest) / SECONDS:g}")
    muscle, side, *technique = rest.split()
    name = visit.console.vocabulary.name("muscle", muscle)
    named = f"{name} {visit.t(f'side.{side_word(int(side))}')}"
    if technique:
        named = f"{visit.console.vocabulary.name('technique', technique[0])}, {named}"
    return visit.t("plan.conflict.without", name=named)
