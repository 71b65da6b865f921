"""Solves the planning problem. `solve(problem)` is the one door; what stands behind it may change.

What every solver means by the problem, and how solutions are ordered, is written in docs/planning.md, "The formal
model".
"""

from __future__ import annotations

from services.planner.domain.problem import Problem, Solution
from services.planner.optimise import exact

# How long the search goes on, counted in what it looks at and not in seconds, so that the same problem gives the same
# solution on every machine. The example cases are proven with a tenth of it; what is not proven by then takes two to
# four seconds on a plain machine.
WORK_LIMIT = 250_000


def solve(problem: Problem, *, work_limit: int = WORK_LIMIT) -> Solution:
    """Returns the best session; if the work limit ends the search, the best found and what bounds a better one."""
    return exact.solve(problem, work_limit=work_limit)
