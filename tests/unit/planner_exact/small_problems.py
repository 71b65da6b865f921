"""Small random problems that use every constraint, for comparing with brute force."""

from __future__ import annotations

from itertools import permutations

from hypothesis import strategies as st

from services.planner.domain.plan import Phase
from services.planner.domain.problem import Companion, HandLoads, Option, Package, Problem, Task, Variant
from services.planner.domain.sides import Side

POSITIONS = ("supine", "prone", "seated")
REGIONS = ("neck", "hip")
COMPANIONS = ("warm_up-neck", "warm_up-hip", "retest")
TASK_PHASES = (Phase.RELEASE, Phase.LENGTHEN)

few = st.integers(0, 3)
# Mostly so few positions that work in other ones needs a turn.
reached = st.sampled_from((1, 1, 2, 3)).flatmap(
    lambda most: st.lists(st.sampled_from(POSITIONS), min_size=1, max_size=most, unique=True)
)
# Where a motion can be measured: anywhere, in some positions, or nowhere in this session.
measured_in = st.none() | st.lists(st.sampled_from(POSITIONS), max_size=2, unique=True).map(tuple)


def cap(usual: range) -> st.SearchStrategy[int]:
    """Mostly a size that leaves room for some packages and not for all."""
    return st.sampled_from((*[*usual] * 5, *range(usual.start)))


@st.composite
def hand_loads(draw: st.DrawFn) -> HandLoads:
    return (draw(few), draw(st.integers(0, 1)), 0, 0)


@st.composite
def companions(draw: st.DrawFn) -> dict[str, Companion]:
    return {
        name: Companion(
            id=name,
            phase=Phase.RETEST if name == "retest" else Phase.WARM_UP,
            technique="technique",
            level="usual",
            half_minutes=draw(few),
            tissue_load=draw(st.integers(0, 1)),
            hand_load=draw(hand_loads()),
            region=name.removeprefix("warm_up-") if name != "retest" else "",
            positions=draw(measured_in) if name == "retest" else None,
        )
        for name in COMPANIONS
    }


@st.composite
def tasks_of(draw: st.DrawFn, package: str) -> list[Task]:
    return [
        Task(
            id=f"{phase}-{package}",
            package=package,
            phase=phase,
            technique="technique",
            positions=tuple((position, 900) for position in draw(reached)),
            options=tuple(
                Option(
                    level=str(level),
                    half_minutes=draw(st.integers(1, 5)),
                    effect=0,
                    tissue_load=draw(few),
                    hand_load=draw(hand_loads()),
                )
                for level in range(draw(st.integers(1, 2)))
            ),
            pressure=3,
            companions=tuple(draw(st.lists(st.sampled_from(COMPANIONS), max_size=2, unique=True))),
        )
        for phase in TASK_PHASES[: draw(st.integers(1, 2))]
    ]


@st.composite
def variants_of(draw: st.DrawFn, tasks: list[Task]) -> tuple[Variant, ...]:
    variants: dict[tuple[tuple[str, int], ...], Variant] = {}
    for _ in range(draw(st.integers(1, 3))):
        chosen = draw(st.lists(st.sampled_from(tasks), min_size=1, max_size=2, unique=True))
        places = [draw(st.integers(0, len(task.options) - 1)) for task in chosen]
        options = [task.options[place] for task, place in zip(chosen, places, strict=True)]
        choices = tuple((task.id, place) for task, place in zip(chosen, places, strict=True))
        loads = [option.hand_load for option in options]
        variants[tuple(sorted(choices))] = Variant(
            choices=choices,
            half_minutes=sum(option.half_minutes for option in options),
            benefit=draw(st.sampled_from((*range(10), *range(1, 10)))),
            tissue_load=sum(option.tissue_load for option in options),
            hand_load=(sum(load[0] for load in loads), sum(load[1] for load in loads), 0, 0),
            companions=tuple(dict.fromkeys(name for task in chosen for name in task.companions)),
        )
    return tuple(variants.values())


@st.composite
def problems(draw: st.DrawFn, *, most_packages: int = 4, demands: bool = True) -> Problem:
    tasks: dict[str, Task] = {}
    packages: list[Package] = []
    # Mostly with room for something: an empty session proves little.
    for rank in range(draw(st.sampled_from((0, 1, *range(2, most_packages + 1), most_packages)))):
        steps = draw(tasks_of(f"muscle{rank}"))
        packages.append(
            Package(
                id=f"muscle{rank}",
                muscle=f"muscle{rank}",
                side=Side.LEFT,
                region=draw(st.sampled_from(REGIONS)),
                rank=rank,
                order=(rank,),
                counts=draw(st.booleans()),
                demanded=demands and draw(st.integers(0, 3)) == 0,
                variants=draw(variants_of(steps)),
            )
        )
        tasks |= {step.id: step for step in steps}
    # Any pairs along one order of all tasks: they have no cycle, but packages may well wait for one another.
    order = draw(st.permutations(sorted(tasks)))
    pairs = [(first, then) for place, first in enumerate(order) for then in order[place + 1 :]]
    before = draw(st.lists(st.sampled_from(pairs), max_size=6, unique=True)) if pairs else []
    turning = {frozenset(pair): draw(st.integers(1, 2)) for pair in permutations(POSITIONS, 2)}
    return Problem(
        half_minutes=draw(cap(range(18, 41))),
        frame=(
            Companion(
                id="arrival",
                phase=Phase.ARRIVAL,
                technique="technique",
                level="usual",
                half_minutes=draw(few),
                hand_load=draw(hand_loads()),
                positions=draw(measured_in),
            ),
            Companion(id="close", phase=Phase.CLOSE, technique="technique", level="usual", half_minutes=1),
        ),
        tasks=tasks,
        companions=draw(companions()),
        packages=tuple(packages),
        before=frozenset(before),
        position_changes={pair: turning[frozenset(pair)] for pair in permutations(POSITIONS, 2)},
        position_order=POSITIONS,
        turn_limit=draw(cap(range(1, 4))),
        muscle_limit=draw(cap(range(1, 4))),
        tissue_load_cap=draw(cap(range(4, 17))),
        region_load_cap=draw(cap(range(3, 13))),
        hand_load_cap=(draw(cap(range(4, 17))), draw(cap(range(3, 9))), 0, 0),
    )
