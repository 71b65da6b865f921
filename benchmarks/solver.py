"""Measures the exact solver alone and beside its peers.

Alone: the distribution of times by size, the share proven within 100 ms, growth with size and with minutes, and what it
has when it is stopped early. Beside its peers: every arm solves the same problem file, in an order that changes from
instance to instance, and what is reported is the ratio of times on the same instance.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from benchmarks.instances import Shape, instance
from services.planner.domain.problem import Problem, Solution
from services.planner.optimise import greedy, problem_file
from services.planner.optimise.arrange import Arranger
from services.planner.optimise.exact import solve

HERE = Path(__file__).parent
HARD_SEEDS = HERE / "hard_seeds.json"
PROVEN_WITHIN_MS = 100
# Far more than any instance of the set needs; the figures say how many are proven.
ENOUGH = 5_000_000
EARLY = (2_000, 5_000, 10_000, 20_000)


@dataclass(frozen=True, slots=True)
class Run:
    """One solution with the wall time that it took [ms]."""

    shape: Shape
    solution: Solution
    milliseconds: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this benchmark."""
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 20, 40, 60, 120], help="candidates")
    parser.add_argument("--count", type=int, default=40, help="instances of each size")
    parser.add_argument("--first-seed", type=int, default=1000)
    parser.add_argument("--minutes", type=int, nargs="+", default=[30, 60, 90, 120])
    parser.add_argument("--peers", nargs="*", default=[], choices=["cpsat", "highs"], help="compare with these")
    parser.add_argument("--workers", type=int, default=1, help="threads of a peer")
    parser.add_argument("--seconds", type=float, default=20, help="time limit of a peer")
    parser.add_argument("--hard", action="store_true", help="run the hard seeds instead")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Prints all tables."""
    print(f"{platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.2f}")
    solve(instance(Shape(10, 0)), work_limit=ENOUGH)
    if arguments.hard:
        _print_times("hard seeds", [_timed(shape) for shape, _ in hard_seeds()])
        return
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.count)
    if arguments.peers:
        _beside_peers(arguments, seeds)
        return
    by_size = {size: [_timed(Shape(size, seed)) for seed in seeds] for size in arguments.sizes}
    for size, runs in by_size.items():
        _print_times(f"{size} candidates", runs)
    medians = [(size, _quantile(runs, 0.5)) for size, runs in by_size.items()]
    print(f"growth of the median with candidates: exponent {exponent(medians):.2f}")
    by_minutes = {minutes: [_timed(Shape(40, seed, minutes)) for seed in seeds] for minutes in arguments.minutes}
    for minutes, runs in by_minutes.items():
        _print_times(f"40 candidates, {minutes} minutes", runs)
    medians = [(minutes, _quantile(runs, 0.5)) for minutes, runs in by_minutes.items()]
    print(f"growth of the median with minutes: exponent {exponent(medians):.2f}")
    _stopped_early(by_size)


def hard_seeds() -> list[tuple[Shape, int]]:
    """Returns the instances that were hard or once went wrong, each with its proven objective."""
    entries = json.loads(HARD_SEEDS.read_text(encoding="utf-8"))
    return [(Shape(**{k: v for k, v in entry.items() if k != "objective"}), entry["objective"]) for entry in entries]


def exponent(points: Iterable[tuple[float, float]]) -> float:
    """Returns the slope of the straight line through the logarithms."""
    logs = [(math.log(x), math.log(y)) for x, y in points]
    return statistics.linear_regression([x for x, _ in logs], [y for _, y in logs]).slope if len(logs) > 1 else math.nan


def _timed(shape: Shape, work_limit: int = ENOUGH) -> Run:
    problem = instance(shape)
    start = time.perf_counter()
    solution = solve(problem, work_limit=work_limit)
    return Run(shape, solution, 1000 * (time.perf_counter() - start))


def _quantile(runs: Sequence[Run], share: float) -> float:
    times = sorted(one.milliseconds for one in runs)
    return times[min(len(times) - 1, int(len(times) * share))]


def _print_times(name: str, runs: Sequence[Run]) -> None:
    quantiles = ", ".join(f"p{round(100 * share)} {_quantile(runs, share):.0f}" for share in (0.5, 0.9, 0.99))
    proven = [one for one in runs if one.solution.proven]
    quick = sum(one.milliseconds <= PROVEN_WITHIN_MS for one in proven) / len(runs)
    print(
        f"{name}: {len(runs)} instances, {quantiles}, most {_quantile(runs, 1):.0f} ms; "
        f"proven {len(proven) / len(runs):.1%}, within {PROVEN_WITHIN_MS} ms {quick:.1%}"
    )


def _stopped_early(by_size: dict[int, list[Run]]) -> None:
    """Prints what share of the best objective there is at a fraction of the work, and what greedy has."""
    for size, runs in by_size.items():
        known = [one for one in runs if one.solution.proven and one.solution.objective]
        plain = [greedy.solve(instance(one.shape)).objective / one.solution.objective for one in known]
        print(f"{size} candidates, greedy: worst {min(plain):.3f}, mean {statistics.mean(plain):.3f} of the best")
        for limit in EARLY:
            early = [(one, _timed(one.shape, limit)) for one in known]
            shares = [stopped.solution.objective / one.solution.objective for one, stopped in early]
            below = sum(share < plain_share for share, plain_share in zip(shares, plain, strict=True))
            print(
                f"{size} candidates, work {limit}: median {_quantile([stopped for _, stopped in early], 0.5):.0f} ms, "
                f"worst {min(shares):.3f}, mean {statistics.mean(shares):.3f} of the best, below greedy {below}"
            )


# --- peers --------------------------------------------------------------------------------------------------------


_Answer = tuple[int | None, bool, float]


class _Peer:
    """A solver in its own environment, started once; it reads file names and answers in JSON lines."""

    def __init__(self, name: str, workers: int, seconds: float) -> None:
        python = HERE.parent / f".venv-peers-{name}" / "bin" / "python"
        self._process = subprocess.Popen(
            [str(python), str(HERE / "peers" / f"{name}.py"), str(workers), str(seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def solve(self, path: Path) -> _Answer:
        """Returns the score, whether it is proven, and the time [ms] that the peer itself measured."""
        if self._process.stdin is None or self._process.stdout is None:
            raise AssertionError("Both ends are pipes.")
        self._process.stdin.write(f"{path}\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        return answer["score"], answer["proven"], answer["milliseconds"]

    def close(self) -> None:
        """Ends the process."""
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait()


def score_of(problem: Problem, solution: Solution) -> int:
    """Returns the score that the peers maximise: demanded packages, then benefit, then less turning, in one number."""
    tasks = [place.id for place in solution.placements if place.option is not None]
    placed = {problem.tasks[task].package for task in tasks}
    demanded = sum(package.demanded for package in problem.packages if package.id in placed)
    weight = 1 + sum(max(variant.benefit for variant in package.variants) for package in problem.packages)
    arranger = Arranger(problem)
    choice = arranger.choice(tasks)
    turning = next(sequence.turning for sequence in arranger.sequences if choice.blocks(sequence) is not None)
    most = problem.turn_limit * max(problem.position_changes.values())
    return (solution.objective + weight * demanded) * (1 + most) - turning


def _beside_peers(arguments: argparse.Namespace, seeds: range) -> None:
    peers = {name: _Peer(name, arguments.workers, arguments.seconds) for name in arguments.peers}
    order = Random(0)  # noqa: S311  only the order of the arms
    compared = differing = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "problem.json")
        for size in arguments.sizes:
            ratios: dict[str, list[float]] = {name: [] for name in peers}
            proven = dict.fromkeys(peers, 0)
            for seed in seeds:
                shape = Shape(size, seed)
                problem = instance(shape)
                path.write_text(problem_file.write(problem), encoding="utf-8")
                arms: dict[str, Callable[[], tuple[Run | None, _Answer | None]]] = {
                    "ours": lambda shape=shape: (_timed(shape), None),  # type: ignore[misc]
                    **{name: lambda peer=peer: (None, peer.solve(path)) for name, peer in peers.items()},  # type: ignore[misc]
                }
                found = {name: arms[name]() for name in order.sample(sorted(arms), len(arms))}
                ours = found.pop("ours")[0]
                answers = {name: answer for name, (_, answer) in found.items() if answer}
                if ours is None:
                    raise AssertionError("Our own arm always gives a run.")
                for name, (score, is_proven, milliseconds) in answers.items():
                    proven[name] += is_proven
                    ratios[name].append(milliseconds / ours.milliseconds)
                    if is_proven and ours.solution.proven:
                        compared += 1
                        differing += score != score_of(problem, ours.solution)
            for name, times in ratios.items():
                print(
                    f"{size} candidates, {name} time / ours: geometric mean {statistics.geometric_mean(times):.2f}, "
                    f"{min(times):.2f} to {max(times):.2f}; {name} proven {proven[name]} of {len(times)}"
                )
    for peer in peers.values():
        peer.close()
    print(f"proven by both: {compared}, differing: {differing}")
