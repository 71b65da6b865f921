"""Planning problems of realistic shape, made up: any size, any minutes, the same for the same seed on every machine.

The shapes (how many techniques, doses, loads, positions, shares of a session) follow the knowledge base; the priorities
and the muscles are invented.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import permutations, product
from random import Random

from services.planner.domain.plan import Phase
from services.planner.domain.problem import (
    NO_HAND_LOAD,
    Companion,
    HandLoads,
    Option,
    Package,
    Problem,
    Task,
    Variant,
)
from services.planner.domain.sides import Side

POSITIONS = ("supine", "prone", "side_lying_left", "side_lying_right", "seated")
_FAR = ({"prone", "seated"}, {"side_lying_left", "side_lying_right"})
_WHOLE = 1000
# Half minutes of one muscle, release and lengthening together.
_LEAST, _MOST = 8, 16
_WORTH = (0, 400, 680, 870, 1000)


@dataclass(frozen=True, slots=True)
class Shape:
    """What an instance is like. `cross` counts pairs of muscles in different regions of which one goes first.

    `candidates` is the number of muscles, `minutes` the budget; None: drawn by the seed.
    """

    candidates: int
    seed: int
    minutes: int | None = None
    cross: int | None = None
    demanded: int = 0

    @property
    def name(self) -> str:
        """A short name that says everything."""
        minutes, cross = self.minutes or "any", "any" if self.cross is None else self.cross
        return f"{self.candidates} candidates, seed {self.seed}, minutes {minutes}, cross {cross}"


@dataclass(frozen=True, slots=True)
class _Technique:
    name: str
    doses: tuple[tuple[int, int, int], ...]  # half minutes, effect in thousandths, tissue load
    hand_load: HandLoads
    warm: bool = True


_RELEASES = (
    _Technique("pressure_release", ((3, 600, 1), (5, 850, 2), (8, 1000, 3)), (2, 1, 0, 0)),
    _Technique("elbow_compression", ((3, 600, 2), (5, 850, 3), (8, 1000, 4)), (0, 0, 2, 0)),
    _Technique("light_compression", ((2, 500, 0), (4, 800, 0), (6, 1000, 1)), (1, 0, 0, 0), warm=False),
    _Technique("stripping", ((3, 600, 2), (5, 850, 3), (8, 1000, 4)), (2, 2, 0, 0)),
    _Technique("tool", ((2, 600, 2), (4, 900, 3), (6, 1000, 4)), (0, 1, 0, 2)),
    _Technique("myofascial", ((4, 600, 0), (6, 800, 1), (10, 1000, 1)), (0, 1, 0, 0), warm=False),
    _Technique("inhibition", ((7, 900, 2), (10, 1000, 2)), (2, 1, 0, 0)),
)
_LENGTHENINGS = (
    _Technique("stretch", ((2, 650, 0), (3, 850, 0), (4, 1000, 1)), (0, 1, 0, 0)),
    _Technique("relaxation", ((2, 650, 0), (3, 850, 0), (4, 1000, 0)), (0, 1, 0, 0)),
    _Technique("muscle_energy", ((2, 650, 0), (3, 850, 0), (5, 1000, 1)), (0, 1, 0, 0)),
)
_INTEGRATION = _Technique("full_movement", ((1, 700, 0), (2, 1000, 0)), (0, 0, 0, 0))

# Shares of made-up muscles: treated, confirmed before it, lengthened, moved, with a re-test, over another one.
_TREATED, _CONFIRMED, _LENGTHENED, _MOVED, _RETESTED, _OVER = 0.8, 0.1, 0.8, 0.5, 0.12, 0.15
# Most turns of a session of up to so many minutes.
_TURNS = ((60, 2), (90, 3), (180, 4))

# Region: whether it has a warm-up for each side, how many muscles it has on a side, and what reaches them.
_REGIONS: tuple[tuple[str, bool, int, tuple[tuple[str, ...], ...]], ...] = (
    (
        "head_and_neck",
        False,
        9,
        (("supine", "seated", "prone"), ("supine", "seated"), ("supine",), ("prone", "seated")),
    ),
    ("upper_back_and_shoulder", False, 9, (("prone", "up", "seated"), ("prone", "up"), ("supine", "up"), ("prone",))),
    ("shoulder_and_arm", True, 6, (("supine", "seated"), ("supine",), ("prone", "seated"), ("up", "supine"))),
    ("forearm_and_hand", True, 6, (("supine", "seated"), ("supine", "seated", "prone"))),
    ("torso", False, 5, (("prone",), ("supine",), ("up", "prone"))),
    ("low_back_and_pelvis", False, 6, (("prone", "up"), ("up",), ("supine",), ("prone",))),
    ("hip_and_thigh", True, 9, (("prone", "up"), ("supine",), ("supine", "up"), ("prone",), ("up", "prone"))),
    ("leg_and_foot", True, 6, (("prone", "supine"), ("supine",), ("prone",))),
)


def instance(shape: Shape) -> Problem:
    """Returns the problem of a shape."""
    random = Random(f"{shape.candidates}/{shape.seed}")  # noqa: S311  the same instances for everybody
    minutes = shape.minutes or random.choice((30, 45, 60, 60, 75, 90, 120))
    packages: list[Package] = []
    tasks: dict[str, Task] = {}
    companions = _companions(random, minutes)
    for rank, (region, number, side) in enumerate(_muscles(random, shape.candidates)):
        package, steps = _package(random, region, number, side, rank, demanded=rank < shape.demanded)
        if package.variants:
            packages.append(package)
            tasks |= {step.id: step for step in steps}
    treated = [package for package in packages if package.counts]
    cross = len(treated) // 4 if shape.cross is None else shape.cross
    done = {task for package in packages for variant in package.variants for task, _ in variant.choices}
    tasks = {name: task for name, task in tasks.items() if name in done}
    used = {name for task in tasks.values() for name in task.companions}
    return Problem(
        half_minutes=2 * minutes,
        frame=(
            Companion(id="arrival", phase=Phase.ARRIVAL, technique="arrival_check", level="usual", half_minutes=4),
            Companion(id="close", phase=Phase.CLOSE, technique="rest", level="usual", half_minutes=4),
        ),
        tasks=tasks,
        companions={name: companion for name, companion in companions.items() if name in used},
        packages=tuple(packages),
        before=frozenset(_before(random, treated, tasks, cross)),
        position_changes={pair: _turning(pair) for pair in permutations(POSITIONS, 2)},
        position_order=POSITIONS,
        turn_limit=next(turns for most, turns in _TURNS if minutes <= most),
        muscle_limit=max(1, minutes // 10),
        tissue_load_cap=18,
        region_load_cap=10,
        hand_load_cap=(14, 18, 14, 10),
    )


def _muscles(random: Random, count: int) -> Iterator[tuple[int, int, Side]]:
    """Yields muscles as findings do: a few regions are much involved, others a little."""
    weights = [random.gammavariate(0.9, 1.0) for _ in _REGIONS]
    pool = [
        (weights[region] * random.uniform(0.4, 1.2), region, number, side)
        for region, (_, _, muscles, _) in enumerate(_REGIONS)
        for number in range(muscles)
        for side in (Side.LEFT, Side.RIGHT)
    ]
    pool.sort(reverse=True, key=lambda entry: entry[:3])
    for _, region, number, side in pool[:count]:
        yield region, number, side


def _companions(random: Random, minutes: int) -> dict[str, Companion]:
    warm_up = min(max(4, round(0.2 * minutes * 2 / 3)), 10)
    companions = [
        Companion(
            id=_warm_up(region, side),
            phase=Phase.WARM_UP,
            technique="effleurage",
            level="usual",
            half_minutes=warm_up - random.choice((0, 0, 1)),
            hand_load=(0, 1, 0, 0),
            region=name,
            side=side if sided else None,
            order=(region, int(sided and side is Side.RIGHT), 0),
        )
        for region, (name, sided, _, _) in enumerate(_REGIONS)
        for side in (Side.LEFT, Side.RIGHT)
    ]
    companions += [
        Companion(id=f"retest-{number}", phase=Phase.RETEST, technique="retest", level="usual", half_minutes=2)
        for number in range(3)
    ]
    companions.append(
        Companion(
            id="integrate",
            phase=Phase.INTEGRATE,
            technique="long_strokes",
            level="usual",
            half_minutes=4,
            hand_load=(0, 1, 0, 0),
        )
    )
    return {companion.id: companion for companion in companions}


def _package(
    random: Random, region: int, number: int, side: Side, rank: int, *, demanded: bool
) -> tuple[Package, list[Task]]:
    name, _, _, reach = _REGIONS[region]
    identifier = f"{name}_{number}-{side}"
    up = "side_lying_right" if side is Side.LEFT else "side_lying_left"
    positions = tuple(
        (up if place == "up" else place, 900 - 50 * nth) for nth, place in enumerate(random.choice(reach))
    )
    priority = max(40, round(1000 * 0.93**rank * random.uniform(0.6, 1.1)))
    treat = random.random() < _TREATED
    confirm = not treat or random.random() < _CONFIRMED
    setup = random.choice((0, 0, 1))
    shared = ["integrate", *(f"retest-{n}" for n in range(3) if random.random() < _RETESTED)]
    steps: list[Task] = []

    def add(technique: _Technique, phase: Phase, weight: float, companions: Iterable[str], longer: int) -> None:
        steps.append(
            Task(
                id=f"{phase}-{identifier}-{technique.name}",
                package=identifier,
                phase=phase,
                technique=technique.name,
                positions=positions,
                options=tuple(
                    Option(
                        level=str(level),
                        half_minutes=half_minutes + longer,
                        effect=round(effect * weight),
                        tissue_load=load,
                        hand_load=technique.hand_load,
                    )
                    for level, (half_minutes, effect, load) in enumerate(technique.doses)
                ),
                pressure=3,
                companions=tuple(companions),
            )
        )

    if confirm:
        add(_Technique("palpation", ((2, 0, 0),), (0, 1, 0, 0)), Phase.CONFIRM, 0, (), setup)
    if treat:
        for nth, technique in enumerate(random.sample(_RELEASES, 2)):
            warm = [_warm_up(region, side)] if technique.warm else []
            add(technique, Phase.RELEASE, 0.6 * 0.97**nth, [*shared, *warm], 0 if confirm else setup)
        if random.random() < _LENGTHENED:
            add(random.choice(_LENGTHENINGS), Phase.LENGTHEN, 0.3, shared, 0)
        if random.random() < _MOVED:
            add(_INTEGRATION, Phase.INTEGRATE, 0.1, shared, 0)
    return (
        Package(
            id=identifier,
            muscle=f"{name}_{number}",
            side=side,
            region=name,
            rank=rank,
            order=(region, number, int(side is Side.RIGHT)),
            counts=treat,
            demanded=demanded,
            variants=tuple(_variants(steps, priority, treat=treat, confirm=confirm)),
        ),
        steps,
    )


def _variants(steps: list[Task], priority: int, *, treat: bool, confirm: bool) -> list[Variant]:
    by_phase = [[step for step in steps if step.phase is phase] for phase in Phase]
    choices = [
        [None, *((step, place) for step in of_phase for place in range(len(step.options)))]
        for of_phase in by_phase
        if of_phase
    ]
    found: list[Variant] = []
    for combination in product(*choices):
        chosen = [choice for choice in combination if choice]
        phases = {step.phase for step, _ in chosen}
        if (confirm and Phase.CONFIRM not in phases) or (treat and Phase.RELEASE not in phases) or not chosen:
            continue
        options = [step.options[place] for step, place in chosen]
        work = sum(
            o.half_minutes
            for (s, _), o in zip(chosen, options, strict=True)
            if s.phase in {Phase.RELEASE, Phase.LENGTHEN}
        )
        if treat and not _LEAST <= work <= _MOST:
            continue
        worth = _worth(sum(option.effect for option in options)) if treat else 150
        found.append(
            Variant(
                choices=tuple((step.id, place) for step, place in chosen),
                half_minutes=sum(option.half_minutes for option in options),
                benefit=priority * worth // _WHOLE,
                tissue_load=sum(option.tissue_load for option in options),
                hand_load=_summed(option.hand_load for option in options),
                companions=tuple(dict.fromkeys(name for step, _ in chosen for name in step.companions)),
            )
        )
    kept = [one for one in found if not any(_dominates(other, one) for other in found)]
    return sorted(kept, key=lambda variant: (variant.half_minutes, -variant.benefit, variant.choices))


def _before(random: Random, treated: list[Package], tasks: dict[str, Task], cross: int) -> Iterator[tuple[str, str]]:
    of_package: dict[str, list[Task]] = {}
    for task in tasks.values():
        of_package.setdefault(task.package, []).append(task)
    stages = list(Phase)
    for steps in of_package.values():
        yield from ((a.id, b.id) for a in steps for b in steps if stages.index(a.phase) < stages.index(b.phase))
    pairs: list[tuple[Package, Package]] = []
    for first in treated:
        for then in treated:
            # What lies over another muscle of the same region and side is softened first.
            over = first.region == then.region and first.side is then.side and first.order < then.order
            if over and random.random() < _OVER:
                pairs.append((first, then))
    far = [(a, b) for a in treated for b in treated if a.rank < b.rank and a.region != b.region]
    random.shuffle(far)
    # Rank and order could contradict each other, so the pairs across regions follow the order as well.
    pairs += [(a, b) if a.order < b.order else (b, a) for a, b in far[:cross]]
    for first, then in pairs:
        yield from (
            (a.id, b.id)
            for a in of_package[first.id]
            for b in of_package[then.id]
            if Phase.CONFIRM not in {a.phase, b.phase}
        )


def _warm_up(region: int, side: Side) -> str:
    name, sided, _, _ = _REGIONS[region]
    return f"warm_up-{name}-{side}" if sided else f"warm_up-{name}"


def _turning(pair: tuple[str, str]) -> int:
    return 3 if set(pair) in _FAR else 2


def _worth(effect: int) -> int:
    place = min(effect // 250, 3)
    low, high = _WORTH[place], _WORTH[place + 1]
    return low + (high - low) * min(effect - 250 * place, 250) // 250


def _summed(loads: Iterable[HandLoads]) -> HandLoads:
    thumb, wrist, elbow, tool = NO_HAND_LOAD
    for load in loads:
        thumb, wrist, elbow, tool = thumb + load[0], wrist + load[1], elbow + load[2], tool + load[3]
    return (thumb, wrist, elbow, tool)


def _dominates(better: Variant, worse: Variant) -> bool:
    if better is worse or not set(better.companions) <= set(worse.companions):
        return False
    ours = (better.half_minutes, better.tissue_load, *better.hand_load, -better.benefit)
    theirs = (worse.half_minutes, worse.tissue_load, *worse.hand_load, -worse.benefit)
    return all(a <= b for a, b in zip(ours, theirs, strict=True)) and (ours != theirs or better.choices < worse.choices)
