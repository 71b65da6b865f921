"""Curves through authored points, and limb frames: position along a limb and across it. Pure arithmetic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

XY = tuple[float, float]

# Points of a curve between two authored ones.
STEPS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A limb, in chart units: t runs from `start` (0) to `end` (1), s from the inner edge (-1) to the outer (+1)."""

    start: Sequence[float]
    end: Sequence[float]
    half_width: Sequence[float]
    bulge: float = 0.0

    def at(self, t: float, s: float) -> XY:
        """The chart point at t along and s across."""
        dx, dy = self.end[0] - self.start[0], self.end[1] - self.start[1]
        length = math.hypot(dx, dy)
        along = min(max(t, 0.0), 1.0)
        width = self.half_width[0] + (self.half_width[1] - self.half_width[0]) * t
        width += self.bulge * math.sin(math.pi * along)
        return (self.start[0] + dx * t + dy / length * width * s, self.start[1] + dy * t - dx / length * width * s)


def chaikin(points: Sequence[XY], rounds: int = 3) -> list[XY]:
    """A closed polygon with its corners cut, `rounds` times."""
    corners = list(points)
    for _ in range(rounds):
        following = [*corners[1:], corners[0]]
        corners = [
            (a[0] * near + b[0] * (1 - near), a[1] * near + b[1] * (1 - near))
            for a, b in zip(corners, following, strict=True)
            for near in (0.75, 0.25)
        ]
    return corners


def open_curve(points: Sequence[XY]) -> list[XY]:
    """A Catmull-Rom curve from the first point through all to the last."""
    return [*_through([points[0], *points, points[-1]]), points[-1]]


def closed_curve(points: Sequence[XY]) -> list[XY]:
    """A closed Catmull-Rom curve through all points."""
    return _through([points[-1], *points, points[0], points[1]])


def _through(points: Sequence[XY]) -> list[XY]:
    return [_between(points[i - 1 : i + 3], k / STEPS) for i in range(1, len(points) - 2) for k in range(STEPS)]


def _between(near: Sequence[XY], t: float) -> XY:
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = near
    return (_blend(x0, x1, x2, x3, t), _blend(y0, y1, y2, y3, t))


def _blend(a: float, b: float, c: float, d: float, t: float) -> float:
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
