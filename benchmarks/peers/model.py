"""The planning problem as linear constraints over yes-or-no variables, the way an expert would write it for a solver.

Variables: which variant of a package; which position in which place of the sequence; in which place a task is done.
One builder serves every solver that can add a variable, a row and an objective. It reads the problem file alone and
shares no code with the planner.
"""

from __future__ import annotations

from typing import Any, Protocol

Terms = list[tuple[int, Any]]


class Linear(Protocol):
    """What a solver has to offer."""

    def variable(self) -> Any:
        """Returns a new yes-or-no variable."""

    def row(self, terms: Terms, most: int, least: int | None = None) -> None:
        """Keeps a weighted sum at `most` or less, and at `least` or more if given."""


def build(problem: dict[str, Any], linear: Linear) -> tuple[Terms, int]:
    """Adds the whole problem; returns the objective, and by how much a point of benefit outweighs a turn."""
    tasks = {task["id"]: task for task in problem["tasks"]}
    companions = {companion["id"]: companion for companion in problem["companions"]}
    packages = problem["packages"]
    positions = problem["position_order"]
    places = range(problem["turn_limit"] + 1)
    frame = problem["frame"]
    turn_weight = problem["turn_limit"] + 1
    demand_weight = 1 + sum(max(variant["benefit"] for variant in package["variants"]) for package in packages)

    # The sequence of positions: used places come first, neighbours differ, a change between neighbours is paid for.
    used = [linear.variable() for _ in places]
    at = [{position: linear.variable() for position in positions} for _ in places]
    turning: Terms = []
    for place in places:
        linear.row([*((1, at[place][p]) for p in positions), (-1, used[place])], 0, 0)
        if place:
            linear.row([(1, used[place]), (-1, used[place - 1])], 0)
            for one in positions:
                linear.row([(1, at[place - 1][one]), (1, at[place][one])], 1)
            change = {(a, b): linear.variable() for a in positions for b in positions if a != b}
            for one in positions:
                linear.row([*((1, v) for (a, _), v in change.items() if a == one), (-1, at[place - 1][one])], 0)
                linear.row([*((1, v) for (_, b), v in change.items() if b == one), (-1, at[place][one])], 0, 0)
            cost = {(a, b): time for a, b, time in problem["position_changes"]}
            turning += [(cost[pair], variable) for pair, variable in change.items()]

    # Variants: at most one of each package.
    chosen: list[tuple[dict[str, Any], dict[str, Any], Any]] = []
    for package in packages:
        own = [(package, variant, linear.variable()) for variant in package["variants"]]
        linear.row([(1, variable) for _, _, variable in own], 1)
        chosen += own

    # Companions come with the variants that bring them.
    brought = {name: linear.variable() for name in companions}
    for package in packages:
        for name in companions:
            bringing = [v for owner, variant, v in chosen if owner is package and name in variant["companions"]]
            if bringing:
                linear.row([*((1, variable) for variable in bringing), (-1, brought[name])], 0)

    # A chosen task is done in one place whose position it allows; what goes first is not later.
    doing: dict[str, list[Any]] = {}
    for name, task in tasks.items():
        with_it = [v for _, variant, v in chosen if any(choice[0] == name for choice in variant["choices"])]
        if not with_it:
            continue
        doing[name] = [linear.variable() for _ in places]
        linear.row([*((1, v) for v in doing[name]), *((-1, v) for v in with_it)], 0, 0)
        allowed = [position for position, _ in task["positions"]]
        for place in places:
            linear.row([(1, doing[name][place]), *((-1, at[place][position]) for position in allowed)], 0)
    for first, then in problem["before"]:
        if first in doing and then in doing:
            for place in places[1:]:
                late_first = [(1, variable) for variable in doing[first][place:]]
                early_then = [(1, variable) for variable in doing[then][:place]]
                linear.row([*late_first, *early_then], 1)

    # Time, loads, muscles.
    time = [(variant["half_minutes"], v) for _, variant, v in chosen]
    time += [(companions[name]["half_minutes"], v) for name, v in brought.items()]
    linear.row([*time, *turning], problem["half_minutes"] - sum(one["half_minutes"] for one in frame))
    load = [(variant["tissue_load"], package["region"], v) for package, variant, v in chosen]
    load += [(companions[name]["tissue_load"], companions[name]["region"], v) for name, v in brought.items()]
    linear.row([(amount, v) for amount, _, v in load], problem["tissue_load_cap"])
    for region in sorted({where for _, where, _ in load}):
        linear.row([(amount, v) for amount, where, v in load if where == region], problem["region_load_cap"])
    for hand, cap in enumerate(problem["hand_load_cap"]):
        hands = [(variant["hand_load"][hand], v) for _, variant, v in chosen]
        hands += [(companions[name]["hand_load"][hand], v) for name, v in brought.items()]
        linear.row(hands, cap - sum(one["hand_load"][hand] for one in frame))
    # Demanded muscles may exceed the limit by themselves: then no others.
    limit = problem["muscle_limit"]
    counted = [(package, v) for package, _, v in chosen if package["counts"]]
    over = max(0, sum(package["counts"] and package["demanded"] for package in packages) - limit)
    only_demanded = linear.variable()
    linear.row([*((1, v) for _, v in counted), (-over, only_demanded)], limit)
    others = [(1, v) for package, v in counted if not package["demanded"]]
    linear.row([*others, (len(others), only_demanded)], len(others))

    objective: Terms = [
        (turn_weight * (variant["benefit"] + demand_weight * package["demanded"]), v) for package, variant, v in chosen
    ]
    objective += [(-1, variable) for variable in used[1:]]
    return objective, turn_weight
