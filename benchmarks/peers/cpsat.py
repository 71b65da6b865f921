"""CP-SAT on problem files: one file name a line on standard input, one JSON answer a line on standard output.

python benchmarks/peers/cpsat.py WORKERS SECONDS
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from model import Builder, Terms  # type: ignore[import-not-found]  # beside this file; this environment has no more
from ortools.sat.python import cp_model  # type: ignore[import-not-found]


class Model:
    """The problem in CP-SAT's own form."""

    def __init__(self) -> None:
        self.model = cp_model.CpModel()

    def variable(self) -> Any:
        """Returns a new yes-or-no variable."""
        return self.model.new_bool_var("")

    def row(self, terms: Terms, most: int, least: int | None = None) -> None:
        """Keeps a weighted sum within bounds."""
        total = self.sum(terms)
        self.model.add(total <= most)
        if least is not None:
            self.model.add(total >= least)

    def sum(self, terms: Terms) -> Any:
        """Returns a weighted sum."""
        return cp_model.LinearExpr.weighted_sum([v for _, v in terms], [c for c, _ in terms])


def answer(problem: dict[str, Any], workers: int, seconds: float) -> dict[str, Any]:
    """Solves one problem."""
    start = time.perf_counter()
    model = Model()
    builder = Builder(problem, model)
    model.model.maximize(model.sum(builder.objective))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = workers
    if workers == 1:
        solver.parameters.linearization_level = 2
    while True:
        solver.parameters.max_time_in_seconds = max(0.0, start + seconds - time.perf_counter())
        status = solver.solve(model.model)
        found = status in (cp_model.OPTIMAL, cp_model.FEASIBLE)
        if status != cp_model.OPTIMAL or not builder.broken(solver.value):
            break
    return {
        "score": round(solver.objective_value) if found else None,
        "bound": solver.best_objective_bound,
        "proven": status == cp_model.OPTIMAL,
        "milliseconds": 1000 * (time.perf_counter() - start),
    }


if __name__ == "__main__":
    for line in sys.stdin:
        text = Path(line.strip()).read_text(encoding="utf-8")
        print(json.dumps(answer(json.loads(text), int(sys.argv[1]), float(sys.argv[2]))), flush=True)
