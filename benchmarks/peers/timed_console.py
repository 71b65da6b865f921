"""The console with a clock round every request and every call, and a bare page beside it: the floor.

Started as `python -m services.console` is, and set up by the same variables. It answers two addresses of its own:
`/floor?bytes=N` is a page of so many bytes from Starlette and nothing else; `/figures` tells what was measured since it
was last asked. `/slow?seconds=N` makes every call that plans wait for so long first.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from typing import Any, cast

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.console.__main__ import listening, origin_of, server_of, wired
from services.console.app import build
from services.console.clients import Services, connected
from services.console.config import ConsoleSettings
from services.runtime.config import load_settings
from services.runtime.logs import make_logger

OWN = ("/figures", "/floor", "/slow")
PLANS = frozenset({"CreatePlan", "RevisePlan", "RefitSession"})


@dataclass(slots=True)
class Figures:
    """One request [ms]. `own`: from its arrival to the last byte of the answer, less the time in which a call ran."""

    method: str
    path: str
    status: int = 0
    own: float = 0.0
    calling: float = 0.0
    processor: float = 0.0
    calls: list[str] = field(default_factory=list)
    """The methods that were called, in order."""
    steps: int = 0
    """How many times it waited: calls that ran side by side are one."""


@dataclass(slots=True)
class Clock:
    """Measures requests and their calls; one request at a time, so that the processor's time is that request's."""

    done: list[Figures] = field(default_factory=list)
    slow: float = 0.0
    _calls: ContextVar[list[tuple[str, float, float]]] = field(default_factory=lambda: ContextVar("calls"))

    def round(self, application: ASGIApp) -> ASGIApp:
        """Returns the application with the clock round it."""

        async def measured(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await application(scope, receive, send)
                return
            figures = Figures(scope["method"], scope["path"])
            calls: list[tuple[str, float, float]] = []
            self._calls.set(calls)

            async def sending(message: Message) -> None:
                if message["type"] == "http.response.start":
                    figures.status = message["status"]
                await send(message)

            begin, processor = time.perf_counter(), time.process_time()
            await application(scope, receive, sending)
            end, figures.processor = time.perf_counter(), (time.process_time() - processor) * 1000
            spans = sorted((start, stop) for _, start, stop in calls)
            figures.calling, figures.steps = _covered(spans)
            figures.own = (end - begin) * 1000 - figures.calling
            figures.calls = [name for name, _, _ in calls]
            self.done.append(figures)

        return measured

    def on(self, stub: object) -> Any:
        """Returns the stub of a service with the clock on every call."""
        return _Timed(stub, self)

    async def call(self, name: str, call: Callable[[], Awaitable[Any]]) -> Any:
        """Makes a call and notes when it began and ended."""
        begin = time.perf_counter()
        try:
            if self.slow and name in PLANS:
                await asyncio.sleep(self.slow)
            return await call()
        finally:
            if (calls := self._calls.get(None)) is not None:
                calls.append((name, begin, time.perf_counter()))


@dataclass(frozen=True, slots=True)
class _Timed:
    stub: object
    clock: Clock

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        method = getattr(self.stub, name)

        def call(request: Any, **options: Any) -> Awaitable[Any]:
            return self.clock.call(name, lambda: method(request, **options))

        return call


def _covered(spans: list[tuple[float, float]]) -> tuple[float, int]:
    """Returns how long at least one of the spans lasted [ms], and how many stretches they make."""
    total, stretches, reached = 0.0, 0, 0.0
    for start, stop in spans:
        stretches += start > reached
        total += max(0.0, stop - max(start, reached))
        reached = max(reached, stop)
    return total * 1000, stretches


def beside(console: ASGIApp, clock: Clock) -> ASGIApp:
    """Returns an application that answers the addresses of the benchmark and leaves all others to the console."""

    async def floor(request: Request) -> Response:
        return HTMLResponse(b"x" * int(request.query_params["bytes"]))

    async def figures(_: Request) -> Response:
        told, clock.done = [asdict(each) for each in clock.done], []
        return JSONResponse(told)

    async def slow(request: Request) -> Response:
        clock.slow = float(request.query_params["seconds"])
        return JSONResponse({})

    bare = clock.round(Starlette(routes=[Route("/floor", floor)]))
    own = Starlette(routes=[Route("/figures", figures), Route("/slow", slow)])
    measured = clock.round(console)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        chosen = bare if path == "/floor" else own if path in OWN else measured
        await chosen(scope, receive, send)

    return answer


async def serve(settings: ConsoleSettings) -> None:
    """Serves until a signal."""
    clock = Clock()
    with listening(settings.address) as listener:
        origin = origin_of(settings, listener)
        async with connected(settings.assessment_address, settings.planner_address) as services:
            timed = Services(
                assessments=clock.on(services.assessments),
                plans=clock.on(services.plans),
                knowledge=clock.on(services.knowledge),
            )
            console = wired(settings, origin, timed, make_logger("error"))
            print(f"serving myoplan.console on {origin}", flush=True)
            await server_of(beside(cast("ASGIApp", build(console)), clock), settings).serve(sockets=[listener])


if __name__ == "__main__":
    sys.exit(asyncio.run(serve(load_settings(ConsoleSettings))))
