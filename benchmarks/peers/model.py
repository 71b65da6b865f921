"""The planning problem as linear constraints over yes-or-no variables, the way an expert would write it for a solver.

Variables: which variant of a package; which position in which place of the sequence; in which place a task is done.
One builder serves every solver that can add a variable, a row and an objective. It reads the problem file alone and
shares no code with the planner.

That a check is worth no turn of its own is no linear rule: it compares with the best turning of another choice. So the
rows for it are added where a plan breaks it, and the solver goes on (`Builder.broken`); a few rounds are enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from graphlib import TopologicalSorter
from itertools import pairwise, product
from typing import Any, Protocol

Terms = list[tuple[int, Any]]
# A yes-or-no variable above this is a yes.
_HALF = 0.5


class Linear(Protocol):
    """What a solver has to offer."""

    def variable(self) -> Any:
        """Returns a new yes-or-no variable."""

    def row(self, terms: Terms, most: int, least: int | None = None) -> None:
        """Keeps a weighted sum at `most` or less, and at `least` or more if given."""


class Builder:
    """Adds the whole problem to a solver. `objective` is what to maximise."""

    def __init__(self, problem: dict[str, Any], linear: Linear) -> None:
        self._problem = problem
        self._linear = linear
        self._companions = {companion["id"]: companion for companion in problem["companions"]}
        self._places = range(problem["turn_limit"] + 1)
        # At most one variant of each package: (package, variant, variable).
        self._chosen: list[tuple[dict[str, Any], dict[str, Any], Any]] = []
        for package in problem["packages"]:
            own = [(package, variant, linear.variable()) for variant in package["variants"]]
            linear.row([(1, variable) for _, _, variable in own], 1)
            self._chosen += own
        self.objective = self._build()

    def _build(self) -> Terms:
        at, turning = self._sequence()
        self._turning = turning
        brought = self._brought()
        self._order(self._placed(at))
        self._caps(brought, turning)
        self._muscles()
        packages = self._problem["packages"]
        turn_weight = 1 + self._most_turning()
        demand_weight = 1 + sum(max(variant["benefit"] for variant in package["variants"]) for package in packages)
        objective: Terms = [
            (turn_weight * (variant["benefit"] + demand_weight * package["demanded"]), variable)
            for package, variant, variable in self._chosen
        ]
        return [*objective, *((-half_minutes, variable) for half_minutes, variable in turning)]

    def _most_turning(self) -> int:
        return int(self._problem["turn_limit"] * max(time for _, _, time in self._problem["position_changes"]))

    def broken(self, value: Callable[[Any], float]) -> bool:
        """Whether the plan that a solver found turns for a check; if so, rows that forbid it are added."""
        chosen = [(package, variant) for package, variant, v in self._chosen if value(v) > _HALF]
        work = {task for package, variant in chosen if not _is_check(package) for task in _tasks(variant)}
        turned = sum(half_minutes for half_minutes, v in self._turning if value(v) > _HALF)
        sequence = next(one for one in self._by_turning() if self._holds(one, work))
        least = self._turning_of(sequence)
        if turned <= least or all(not _is_check(package) for package, _ in chosen):
            return False
        # Whatever the same sequence holds besides is forbidden along with it.
        for package, variant, _ in self._chosen:
            if not _is_check(package) and self._holds(sequence, work.union(_tasks(variant))):
                work.update(_tasks(variant))
        others: Terms = [
            (1, v)
            for package, variant, v in self._chosen
            if not _is_check(package) and not work.issuperset(_tasks(variant))
        ]
        # Either no more turning than the sequence has, or some work that it does not hold, or no check.
        little = self._linear.variable()
        most = self._most_turning()
        self._linear.row([*self._turning, (most - least, little)], most)
        others.append((1, little))
        for package in filter(_is_check, self._problem["packages"]):
            checking = [(1, v) for owner, _, v in self._chosen if owner is package]
            self._linear.row([*checking, *((-1, v) for _, v in others)], 0)
        return True

    def _by_turning(self) -> list[tuple[str, ...]]:
        positions = self._problem["position_order"]
        every = (one for places in self._places for one in product(positions, repeat=places + 1))
        return sorted((one for one in every if all(a != b for a, b in pairwise(one))), key=self._turning_of)

    def _turning_of(self, sequence: Sequence[str]) -> int:
        cost = {(one, other): time for one, other, time in self._problem["position_changes"]}
        return sum(cost[pair] for pair in pairwise(sequence))

    def _holds(self, sequence: Sequence[str], tasks: set[str]) -> bool:
        """Whether every task finds a place, each the first that it may have after those that go before it."""
        allowed = {task["id"]: {position for position, _ in task["positions"]} for task in self._problem["tasks"]}
        earlier: dict[str, set[str]] = {task: set() for task in tasks}
        for first, then in self._problem["before"]:
            if first in tasks and then in tasks:
                earlier[then].add(first)
        done: dict[str, int] = {}
        for task in TopologicalSorter(earlier).static_order():
            start = max((done[first] for first in earlier[task]), default=0)
            place = next((p for p in range(start, len(sequence)) if sequence[p] in allowed[task]), None)
            if place is None:
                return False
            done[task] = place
        return True

    def _sequence(self) -> tuple[list[dict[str, Any]], Terms]:
        """The sequence of positions: used places come first, neighbours differ, a change between them is paid for."""
        linear, positions = self._linear, self._problem["position_order"]
        cost = {(one, other): time for one, other, time in self._problem["position_changes"]}
        used = [linear.variable() for _ in self._places]
        at = [{position: linear.variable() for position in positions} for _ in self._places]
        turning: Terms = []
        for place in self._places:
            linear.row([*((1, variable) for variable in at[place].values()), (-1, used[place])], 0, 0)
            if not place:
                continue
            linear.row([(1, used[place]), (-1, used[place - 1])], 0)
            change = {(a, b): linear.variable() for a in positions for b in positions if a != b}
            for one in positions:
                linear.row([(1, at[place - 1][one]), (1, at[place][one])], 1)
                linear.row([*((1, v) for (a, _), v in change.items() if a == one), (-1, at[place - 1][one])], 0)
                linear.row([*((1, v) for (_, b), v in change.items() if b == one), (-1, at[place][one])], 0, 0)
            turning += [(cost[pair], variable) for pair, variable in change.items()]
        return at, turning

    def _brought(self) -> dict[str, Any]:
        """Companions come with the variants that bring them."""
        brought = {name: self._linear.variable() for name in self._companions}
        for package in self._problem["packages"]:
            for name, companion in brought.items():
                bringing = [
                    v for owner, variant, v in self._chosen if owner is package and name in variant["companions"]
                ]
                if bringing:
                    self._linear.row([*((1, variable) for variable in bringing), (-1, companion)], 0)
        return brought

    def _placed(self, at: list[dict[str, Any]]) -> dict[str, list[Any]]:
        """A chosen task is done in one place whose position it allows."""
        doing: dict[str, list[Any]] = {}
        for task in self._problem["tasks"]:
            name = task["id"]
            with_it = [v for _, variant, v in self._chosen if any(choice[0] == name for choice in variant["choices"])]
            if with_it:
                doing[name] = [self._linear.variable() for _ in self._places]
                self._linear.row([*((1, v) for v in doing[name]), *((-1, v) for v in with_it)], 0, 0)
                for place in self._places:
                    allowed = ((-1, at[place][position]) for position, _ in task["positions"])
                    self._linear.row([(1, doing[name][place]), *allowed], 0)
        return doing

    def _order(self, doing: dict[str, list[Any]]) -> None:
        """What goes first is not done in a later place."""
        for first, then in self._problem["before"]:
            if first in doing and then in doing:
                for place in self._places[1:]:
                    late, early = doing[first][place:], doing[then][:place]
                    self._linear.row([(1, variable) for variable in (*late, *early)], 1)

    def _caps(self, brought: dict[str, Any], turning: Terms) -> None:
        """Time, tissue load in all and by region, hand load."""
        problem, linear = self._problem, self._linear
        taking = [(variant, package["region"], v) for package, variant, v in self._chosen]
        taking += [(self._companions[name], self._companions[name]["region"], v) for name, v in brought.items()]
        frame = problem["frame"]
        left = problem["half_minutes"] - sum(one["half_minutes"] for one in frame)
        linear.row([*((one["half_minutes"], v) for one, _, v in taking), *turning], left)
        linear.row([(one["tissue_load"], v) for one, _, v in taking], problem["tissue_load_cap"])
        for region in sorted({where for _, where, _ in taking}):
            terms = [(one["tissue_load"], v) for one, where, v in taking if where == region]
            linear.row(terms, problem["region_load_cap"])
        for hand, cap in enumerate(problem["hand_load_cap"]):
            in_frame = sum(one["hand_load"][hand] for one in frame)
            linear.row([(one["hand_load"][hand], v) for one, _, v in taking], cap - in_frame)

    def _muscles(self) -> None:
        """Demanded muscles may exceed the limit by themselves: then no others are chosen."""
        counted = [(package, v) for package, _, v in self._chosen if package["counts"]]
        demanded = sum(package["counts"] and package["demanded"] for package in self._problem["packages"])
        limit = self._problem["muscle_limit"]
        only_demanded = self._linear.variable()
        self._linear.row([*((1, v) for _, v in counted), (-max(0, demanded - limit), only_demanded)], limit)
        others = [(1, v) for package, v in counted if not package["demanded"]]
        self._linear.row([*others, (len(others), only_demanded)], len(others))


def _is_check(package: dict[str, Any]) -> bool:
    return not package["counts"] and not package["demanded"]


def _tasks(variant: dict[str, Any]) -> Iterable[str]:
    return [task for task, _ in variant["choices"]]
