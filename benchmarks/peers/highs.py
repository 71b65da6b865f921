"""HiGHS on problem files: one file name a line on standard input, one JSON answer a line on standard output.

python benchmarks/peers/highs.py THREADS SECONDS
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import highspy  # type: ignore[import-not-found]
import numpy as np  # type: ignore[import-not-found,unused-ignore]
from model import Builder, Terms  # type: ignore[import-not-found]  # beside this file; this environment has no more


class Model:
    """The problem as rows and columns."""

    def __init__(self) -> None:
        self.columns = 0
        self.rows: list[tuple[float, float, dict[int, int]]] = []

    def variable(self) -> int:
        """Returns a new yes-or-no variable."""
        self.columns += 1
        return self.columns - 1

    def row(self, terms: Terms, most: int, least: int | None = None) -> None:
        """Keeps a weighted sum within bounds."""
        summed: dict[int, int] = {}
        for weight, column in terms:
            summed[column] = summed.get(column, 0) + weight
        self.rows.append((-highspy.kHighsInf if least is None else least, most, summed))

    def program(self, objective: Terms) -> Any:
        """Returns the whole as HiGHS takes it."""
        costs = np.zeros(self.columns)
        for weight, column in objective:
            costs[column] += weight
        program = highspy.HighsLp()
        program.num_col_, program.num_row_ = self.columns, len(self.rows)
        program.col_cost_, program.sense_ = costs, highspy.ObjSense.kMaximize
        program.col_lower_, program.col_upper_ = np.zeros(self.columns), np.ones(self.columns)
        program.row_lower_ = np.array([least for least, _, _ in self.rows], float)
        program.row_upper_ = np.array([most for _, most, _ in self.rows], float)
        program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        program.a_matrix_.start_ = np.cumsum([0, *(len(summed) for _, _, summed in self.rows)])
        program.a_matrix_.index_ = np.array([column for _, _, summed in self.rows for column in summed])
        program.a_matrix_.value_ = np.array([w for _, _, summed in self.rows for w in summed.values()], float)
        program.integrality_ = [highspy.HighsVarType.kInteger] * self.columns
        return program


def answer(problem: dict[str, Any], threads: int, seconds: float) -> dict[str, Any]:
    """Solves one problem."""
    start = time.perf_counter()
    model = Model()
    builder = Builder(problem, model)
    while True:
        solver = highspy.Highs()
        solver.silent()
        left = max(0.0, start + seconds - time.perf_counter())
        for option, value in {"threads": threads, "time_limit": left, "mip_rel_gap": 0.0, "mip_abs_gap": 0.99}.items():
            solver.setOptionValue(option, value)
        solver.passModel(model.program(builder.objective))
        solver.run()
        optimal = solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
        values = solver.getSolution().col_value
        if not optimal or not builder.broken(values.__getitem__):
            break
    info = solver.getInfo()
    found = info.primal_solution_status == 2  # noqa: PLR2004  HiGHS' own number for feasible
    return {
        "score": round(info.objective_function_value) if found else None,
        "bound": info.mip_dual_bound,
        "proven": solver.getModelStatus() == highspy.HighsModelStatus.kOptimal,
        "milliseconds": 1000 * (time.perf_counter() - start),
    }


if __name__ == "__main__":
    for line in sys.stdin:
        text = Path(line.strip()).read_text(encoding="utf-8")
        print(json.dumps(answer(json.loads(text), int(sys.argv[1]), float(sys.argv[2]))), flush=True)
