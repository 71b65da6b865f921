"""Settles a choice, whichever solver made it: every step finds its place, and what has none is left out.

What is treated decides how much turning there is; what is only measured does not. Of the sequences with the least
turning the one that holds most re-tests is taken. A re-test is measured where the motion can be measured: after the
work that it is about, in the last such position of the session. Where none holds it, the session ends with a turn if
time and turns are left, or does without the re-test; its minutes then stay free. The same goes for what is measured on
arrival.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from services.planner.domain.plan import Phase
from services.planner.domain.problem import Companion, Placement, Problem
from services.planner.optimise.arrange import Arranger, Choice, Sequence


def settle(
    problem: Problem, arranger: Arranger, options: Mapping[str, int]
) -> tuple[tuple[Placement, ...], tuple[str, ...]]:
    """Returns all steps in order and the re-tests that are left out. It never takes longer than the budget.

    `options`: the chosen tasks, each with the place of its option; some sequence has to hold them in time.
    """
    if not options:
        return (), ()
    choice = arranger.choice(options)
    ending = _Ending(problem, options)
    return ending.placements(arranger, choice, _sequence(arranger, choice, ending))


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
