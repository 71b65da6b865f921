"""What the treatment room shows: the whole session, so that the page needs nothing more once it is loaded."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from myoplan.planner.v1.plan_pb2 import Caution, Plan, Step
from myoplan.planner.v1.session_pb2 import Session, SessionStep
from services.console.bodychart_files import LAYERS
from services.console.pages.review.words import Words
from services.console.web import Context, Visit
from services.console.wording import code, plan_state, side_word

STOP_WHEN, MIMIC, NOT_ASKED = "stop_when", "serious_mimic", "safety_not_asked"
PRESSURES = ("1", "2", "3", "4", "5")
LOST_MINUTES = (5, 8, 10, 12, 15, 20)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomStep:
    """One step. `status` is `pending`, `done`, `skipped` or `dropped`; a turn has no number and belongs to the next."""

    id: str
    number: int
    turn: bool
    side: str
    what: str
    technique: str
    instruction: str
    seconds: int
    approved_seconds: int
    position: str
    position_name: str
    cautions: tuple[str, ...]
    stop_when: tuple[str, ...]
    pressure: int
    muscle: str
    status: str
    delivered: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionChoice:
    """A position that the rest of the session uses."""

    value: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomPage(Context):
    """The session. `state` is `ready`, `running`, `finished` or `not_usable`; `started` in milliseconds since 1970."""

    client: str
    code: str
    plan: str
    address: str
    finish: str
    etag: str
    request_id: str
    state: str
    plan_state: str
    reason: str
    started: int
    budget_seconds: int
    planned_seconds: int
    count: int
    cautions: tuple[str, ...]
    steps: tuple[RoomStep, ...]
    positions: tuple[PositionChoice, ...]
    lost: tuple[int, ...]
    pressures: dict[str, str]
    changes: tuple[str, ...]
    latest: tuple[str, ...]
    chart: dict[str, str]


def room_page(visit: Visit, plan: Plan, session: Session | None) -> RoomPage:
    """Returns the page. `plan` is the approved version, or what there is if none is approved."""
    steps = list(session.steps) if session is not None else [_pending(step) for step in plan.steps]
    usable = plan.approved_version > 0 and not plan.hold
    state = "ready" if usable else "not_usable"
    if session is not None:
        state = "running" if session.state == Session.RUNNING else "finished"
    client = plan.name.split("/")[1]
    rows = tuple(_rows(visit, steps))
    ahead = dict.fromkeys(each.position for each in rows if each.status == "pending" and each.position)
    changes = list(session.changes) if session is not None else []
    return RoomPage(
        title=f"{visit.t('room.title')} · {code(client)}",
        client=client,
        code=code(client),
        plan=f"/{plan.name}",
        address=f"/{plan.name}/room",
        finish=f"/{plan.name}/finish",
        etag=plan.etag,
        request_id=str(uuid.uuid4()),
        state=state,
        plan_state=plan_state(plan, visit.console.texts),
        reason=plan.hold_reason,
        started=session.start_time.ToMilliseconds() if session is not None else 0,
        budget_seconds=plan.time_budget.seconds,
        planned_seconds=sum(each.seconds for each in rows if each.status != "dropped"),
        count=max((each.number for each in rows), default=0),
        cautions=_messages(each for each in plan.cautions if each.rule not in {MIMIC, NOT_ASKED, "free_minutes"}),
        steps=rows,
        positions=tuple(
            PositionChoice(value=each, name=visit.console.vocabulary.name("position", each)) for each in ahead
        ),
        lost=LOST_MINUTES,
        pressures={each: visit.t(f"pressure.{each}") for each in PRESSURES},
        changes=tuple(sentence for change in changes for sentence in change.sentences),
        latest=tuple(changes[-1].sentences) if changes else (),
        chart={layer: visit.console.chart.address(layer) for layer in LAYERS},
    )


def _pending(step: Step) -> SessionStep:
    return SessionStep(step=step, status=SessionStep.PENDING, approved_duration=step.duration)


def _messages(cautions: Iterable[Caution]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.message for each in cautions))


def _rows(visit: Visit, steps: Iterable[SessionStep]) -> Iterator[RoomStep]:
    words = Words(vocabulary=visit.console.vocabulary, texts=visit.console.texts)
    number = 0
    for each in steps:
        step, turn = each.step, each.step.phase == Step.TURN
        counted = not turn and each.status != SessionStep.DROPPED
        number += counted
        yield RoomStep(
            id=step.id,
            number=number if counted else 0,
            turn=turn,
            side=side_word(step.side),
            what=words.what(step),
            technique=words.technique(step),
            instruction=step.instruction,
            seconds=step.duration.seconds,
            approved_seconds=each.approved_duration.seconds,
            position=step.position,
            position_name=visit.console.vocabulary.name("position", step.position) if step.position else "",
            cautions=_messages(one for one in step.cautions if one.rule != STOP_WHEN),
            stop_when=_messages(one for one in step.cautions if one.rule == STOP_WHEN),
            pressure=step.pressure_level,
            muscle=step.muscle,
            status=SessionStep.Status.Name(each.status).lower(),
            delivered=each.delivered.seconds,
        )
