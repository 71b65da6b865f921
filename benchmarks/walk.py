"""Measures the walk: how its time grows with the graph, and how well it ranks beside three plain ways.

Growth: the graph is laid down 1, 10 and 100 times side by side (the copies have other names), so the findings reach the
same muscles in an ever larger graph. Ranking: of the muscles that a scenario's author says have to be treated, how many
are among the first of the list, beside (a) the muscles that lie in the painful zones, (b) the muscles that refer to
most zones, whatever was found, (c) those that refer to the painful zones, primary before spillover.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from statistics import mean, median
from typing import Any

from benchmarks.solver import exponent
from cli.connection import connected
from cli.local.stack import private_stack
from knowledge.load import load
from knowledge.model import KnowledgeBase, Role
from services.planner.domain.sides import Side
from services.planner.domain.snapshot import Snapshot
from services.planner.graph.build import Graph, build_graph
from services.planner.graph.index import KnowledgeGraph, compile_graph
from services.planner.walk.candidates import walk
from tests.scenarios.conftest import Scenarios
from tests.scenarios.scenario import SCENARIOS, Scenario

COPIES = (1, 10, 100)
FIRST = (3, 6, 10)
Spot = tuple[str, Side]
Ranking = Callable[[Snapshot, KnowledgeGraph], list[Spot]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this benchmark."""
    parser.add_argument("--rounds", type=int, default=15, help="walks timed for each size of the graph and scenario")
    parser.add_argument("--growth-only", action="store_true")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Prints both tables."""
    base = load()
    graph = compile_graph(base)
    wanted = [scenario for scenario in SCENARIOS if scenario.expect.get("must_include")]
    with private_stack(lambda _: None) as running, connected(running) as services:
        asked = [condition.id for condition in base.conditions.values() if condition.ask_always]
        recorded = Scenarios(services, asked)
        snapshots = {scenario.name: recorded.request(scenario).snapshot for scenario in wanted}
    _print_growth(base, list(snapshots.values()), arguments.rounds)
    if not arguments.growth_only:
        _print_rankings(wanted, snapshots, graph)


# --- growth -------------------------------------------------------------------------------------------------------


def _print_growth(base: KnowledgeBase, snapshots: list[Snapshot], rounds: int) -> None:
    whole = build_graph(base)
    graphs = {copies: compile_graph(base, _laid_down(whole, copies)) for copies in COPIES}
    times: dict[int, list[float]] = {copies: [] for copies in COPIES}
    for _ in range(rounds):
        for copies, graph in graphs.items():
            begin = time.perf_counter()
            for snapshot in snapshots:
                walk(snapshot, graph)
            times[copies].append((time.perf_counter() - begin) / len(snapshots) * 1000)
    medians = [(copies, median(times[copies])) for copies in COPIES]
    for copies, milliseconds in medians:
        edges = copies * whole.number_of_edges()
        print(f"graph ×{copies:<3} {edges:>8} edges: walk {milliseconds:.2f} ms (median of {rounds} rounds)")
    print(f"growth of the walk with the graph: exponent {exponent(medians):.3f}")


def _laid_down(graph: Graph, copies: int) -> Graph:
    """Returns the graph with `copies` - 1 copies beside it; what is in a copy has names of its own."""
    laid = graph.copy()
    for number in range(1, copies):
        names = {name: f"{name}__{number}" for name in graph}
        for name, data in graph.nodes(data=True):
            laid.add_node(names[name], **data)
        for start, end, data in graph.edges(data=True):
            laid.add_edge(names[start], names[end], kind=data["kind"], fact=_renamed(data["fact"], number))
    return laid


def _renamed(fact: Any, number: int) -> Any:
    ends = {"muscle", "zone", "motion", "key", "deeper", "technique", "id"} & {one.name for one in fields(fact)}
    return replace(fact, **{end: f"{getattr(fact, end)}__{number}" for end in ends})


# --- ranking ------------------------------------------------------------------------------------------------------


def _print_rankings(scenarios: list[Scenario], snapshots: dict[str, Snapshot], graph: KnowledgeGraph) -> None:
    print(f"\nof the muscles that {len(scenarios)} scenarios want treated, the share among the first of the list")
    print(f"{'':34}" + "".join(f"{f'first {count}':>10}" for count in FIRST) + f"{'rank⁻¹':>10}")
    for name, ranking in RANKINGS.items():
        shares: dict[int, list[float]] = {count: [] for count in FIRST}
        reciprocal: list[float] = []
        for scenario in scenarios:
            ranked = ranking(snapshots[scenario.name], graph)
            for spot in _wanted(scenario):
                place = ranked.index(spot) if spot in ranked else None
                for count in FIRST:
                    shares[count].append(place is not None and place < count)
                reciprocal.append(0.0 if place is None else 1 / (place + 1))
        print(f"{name:34}" + "".join(f"{mean(shares[count]):>10.2f}" for count in FIRST) + f"{mean(reciprocal):>10.2f}")


def _wanted(scenario: Scenario) -> Iterable[Spot]:
    return {(one["muscle"], Side(one["side"].lower())) for one in scenario.expect["must_include"]}


def _ours(snapshot: Snapshot, graph: KnowledgeGraph) -> list[Spot]:
    return [(one.muscle, one.side) for one in walk(snapshot, graph)]


def _in_the_zone(snapshot: Snapshot, graph: KnowledgeGraph) -> list[Spot]:
    found: dict[Spot, None] = {}
    for area in sorted(snapshot.pain_areas, key=lambda one: -(one.intensity or 0)):
        for muscle in graph.muscles_under.get(area.zone, ()):
            found.update(dict.fromkeys(_spots(muscle.id, area.side, graph)))
    return list(found)


def _most_frequent(snapshot: Snapshot, graph: KnowledgeGraph) -> list[Spot]:
    sides = list(dict.fromkeys(area.side for area in snapshot.pain_areas))
    by_reach = sorted(graph.base.muscles, key=lambda muscle: (-len(graph.referrals_of.get(muscle, ())), muscle))
    found: dict[Spot, None] = {}
    for muscle in by_reach:
        for side in sides:
            found.update(dict.fromkeys(_spots(muscle, side, graph)))
    return list(found)


def _reverse(snapshot: Snapshot, graph: KnowledgeGraph) -> list[Spot]:
    found: dict[Spot, int] = {}
    for area in snapshot.pain_areas:
        for referral in graph.referrals_to.get(area.zone, ()):
            for spot in _spots(referral.muscle, area.side, graph):
                found[spot] = max(found.get(spot, 0), 2 if referral.role is Role.PRIMARY else 1)
    return sorted(found, key=lambda spot: (-found[spot], spot))


def _spots(muscle: str, side: Side, graph: KnowledgeGraph) -> list[Spot]:
    if not graph.base.muscles[muscle].paired:
        return [(muscle, Side.MIDLINE)]
    return [(muscle, one) for one in ((Side.LEFT, Side.RIGHT) if side is Side.MIDLINE else (side,))]


RANKINGS: dict[str, Ranking] = {
    "the walk": _ours,
    "(a) muscles of the painful zones": _in_the_zone,
    "(b) muscles with most referrals": _most_frequent,
    "(c) reverse look-up of referrals": _reverse,
}
