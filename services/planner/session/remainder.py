"""What is left of a session: the approved steps that can still be done, how, what each needs and what each is worth.

Nothing here is more than what was approved: a dose is the approved one or a shorter one of the same technique, a
position is one that the planner itself would allow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from knowledge.model import Handling
from services.planner.domain.constraints import Target
from services.planner.domain.plan import Phase, PlanContent, Step
from services.planner.domain.problem import HALF_MINUTE_SECONDS, Task
from services.planner.domain.reasons import Rule
from services.planner.domain.session import SessionStep, StepStatus
from services.planner.domain.sides import Side, position_of
from services.planner.formulate.doses import WHOLE, half_minutes, worth
from services.planner.formulate.formulation import tested_in
from services.planner.formulate.movement import movements
from services.planner.formulate.order import Treated, before
from services.planner.graph.index import KnowledgeGraph
from services.planner.screen.limits import Limits
from services.planner.screen.rules import screen
from services.planner.walk.candidates import has_positive_palpation
from services.planner.walk.lines import Spot, is_positive

# Work on a muscle, which is what a session is for; all else is there because of it.
WORK = frozenset({Phase.CONFIRM, Phase.RELEASE, Phase.LENGTHEN, Phase.INTEGRATE})
_TREATMENT = frozenset({Phase.RELEASE, Phase.LENGTHEN, Phase.INTEGRATE})
_PRESSED = frozenset({Phase.CONFIRM, Phase.RELEASE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """One way to dose a step. `seconds` [s] includes the set-up; `effect` is in thousandths of the full effect."""

    level: str
    seconds: int
    effect: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An approved step that can still be done.

    `place` is its place among the approved steps; `lengths` begins with the approved one and grows ever shorter;
    `positions` None: wherever the client is. `needs`: of each group of step ids one has to be done before it.
    """

    step: Step
    place: int
    lengths: tuple[Length, ...]
    positions: tuple[str, ...] | None
    needs: tuple[frozenset[str], ...]

    @property
    def spot(self) -> Spot | None:
        """The muscle it works on; None for a step that belongs to a region or to the session."""
        if self.step.phase in WORK and self.step.muscle and self.step.side:
            return Spot(self.step.muscle, self.step.side)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """What work on one muscle is worth. `done` is the effect of what has been done already, in thousandths."""

    priority: int
    checked_only: bool
    done: int
    demanded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Remainder:
    """Everything that a re-fit chooses from.

    `seconds` [s] are left, `turns` position changes are left, `here` is where the client is (empty: not on the table
    yet). `turning` says how long each turn takes [s]. `before`: pairs of step ids, the first goes first. `done` are the
    ids of done steps; `impossible` says of each step that cannot be done any more why. `works`: the work whose motion a
    re-test measures. `usable` are the positions that are possible.
    """

    items: Mapping[str, Item]
    worths: Mapping[Spot, Worth]
    before: frozenset[tuple[str, str]]
    works: Mapping[str, frozenset[str]]
    done: frozenset[str]
    treated: bool
    impossible: Mapping[str, str]
    seconds: int
    here: str
    turns: int
    turning: Mapping[tuple[str, str], int]
    usable: tuple[str, ...]
    graph: KnowledgeGraph


def remainder(
    approved: PlanContent,
    session: Sequence[SessionStep],
    seconds: int,
    unavailable_positions: Iterable[str],
    graph: KnowledgeGraph,
) -> Remainder:
    """Returns what is left, with `seconds` [s] to go."""
    constraints = replace(
        approved.constraints,
        unavailable_positions=(*approved.constraints.unavailable_positions, *unavailable_positions),
    )
    limits = Limits(
        graph=graph,
        screening=screen(approved.snapshot.health_flags, graph.base, approved.snapshot.age_years),
        preferences=approved.snapshot.preferences,
        constraints=constraints,
    )
    status = {one.step.id: one.status for one in session}
    done_steps = [one.step for one in session if one.status is StepStatus.DONE]
    done = frozenset(step.id for step in done_steps)
    positions = {step.id: _positions(step, limits, graph) for step in approved.steps}
    worked = [step.position for step in done_steps if step.position]
    impossible: dict[str, str] = {}
    open_steps = [
        (place, step)
        for place, step in enumerate(approved.steps)
        if step.phase is not Phase.TURN and status.get(step.id) in {StepStatus.PENDING, StepStatus.DROPPED}
    ]
    items: dict[str, Item] = {}
    for place, step in open_steps:
        if positions[step.id] == ():
            impossible[step.id] = "no position that is left reaches it"
            continue
        # What comes first and was left out leaves the rest without its ground; steps go in approved order.
        needs = tuple(group for group in _needs(step, approved, graph) if not group & done)
        possible = tuple(group & items.keys() for group in needs)
        if not all(possible):
            impossible[step.id] = "what has to come before it was not done"
            continue
        items[step.id] = Item(
            step=step,
            place=place,
            lengths=_lengths(step, graph),
            positions=positions[step.id],
            needs=possible,
        )
    return Remainder(
        items=items,
        worths=_worths(approved, done_steps, graph),
        before=_before(approved, positions, graph),
        works={step.id: _measured_work(step, approved) for step in approved.steps if step.phase is Phase.RETEST},
        done=done,
        treated=any(step.phase in _TREATMENT and step.muscle for step in done_steps),
        impossible=impossible,
        seconds=seconds // HALF_MINUTE_SECONDS * HALF_MINUTE_SECONDS,
        here=worked[-1] if worked else "",
        turns=max(0, graph.numbers.turn_limit(approved.time_budget_seconds / 60) - _turned(worked)),
        turning={
            pair: half_minutes(change.seconds) * HALF_MINUTE_SECONDS
            for change in graph.base.position_changes
            for pair in (change.between, change.between[::-1])
        },
        usable=tuple(one for one in graph.base.positions if not limits.position_cuts(one)),
        graph=graph,
    )


def _turned(worked: Sequence[str]) -> int:
    return sum(one != other for one, other in pairwise(worked))


# --- where and how long -------------------------------------------------------------------------------------------


def _positions(step: Step, limits: Limits, graph: KnowledgeGraph) -> tuple[str, ...] | None:
    """Returns where a step can be done, its approved position first; None: anywhere."""
    if step.phase is Phase.RETEST:
        found = tested_in(step.motion, limits, graph) if step.motion in graph.base.motions else None
        return None if found is None else _approved_first(step, found)
    if step.phase not in WORK or not step.muscle or step.side is None:
        return None
    reached = _reached(step.muscle, step.side, limits, graph)
    if step.phase in _PRESSED:
        return _approved_first(step, reached)
    free = [position for move in movements(step.muscle, step.side, graph) for position in move.positions]
    if not free:
        return _approved_first(step, reached)
    return _approved_first(step, [one for one in dict.fromkeys(free) if not limits.position_cuts(one)])


def _approved_first(step: Step, positions: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(positions, key=lambda position: position != step.position))


def _reached(muscle: str, side: Side, limits: Limits, graph: KnowledgeGraph) -> list[str]:
    """Returns the positions that are possible and reach the muscle nearly as well as the best of them."""
    quality: dict[str, float] = {}
    for access in graph.base.muscles[muscle].access:
        for position in position_of(access.position, side):
            if not limits.position_cuts(position):
                quality[position] = max(access.quality, quality.get(position, 0.0))
    least = graph.numbers.access_quality_share_least * max(quality.values(), default=0.0)
    return [position for position, reach in quality.items() if reach >= least]


def _lengths(step: Step, graph: KnowledgeGraph) -> tuple[Length, ...]:
    """Returns the approved dose and every shorter one of the technique."""
    technique = graph.base.techniques[step.technique]
    doses = {dose.level: dose for dose in technique.doses}
    level = step.dose.level if step.dose else ""
    weight = _weight(step, graph)
    if level not in doses:
        return (Length(level=level, seconds=step.duration_seconds, effect=round(WHOLE * weight)),)
    setup = _setup_seconds(step, doses[level].seconds, graph)
    lengths = [Length(level=level, seconds=step.duration_seconds, effect=round(WHOLE * weight * doses[level].effect))]
    for dose in sorted(technique.doses, key=lambda dose: -dose.seconds):
        seconds = half_minutes(dose.seconds + setup) * HALF_MINUTE_SECONDS
        if seconds < lengths[-1].seconds:
            lengths.append(Length(level=dose.level, seconds=seconds, effect=round(WHOLE * weight * dose.effect)))
    return tuple(lengths)


def _setup_seconds(step: Step, dose_seconds: float, graph: KnowledgeGraph) -> float:
    """Returns the set-up time that the approved minutes hold beside the dose [s]."""
    muscle = graph.base.muscles.get(step.muscle)
    known = sorted({0.0, *(float(access.setup_seconds) for access in muscle.access)}) if muscle else [0.0]
    approved = step.duration_seconds // HALF_MINUTE_SECONDS
    return next((setup for setup in known if half_minutes(dose_seconds + setup) == approved), 0.0)


# --- what needs what ----------------------------------------------------------------------------------------------


def _needs(step: Step, approved: PlanContent, graph: KnowledgeGraph) -> list[frozenset[str]]:
    """Returns the groups of approved steps of which one has to be done before this one."""
    groups = [
        _warmed_or_released(step, approved, graph),
        _checked(step, approved),
        _softened(step, approved, graph),
    ]
    return [group for group in groups if group]


def _warmed_or_released(step: Step, approved: PlanContent, graph: KnowledgeGraph) -> frozenset[str]:
    """What the technique needs: on the muscle itself, or on its region and side."""
    needed = graph.base.techniques[step.technique].needs if step.muscle else ()
    return frozenset(
        other.id
        for other in approved.steps
        if other.technique in needed
        and (
            (other.muscle == step.muscle and other.side is step.side)
            or (
                not other.muscle
                and other.region == graph.base.muscles[step.muscle].region
                and other.side in {None, step.side}
            )
        )
    )


def _checked(step: Step, approved: PlanContent) -> frozenset[str]:
    """A muscle that nobody has palpated and nobody asks for is checked before it is treated."""
    if step.phase not in _TREATMENT or not step.muscle:
        return frozenset()
    known = any(
        is_positive(found) and (found.muscle, found.side) == (step.muscle, step.side)
        for found in approved.snapshot.palpations
    )
    if known or _is_demanded(step, approved.constraints.demanded):
        return frozenset()
    return frozenset(
        other.id
        for other in approved.steps
        if other.phase is Phase.CONFIRM and (other.muscle, other.side) == (step.muscle, step.side)
    )


def _softened(step: Step, approved: PlanContent, graph: KnowledgeGraph) -> frozenset[str]:
    """Work inside the mouth comes after work on the same muscle from outside, where there is any."""
    if step.technique not in graph.intraoral_techniques or not step.muscle:
        return frozenset()
    if graph.base.muscles[step.muscle].handling is Handling.INTRAORAL:
        return frozenset()
    return frozenset(
        other.id
        for other in approved.steps
        if other.phase is Phase.RELEASE
        and other.technique not in graph.intraoral_techniques
        and (other.muscle, other.side) == (step.muscle, step.side)
    )


def _is_demanded(step: Step, demanded: Iterable[Target]) -> bool:
    return any((target.muscle, target.side) == (step.muscle, step.side) for target in demanded)


def _before(
    approved: PlanContent, positions: Mapping[str, tuple[str, ...] | None], graph: KnowledgeGraph
) -> frozenset[tuple[str, str]]:
    """Returns which approved step goes before which: every rule of order that the approved plan itself keeps.

    A rule that it does not keep was set aside, by a person or by a stronger rule, and stays so.
    """
    tasks: dict[Spot, list[Task]] = {}
    place = {step.id: place for place, step in enumerate(approved.steps)}
    for step in approved.steps:
        if step.phase in WORK and step.muscle and step.side:
            where = tuple((position, 0) for position in positions[step.id] or ())
            tasks.setdefault(Spot(step.muscle, step.side), []).append(
                Task(
                    id=step.id,
                    package="",
                    phase=step.phase,
                    technique=step.technique,
                    positions=where,
                    options=(),
                    pressure=step.pressure_level or 0,
                )
            )
    rank = {Spot(one.muscle, one.side): place for place, one in enumerate(approved.candidates)}
    positive = {Spot(found.muscle, found.side) for found in approved.snapshot.palpations if is_positive(found)}
    treated = Treated(
        tasks={spot: tuple(found) for spot, found in tasks.items()},
        positive=frozenset(positive if has_positive_palpation(approved.snapshot) else tasks),
        graph=graph,
    )
    pairs = set(before(treated, {spot: rank.get(spot, -1) for spot in tasks}))
    for wish in approved.constraints.sequences:
        pairs |= {
            (one.id, other.id)
            for one in approved.steps
            for other in approved.steps
            if _does(one, wish.first) and _does(other, wish.then)
        }
    return frozenset((one, other) for one, other in pairs if place[one] < place[other])


def _does(step: Step, target: Target) -> bool:
    same = (step.muscle, step.side) == (target.muscle, target.side)
    return same and target.technique in {"", step.technique}


def _measured_work(retest: Step, approved: PlanContent) -> frozenset[str]:
    """Returns the work on muscles that limit the motion of a re-test."""
    tests = {
        test.id for test in approved.snapshot.rom_tests if (test.motion, test.side) == (retest.motion, retest.side)
    }
    limiting = {
        (candidate.muscle, candidate.side)
        for candidate in approved.candidates
        for reason in candidate.reasons
        if reason.rule == Rule.LIMITS_REDUCED_MOTION and tests & set(reason.findings)
    }
    return frozenset(
        step.id for step in approved.steps if step.phase in _TREATMENT and (step.muscle, step.side) in limiting
    )


# --- what it is worth ---------------------------------------------------------------------------------------------


def _worths(approved: PlanContent, done: Iterable[Step], graph: KnowledgeGraph) -> dict[Spot, Worth]:
    score = {Spot(one.muscle, one.side): one.score for one in approved.candidates}
    effect: dict[Spot, int] = {}
    for step in done:
        if step.muscle and step.side and step.phase in _TREATMENT:
            spot = Spot(step.muscle, step.side)
            effect[spot] = effect.get(spot, 0) + _lengths(step, graph)[0].effect
    worths: dict[Spot, Worth] = {}
    for step in approved.steps:
        if step.phase in WORK and step.muscle and step.side:
            spot = Spot(step.muscle, step.side)
            known = worths.get(spot)
            worths[spot] = Worth(
                priority=max(1, round(WHOLE * score.get(spot, 0.0))),
                checked_only=step.phase is Phase.CONFIRM and (known is None or known.checked_only),
                done=effect.get(spot, 0),
                demanded=_is_demanded(step, approved.constraints.demanded),
            )
    return worths


def benefit(worth_of: Worth, effect: int, graph: KnowledgeGraph) -> int:
    """Returns what more work of this effect on a muscle adds, in thousandths."""
    if worth_of.checked_only:
        return worth_of.priority * round(WHOLE * graph.numbers.confirm_benefit_share) // WHOLE
    gained = worth(worth_of.done + effect, graph.numbers) - worth(worth_of.done, graph.numbers)
    return worth_of.priority * gained // WHOLE


def _weight(step: Step, graph: KnowledgeGraph) -> float:
    """Returns the share of the full effect that the technique has on this muscle at its full dose."""
    numbers = graph.numbers
    share = {
        Phase.RELEASE: numbers.benefit_share_release,
        Phase.LENGTHEN: numbers.benefit_share_lengthen,
        Phase.INTEGRATE: numbers.benefit_share_integrate,
    }.get(step.phase, 0.0)
    if not step.muscle or not share:
        return 0.0
    technique = graph.base.techniques[step.technique]
    uses = [
        use.technique
        for use in graph.treatments_of.get(step.muscle, ())
        if graph.base.techniques[use.technique].phase is technique.phase
    ]
    rank = uses.index(technique.id) if technique.id in uses else len(uses)
    return share * numbers.of_grade(technique.evidence_grade) * numbers.technique_order_multiplier**rank
