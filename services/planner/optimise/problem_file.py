"""The planning problem as a JSON document, so that any solver can be given the same one.

Everything is in whole numbers. `format` names the layout and its number: a reader refuses one that it does not know.
Reading gives back the same problem; writing the same problem gives the same text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from services.planner.domain.plan import Phase
from services.planner.domain.problem import Companion, Option, Package, Problem, Task, Variant
from services.planner.domain.sides import Side

FORMAT = "myoplan planning problem 1"


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
    except (TypeError, ValueError) as error:
        raise ProblemFileInvalid(str(error)) from error


def _problem(document: Mapping[str, Any]) -> Problem:
    problem = Problem(
        half_minutes=_whole(document["half_minutes"]),
        frame=tuple(_read_companion(one) for one in document["frame"]),
        tasks={one["id"]: _read_task(one) for one in document["tasks"]},
        companions={one["id"]: _read_companion(one) for one in document["companions"]},
        packages=tuple(_read_package(one) for one in document["packages"]),
        before=frozenset((first, then) for first, then in document["before"]),
        position_changes={(one, other): _whole(time) for one, other, time in document["position_changes"]},
        position_order=tuple(document["position_order"]),
        turn_limit=_whole(document["turn_limit"]),
        muscle_limit=_whole(document["muscle_limit"]),
        tissue_load_cap=_whole(document["tissue_load_cap"]),
        region_load_cap=_whole(document["region_load_cap"]),
        hand_load_cap=_hands(document["hand_load_cap"]),
    )
    _check_names(problem)
    return problem


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


def _whole(value: object) -> int:
    if type(value) is not int or value < 0:
        raise ProblemFileInvalid(f"{value!r} is no whole number from 0 upwards.")
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
        id=one["id"],
        phase=Phase(one["phase"]),
        technique=one["technique"],
        level=one["level"],
        half_minutes=_whole(one["half_minutes"]),
        tissue_load=_whole(one["tissue_load"]),
        hand_load=_hands(one["hand_load"]),
        pressure=one["pressure"],
        region=one["region"],
        side=None if one["side"] is None else Side(one["side"]),
        motion=one["motion"],
        order=tuple(one["order"]),
        positions=None if one["positions"] is None else tuple(one["positions"]),
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
        id=one["id"],
        package=one["package"],
        phase=Phase(one["phase"]),
        technique=one["technique"],
        positions=tuple((position, _whole(quality)) for position, quality in one["positions"]),
        options=tuple(
            Option(
                level=option["level"],
                half_minutes=_whole(option["half_minutes"]),
                effect=_whole(option["effect"]),
                tissue_load=_whole(option["tissue_load"]),
                hand_load=_hands(option["hand_load"]),
            )
            for option in one["options"]
        ),
        pressure=one["pressure"],
        needs=tuple(tuple(group) for group in one["needs"]),
        companions=tuple(one["companions"]),
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
        id=one["id"],
        muscle=one["muscle"],
        side=Side(one["side"]),
        region=one["region"],
        rank=_whole(one["rank"]),
        order=tuple(one["order"]),
        counts=bool(one["counts"]),
        demanded=bool(one["demanded"]),
        variants=tuple(
            Variant(
                choices=tuple((task, _whole(place)) for task, place in variant["choices"]),
                half_minutes=_whole(variant["half_minutes"]),
                benefit=_whole(variant["benefit"]),
                tissue_load=_whole(variant["tissue_load"]),
                hand_load=_hands(variant["hand_load"]),
                companions=tuple(variant["companions"]),
            )
            for variant in one["variants"]
        ),
    )
