"""Where everything on a plot stands, in the units of its picture; the template only draws it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 520.0, 190.0
LEFT, RIGHT, TOP, BOTTOM = 44.0, 64.0, 30.0, 34.0
TEXT = 15.0
MARGIN = 0.12
"""How much of the range of values stays free above and below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One measured value. `beyond` is None at the baseline; `broken`: measured otherwise than the baseline."""

    when: str
    value: float
    beyond: bool | None
    broken: bool
    visit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """One value on the plot; filled: beyond measurement error."""

    x: float
    y: float
    label: str
    when: str
    filled: bool
    word: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A stretch between two values that were measured alike."""

    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """The baseline and what measuring alone explains."""

    x: float
    y: float
    width: float
    height: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A plot. `reference_y` is where the reference value is, None: there is none that has a source; then its text."""

    width: float
    height: float
    dots: tuple[Dot, ...]
    lines: tuple[Line, ...]
    band: Band | None
    reference_y: float | None
    reference_text_y: float
    reference: str


def plot(
    values: Sequence[Value],
    visits: int,
    *,
    error: float | None,
    unit: str,
    words: tuple[str, str, str],
    reference: float | None = None,
    reference_text: str = "",
    limits: tuple[float, float] | None = None,
) -> Plot:
    """Returns the plot of a series over `visits` visits.

    `error` is the largest change that measuring alone explains. `words` are those for the baseline, for within and for
    beyond measurement error. `limits`: what the values can be at all; the band does not leave them.
    """
    baseline = values[0].value
    least, most = limits if limits is not None else (float("-inf"), float("inf"))
    low_band, high_band = max(least, baseline - (error or 0)), min(most, baseline + (error or 0))
    shown = [each.value for each in values] + [low_band, high_band] + ([reference] if reference is not None else [])
    low, high = min(shown), max(shown)
    spread = (high - low) or 1.0
    low, high = low - MARGIN * spread, high + MARGIN * spread

    def x(visit: int) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (visit / (visits - 1) if visits > 1 else 0.5)

    def y(value: float) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low), 1)

    dots = tuple(
        Dot(
            x=round(x(each.visit), 1),
            y=y(each.value),
            label=f"{each.value:g}",
            when=each.when,
            filled=bool(each.beyond),
            word=words[0] if each.beyond is None else words[2] if each.beyond else words[1],
        )
        for each in values
    )
    lines = tuple(
        Line(x1=dots[n].x, y1=dots[n].y, x2=dots[n + 1].x, y2=dots[n + 1].y)
        for n in range(len(values) - 1)
        if values[n].broken == values[n + 1].broken
    )
    band = None
    if error is not None:
        start = dots[0].x
        band = Band(
            x=start,
            y=y(high_band),
            width=round(max(x(visits - 1) - start, 1), 1),
            height=round(y(low_band) - y(high_band), 1),
            label=f"±{error:g}{unit}",
        )
    return Plot(
        width=WIDTH,
        height=HEIGHT,
        dots=dots,
        lines=lines,
        band=band,
        reference_y=y(reference) if reference is not None else None,
        reference_text_y=_free_of(dots[0].y, y(reference)) if reference is not None else 0.0,
        reference=reference_text,
    )


def _free_of(dot: float, line: float) -> float:
    """Returns where the text of a line stands: on the side of the line where the first value is not."""
    return line + TEXT if dot <= line else line - TEXT / 3
