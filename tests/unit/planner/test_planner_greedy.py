"""The plain solver on small problems: most benefit per added minute, ties by rank, caps kept, demands first."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from services.planner.domain.plan import Phase
from services.planner.domain.problem import Cap, Companion, Option, Package, Problem, Task, Variant
from services.planner.domain.sides import Side
from services.planner.optimise.greedy import solve

SUPINE, PRONE = "supine", "prone"


def muscle(
    name: str,
    rank: int,
    *ways: tuple[int, int],
    positions: tuple[str, ...] = (SUPINE,),
    region: str = "neck",
    load: int = 1,
    thumb: int = 1,
    **changes: bool,
) -> tuple[Package, Task]:
    """A muscle with ways of so many (half minutes, benefit); each brings the warm-up of its region."""
    options = tuple(
        Option(level=str(n), half_minutes=time, effect=0, tissue_load=load, hand_load=(thumb, 0, 0, 0))
        for n, (time, _) in enumerate(ways)
    )
    task = Task(
        id=f"release-{name}",
        package=name,
        phase=Phase.RELEASE,
        technique="press",
        positions=tuple((position, 900) for position in positions),
        options=options,
        pressure=3,
        companions=(f"warm_up-{region}",),
    )
    variants = tuple(
        Variant(
            choices=((task.id, n),),
            half_minutes=time,
            benefit=benefit,
            tissue_load=load,
            hand_load=(thumb, 0, 0, 0),
            companions=(f"warm_up-{region}",),
        )
        for n, (time, benefit) in enumerate(ways)
    )
    package = Package(
        id=name,
        muscle=name,
        side=Side.LEFT,
        region=region,
        rank=rank,
        order=(0, 0, 2, 0, rank),
        counts=changes.get("counts", True),
        demanded=changes.get("demanded", False),
        variants=variants,
    )
    return package, task


def problem(*muscles: tuple[Package, Task], half_minutes: int = 40, **changes: Any) -> Problem:
    """A session with an arrival of 2, a close of 2, a warm-up of 4 for each region, and a turn of 2 half minutes."""
    regions = dict.fromkeys(package.region for package, _ in muscles)
    companions = {
        f"warm_up-{region}": Companion(
            id=f"warm_up-{region}", phase=Phase.WARM_UP, technique="strokes", level="usual", half_minutes=4,
            region=region, order=(0, 0, 0),
        )
        for region in regions
    }  # fmt: skip
    whole = Problem(
        half_minutes=half_minutes,
        frame=tuple(
            Companion(id=phase.value, phase=phase, technique="talk", level="usual", half_minutes=2)
            for phase in (Phase.ARRIVAL, Phase.CLOSE)
        ),
        tasks={task.id: task for _, task in muscles},
        companions=companions,
        packages=tuple(package for package, _ in muscles),
        before=frozenset(),
        position_changes={(SUPINE, PRONE): 2, (PRONE, SUPINE): 2},
        position_order=(SUPINE, PRONE),
        turn_limit=2,
        muscle_limit=6,
        tissue_load_cap=18,
        region_load_cap=10,
        hand_load_cap=(14, 18, 14, 10),
    )
    return replace(whole, **changes)


def chosen(asked: Problem) -> list[str]:
    return [one.id.removeprefix("release-") for one in solve(asked).placements if one.option is not None]


def time_of(asked: Problem) -> int:
    """The half minutes of a solution, counted afresh."""
    solution = solve(asked)
    shared = {**asked.companions, **{one.id: one for one in asked.frame}}
    work = sum(
        shared[p.id].half_minutes if p.option is None else asked.tasks[p.id].options[p.option].half_minutes
        for p in solution.placements
    )
    positions = [placement.position for placement in solution.placements]
    return work + 2 * sum(one != other for one, other in pairwise(positions))


def test_takes_the_most_benefit_per_minute() -> None:
    slow, quick = muscle("slow", 0, (20, 900)), muscle("quick", 1, (8, 600))
    assert chosen(problem(slow, quick, half_minutes=28)) == ["quick"]


def test_counts_the_warm_up_once_for_the_region() -> None:
    """Alone, `far` is better than `near`; after `first` its own warm-up makes it dearer."""
    first, far, near = (
        muscle("first", 0, (8, 900)),
        muscle("far", 1, (8, 520), region="arm"),
        muscle("near", 2, (8, 500)),
    )
    assert chosen(problem(first, far, near, half_minutes=24)) == ["first", "near"]


def test_counts_the_turn() -> None:
    first, turned, same = (
        muscle("first", 0, (8, 900)),
        muscle("turned", 1, (8, 520), positions=(PRONE,)),
        muscle("same", 2, (8, 500)),
    )
    assert chosen(problem(first, turned, same, half_minutes=24)) == ["first", "same"]


def test_improves_a_muscle_while_time_is_left() -> None:
    one = muscle("one", 0, (8, 500), (12, 650))
    solution = solve(problem(one, half_minutes=20))
    assert [placement.option for placement in solution.placements if placement.option is not None] == [1]
    assert solution.objective == 650


def test_ties_go_to_the_lower_rank() -> None:
    assert chosen(problem(muscle("b", 1, (8, 500)), muscle("a", 0, (8, 500)), half_minutes=16)) == ["a"]


def test_never_over_the_budget() -> None:
    muscles = [
        muscle(f"m{n}", n, (6 + n, 400 + 10 * n), (9 + n, 500), positions=(SUPINE, PRONE)[n % 2 :]) for n in range(6)
    ]
    for half_minutes in range(0, 80, 3):
        assert time_of(problem(*muscles, half_minutes=half_minutes)) <= half_minutes


def test_same_problem_gives_the_same_solution() -> None:
    muscles = [muscle(f"m{n}", n, (6 + n, 400 + 10 * n), positions=(SUPINE, PRONE)[n % 2 :]) for n in range(5)]
    asked = problem(*muscles, half_minutes=50)
    assert solve(asked) == solve(asked)
    assert len(chosen(asked)) > 1


def test_what_is_left_out_names_all_the_minutes_it_would_add() -> None:
    first, far = muscle("first", 0, (8, 900)), muscle("far", 1, (8, 500), region="arm", positions=(PRONE,))
    solution = solve(problem(first, far, half_minutes=20))
    (left,) = solution.left_out
    assert (left.package, left.half_minutes, left.cap) == ("far", 8 + 4 + 2, None)


def test_no_time_for_anything_is_an_empty_session() -> None:
    solution = solve(problem(muscle("one", 0, (8, 900)), half_minutes=10))
    assert solution.placements == ()
    assert [(left.half_minutes, left.cap) for left in solution.left_out] == [(2 + 2 + 4 + 8, None)]
    assert solution.upper_bound is None
    assert not solution.proven


@pytest.mark.parametrize(
    ("changes", "cap"),
    [
        ({"turn_limit": 0}, Cap.TURNS),
        ({"muscle_limit": 1}, Cap.MUSCLES),
        ({"tissue_load_cap": 1}, Cap.TISSUE_LOAD),
        ({"region_load_cap": 1}, Cap.TISSUE_LOAD),
        ({"hand_load_cap": (1, 1, 1, 1)}, Cap.HAND_LOAD),
    ],
)
def test_caps_forbid_what_there_is_time_for(changes: dict[str, Any], cap: Cap) -> None:
    region = "neck"
    other = muscle("other", 1, (8, 500), positions=(PRONE,) if cap is Cap.TURNS else (SUPINE,), region=region)
    solution = solve(problem(muscle("first", 0, (8, 900)), other, **changes))
    assert [(left.package, left.cap) for left in solution.left_out] == [("other", cap)]


def test_demanded_muscle_goes_in_before_better_ones() -> None:
    better, asked_for = muscle("better", 1, (8, 900)), muscle("asked_for", 0, (8, 10), demanded=True)
    assert chosen(problem(asked_for, better, half_minutes=16)) == ["asked_for"]
    assert chosen(problem(asked_for, better, half_minutes=40, muscle_limit=1)) == ["asked_for"]


def test_a_check_is_no_treatment_and_does_not_count_as_one() -> None:
    check, one = muscle("check", 1, (2, 80), counts=False), muscle("one", 0, (8, 900))
    assert set(chosen(problem(check, one, muscle_limit=1))) == {"check", "one"}


def test_order_and_positions_respect_what_comes_first() -> None:
    """`deep` is reached in both positions, `shield` only prone and has to come first: so both are done prone."""
    deep, shield = (
        muscle("deep", 0, (8, 900), positions=(SUPINE, PRONE)),
        muscle("shield", 1, (8, 800), positions=(PRONE,)),
    )
    asked = problem(deep, shield, before=frozenset({("release-shield", "release-deep")}))
    solution = solve(asked)
    work = [(one.id, one.position) for one in solution.placements if one.option is not None]
    assert work == [("release-shield", PRONE), ("release-deep", PRONE)]
    ids = [one.id for one in solution.placements]
    assert ids[0] == "arrival"
    assert ids[-1] == "close"
    assert ids.index("warm_up-neck") < ids.index("release-shield")


def test_nothing_to_do_is_nothing_done() -> None:
    assert solve(problem()).placements == ()
