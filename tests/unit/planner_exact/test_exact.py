"""The exact solver against brute force, and what must hold of every answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from services.planner.domain.problem import Problem, Solution
from services.planner.optimise import greedy
from services.planner.optimise.exact import solve
from tests.unit.planner_exact.brute_force import (
    Chosen,
    Score,
    best_score,
    brought_by,
    chosen_by,
    least_turning,
    minutes,
    score,
    turning,
    visited,
    within_caps,
    without_checks,
)
from tests.unit.planner_exact.small_problems import problems

ENOUGH = 1_000_000
thorough = settings(max_examples=1000, deadline=None)
usual = settings(max_examples=200, deadline=None)


def scored(
    problem: Problem, solution: Solution, least_turning: Callable[[Problem, Chosen], int] = least_turning
) -> Score:
    """Returns the score of a solution after checking all it says against the problem."""
    if not solution.placements:
        assert solution.objective == 0
        return (0, 0, 0)
    chosen = chosen_by(problem, solution.placements)
    positions = visited(solution.placements)
    assert within_caps(problem, chosen)
    turned = least_turning(problem, chosen)
    assert turned == least_turning(problem, without_checks(chosen))
    assert minutes(problem, chosen) + turned <= problem.half_minutes
    # What is only measured may add a turn, in time that is left.
    free = sum(problem.companions[name].half_minutes for name in solution.unplaced)
    assert minutes(problem, chosen) - free + turning(problem, positions) <= problem.half_minutes
    assert len(positions) - 1 <= problem.turn_limit
    ids = [place.id for place in solution.placements]
    assert len(set(ids)) == len(ids)
    brought = {companion.id for companion in brought_by(problem, chosen)}
    assert set(solution.unplaced) <= brought
    around = brought - set(solution.unplaced) | {"arrival", "close"}
    assert {place.id for place in solution.placements if place.option is None} == around
    for place in solution.placements:
        measured = problem.companions.get(place.id)
        if measured and measured.positions is not None:
            assert place.position in measured.positions
            assert all(ids.index(t) < ids.index(place.id) for t in ids if place.id in companions_of(problem, t))
    assert all(ids.index(first) < ids.index(then) for first, then in problem.before if first in ids and then in ids)
    for place in solution.placements:
        if place.option is not None:
            assert place.position in dict(problem.tasks[place.id].positions)
    left_out = {package.id for package in problem.packages} - set(chosen)
    assert [left.package for left in solution.left_out] == [p.id for p in problem.packages if p.id in left_out]
    result = score(chosen, turned)
    assert result[1] == solution.objective
    return result


def companions_of(problem: Problem, step: str) -> tuple[str, ...]:
    return problem.tasks[step].companions if step in problem.tasks else ()


@given(problems())
@thorough
def test_it_finds_what_brute_force_finds(problem: Problem) -> None:
    solution = solve(problem, work_limit=ENOUGH)
    assert solution.proven
    assert solution.upper_bound == solution.objective
    assert scored(problem, solution) == best_score(problem)


@given(problems(), st.integers(0, 2), st.integers(0, 4))
@thorough
def test_demanded_packages_may_exceed_the_limit_on_muscles_only_by_themselves(
    problem: Problem, muscle_limit: int, demanded: int
) -> None:
    # Once the caps were forgotten by the limit of the problem where only demanded packages were in play.
    packages = tuple(
        replace(package, demanded=place < demanded, counts=True) for place, package in enumerate(problem.packages)
    )
    problem = replace(problem, packages=packages, muscle_limit=muscle_limit)
    solution = solve(problem, work_limit=ENOUGH)
    assert solution.proven
    assert scored(problem, solution) == best_score(problem)


@given(problems(), st.integers(0, 60), st.booleans())
@usual
def test_stopped_early_it_is_honest_and_never_below_greedy(problem: Problem, work_limit: int, seeded: bool) -> None:
    plain = greedy.solve(problem)
    solution = solve(problem, work_limit=work_limit, incumbent=plain if seeded else None)
    best = best_score(problem)
    assert solution.upper_bound is not None
    found = scored(problem, solution)
    assert found <= best
    if seeded:
        assert found >= scored(problem, plain)
    if found[0] == best[0]:
        assert solution.upper_bound >= best[1]
    if solution.proven:
        assert found == best


@given(problems(), st.integers(1, 6))
@usual
def test_more_time_is_never_worse(problem: Problem, longer: int) -> None:
    more = replace(problem, half_minutes=problem.half_minutes + longer)
    assert outcome(more) >= outcome(problem)


@given(problems(), st.data())
@usual
def test_a_tighter_problem_is_never_better(problem: Problem, data: st.DataObject) -> None:
    caps = ["muscle_limit", "tissue_load_cap", "region_load_cap", "half_minutes"]
    if not any(package.check for package in problem.packages):
        # With fewer turns the work may have to turn the long way round, and a check may lie on it.
        caps.append("turn_limit")
    cap = data.draw(st.sampled_from(caps))
    tighter = replace(problem, **{cap: max(0, getattr(problem, cap) - 1)})
    if len(problem.packages) > 1 and data.draw(st.booleans()):
        without = problem.packages[1:]
        tasks = {name: task for name, task in problem.tasks.items() if task.package != problem.packages[0].id}
        tighter = replace(tighter, packages=without, tasks=tasks)
    assert outcome(tighter) <= outcome(problem)


@given(problems())
@usual
def test_the_same_problem_gives_the_same_solution(problem: Problem) -> None:
    shuffled = replace(
        problem,
        tasks=dict(reversed(list(problem.tasks.items()))),
        companions=dict(reversed(list(problem.companions.items()))),
        before=frozenset(sorted(problem.before, reverse=True)),
    )
    assert solve(problem, work_limit=ENOUGH) == solve(problem, work_limit=ENOUGH) == solve(shuffled, work_limit=ENOUGH)


@given(problems(), st.integers(0, 200))
@usual
def test_the_best_plan_is_kept_when_it_is_known(problem: Problem, work_limit: int) -> None:
    best = solve(problem, work_limit=ENOUGH)
    again = solve(problem, work_limit=work_limit, incumbent=best)
    assert scored(problem, again) == scored(problem, best)


def outcome(problem: Problem) -> Score:
    return scored(problem, solve(problem, work_limit=ENOUGH))
