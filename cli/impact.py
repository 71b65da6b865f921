"""What an overlay of the knowledge does to plans: the same cases planned with and without it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from cli.connection import Connection, connected
from cli.local.stack import private_stack
from cli.plan_text import DISPOSITIONS, side_word, words
from myoplan.planner.v1.plan_pb2 import Plan, Step

Planned = dict[Path, Plan]


def plans_of(
    cases: Sequence[Path], overlay: Path | None, plan: Callable[[Connection, Path], Plan], say: Callable[[str], None]
) -> Planned:
    """Plans every case on a private stack with the overlay (None: the curated knowledge)."""
    with private_stack(say, overlay) as running, connected(running) as services:
        return {case: plan(services, case) for case in cases}


def changes(before: Plan, after: Plan) -> Iterator[str]:
    """Yields what differs between two plans of one case, by step identity, then minutes, then order."""
    if before.disposition != after.disposition:
        yield f"{DISPOSITIONS[before.disposition]} becomes {DISPOSITIONS[after.disposition]}"
    earlier, later = ({step.id: step for step in plan.steps} for plan in (before, after))
    yield from (f"no longer: {_named(step)}" for name, step in earlier.items() if name not in later)
    yield from (f"new: {_named(step)}" for name, step in later.items() if name not in earlier)
    both = [name for name in earlier if name in later]
    for name in both:
        if earlier[name].duration != later[name].duration:
            minutes = (earlier[name].duration.seconds / 60, later[name].duration.seconds / 60)
            yield f"{_named(later[name])}: {minutes[0]:g} min becomes {minutes[1]:g}"
    if both != [name for name in later if name in earlier]:
        yield "the order of the other steps differs"


def _named(step: Step) -> str:
    place = words(step.muscle or step.motion or step.region or step.position)
    return " ".join(part for part in (side_word(step.side), place, words(step.technique)) if part)
