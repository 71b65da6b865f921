"""Signing in, the lock, and signing out."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from urllib.parse import quote, urlsplit

from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from services.console.signin.credential import FRESH, Credential, GivenCredential, Person, ProviderFailed
from services.console.signin.local import Refused
from services.console.web import (
    Context,
    Form,
    Problem,
    Visit,
    action,
    cookie_name,
    own_path,
    page,
    problem,
    set_cookie,
)


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
    """The lock of a session: only the credential is asked, then it goes on. `why` says why it is locked."""

    local: bool
    provider: bool
    name: str
    why: str
    message: str
    return_to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeavingPage(Context):
    """Leads to the identity provider: a form may not be answered with another site, so a page stands between."""

    address: str
    message: str


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
    set_cookie(response, visit.console, "left", "")
    return response


def _why(visit: Visit, refused: Refused) -> str:
    if refused.wait_seconds:
        return visit.console.texts.count("sign_in.wait", ceil(refused.wait_seconds / 60))
    return visit.t("sign_in.wrong")


async def to_provider(visit: Visit) -> Response:
    """Sends the browser to the identity provider; to enter the credential anew unless it is a first sign-in.

    It is none where somebody is signed in, or was until they signed out here: the provider may still know them.
    """
    provider = visit.console.provider
    if provider is None:
        return problem(visit, 404, "missing")
    mark = visit.mark or secrets.token_urlsafe(16)
    anew = visit.session is not None or bool(visit.request.cookies.get(cookie_name("left", visit.console)))
    try:
        address = await provider.begin(mark, own_path(visit.request.query_params.get("return", "")), anew=anew)
    except ProviderFailed as failed:
        return _turned_away(visit, failed)
    response = RedirectResponse(address, status_code=303)
    set_cookie(response, visit.console, "visit", visit.console.visits.sign(mark.encode()).decode())
    return response


def toward_provider(visit: Visit, return_to: str) -> Response:
    """Answers a form with the way to the identity provider and back to `return_to`."""
    return _leaving(visit, f"/sign-in/provider?return={quote(return_to)}", visit.t("leaving.to_prove"))


def _leaving(visit: Visit, address: str, message: str) -> Response:
    return visit.show("leaving.html", LeavingPage(title=visit.t("leaving.title"), address=address, message=message))


async def from_provider(visit: Visit) -> Response:
    """Receives the browser back from the identity provider."""
    provider = visit.console.provider
    if provider is None:
        return problem(visit, 404, "missing")
    try:
        arrival = await provider.finish(visit.mark, visit.request.query_params)
    except ProviderFailed as failed:
        return _turned_away(visit, failed)
    session, credential = visit.session, arrival.credential
    if session is None:
        return _opened(visit, credential.person, credential, arrival.auth_time, arrival.return_to)
    if not _same(session.person, credential.person):
        return _turned_away(visit, ProviderFailed("somebody else", "another", arrival.return_to))
    if not arrival.anew:
        return visit.go(arrival.return_to)  # somebody signed in meanwhile, in another tab
    proven = visit.console.clock() - arrival.auth_time < FRESH
    session.tell(urlsplit(arrival.return_to).path, "proven" if proven else "not_anew")
    return _unlocked(visit, credential, arrival.auth_time, arrival.return_to)


def _turned_away(visit: Visit, failed: ProviderFailed) -> Response:
    """Answers whoever comes back from the provider without having proved who they are: nothing has changed."""
    visit.console.logger.warning("a sign-in failed", problem=failed.problem)
    return_to, session = failed.return_to or "/today", visit.session
    told = failed.cause in {"cancelled", "not_anew", "another"}
    if session is not None and told and (session.locked or session.handed):
        return _lock(visit, return_to, visit.t(f"lock.{failed.cause}"), 403)
    if session is not None and told:
        session.tell(urlsplit(return_to).path, failed.cause)
        return visit.go(return_to.partition("#")[0])
    if told:
        return _ask(visit, return_to=return_to, message=visit.t(f"sign_in.{failed.cause}"), status=403)
    away = failed.cause == "away"
    return problem(visit, 503 if away else 403, "provider" if away else "provider_refused")


def _same(one: Person, other: Person) -> bool:
    return (one.clinic, one.person) == (other.clinic, other.person)


async def locked(visit: Visit) -> Response:
    """Shows the lock; without a locked session there is nothing to unlock."""
    return_to = own_path(visit.request.query_params.get("return", ""))
    if visit.session is None:
        return visit.go("/sign-in")
    return _lock(visit, return_to) if visit.session.locked or visit.session.handed else visit.go(return_to)


def _lock(visit: Visit, return_to: str, message: str = "", status: int = 200) -> Response:
    context = LockPage(
        title=visit.t("lock.title"),
        local=visit.unlocked_by == "password",
        provider=visit.unlocked_by == "provider",
        name=visit.signed_in.person.name,
        why=_why_locked(visit),
        message=message,
        return_to=return_to,
    )
    if visit.wants_part:
        return visit.part("problem_line.html", _line(context), status=status)
    return visit.show("lock.html", context, status=status)


def _why_locked(visit: Visit) -> str:
    session = visit.signed_in
    why = "handed" if session.handed else session.why_locked or "idle"
    return visit.t(f"lock.{visit.unlocked_by}_kept.{why}")


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
    if not _same(found[0], session.person):  # the person id may be that of somebody in another clinic
        return _lock(visit, return_to, visit.t("sign_in.wrong"), 401)
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
    return visit.go(f"/lock?return={quote(own_path(form.get('here', '')))}")


async def state(visit: Visit) -> Response:
    """Tells a page whether its session goes on. Asking does not count as use."""
    session = visit.session
    if session is None:
        return JSONResponse({"state": "signed_out"})
    closed = session.locked or session.handed
    return JSONResponse({"state": "locked", "why": _why_locked(visit)} if closed else {"state": "open"})


async def used(visit: Visit, form: Form) -> Response:
    """Counts as use: somebody types or reads without asking for a page."""
    del visit, form
    return Response(status_code=204)


async def sign_out(visit: Visit, form: Form) -> Response:
    """Ends the session, and where the person signed in at an identity provider, their sign-in there if it lets us."""
    del form
    session, provider, address = visit.session, visit.console.provider, ""
    if session is not None:
        visit.console.sessions.close(session)
        if provider is not None and isinstance(session.credential, GivenCredential):
            address = await provider.leave(session.credential)
    left = Visit(visit.console, visit.request, None, visit.mark)
    response = _leaving(left, address, visit.t("leaving.to_sign_out")) if address else visit.go("/sign-in")
    set_cookie(response, visit.console, "session", "")
    if provider is not None:
        set_cookie(response, visit.console, "left", "yes")
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
