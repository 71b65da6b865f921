"""Finds out which demands cannot hold together, and the least that has to be given up; each answer by planning again.

A set of demands is tried alone, with nothing else in the session. From a set that does not hold, one demand after the
other is taken away as long as the rest still does not hold (a deletion filter; Chinneck & Dravnieks 1991). What remains
is minimal: without any one of them the others hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from services.planner.domain.constraints import Constraints, Target
from services.planner.domain.constraints import Sequence as Order
from services.planner.domain.errors import DemandUnsafe, EditNeedsOverride
from services.planner.domain.plan import STEP_SECONDS, Conflict, Phase, PlanContent
from services.planner.domain.problem import Package, Problem, Solution, Variant
from services.planner.domain.sides import with_side
from services.planner.formulate.formulation import formulate
from services.planner.formulate.packages import package_id
from services.planner.graph.index import KnowledgeGraph
from services.planner.optimise import solve
from services.planner.screen.limits import Limits
from services.planner.screen.rules import screen
from services.planner.session.words import minutes
from services.planner.walk.candidates import walk

_TREATMENT = {Phase.RELEASE, Phase.LENGTHEN}
# A plan that asks for too much clashes in many ways; the first few say what to do.
_MOST_CONFLICTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """One demand: what it says, what giving it up says, and the constraints with nothing but it.

    `target` is what has to be in the plan, None where it is about something else; `budget`: it is the time.
    """

    sentence: str
    loosening: str
    alone: Constraints
    target: Target | None = None
    order: Order | None = None
    budget: bool = False


def conflicts(content: PlanContent, graph: KnowledgeGraph) -> tuple[Conflict, ...]:
    """Returns why demands of a plan are not met: for each a minimal set of demands that cannot hold together."""
    missing = unmet(content, graph)
    if not missing:
        return ()
    every = demands(content, graph)
    met = [demand for demand in every if demand not in missing]
    found: list[Conflict] = []
    told: set[str] = set()
    for demand in missing:
        if demand.sentence not in told and len(found) < _MOST_CONFLICTS:
            # An order that is not kept is about two muscles that the plan has.
            trial = _Trial(content, graph, ordered_stay=demand.order is not None)
            clashing = trial.minimal([*met, demand], demand)
            told.update(one.sentence for one in clashing)
            found.append(
                Conflict(
                    demands=tuple(one.sentence for one in sorted(clashing, key=every.index)),
                    loosenings=tuple(trial.loosenings([*met, demand], clashing)),
                )
            )
    return tuple(found)


def unmet(content: PlanContent, graph: KnowledgeGraph) -> tuple[Demand, ...]:
    """Returns the demands that a plan does not meet."""
    return tuple(demand for demand in demands(content, graph) if not _is_met(demand, content))


def has(content: PlanContent, target: Target) -> bool:
    """Whether a plan treats the muscle; with a technique: whether it uses that on the muscle."""
    return any(
        (step.muscle, step.side) == (target.muscle, target.side)
        and (step.technique == target.technique if target.technique else step.phase in _TREATMENT)
        for step in content.steps
    )


def _is_met(demand: Demand, content: PlanContent) -> bool:
    if demand.target:
        return has(content, demand.target)
    if demand.order:
        done = [Target(muscle=s.muscle, side=s.side, technique=s.technique) for s in content.steps if s.side]
        first, then = demand.order.first, demand.order.then
        return first not in done or then not in done or done.index(first) < done.index(then)
    return True


def demands(content: PlanContent, graph: KnowledgeGraph) -> tuple[Demand, ...]:
    """Returns everything that people demand of a plan, the time last."""
    return tuple(_demands(content.constraints, content.time_budget_seconds, graph))


def _demands(constraints: Constraints, seconds: int, graph: KnowledgeGraph) -> Iterator[Demand]:
    base = graph.base

    def named(target: Target) -> str:
        muscle = with_side(base.muscles[target.muscle].names[0], target.side)
        return f"{base.techniques[target.technique].names[0]} on {muscle}" if target.technique else muscle

    for position in constraints.unavailable_positions:
        where = base.positions[position].names[0]
        yield Demand(
            sentence=f"The client cannot be {where}.",
            loosening=f"Find a way for the client to be {where}.",
            alone=Constraints(unavailable_positions=(position,)),
        )
    for order in constraints.sequences:
        said = f"{named(order.first)} comes before {named(order.then)}"
        yield Demand(
            sentence=f"{_large(said)}.",
            loosening=f"Give up that {said}.",
            alone=Constraints(sequences=(order,)),
            order=order,
        )
    for timed in constraints.durations:
        said = f"{named(timed.target)} takes {minutes(timed.duration_seconds // STEP_SECONDS)}"
        yield Demand(
            sentence=f"{_large(said)}.",
            loosening=f"Give up that {said}.",
            alone=Constraints(durations=(timed,)),
        )
    for target in constraints.must_include:
        said = f"{named(target)} has to be in the plan"
        yield Demand(
            sentence=f"{_large(said)}.",
            loosening=f"Do without {named(target)}.",
            alone=Constraints(must_include=(target,)),
            target=target,
        )
    for target in constraints.pinned:
        yield Demand(
            sentence=f"{_large(named(target))} is pinned.",
            loosening=f"Do without {named(target)}.",
            alone=Constraints(pinned=(target,)),
            target=target,
        )
    yield Demand(
        sentence=f"The session has {minutes(seconds // STEP_SECONDS)}.",
        loosening="",
        alone=Constraints(),
        budget=True,
    )


def _large(text: str) -> str:
    return text[:1].upper() + text[1:]


class _Trial:
    """Tries sets of demands on one client. `ordered_stay`: what has to be in order has to be in the plan, too."""

    def __init__(self, content: PlanContent, graph: KnowledgeGraph, *, ordered_stay: bool) -> None:
        self._content, self._graph, self._ordered_stay = content, graph, ordered_stay
        self._screening = screen(content.snapshot.health_flags, graph.base, content.snapshot.age_years)
        self._candidates = walk(content.snapshot, graph)
        self._most_seconds = int(60 * graph.numbers.session_minutes_most)

    def minimal(self, wanted: Sequence[Demand], cause: Demand) -> tuple[Demand, ...]:
        """Returns a minimal set of `wanted`, with `cause` in it, that cannot hold; `cause` alone if the whole can."""
        if self.holds(wanted):
            return (cause,)
        kept = list(wanted)
        for demand in wanted:
            fewer = [one for one in kept if one is not demand]
            if demand is not cause and not self.holds(fewer):
                kept = fewer
        return tuple(kept)

    def loosenings(self, wanted: Sequence[Demand], clashing: Sequence[Demand]) -> Iterator[str]:
        """Yields what was tried and makes the rest hold: the shortest session that does, or one demand less."""
        if any(demand.budget for demand in clashing):
            enough = self._enough([demand for demand in wanted if not demand.budget])
            if enough:
                yield f"A session of {minutes(enough // STEP_SECONDS)} holds them."
        for demand in clashing:
            if not demand.budget and self.holds([one for one in wanted if one is not demand]):
                yield demand.loosening

    def _enough(self, wanted: Sequence[Demand]) -> int | None:
        """Returns the session [s] that holds everything wanted where half a minute less does not; None: none does."""
        too_short, enough = self._content.time_budget_seconds, self._most_seconds
        if too_short >= enough or not self.holds(wanted, enough):
            return None
        while enough - too_short > STEP_SECONDS:
            middle = (too_short + enough) // (2 * STEP_SECONDS) * STEP_SECONDS
            if self.holds(wanted, middle):
                enough = middle
            else:
                too_short = middle
        return enough

    def holds(self, wanted: Sequence[Demand], seconds: int | None = None) -> bool:
        """Whether a session holds all of this and nothing else. `seconds` [s]: its length, else that of the demands."""
        if seconds is None:
            limited = any(demand.budget for demand in wanted)
            seconds = self._content.time_budget_seconds if limited else self._most_seconds
        constraints = self._together(wanted)
        spots = {(target.muscle, target.side) for target in constraints.demanded}
        limits = Limits(
            graph=self._graph,
            screening=self._screening,
            preferences=self._content.snapshot.preferences,
            constraints=constraints,
        )
        try:
            formulation = formulate(
                [one for one in self._candidates if (one.muscle, one.side) in spots],
                limits,
                constraints,
                self._content.snapshot,
                seconds,
                self._graph,
            )
        except (DemandUnsafe, EditNeedsOverride):
            return False
        possible = {package.id for package in formulation.problem.packages}
        if not {package_id(*spot) for spot in spots} <= possible:
            return False
        problem = formulation.problem
        cheapest = replace(problem, packages=tuple(map(_cheapest, problem.packages)))
        return _holds(solve(cheapest), problem, constraints)

    def _together(self, wanted: Sequence[Demand]) -> Constraints:
        """Returns the constraints of the plan with only these demands."""
        together = replace(
            self._content.constraints,
            pinned=(),
            must_include=(),
            unavailable_positions=(),
            durations=(),
            sequences=(),
        )
        for demand in wanted:
            alone = demand.alone
            if demand.order and self._ordered_stay:
                alone = replace(alone, must_include=(demand.order.first, demand.order.then))
            together = replace(
                together,
                pinned=together.pinned + alone.pinned,
                must_include=together.must_include + alone.must_include,
                unavailable_positions=together.unavailable_positions + alone.unavailable_positions,
                durations=together.durations + alone.durations,
                sequences=together.sequences + alone.sequences,
            )
        return together


def _cheapest(package: Package) -> Package:
    """Returns a package with the ways that cost least: whether something fits does not depend on what it is worth."""
    costs = {one.choices: (one.half_minutes, one.tissue_load, *one.hand_load) for one in package.variants}
    kept: list[Variant] = []
    for variant in sorted(package.variants, key=lambda one: (costs[one.choices], len(one.companions), one.choices)):
        dearer = any(
            set(other.companions) <= set(variant.companions)
            and {task for task, _ in other.choices} <= {task for task, _ in variant.choices}
            and all(one <= two for one, two in zip(costs[other.choices], costs[variant.choices], strict=True))
            for other in kept
        )
        if not dearer:
            kept.append(replace(variant, benefit=0))
    return replace(package, variants=tuple(kept))


def _holds(solution: Solution, problem: Problem, constraints: Constraints) -> bool:
    """Whether every muscle is in, and every demanded order kept."""
    done = [problem.tasks[one.id] for one in solution.placements if one.id in problem.tasks]
    place: dict[tuple[str, str], int] = {(task.package, task.technique): n for n, task in enumerate(done)}
    wanted = {package_id(target.muscle, target.side) for target in constraints.demanded}
    ordered = all(
        first is None or then is None or first < then
        for first, then in ((place.get(_key(one.first)), place.get(_key(one.then))) for one in constraints.sequences)
    )
    return wanted <= {task.package for task in done} and ordered


def _key(target: Target) -> tuple[str, str]:
    return (package_id(target.muscle, target.side), target.technique)
