"""Solves the planning problem. `solve(problem)` is the one door; what stands behind it may change."""

from services.planner.optimise.greedy import solve

__all__ = ["solve"]
