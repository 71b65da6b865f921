"""The plan step by step in up to three columns: as it was before, as it is or was approved, and as it was worked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from myoplan.planner.v1.plan_pb2 import Plan, Step
from myoplan.planner.v1.planner_service_pb2 import PlanDiff, StepDiff
from myoplan.planner.v1.session_pb2 import Session, SessionStep
from services.console.pages.finish.context import clock
from services.console.pages.review.rows import SIGNS, Row, all_rows
from services.console.pages.review.words import Words
from services.console.web import Context, Visit
from services.console.wording import SECONDS

HALF_MINUTE_SECONDS = 30
"""A smaller difference between planned and worked is none: plans are made in half minutes."""
FIRST = 1
"""The version that the planner suggested."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Differs:
    """How a step differs from the column before: `kind` is `same`, `added`, `removed`, `changed` or `moved`."""

    kind: str
    sign: str
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedRow:
    """One step. Times are minutes and seconds, empty where a column does not have the step.

    `done_differs` is None where the plan was not worked, or does not have the step either.
    """

    id: str
    number: str
    side: str
    what: str
    technique: str
    before: str
    now: str
    done: str
    differs: Differs
    done_differs: Differs | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangesPage(Context):
    """How the plan differs from an earlier version of it, and from what was done. `columns` are named in their order.

    `sentences` tell the first difference, `counts` how many steps there are of each kind of the second.
    """

    heading: str
    plan: str
    before: str
    report: str
    columns: tuple[str, ...]
    sentences: tuple[str, ...]
    counts: tuple[str, ...]
    rows: tuple[ComparedRow, ...]


def compared_rows(
    visit: Visit, before: Plan, plan: Plan, diff: PlanDiff, session: Session | None, worked: PlanDiff | None
) -> tuple[ComparedRow, ...]:
    """Returns every step but the turns, as the plan runs; those that it lost stand behind what came before them.

    `diff` is against the version `before`. `worked`: what `session` made of the plan; None: it was not worked.
    """
    words = Words(vocabulary=visit.console.vocabulary, texts=visit.console.texts)
    seconds = {step.id: step.duration.seconds for step in plan.steps}
    earlier = {(each.later.id or each.earlier.id): each.earlier.duration.seconds for each in diff.steps}
    outcome = _Outcome(visit, worked, session) if session is not None and worked is not None else None
    return tuple(
        ComparedRow(
            id=row.id,
            number=row.number,
            side=row.side,
            what=row.what,
            technique=row.technique,
            before=clock(earlier.get(row.id, seconds.get(row.id, 0))) if row.was else "",
            now=clock(seconds[row.id]) if row.now else "",
            done=outcome.time(row.id) if outcome is not None else "",
            differs=_differs(visit, row, earlier.get(row.id, 0), seconds.get(row.id, 0)),
            done_differs=outcome.of(row.id) if outcome is not None and row.now else None,
        )
        for row in _in_order(all_rows(plan, diff, words), before)
        if not row.turn
    )


def _in_order(rows: Sequence[Row], before: Plan) -> list[Row]:
    order = [step.id for step in before.steps]
    placed = [row for row in rows if row.now]
    for row in sorted((row for row in rows if not row.now), key=lambda row: order.index(row.id)):
        ahead = set(order[: order.index(row.id)])
        near = max((place for place, each in enumerate(placed) if each.id in ahead), default=-1)
        placed.insert(near + 1, row)
    return placed


def counted(visit: Visit, rows: Sequence[ComparedRow]) -> tuple[str, ...]:
    """Returns how many steps were done as planned, otherwise, or not at all, each with its sign."""
    kinds = [row.done_differs.kind for row in rows if row.done_differs is not None]
    found = [(kind, kinds.count(kind)) for kind in ("same", "changed", "moved", "removed")]
    return tuple(f"{SIGNS[kind]} {visit.t(f'plan.compared.count.{kind}', n=n)}" for kind, n in found if n)


def _differs(visit: Visit, row: Row, was: int, now: int) -> Differs:
    texts = [visit.t(f"review.change.{row.change}")] if row.change in {"added", "removed", "moved"} else []
    if row.change == "changed":
        texts += [_lasting(visit, "plan.compared", now - was)] if was != now else []
        texts += row.details
    if row.change == "removed" and row.why:
        texts = [f"{texts[0]}: {row.why}"]
    return Differs(kind=row.change, sign=row.sign, texts=tuple(texts))


def _lasting(visit: Visit, branch: str, more: int) -> str:
    halves = max(1, round(abs(more) / HALF_MINUTE_SECONDS))
    return visit.t(f"{branch}.{'longer' if more > 0 else 'shorter'}", n=f"{halves * HALF_MINUTE_SECONDS / SECONDS:g}")


class _Outcome:
    """What became of the steps of a plan in its session, by their ids."""

    def __init__(self, visit: Visit, worked: PlanDiff, session: Session) -> None:
        self._visit = visit
        self._differences: Mapping[str, StepDiff] = {each.earlier.id: each for each in worked.steps}
        self._steps: Mapping[str, SessionStep] = {each.step.id: each for each in session.steps}

    def time(self, step: str) -> str:
        """Returns how long a step was worked; empty: it was not done."""
        found = self._steps.get(step)
        return clock(found.delivered.seconds) if found is not None and found.status == SessionStep.DONE else ""

    def of(self, step: str) -> Differs:
        """Returns how the work differs from the plan."""
        found, diff = self._steps.get(step), self._differences.get(step)
        if found is None or found.status != SessionStep.DONE:
            status = SessionStep.STATUS_UNSPECIFIED if found is None else found.status
            texts = [self._visit.t("plan.compared.not_done")]
            if status in {SessionStep.SKIPPED, SessionStep.DROPPED}:
                texts.append(self._visit.t(f"finish.status.{SessionStep.Status.Name(status)}"))
            return Differs(kind="removed", sign=SIGNS["removed"], texts=tuple(texts))
        texts = list(self._texts(found, diff.later if diff is not None else found.step, diff))
        moved = diff is not None and StepDiff.ORDER in diff.differences
        kind = "changed" if texts else "moved" if moved else "same"
        texts += [self._visit.t("plan.compared.moved")] if moved else []
        return Differs(kind=kind, sign=SIGNS[kind], texts=tuple(texts or [self._visit.t("plan.compared.as_planned")]))

    def _texts(self, found: SessionStep, later: Step, diff: StepDiff | None) -> Iterator[str]:
        visit, more = self._visit, found.delivered.seconds - found.approved_duration.seconds
        if abs(more) >= HALF_MINUTE_SECONDS:
            yield _lasting(visit, "plan.compared.done", more)
        if diff is not None and StepDiff.PRESSURE in diff.differences:
            yield visit.t("review.pressure", was=diff.earlier.pressure_level or "–", now=later.pressure_level or "–")
        if diff is not None and StepDiff.POSITION in diff.differences:
            yield visit.console.vocabulary.name("position", later.position)
