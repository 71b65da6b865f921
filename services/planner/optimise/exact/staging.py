"""In which order the packages are decided: none before one that its tasks have to follow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from heapq import heapify, heappop, heappush

from services.planner.domain.problem import Package


def decided_together(
    packages: Sequence[Package], followers: Mapping[str, Iterable[str]]
) -> tuple[tuple[Package, ...], ...]:
    """Returns the packages in the order in which they are decided, one by one where that is possible.

    `followers`: for each package those that have to wait for it. Packages that wait for one another in a circle (some
    tasks of each come first) are decided together. As far as the order allows, checks come last, because the turning
    is settled by the work; and packages of a region stand together, regions and packages by rank, so that what only
    concerns a region can soon be forgotten.
    """
    of_region: dict[str, int] = {}
    for package in packages:
        of_region[package.region] = min(package.rank, of_region.get(package.region, package.rank))
    groups = _circles(packages, followers)
    group_of = {package.id: number for number, group in enumerate(groups) for package in group}
    after: list[set[int]] = [set() for _ in groups]
    for first, others in followers.items():
        after[group_of[first]] |= {group_of[then] for then in others} - {group_of[first]}
    waiting = [0] * len(groups)
    for others_after in after:
        for then in others_after:
            waiting[then] += 1
    keys = [min((p.check, of_region[p.region], p.region, p.rank, p.id) for p in group) for group in groups]
    ready = [(keys[number], number) for number, count in enumerate(waiting) if not count]
    heapify(ready)
    ordered: list[tuple[Package, ...]] = []
    while ready:
        _, number = heappop(ready)
        ordered.append(groups[number])
        for then in after[number]:
            waiting[then] -= 1
            if not waiting[then]:
                heappush(ready, (keys[then], then))
    return tuple(ordered)


def _circles(packages: Sequence[Package], followers: Mapping[str, Iterable[str]]) -> list[tuple[Package, ...]]:
    """Returns the packages grouped by the circles in which they wait for one another; most stand alone."""
    reached = {package.id: _reached(package.id, followers) for package in packages}
    groups: list[tuple[Package, ...]] = []
    grouped: set[str] = set()
    for package in packages:
        if package.id not in grouped:
            circle = tuple(
                other
                for other in packages
                if other is package or (other.id in reached[package.id] and package.id in reached[other.id])
            )
            grouped |= {other.id for other in circle}
            groups.append(circle)
    return groups


def _reached(start: str, followers: Mapping[str, Iterable[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        for then in followers.get(waiting.pop(), ()):
            if then not in seen:
                seen.add(then)
                waiting.append(then)
    return seen
