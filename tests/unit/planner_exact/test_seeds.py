"""Instances of real size: those that were hard or once went wrong, and what holds when stopped early, and demands."""

from __future__ import annotations

import pytest

from benchmarks.instances import Shape, instance
from benchmarks.solver import hard_seeds
from services.planner.domain.problem import Problem, Solution
from services.planner.optimise.arrange import Arranger
from services.planner.optimise.exact import solve
from tests.unit.planner_exact.brute_force import Chosen, Score
from tests.unit.planner_exact.test_exact import scored as scored_with


def scored(problem: Problem, solution: Solution) -> Score:
    """Returns the score of a solution that is too large for brute force."""
    arranger = Arranger(problem)

    def least_turning(_: Problem, chosen: Chosen) -> int:
        choice = arranger.choice(task for _, variant in chosen.values() for task, _ in variant.choices)
        return next(one.turning for one in arranger.sequences if choice.blocks(one) is not None)

    return scored_with(problem, solution, least_turning)


@pytest.mark.parametrize(("shape", "objective"), hard_seeds(), ids=lambda value: getattr(value, "name", ""))
def test_hard_seeds_are_proven_at_their_known_objective(shape: Shape, objective: int) -> None:
    problem = instance(shape)
    solution = solve(problem, work_limit=5_000_000)
    assert (solution.objective, solution.proven) == (objective, True)
    scored(problem, solution)


@pytest.mark.parametrize("work_limit", [0, 3_000, 10_000, 20_000])
@pytest.mark.parametrize("seed", range(3))
def test_stopped_early_the_bound_holds(seed: int, work_limit: int) -> None:
    problem = instance(Shape(20, seed, 60))
    best, early = solve(problem, work_limit=5_000_000), solve(problem, work_limit=work_limit)
    assert scored(problem, early) <= scored(problem, best)
    assert early.upper_bound is not None
    assert early.upper_bound >= best.objective


@pytest.mark.parametrize("demanded", [1, 3, 9])
def test_demanded_packages_come_before_all_benefit(demanded: int) -> None:
    problem = instance(Shape(15, 7, 45, demanded=demanded))
    free = solve(instance(Shape(15, 7, 45)), work_limit=5_000_000)
    solution = solve(problem, work_limit=5_000_000)
    assert solution.proven
    assert solution.objective <= free.objective
    # Nothing but demanded packages is worth leaving one out, so fewer demands are never met worse.
    met = scored(problem, solution)[0]
    assert met >= scored(problem, free)[0]
    assert 0 < met <= demanded
