"""The search of the re-fit against brute force: every subset, every dose, every order of a small session."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise, permutations, product

import pytest

from services.planner.domain.plan import Phase
from services.planner.domain.snapshot import Snapshot
from services.planner.session.remainder import Item, Remainder, benefit, remainder
from services.planner.session.search import choose
from services.planner.walk.lines import Spot
from tests.support.planner import LEFT, active, pain, plan, reduced, small_graph
from tests.support.session import after

SMALL = Snapshot(
    pain_areas=(pain("temple"), pain("nape")),
    palpations=(active("shield"), active("cord", tenderness=5.0), active("wing", tenderness=3.0)),
    rom_tests=(reduced("neck_rotation", side=LEFT),),
)
# Shared steps in the order in which they are given up.
LADDER = (Phase.RETEST, Phase.INTEGRATE, Phase.ARRIVAL, Phase.CLOSE)


def worth(rest: Remainder, work: Mapping[str, int]) -> int:
    """Returns what work is worth, muscle by muscle."""
    effects: dict[Spot, int] = {}
    for step, length in work.items():
        item = rest.items[step]
        assert item.spot
        effects[item.spot] = effects.get(item.spot, 0) + item.lengths[length].effect
    return sum(benefit(rest.worths[spot], effect, rest.graph) for spot, effect in effects.items())


def most(rest: Remainder) -> int:
    """Returns the most that any choice is worth."""
    items = [item for item in rest.items.values() if item.spot]
    best = 0
    for lengths in product(*([None, *range(len(item.lengths))] for item in items)):
        work = {item.step.id: place for item, place in zip(items, lengths, strict=True) if place is not None}
        if work and worth(rest, work) > best and fits(rest, work):
            best = worth(rest, work)
    return best


def fits(rest: Remainder, work: Mapping[str, int]) -> bool:
    """Whether a choice, with what it brings, fits in some order and some positions."""
    chosen = [rest.items[step] for step in work]
    warm_ups = {one for item in chosen for group in item.needs for one in group if rest.items[one].spot is None}
    if not all(group & ({*work} | warm_ups) for item in chosen for group in item.needs):
        return False
    brought = [*warm_ups, *(item.step.id for item in beside(rest, insisted(rest), {*work}))]
    seconds = sum(rest.items[step].lengths[place].seconds for step, place in work.items())
    seconds += sum(rest.items[step].lengths[-1].seconds for step in brought)
    return any(seconds + turning <= rest.seconds for turning in turnings(rest, chosen))


def insisted(rest: Remainder) -> tuple[Phase, ...]:
    """Returns the shared steps that are kept whatever work is kept: as many kinds as fit without any work."""
    start = min(turnings(rest, []), default=0)
    for given_up in range(len(LADDER) + 1):
        kept = LADDER[given_up:]
        if start + sum(item.lengths[-1].seconds for item in beside(rest, kept, set())) <= rest.seconds:
            return kept
    return ()


def beside(rest: Remainder, kinds: tuple[Phase, ...], work: set[str]) -> Iterator[Item]:
    """Yields the shared steps of these kinds that are there with this work and what was done."""
    treats = rest.treated or any(rest.items[step].step.phase is not Phase.CONFIRM for step in work)
    for item in rest.items.values():
        if item.spot or item.step.phase not in kinds:
            continue
        measured = rest.works.get(item.step.id)
        about = not measured or bool(measured & (work | rest.done))
        if about and (item.step.phase is not Phase.INTEGRATE or treats):
            yield item


def turnings(rest: Remainder, chosen: list[Item]) -> list[int]:
    """Returns how long turning can take for these steps, over all orders and positions that the rules allow."""
    found = set()
    for order in permutations(chosen):
        place = {item.step.id: at for at, item in enumerate(order)}
        if any(one in place and other in place and place[one] > place[other] for one, other in rest.before):
            continue
        ends = [()] if chosen or not rest.here or rest.here in rest.usable else [(one,) for one in rest.usable]
        for positions, end in product(product(*(item.positions or rest.usable for item in order)), ends):
            way = [*([rest.here] if rest.here else []), *positions, *end]
            turns = [pair for pair in pairwise(way) if pair[0] != pair[1]]
            if len(turns) <= rest.turns:
                found.add(sum(rest.turning[pair] for pair in turns))
    return sorted(found)


@pytest.mark.parametrize("unavailable", [(), ("supine",), ("prone",)], ids=str)
@pytest.mark.parametrize("seconds", [0, 120, 300, 480, 720, 1200])
@pytest.mark.parametrize("count", [0, 3])
def test_no_choice_keeps_more(count: int, seconds: int, unavailable: tuple[str, ...]) -> None:
    graph = small_graph()
    content = plan(SMALL, 45, graph=graph)
    rest = remainder(content, after(content, count), seconds, unavailable, graph)
    choice = choose(rest)
    assert worth(rest, choice.work if choice else {}) == most(rest)


def test_there_is_something_to_choose() -> None:
    """The control of the test above: the session has enough in it, and less time keeps less."""
    graph = small_graph()
    content = plan(SMALL, 45, graph=graph)
    kept = [most(remainder(content, after(content, 3), seconds, (), graph)) for seconds in (0, 480, 900, 1800)]
    assert kept == sorted(set(kept))
