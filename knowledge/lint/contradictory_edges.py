"""Two statements about the same pair must not exclude one another."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from knowledge.lint.finding import Finding
from knowledge.model import KnowledgeBase, Mechanism, Side

RULE = "contradictory_edges"
REMEDY = "keep the one that the source says"

# A muscle that drives a motion can be both painful and weak in it; one that is stretched by it cannot be either.
_OPPOSED = {Mechanism.PAINFUL_CONTRACTION: "contracting", Mechanism.INHIBITED: "contracting"}


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields pairs said to be both usual and occasional, both short and contracting, or treated first and later."""
    said: dict[tuple[str, str, str], list[tuple[Side | None, str, str]]] = {}
    for refers in base.refers_to:
        said.setdefault(("refers_to", refers.muscle, refers.zone), []).append((refers.side, "", refers.role))
    for limits in base.limits_motion:
        said.setdefault(("limits_motion", limits.motion, limits.muscle), []).append(
            (limits.side, limits.test_variant, _OPPOSED.get(limits.mechanism, limits.mechanism))
        )
    for satellite in base.satellite_of:
        pair = ("satellite_of", satellite.muscle, satellite.key)
        said.setdefault(pair, []).append((satellite.side, "", satellite.mechanism))
    for treated in base.treated_by:
        pair = ("treated_by", treated.technique, treated.muscle)
        said.setdefault(pair, []).append((None, "", f"order {treated.order}"))
    for (kind, first, second), statements in said.items():
        for one, other in combinations(dict.fromkeys(statements), 2):
            if _meet(one[0], other[0]) and one[1] == other[1] and one[2] != other[2]:
                yield Finding(RULE, f"{kind} {first} -> {second}", f"is both {one[2]} and {other[2]}", REMEDY)


def _meet(one: Side | None, other: Side | None) -> bool:
    return one is other or Side.BOTH in {one, other}
