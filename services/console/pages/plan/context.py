"""What the plan page shows: the hour as a timeline, each step with why it is there, and what was left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from myoplan.planner.v1.plan_pb2 import Caution, Omission, Plan, Side, Step, Target, Urgency
from myoplan.planner.v1.session_pb2 import Session
from services.console.bodychart_files import LAYERS
from services.console.pages.plan.editing import Editing, editing
from services.console.pages.plan.edits import movable
from services.console.pages.plan.why import MAIN_REASONS, Trail, short_why, trail, weighing
from services.console.vocabulary import Vocabulary
from services.console.web import Context, Visit
from services.console.wording import code, minutes, minutes_text, moment, plan_state, short_day_text, side_word

HALVES = 2
LEAST_MINUTES_FOR_A_NAME = 4
MIMIC = "serious_mimic"
STOP_WHEN = "stop_when"
NOT_ASKED = "safety_not_asked"
HANDS_OFF = frozenset({Plan.DO_NOT_TREAT, Plan.REFER})
MAIN_OMISSIONS = 6
BLOCKED = frozenset({Omission.CONTRAINDICATED, Omission.POSITION_UNAVAILABLE, Omission.MISSING_PREREQUISITE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block of the timeline; its width is `halves`, half minutes."""

    id: str
    number: str
    name: str
    minutes: str
    halves: int
    kind: str
    here: bool
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """The time that the client stays in one position."""

    position: str
    name: str
    minutes: str
    halves: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """One line of the session. A turn has no number. `movable`: it can be put elsewhere by dragging."""

    id: str
    number: str
    turn: bool
    side: str
    what: str
    technique: str
    phase: str
    position: str
    minutes: str
    pressure: str
    why: str
    pinned: bool
    cautions: tuple[str, ...]
    here: bool
    movable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDetail:
    """The selected step in full."""

    id: str
    number: str
    muscle: str
    side: str
    what: str
    technique: str
    instruction: str
    dose: str
    cautions: tuple[str, ...]
    main: tuple[Trail, ...]
    further: tuple[Trail, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Something that is not in the plan. `muscle` is empty where a technique is left out everywhere.

    `technique_id` with `muscle` and `side` is what is added to bring it in.
    """

    muscle: str
    side: str
    name: str
    technique: str
    technique_id: str
    kind: str
    message: str
    price: str
    blocked: bool
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralRow:
    """Who else should see the client, and how soon."""

    urgency: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionRow:
    """What nobody asked, and what the plan assumes."""

    question: str
    assumption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanPage(Context):
    """The whole plan with one step selected."""

    address: str
    client: str
    code: str
    state: str
    version: int
    author: str
    made: str
    minutes: str
    planned: str
    slack: str
    disposition: str
    hands_off: bool
    caution: bool
    cautions: tuple[str, ...]
    looks_like: tuple[str, ...]
    referrals: tuple[ReferralRow, ...]
    questions: tuple[QuestionRow, ...]
    assessment: str
    assessment_address: str
    timeline: tuple[Block, ...]
    stretches: tuple[Stretch, ...]
    steps: tuple[StepRow, ...]
    selected: StepDetail | None
    left_out: tuple[LeftOut, ...]
    left_out_further: tuple[LeftOut, ...]
    aftercare: tuple[str, ...]
    follow_up: tuple[str, ...]
    reviewed: bool
    chart: dict[str, str]
    editing: Editing


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyNotPage(Context):
    """Why one muscle is not in the plan, and the least that would bring it in."""

    plan: str
    name: str
    side: str
    message: str
    included: bool
    changes: tuple[str, ...]
    nothing: str


def target_text(visit: Visit, target: Target) -> str:
    """Returns a muscle with its side."""
    return f"{visit.console.vocabulary.name('muscle', target.muscle)} {visit.t(f'side.{side_word(target.side)}')}"


def plan_page(visit: Visit, plan: Plan, wanted: str, *, session: Session | None = None, **more: object) -> PlanPage:
    """Returns the page of a plan with the step `wanted` selected; `session` and `more` are what `editing` takes."""
    _, client, _, _ = plan.name.split("/")
    steps = list(_numbered(plan.steps))
    selected = next((pair for pair in steps if pair[1].id == wanted), None) or next(
        (pair for pair in steps if pair[1].phase == Step.RELEASE), next(iter(steps), None)
    )
    here = selected[1].id if selected else ""
    edits = editing(visit, plan, selected[1] if selected else None, session=session, **more)
    told = {referral.message for referral in plan.referrals} | {flag.message for flag in edits.flags}
    left_out = [] if plan.disposition in HANDS_OFF else [_left_out(visit, plan, each) for each in plan.omissions]
    made = moment(plan.create_time, visit.console)
    return PlanPage(
        title=f"{visit.t('plan.title')} · {code(client)}",
        address=f"/{plan.name}",
        client=client,
        code=code(client),
        state=plan_state(plan, visit.console.texts),
        version=plan.version,
        author=plan.author.display_name,
        made=f"{short_day_text(made)} {made:%H:%M}",
        minutes=minutes_text(plan.time_budget),
        planned=minutes_text(plan.planned_duration),
        slack=minutes_text(plan.slack),
        disposition=visit.t(f"disposition.{Plan.Disposition.Name(plan.disposition)}"),
        hands_off=plan.disposition in HANDS_OFF,
        caution=plan.disposition == Plan.TREAT_WITH_CAUTION,
        cautions=_messages(
            each for each in plan.cautions if each.rule not in {MIMIC, NOT_ASKED} and each.message not in told
        ),
        looks_like=_messages(each for each in plan.cautions if each.rule == MIMIC),
        referrals=tuple(
            ReferralRow(urgency=visit.t(f"urgency.{Urgency.Name(each.urgency)}"), message=each.message)
            for each in plan.referrals
        ),
        questions=tuple(
            QuestionRow(question=each.question, assumption=each.assumption) for each in plan.unanswered_questions
        ),
        assessment=plan.assessment,
        assessment_address=f"/{plan.assessment}",
        timeline=_timeline(visit, plan, steps, here),
        stretches=_stretches(visit, plan),
        steps=tuple(
            _row(visit, number, step, here, can_move=edits.offers.edit and not edits.old and movable(plan, step))
            for number, step in steps
        ),
        selected=_detail(visit, plan, *selected) if selected else None,
        left_out=tuple(left_out[:MAIN_OMISSIONS]),
        left_out_further=tuple(left_out[MAIN_OMISSIONS:]),
        aftercare=tuple(each.text for each in plan.aftercare),
        follow_up=tuple(target_text(visit, each) for each in plan.follow_up.carry_over),
        reviewed=plan.knowledge_reviewed,
        chart={layer: visit.console.chart.address(layer) for layer in LAYERS},
        editing=edits,
    )


def _messages(cautions: Iterable[Caution]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.message for each in cautions))


def _numbered(steps: Iterable[Step]) -> Iterable[tuple[str, Step]]:
    """Yields each step with its number; a turn has none."""
    number = 0
    for step in steps:
        number += step.phase != Step.TURN
        yield (str(number) if step.phase != Step.TURN else ""), step


def _what(visit: Visit, step: Step) -> str:
    vocabulary = visit.console.vocabulary
    if step.phase == Step.TURN:
        return visit.t("plan.turn_to", position=vocabulary.name("position", step.position))
    for kind, identifier in (("muscle", step.muscle), ("motion", step.motion), ("region", step.region)):
        if identifier:
            return vocabulary.name(kind, identifier)
    return vocabulary.name("technique", step.technique)


def _technique(visit: Visit, step: Step) -> str:
    named = step.muscle or step.motion or step.region
    return visit.console.vocabulary.name("technique", step.technique) if step.technique and named else ""


def _halves(step: Step) -> int:
    return round(minutes(step.duration) * HALVES)


def _timeline(visit: Visit, plan: Plan, steps: Sequence[tuple[str, Step]], here: str) -> tuple[Block, ...]:
    blocks = [
        Block(
            id=step.id,
            number=number,
            name=_block_name(visit.console.vocabulary, step),
            minutes=minutes_text(step.duration),
            halves=_halves(step),
            kind="turn" if step.phase == Step.TURN else _position_kind(step.position),
            here=step.id == here,
            label=" ".join(
                part
                for part in (
                    visit.t("plan.step", n=number) if number else "",
                    visit.t(f"side.{side_word(step.side)}") if step.side else "",
                    _what(visit, step),
                    visit.t("minutes", n=minutes_text(step.duration)),
                )
                if part
            ),
        )
        for number, step in steps
    ]
    if slack := round(minutes(plan.slack) * HALVES):
        blocks.append(
            Block(
                id="",
                number="",
                name="",
                minutes=minutes_text(plan.slack),
                halves=slack,
                kind="slack",
                here=False,
                label=visit.t("plan.slack", n=minutes_text(plan.slack)),
            )
        )
    return tuple(blocks)


def _block_name(vocabulary: Vocabulary, step: Step) -> str:
    """Returns a name that fits the block; cutting a long one would split words of the trade."""
    if minutes(step.duration) < LEAST_MINUTES_FOR_A_NAME:
        return ""
    return vocabulary.short_name(step.muscle) if step.muscle else ""


def _position_kind(position: str) -> str:
    return "side" if position.startswith("side_lying") else position


def _stretches(visit: Visit, plan: Plan) -> tuple[Stretch, ...]:
    positions = [(step.position, _halves(step), step.phase == Step.TURN) for step in plan.steps]
    stretches = []
    for (position, turn), group in groupby(positions, key=lambda each: (each[0] if not each[2] else "", each[2])):
        halves = sum(each[1] for each in group)
        stretches.append(
            Stretch(
                position="turn" if turn else _position_kind(position),
                name="↻" if turn else visit.console.vocabulary.name("position", position),
                minutes="" if turn else f"{halves / HALVES:g}",
                halves=halves,
            )
        )
    if slack := round(minutes(plan.slack) * HALVES):
        stretches.append(Stretch(position="slack", name="", minutes=f"+{slack / HALVES:g}", halves=slack))
    return tuple(stretches)


def _row(visit: Visit, number: str, step: Step, here: str, *, can_move: bool) -> StepRow:
    return StepRow(
        id=step.id,
        number=number,
        turn=step.phase == Step.TURN,
        side=side_word(step.side),
        what=_what(visit, step),
        technique=_technique(visit, step),
        phase=visit.t(f"phase.{Step.Phase.Name(step.phase)}"),
        position=visit.console.vocabulary.name("position", step.position),
        minutes=minutes_text(step.duration),
        pressure=visit.t(f"pressure.{step.pressure_level}") if step.HasField("pressure_level") else "",
        why=short_why(visit, step),
        pinned=step.pinned,
        cautions=_messages(each for each in step.cautions if each.rule != STOP_WHEN),
        here=step.id == here,
        movable=can_move,
    )


def _detail(visit: Visit, plan: Plan, number: str, step: Step) -> StepDetail:
    main = weighing(step)
    others = [reason for reason in step.rationale.reasons if reason not in main]
    trails = [trail(visit, plan, step, reason) for reason in (*main, *others)]
    return StepDetail(
        id=step.id,
        number=number,
        muscle=step.muscle,
        side=side_word(step.side),
        what=_what(visit, step),
        technique=_technique(visit, step),
        instruction=step.instruction,
        dose=_dose(visit, step),
        cautions=_messages(step.cautions),
        main=tuple(trails[:MAIN_REASONS]),
        further=tuple(trails[MAIN_REASONS:]),
    )


def _dose(visit: Visit, step: Step) -> str:
    dose = step.dose
    parts = [
        visit.t(f"dose.{name}", n=f"{getattr(dose, name):g}")
        for name in ("seconds", "hold_seconds", "repetitions", "contraction_percent", "pain_ceiling")
        if dose.HasField(name)
    ]
    if step.HasField("pressure_level"):
        parts.append(visit.t("dose.pressure", n=step.pressure_level, word=visit.t(f"pressure.{step.pressure_level}")))
    return " · ".join(parts)


def _left_out(visit: Visit, plan: Plan, omission: Omission) -> LeftOut:
    vocabulary = visit.console.vocabulary
    side = side_word(omission.side)
    return LeftOut(
        muscle=omission.muscle,
        side=side,
        name=vocabulary.name("muscle", omission.muscle) if omission.muscle else visit.t("plan.everywhere"),
        technique=vocabulary.name("technique", omission.technique) if omission.technique else "",
        technique_id=omission.technique,
        kind=visit.t(f"omission.{Omission.Kind.Name(omission.kind)}"),
        message=omission.message,
        price=visit.t("plan.needs", n=f"{omission.minutes_needed:g}") if omission.minutes_needed else "",
        blocked=omission.kind in BLOCKED,
        address=f"/{plan.name}/why-not/{omission.muscle}/{side}"
        if omission.muscle and omission.side != Side.SIDE_UNSPECIFIED
        else "",
    )
