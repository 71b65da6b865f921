"""The planning problem and its solution as JSON documents, so that any solver can be given the same problem.

Everything is in whole numbers. `format` names the layout and its number: a reader refuses one that it does not know.
Reading gives back the same problem; writing the same problem gives the same text. What the fields mean together is
written in docs/planning.md, "The formal model".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from services.planner.domain.plan import Phase
from services.planner.domain.problem import Companion, Option, Package, Problem, Solution, Task, Variant
from services.planner.domain.sides import Side

FORMAT = "myoplan planning problem 1"
SOLUTION_FORMAT = "myoplan planning solution 1"
# Longer sessions and more turns than any client is asked for; the number of sequences of positions grows with them.
MOST_HALF_MINUTES = 360
MOST_SEQUENCES = 100_000


class ProblemFileInvalid(Exception):
    """The text is no problem of a format that is known here; `problem` says what is wrong."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


def write(problem: Problem) -> str:
    """Returns the problem as JSON text."""
    document = {
        "format": FORMAT,
        "half_minutes": problem.half_minutes,
        "frame": [_companion(companion) for companion in problem.frame],
        "tasks": [_task(task) for _, task in sorted(problem.tasks.items())],
        "companions": [_companion(companion) for _, companion in sorted(problem.companions.items())],
        "packages": [_package(package) for package in problem.packages],
        "before": sorted(problem.before),
        "position_changes": [[*pair, time] for pair, time in sorted(problem.position_changes.items())],
        "position_order": problem.position_order,
        "turn_limit": problem.turn_limit,
        "muscle_limit": problem.muscle_limit,
        "tissue_load_cap": problem.tissue_load_cap,
        "region_load_cap": problem.region_load_cap,
        "hand_load_cap": problem.hand_load_cap,
    }
    return json.dumps(document, indent=1) + "\n"


def read(text: str) -> Problem:
    """Returns the problem of a JSON text; raises ProblemFileInvalid."""
    try:
        document = json.loads(text)
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise ProblemFileInvalid(f"It does not say that its format is '{FORMAT}'.")
        return _problem(document)
    except KeyError as error:
        raise ProblemFileInvalid(f"The field {error} is missing.") from error
    except (TypeError, ValueError, RecursionError) as error:
        raise ProblemFileInvalid(str(error)) from error


def write_solution(solution: Solution) -> str:
    """Returns a solution as JSON text."""
    document = {
        "format": SOLUTION_FORMAT,
        "objective": solution.objective,
        "upper_bound": solution.upper_bound,
        "proven": solution.proven,
        "placements": [
            {"id": placement.id, "option": placement.option, "position": placement.position}
            for placement in solution.placements
        ],
        "left_out": [
            {"package": left.package, "half_minutes": left.half_minutes, "cap": left.cap} for left in solution.left_out
        ],
        "unplaced": solution.unplaced,
    }
    return json.dumps(document, indent=1) + "\n"


def _problem(document: Mapping[str, Any]) -> Problem:
    problem = Problem(
        half_minutes=_whole(document["half_minutes"], MOST_HALF_MINUTES),
        frame=tuple(_read_companion(one) for one in document["frame"]),
        tasks={one["id"]: _read_task(one) for one in document["tasks"]},
        companions={one["id"]: _read_companion(one) for one in document["companions"]},
        packages=tuple(_read_package(one) for one in document["packages"]),
        before=frozenset((_text(first), _text(then)) for first, then in document["before"]),
        position_changes={(one, other): _whole(time) for one, other, time in document["position_changes"]},
        position_order=tuple(map(_text, document["position_order"])),
        turn_limit=_whole(document["turn_limit"]),
        muscle_limit=_whole(document["muscle_limit"]),
        tissue_load_cap=_whole(document["tissue_load_cap"]),
        region_load_cap=_whole(document["region_load_cap"]),
        hand_load_cap=_hands(document["hand_load_cap"]),
    )
    _check_ids(document)
    _check_names(problem)
    _check_sums(problem)
    _check_order(problem)
    return problem


def _check_ids(document: Mapping[str, Any]) -> None:
    """Refuses a problem in which two of a kind have the same id."""
    for kind in ("tasks", "packages", "companions", "frame"):
        ids = [one["id"] for one in document[kind]]
        if twice := sorted({one for one in ids if ids.count(one) > 1}):
            raise ProblemFileInvalid(f"The id '{twice[0]}' stands twice among the {kind}.")


def _check_order(problem: Problem) -> None:
    """Refuses a problem whose order goes in a circle, or with more sequences of positions than can be looked at."""
    followers: dict[str, set[str]] = {}
    for first, then in problem.before:
        followers.setdefault(first, set()).add(then)
    try:
        TopologicalSorter(followers).prepare()
    except CycleError as error:
        raise ProblemFileInvalid(f"The order goes in a circle: {', '.join(error.args[1])}.") from error
    others = max(len(set(problem.position_order)) - 1, 1)
    if problem.turn_limit > MOST_SEQUENCES or others**problem.turn_limit > MOST_SEQUENCES:
        raise ProblemFileInvalid(f"{problem.turn_limit} turns are more than can be looked at.")


def _check_sums(problem: Problem) -> None:
    """Refuses a problem in which a variant does not add up to what its tasks take, bring and need."""
    for package in problem.packages:
        for variant in package.variants:
            chosen = {task: problem.tasks[task].options[place] for task, place in variant.choices}
            tasks = [problem.tasks[task] for task in chosen]
            loads = [option.hand_load for option in chosen.values()]
            same = (
                variant.half_minutes == sum(option.half_minutes for option in chosen.values())
                and variant.tissue_load == sum(option.tissue_load for option in chosen.values())
                and variant.hand_load == tuple(sum(load[hand] for load in loads) for hand in range(4))
                and set(variant.companions) == {companion for task in tasks for companion in task.companions}
                and all(task.package == package.id for task in tasks)
                and all(not chosen.keys().isdisjoint(group) for task in tasks for group in task.needs)
                and len(chosen) == len(variant.choices) > 0
            )
            if not same:
                raise ProblemFileInvalid(f"A variant of the package '{package.id}' is not what its tasks add up to.")


def _check_names(problem: Problem) -> None:
    """Refuses a problem that names what it does not hold."""
    packages = {package.id for package in problem.packages}
    positions = set(problem.position_order)
    for task in problem.tasks.values():
        _known("package", (task.package,), packages)
        _known("position", (position for position, _ in task.positions), positions)
        _known("companion", task.companions, problem.companions)
    for package in problem.packages:
        if not package.variants:
            raise ProblemFileInvalid(f"The package '{package.id}' has no variant.")
        for variant in package.variants:
            _known("companion", variant.companions, problem.companions)
            for task_id, place in variant.choices:
                _known("task", (task_id,), problem.tasks)
                if not 0 <= place < len(problem.tasks[task_id].options):
                    raise ProblemFileInvalid(f"The task '{task_id}' has no option {place}.")
    _known("task", (task_id for pair in problem.before for task_id in pair), problem.tasks)
    pairs = {(one, other) for one in positions for other in positions if one != other}
    if pairs - set(problem.position_changes):
        raise ProblemFileInvalid("Some pair of positions has no time to change between them.")


def _known(kind: str, names: Iterable[str], among: Iterable[str]) -> None:
    for name in names:
        if name not in among:
            raise ProblemFileInvalid(f"The {kind} '{name}' is named but not there.")


def _whole(value: object, most: int | None = None) -> int:
    if type(value) is not int or value < 0:
        raise ProblemFileInvalid(f"{value!r} is no whole number from 0 upwards.")
    if most is not None and value > most:
        raise ProblemFileInvalid(f"{value} is more than {most}.")
    return value


def _text(value: object) -> str:
    if type(value) is not str:
        raise ProblemFileInvalid(f"{value!r} is no text.")
    return value


def _hands(values: Iterable[object]) -> tuple[int, int, int, int]:
    thumb, wrist, elbow, tool = map(_whole, values)
    return (thumb, wrist, elbow, tool)


def _companion(companion: Companion) -> dict[str, object]:
    return {
        "id": companion.id,
        "phase": companion.phase,
        "technique": companion.technique,
        "level": companion.level,
        "half_minutes": companion.half_minutes,
        "tissue_load": companion.tissue_load,
        "hand_load": companion.hand_load,
        "pressure": companion.pressure,
        "region": companion.region,
        "side": companion.side,
        "motion": companion.motion,
        "order": companion.order,
        "positions": companion.positions,
    }


def _read_companion(one: Mapping[str, Any]) -> Companion:
    return Companion(
        id=_text(one["id"]),
        phase=Phase(one["phase"]),
        technique=_text(one["technique"]),
        level=_text(one["level"]),
        half_minutes=_whole(one["half_minutes"]),
        tissue_load=_whole(one["tissue_load"]),
        hand_load=_hands(one["hand_load"]),
        pressure=None if one["pressure"] is None else _whole(one["pressure"]),
        region=_text(one["region"]),
        side=None if one["side"] is None else Side(one["side"]),
        motion=_text(one["motion"]),
        order=tuple(map(_whole, one["order"])),
        positions=None if one["positions"] is None else tuple(map(_text, one["positions"])),
    )


def _task(task: Task) -> dict[str, object]:
    return {
        "id": task.id,
        "package": task.package,
        "phase": task.phase,
        "technique": task.technique,
        "positions": task.positions,
        "options": [
            {
                "level": option.level,
                "half_minutes": option.half_minutes,
                "effect": option.effect,
                "tissue_load": option.tissue_load,
                "hand_load": option.hand_load,
            }
            for option in task.options
        ],
        "pressure": task.pressure,
        "needs": task.needs,
        "companions": task.companions,
    }


def _read_task(one: Mapping[str, Any]) -> Task:
    return Task(
        id=_text(one["id"]),
        package=_text(one["package"]),
        phase=Phase(one["phase"]),
        technique=_text(one["technique"]),
        positions=tuple((_text(position), _whole(quality)) for position, quality in one["positions"]),
        options=tuple(
            Option(
                level=_text(option["level"]),
                half_minutes=_whole(option["half_minutes"]),
                effect=_whole(option["effect"]),
                tissue_load=_whole(option["tissue_load"]),
                hand_load=_hands(option["hand_load"]),
            )
            for option in one["options"]
        ),
        pressure=_whole(one["pressure"]),
        needs=tuple(tuple(map(_text, group)) for group in one["needs"]),
        companions=tuple(map(_text, one["companions"])),
    )


def _package(package: Package) -> dict[str, object]:
    return {
        "id": package.id,
        "muscle": package.muscle,
        "side": package.side,
        "region": package.region,
        "rank": package.rank,
        "order": package.order,
        "counts": package.counts,
        "demanded": package.demanded,
        "variants": [
            {
                "choices": variant.choices,
                "half_minutes": variant.half_minutes,
                "benefit": variant.benefit,
                "tissue_load": variant.tissue_load,
                "hand_load": variant.hand_load,
                "companions": variant.companions,
            }
            for variant in package.variants
        ],
    }


def _read_package(one: Mapping[str, Any]) -> Package:
    return Package(
        id=_text(one["id"]),
        muscle=_text(one["muscle"]),
        side=Side(one["side"]),
        region=_text(one["region"]),
        rank=_whole(one["rank"]),
        order=tuple(map(_whole, one["order"])),
        counts=bool(one["counts"]),
        demanded=bool(one["demanded"]),
        variants=tuple(
            Variant(
                choices=tuple((_text(task), _whole(place)) for task, place in variant["choices"]),
                half_minutes=_whole(variant["half_minutes"]),
                benefit=_whole(variant["benefit"]),
                tissue_load=_whole(variant["tissue_load"]),
                hand_load=_hands(variant["hand_load"]),
                companions=tuple(map(_text, variant["companions"])),
            )
            for variant in one["variants"]
        ),
    )
