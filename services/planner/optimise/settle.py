"""Settles a solution, whichever solver made it: what stands beside the work finds its place, or is left out.

A check is worth no turn of its own: one that would cost a turn is dropped. A re-test is measured where the motion can
be measured: after the work that it is about, in the last such position of the session; of the sequences with equally
little turning the one that holds most re-tests is taken. Where none holds it, the session ends with a turn if time and
turns are left, or does without the re-test. The same goes for what is measured on arrival.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from services.planner.domain.plan import Phase
from services.planner.domain.problem import Cap, Companion, LeftOut, Package, Placement, Problem, Solution
from services.planner.optimise.arrange import Arranger, Choice, Sequence


def settle(problem: Problem, solution: Solution) -> Solution:
    """Returns the solution with every step in its place. It never takes longer than the budget."""
    options = {p.id: p.option for p in solution.placements if p.option is not None}
    if not options:
        return solution
    arranger = Arranger(problem)
    dropped = _idle_checks(problem, arranger, options)
    kept = {task: option for task, option in options.items() if problem.tasks[task].package not in dropped}
    choice = arranger.choice(kept)
    ending = _Ending(problem, kept)
    sequence = _sequence(arranger, choice, ending)
    placements, unplaced = ending.placements(arranger, choice, sequence)
    return replace(
        solution,
        placements=placements,
        unplaced=unplaced,
        objective=solution.objective - sum(_worth(package, options) for package in dropped.values()),
        left_out=(*solution.left_out, *(_left_out(package, options) for package in dropped.values())),
    )


# --- checks -------------------------------------------------------------------------------------------------------


def _idle_checks(problem: Problem, arranger: Arranger, options: Mapping[str, int]) -> dict[str, Package]:
    """Returns the packages that only check a muscle and would make the client turn for it."""
    tasks: dict[str, list[str]] = {}
    for task in options:
        tasks.setdefault(problem.tasks[task].package, []).append(task)
    chosen = [package for package in problem.packages if package.id in tasks]
    checks = [package for package in chosen if not package.counts and not package.demanded]
    kept = [task for package in chosen if package not in checks for task in tasks[package.id]]
    dropped: dict[str, Package] = {}
    for package in checks:
        more = [*kept, *tasks[package.id]]
        if _turning(arranger, more) > _turning(arranger, kept):
            dropped[package.id] = package
        else:
            kept = more
    return dropped


def _turning(arranger: Arranger, tasks: Iterable[str]) -> int:
    choice = arranger.choice(tasks)
    sequences = (sequence for sequence in arranger.sequences if choice.blocks(sequence) is not None)
    return next(sequences).turning


def _worth(package: Package, options: Mapping[str, int]) -> int:
    return max(v.benefit for v in package.variants if v.choices and all(options.get(t) == o for t, o in v.choices))


def _left_out(package: Package, options: Mapping[str, int]) -> LeftOut:
    half_minutes = min(
        v.half_minutes for v in package.variants if v.choices and all(options.get(t) == o for t, o in v.choices)
    )
    return LeftOut(package=package.id, half_minutes=half_minutes, cap=Cap.TURNS)


# --- re-tests -----------------------------------------------------------------------------------------------------


def _sequence(arranger: Arranger, choice: Choice, ending: _Ending) -> Sequence:
    """Returns the sequence with the least turning; of equals the one that holds most measurements and reaches best."""
    best: Sequence | None = None
    best_key = (0, False, 0)
    for sequence in arranger.sequences:
        if best and sequence.turning > best.turning:
            break
        if choice.blocks(sequence) is None:
            continue
        key = (len(ending.held(choice, sequence)), ending.begins(sequence), choice.quality(sequence))
        if best is None or key > best_key:
            best, best_key = sequence, key
    if best is None:
        raise AssertionError("Some sequence holds what a solver chose.")
    return best


@dataclass(frozen=True, slots=True)
class _Ending:
    """The steps around the work: arrival before it, re-tests, joining strokes and close after it."""

    problem: Problem
    options: Mapping[str, int]

    def _brought(self, phase: Phase) -> list[Companion]:
        brought = {companion for task in self.options for companion in self.problem.tasks[task].companions}
        return [c for c in self.problem.companions.values() if c.id in brought and c.phase is phase]

    def held(self, choice: Choice, sequence: Sequence) -> dict[str, int]:
        """Returns the block of the sequence after whose work each re-test takes place, for those that it holds."""
        blocks = choice.blocks(sequence) or {}
        held: dict[str, int] = {}
        for companion in self._brought(Phase.RETEST):
            earliest = max(blocks[task] for task in self.options if companion.id in self.problem.tasks[task].companions)
            fitting = [
                block
                for block in range(earliest, len(sequence.positions))
                if companion.positions is None or sequence.positions[block] in companion.positions
            ]
            if fitting:
                held[companion.id] = fitting[-1]
        return held

    def begins(self, sequence: Sequence) -> bool:
        """Whether what is measured on arrival can be measured where the session begins."""
        return all(c.positions is None or sequence.positions[0] in c.positions for c in self._opening())

    def _opening(self) -> list[Companion]:
        return [companion for companion in self.problem.frame if companion.phase is Phase.ARRIVAL]

    def placements(
        self, arranger: Arranger, choice: Choice, sequence: Sequence
    ) -> tuple[tuple[Placement, ...], tuple[str, ...]]:
        """Returns all steps in order, and the re-tests that are left out."""
        work = arranger.placements(choice, sequence, self.options)
        blocks = choice.blocks(sequence) or {}
        held = self.held(choice, sequence)
        placed = list(self._at(sequence.positions[0], self._opening()))
        for block, position in enumerate(sequence.positions):
            placed += [one for one in work if blocks[one.id] == block]
            tested = [companion for companion in self._brought(Phase.RETEST) if held.get(companion.id) == block]
            placed += [Placement(id=companion.id, option=None, position=position) for companion in tested]
        placed += self._at(sequence.positions[-1], self._brought(Phase.INTEGRATE))
        closing = [companion for companion in self.problem.frame if companion.phase is not Phase.ARRIVAL]
        waiting = [companion for companion in self._brought(Phase.RETEST) if companion.id not in held]
        turns = len(sequence.positions) - 1
        while waiting:
            more = self._turned([*placed, *self._at(placed[-1].position, closing)], waiting, turns)
            if not more:
                break
            placed += more
            turns += 1
            done = {placement.id for placement in more}
            waiting = [companion for companion in waiting if companion.id not in done]
        placed += self._at(placed[-1].position, closing)
        works = any(self.problem.tasks[task].phase is not Phase.CONFIRM for task in self.options)
        # A client who turns for the work anyway is not turned once more for what is measured on arrival.
        stays = len(sequence.positions) == 1 and turns < self.problem.turn_limit
        if works and stays and not self.begins(sequence):
            placed = self._begun_elsewhere(placed)
        return tuple(placed), tuple(companion.id for companion in waiting)

    def _begun_elsewhere(self, placed: list[Placement]) -> list[Placement]:
        """Returns the session with an arrival where its motion is measured and a turn after it, if there is time."""
        free = self.problem.half_minutes - self._half_minutes(placed)
        first = placed[0].position
        opening = {companion.id for companion in self._opening()}
        for position in dict.fromkeys(p for c in self._opening() for p in c.positions or ()):
            if position != first and self.problem.position_changes[position, first] <= free:
                return [replace(p, position=position) if p.id in opening else p for p in placed]
        return placed

    def _turned(self, placed: list[Placement], waiting: list[Companion], turns: int) -> list[Placement]:
        """Returns the re-tests that one more turn at the end makes possible, the first and with it all it can."""
        if turns >= self.problem.turn_limit:
            return []
        free = self.problem.half_minutes - self._half_minutes(placed)
        here = placed[-1].position
        best: list[Placement] = []
        for position in self.problem.position_order:
            if position == here:
                continue
            left = free - self.problem.position_changes[here, position]
            fitting: list[Companion] = []
            for companion in waiting:
                if companion.positions is not None and position in companion.positions:
                    left -= companion.half_minutes
                    if left >= 0:
                        fitting.append(companion)
            if len(fitting) > len(best):
                best = list(self._at(position, fitting))
        return best

    def _half_minutes(self, placed: Iterable[Placement]) -> int:
        placed = tuple(placed)
        shared = {**self.problem.companions, **{companion.id: companion for companion in self.problem.frame}}
        work = sum(
            shared[p.id].half_minutes if p.option is None else self.problem.tasks[p.id].options[p.option].half_minutes
            for p in placed
        )
        turned = [(a.position, b.position) for a, b in pairwise(placed) if a.position != b.position]
        return work + sum(self.problem.position_changes[pair] for pair in turned)

    @staticmethod
    def _at(position: str, companions: Iterable[Companion]) -> Iterator[Placement]:
        return (Placement(id=companion.id, option=None, position=position) for companion in companions)
