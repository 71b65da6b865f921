"""What holds for every answer and every request, whatever page it is for: headers, sizes, and where forms come from."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BODY_BYTES = 256 * 1024
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "worker-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Sequence[tuple[str, str]] = (
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)
WORKER, WORKER_SCOPE = "/room-worker.js", "/clients/"
"""The one worker, and the most it may answer for; the page asks for the address of one treatment room."""
KEPT = "public, max-age=31536000, immutable"
NOT_KEPT = "no-store"


class Guard:
    """Refuses forms of other sites and bodies that are too large, and puts the headers on every answer."""

    def __init__(self, app: ASGIApp, origin: str) -> None:
        self._app, self._origin = app, origin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        answer = _with_headers(scope, send, secure=self._origin.startswith("https:"))
        if scope["method"] not in SAFE_METHODS and not self._is_own(headers):
            await PlainTextResponse("This form was sent from another site.", 403)(scope, receive, answer)
            return
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > MOST_BODY_BYTES:
            await PlainTextResponse("That is too much at once.", 413)(scope, receive, answer)
            return
        await self._app(scope, _bounded(receive), answer)

    def _is_own(self, headers: Headers) -> bool:
        """Says whether a page of this console sent the request. A browser says so; whatever does not say is refused.

        Pages that send no referrer send `Origin: null` with their own forms: where Sec-Fetch-Site is sent, it decides.
        """
        site = headers.get("sec-fetch-site")
        return site == "same-origin" if site is not None else headers.get("origin") == self._origin


def _bounded(receive: Receive) -> Receive:
    read = 0

    async def limited() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > MOST_BODY_BYTES:
            # The rest is not read: to the application the browser has gone.
            return {"type": "http.disconnect"}
        return message

    return limited


def _with_headers(scope: Scope, send: Send, *, secure: bool) -> Send:
    async def answer(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS:
                headers[name] = value
            if secure:
                headers["strict-transport-security"] = "max-age=31536000"
            static = scope["path"].startswith("/static/") and message["status"] in {200, 206, 304}
            headers["cache-control"] = KEPT if static else NOT_KEPT  # the address of a static file holds its hash
            if static and scope["path"].endswith(WORKER):
                headers["service-worker-allowed"] = WORKER_SCOPE
        await send(message)

    return answer
