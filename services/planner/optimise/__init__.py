"""Solves the planning problem. `solve(problem)` is the one door; what stands behind it may change."""

from __future__ import annotations

from services.planner.domain.problem import Problem, Solution
from services.planner.optimise import greedy
from services.planner.optimise.settle import settle


def solve(problem: Problem) -> Solution:
    """Returns the session that a solver found, with every step in its place."""
    return settle(problem, greedy.solve(problem))
