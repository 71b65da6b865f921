"""The problem in the form in which the search reads it: stages, picks, caps, and companions with what they take.

A stage decides one package (or a few that have to be decided together because their order runs both ways); a pick is
one way to decide it. Stages stand so that no package has to wait for one that is decided later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

from services.planner.domain.problem import Package, Problem, Variant
from services.planner.optimise.arrange import Arranger
from services.planner.optimise.exact.sequences import DoneBy, Sequences, SequenceTable
from services.planner.optimise.exact.staging import decided_together

# What can run out, by name; the time is always the first.
TIME = "time"
TIME_PLACE = 0
TISSUE = "tissue"
MUSCLES = "muscles"
REGION = "region "
HANDS = ("thumb", "wrist", "elbow", "tool")
Amounts = Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """One way to decide a stage. `worth` is in points of the score.

    `amounts`: what it takes of each cap, as (place of the cap, amount), companions not included. `packed`: the same in
    one number. `companions`: one bit each.
    """

    parts: tuple[tuple[Package, Variant], ...]
    tasks: tuple[str, ...]
    worth: int
    amounts: tuple[tuple[int, int], ...]
    packed: int
    companions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One decision.

    `earlier`: what comes before each of its tasks; `follows`: those of them that belong to other stages. `followed`:
    its tasks that have to come before tasks of later stages. `closed`: tasks that no stage after this one follows.
    `companions`: bits of those that it or a later stage may bring. `kept`: the loads that a later stage can still add
    to, as a mask of the packed number.
    """

    picks: tuple[Pick, ...]
    tasks: frozenset[str]
    earlier: Mapping[str, tuple[str, ...]]
    follows: frozenset[str]
    followed: frozenset[str]
    closed: frozenset[str]
    companions: int
    kept: int


class Packing:
    """Puts the amounts of all caps into one whole number: one comparison checks them all.

    Every cap has its own bits with a guard bit above: subtracting what is used from `room` clears the guard of a cap
    that is exceeded.
    """

    def __init__(self, caps: Sequence[int], most: Sequence[int]) -> None:
        self.offsets: list[int] = []
        self.masks: list[int] = []
        self.guards = 0
        self._without: dict[int, int] = {}
        offset = 0
        for cap, largest in zip(caps, most, strict=True):
            bits = (cap + largest).bit_length()
            self.offsets.append(offset)
            self.masks.append((1 << bits) - 1 << offset)
            self.guards |= 1 << offset + bits
            offset += bits + 1

    def without(self, guards: int) -> int:
        """Returns a mask of the bits of all caps but those whose guards are given."""
        if guards not in self._without:
            self._without[guards] = sum(mask for mask in self.masks if not (mask + (mask & -mask)) & guards)
        return self._without[guards]

    def amount(self, packed: int, place: int) -> int:
        """Returns the amount of one cap."""
        return (packed & self.masks[place]) >> self.offsets[place]

    def pack(self, amounts: Iterable[tuple[int, int]]) -> int:
        """Returns the amounts, given as (place of the cap, amount), in one number."""
        return sum(amount << self.offsets[place] for place, amount in amounts)


class Tables:
    """One problem, made ready. `caps` has the time first; a cap that cannot bind is left out.

    The score of a selection orders solutions: demanded packages first, then benefit, then less turning. It is one whole
    number: each demanded package outweighs all benefit, each thousandth of benefit outweighs all turning.

    `checks`: the tasks of packages that are worth no turn of their own. `last_work`: the last stage that decides
    anything else.
    """

    def __init__(self, problem: Problem, arranger: Arranger) -> None:
        self.problem = problem
        self.budget = problem.half_minutes - problem.frame_half_minutes
        self.sequences = SequenceTable(arranger.sequences, self.budget)
        self.turn_weight = 1 + max((sequence.turning for sequence in arranger.sequences), default=0)
        self.demand_weight = 1 + sum(max(variant.benefit for variant in package.variants) for package in self.packages)
        self.companions = tuple(
            sorted({name for package in self.packages for variant in package.variants for name in variant.companions})
        )
        self._bit = {name: 1 << number for number, name in enumerate(self.companions)}
        self.limits = self._limits()
        most = self._most()
        names = [name for name in self.limits if name == TIME or most[name] > self.limits[name]]
        self.hopeless = not self.packages or min(self.limits.values()) < 0
        self.caps = tuple(max(self.limits[name], 0) for name in names)
        self.place = {name: place for place, name in enumerate(names)}
        self.packing = Packing(self.caps, [most[name] for name in names])
        self.companion_amounts = tuple(self._placed(self._amounts_of_companion(name)) for name in self.companions)
        self.companion_packed = tuple(map(self.packing.pack, self.companion_amounts))
        self.positions = {name: tuple(p for p, _ in task.positions) for name, task in problem.tasks.items()}
        self._earlier: dict[str, list[str]] = {}
        for first, then in sorted(problem.before):
            self._earlier.setdefault(then, []).append(first)
        self._held: dict[tuple[str, ...], Sequences] = {}
        self.checks = frozenset(_tasks(package for package in self.packages if package.check))
        self.stages = self._stages()
        working = [number for number, stage in enumerate(self.stages) if not stage.tasks <= self.checks]
        self.last_work = max(working, default=-1)

    @cached_property
    def packages(self) -> tuple[Package, ...]:
        """The packages that anything can be done to."""
        return tuple(package for package in self.problem.packages if package.variants)

    # --- caps ---

    def _limits(self) -> dict[str, int]:
        """Returns the size of every cap, less what the frame of the session takes of it."""
        problem = self.problem
        hands = zip(HANDS, problem.hand_load_cap, *(companion.hand_load for companion in problem.frame), strict=True)
        regions = {package.region for package in self.packages}
        regions |= {problem.companions[name].region for name in self.companions}
        return {
            TIME: self.budget,
            TISSUE: problem.tissue_load_cap,
            MUSCLES: problem.muscle_limit,
            **{hand: cap - sum(frame) for hand, cap, *frame in hands},
            **{_region(region): problem.region_load_cap for region in sorted(regions)},
        }

    def _most(self) -> dict[str, int]:
        """Returns the most that could ever be asked of each cap."""
        most = dict.fromkeys(self.limits, 0)
        for package in self.packages:
            amounts = [self._amounts(package, variant) for variant in package.variants]
            for name in amounts[0]:
                most[name] += max(amount[name] for amount in amounts)
        for companion in self.companions:
            for name, amount in self._amounts_of_companion(companion).items():
                most[name] += amount
        return most

    def asked(self, parts: Iterable[tuple[Package, Variant]]) -> dict[str, int]:
        """Returns what packages take of every cap, with the companions that they bring."""
        asked = dict.fromkeys(self.limits, 0)
        parts = tuple(parts)
        brought = dict.fromkeys(name for _, variant in parts for name in variant.companions)
        amounts = [self._amounts(package, variant) for package, variant in parts]
        for one in (*amounts, *map(self._amounts_of_companion, brought)):
            for name, amount in one.items():
                asked[name] += amount
        return asked

    @staticmethod
    def _amounts(package: Package, variant: Variant) -> dict[str, int]:
        return {
            TIME: variant.half_minutes,
            TISSUE: variant.tissue_load,
            _region(package.region): variant.tissue_load,
            MUSCLES: int(package.counts),
            **dict(zip(HANDS, variant.hand_load, strict=True)),
        }

    def _amounts_of_companion(self, name: str) -> dict[str, int]:
        companion = self.problem.companions[name]
        return {
            TIME: companion.half_minutes,
            TISSUE: companion.tissue_load,
            _region(companion.region): companion.tissue_load,
            **dict(zip(HANDS, companion.hand_load, strict=True)),
        }

    def _placed(self, amounts: Amounts) -> tuple[tuple[int, int], ...]:
        return tuple((self.place[name], amount) for name, amount in amounts.items() if amount and name in self.place)

    # --- order ---

    def holding(self, tasks: Iterable[str]) -> Sequences:
        """Returns the sequences that hold these tasks and nothing else."""
        tasks = self.in_order(tasks)
        if tasks not in self._held:
            done: dict[str, DoneBy] = {}
            holding = self.sequences.all
            for task in tasks:
                earlier = (done[first] for first in self._earlier.get(task, ()) if first in done)
                done[task] = self.sequences.done_by(self.positions[task], earlier)
                holding &= done[task][-1]
            self._held[tasks] = holding
        return self._held[tasks]

    def turns_for_checks(self, tasks: Iterable[str], holding: Sequences) -> bool:
        """Whether tasks that `holding` can hold would need less turning without the checks among them."""
        tasks = tuple(tasks)
        work = [task for task in tasks if task not in self.checks]
        turning = self.sequences.turning
        return len(work) < len(tasks) and turning(holding) > turning(self.holding(work))

    def in_order(self, tasks: Iterable[str]) -> tuple[str, ...]:
        """Returns the tasks so that each comes after all that have to be before it."""
        return tuple(sorted(tasks, key=self._task_order.__getitem__))

    # --- stages ---

    def _stages(self) -> tuple[Stage, ...]:
        groups = decided_together(self.packages, self._links)
        stage_of = {task: number for number, group in enumerate(groups) for task in _tasks(group)}
        picks = [tuple(self._picks(group)) for group in groups]
        last_follower: dict[str, int] = {}
        earlier: list[dict[str, list[str]]] = [{} for _ in groups]
        for first, then in sorted(self.problem.before):
            if first in stage_of and then in stage_of:
                earlier[stage_of[then]].setdefault(then, []).append(first)
                if stage_of[first] != stage_of[then]:
                    last_follower[first] = max(last_follower.get(first, -1), stage_of[then])
        stages: list[Stage] = []
        companions = kept = 0
        for number in reversed(range(len(groups))):
            companions_here = companions
            for pick in picks[number]:
                companions_here |= pick.companions
            tasks = _tasks(groups[number])
            stages.append(
                Stage(
                    picks=picks[number],
                    tasks=frozenset(tasks),
                    earlier={then: tuple(first) for then, first in earlier[number].items()},
                    follows=frozenset(
                        task for first in earlier[number].values() for task in first if stage_of[task] != number
                    ),
                    followed=frozenset(task for task in tasks if last_follower.get(task, -1) > number),
                    closed=frozenset(task for task, last in last_follower.items() if last == number),
                    companions=companions_here,
                    kept=kept,
                )
            )
            companions = companions_here
            kept |= self._touched(picks[number])
        return tuple(reversed(stages))

    def _touched(self, picks: Iterable[Pick]) -> int:
        mask = 0
        for pick in picks:
            amounts = [*pick.amounts]
            for number in bits(pick.companions):
                amounts += self.companion_amounts[number]
            for place, _ in amounts:
                mask |= self.packing.masks[place]
        return mask

    @cached_property
    def _links(self) -> dict[str, set[str]]:
        """Returns for each package those that have to wait for it."""
        package_of = {task: package.id for package in self.packages for task in _tasks((package,))}
        links: dict[str, set[str]] = {package.id: set() for package in self.packages}
        for first, then in self.problem.before:
            if first in package_of and then in package_of and package_of[first] != package_of[then]:
                links[package_of[first]].add(package_of[then])
        return links

    @cached_property
    def _task_order(self) -> dict[str, int]:
        """Returns a place for every task that comes after those of all tasks before it."""
        order: dict[str, int] = {}

        def place(task: str) -> None:
            if task not in order:
                for first in self._earlier.get(task, ()):
                    place(first)
                order[task] = len(order)

        for task in self.problem.tasks:
            place(task)
        return order

    def _picks(self, group: Sequence[Package]) -> Iterator[Pick]:
        choices = [[None, *package.variants] for package in group]
        for chosen in product(*choices):
            parts = tuple((package, variant) for package, variant in zip(group, chosen, strict=True) if variant)
            if parts:
                yield self.pick(parts)

    def pick(self, parts: tuple[tuple[Package, Variant], ...]) -> Pick:
        """Returns what it means to treat these packages in these ways, of one stage or of several."""
        amounts: dict[str, int] = {}
        companions = 0
        worth = 0
        for package, variant in parts:
            for name, amount in self._amounts(package, variant).items():
                amounts[name] = amounts.get(name, 0) + amount
            for name in variant.companions:
                companions |= self._bit[name]
            worth += variant.benefit + self.demand_weight * package.demanded
        placed = self._placed(amounts)
        return Pick(
            parts=parts,
            tasks=self.in_order(task for _, variant in parts for task, _ in variant.choices),
            worth=worth * self.turn_weight,
            amounts=placed,
            packed=self.packing.pack(placed),
            companions=companions,
        )


def bits(number: int) -> Iterator[int]:
    """Yields the places of the bits that are set, lowest first."""
    while number:
        lowest = number & -number
        yield lowest.bit_length() - 1
        number ^= lowest


def _region(region: str) -> str:
    return f"{REGION}{region}"


def _tasks(group: Iterable[Package]) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(task for package in group for variant in package.variants for task, _ in variant.choices)
    )
