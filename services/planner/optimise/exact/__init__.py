"""Solves the planning problem to proof.

What has to be decided is which muscles, how, in which order and in which positions. The idea, in five steps:

1. **Order needs only the sequence of positions** (`sequences`). Given one, every task goes to the earliest position
   that it allows after its predecessors; if none falls off the end, the order works. There are few sequences, so each
   partial choice carries the set of those that can still hold it, one bit each.
2. **What remains is a knapsack** (`tables`): one way at most for each muscle (multiple-choice knapsack; Sinha &
   Zoltners 1979) within time, loads and the number of muscles, where some things are paid for once and shared: the
   warm-up of a region. With the turning it is an orienteering problem (Ramesh, Yoon & Karwan 1992).
3. **Prices instead of caps** give an upper bound (`prices`; Lagrangian relaxation), and rule out most ways at once:
   those that lose more against the best of their muscle than there is to lose.
4. **A dynamic programme** (`programme`) goes through the muscles and keeps every partial choice that may still become
   good enough, by its bound; of two that leave the same room, the better.
5. **From the bound downwards** (`search`): a plan close to the bound is looked for; if there is none, that is a proof,
   and the bound comes down. When it meets the best plan, that plan is proven. Good plans come early from rounding what
   pays at the prices (`selection`); if the search is stopped and greedy's plan is better, that one is taken.

A check is worth no turn of its own. That is part of the model, so that nothing has to be taken out after a proof.

Solutions are ordered by (1) how many demanded packages they have, (2) benefit, (3) less turning. Of equals the stronger
muscle gets more where two can exchange; what is then still equal is decided by the order of the search, which is fixed:
checks last, regions and packages by rank, variants by their place. All arithmetic that proves is on whole numbers, and
the search stops by counted work, so the same problem gives the same solution everywhere.
"""

from __future__ import annotations

from dataclasses import replace

from services.planner.domain.problem import Problem, Solution
from services.planner.optimise import greedy
from services.planner.optimise.arrange import Arranger
from services.planner.optimise.exact.search import search
from services.planner.optimise.exact.selection import Selection, favour_stronger
from services.planner.optimise.exact.solution import selection_of, solution_of
from services.planner.optimise.exact.tables import Tables


def solve(problem: Problem, *, work_limit: int, incumbent: Solution | None = None) -> Solution:
    """Returns the best solution found, never a worse one than `incumbent` or, without one, than greedy's.

    `work_limit` is counted in labels made and picks priced, some hundred thousand to the second.
    `proven` says whether the search finished: then no solution is better.
    """
    arranger = Arranger(problem)
    tables = Tables(problem, arranger)
    known = selection_of(tables, incumbent) if incumbent else None
    outcome = search(tables, known or Selection(0, (), 0), work_limit)
    if not outcome.proven and incumbent is None:
        # Only a search that had to stop can be below greedy, which costs more than most searches.
        plain = selection_of(tables, greedy.solve(problem))
        if plain and plain.score > outcome.best.score:
            outcome = replace(outcome, best=plain)
    outcome = replace(outcome, best=favour_stronger(tables, outcome.best))
    return solution_of(tables, arranger, outcome)
