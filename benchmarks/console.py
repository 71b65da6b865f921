"""Measures the console: the time of each page on top of its calls, what a person at the screen waits for, and bytes.

Server: every page is asked for again and again, in turns, from the real console over real services with a clock round
it. Its own time is from the arrival of a request to the last byte of the answer, less the time in which at least one
call ran; beside it a bare page of the same size, in the same turn from the same process. Screen: see console_screen.
"""

from __future__ import annotations

import argparse
import os
import re
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from math import ceil
from pathlib import Path
from statistics import median

import httpx

from benchmarks import console_screen
from benchmarks.console_screen import Goal
from cli.local.stack import console as start_console
from tests.browser.pictures import addresses
from tests.support.browser import EXAMPLES, PASSWORD, RunningConsole, new_client, running_console

OWN_MS = 50
PAGE_BYTES = 200 * 1024
SCRIPT_BYTES = 60 * 1024
SIGNED_OUT = ""
ORIGIN = {"sec-fetch-site": "same-origin"}
TIMED = "benchmarks.peers.timed_console"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this benchmark."""
    parser.add_argument("--requests", type=int, default=100, help="requests of each page")
    parser.add_argument("--visits", type=int, default=200, help="visits that the clinic has beside those looked at")
    parser.add_argument("--pages", nargs="*", default=[], help="only pages whose names hold one of these words")
    parser.add_argument("--part", choices=["server", "screen"], default="", help="only this part")
    parser.add_argument("--taps", type=int, default=20, help="how often each thing is done at the screen")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Prints the tables."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running_console(Path(folder), partial(start_console, module=TIMED)) as console,
    ):
        _fill(console, arguments.visits)
        goals: list[Goal] = []
        if arguments.part != "screen":
            goals += _server(console, arguments.requests, arguments.pages)
        if arguments.part != "server":
            goals += console_screen.measured(console, arguments.taps)
    _print_goals(goals)


def _fill(console: RunningConsole, visits: int) -> None:
    """Gives the clinic so many visits of today, half of them with a plan."""
    cases = sorted(path.stem for path in EXAMPLES.glob("*.yaml"))
    for number in range(visits):
        name = console.open_example(new_client(), cases[number % len(cases)])
        if number % 2:
            console.plan(name)


def _print_goals(goals: Sequence[Goal]) -> None:
    print(f"\n{'':58}{'found':>12}{'goal':>12}")
    for goal in goals:
        print(f"{goal.what:58}{goal.found:>9.0f} {goal.unit:2}{goal.most:>9.0f} {goal.unit:2} {goal.verdict}")


# --- the server ---------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Page:
    """One page: who asks for which address, and what was measured."""

    name: str
    person: str
    path: str
    own: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    calling: list[float] = field(default_factory=list)
    floor: list[float] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    steps: int = 0
    size: int = 0
    sent: int = 0
    scripts: int = 0
    loaded: int = 0


def _server(console: RunningConsole, requests: int, wanted: Sequence[str]) -> list[Goal]:
    pages = [
        _Page(name, person, path)
        for name, (person, path) in _addresses(console).items()
        if not wanted or any(word in name for word in wanted)
    ]
    with _people(console, {page.person for page in pages}) as people:
        people[SIGNED_OUT].get("/figures")
        for _ in range(requests):
            for page in pages:
                _ask(page, people[page.person])
        for page in pages:
            _load(page, people[page.person])
    _print_pages(pages, requests)
    worst = max(pages, key=lambda page: _quantile(page.own, 0.95))
    largest, longest = max(pages, key=lambda page: page.loaded), max(pages, key=lambda page: page.scripts)
    return [
        Goal(f"own time of a page, p95; worst: {worst.name}", _quantile(worst.own, 0.95), OWN_MS, "ms"),
        Goal(f"a page with all it loads but fonts; {largest.name}", largest.loaded / 1024, PAGE_BYTES / 1024, "KB"),
        Goal(f"scripts of a page; {longest.name}", longest.scripts / 1024, SCRIPT_BYTES / 1024, "KB"),
    ]


def _addresses(console: RunningConsole) -> dict[str, tuple[str, str]]:
    """Returns who asks for which page; TAP is a finding that is stored, and the parts of the page that answer it."""
    pages = addresses(console)
    client, plan = pages["client"][1], pages["plan"][1]
    return {
        "sign-in": (SIGNED_OUT, "/sign-in"),
        **pages,
        "new client": ("tess", "/new-client"),
        "new visit": ("tess", f"{client}/new-visit"),
        "why not": ("tess", f"{plan}/why-not/upper_trapezius/left"),
        TAP: ("tess", f"{pages['palpate'][1].removesuffix('/palpate')}/entries"),
    }


TAP = "answer to a tap"


@contextmanager
def _people(console: RunningConsole, people: set[str]) -> Iterator[Mapping[str, httpx.Client]]:
    """Yields a signed-in browser without a screen for each person."""
    clients = {
        person: httpx.Client(base_url=console.address, headers={"accept-encoding": "gzip"}, timeout=30)
        for person in {*people, SIGNED_OUT}
    }
    try:
        for person, client in clients.items():
            if person == SIGNED_OUT:
                continue
            form = {"person": person, "password": PASSWORD, "form_token": _token(client.get("/sign-in"))}
            client.post("/sign-in", data=form, headers=ORIGIN)
        yield clients
    finally:
        for client in clients.values():
            client.close()


def _token(answer: httpx.Response) -> str:
    found = re.search(r'name="form_token" value="([^"]+)"', answer.text)
    return found[1] if found else ""


def _ask(page: _Page, client: httpx.Client) -> None:
    answer = _tapped(page, client) if page.name == TAP else client.get(page.path)
    if answer.status_code != httpx.codes.OK:
        raise SystemExit(f"{page.name}: {answer.status_code} {answer.text[:400]}")
    page.size, page.sent = len(answer.content), answer.num_bytes_downloaded
    client.get("/floor", params={"bytes": page.size})
    *_, own, floor = client.get("/figures").json()
    page.own.append(own["own"])
    page.processor.append(own["processor"])
    page.calling.append(own["calling"])
    page.floor.append(floor["own"])
    page.calls, page.steps = own["calls"], own["steps"]


def _tapped(page: _Page, client: httpx.Client) -> httpx.Response:
    token = client.headers.get("x-form-token") or _token(client.get(page.path.removesuffix("/entries")))
    client.headers["x-form-token"] = token
    level = ("tight", "tender", "latent", "active")[len(page.own) % 4]
    form = {"kind": "palpation", "muscle": "upper_trapezius", "side": "right", "level": level, "section": "palpate"}
    form |= {"entry": str(uuid.uuid4()), "form_token": token}
    return client.post(page.path, data=form, headers={**ORIGIN, "hx-request": "true"})


def _load(page: _Page, client: httpx.Client) -> None:
    """Loads what the page loads, and counts the bytes as they are sent; of the chart every layer that it may want."""
    if page.name == TAP:
        return
    waiting = _named(client.get(page.path))
    sent: dict[httpx.URL, int] = {}
    while waiting:
        address = waiting.pop()
        if address not in sent:
            answer = client.get(address)
            sent[address] = answer.num_bytes_downloaded
            waiting += [address.join(name) for name in re.findall(r'from "(\./[^"]+)"', answer.text)]
    page.scripts = sum(size for address, size in sent.items() if address.path.endswith(".js"))
    page.loaded = page.sent + sum(sent.values())


def _named(answer: httpx.Response) -> list[httpx.URL]:
    """Returns the addresses of all files that a page names."""
    return [answer.url.join(name) for name in re.findall(r'="(/static/[^"]+)"', answer.text)]


def _quantile(values: Sequence[float], share: float) -> float:
    return sorted(values)[max(0, ceil(share * len(values)) - 1)]


def _print_pages(pages: Sequence[_Page], requests: int) -> None:
    print(f"load {os.getloadavg()[0]:.2f}; {requests} requests of each page; own time [ms] on top of the calls")
    head = (
        "own p50",
        "p95",
        "CPU p50",
        "p95",
        "× floor",
        "in calls",
        "calls",
        "waits",
        "KB",
        "sent",
        "scripts",
        "in all",
    )
    print(f"{'':22}" + "".join(f"{each:>9}" for each in head) + "  calls")
    for page in sorted(pages, key=lambda one: -_quantile(one.own, 0.95)):
        names = ", ".join(f"{page.calls.count(each)} {each}" for each in dict.fromkeys(page.calls))
        print(
            f"{page.name:22}"
            f"{median(page.own):>9.1f}{_quantile(page.own, 0.95):>9.1f}"
            f"{median(page.processor):>9.1f}{_quantile(page.processor, 0.95):>9.1f}"
            f"{median(page.own) / median(page.floor):>9.1f}{median(page.calling):>9.1f}"
            f"{len(page.calls):>9}{page.steps:>9}{page.size / 1024:>9.1f}{page.sent / 1024:>9.1f}"
            f"{page.scripts / 1024:>9.1f}{page.loaded / 1024:>9.1f}  {names}"
        )
