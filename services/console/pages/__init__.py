"""The pages: one module (or folder) each, with its typed contexts, handlers and ROUTES. A new page adds a line."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.routing import Route

from services.console.pages import (
    assessment,
    clients,
    finish,
    knowledge,
    learn,
    plan,
    progress,
    queue,
    review,
    room,
    sign_in,
    theme,
    today,
)

ROUTES: Sequence[Route] = (
    *sign_in.ROUTES,
    *theme.ROUTES,
    *today.ROUTES,
    *clients.ROUTES,
    *learn.ROUTES,  # before the assessment, whose last part of an address is any section
    *assessment.ROUTES,
    *plan.ROUTES,
    *room.ROUTES,
    *finish.ROUTES,
    *progress.ROUTES,
    *queue.ROUTES,
    *review.ROUTES,
    *knowledge.ROUTES,
)
