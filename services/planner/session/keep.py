"""Keeps a plan: the session that meets the demands and is as much like the plan before as possible.

The problem is solved again with less freedom: only the muscles of the plan before and those that are demanded, each
treated as before, in the same positions and in the same order. If that holds everything, it is the answer. Else order
and positions are given up, then minutes and steps: as few steps as possible, and of those the least benefit. Minutes
that become free stay free, and what grew with minutes that nobody needed gives way before any step does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

from services.planner.domain.constraints import Constraints
from services.planner.domain.plan import KeptStep, Phase, Step
from services.planner.domain.problem import (
    Cap,
    Companion,
    LeftOut,
    Package,
    Placement,
    Problem,
    Solution,
    Task,
    Variant,
)
from services.planner.formulate.doses import half_minutes
from services.planner.formulate.formulation import Formulation
from services.planner.formulate.packages import kept_choice, undominated
from services.planner.formulate.precedence import only, precedence
from services.planner.graph.index import KnowledgeGraph
from services.planner.optimise import solve
from services.planner.session.slack import used_half_minutes

_JOINING = "integrate-"
# What one step weighs; all benefit together weighs less, told in as many parts. Larger numbers cost the solver time.
_STEP = 4000


def kept_steps(steps: Iterable[Step]) -> tuple[KeptStep, ...]:
    """Returns what of a session can be kept: all of it but the turns, which follow from the positions."""
    return tuple(
        KeptStep(
            task=step.id,
            level=step.dose.level if step.dose else "",
            duration_seconds=step.duration_seconds,
            position=step.position,
        )
        for step in steps
        if step.phase is not Phase.TURN
    )


def shortened(formulation: Formulation, companions: Mapping[str, Companion]) -> Formulation:
    """Returns the formulation with shared steps that are no longer than they were in `companions`."""
    problem = formulation.problem

    def shorter(companion: Companion) -> Companion:
        before = companions.get(companion.id)
        return before if before and before.half_minutes < companion.half_minutes else companion

    return replace(
        formulation,
        problem=replace(
            problem,
            frame=tuple(map(shorter, problem.frame)),
            companions={identifier: shorter(one) for identifier, one in problem.companions.items()},
        ),
    )


def kept_companions(problem: Problem, kept: Sequence[KeptStep], graph: KnowledgeGraph) -> dict[str, Companion]:
    """Returns the shared steps of the plan before by id, at the dose that they had."""
    shared = {**problem.companions, **{companion.id: companion for companion in problem.frame}}
    found: dict[str, Companion] = {}
    for step in kept:
        identifier = step.task
        if identifier not in shared and identifier not in problem.tasks and identifier.startswith(_JOINING):
            identifier = Phase.INTEGRATE.value
        companion = shared.get(identifier)
        if companion is None:
            continue
        dose = next(
            (dose for dose in graph.base.techniques[companion.technique].doses if dose.level == step.level), None
        )
        if dose and dose.tissue_load <= companion.tissue_load:
            found[identifier] = replace(companion, level=dose.level, half_minutes=half_minutes(dose.seconds))
    return found


def keep(
    formulation: Formulation,
    kept: Sequence[KeptStep],
    companions: Mapping[str, Companion],
    constraints: Constraints,
) -> Solution:
    """Returns the session that is most like the plan before, which had these shared steps.

    `formulation` is one that `shortened` has seen. Raises EditNeedsOverride and DemandUnsafe if a demanded order of its
    steps goes against a rule.
    """
    template = _Template(formulation, kept, companions, constraints)
    best: _Attempt | None = None
    for freedom in _FREEDOMS:
        problem = template.problem(freedom)
        attempt = template.attempt(problem, solve(problem))
        if attempt.lost > template.least_lost and (spared := template.sparing(attempt)):
            attempt = min(attempt, spared, key=lambda one: one.key)
        if best is None or attempt.key < best.key:
            best = attempt
        if attempt.lost == template.least_lost and not attempt.missing:
            break
    if best is None:
        raise AssertionError("There is always an attempt.")
    return template.completed(best)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Freedom:
    """What may change: the minutes of shared steps that only grew, order and positions, steps and their doses."""

    shared: bool = False
    order: bool = False
    steps: bool = False


# From as it was to free; what comes later changes more.
_FREEDOMS = (
    _Freedom(),
    _Freedom(shared=True),
    _Freedom(order=True),
    _Freedom(shared=True, order=True),
    _Freedom(shared=True, steps=True),
    _Freedom(shared=True, order=True, steps=True),
)


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A solution with what it changes: demands that are missing, and how many steps of the plan before."""

    problem: Problem
    solution: Solution
    chosen: Mapping[str, Variant]
    missing: int
    lost: int
    benefit: int

    @property
    def key(self) -> tuple[int, int, int]:
        """The less the better."""
        return (self.missing, self.lost, -self.benefit)


class _Template:
    """The plan before, seen as choices of the problem."""

    def __init__(
        self,
        formulation: Formulation,
        kept: Sequence[KeptStep],
        companions: Mapping[str, Companion],
        constraints: Constraints,
    ) -> None:
        self._whole = formulation.problem
        self._shared = companions
        tasks = self._whole.tasks
        self._steps = [step for step in kept if step.task in tasks]
        self._place = {step.task: place for place, step in enumerate(kept)}
        self._by_package: dict[str, dict[str, KeptStep]] = {}
        for step in self._steps:
            self._by_package.setdefault(tasks[step.task].package, {})[step.task] = step
        self._packages = [p for p in self._whole.packages if p.id in self._by_package or p.demanded]
        spots = {spot for spot, own in formulation.treated.tasks.items() if own and self._is_here(own[0].package)}
        self._before = precedence(
            only(formulation.treated, spots),
            formulation.rank,
            constraints,
            places={step.task: place for place, step in enumerate(self._steps)},
        )
        self._tasks = {identifier: task for identifier, task in tasks.items() if self._is_here(task.package)}
        self._most = max(1, sum(max(v.benefit for v in package.variants) for package in self._packages))
        self._previous = {package.id: self._previous_of(package) for package in self._packages}
        self.least_lost = sum(
            min(self._changes(package, variant) for variant in package.variants)
            for package in self._packages
            if package.id in self._by_package
        )

    def _is_here(self, package: str) -> bool:
        return any(package == one.id for one in self._packages)

    def _previous_of(self, package: Package) -> Variant | None:
        own = [task for task in self._whole.tasks.values() if task.package == package.id]
        choice = kept_choice(own, self._by_package.get(package.id, {}))
        return next((variant for variant in package.variants if choice and variant.choices == choice), None)

    def _changes(self, package: Package, variant: Variant) -> int:
        """Returns how many steps of a muscle a variant drops, adds or doses otherwise."""
        own = [task for task in self._whole.tasks.values() if task.package == package.id]
        before = self._by_package.get(package.id, {})
        done = dict(variant.choices)
        same = 0
        for identifier, step in before.items():
            choice = kept_choice(own, {identifier: step})
            same += choice is not None and done.get(identifier) == choice[0][1]
        changed = len(before.keys() & done.keys()) - same
        return len(before.keys() ^ done.keys()) + changed

    # --- problems with less freedom ---

    def problem(self, freedom: _Freedom) -> Problem:
        """Returns the problem with only this freedom."""
        used = {one for package in self._packages for variant in package.variants for one in variant.companions}
        companions = {identifier: one for identifier, one in self._whole.companions.items() if identifier in used}
        frame = self._whole.frame
        if not freedom.shared:
            frame = tuple(self._shared.get(one.id, one) for one in frame)
            companions = {identifier: self._shared.get(identifier, one) for identifier, one in companions.items()}
        packages = tuple(self._weighed(package, same=not freedom.steps) for package in self._packages)
        problem = replace(
            self._whole,
            tasks=self._tasks,
            packages=packages,
            before=self._before,
            frame=frame,
            companions=companions,
        )
        return problem if freedom.order else self._as_ordered(problem)

    def _as_ordered(self, problem: Problem) -> Problem:
        """Returns the problem with the positions of the plan before, and its order where nothing else decides.

        Inside a position the order is that of packages and warm-ups; between positions a pair for each turn is enough.
        A pair for every two tasks would tie most muscles together, and then nothing could be decided one by one.
        """
        return replace(
            problem,
            tasks={one.id: one for one in self._placed()},
            packages=tuple(replace(package, order=self._order_of(package)) for package in problem.packages),
            companions={
                identifier: replace(one, order=self._order_at(identifier, one.order)) if one.order else one
                for identifier, one in problem.companions.items()
            },
            before=_with_pairs(problem.before, (*self._turned(), *self._checked())),
        )

    def _order_of(self, package: Package) -> tuple[int, ...]:
        own = self._by_package.get(package.id, {})
        work = [identifier for identifier in own if self._tasks[identifier].phase is not Phase.CONFIRM]
        return self._order_at(next(iter(work or own), ""), package.order)

    def _order_at(self, identifier: str, order: tuple[int, ...]) -> tuple[int, ...]:
        """Returns the place of a step of the plan before; what is new comes after what it would follow."""
        if identifier in self._place:
            return (self._place[identifier], 0)
        earlier = [
            self._order_of(package)[0]
            for package in self._packages
            if package.id in self._by_package and package.order < order
        ]
        return (max(earlier, default=-1), 1, *order)

    def _turned(self) -> Iterator[tuple[str, str]]:
        """Yields a pair of tasks for each turn of the plan before."""
        return _turns([(step.task, step.position) for step in self._steps if self._is_possible(step)], self._tasks)

    def _checked(self) -> Iterator[tuple[str, str]]:
        """Yields the checks of the plan before that the order of the work would turn around."""
        checks = [step.task for step in self._steps if self._tasks[step.task].phase is Phase.CONFIRM]
        packages = {package.id: package for package in self._packages}
        for first, then in pairwise(checks):
            one, other = packages[self._tasks[first].package], packages[self._tasks[then].package]
            if self._order_of(one) > self._order_of(other):
                yield first, then

    def _is_possible(self, step: KeptStep) -> bool:
        """Whether a step can still take place where it did."""
        return step.position in {position for position, _ in self._tasks[step.task].positions}

    def _weighed(self, package: Package, *, same: bool) -> Package:
        """Returns a package whose benefit counts the steps that stay as they were, and then the benefit itself."""
        if package.id not in self._by_package:
            scaled = [replace(variant, benefit=self._scaled(variant)) for variant in package.variants]
            return replace(package, variants=tuple(undominated(scaled)))
        previous = self._previous[package.id]
        variants = (previous,) if previous and same else package.variants
        steps = len(self._by_package[package.id])
        weighed = [
            replace(variant, benefit=_STEP * max(0, steps - self._changes(package, variant)) + self._scaled(variant))
            for variant in variants
        ]
        return replace(package, variants=tuple(undominated(weighed)))

    def _scaled(self, variant: Variant) -> int:
        return variant.benefit * (_STEP - 1) // self._most

    def _placed(self) -> Iterator[Task]:
        """Yields the tasks, those of the plan before in the position that they had, where it is possible."""
        positions = {step.task: step.position for step in self._steps}
        for task in self._tasks.values():
            here = tuple(one for one in task.positions if one[0] == positions.get(task.id))
            yield replace(task, positions=here) if here else task

    def sparing(self, attempt: _Attempt) -> _Attempt | None:
        """Returns an attempt whose work leaves time for the re-tests that another one lost; None: it lost none."""
        lost = self._lost_retests(attempt.solution)
        if not lost:
            return None
        problem = attempt.problem
        turn = max(problem.position_changes.values(), default=0)
        reserve = turn + sum(problem.companions[one].half_minutes for one in lost if one in problem.companions)
        if problem.half_minutes <= reserve:
            return None
        shorter = self.attempt(problem, solve(replace(problem, half_minutes=problem.half_minutes - reserve)))
        fixed = {
            package.id: replace(
                package, variants=tuple(v for v in package.variants if v.choices == shorter.chosen[package.id].choices)
            )
            for package in problem.packages
            if package.id in shorter.chosen
        }
        tasks = {identifier: task for identifier, task in problem.tasks.items() if task.package in fixed}
        settled = replace(
            problem,
            packages=tuple(fixed.values()),
            tasks=tasks,
            before=frozenset(pair for pair in problem.before if pair[0] in tasks and pair[1] in tasks),
        )
        return self.attempt(problem, solve(settled))

    def _lost_retests(self, solution: Solution) -> list[str]:
        """Returns the re-tests of the plan before that still belong to the work and have no place."""
        return [one for one in solution.unplaced if one in self._shared]

    # --- what came out ---

    def attempt(self, problem: Problem, solution: Solution) -> _Attempt:
        """Returns a solution with what it changes."""
        chosen = dict(self._chosen(solution.placements))
        lost, missing, benefit = len(self._lost_retests(solution)), 0, 0
        for package in self._packages:
            variant = chosen.get(package.id)
            benefit += variant.benefit if variant else 0
            missing += package.demanded and variant is None
            if package.id in self._by_package:
                lost += self._changes(package, variant) if variant else len(self._by_package[package.id])
        return _Attempt(problem, solution, chosen, missing, lost, benefit)

    def _chosen(self, placements: Iterable[Placement]) -> Iterator[tuple[str, Variant]]:
        """Yields the variant of each package of a solution, with its own benefit."""
        done: dict[str, set[tuple[str, int]]] = {}
        for placement in placements:
            if placement.option is not None:
                done.setdefault(self._tasks[placement.id].package, set()).add((placement.id, placement.option))
        for package in self._packages:
            if package.id in done:
                yield package.id, next(v for v in package.variants if set(v.choices) == done[package.id])

    def completed(self, attempt: _Attempt) -> Solution:
        """Returns the solution with its own benefit, and with what everything else would add.

        The bound is that of planning anew, so a plan that reaches it is proven.
        """
        anew = solve(self._whole)
        bound = anew.upper_bound
        return replace(
            attempt.solution,
            objective=attempt.benefit,
            upper_bound=bound,
            proven=anew.proven and attempt.benefit == anew.objective,
            left_out=tuple(self._left_out(attempt)),
        )

    def _left_out(self, attempt: _Attempt) -> Iterator[LeftOut]:
        """Yields what is not in the session, with the half minutes that it would add, or the cap that forbids it."""
        others = [package for package in self._whole.packages if package.id not in attempt.chosen]
        told = {one.package: one for one in solve(self._with_others(attempt, others)).left_out}
        for package in others:
            left = told.get(package.id)
            shortest = min(variant.half_minutes for variant in package.variants)
            least = left.half_minutes if left else shortest
            cap = left.cap if left and left.cap is Cap.TURNS else _cap(package, attempt.chosen, self._whole)
            if package.check and least > shortest:
                # A check brings nothing along but a turn, and it is worth none.
                cap = Cap.TURNS
            yield LeftOut(package=package.id, half_minutes=least, cap=cap)

    def _with_others(self, attempt: _Attempt, others: Iterable[Package]) -> Problem:
        """Returns the problem in which what was chosen is chosen, and everything else has no time left."""
        places = {one.id: one.position for one in attempt.solution.placements}
        done = [(one.id, one.position) for one in attempt.solution.placements if one.option is not None]
        tasks = {
            identifier: replace(task, positions=tuple(p for p in task.positions if p[0] == places[identifier]))
            if identifier in places
            else task
            for identifier, task in self._whole.tasks.items()
        }
        weight = 1 + sum(max(v.benefit for v in package.variants) for package in self._whole.packages)
        fixed = [
            replace(
                package,
                demanded=False,
                variants=(replace(attempt.chosen[package.id], benefit=weight),),
            )
            for package in self._whole.packages
            if package.id in attempt.chosen
        ]
        inside = {
            (first, then)
            for first, then in self._whole.before
            if self._whole.tasks[first].package == self._whole.tasks[then].package and first not in places
        }
        shared = {**self._whole.companions, **{one.id: one for one in self._whole.frame}}
        return replace(
            self._whole,
            tasks=tasks,
            packages=(*fixed, *(replace(package, demanded=False) for package in others)),
            before=_with_pairs(frozenset(inside), _turns(done, self._whole.tasks)),
            half_minutes=used_half_minutes(attempt.problem, attempt.solution, shared),
        )


def _cap(package: Package, chosen: Mapping[str, Variant], problem: Problem) -> Cap | None:
    """Returns the cap that every way to treat a muscle would break beside what is chosen; None: one fits."""
    caps = [_cap_of(package, variant, chosen, problem) for variant in package.variants]
    return None if None in caps else caps[0]


def _cap_of(package: Package, variant: Variant, chosen: Mapping[str, Variant], problem: Problem) -> Cap | None:
    packages = {one.id: one for one in problem.packages}
    all_variants = {**chosen, package.id: variant}
    joins = package.counts and not package.demanded
    if joins and sum(packages[one].counts for one in all_variants) > problem.muscle_limit:
        return Cap.MUSCLES
    tissue: dict[str, int] = {}
    hands = [0, 0, 0, 0]
    brought = dict.fromkeys(companion for one in all_variants.values() for companion in one.companions)
    shared = [*problem.frame, *(problem.companions[one] for one in brought)]
    loads = [(packages[one].region, v.tissue_load, v.hand_load) for one, v in all_variants.items()]
    loads += [(companion.region, companion.tissue_load, companion.hand_load) for companion in shared]
    for region, load, hand in loads:
        tissue[region] = tissue.get(region, 0) + load
        hands = [one + other for one, other in zip(hands, hand, strict=True)]
    if sum(tissue.values()) > problem.tissue_load_cap or max(tissue.values(), default=0) > problem.region_load_cap:
        return Cap.TISSUE_LOAD
    if any(load > most for load, most in zip(hands, problem.hand_load_cap, strict=True)):
        return Cap.HAND_LOAD
    return None


def _turns(placed: Sequence[tuple[str, str]], tasks: Mapping[str, Task]) -> Iterator[tuple[str, str]]:
    """Yields a pair of tasks for each turn, of muscles that are worked on in one position only."""
    stays: dict[str, set[str]] = {}
    for task, position in placed:
        stays.setdefault(tasks[task].package, set()).add(position)
    blocks = [[task for task, _ in block] for _, block in groupby(placed, key=lambda one: one[1])]
    staying = [next((task for task in block if len(stays[tasks[task].package]) == 1), "") for block in blocks]
    yield from pairwise(task for task in staying if task)


def _with_pairs(before: frozenset[tuple[str, str]], pairs: Iterable[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    """Returns `before` with those of the pairs that close no circle."""
    both = set(before)
    followers: dict[str, set[str]] = {}
    for first, then in both:
        followers.setdefault(first, set()).add(then)
    for first, then in pairs:
        reached, waiting = {then}, [then]
        while waiting:
            for one in followers.get(waiting.pop(), set()) - reached:
                reached.add(one)
                waiting.append(one)
        if first not in reached:
            both.add((first, then))
            followers.setdefault(first, set()).add(then)
    return frozenset(both)
