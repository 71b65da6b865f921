"""The difference of two versions, row by row, as the later plan runs; steps that went stand where they were."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from myoplan.planner.v1.plan_pb2 import Plan, Step
from myoplan.planner.v1.planner_service_pb2 import PlanDiff, StepDiff
from services.console.pages.review.words import Words
from services.console.wording import minutes_text, side_word

SIGNS = {"removed": "−", "added": "+", "changed": "~", "moved": "↕", "same": "="}
"""Each change with its sign; the word stands beside it."""
_CONTENT = (StepDiff.DURATION, StepDiff.PRESSURE, StepDiff.POSITION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One step in both versions. `was` and `now` are minutes, empty where a version does not have it.

    `mark` names the row as it looks now: a tick belongs to it only as long as the row stays the same.
    """

    id: str
    number: str
    change: str
    sign: str
    turn: bool
    side: str
    what: str
    technique: str
    was: str
    now: str
    details: tuple[str, ...]
    why: str
    mark: str


def all_rows(plan: Plan, diff: PlanDiff, words: Words) -> tuple[Row, ...]:
    """Returns every step of the later plan, with those that it lost."""
    later = {each.later.id: each for each in diff.steps if each.HasField("later")}
    gone = sorted(
        (each for each in diff.steps if not each.HasField("later")), key=lambda each: each.earlier.start_offset.seconds
    )
    return tuple(_merged(plan.steps, later, gone, words))


def changed(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Returns the rows that differ."""
    return tuple(row for row in rows if row.change != "same")


def counts(rows: Sequence[Row]) -> tuple[tuple[str, int], ...]:
    """Returns how many rows of each change there are, those that do not occur left out."""
    found = [(sign, sum(row.change == change for row in rows)) for change, sign in SIGNS.items() if change != "same"]
    return tuple((sign, n) for sign, n in found if n)


def _merged(steps: Sequence[Step], later: dict[str, StepDiff], gone: list[StepDiff], words: Words) -> Iterator[Row]:
    waiting, number = list(gone), 0
    for step in steps:
        while waiting and waiting[0].earlier.start_offset.seconds <= step.start_offset.seconds:
            yield _removed(waiting.pop(0), words)
        number += step.phase != Step.TURN
        shown = str(number) if step.phase != Step.TURN else ""
        yield _kept(step, shown, later.get(step.id), words)
    for each in waiting:
        yield _removed(each, words)


def _removed(diff: StepDiff, words: Words) -> Row:
    return _row(diff.earlier, "", "removed", minutes_text(diff.earlier.duration), "", (), diff.omission.message, words)


def _kept(step: Step, number: str, diff: StepDiff | None, words: Words) -> Row:
    now = minutes_text(step.duration)
    if diff is None:
        return _row(step, number, "same", now, now, (), "", words)
    differences = set(diff.differences)
    if StepDiff.ADDED in differences:
        return _row(step, number, "added", "", now, (), "", words)
    was = minutes_text(diff.earlier.duration)
    change = "changed" if differences & set(_CONTENT) else "moved"
    return _row(step, number, change, was, now, tuple(_details(diff, words)), "", words)


def _details(diff: StepDiff, words: Words) -> Iterator[str]:
    """Yields what differs beside the minutes."""
    texts, vocabulary = words.texts, words.vocabulary
    if StepDiff.PRESSURE in diff.differences:
        yield texts("review.pressure", was=diff.earlier.pressure_level or "–", now=diff.later.pressure_level or "–")
    if StepDiff.POSITION in diff.differences:
        one, other = (vocabulary.name("position", each.position) or "–" for each in (diff.earlier, diff.later))
        yield texts("review.position", was=one, now=other)
    if StepDiff.ORDER in diff.differences:
        yield texts("review.elsewhere")


def _row(
    step: Step, number: str, change: str, was: str, now: str, details: tuple[str, ...], why: str, words: Words
) -> Row:
    return Row(
        id=step.id,
        number=number,
        change=change,
        sign=SIGNS[change],
        turn=step.phase == Step.TURN,
        side=side_word(step.side),
        what=words.what(step),
        technique=words.technique(step),
        was=was,
        now=now,
        details=details,
        why=why,
        mark=" ".join((step.id, change, was, now, *details)),
    )
