"""Small body charts: the treated muscles hatched, each with the number of its first step.

The shapes come from the caller, in the layout of the console's `regions.json`; this package draws what it is given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from myoplan.planner.v1.plan_pb2 import Plan, Step
from sheet.words import side_word

Regions = Mapping[str, Any]
"""The document `regions.json`, as read."""

_WORK = {Step.CONFIRM, Step.RELEASE, Step.LENGTHEN}
# What each view is called, and which of the client's sides stands at the left and at the right edge of the paper.
_VIEWS = {
    "front": ("Front", "RIGHT", "LEFT"),
    "back": ("Back", "LEFT", "RIGHT"),
    "right": ("Head from the RIGHT", "", ""),
    "left": ("Head from the LEFT", "", ""),
}
_WHOLE_BODY = {"front", "back"}
_MIDLINE = 200.0
# A window is a square of the figure's own units: large enough to see where on the body it is, small enough to see what.
_SMALLEST, _LARGEST, _MARGIN = 280.0, 400.0, 60.0
# Numbers stand at the edges of the window, this many hundredths of its size below the edge and apart.
_FIRST_NUMBER, _BETWEEN_NUMBERS, _INSET = 14.0, 8.5, 5.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One treated muscle: its shape, whether it lies deep, its middle (x, y), and where its number stands."""

    path: str
    deep: bool
    number: int
    x: float
    y: float
    number_x: float
    number_y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One window on a figure, a square with its corner at (x, y). The words stand at its upper corners."""

    title: str
    left_word: str
    right_word: str
    x: float
    y: float
    size: float
    outline: str
    landmarks: str
    marks: tuple[Mark, ...]

    @property
    def description(self) -> str:
        """What the picture shows, for those who do not see it."""
        return f"{self.title}: the muscles of the steps {', '.join(str(mark.number) for mark in self.marks)}."


def charts(plan: Plan, regions: Regions | None) -> tuple[Chart, ...]:
    """Returns the views in which something is treated, the front first; none without shapes."""
    if not regions:
        return ()
    numbers = _numbers(plan)
    chosen = _chosen(numbers, regions["regions"])
    return tuple(
        _chart(view, inside, numbers, regions["views"][view])
        for view in _VIEWS
        for inside in _windows([shape for shape in chosen if shape["view"] == view])
    )


def _numbers(plan: Plan) -> dict[tuple[str, str], int]:
    """Returns the first step on each muscle and side; its side as the shapes spell it."""
    found: dict[tuple[str, str], int] = {}
    for number, step in enumerate(plan.steps, 1):
        if step.muscle and step.phase in _WORK:
            found.setdefault((step.muscle, side_word(step.side).lower()), number)
    return found


def _chosen(numbers: Mapping[tuple[str, str], int], shapes: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Returns one shape for each muscle and side: on the whole figure if it is there, and where most of it is seen."""
    best: dict[tuple[str, str], Mapping[str, Any]] = {}
    for shape in shapes:
        key = (shape["part"], shape["side"])
        if shape["kind"] == "muscle" and key in numbers:
            best[key] = max(best.get(key, shape), shape, key=_clarity)
    return [best[key] for key in numbers if key in best]


def _clarity(shape: Mapping[str, Any]) -> tuple[bool, float]:
    return shape["view"] in _WHOLE_BODY, shape["radius"]


def _windows(shapes: Sequence[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """Yields the shapes of as few windows as hold all of them, from the head down."""
    rest = sorted(shapes, key=lambda shape: shape["cy"])
    while rest:
        inside = [shape for shape in rest if shape["cy"] <= rest[0]["cy"] + _LARGEST - 2 * _MARGIN]
        rest = rest[len(inside) :]
        yield inside


def _chart(
    view: str, shapes: Sequence[Mapping[str, Any]], numbers: Mapping[tuple[str, str], int], figure: Mapping[str, str]
) -> Chart:
    xs, ys = [shape["cx"] for shape in shapes], [shape["cy"] for shape in shapes]
    spread = max(max(xs) - min(xs), max(ys) - min(ys)) + 2 * _MARGIN
    size = min(max(spread, _SMALLEST), _LARGEST)
    x, y = (min(xs) + max(xs) - size) / 2, max((min(ys) + max(ys) - size) / 2, 0)
    title, left_word, right_word = _VIEWS[view]
    return Chart(
        title=title,
        left_word=left_word if x < _MIDLINE else "",
        right_word=right_word if x + size > _MIDLINE else "",
        x=round(x, 1),
        y=round(y, 1),
        size=round(size, 1),
        outline=figure["outline"],
        landmarks=figure["landmarks"],
        marks=tuple(_marks(shapes, numbers, x, y, size)),
    )


def _marks(
    shapes: Sequence[Mapping[str, Any]], numbers: Mapping[tuple[str, str], int], x: float, y: float, size: float
) -> Iterator[Mark]:
    """Yields the marks with their numbers at the nearer edge, from the top down and never on top of one another."""
    middle = x + size / 2
    for at_right in (False, True):
        here = sorted(
            (one for one in shapes if (one["cx"] >= middle) == at_right), key=lambda one: (one["cy"], one["id"])
        )
        number_x = x + size - _INSET * size / 100 if at_right else x + _INSET * size / 100
        room = size * (100 - _FIRST_NUMBER - _INSET) / 100
        apart = min(_BETWEEN_NUMBERS * size / 100, room / max(len(here) - 1, 1))
        lowest = y + _FIRST_NUMBER * size / 100
        for place, shape in enumerate(here):
            # As near to the muscle as those above it and those still to come allow.
            highest = y + size - _INSET * size / 100 - apart * (len(here) - 1 - place)
            number_y = min(max(shape["cy"], lowest), highest)
            lowest = number_y + apart
            yield Mark(
                path=shape["d"],
                deep=shape["layer"] == "deep",
                number=numbers[shape["part"], shape["side"]],
                x=shape["cx"],
                y=shape["cy"],
                number_x=round(number_x, 1),
                number_y=round(number_y, 1),
            )
