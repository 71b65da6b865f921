"""One console and one browser for all tests of this folder; every test has a window of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.support.browser import RunningConsole, Screen, launch, open_screen, running_console
from tests.support.network import Network


# The scope is the folder: while Playwright runs, no test with an event loop of its own could.
@pytest.fixture(scope="package")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningConsole]:
    with running_console(tmp_path_factory.mktemp("console")) as running:
        yield running


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = launch(playwright)
        yield launched
        launched.close()


@pytest.fixture
def windows(browser: Browser, console: RunningConsole) -> Iterator[Callable[..., Screen]]:
    """Opens windows; at the end no page of any may have done what a page must never do."""
    opened: list[Screen] = []

    def open_one(**more: object) -> Screen:
        opened.append(open_screen(browser, console, **more))  # type: ignore[arg-type]
        return opened[-1]

    yield open_one
    faults = [fault for screen in opened for fault in screen.faults]
    for screen in opened:
        screen.context.close()
    assert faults == []


@pytest.fixture
def network(console: RunningConsole) -> Iterator[Network]:
    """A network towards the console that can be taken away."""
    between = Network(console.address)
    yield between
    between.cut()


@pytest.fixture
def tablet(browser: Browser, console: RunningConsole, network: Network) -> Iterator[Screen]:
    """A tablet behind that network, on which a therapist is signed in."""
    opened = open_screen(browser, replace(console, address=network.address))
    opened.sign_in()
    yield opened
    opened.context.close()
    assert opened.faults == []


@pytest.fixture
def screen(windows: Callable[..., Screen]) -> Screen:
    """A tablet on which a therapist is signed in."""
    opened = windows()
    opened.sign_in()
    return opened
