"""Light or dark: kept in a cookie, so that the page arrives in it."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import Response
from starlette.routing import Route

from services.console.web import HERE, THEMES, Form, Visit, action, own_path

YEAR_SECONDS = 365 * 24 * 3600


async def choose(visit: Visit, form: Form) -> Response:
    """Keeps the choice and goes back to the page."""
    chosen = form.get("theme", "")
    response = visit.go(own_path(form.get(HERE, "")))
    if chosen in THEMES:
        secure = visit.console.origin.startswith("https:")
        response.set_cookie(
            "theme", chosen, max_age=YEAR_SECONDS, path="/", secure=secure, samesite="lax", httponly=True
        )
    return response


ROUTES: Sequence[Route] = action("/theme", choose, public=True)
