"""What the pages of learning mode show. What is shown before the lock is made from the assessment alone."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from myoplan.assessment.v1.assessment_pb2 import Assessment, HealthFlag
from myoplan.planner.v1.learning_pb2 import ListPredictionsResponse, Mark, PredictedStep, Prediction, ThreeWayComparison
from services.console.bodychart_files import LAYERS
from services.console.pages.plan.why import sentence
from services.console.pages.queue import place
from services.console.vocabulary import Vocabulary
from services.console.web import Context, Form, Visit
from services.console.wording import code, day_text, minutes_text, moment, side_word

SLOTS = 10
CRITERIA = ("safety", "priorities", "technique", "sequence", "dose", "reasoning")
LEVELS = (1, 2, 3, 4)
OTHER = {"left": "right", "right": "left"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One thing that the client shows: `where` it is, on which side, and how much."""

    zone: str
    name: str
    side: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What there is to read before predicting: pain, tests and answers; no muscle."""

    code: str
    complaint: str
    pains: tuple[Shown, ...]
    tests: tuple[Shown, ...]
    flags: tuple[str, ...]
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MuscleName:
    """A muscle of the list that one can choose from."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One line of the prediction as it was typed."""

    n: int
    muscle: str
    side: str
    sure: str
    minutes: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictPage(Context):
    """Reading and predicting. `begun`: the prediction is open; only then there is something to fill in."""

    address: str
    case: Case
    begun: bool
    minutes: str
    etag: str
    request_id: str
    slots: tuple[Slot, ...]
    muscles: tuple[MuscleName, ...]
    reasoning: str
    told: tuple[str, ...]
    chart: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaches:
    """A zone that a muscle refers pain to; `usual`: or only sometimes."""

    zone: str
    name: str
    side: str
    usual: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareRow:
    """One muscle in the three plans. `verdict` is a word, and a missed one a question."""

    muscle: str
    side: str
    name: str
    verdict: str
    verdict_word: str
    you: str
    planner: str
    supervisor: str
    message: str
    question: bool
    trail: tuple[str, ...]
    reaches: tuple[Reaches, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenMark:
    """A mark of a supervisor, in words."""

    criterion: str
    level: str
    comment: str
    who: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RevealPage(Context):
    """The comparison. `can_mark`: a supervisor looks at the prediction of somebody else."""

    address: str
    case: Case
    person: str
    own: bool
    state: str
    shown: bool
    minutes: str
    locked: str
    reasoning: str
    rows: tuple[CompareRow, ...]
    counted: str
    differ: bool
    approved: str
    marks: tuple[GivenMark, ...]
    can_mark: bool
    criteria: tuple[str, ...]
    levels: tuple[int, ...]
    etag: str
    request_id: str
    told: tuple[str, ...]
    values: Mapping[str, str]
    chart: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    """An assessment that one can predict on, or a prediction that is open."""

    code: str
    when: str
    place: str
    sides: tuple[str, ...]
    address: str
    begun: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRow:
    """A prediction that was locked, and how it came out; empty numbers: it was not revealed yet."""

    when: str
    code: str
    person: str
    agreed: str
    missed: str
    added: str
    unsafe: str
    shown: bool
    marked: bool
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnPage(Context):
    """Cases to predict and what became of earlier predictions. `of_all`: those of everybody, for a supervisor."""

    cases: tuple[CaseRow, ...]
    past: tuple[PastRow, ...]
    of_all: bool


def case_of(visit: Visit, assessment: Assessment) -> Case:
    """Returns what may be read before the lock."""
    vocabulary = visit.console.vocabulary
    return Case(
        code=code(assessment.name.split("/")[1]),
        complaint=assessment.complaint,
        pains=tuple(
            Shown(
                zone=area.zone,
                name=vocabulary.name("zone", area.zone),
                side=side_word(area.side),
                value=f"{area.intensity:g}/10" if area.HasField("intensity") else "",
            )
            for area in assessment.pain_areas
        ),
        tests=tuple(
            Shown(
                zone="",
                name=vocabulary.name("motion", test.motion),
                side=side_word(test.side),
                value=_measured(visit, test.motion, test.measured.value) if test.measured.HasField("value") else "",
            )
            for test in assessment.rom_tests
        ),
        flags=tuple(
            vocabulary.name("condition", each.condition)
            for each in assessment.health_flags
            if each.answer == HealthFlag.PRESENT
        ),
        address=f"/{assessment.name}/predict",
    )


def _measured(visit: Visit, motion: str, value: float) -> str:
    known = visit.console.vocabulary.base.motions.get(motion)
    return f"{value:g}{visit.t(f'unit.{known.unit}') if known else ''}"


def predict_page(
    visit: Visit,
    assessment: Assessment,
    prediction: Prediction | None,
    *,
    form: Form | None = None,
    told: tuple[str, ...] = (),
) -> PredictPage:
    """Returns the page before the lock; nothing of any plan is in it."""
    typed = form or {}
    return PredictPage(
        title=f"{visit.t('learn.title')} · {code(assessment.name.split('/')[1])}",
        address=f"/{assessment.name}/predict",
        case=case_of(visit, assessment),
        begun=prediction is not None,
        minutes=minutes_text(prediction.time_budget) if prediction else "",
        etag=prediction.etag if prediction else "",
        request_id=str(uuid.uuid4()),
        slots=tuple(
            Slot(
                n=n,
                muscle=typed.get(f"muscle-{n}", ""),
                side=typed.get(f"side-{n}", ""),
                sure=typed.get(f"sure-{n}", "no"),
                minutes=typed.get(f"minutes-{n}", ""),
            )
            for n in range(1, SLOTS + 1)
        ),
        muscles=tuple(MuscleName(id=each.id, name=each.name) for each in visit.console.vocabulary.muscle_choices())
        if prediction
        else (),
        reasoning=typed.get("reasoning", ""),
        told=told,
        chart={layer: visit.console.chart.address(layer) for layer in LAYERS if layer == "zones"},
    )


def reveal_page(
    visit: Visit,
    assessment: Assessment,
    found: ThreeWayComparison,
    *,
    form: Form | None = None,
    told: tuple[str, ...] = (),
) -> RevealPage:
    """Returns the comparison as a page."""
    prediction = found.prediction
    own = prediction.person.id == visit.person.person
    return RevealPage(
        title=f"{visit.t('learn.title')} · {code(assessment.name.split('/')[1])}",
        address=f"/{prediction.name}",
        case=case_of(visit, assessment),
        person=prediction.person.display_name,
        own=own,
        state=Prediction.State.Name(prediction.state),
        shown=prediction.shown,
        minutes=minutes_text(prediction.time_budget),
        locked=day_text(moment(prediction.lock_time, visit.console)),
        reasoning=prediction.reasoning,
        rows=tuple(_row(visit, row, found) for row in found.rows),
        counted=_counted(visit, found.rows),
        differ=bool(found.approved_plan) and any(row.proposed != row.approved for row in found.rows),
        approved=f"/{found.approved_plan}" if found.approved_plan else "",
        marks=tuple(_mark(visit, mark) for mark in prediction.marks),
        can_mark=not own and "supervisor" in visit.person.roles,
        criteria=CRITERIA,
        levels=LEVELS,
        etag=prediction.etag,
        request_id=str(uuid.uuid4()),
        told=told,
        values=form or {},
        chart={layer: visit.console.chart.address(layer) for layer in LAYERS},
    )


def _counted(visit: Visit, rows: Iterable[ThreeWayComparison.Row]) -> str:
    verdicts = [ThreeWayComparison.Verdict.Name(row.verdict) for row in rows]
    kinds = ("AGREED", "MISSED", "ADDED", "UNSAFE")
    return " · ".join(visit.t(f"learn.count.{kind}", n=verdicts.count(kind)) for kind in kinds if kind in verdicts)


def _row(visit: Visit, row: ThreeWayComparison.Row, found: ThreeWayComparison) -> CompareRow:
    vocabulary, verdict = visit.console.vocabulary, ThreeWayComparison.Verdict.Name(row.verdict)
    steps = [
        step for step in found.prediction.steps if (step.target.muscle, step.target.side) == (row.muscle, row.side)
    ]
    return CompareRow(
        muscle=row.muscle,
        side=side_word(row.side),
        name=vocabulary.name("muscle", row.muscle),
        verdict=verdict.lower(),
        verdict_word=visit.t(f"learn.verdict.{verdict}"),
        you=_yours(visit, steps, found.prediction) if row.predicted else visit.t("learn.not_named"),
        planner=_treated(visit, row.proposed_techniques) if row.proposed else visit.t("learn.not_treated"),
        supervisor=(_treated(visit, row.approved_techniques) if row.approved else visit.t("learn.not_treated"))
        if found.approved_plan
        else "",
        message=row.message,
        question=row.verdict == ThreeWayComparison.MISSED,
        trail=tuple(dict.fromkeys(sentence(visit, reason) for reason in row.rationale.reasons)),
        reaches=reaches(vocabulary, row.muscle, side_word(row.side)),
    )


def _yours(visit: Visit, steps: Sequence[PredictedStep], prediction: Prediction) -> str:
    places = [n for n, step in enumerate(prediction.steps, 1) if step in steps]
    parts = [str(places[0]) if places else ""]
    parts += [visit.t("learn.sure" if any(step.sure for step in steps) else "learn.unsure")] if steps else []
    parts += [f"{minutes_text(step.duration)}′" for step in steps if step.HasField("duration")]
    parts += [
        visit.console.vocabulary.name("technique", step.target.technique) for step in steps if step.target.technique
    ]
    return " · ".join(part for part in parts if part)


def _treated(visit: Visit, techniques: Iterable[str]) -> str:
    return ", ".join(visit.console.vocabulary.name("technique", each) for each in techniques) or visit.t(
        "learn.treated"
    )


def reaches(vocabulary: Vocabulary, muscle: str, side: str) -> tuple[Reaches, ...]:
    """Returns where a muscle on one side refers pain to, what is usual first."""
    found = [
        Reaches(zone=edge.zone, name=vocabulary.name("zone", edge.zone), side=word, usual=edge.role.value == "primary")
        for edge in vocabulary.base.refers_to
        if edge.muscle == muscle
        for word in _far_sides(edge.side.value, side)
    ]
    return tuple(sorted(found, key=lambda each: not each.usual))


def _far_sides(relation: str, side: str) -> tuple[str, ...]:
    if side not in OTHER or relation == "both":
        return ("left", "right")
    return (side,) if relation == "same" else (OTHER[side],)


def _mark(visit: Visit, mark: Mark) -> GivenMark:
    return GivenMark(
        criterion=visit.t(f"learn.criterion.{mark.criterion}"),
        level=visit.t(f"learn.level.{mark.level}"),
        comment=mark.comment,
        who=mark.person.display_name,
    )


def case_row(visit: Visit, assessment: Assessment, *, begun: bool) -> CaseRow:
    """Returns an assessment as a case to predict on."""
    where, sides = place(assessment, visit.console.vocabulary)
    return CaseRow(
        code=code(assessment.name.split("/")[1]),
        when=day_text(moment(assessment.create_time, visit.console)),
        place=where,
        sides=sides,
        address=f"/{assessment.name}/predict",
        begun=begun,
    )


def past_row(visit: Visit, prediction: Prediction, count: ListPredictionsResponse.Count | None) -> PastRow:
    """Returns a locked prediction with how it came out."""
    return PastRow(
        when=day_text(moment(prediction.lock_time, visit.console)),
        code=code(prediction.name.split("/")[1]),
        person=prediction.person.display_name,
        agreed=str(count.agreed) if count else "",
        missed=str(count.missed) if count else "",
        added=str(count.added) if count else "",
        unsafe=str(count.unsafe) if count else "",
        shown=prediction.shown,
        marked=bool(prediction.marks),
        address=f"/{prediction.name}",
    )
