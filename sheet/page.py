"""The sheet as one HTML document that needs nothing else: style and fonts are inside."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from sheet.contents import Contents

HERE = Path(__file__).parent
FONTS = HERE / "fonts"
_WEIGHTS = (400, 700)


@dataclass(frozen=True, slots=True, kw_only=True)
class Density:
    """One fixed step of type, `points` large; `methods`: how a technique is done is told where it is first used."""

    points: float
    methods: bool


DENSITIES = (
    *(Density(points=points, methods=True) for points in (10, 9.2, 8.6, 8)),
    *(Density(points=points, methods=False) for points in (8, 7.5, 7.1, 6.7, 6.4, 6.1, 5.8, 5.5, 5.2, 4.9, 4.6)),
)
"""From the largest type to the smallest. Every one of them shows every step, turn, caution and blank."""

# How many letters of one point fill a page, and how many a step takes beside its words, by the example plans.
_LETTERS_AT_ONE_POINT, _LETTERS_OF_A_STEP = 350_000, 60
_MARKUP = re.compile(r"<svg.*?</svg>|<[^>]*>|\s+", re.DOTALL)

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(HERE),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def write_page(sheet: Contents, density: Density, style: str) -> str:
    """Returns the document with a style sheet inside. Everything that comes from the plan is escaped."""
    # The style is our own file, not a text of the plan.
    return _ENVIRONMENT.get_template("sheet.html").render(sheet=sheet, density=density, style=Markup(style))  # noqa: S704


def likely(sheet: Contents) -> int:
    """Returns the place among DENSITIES that is likely to fill one page: twice the letters leave each half the room."""
    text = write_page(sheet, DENSITIES[-1], "")
    letters = len(_MARKUP.sub("", text)) + _LETTERS_OF_A_STEP * text.count("<tr")
    points = (_LETTERS_AT_ONE_POINT / letters) ** 0.5
    return next((place for place, one in enumerate(DENSITIES) if one.points <= points), len(DENSITIES) - 1)


@lru_cache(maxsize=1)
def style() -> str:
    """Returns the style sheet."""
    return (HERE / "sheet.css").read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def font_faces() -> str:
    """Returns the fonts as a style sheet that holds them."""
    return "".join(
        f'@font-face {{ font-family: "Atkinson Hyperlegible"; font-weight: {weight}; '
        f'src: url("data:font/woff2;base64,{_base64(weight)}") format("woff2"); }}\n'
        for weight in _WEIGHTS
    )


def _base64(weight: int) -> str:
    file = FONTS / f"atkinson-hyperlegible-latin-{weight}-normal.woff2"
    return base64.b64encode(file.read_bytes()).decode("ascii")
