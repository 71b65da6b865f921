"""The checker accepts what the planner makes and rejects every kind of broken plan."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import services.planner.check
from knowledge.model import Handling, Scope, Urgency
from services.planner.check import check
from services.planner.check.checker import CHECKS
from services.planner.domain.constraints import Constraints, HandLoad, Target
from services.planner.domain.plan import Caution, Disposition, OmissionKind, Phase, PlanContent, Step
from services.planner.domain.reasons import PathEdge, Reason
from services.planner.domain.snapshot import Preferences, Snapshot
from services.planner.graph.index import KnowledgeGraph
from tests.support import literal_knowledge as lk
from tests.support.planner import LEFT, MIDLINE, RIGHT, active, flag, pain, plan, reduced, small_graph

Change = Callable[[PlanContent], PlanContent]


@cache
def graph() -> KnowledgeGraph:
    return small_graph(
        lk.muscle("bare"),
        lk.muscle("mouth", handling=Handling.INTRAORAL),
        lk.condition("ill"),
        lk.condition("sore", takes_zone=True),
        lk.condition("gone", ask_always=True),
        lk.rule("stop", "ill", scope=Scope.REFER, urgency=Urgency.SAME_DAY),
        lk.rule("here", "sore", scope=Scope.LOCAL, cuts=lk.cuts(flagged_zone=True)),
        lk.rule(
            "gently",
            "gone",
            cuts=lk.cuts(
                techniques=("press",), families=("stretch",), positions=("prone",), max_pressure=1, max_minutes=5
            ),
        ),
        lk.site("artery", "upper_arm", "wing"),
        lk.satellite_of("shield", "wing"),
    )


@cache
def good() -> PlanContent:
    """A plan with a turn, a re-test, a pin, a check and something left out."""
    snapshot = Snapshot(
        pain_areas=(pain("temple", LEFT, 10.0), pain("nape")),
        palpations=(active("shield"), active("cord"), active("wing")),
        rom_tests=(reduced("neck_rotation", LEFT),),
        health_flags=(flag("gone", answer=flag("gone").answer.ABSENT),),
        preferences=Preferences(pressure_tolerance=3),
    )
    demands = Constraints(pinned=(Target(muscle="cord", side=RIGHT),), excluded=(Target(muscle="bare", side=LEFT),))
    return plan(snapshot, 40, demands, graph())


def test_a_good_plan_has_nothing_wrong_with_it() -> None:
    assert check(good(), graph().base) == ()
    phases = {step.phase for step in good().steps}
    assert phases >= {Phase.TURN, Phase.RETEST, Phase.CONFIRM, Phase.LENGTHEN}


def place(phase: Phase, of: str = "") -> int:
    """Where the first step of a phase is, on a muscle or region where one is named."""
    return next(n for n, s in enumerate(good().steps) if s.phase is phase and of in {"", s.muscle, s.region})


def on(phase: Phase, of: str = "", /, **fields: Any) -> Change:
    """Changes one step."""

    def change(content: PlanContent) -> PlanContent:
        steps = list(content.steps)
        steps[place(phase, of)] = replace(steps[place(phase, of)], **fields)
        return replace(content, steps=tuple(steps))

    return change


def first(field: str, **fields: Any) -> Change:
    """Changes the first entry of a list of the plan."""

    def change(content: PlanContent) -> PlanContent:
        head, *rest = getattr(content, field)
        changed: dict[str, Any] = {field: (replace(head, **fields), *rest)}
        return replace(content, **changed)

    return change


def more_steps(steps: Callable[[list[Step]], list[Step]]) -> Change:
    return reordered(lambda all_steps: all_steps.extend(steps(all_steps)))


def whole(**fields: Any) -> Change:
    return lambda content: replace(content, **fields)


def wishes(**fields: Any) -> Change:
    return lambda c: replace(c, snapshot=replace(c.snapshot, preferences=replace(c.snapshot.preferences, **fields)))


def demands(**fields: Any) -> Change:
    return lambda content: replace(content, constraints=replace(content.constraints, **fields))


def health(*flags: Any) -> Change:
    return lambda content: replace(content, snapshot=replace(content.snapshot, health_flags=flags))


def timed(steps: list[Step]) -> tuple[Step, ...]:
    """Puts steps one behind the other, so that only what is meant to be wrong is wrong."""
    start, placed = 0, []
    for step in steps:
        placed.append(replace(step, start_seconds=start))
        start += step.duration_seconds
    return tuple(placed)


def reordered(change: Callable[[list[Step]], None]) -> Change:
    def apply(content: PlanContent) -> PlanContent:
        steps = list(content.steps)
        change(steps)
        planned = sum(step.duration_seconds for step in steps)
        return replace(
            content,
            steps=timed(steps),
            planned_seconds=planned,
            slack_seconds=content.time_budget_seconds - planned,
        )

    return apply


def without(phase: Phase, of: str = "") -> Change:
    def apply(steps: list[Step]) -> None:
        del steps[place(phase, of)]

    return reordered(apply)


def move(phase: Phase, of: str, to: int) -> Change:
    return reordered(lambda steps: steps.insert(to, steps.pop(place(phase, of))))


def move_all(muscle: str, to_end: bool) -> Change:
    def apply(steps: list[Step]) -> None:
        mine = [step for step in steps if step.muscle == muscle]
        for step in mine:
            steps.remove(step)
        at = place(Phase.RETEST) - len(mine) if to_end else place(Phase.WARM_UP) + 1
        steps[at:at] = mine

    return reordered(apply)


def twice(phase: Phase, of: str = "", **fields: Any) -> Change:
    return reordered(lambda steps: steps.insert(place(phase, of) + 1, replace(steps[place(phase, of)], **fields)))


def three_more_turns(steps: list[Step]) -> list[Step]:
    turn = steps[place(Phase.TURN)]
    return [replace(turn, id=f"turn-{n}", position=p) for n, p in enumerate(("supine", "prone", "supine"))]


def twelve_more_releases(steps: list[Step]) -> list[Step]:
    return [replace(steps[place(Phase.RELEASE, "cord")], id=f"release-{n}") for n in range(12)]


def over_the_budget(content: PlanContent) -> PlanContent:
    return replace(content, time_budget_seconds=content.planned_seconds - 30, slack_seconds=-30)


def only_first_palpation_forgotten(content: PlanContent) -> PlanContent:
    return replace(content, snapshot=replace(content.snapshot, palpations=content.snapshot.palpations[1:]))


FALSE_EDGE = PathEdge(start="zone/nape", edge="refers_to", end="muscle/wing", weight=1.0, source="book")
NO_SOURCE = PathEdge(start="zone/temple", edge="refers_to", end="muscle/shield", weight=0.8, source="nowhere")

MUTATIONS: dict[str, tuple[str, Change]] = {
    # time
    "budget too large": ("budget", whole(time_budget_seconds=200 * 60)),
    "budget of nothing": ("budget", whole(time_budget_seconds=0)),
    "slack too large": ("budget", lambda c: replace(c, slack_seconds=c.slack_seconds + 30)),
    "more than the budget": ("budget", over_the_budget),
    "planned is not the sum": ("sum", lambda c: replace(c, planned_seconds=c.planned_seconds + 30)),
    "a gap": ("offset", on(Phase.CLOSE, start_seconds=0)),
    "off the grid": ("grid", on(Phase.RELEASE, "cord", duration_seconds=95)),
    "no time at all": ("grid", on(Phase.CONFIRM, duration_seconds=0)),
    # names
    "same id twice": ("id", on(Phase.LENGTHEN, "cord", id="release-cord-right-press")),
    "id of another phase": ("id", on(Phase.CLOSE, id="arrival-2")),
    "no instruction": ("reason", on(Phase.CLOSE, instruction="")),
    "no reason": ("reason", on(Phase.RELEASE, "cord", reasons=())),
    # phases
    "close in the middle": ("phase", move(Phase.CLOSE, "", 3)),
    "arrival late": ("phase", move(Phase.ARRIVAL, "", 4)),
    "re-test before the work": ("phase", move(Phase.RETEST, "", 1)),
    "two arrivals": ("phase", twice(Phase.ARRIVAL, id="arrival-2")),
    # positions and turns
    "no such position": ("position", on(Phase.CLOSE, position="hovering")),
    "no position": ("position", on(Phase.CLOSE, position="")),
    "turn left out": ("turn", without(Phase.TURN)),
    "turn too quick": ("turn", on(Phase.TURN, duration_seconds=30)),
    "too many turns": ("turn", more_steps(three_more_turns)),
    # muscles
    "no such muscle": ("muscle", on(Phase.RELEASE, "cord", muscle="nerve")),
    "no side": ("side", on(Phase.RELEASE, "cord", side=None)),
    "midline of a paired muscle": ("side", on(Phase.RELEASE, "cord", side=MIDLINE)),
    "not reached there": ("access", on(Phase.RELEASE, "wing", position="supine")),
    # techniques
    "no such technique": ("technique", on(Phase.RELEASE, "cord", technique="magic")),
    "technique of another phase": ("technique", on(Phase.RELEASE, "cord", technique="stretch")),
    "technique not for the muscle": ("technique", on(Phase.RELEASE, "cord", muscle="bare")),
    "too firm for the technique": ("pressure", on(Phase.RELEASE, "cord", pressure_level=5)),
    "no such dose": ("dose", on(Phase.RELEASE, "cord", dose=None)),
    "longer than the dose": ("dose", on(Phase.RELEASE, "cord", duration_seconds=600)),
    # order
    "no warm-up": ("needs", without(Phase.WARM_UP)),
    "no release before the stretch": ("needs", without(Phase.RELEASE, "shield")),
    "warm-up of the other side": ("needs", on(Phase.WARM_UP, "arm", side=LEFT)),
    "stretch before release": ("order", move(Phase.RELEASE, "cord", place(Phase.LENGTHEN, "cord"))),
    "released twice": ("order", twice(Phase.RELEASE, "cord", id="release-again")),
    "deep before superficial": ("sequence", move_all("shield", to_end=True)),
    # loads
    "thumb worn out": ("hand_load", demands(hand_load_used_today=HandLoad(thumb=1000))),
    "too much deep work": ("tissue_load", more_steps(twelve_more_releases)),
    "too many muscles": ("muscle_limit", whole(time_budget_seconds=600)),
    "too long on one muscle": ("muscle_minutes", on(Phase.RELEASE, "shield", duration_seconds=900)),
    "re-test of an untested motion": ("retest", on(Phase.RETEST, side=RIGHT)),
    # safety
    "red flag and a session": ("disposition", health(flag("ill"))),
    "caution forgotten": ("disposition", health(flag("gone"))),
    "rule not told": ("told", health(flag("ill"))),
    "question not asked": ("told", health()),
    "on the lesion": ("cut", health(flag("sore", zone="nape", side=RIGHT))),
    "lesion could be anywhere": ("cut", health(flag("sore"))),
    "cut technique, family, position, minutes": ("cut", health(flag("gone"))),
    "firmer than the rule allows": ("pressure_cap", health(flag("gone"))),
    "in the mouth without a yes": ("consent", on(Phase.RELEASE, "cord", muscle="mouth")),
    "region not to be touched": ("consent", wishes(regions_not_to_touch=("arm",))),
    "technique not wanted": ("wish", wishes(avoid_techniques=("press",))),
    "position not possible": ("wish", wishes(unavailable_positions=("prone",))),
    "taken out by a person": ("wish", demands(excluded=(Target(muscle="cord", side=RIGHT, technique="press"),))),
    "firmer than wanted": ("pressure_cap", wishes(pressure_tolerance=1)),
    "firmer than a person allows": ("pressure_cap", demands(max_pressure=2)),
    "nothing said beside the artery": ("endangerment", on(Phase.RELEASE, "wing", cautions=())),
    "treated though nobody palpated it": ("unconfirmed", only_first_palpation_forgotten),
    # evidence
    "another knowledge base": ("origin", whole(knowledge_revision="other")),
    "another planner": ("origin", whole(planner_version="0")),
    "finding that is not there": ("finding", on(Phase.CLOSE, reasons=(Reason(rule="close", findings=("ghost",)),))),
    "edge that is no fact": ("path", on(Phase.CLOSE, reasons=(Reason(rule="close", path=(FALSE_EDGE,)),))),
    "edge without a source": ("path", on(Phase.CLOSE, reasons=(Reason(rule="close", path=(NO_SOURCE,)),))),
    "source that is not there": ("source", whole(cautions=(Caution(message="x", rule="x", source="nowhere"),))),
    "candidates out of order": ("candidate", lambda c: replace(c, candidates=c.candidates[::-1])),
    "score that its reasons do not make": ("candidate", first("candidates", reasons=())),
    "candidate dropped silently": ("silent", whole(omissions=())),
    "demand dropped silently": ("silent", demands(must_include=(Target(muscle="bare", side=RIGHT),))),
    "omission without a reason": ("omission", first("omissions", reasons=())),
    "omission without its minutes": ("omission", first("omissions", kind=OmissionKind.OVER_BUDGET)),
    "pin not marked": ("pin", on(Phase.RELEASE, "cord", pinned=False)),
    "marked without a pin": ("pin", on(Phase.RELEASE, "shield", pinned=True)),
    "disposition of another plan": ("disposition", whole(disposition=Disposition.REFER)),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_broken_plan_is_caught(name: str) -> None:
    rule, change = MUTATIONS[name]
    broken = change(good())
    assert broken != good(), "the change changed nothing"
    assert rule in {finding.rule for finding in check(broken, graph().base)}


def test_every_check_is_a_sentence() -> None:
    assert all((one.__doc__ or "").strip() for one in CHECKS)
    assert len({one.__name__ for one in CHECKS}) == len(CHECKS)


def test_finding_says_where() -> None:
    broken = on(Phase.CLOSE, instruction="")(good())
    assert [str(finding) for finding in check(broken, graph().base)] == [
        "reason: close: has no instruction or no reason"
    ]


def test_checker_shares_no_code_with_what_makes_plans() -> None:
    folder = Path(services.planner.check.__file__).parent
    imported = {
        node.module
        for file in folder.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module
    }
    allowed = ("services.planner.check", "services.planner.domain")
    assert {name for name in imported if name.startswith("services") and not name.startswith(allowed)} == set()
