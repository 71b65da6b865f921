"""What is checked before a plan is released, in words, the gravest first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from myoplan.planner.v1.plan_pb2 import AssessmentSnapshot, Plan
from myoplan.planner.v1.planner_service_pb2 import PlanFinding
from services.console.pages.review.words import Words
from services.console.wording import minutes, minutes_text

UNREMARKABLE = "unremarkable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check. `grade` is `ok`, `open` (somebody has to do something first) or `wrong`; `step`: which it is about."""

    grade: str
    text: str
    step: str = ""


def checks(plan: Plan, findings: Sequence[PlanFinding], words: Words) -> tuple[Check, ...]:
    """Returns every check, the gravest first: a side that differs from the finding stands before all others."""
    order = ("wrong", "open", "ok")
    found = (
        *_sides(plan, words),
        *_rules(plan, findings, words),
        *_minutes(plan, words),
        *_open_points(plan, words),
    )
    return tuple(sorted(found, key=lambda check: order.index(check.grade)))


def other_side(plan: Plan) -> Iterator[tuple[str, int, str]]:
    """Yields muscle, side and step of work on a side that no finding points to while one points to the other."""
    found = {(each.muscle, each.side) for each in plan.candidates}
    found |= {(each.muscle, each.side) for each in plan.snapshot.palpation_findings if _positive(each)}
    muscles = {muscle for muscle, _ in found}
    for step in plan.steps:
        if step.muscle in muscles and (step.muscle, step.side) not in found:
            yield step.muscle, step.side, step.id


def _positive(finding: AssessmentSnapshot.PalpationFinding) -> bool:
    return finding.classification != UNREMARKABLE


def _sides(plan: Plan, words: Words) -> Iterator[Check]:
    wrong = list(other_side(plan))
    for muscle, side, step in wrong:
        text = words.texts("review.check.side", name=words.vocabulary.name("muscle", muscle), side=words.side(side))
        yield Check(grade="wrong", text=text, step=step)
    if not wrong:
        treated = len({(step.muscle, step.side) for step in plan.steps if step.muscle})
        yield Check(grade="ok", text=words.texts("review.check.sides", n=treated))


def _rules(plan: Plan, findings: Sequence[PlanFinding], words: Words) -> Iterator[Check]:
    steps = {step.id: step for step in plan.steps}
    for finding in findings:
        step = steps.get(finding.step)
        about = words.step(step) if step else finding.step
        yield Check(grade="wrong", text=f"{about}: {finding.message}" if about else finding.message, step=finding.step)
    if not findings:
        yield Check(grade="ok", text=words.texts("review.check.rules"))


def _minutes(plan: Plan, words: Words) -> Iterator[Check]:
    within = minutes(plan.planned_duration) <= minutes(plan.time_budget)
    text = words.texts(
        "review.check.minutes", planned=minutes_text(plan.planned_duration), budget=minutes_text(plan.time_budget)
    )
    yield Check(grade="ok" if within else "wrong", text=text)


def _open_points(plan: Plan, words: Words) -> Iterator[Check]:
    if plan.open_must_fix:
        yield Check(grade="open", text=words.texts("review.check.must_fix", n=plan.open_must_fix))
    else:
        yield Check(grade="ok", text=words.texts("review.check.no_must_fix"))
    unread = sum(not each.HasField("person") for each in plan.acknowledgements)
    if unread:
        yield Check(grade="open", text=words.texts.count("review.check.unread", unread))
    elif plan.acknowledgements:
        yield Check(grade="ok", text=words.texts("review.check.read"))
