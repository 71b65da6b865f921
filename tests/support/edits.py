"""Edits in a few words, and what they are tried on."""

from __future__ import annotations

from functools import cache
from typing import Any

from services.planner.domain.constraints import Override, OverrideReason, Target
from services.planner.domain.edits import Edit, EditKind
from services.planner.domain.plan import Phase, PlanContent, Step
from services.planner.domain.snapshot import Snapshot
from services.planner.revise import Revised, Stamp, revise
from tests.support.planner import HIP, NECK, plan, real_graph

MARA = Stamp(person="person-mara", display_name="Mara", time_micros=1_772_442_000_000_000)
WISH = Override(rule="", reason=OverrideReason.CLIENT_WISH)
SNAPSHOTS = {"neck": NECK, "hip": HIP}


@cache
def planned(name: str, minutes: float = 60) -> PlanContent:
    """Returns the plan of one of the snapshots."""
    return plan(SNAPSHOTS[name], minutes)


def planned_from(snapshot: Snapshot, minutes: float = 60) -> PlanContent:
    """Returns the plan of a snapshot."""
    return plan(snapshot, minutes)


def edit(kind: str, target: Target | None = None, **fields: Any) -> Edit:
    """Returns an edit."""
    return Edit(kind=EditKind(kind), target=target, **fields)


def edited(content: PlanContent, *edits: Edit) -> PlanContent:
    """Returns the plan after edits."""
    return revised(content, *edits).content


def revised(content: PlanContent, *edits: Edit) -> Revised:
    """Returns the plan after edits with what changed."""
    return revise(content, edits, real_graph(), stamped=MARA)


def releases(content: PlanContent) -> list[Step]:
    """Returns the releases of a plan, in order."""
    return [step for step in content.steps if step.phase is Phase.RELEASE]


def target(step: Step, *, technique: bool = False) -> Target:
    """Returns the muscle of a step, with its technique where that is meant."""
    assert step.side
    return Target(muscle=step.muscle, side=step.side, technique=step.technique if technique else "")


def work(content: PlanContent) -> list[tuple[str, int, str]]:
    """Returns every step on a muscle: id, duration [s], position; in order."""
    return [(step.id, step.duration_seconds, step.position) for step in content.steps if step.muscle]
