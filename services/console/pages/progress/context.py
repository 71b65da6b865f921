"""What the progress page shows, made from comparisons with the first visit and from finished sessions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from myoplan.assessment.v1.assessment_pb2 import Assessment, RomTest
from myoplan.assessment.v1.assessment_service_pb2 import AssessmentComparison
from myoplan.planner.v1.plan_pb2 import Plan, Step
from myoplan.planner.v1.session_pb2 import Session, SessionStep
from services.console.pages.progress.plot import Plot, Value, plot
from services.console.web import Context, Visit
from services.console.wording import code, moment, short_day_text, side_word

MAIN_PLOTS = 6
PAIN_LIMITS = (0.0, 10.0)
BEYOND = AssessmentComparison.BEYOND_ERROR


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One plot with its sentence; `note` says what was measured otherwise."""

    name: str
    side: str
    mode: str
    unit: str
    plot: Plot
    sentence: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SideBar:
    """The newest value of one side; lengths are in the unit of the motion, up to `scale`."""

    side: str
    value: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BothSides:
    """One motion at the newest visit, on both sides."""

    name: str
    gap: str
    scale: float
    bars: tuple[SideBar, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkItem:
    """A muscle that was treated."""

    name: str
    side: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A value before and after a session."""

    name: str
    side: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitRow:
    """One visit: what was done, and what was measured before and after it."""

    when: str
    address: str
    work: tuple[WorkItem, ...]
    measured: tuple[Measured, ...]
    pain: str
    done: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressPage(Context):
    """How the measurements of a client changed since the first visit shown."""

    client: str
    code: str
    visits: int
    first: str
    motions: tuple[Series, ...]
    further_motions: tuple[Series, ...]
    pains: tuple[Series, ...]
    today: tuple[BothSides, ...]
    rows: tuple[VisitRow, ...]
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Worked:
    """A plan with its session; None: nobody has worked it."""

    plan: Plan
    session: Session | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What the page is made from. `comparisons` are those of the first visit with each later one, in order."""

    client: str
    visits: tuple[Assessment, ...]
    comparisons: tuple[AssessmentComparison, ...]
    worked: Mapping[str, Worked]
    more: bool


def progress_page(visit: Visit, found: Material) -> ProgressPage:
    """Returns the page."""
    motions = tuple(_motions(visit, found))
    first = short_day_text(when(visit, found.visits[0]))
    return ProgressPage(
        title=f"{visit.t('progress.title')} · {code(found.client)}",
        client=found.client,
        code=code(found.client),
        visits=len(found.visits),
        first=first,
        motions=motions[:MAIN_PLOTS],
        further_motions=motions[MAIN_PLOTS:],
        pains=tuple(_pains(visit, found)),
        today=tuple(_today(visit, found.visits[-1])),
        rows=tuple(_row(visit, each, found.worked.get(each.name)) for each in found.visits),
        more=found.more,
    )


def when(visit: Visit, assessment: Assessment) -> datetime:
    """Returns when a visit was."""
    stamp = assessment.scheduled_time if assessment.HasField("scheduled_time") else assessment.create_time
    return moment(stamp, visit.console)


# --- series -------------------------------------------------------------------------------------------------------


def _words(visit: Visit) -> tuple[str, str, str]:
    return visit.t("progress.baseline"), visit.t("progress.within"), visit.t("progress.beyond")


def _motions(visit: Visit, found: Material) -> Iterator[Series]:
    keys = dict.fromkeys((each.motion, each.side, each.mode) for one in found.comparisons for each in one.motions)
    for motion, side, mode in keys:
        changes = {
            number: each
            for number, one in enumerate(found.comparisons, start=1)
            for each in one.motions
            if (each.motion, each.side, each.mode) == (motion, side, mode) and each.HasField("later_value")
        }
        base = next((each for each in changes.values() if each.HasField("earlier_value")), None)
        if not changes or base is None:
            continue
        known = visit.console.vocabulary.base.motions.get(motion)
        unit = visit.t(f"unit.{known.unit}") if known else ""
        last = changes[max(changes)]
        tools = [_instrument(each, motion, side, mode) for each in found.visits]
        broken = {n: not each.same_examiner or tools[n] != tools[0] for n, each in changes.items()}
        reference, source = _reference(found.visits, motion, side)
        values = [_first(visit, found, base.earlier_value)] + [
            Value(
                when=short_day_text(when(visit, found.visits[n])),
                value=each.later_value,
                beyond=each.verdict == BEYOND,
                broken=broken[n],
                visit=n,
            )
            for n, each in sorted(changes.items())
        ]
        yield Series(
            name=visit.console.vocabulary.name("motion", motion),
            side=side_word(side),
            mode=visit.t(f"mode.{RomTest.Mode.Name(mode).lower()}") if mode == RomTest.PASSIVE else "",
            unit=unit,
            plot=plot(
                values,
                len(found.visits),
                error=last.measurement_error if last.HasField("measurement_error") else None,
                unit=unit,
                words=_words(visit),
                reference=reference,
                reference_text=visit.t("progress.reference", value=f"{reference:g}{unit}", source=source)
                if reference is not None
                else "",
            ),
            sentence=last.message,
            note=visit.t("progress.broken") if any(broken.values()) else "",
        )


def _instrument(assessment: Assessment, motion: str, side: int, mode: int) -> str:
    """Returns what a motion was measured with; empty: not stated."""
    tests = [each for each in assessment.rom_tests if (each.motion, each.side, each.mode) == (motion, side, mode)]
    return tests[-1].instrument if tests else ""


def _first(visit: Visit, found: Material, value: float) -> Value:
    first = short_day_text(when(visit, found.visits[0]))
    return Value(when=first, value=value, beyond=None, broken=False, visit=0)


def _reference(visits: Sequence[Assessment], motion: str, side: int) -> tuple[float | None, str]:
    """Returns the newest reference value of a motion with its source; without a source none is shown."""
    for assessment in reversed(visits):
        for test in assessment.rom_tests:
            read = test.interpretation
            if (test.motion, test.side) == (motion, side) and read.HasField("norm_value") and read.norm_source:
                return read.norm_value, read.norm_source
    return None, ""


def _pains(visit: Visit, found: Material) -> Iterator[Series]:
    keys = dict.fromkeys((each.zone, each.side) for one in found.comparisons for each in one.pain_areas)
    for zone, side in keys:
        changes = {
            number: each
            for number, one in enumerate(found.comparisons, start=1)
            for each in one.pain_areas
            if (each.zone, each.side) == (zone, side) and each.HasField("later_intensity")
        }
        base = next((each for each in changes.values() if each.HasField("earlier_intensity")), None)
        if not changes or base is None:
            continue
        last = changes[max(changes)]
        values = [_first(visit, found, base.earlier_intensity)] + [
            Value(
                when=short_day_text(when(visit, found.visits[n])),
                value=each.later_intensity,
                beyond=each.verdict == BEYOND,
                broken=False,
                visit=n,
            )
            for n, each in sorted(changes.items())
        ]
        yield Series(
            name=visit.console.vocabulary.name("zone", zone),
            side=side_word(side),
            mode="",
            unit="",
            plot=plot(
                values,
                len(found.visits),
                error=last.threshold if last.HasField("threshold") else None,
                unit="",
                words=_words(visit),
                limits=PAIN_LIMITS,
            ),
            sentence=last.message,
            note="",
        )


# --- the newest visit, and what was done ----------------------------------------------------------------------------


def _today(visit: Visit, newest: Assessment) -> Iterator[BothSides]:
    measured = {(test.motion, test.side): test for test in newest.rom_tests if test.HasField("measured")}
    for motion in dict.fromkeys(name for name, _ in measured):
        known = visit.console.vocabulary.base.motions.get(motion)
        tests = [test for (name, _), test in sorted(measured.items(), key=lambda each: -each[0][1]) if name == motion]
        if known is None or len(tests) <= 1:
            continue
        unit = visit.t(f"unit.{known.unit}")
        values = [test.measured.value for test in tests]
        scale = max([*values, *(norm.value for norm in known.norms), 1.0])
        yield BothSides(
            name=visit.console.vocabulary.name("motion", motion),
            gap=visit.t("progress.gap", gap=f"{max(values) - min(values):g}{unit}"),
            scale=scale,
            bars=tuple(
                SideBar(
                    side=side_word(test.side),
                    value=max(0.0, test.measured.value),
                    text=f"{test.measured.value:g}{unit}",
                )
                for test in tests
            ),
        )


def _row(visit: Visit, assessment: Assessment, worked: Worked | None) -> VisitRow:
    session = worked.session if worked is not None else None
    finished = session is not None and session.state == Session.FINISHED
    return VisitRow(
        when=short_day_text(when(visit, assessment)),
        address=f"/{worked.plan.name}/finish" if worked is not None and session is not None else f"/{assessment.name}",
        work=tuple(_work(visit, session)) if session is not None else (),
        measured=tuple(_measured(visit, session)) if session is not None else (),
        pain=_pain(assessment, session),
        done=finished,
    )


def _work(visit: Visit, session: Session) -> Iterator[WorkItem]:
    done = [each.step for each in session.steps if each.status == SessionStep.DONE and each.step.phase == Step.RELEASE]
    for muscle, side in dict.fromkeys((step.muscle, step.side) for step in done):
        yield WorkItem(name=visit.console.vocabulary.name("muscle", muscle), side=side_word(side))


def _measured(visit: Visit, session: Session) -> Iterator[Measured]:
    for each in session.retests:
        known = visit.console.vocabulary.base.motions.get(each.motion)
        unit = visit.t(f"unit.{known.unit}") if known else ""
        if each.HasField("value"):
            before = f"{each.before:g} → " if each.HasField("before") else ""
            name = visit.console.vocabulary.name("motion", each.motion)
            yield Measured(name=name, side=side_word(each.side), text=f"{before}{each.value:g}{unit}")


def _pain(assessment: Assessment, session: Session | None) -> str:
    intensities = [area.intensity for area in assessment.pain_areas if area.HasField("intensity")]
    before = f"{max(intensities):g}" if intensities else ""
    after = f"{session.pain:g}" if session is not None and session.HasField("pain") else ""
    return " → ".join(part for part in (before, after) if part)
