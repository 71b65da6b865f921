"""Makes the pictures of docs/pictures/: `./run pictures [FOLDER]`. Every client and member of staff is invented."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from cli.cases import read_case
from myoplan.assessment.v1 import assessment_pb2 as a
from services.console.pages.assessment.levels import with_level
from tests.support.browser import (
    EXAMPLES,
    PHONE,
    TABLET,
    RunningConsole,
    Screen,
    launch,
    new_client,
    open_screen,
    running_console,
)
from tests.support.review_story import review_pages
from tests.support.visits import working_pages

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
UPRIGHT = (820, 1180)
# Pages that are looked at upright, and pages that a phone is for.
UPRIGHT_PAGES = {"room", "room before the start"}
PHONE_PAGES = {"today", "plan"}
COLOURS = 128
# Findings that are seen on the chart as it opens.
FELT: Sequence[tuple[str, a.Side.ValueType, str]] = (
    ("upper_trapezius", a.RIGHT, "active"),
    ("infraspinatus", a.RIGHT, "latent"),
    ("infraspinatus", a.LEFT, "tender"),
    ("posterior_deltoid", a.LEFT, "tight"),
)


def addresses(console: RunningConsole) -> dict[str, tuple[str, str]]:
    """Returns who opens which page, by the name of the picture."""
    client = new_client()
    first = console.open_example(client)
    plan = console.plan(first)
    case = read_case(EXAMPLES / "neck_pain.yaml")
    second = console.open_assessment(
        client,
        pain_areas=case.pain_areas,
        palpation_findings=[
            with_level(a.PalpationFinding(muscle=muscle, side=side), level) for muscle, side, level in FELT
        ],
        rom_tests=case.rom_tests,
    )
    sections = {name: f"/{second}/{name}" for name in ("flags", "pain", "palpate", "rom", "fit")}
    own = {"today": "/today", "client": f"/clients/{client}", **sections, "plan": f"/{plan}", **working_pages(console)}
    return {**{name: ("tess", path) for name, path in own.items()}, **review_pages(console)}


def take(browser: Browser, console: RunningConsole, folder: Path) -> None:
    """Takes a picture of every page, light and dark."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = addresses(console)
    for dark in (False, True):
        for person in dict.fromkeys(person for person, _ in pages.values()):
            screen = open_screen(browser, console, dark=dark)
            screen.sign_in(person)
            for name, (whose, path) in pages.items():
                if whose != person:
                    continue
                for kind, size in _sizes(name):
                    screen.page.set_viewport_size({"width": size[0], "height": size[1]})
                    screen.open(path)
                    if screen.page.locator(".chart-column:visible").count():
                        screen.page.wait_for_selector(".chart-column:visible svg [data-part]")
                    _keep(screen, folder, name + kind, dark)
            if person == "tess":
                screen.page.set_viewport_size({"width": TABLET[0], "height": TABLET[1]})
                screen.give_away(pages["pain"][1].strip("/").removesuffix("/pain"))
                _keep(screen, folder, "pain map", dark)
            screen.context.close()


def _keep(screen: Screen, folder: Path, name: str, dark: bool) -> None:
    file = folder / (f"{name}{' dark' if dark else ''}".replace(" ", "-").replace("'", "") + ".png")
    screen.page.screenshot(path=file)
    _shrink(file)


def _sizes(name: str) -> list[tuple[str, tuple[int, int]]]:
    first = ("", UPRIGHT if name in UPRIGHT_PAGES else TABLET)
    return [first, (" phone", PHONE)] if name in PHONE_PAGES else [first]


def _shrink(path: Path) -> None:
    """Keeps the colours that a flat page has, so that the pictures stay small enough to be kept with the text."""
    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    small.save(path, optimize=True)


def main() -> None:
    """Makes all pictures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    with tempfile.TemporaryDirectory() as data, running_console(Path(data)) as console, sync_playwright() as playwright:
        browser = launch(playwright)
        take(browser, console, folder)
        browser.close()
    print(f"pictures are in {folder}")


if __name__ == "__main__":
    main()
