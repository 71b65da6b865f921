"""Sessions of people who signed in at an identity provider: renewed while they work, locked when that ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from services.console.app import build
from services.console.signin.credential import Given, GivenCredential, Person, ProviderFailed, Renewal
from services.console.signin.sessions import Session
from tests.support.console import PASSWORD, Asking

LIFE = timedelta(minutes=5)


@dataclass(slots=True)
class Renewing:
    """A provider whose tokens the services of the tests trust, and a clock that goes on when a test says so."""

    asking: Asking
    person: Person
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    asked: int = 0
    refresh: str = ""
    fails: str = ""
    speaks_for: Callable[[Person], Person] = field(default=lambda person: person)

    def given(self, person: Person) -> Given:
        token = self.asking.services.issuer.token(person=person.person, clinic=person.clinic, roles=tuple(person.roles))
        return Given(token=token, person=person, expires=self.now + LIFE)

    async def renew(self, refresh: str) -> Renewal:
        self.asked += 1
        await asyncio.sleep(0)  # others get their turn, as at a provider
        if self.fails:
            raise ProviderFailed("token", self.fails)
        self.refresh = f"{refresh}+"
        return Renewal(refresh=self.refresh, given=self.given(self.speaks_for(self.person)))

    @property
    def session(self) -> Session:
        session = self.asking.console.sessions.find(self.asking.client.cookies["session-8000"])
        assert session is not None
        return session


@pytest.fixture
def provider(asking: Asking) -> Renewing:
    """Somebody is signed in by a provider."""
    asking.sign_in()
    session = asking.console.sessions.find(asking.client.cookies["session-8000"])
    assert session is not None
    renewing = Renewing(asking, session.person)
    session.credential = GivenCredential(
        renewing.given(session.person), "the first refresh token", renewing.renew, clock=lambda: renewing.now
    )
    return renewing


async def test_a_treatment_of_an_hour_is_not_interrupted(asking: Asking, provider: Renewing) -> None:
    since, shown = provider.session.auth_time, []
    for time in range(1, 5):
        provider.now += timedelta(minutes=4, seconds=1)
        answers = await asyncio.gather(*(asking.get("/today.json") for _ in range(6)), asking.get("/new-client"))
        assert [answer.status_code for answer in answers] == [200] * 7
        assert provider.asked == time  # once a time, however many ask at once
        shown += [answer.text + str(answer.headers) for answer in answers]
    assert provider.session.auth_time == since  # a renewal is not a fresh credential
    # No token is in a page, a cookie, the log or a repr.
    told = "".join(shown) + str(dict(asking.client.cookies)) + asking.log.getvalue() + repr(provider.session)
    assert "first" in provider.refresh
    assert provider.refresh not in told
    assert "eyJ" not in told
    provider.speaks_for = lambda person: replace(person, roles=frozenset({"auditor"}))
    provider.now += LIFE
    await asking.get("/today")
    assert provider.session.person.roles == {"auditor"}  # roles that were taken away count from then on


async def test_nobody_renews_for_a_session_that_is_left_alone(asking: Asking, provider: Renewing) -> None:
    provider.now += LIFE
    provider.session.used -= asking.console.sessions.idle_seconds - 60
    used = provider.session.used
    assert (await asking.get("/session.json")).json() == {"state": "open"}
    assert (provider.session.used, provider.asked) == (used, 0)  # asking for the state is no use
    provider.session.used -= 60
    assert (await asking.get("/today")).headers["location"] == "/lock?return=/today"
    assert (await asking.get("/session.json")).json()["state"] == "locked"
    assert "Nobody used this screen" in (await asking.get("/lock")).text
    assert provider.asked == 0


async def test_a_refusal_locks_and_what_was_sent_is_kept(asking: Asking, provider: Renewing) -> None:
    provider.fails = "refused"
    provider.now += LIFE - timedelta(seconds=30)
    answer = await asking.post("/new-visit", {"client": "kept", "here": "/new-client"})
    assert answer.headers["location"] == "/lock?return=/new-client"
    assert provider.session.held is not None
    assert dict(provider.session.held.fields)["client"] == "kept"
    page = (await asking.get("/lock")).text
    assert "asks again who you are" in page
    assert "password" not in page.partition("<main")[2].partition("</main>")[0]
    assert "asks again" in (await asking.get("/session.json")).json()["why"]


async def test_a_provider_that_is_away_is_told_and_locks_only_when_the_token_ends(
    asking: Asking, provider: Renewing
) -> None:
    assert "does not answer" not in (await asking.get("/today")).text
    provider.fails = "away"
    provider.now += LIFE - timedelta(seconds=30)
    page = await asking.get("/today")
    assert page.status_code == 200
    until = f"{provider.now + timedelta(seconds=30):%H:%M}"
    assert f"does not answer. You can go on until {until}" in page.text.replace("&#39;", "'")
    provider.now += timedelta(seconds=30)
    answer = await asking.post("/new-visit", {"client": "kept", "here": "/new-client"})
    assert answer.headers["location"] == "/lock?return=/new-client"
    assert "go on as soon as it answers" in (await asking.get("/lock")).text
    assert provider.session.held is not None


async def test_a_token_for_somebody_else_ends_the_session(asking: Asking, provider: Renewing) -> None:
    provider.speaks_for = lambda person: replace(person, person="otto")
    provider.now += LIFE
    session = provider.session
    assert (await asking.get("/today")).headers["location"] == "/sign-in?return=/today"
    assert not asking.console.sessions.holds(session)
    assert (await asking.get("/session.json")).json() == {"state": "signed_out"}
    assert (await asking.get("/today.json")).status_code == 401
    assert "somebody else" in asking.log.getvalue()


async def test_a_session_that_is_ended_while_it_is_renewed_stays_ended(asking: Asking, provider: Renewing) -> None:
    provider.now += LIFE
    token = asking.token()
    page, _ = await asyncio.gather(
        asking.get("/today"),
        asking.client.post("/sign-out", data={"form_token": token}, headers={"sec-fetch-site": "same-origin"}),
    )
    assert page.headers["location"] == "/sign-in?return=/today"
    assert (await asking.get("/session.json")).json() == {"state": "signed_out"}


async def test_the_same_name_in_another_clinic_does_not_unlock(asking: Asking) -> None:
    """The account `tess` is of the clinic `demo`; the session is of a `tess` of another."""
    asking.sign_in()
    session = asking.console.sessions.find(asking.client.cookies["session-8000"])
    assert session is not None
    session.locked = True
    assert (await asking.post("/lock", {"password": PASSWORD})).status_code == 401
    assert session.locked
    asking.sign_in(clinic="demo")
    session = asking.console.sessions.find(asking.client.cookies["session-8000"])
    assert session is not None
    session.locked = True
    assert (await asking.post("/lock", {"password": PASSWORD})).status_code == 303  # control: the right one does
    assert not session.locked


async def test_the_lock_leads_back_to_the_whole_address(asking: Asking) -> None:
    asking.sign_in()
    answer = await asking.post("/lock/now", {"here": "/clients/c/plans/p?step=a&version=2#why"})
    assert answer.headers["location"] == "/lock?return=/clients/c/plans/p%3Fstep%3Da%26version%3D2%23why"
    assert 'value="/clients/c/plans/p?step=a&amp;version=2#why"' in (await asking.get(answer.headers["location"])).text


async def test_on_https_cookies_are_bound_to_this_host_and_to_https(asking: Asking) -> None:
    secure = replace(asking.console, origin="https://console.example")
    transport = httpx.ASGITransport(app=build(secure))
    async with httpx.AsyncClient(transport=transport, base_url="https://console.example") as client:
        page = await client.get("/sign-in")
        form = {
            "form_token": page.text.partition('name="form_token" value="')[2].partition('"')[0],
            "person": "tess",
            "password": PASSWORD,
        }
        answer = await client.post("/sign-in", data=form, headers={"sec-fetch-site": "same-origin"})
    assert answer.status_code == 303
    cookies = page.headers.get_list("set-cookie") + answer.headers.get_list("set-cookie")
    assert {each.partition("=")[0] for each in cookies} == {"__Host-visit", "__Host-session", "__Host-left"}
    for each in cookies:
        flags = {flag.strip().lower() for flag in each.split(";")[1:]}
        assert {"httponly", "secure", "path=/", "samesite=lax"} <= flags
        assert not any(flag.startswith("domain") for flag in flags)
