"""Puts the console together: routes, guard, static files, and pages for what goes wrong."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from services.console.guard import Guard
from services.console.kept_files import STATIC_ADDRESS, STATIC_FILES, KeptFile
from services.console.pages import ROUTES
from services.console.web import Console, problem, visit_of

SMALLEST_COMPRESSED_BYTES = 600
COMPRESSION = 5  # pages grow by one in a hundred beside the most that is possible, and take half the time
KIND_OF = {404: "missing", 405: "missing", 400: "unreadable", 413: "too_large"}


def build(console: Console) -> Starlette:
    """Returns the application."""
    application = Starlette(
        routes=[
            Route("/", _home),
            Route("/alive", _alive),
            *ROUTES,
            Route("/static/chart/{digest}/{layer}.json", _chart),
            Route(STATIC_ADDRESS + "/{name:path}", _static),
        ],
        middleware=[
            Middleware(Guard, origin=console.origin),
            Middleware(GZipMiddleware, minimum_size=SMALLEST_COMPRESSED_BYTES, compresslevel=COMPRESSION),
        ],
        exception_handlers={HTTPException: _explain},
    )
    application.state.console = console
    return application


async def _home(_: Request) -> Response:
    return RedirectResponse("/today", status_code=303)


async def _alive(_: Request) -> Response:
    """Answers whoever looks after the process; it says nothing about the services behind it."""
    return PlainTextResponse("alive")


async def _chart(request: Request) -> Response:
    """Answers with one layer of the body chart: drawings without anything of a client, so they may be kept."""
    console: Console = request.app.state.console
    return _kept(console.chart.layers.get(request.path_params["layer"]), request)


async def _static(request: Request) -> Response:
    return _kept(STATIC_FILES.get(request.path_params["name"]), request)


def _kept(file: KeptFile | None, request: Request) -> Response:
    if file is None:
        raise HTTPException(404)
    return file.answer(request)


async def _explain(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return problem(visit_of(request), status, KIND_OF.get(status, "fault"))
