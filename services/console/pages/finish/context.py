"""What the page that closes a visit shows: the form while the session runs, the report once it is finished."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from myoplan.planner.v1.plan_pb2 import Plan, Side, Step
from myoplan.planner.v1.session_pb2 import Retest, Session, SessionStep
from services.console.pages.review.words import Words
from services.console.web import Context, Visit
from services.console.wording import SECONDS, code, moment, short_day_text, side_word

SCALE_STEP = 15
ROOM_ABOVE = 1.1
LEAST_SCALE = 30
MOST_ROWS = 8
WORST_PAIN = 10
REACTIONS = ("as_expected", "sore", "light_headed", "more_pain")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetestRow:
    """One motion to measure again. `scale` is the end of its bar in the unit of the motion."""

    field: str
    name: str
    side: str
    unit: str
    before: str
    scale: int
    value: str
    test_position: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneRow:
    """One step, planned against done; minutes and seconds as text."""

    number: int
    side: str
    what: str
    technique: str
    planned: str
    worked: str
    status: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredRow:
    """One motion measured again, with its value before."""

    name: str
    side: str
    before: str
    after: str
    change: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishPage(Context):
    """Closing a visit. `state` is `none`, `running` or `finished`."""

    client: str
    code: str
    plan: str
    room: str
    address: str
    progress: str
    state: str
    request_id: str
    rows: tuple[RetestRow, ...]
    pain_before: str
    pain: str
    reactions: tuple[str, ...]
    reaction: str
    note: str
    problems: tuple[str, ...]
    not_done: int
    day: str
    therapist: str
    planned: str
    worked: str
    done: tuple[DoneRow, ...]
    measured: tuple[MeasuredRow, ...]
    changes: tuple[str, ...]


def finish_page(
    visit: Visit,
    plan: Plan,
    session: Session | None,
    *,
    values: Mapping[str, str] | None = None,
    problems: Sequence[str] = (),
) -> FinishPage:
    """Returns the page; `values` are the fields as typed, `problems` what is wrong with them."""
    typed = values or {}
    client = plan.name.split("/")[1]
    finished = session is not None and session.state == Session.FINISHED
    steps = list(session.steps) if session is not None else []
    began = moment(session.start_time, visit.console) if session is not None else None
    pains = [area.intensity for area in plan.snapshot.pain_areas if area.HasField("intensity")]
    after = f"{session.pain:g}" if session is not None and session.HasField("pain") else ""
    return FinishPage(
        title=f"{visit.t('finish.report' if finished else 'finish.title')} · {code(client)}",
        client=client,
        code=code(client),
        plan=f"/{plan.name}",
        room=f"/{plan.name}/room",
        address=f"/{plan.name}/finish",
        progress=f"/clients/{client}/progress",
        state="none" if session is None else "finished" if finished else "running",
        request_id=typed.get("request_id") or str(uuid.uuid4()),
        rows=tuple(_retests(visit, plan, typed)),
        pain_before=f"{max(pains):g}" if pains else "",
        pain=typed.get("pain", after),
        reactions=REACTIONS,
        reaction=typed.get("reaction", ""),
        note=typed.get("note", session.reaction if session is not None else ""),
        problems=tuple(problems),
        not_done=sum(each.status == SessionStep.PENDING and each.step.phase != Step.TURN for each in steps),
        day=short_day_text(began) if began else "",
        therapist=session.therapist.display_name if session is not None else "",
        planned=clock(sum(each.approved_duration.seconds for each in steps)),
        worked=clock(sum(each.delivered.seconds for each in steps)),
        done=tuple(_done(visit, steps)),
        measured=tuple(_measured(visit, each) for each in (session.retests if session is not None else ())),
        changes=tuple(text for each in (session.changes if session is not None else ()) for text in each.sentences),
    )


def clock(seconds: int) -> str:
    """Returns a length as minutes and seconds: `6:30`."""
    return f"{seconds // SECONDS}:{seconds % SECONDS:02d}"


def motions_to_test(plan: Plan) -> list[tuple[str, Side.ValueType]]:
    """Returns which motions are measured again, with the number of the side: those of the plan, else those measured."""
    planned = [(step.motion, step.side) for step in plan.steps if step.phase in {Step.RETEST, Step.ARRIVAL}]
    measured = [(test.motion, test.side) for test in plan.snapshot.rom_tests if test.HasField("value")]
    wanted = [pair for pair in planned if pair[0] and pair[1]] or measured
    return list(dict.fromkeys(wanted))[:MOST_ROWS]


def _retests(visit: Visit, plan: Plan, typed: Mapping[str, str]) -> Iterator[RetestRow]:
    motions = visit.console.vocabulary.base.motions
    before = {(test.motion, test.side): test.value for test in plan.snapshot.rom_tests if test.HasField("value")}
    for motion, side in motions_to_test(plan):
        known = motions.get(motion)
        if known is None:
            continue
        was = before.get((motion, side))
        highest = max([LEAST_SCALE, was or 0, *(norm.value for norm in known.norms)])
        field = f"value.{motion}.{side_word(side)}"
        unit = visit.t(f"unit.{known.unit}")
        yield RetestRow(
            field=field,
            name=visit.console.vocabulary.name("motion", motion),
            side=side_word(side),
            unit=unit,
            before=f"{was:g}{unit}" if was is not None else "",
            scale=int(min(SCALE_STEP * ceil(highest * ROOM_ABOVE / SCALE_STEP), ceil(known.limit_max))),
            value=typed.get(field, ""),
            test_position=known.test_position,
        )


def _done(visit: Visit, steps: Sequence[SessionStep]) -> Iterator[DoneRow]:
    words = Words(vocabulary=visit.console.vocabulary, texts=visit.console.texts)
    number = 0
    for each in steps:
        step, turn = each.step, each.step.phase == Step.TURN
        number += not turn
        changed = each.HasField("pressure_level") and each.pressure_level != step.pressure_level
        note = visit.t("finish.pressure", word=visit.t(f"pressure.{each.pressure_level}")) if changed else ""
        yield DoneRow(
            number=0 if turn else number,
            side=side_word(step.side),
            what=words.what(step),
            technique=words.technique(step),
            planned=clock(each.approved_duration.seconds),
            worked=clock(each.delivered.seconds) if each.status == SessionStep.DONE else "",
            status=visit.t(f"finish.status.{SessionStep.Status.Name(each.status)}"),
            note=" · ".join(text for text in (note, each.note) if text),
        )


def _measured(visit: Visit, retest: Retest) -> MeasuredRow:
    motion = visit.console.vocabulary.base.motions.get(retest.motion)
    unit = visit.t(f"unit.{motion.unit}") if motion else ""
    both = retest.HasField("before") and retest.HasField("value")
    return MeasuredRow(
        name=visit.console.vocabulary.name("motion", retest.motion),
        side=side_word(retest.side),
        before=f"{retest.before:g}{unit}" if retest.HasField("before") else "",
        after=f"{retest.value:g}{unit}" if retest.HasField("value") else "",
        change=signed(retest.value - retest.before, unit) if both else "",
    )


def signed(value: float, unit: str) -> str:
    """Returns a change with its sign, as it is written."""
    return f"{value:+g}{unit}".replace("-", "−") if value else f"0{unit}"
