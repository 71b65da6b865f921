"""Compares two plans by what their steps do, then by minutes, pressure and position, then by order."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.planner.domain.plan import Omission, Phase, PlanContent, Step
from services.planner.domain.sides import Side

# What a step does, and which of the steps that do the same it is.
Identity = tuple[str, Side | None, str, str, str, str, int]


class Difference(StrEnum):
    """What can differ between two plans about one step."""

    ADDED = "added"
    REMOVED = "removed"
    DURATION = "duration"
    PRESSURE = "pressure"
    POSITION = "position"
    ORDER = "order"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDifference:
    """How one step differs. `omission`: what the plan without the step says about that."""

    differences: tuple[Difference, ...]
    earlier: Step | None
    later: Step | None
    omission: Omission | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDifference:
    """How two plans differ: added steps, removed ones, changed ones, then those that only stand elsewhere."""

    identical: bool
    steps: tuple[StepDifference, ...]


def compare(earlier: PlanContent, later: PlanContent) -> PlanDifference:
    """Returns how two plans differ."""
    before, after = _identified(earlier.steps), _identified(later.steps)
    added = [_missing(Difference.ADDED, step, earlier) for one, step in after.items() if one not in before]
    removed = [_missing(Difference.REMOVED, step, later) for one, step in before.items() if one not in after]
    common = [one for one in after if one in before]
    places = {one: place for place, one in enumerate(before)}
    still = _longest_rising([places[one] for one in common])
    changed: list[StepDifference] = []
    moved: list[StepDifference] = []
    for one in common:
        differences = _changes(before[one], after[one])
        if places[one] not in still:
            (changed if differences else moved).append(
                StepDifference(differences=(*differences, Difference.ORDER), earlier=before[one], later=after[one])
            )
        elif differences:
            changed.append(StepDifference(differences=differences, earlier=before[one], later=after[one]))
    return PlanDifference(identical=earlier == later, steps=(*added, *removed, *changed, *moved))


def _identified(steps: Iterable[Step]) -> dict[Identity, Step]:
    seen: Counter[tuple[str, Side | None, str, str, str, str]] = Counter()
    found: dict[Identity, Step] = {}
    for step in steps:
        turned_to = step.position if step.phase is Phase.TURN else ""
        does = (step.muscle, step.side, step.technique, step.region, step.motion, turned_to)
        found[*does, seen[does]] = step
        seen[does] += 1
    return found


def _missing(difference: Difference, step: Step, absent_from: PlanContent) -> StepDifference:
    return StepDifference(
        differences=(difference,),
        earlier=step if difference is Difference.REMOVED else None,
        later=step if difference is Difference.ADDED else None,
        omission=omission_of(step.muscle, step.side, step.technique, absent_from),
    )


def omission_of(muscle: str, side: Side | None, technique: str, content: PlanContent) -> Omission | None:
    """Returns what a plan says about the absence of a technique on a muscle, else of the muscle; None: nothing."""
    told = [one for one in content.omissions if muscle and (one.muscle, one.side) == (muscle, side)]
    fitting = [one for wanted in (technique, "") for one in told if one.technique == wanted]
    return next(iter(fitting), None)


def _changes(before: Step, after: Step) -> tuple[Difference, ...]:
    differs = {
        Difference.DURATION: before.duration_seconds != after.duration_seconds,
        Difference.PRESSURE: before.pressure_level != after.pressure_level,
        Difference.POSITION: before.position != after.position,
    }
    return tuple(one for one, different in differs.items() if different)


def _longest_rising(places: Sequence[int]) -> set[int]:
    """Returns the most places that rise as they stand, so that the fewest steps count as moved."""
    ends: list[int] = []  # ends[n]: the lowest last place of a rising run of n + 1
    before: dict[int, int | None] = {}
    for place in places:
        length = bisect_left(ends, place)
        before[place] = ends[length - 1] if length else None
        ends[length:] = [place, *ends[length + 1 :]]
    kept: set[int] = set()
    last = ends[-1] if ends else None
    while last is not None:
        kept.add(last)
        last = before[last]
    return kept
