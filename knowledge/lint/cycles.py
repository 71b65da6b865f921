"""Circles in a graph that should have none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter


def cycles(edges: Iterable[tuple[str, str]]) -> Iterator[tuple[str, ...]]:
    """Yields one circle after the other, each without the link that closed the one before; none if all ends."""
    left = dict.fromkeys(edges)
    while True:
        sorter: TopologicalSorter[str] = TopologicalSorter()
        for start, end in left:
            sorter.add(start, end)
        try:
            sorter.prepare()
        except CycleError as error:
            backwards: list[str] = error.args[1]
            circle = tuple(reversed(backwards))
            yield circle
            del left[circle[-2], circle[-1]]
        else:
            return
