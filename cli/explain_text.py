"""Findings, replays, comparisons and explanations in words, for the terminal."""

from __future__ import annotations

from google.protobuf.duration_pb2 import Duration
from rich.console import Console
from rich.markup import escape

from cli.plan_text import DISPOSITIONS, print_reasons, reason_sentence, side_word, what, words
from myoplan.planner.v1.plan_pb2 import Rationale, Step, Target
from myoplan.planner.v1.planner_service_pb2 import (
    CheckPlanResponse,
    Explanation,
    PlanDiff,
    ReplayPlanResponse,
    StepDiff,
)


def print_findings(answer: CheckPlanResponse, console: Console) -> None:
    """Prints what a check found."""
    for finding in answer.findings:
        where = f"{finding.step}: " if finding.step else ""
        console.print(f"{where}{finding.message} ({words(finding.rule)})", markup=False)
    console.print(f"{len(answer.findings)} findings" if answer.findings else "Nothing is wrong with it.")


def print_replay(answer: ReplayPlanResponse, console: Console) -> None:
    """Prints whether a plan came out the same."""
    if answer.reason_not_replayable:
        console.print(f"Not replayable here: {escape(answer.reason_not_replayable)}.")
    elif answer.identical:
        console.print("Identical to the last value.")
    else:
        console.print(f"Different: {escape(answer.first_difference)}")


def print_comparison(answer: PlanDiff, console: Console) -> None:
    """Prints how two plans differ."""
    if answer.identical:
        console.print("The two plans are the same.")
        return
    if answer.earlier_disposition != answer.later_disposition:
        before, after = DISPOSITIONS[answer.earlier_disposition], DISPOSITIONS[answer.later_disposition]
        console.print(f"{before} became {after}")
    if answer.earlier_time_budget != answer.later_time_budget:
        console.print(f"{_minutes(answer.earlier_time_budget)} became {_minutes(answer.later_time_budget)}")
    for sentence in answer.sentences:
        console.print(f"* {escape(sentence)}")
    for difference in answer.steps:
        console.print(escape(_difference(difference)))
    if not answer.steps:
        console.print("The steps are the same.")


def print_explanation(target: Target, answer: Explanation, console: Console) -> None:
    """Prints why something is left out and what brings it in."""
    console.print(f"[bold]{escape(_target(target))}[/bold]: {escape(answer.message)}")
    for omission in answer.omissions:
        print_reasons(omission.rationale, console)
    if answer.HasField("candidate"):
        console.print(f"The findings point to it with {answer.candidate.score:.2f} of 1:")
        print_reasons(answer.candidate.rationale, console)
    for change in answer.changes:
        console.print(f"What brings it in: {escape(_change(change))}")
    if answer.reason_not_replayable:
        console.print(f"Nothing could be tried: {escape(answer.reason_not_replayable)}.")


def _difference(difference: StepDiff) -> str:
    said = set(difference.differences)
    if StepDiff.ADDED in said:
        return f"+ {what(difference.later)}{_because(difference.later.rationale, difference)}"
    if StepDiff.REMOVED in said:
        return f"- {what(difference.earlier)}{_because(difference.earlier.rationale, difference)}"
    earlier, later = difference.earlier, difference.later
    parts = []
    if StepDiff.DURATION in said:
        parts.append(f"{_minutes(earlier.duration)} became {_minutes(later.duration)}")
    if StepDiff.PRESSURE in said:
        parts.append(f"pressure {_pressure(earlier)} became {_pressure(later)}")
    if StepDiff.POSITION in said:
        parts.append(f"{words(earlier.position)} became {words(later.position)}")
    if StepDiff.ORDER in said:
        parts.append("stands elsewhere")
    return f"~ {what(later)}: {', '.join(parts)}"


def _because(rationale: Rationale, difference: StepDiff) -> str:
    """Returns the first reason of the plan that has the step, and what the other plan says about its absence."""
    reason = f" ({reason_sentence(rationale.reasons[0])})" if rationale.reasons else ""
    without = f"; the other plan: {difference.omission.message}" if difference.HasField("omission") else ""
    return reason + without


def _change(change: Explanation.Change) -> str:
    named = ", ".join(map(_target, change.targets))
    sentences = {
        Explanation.TIME_BUDGET: f"a session of {_minutes(change.time_budget)}",
        Explanation.EXCLUSIONS: f"leaving out {named}",
        Explanation.EXCLUSION_LIFTED: f"taking back the exclusion of {named}",
        Explanation.DEMAND: f"demanding {named}",
    }
    return sentences.get(change.kind, named)


def _target(target: Target) -> str:
    return " ".join(filter(None, (side_word(target.side), words(target.muscle), words(target.technique))))


def _pressure(step: Step) -> str:
    return str(step.pressure_level) if step.HasField("pressure_level") else "none"


def _minutes(duration: Duration) -> str:
    return f"{duration.ToTimedelta().total_seconds() / 60:g} min"
