"""Which rules of order there are, which of them a person may set aside, and the order that follows with their wishes.

The rules of `order` give pairs of tasks without a cycle. What a person demands comes first, as far as safety lets it;
of the preferences those stand that do not contradict it, and each of the others has to be set aside by name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from services.planner.domain.constraints import Constraints, Override, Sequence, Target
from services.planner.domain.errors import DemandUnsafe, EditNeedsOverride
from services.planner.domain.plan import Phase
from services.planner.domain.problem import Task
from services.planner.domain.reasons import Rule
from services.planner.domain.sides import with_side
from services.planner.formulate.order import (
    Treated,
    before,
    key_before_satellite,
    outside_before_inside_the_mouth,
    superficial_before_deep,
)
from services.planner.graph.index import KnowledgeGraph
from services.planner.walk.lines import Spot


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRule:
    """A rule of order. `safety`: nobody can set it aside."""

    rule: Rule
    safety: bool
    sentence: str


ORDER_RULES: Mapping[str, OrderRule] = {
    one.rule.value: one
    for one in (
        OrderRule(
            rule=Rule.WARM_UP_BEFORE_DEEP_WORK,
            safety=True,
            sentence="Deep work needs a warm region, so the warm-up of the region comes before it.",
        ),
        OrderRule(
            rule=Rule.CONFIRM_BEFORE_WORK,
            safety=True,
            sentence="What nobody has palpated is checked before it is treated.",
        ),
        OrderRule(
            rule=Rule.RELEASE_BEFORE_LENGTHENING,
            safety=True,
            sentence="A muscle is released before it is lengthened, and lengthened before it is moved through.",
        ),
        OrderRule(
            rule=Rule.OUTSIDE_BEFORE_INSIDE_THE_MOUTH,
            safety=True,
            sentence="Work from outside comes before work inside the mouth.",
        ),
        OrderRule(
            rule=Rule.KEY_BEFORE_SATELLITE,
            safety=False,
            sentence="A key muscle is treated before the satellites that it keeps alive.",
        ),
        OrderRule(
            rule=Rule.SUPERFICIAL_BEFORE_DEEP,
            safety=False,
            sentence="A muscle that lies over another is softened before the deeper one is worked.",
        ),
        OrderRule(
            rule=Rule.PROXIMAL_BEFORE_DISTAL,
            safety=False,
            sentence="In a limb, work goes from the trunk outwards.",
        ),
        OrderRule(
            rule=Rule.CHECKS_BEFORE_WORK,
            safety=False,
            sentence="The checks come first in a position; what they find decides about the work.",
        ),
    )
}
"""Every rule of order by its name, those of safety first."""

Pair = tuple[str, str]


def only(treated: Treated, packages: Collection[Spot]) -> Treated:
    """Returns the same with nothing but these muscles."""
    return replace(treated, tasks={spot: tasks for spot, tasks in treated.tasks.items() if spot in packages})


def precedence(
    treated: Treated,
    rank: Mapping[Spot, int],
    constraints: Constraints,
    *,
    strict: bool = True,
    places: Mapping[str, int] | None = None,
) -> frozenset[Pair]:
    """Returns the pairs of task ids of which the first goes first, without a cycle, with what a person demands.

    Of demanded orders that contradict each other the earlier holds. Raises DemandUnsafe for one that goes against
    safety, and, if `strict`, EditNeedsOverride for one that goes against a preference that no override sets aside.
    `places` of tasks in a plan before: what was set aside does not change their order.
    """
    pairs = before(treated, rank)
    wanted = tuple(_wanted(treated, constraints.sequences))
    if not wanted:
        return pairs
    spots = {task.id: spot for spot, tasks in treated.tasks.items() for task in tasks}
    rules = {pair: _rules_of(pair, spots, treated) for pair in pairs}
    order = _Order(pair for pair in pairs if not _SAFETY.isdisjoint(rules[pair]))
    for pair in wanted:
        if not order.takes(pair):
            raise _unsafe(pair, spots, treated)
    for pair in wanted:
        order.add(pair)
    free = {
        pair
        for pair in pairs
        if places
        and places.get(pair[0], -1) > places.get(pair[1], len(places))
        and all(_is_aside(rule, pair, spots, constraints.overrides) for rule in rules[pair])
    }
    strongest = sorted(
        pairs - free,
        key=lambda pair: (_RULE_NAMES.index(rules[pair][0]), rank[spots[pair[0]]], rank[spots[pair[1]]], pair),
    )
    broken = [(rule, pair) for pair in strongest if not order.add(pair) for rule in rules[pair]]
    if strict:
        for rule, pair in (*broken, *_soft(wanted, treated)):
            if not _is_aside(rule, pair, spots, constraints.overrides):
                raise _needs_override(rule, pair, spots, treated.graph)
    return frozenset(order.pairs)


_SAFETY = {one.rule for one in ORDER_RULES.values() if one.safety}
_RULE_NAMES = [one.rule for one in ORDER_RULES.values()]


def _wanted(treated: Treated, sequences: Iterable[Sequence]) -> Iterator[Pair]:
    """Yields the tasks of the demanded orders of which both are possible."""
    ids = {(spot.muscle, spot.side, task.technique): task.id for spot, tasks in treated.tasks.items() for task in tasks}
    for one in sequences:
        first = ids.get((one.first.muscle, one.first.side, one.first.technique))
        then = ids.get((one.then.muscle, one.then.side, one.then.technique))
        if first and then and first != then:
            yield first, then


def _rules_of(pair: Pair, spots: Mapping[str, Spot], treated: Treated) -> tuple[Rule, ...]:
    """Returns the rules behind a pair, the strongest first."""
    first, then = spots[pair[0]], spots[pair[1]]
    if first == then:
        confirming = next(task for task in treated.tasks[first] if task.id == pair[0]).phase is Phase.CONFIRM
        return (Rule.CONFIRM_BEFORE_WORK if confirming else Rule.RELEASE_BEFORE_LENGTHENING,)
    both = only(treated, {first, then})
    return tuple(rule for rule, pairs in _BETWEEN_MUSCLES.items() if (first, then) in set(pairs(both)))


_BETWEEN_MUSCLES: Mapping[Rule, Callable[[Treated], Iterator[tuple[Spot, Spot]]]] = {
    Rule.OUTSIDE_BEFORE_INSIDE_THE_MOUTH: outside_before_inside_the_mouth,
    Rule.KEY_BEFORE_SATELLITE: key_before_satellite,
    Rule.SUPERFICIAL_BEFORE_DEEP: superficial_before_deep,
}


def _soft(wanted: Iterable[Pair], treated: Treated) -> Iterator[tuple[Rule, Pair]]:
    """Yields the demanded orders that go against what only sorts the work: checks first, from the trunk outwards."""
    tasks: dict[str, tuple[Spot, Task]] = {task.id: (spot, task) for spot, own in treated.tasks.items() for task in own}
    for pair in wanted:
        (spot, first), (other, then) = tasks[pair[0]], tasks[pair[1]]
        if then.phase is Phase.CONFIRM and first.phase is not Phase.CONFIRM:
            yield Rule.CHECKS_BEFORE_WORK, (pair[1], pair[0])
        if _is_further_out(spot, other, treated.graph):
            yield Rule.PROXIMAL_BEFORE_DISTAL, (pair[1], pair[0])


def _is_further_out(spot: Spot, other: Spot, graph: KnowledgeGraph) -> bool:
    one, nearer = graph.base.muscles[spot.muscle], graph.base.muscles[other.muscle]
    if one.region != nearer.region or one.region not in graph.limb_regions or spot.side is not other.side:
        return False
    return proximal_rank(one.lies_in, graph) > proximal_rank(nearer.lies_in, graph)


def proximal_rank(zones: Iterable[str], graph: KnowledgeGraph) -> int:
    """Returns how far out in a limb a muscle begins: the place of the first zone under which it lies."""
    return min((graph.zone_rank[zone] for zone in zones), default=0)


def _needs_override(rule: Rule, pair: Pair, spots: Mapping[str, Spot], graph: KnowledgeGraph) -> EditNeedsOverride:
    first, then = spots[pair[0]], spots[pair[1]]
    return EditNeedsOverride(
        rule.value,
        f"{_named(then, graph)} would come before {_named(first, graph)}. {ORDER_RULES[rule.value].sentence}",
        tuple(Target(muscle=spot.muscle, side=spot.side) for spot in (first, then)),
    )


def _is_aside(rule: Rule, pair: Pair, spots: Mapping[str, Spot], overrides: Iterable[Override]) -> bool:
    return any(sets_aside(one, rule, (spots[pair[0]], spots[pair[1]])) for one in overrides)


def sets_aside(override: Override, rule: Rule, pair: tuple[Spot, Spot]) -> bool:
    """Whether an override is of this rule and for one of the two muscles, or for the whole plan."""
    named = {(target.muscle, target.side) for target in override.targets}
    return override.rule == rule.value and (not named or any((spot.muscle, spot.side) in named for spot in pair))


def _unsafe(pair: Pair, spots: Mapping[str, Spot], treated: Treated) -> DemandUnsafe:
    against = next(iter(_rules_of((pair[1], pair[0]), spots, treated)), Rule.OUTSIDE_BEFORE_INSIDE_THE_MOUTH)
    rule = against if against in _SAFETY else Rule.OUTSIDE_BEFORE_INSIDE_THE_MOUTH
    first, then = _named(spots[pair[0]], treated.graph), _named(spots[pair[1]], treated.graph)
    said = f"{first} cannot come before {then}." if first != then else f"The steps on {first} keep their order."
    return DemandUnsafe((f"{said} {ORDER_RULES[rule.value].sentence}",), rule=rule.value)


def _named(spot: Spot, graph: KnowledgeGraph) -> str:
    return with_side(graph.base.muscles[spot.muscle].names[0], spot.side)


class _Order:
    """Pairs without a cycle."""

    def __init__(self, pairs: Iterable[Pair]) -> None:
        self.pairs: set[Pair] = set()
        self._followers: dict[str, set[str]] = {}
        for pair in pairs:
            self.add(pair)

    def takes(self, pair: Pair) -> bool:
        """Whether a pair closes no cycle."""
        return not self._leads(pair[1], pair[0])

    def add(self, pair: Pair) -> bool:
        """Adds a pair and returns True, or returns False because it would close a cycle."""
        if not self.takes(pair):
            return False
        self.pairs.add(pair)
        self._followers.setdefault(pair[0], set()).add(pair[1])
        return True

    def _leads(self, start: str, end: str) -> bool:
        """Whether something that comes first leads to what comes later, over however many pairs."""
        seen, waiting = {start}, [start]
        while waiting:
            for then in self._followers.get(waiting.pop(), ()):
                if then == end:
                    return True
                if then not in seen:
                    seen.add(then)
                    waiting.append(then)
        return False
