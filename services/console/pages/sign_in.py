"""Signing in, the lock, and signing out."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil

from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from services.console.signin.credential import Credential, Person, ProviderFailed
from services.console.signin.local import Refused
from services.console.web import Context, Form, Problem, Visit, action, own_path, page, problem, set_cookie


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInPage(Context):
    """The form. `person` is what was typed; `message` says why it did not work."""

    local: bool
    provider: bool
    person: str
    message: str
    return_to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LockPage(Context):
    """The lock of a session that nobody used for a while: only the credential is asked, then it goes on."""

    local: bool
    provider: bool
    name: str
    message: str
    return_to: str


async def ask(visit: Visit) -> Response:
    """Shows the sign-in form; somebody who is signed in goes on to where they wanted."""
    return_to = own_path(visit.request.query_params.get("return", ""))
    if visit.session is not None and not visit.session.locked:
        return visit.go(return_to)
    return _ask(visit, return_to=return_to)


def _ask(visit: Visit, *, return_to: str, person: str = "", message: str = "", status: int = 200) -> Response:
    marked = visit if visit.mark else Visit(visit.console, visit.request, visit.session, secrets.token_urlsafe(16))
    context = SignInPage(
        title=visit.t("sign_in.title"),
        local=visit.console.local is not None,
        provider=visit.console.provider is not None,
        person=person,
        message=message,
        return_to=return_to,
    )
    response = marked.show("sign_in.html", context, status=status)
    if marked is not visit:
        set_cookie(response, visit.console, "visit", visit.console.visits.sign(marked.mark.encode()).decode())
    return response


async def sign_in(visit: Visit, form: Form) -> Response:
    """Checks name and password and opens a session."""
    return_to = own_path(form.get("return", ""))
    local = visit.console.local
    if local is None:
        return problem(visit, 404, "missing")
    name = form.get("person", "").strip()
    found = await local.check(name, form.get("password", ""))
    if isinstance(found, Refused):
        visit.console.logger.warning("a sign-in failed", problem="wait" if found.wait_seconds else "credential")
        return _ask(visit, return_to=return_to, person=name, message=_why(visit, found), status=401)
    return _opened(visit, found[0], found[1], found[1].auth_time, return_to)


def _opened(visit: Visit, person: Person, credential: Credential, auth_time: datetime, return_to: str) -> Response:
    sessions = visit.console.sessions
    if visit.session is not None:
        sessions.close(visit.session)
    session = sessions.open(person, credential, auth_time)
    visit.console.logger.info("signed in", person=person.person, clinic=person.clinic)
    response = RedirectResponse(return_to, status_code=303)
    set_cookie(response, visit.console, "session", sessions.cookie(session))
    set_cookie(response, visit.console, "visit", "")
    return response


def _why(visit: Visit, refused: Refused) -> str:
    if refused.wait_seconds:
        return visit.console.texts.count("sign_in.wait", ceil(refused.wait_seconds / 60))
    return visit.t("sign_in.wrong")


async def to_provider(visit: Visit) -> Response:
    """Sends the browser to the identity provider; from a locked session to enter the credential anew."""
    provider = visit.console.provider
    if provider is None:
        return problem(visit, 404, "missing")
    mark = visit.mark or secrets.token_urlsafe(16)
    try:
        address = await provider.begin(
            mark, own_path(visit.request.query_params.get("return", "")), again=visit.session is not None
        )
    except ProviderFailed as failed:
        visit.console.logger.warning("the identity provider cannot be used", problem=failed.problem)
        return problem(visit, 503, "provider")
    response = RedirectResponse(address, status_code=303)
    set_cookie(response, visit.console, "visit", visit.console.visits.sign(mark.encode()).decode())
    return response


async def from_provider(visit: Visit) -> Response:
    """Receives the browser back from the identity provider."""
    provider, query = visit.console.provider, visit.request.query_params
    if provider is None:
        return problem(visit, 404, "missing")
    try:
        person, credential, auth_time, return_to = await provider.finish(
            visit.mark, query.get("state", ""), query.get("code", "")
        )
    except ProviderFailed as failed:
        visit.console.logger.warning("a sign-in failed", problem=failed.problem)
        return problem(visit, 403, "provider_refused")
    session = visit.session
    if session is not None and _same(session.person, person):
        return _unlocked(visit, credential, auth_time, return_to)
    return _opened(visit, person, credential, auth_time, return_to)


def _same(one: Person, other: Person) -> bool:
    return (one.clinic, one.person) == (other.clinic, other.person)


async def locked(visit: Visit) -> Response:
    """Shows the lock; without a locked session there is nothing to unlock."""
    return_to = own_path(visit.request.query_params.get("return", ""))
    if visit.session is None:
        return visit.go("/sign-in")
    return visit.go(return_to) if not visit.session.locked else _lock(visit, return_to)


def _lock(visit: Visit, return_to: str, message: str = "", status: int = 200) -> Response:
    context = LockPage(
        title=visit.t("lock.title"),
        local=visit.console.local is not None,
        provider=visit.console.provider is not None,
        name=visit.signed_in.person.name,
        message=message,
        return_to=return_to,
    )
    if visit.wants_part:
        return visit.part("problem_line.html", _line(context), status=status)
    return visit.show("lock.html", context, status=status)


def _line(context: LockPage) -> Problem:
    return Problem(title=context.title, kind="locked", message=context.message, hint="")


async def unlock(visit: Visit, form: Form) -> Response:
    """Goes on with a locked session for whoever can enter its person's credential again."""
    session, local = visit.session, visit.console.local
    if session is None:
        return problem(visit, 401, "signed_out")
    if local is None:
        return problem(visit, 404, "missing")
    return_to = own_path(form.get("return", ""))
    found = await local.check(session.person.person, form.get("password", ""))
    if isinstance(found, Refused):
        return _lock(visit, return_to, _why(visit, found), 401)
    return _unlocked(visit, found[1], found[1].auth_time, return_to)


def _unlocked(visit: Visit, credential: Credential, auth_time: datetime, return_to: str) -> Response:
    session = visit.signed_in
    visit.console.sessions.unlock(session, credential, auth_time)
    response: Response
    if visit.wants_part:
        response = JSONResponse({"state": "open"})
    else:
        response = RedirectResponse("/lock/entry" if session.held else return_to, status_code=303)
    set_cookie(response, visit.console, "session", visit.console.sessions.cookie(session))
    return response


async def held_entry(visit: Visit) -> Response:
    """Offers the form again that was sent while the session was locked, exactly as it was."""
    session = visit.signed_in
    held, session.held = session.held, None
    if held is None:
        return visit.go("/today")
    context = Problem(
        title=visit.t("problem.held.title"),
        kind="held",
        message=visit.t("problem.held.message"),
        hint=visit.t("problem.held.hint"),
        path=held.path,
        fields=held.fields,
    )
    return visit.show("problem.html", context)


async def lock_now(visit: Visit, form: Form) -> Response:
    """Locks at once: a person leaves the screen, or the page has seen nobody for a while."""
    visit.signed_in.locked = True
    if visit.wants_part:
        return JSONResponse({"state": "locked"})
    return visit.go(f"/lock?return={own_path(form.get('here', ''))}")


async def state(visit: Visit) -> Response:
    """Tells a page whether its session goes on. Asking does not count as use."""
    session = visit.session
    return JSONResponse({"state": "signed_out" if session is None else "locked" if session.locked else "open"})


async def used(visit: Visit, form: Form) -> Response:
    """Counts as use: somebody types or reads without asking for a page."""
    del visit, form
    return Response(status_code=204)


async def sign_out(visit: Visit, form: Form) -> Response:
    """Ends the session."""
    del form
    if visit.session is not None:
        visit.console.sessions.close(visit.session)
    response = visit.go("/sign-in")
    set_cookie(response, visit.console, "session", "")
    return response


ROUTES: Sequence[Route] = (
    *page("/sign-in", ask, public=True),
    *action("/sign-in", sign_in, public=True),
    *page("/sign-in/provider", to_provider, public=True),
    *page("/sign-in/callback", from_provider, public=True),
    *page("/lock", locked, public=True),
    *action("/lock", unlock, public=True),
    *page("/lock/entry", held_entry),
    *action("/lock/now", lock_now),
    *page("/session", state, public=True),
    *action("/session/used", used),
    *action("/sign-out", sign_out, public=True),
)
