"""How a page is answered: typed context in, HTML or JSON out; who may ask; what a failed call of a service looks like.

A handler gets a `Visit` (who asks, and everything it needs) and returns a response. `page` and `action` wrap it: no
handler can forget the session, the lock, the form token or the translation of errors.
"""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

import grpc
from itsdangerous import BadSignature, Signer
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from structlog.typing import FilteringBoundLogger

from services.console.bodychart_files import BodyChart
from services.console.clients import Services, send_as
from services.console.config import ConsoleSettings
from services.console.navigation import NavigationItem, navigation
from services.console.plain import plain
from services.console.signin.credential import CredentialEnded, GivenCredential, Person
from services.console.signin.local import LocalSignIn
from services.console.signin.sessions import HeldEntry, Session, Sessions
from services.console.templating import Templates
from services.console.texts import Texts
from services.console.vocabulary import Vocabulary
from services.runtime.client import error_of
from services.runtime.status import CallRefused

if TYPE_CHECKING:
    from services.console.signin.provider import ProviderSignIn

MOST_FIELDS = 200
MOST_FIELD_LETTERS = 10_000
FORM_TOKEN = "form_token"  # noqa: S105 - the name of a field
PASSWORD = "password"  # noqa: S105 - the name of a field; what is typed in it is never put on a page again
HERE = "here"  # the page that a form is on, so that the lock can lead back to it
THEMES = ("system", "light", "dark")
JSON = ".json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """Everything that the pages share."""

    settings: ConsoleSettings
    origin: str
    services: Services
    vocabulary: Vocabulary
    chart: BodyChart
    texts: Texts
    templates: Templates
    sessions: Sessions
    local: LocalSignIn | None
    provider: ProviderSignIn | None
    visits: Signer
    zone: ZoneInfo | None
    clock: Callable[[], datetime]
    logger: FilteringBoundLogger

    @property
    def reviewed(self) -> bool:
        """Whether a clinician has reviewed all knowledge and every shape of the chart."""
        return self.vocabulary.reviewed and self.chart.reviewed

    def local_time(self, moment: datetime) -> datetime:
        """Returns a moment in the time zone of the clinic."""
        return moment.astimezone(self.zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a page shows. Every page has a frozen subclass; the same address with `.json` returns it."""

    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """What is around every page: who is signed in, where one can go, how it looks.

    `person` is None as well while the tablet is in the client's hands; `session_key` still says whose session it is.
    """

    person: Person | None
    navigation: tuple[NavigationItem, ...]
    theme: str
    form_token: str
    idle_seconds: int
    not_reviewed: bool
    path: str
    session_key: str
    unlocked_by: str
    """How a locked session goes on: by `password`, or at the `provider`."""
    sign_in_away: str
    """Until when the session goes on while the identity provider does not answer; empty: it does."""


Form = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Visit:
    """One request: the console, the request, who asks (None on public pages) and the browser's own mark."""

    console: Console
    request: Request
    session: Session | None
    mark: str
    here: str = ""
    """The page that a form was sent from; empty for a page itself."""

    @property
    def person(self) -> Person:
        """Who asks. Only on pages that need a sign-in."""
        return self.signed_in.person

    @property
    def signed_in(self) -> Session:
        """The session. Only on pages that need a sign-in."""
        if self.session is None:
            raise RuntimeError("a public page asked for the session")
        return self.session

    @property
    def wants_part(self) -> bool:
        """Whether a script asks, for a part of a page."""
        return "hx-request" in self.request.headers

    @property
    def path(self) -> str:
        """The address of the page, without `.json`."""
        return self.request.url.path.removesuffix(JSON)

    def t(self, key: str, **values: object) -> str:
        """Returns a text of the catalogue."""
        return self.console.texts(key, **values)

    def form_token(self) -> str:
        """Returns the token that a form of this page carries."""
        if self.session is not None:
            return self.session.form_token()
        return self.console.visits.sign(self.mark.encode()).decode()

    def accepts(self, token: str) -> bool:
        """Says whether a form token belongs to this visit."""
        if self.session is not None:
            return self.session.accepts(token)
        try:
            return hmac.compare_digest(self.console.visits.unsign(token.encode()).decode(), self.mark)
        except (BadSignature, ValueError):
            return False

    def shell(self, *, reviewed: bool = True) -> Shell:
        """Returns what is around the page; `reviewed`: whether what it rests on beside all knowledge is reviewed."""
        theme = self.request.cookies.get("theme", "system")
        present = self.session.person if self.session and not self.session.locked else None
        person = present if self.session and not self.session.handed else None
        return Shell(
            person=person,
            navigation=navigation(self.path, person.roles if person else frozenset(), self.console.texts),
            theme=theme if theme in THEMES else "system",
            form_token=self.form_token(),
            idle_seconds=int(self.console.sessions.idle_seconds) if present else 0,
            not_reviewed=not (self.console.reviewed and reviewed),
            path=self.here or self.path + (f"?{self.request.url.query}" if self.request.url.query else ""),
            session_key=f"{present.clinic}/{present.person}" if present else "",
            unlocked_by=self.unlocked_by,
            sign_in_away=self._sign_in_away() if present else "",
        )

    @property
    def unlocked_by(self) -> str:
        """How the session goes on once it is locked: by `password`, or at the `provider` where the person signed in."""
        given = self.session is not None and isinstance(self.session.credential, GivenCredential)
        return "provider" if given else "password"

    def _sign_in_away(self) -> str:
        credential = self.signed_in.credential
        if not isinstance(credential, GivenCredential) or not credential.unanswered:
            return ""
        return f"{self.console.local_time(credential.given.expires):%H:%M}"

    def show(self, template: str, context: Context, *, status: int = 200, reviewed: bool = True) -> Response:
        """Answers with a page, or with its context as JSON if the address ends so."""
        if self.request.url.path.endswith(JSON):
            return JSONResponse(plain(context), status_code=status)
        body = self.console.templates.render(template, page=context, shell=self.shell(reviewed=reviewed))
        return HTMLResponse(body, status_code=status)

    def part(self, template: str, context: object, *, status: int = 200) -> Response:
        """Answers a script with a part of a page."""
        body = self.console.templates.render(template, page=context, shell=self.shell())
        return HTMLResponse(body, status_code=status)

    def go(self, address: str) -> Response:
        """Sends the browser to another page of the console after a form."""
        return RedirectResponse(address, status_code=303)


Handler = Callable[[Visit], Awaitable[Response]]
Action = Callable[[Visit, Form], Awaitable[Response]]


def page(path: str, handler: Handler, *, public: bool = False) -> Sequence[Route]:
    """Returns the routes of a page: its address, and the same with `.json`."""

    async def answer(request: Request) -> Response:
        return await _answer(request, handler, public=public)

    return (Route(path + JSON, answer, methods=["GET"]), Route(path, answer, methods=["GET"]))


def action(path: str, handler: Action, *, public: bool = False) -> Sequence[Route]:
    """Returns the route that a form is sent to. The handler gets the fields; the form token is checked before."""

    async def answer(request: Request) -> Response:
        return await _act(request, handler, public=public)

    return (Route(path, answer, methods=["POST"]),)


async def _answer(request: Request, handler: Handler, *, public: bool) -> Response:
    visit = visit_of(request)

    async def answer() -> Response:
        refusal = None if public else await _enter(visit)
        return refusal or await handler(visit)

    return await _answered(visit, answer())


async def _act(request: Request, handler: Action, *, public: bool) -> Response:
    visit = visit_of(request)
    form = await read_form(request)
    fields = {name: value for name, value in form.items() if name != FORM_TOKEN}
    kept = {name: value for name, value in fields.items() if name != PASSWORD}
    visit = replace(visit, here=own_path(form.get(HERE, "")))

    async def answer() -> Response:
        if not public and (refusal := await _enter(visit, kept)):
            return refusal
        if not visit.accepts(form.get(FORM_TOKEN, "")):
            return problem(visit, 403, "forged")
        return await handler(visit, fields)

    return await _answered(visit, answer(), kept)


async def _answered(visit: Visit, answer: Awaitable[Response], fields: Form | None = None) -> Response:
    """Returns the answer of a handler, or the page for what went wrong in it."""
    try:
        return await answer
    except grpc.aio.AioRpcError as error:
        return refused(visit, error_of(error), fields)
    except HTTPException:
        raise
    except Exception:  # a fault of one page is told on that page and written down
        visit.console.logger.exception("a page failed", method=visit.request.method)
        return problem(visit, 500, "fault")


def visit_of(request: Request) -> Visit:
    """Returns who asks what."""
    console: Console = request.app.state.console
    session = console.sessions.find(request.cookies.get(cookie_name("session", console), ""))
    try:
        mark = console.visits.unsign(request.cookies.get(cookie_name("visit", console), "").encode()).decode()
    except (BadSignature, ValueError):
        mark = ""
    return Visit(console, request, session, mark)


def cookie_name(purpose: str, console: Console) -> str:
    """Returns the name of the cookie `session` or `visit` (which binds a sign-in to the browser that began it).

    The prefix makes browsers insist on https and on this host alone. On the loopback, where ports share their cookies,
    the port keeps two consoles apart.
    """
    parts = urlsplit(console.origin)
    return f"__Host-{purpose}" if parts.scheme == "https" else f"{purpose}-{parts.port or 80}"


def set_cookie(response: Response, console: Console, purpose: str, value: str) -> None:
    """Sets a cookie that scripts cannot read and other sites cannot send along with their forms; empty: takes it."""
    response.set_cookie(
        cookie_name(purpose, console),
        value,
        max_age=None if value else 0,
        path="/",
        secure=console.origin.startswith("https:"),
        httponly=True,
        samesite="lax",
    )


async def _enter(visit: Visit, fields: Form | None = None) -> Response | None:
    """Lets a signed-in, unlocked person in; otherwise answers with the way to get in."""
    session = visit.session
    if session is None:
        return _outside(visit)
    if not session.locked:
        try:
            send_as(await session.credential.token())
            session.person = session.credential.person
        except CredentialEnded as ended:
            if ended.cause == "another":
                visit.console.logger.warning("a session ended: its renewed token speaks for somebody else")
                visit.console.sessions.close(session)
            session.locked, session.why_locked = True, ended.cause
        if not visit.console.sessions.holds(session):
            return _outside(replace(visit, session=None))
    if session.shut(visit.request.url.path):
        if visit.wants_part or visit.request.url.path.endswith(JSON):
            return problem(visit, 423, "locked")
        if fields is not None:
            session.held = HeldEntry(path=visit.request.url.path, fields=tuple(fields.items()))
        return RedirectResponse(f"/lock?return={quote(_return_to(visit))}", status_code=303)
    visit.console.sessions.use(session)
    return None


def _outside(visit: Visit) -> Response:
    if visit.wants_part or visit.request.url.path.endswith(JSON):
        return problem(visit, 401, "signed_out")
    return RedirectResponse(f"/sign-in?return={quote(_return_to(visit))}", status_code=303)


def _return_to(visit: Visit) -> str:
    if visit.request.method == "GET":
        return own_path(visit.shell().path)
    return visit.here


def own_path(path: str) -> str:
    """Returns a path of this console as it is, anything else as the first page: nobody is sent elsewhere."""
    try:
        parts = urlsplit(path)
    except ValueError:
        return "/today"
    strange = parts.scheme or parts.netloc or not path.startswith("/") or path.startswith(("//", "/\\"))
    inside = path.startswith(("/sign-in", "/lock", "/sign-out"))
    return "/today" if strange or inside or any(ord(letter) < ord("!") for letter in path) else path


async def read_form(request: Request) -> Form:
    """Returns the text fields of a form; a field that is sent several times holds all values, one a line.

    Raises HTTPException for a form that is too large or holds a file.
    """
    try:
        data: FormData = await request.form(max_fields=MOST_FIELDS, max_files=0)
    except HTTPException:
        raise
    except ValueError:
        raise HTTPException(400) from None
    fields: dict[str, str] = {}
    for name, value in data.multi_items():
        if isinstance(value, UploadFile) or len(value) > MOST_FIELD_LETTERS or len(name) > MOST_FIELDS:
            raise HTTPException(413)
        text = value.replace("\r\n", "\n")
        fields[name] = f"{fields[name]}\n{text}" if name in fields else text
    return fields


def several(form: Form, name: str) -> tuple[str, ...]:
    """Returns the values of a field that can be sent several times."""
    return tuple(value for value in form.get(name, "").split("\n") if value)


def derived_id(key: str, purpose: str) -> str:
    """Returns a request id for one of the writes that a form makes: the same whenever the same form is sent again."""
    return str(uuid.UUID(bytes=hashlib.sha256(f"{key} {purpose}".encode()).digest()[:16], version=4))


# --- what went wrong ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem(Context):
    """A page that says what went wrong, and offers to send the entry again where there is one."""

    kind: str
    message: str
    hint: str
    details: tuple[str, ...] = ()
    path: str = ""
    fields: tuple[tuple[str, str], ...] = field(default=(), repr=False)


STATUS_OF: Mapping[grpc.StatusCode, tuple[int, str]] = {
    grpc.StatusCode.NOT_FOUND: (404, "missing"),
    grpc.StatusCode.PERMISSION_DENIED: (403, "not_allowed"),
    grpc.StatusCode.UNAUTHENTICATED: (403, "not_trusted"),
    grpc.StatusCode.INVALID_ARGUMENT: (422, "invalid"),
    grpc.StatusCode.FAILED_PRECONDITION: (409, "state"),
    grpc.StatusCode.ABORTED: (409, "changed"),
    grpc.StatusCode.ALREADY_EXISTS: (409, "taken"),
    grpc.StatusCode.RESOURCE_EXHAUSTED: (429, "busy"),
    grpc.StatusCode.UNAVAILABLE: (503, "unavailable"),
    grpc.StatusCode.DEADLINE_EXCEEDED: (503, "unavailable"),
    grpc.StatusCode.DATA_LOSS: (500, "damaged"),
}
KIND_OF_REASON = {"PREDICTION_OPEN": "predicting"}
REPEATABLE = {"unavailable", "busy"}


def refused(visit: Visit, refusal: CallRefused, fields: Form | None = None) -> Response:
    """Answers with what a refused call means for the person at the screen."""
    status, kind = STATUS_OF.get(refusal.code, (500, "fault"))
    kind = KIND_OF_REASON.get(refusal.reason, kind)
    details = tuple(f"{problem.field}: {problem.problem}" for problem in refusal.fields) + refusal.preconditions
    if kind in {"state", "invalid"} and not details:
        details = (refusal.message,)
    return problem(visit, status, kind, details, fields if kind in REPEATABLE else None)


def problem(
    visit: Visit, status: int, kind: str, details: tuple[str, ...] = (), fields: Form | None = None
) -> Response:
    """Answers with a page, or for a script with a line, that says what went wrong."""
    context = Problem(
        title=visit.t(f"problem.{kind}.title"),
        kind=kind,
        message=visit.t(f"problem.{kind}.message"),
        hint=visit.t(f"problem.{kind}.hint"),
        details=details,
        path=visit.request.url.path if fields is not None else "",
        fields=tuple(fields.items()) if fields is not None else (),
    )
    if visit.wants_part:
        return visit.part("problem_line.html", context, status=status)
    return visit.show("problem.html", context, status=status)
