"""Every ink on every surface it stands on, and every line of a control, in both themes: the tokens of the style."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest

STYLE = Path(__file__).parents[3] / "services" / "console" / "static" / "console.css"
TEXT, LINE = 4.5, 3.0
"""The least contrast of text, and of what one must see to use a page: borders of controls, focus, marks (WCAG 2.2)."""

# Where each ink is used: read off the style sheet, ink by ink. A new use of a token needs its line here.
SOFT = ("warn-soft", "stop-soft", "ok-soft", "accent-soft")
PLACES = ("prone", "supine", "side-lying", "seated", "standing")
TEXTS = (
    *product(["ink"], ["bg", "surface", *SOFT, *PLACES]),
    *product(["ink2"], ["bg", "surface", "warn-soft", "stop-soft", "ok-soft", "accent-soft"]),
    *product(["accent"], ["bg", "surface", "warn-soft", "stop-soft"]),
    *product(["right", "left"], ["bg", "surface", *SOFT]),
    *product(["pain", "warn", "ok"], ["bg", "surface"]),
    ("pain", "stop-soft"),
    ("pain", "warn-soft"),
    ("warn", "warn-soft"),
    ("on-accent", "accent"),
    ("paper-ink", "paper"),
    ("paper-ink", "level-tight"),
)
LINES = (
    *product(["line"], ["bg", "surface"]),
    *product(["accent"], ["bg", "surface", *SOFT]),
    *product(["right", "left"], ["bg", "surface"]),
    ("warn", "warn-soft"),
    ("pain", "stop-soft"),
    ("muscle-line", "muscle"),
    ("muscle-line", "body"),
    *product(["paper-ink"], ["level-tight", "level-tender", "level-nothing", "muscle"]),
)
# What is drawn on the paper of the chart, which is light in both themes: ink, what it is drawn on, least contrast.
ON_PAPER = (
    ("#3D4653", "paper", TEXT),  # the words LEFT and RIGHT
    ("#fff", "level-latent", LINE),
    ("#fff", "level-active", LINE),
    ("#1C2430", "#fff", TEXT),  # how strong a pain is, in its zone
    ("#1C2430", "#F6DAD7", TEXT),
    ("#1C2430", "#F3CFCB", TEXT),
    ("#1C2430", "#E39A93", TEXT),
    ("#fff", "#C8564D", LINE),  # large and bold
    ("#fff", "#A3241F", TEXT),
    ("#6B7280", "paper", LINE),  # the outline of the body
    ("#0B5F6B", "muscle", LINE),  # the ring of the focus
    ("#A3241F", "paper", LINE),  # where a muscle refers to
    ("#7A3410", "paper", LINE),
)


def contrast(one: str, other: str) -> float:
    """Returns the contrast of two colours as WCAG 2 defines it, 1 to 21."""

    def luminance(colour: str) -> float:
        digits = colour.lstrip("#")
        digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
        shares = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
        linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def themes() -> dict[str, dict[str, str]]:
    """Returns the tokens by theme; a dark theme has the light one's where it has none of its own."""
    style = STYLE.read_text(encoding="utf-8")
    found: dict[str, dict[str, str]] = {"": {}, "dark": {}, "system": {}}
    for theme, block in re.findall(r":root(?:\[data-theme=(\w+)\])?\{([^}]*)\}", style):
        found[theme].update(re.findall(r"--([\w-]+):(#[0-9A-Fa-f]{3,6})", block))
    light = found.pop("")
    return {"light": light, **{theme: {**light, **own} for theme, own in found.items()}}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_ink_and_line_stands_out_from_what_it_is_on(theme: str) -> None:
    tokens = themes()[theme]
    pairs = [
        *((tokens[ink], tokens[surface], TEXT, f"{ink} on {surface}") for ink, surface in TEXTS),
        *((tokens[ink], tokens[surface], LINE, f"line {ink} on {surface}") for ink, surface in LINES),
        *((ink, tokens.get(on, on), least, f"{ink} on {on}") for ink, on, least in ON_PAPER),
    ]
    weak = {name: round(contrast(ink, on), 2) for ink, on, least, name in pairs if contrast(ink, on) < least}
    assert weak == {}


def test_what_the_device_calls_dark_is_the_dark_theme() -> None:
    assert themes()["system"] == themes()["dark"]


def test_the_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000", "#fff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)
    assert contrast("#fff", "#FFFFFF") == 1
