"""What the console says to an identity provider, and what it accepts from it: a real one, in a process of its own."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from services.console.signin.credential import ProviderFailed, Renewal
from services.console.signin.provider import FLOW_SECONDS, NEVER, Arrival, ProviderSettings, ProviderSignIn
from services.runtime.logs import make_logger
from tests.support.identity_provider import CLIENT_ID, CLIENT_SECRET, RunningProvider, running_provider

ORIGIN = "http://127.0.0.1:8000"
VISIT = "a browser"


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProvider]:
    with running_provider(tmp_path_factory.mktemp("provider")) as provider:
        yield provider


@pytest.fixture
def provider(started: RunningProvider) -> RunningProvider:
    started.fault("")
    started.life(3600)
    (started.folder / "asked").unlink(missing_ok=True)
    return started


class Desk:
    """A console's side of the talk, a browser that goes where it is sent, and the clocks of both."""

    def __init__(self, provider: RunningProvider, **settings: object) -> None:
        self.log, self.seconds, self.ahead = io.StringIO(), 0.0, timedelta()
        self.sign_in = ProviderSignIn(
            ProviderSettings(
                **{  # type: ignore[arg-type]
                    "issuer": provider.address,
                    "client_id": CLIENT_ID,
                    "client_secret": CLIENT_SECRET,
                    "sent": "access_token",
                    "origin": ORIGIN,
                    **settings,
                }
            ),
            make_logger(stream=self.log),
            monotonic=lambda: self.seconds,
            clock=lambda: datetime.now(UTC) + self.ahead,
        )
        self.browser = httpx.Client(trust_env=False)

    async def go(self, *, anew: bool = False, person: str = "ida") -> dict[str, str]:
        """Goes to the provider, signs in there if it asks, and returns what comes back in the address."""
        address = await self.sign_in.begin(VISIT, "/today", anew=anew)
        answer = self.browser.get(address)
        if answer.status_code == 200:
            answer = self.browser.get(f"{address}&signed={person}")
        assert answer.headers["location"].startswith(f"{ORIGIN}/sign-in/callback?")
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))

    async def arrive(self, *, anew: bool = False, person: str = "ida") -> Arrival:
        return await self.sign_in.finish(VISIT, await self.go(anew=anew, person=person))


async def refused(desk: Desk, answer: dict[str, str], visit: str = VISIT) -> ProviderFailed:
    with pytest.raises(ProviderFailed) as failed:
        await desk.sign_in.finish(visit, answer)
    return failed.value


async def renewed(desk: Desk, refresh: str) -> Renewal:
    renewal = await desk.sign_in.renew(refresh)
    assert renewal.refresh != refresh
    return renewal


async def test_a_token_is_renewed_and_the_refresh_token_changes_each_time(provider: RunningProvider) -> None:
    desk = Desk(provider)
    arrival = await desk.arrive()
    first = arrival.credential
    assert (first.person.person, first.person.clinic) == ("ida", "demo")
    renewal = await renewed(desk, first.refresh)
    assert renewal.given is not None
    assert renewal.given.person == first.person
    assert renewal.given.token != first.given.token
    assert (await renewed(desk, renewal.refresh)).given is not None
    with pytest.raises(ProviderFailed) as failed:  # control: the first is used up, the provider would say so
        await desk.sign_in.renew(first.refresh)
    assert failed.value.cause == "refused"
    assert provider.asked() == ["authorize openid profile", "code", "renewal", "renewal", "renewal refused"]


async def test_the_credential_of_a_session_is_renewed_at_the_provider(provider: RunningProvider) -> None:
    desk = Desk(provider)
    provider.life(300)
    arrival = await desk.arrive()
    before = await arrival.credential.token()
    desk.ahead = timedelta(minutes=4, seconds=1)
    assert await arrival.credential.token() != before
    assert provider.asked().count("renewal") == 1


async def test_offline_access_is_asked_for_only_if_the_setting_says_so(provider: RunningProvider) -> None:
    await Desk(provider, offline=True).arrive()
    await Desk(provider).arrive()
    asked = [line for line in provider.asked() if line.startswith("authorize")]
    assert asked == ["authorize openid profile offline_access", "authorize openid profile"]


async def test_without_a_refresh_token_nothing_is_renewed(provider: RunningProvider) -> None:
    provider.fault("no refresh token")
    desk = Desk(provider)
    arrival = await desk.arrive()
    assert arrival.credential.refresh == ""
    desk.ahead = timedelta(minutes=59, seconds=30)
    assert await arrival.credential.token()
    assert provider.asked() == ["authorize openid profile", "code"]


@pytest.mark.parametrize(("fault", "cause"), [("refuse", "refused"), ("away", "away"), ("garbled", "away")])
async def test_a_refusal_is_told_apart_from_a_provider_that_is_away(
    provider: RunningProvider, fault: str, cause: str
) -> None:
    desk = Desk(provider)
    arrival = await desk.arrive()
    provider.fault(fault)
    with pytest.raises(ProviderFailed) as failed:
        await desk.sign_in.renew(arrival.credential.refresh)
    assert failed.value.cause == cause


async def test_a_wrong_secret_of_the_console_is_not_held_against_the_person(provider: RunningProvider) -> None:
    arrival = await Desk(provider).arrive()
    with pytest.raises(ProviderFailed) as failed:
        await Desk(provider, client_secret="another").sign_in.renew(arrival.credential.refresh)
    assert failed.value.cause == "away"


@pytest.mark.parametrize("fault", ["issuer", "audience", "expired", "forged", "another identity", "client"])
async def test_a_renewed_token_that_is_not_right_is_not_used_but_its_refresh_token_is_kept(
    provider: RunningProvider, fault: str
) -> None:
    desk = Desk(provider)
    arrival = await desk.arrive()
    provider.fault(fault)
    assert (await renewed(desk, arrival.credential.refresh)).given is None


@pytest.mark.parametrize("fault", ["another person", "another clinic", "roles"])
async def test_a_renewed_token_says_for_whom_it_speaks(provider: RunningProvider, fault: str) -> None:
    desk = Desk(provider)
    arrival = await desk.arrive()
    provider.fault(fault)
    given = (await renewed(desk, arrival.credential.refresh)).given
    assert given is not None
    assert given.person != arrival.credential.person


async def test_who_has_to_enter_the_credential_anew_needs_more_than_an_old_sign_in(
    provider: RunningProvider,
) -> None:
    desk = Desk(provider)
    first = await desk.arrive()
    assert not first.anew
    assert datetime.now(UTC) - first.auth_time < timedelta(minutes=1)
    again = await desk.arrive(anew=True)  # control: asked anew, it is
    assert again.anew
    provider.fault("silent")
    failed = await refused(desk, await desk.go(anew=True))
    assert (failed.cause, failed.return_to) == ("not_anew", "/today")
    assert (await desk.arrive()).auth_time < datetime.now(UTC) - timedelta(minutes=50)  # a first sign-in may be silent


async def test_a_provider_that_says_no_time_signs_in_but_proves_nothing_anew(provider: RunningProvider) -> None:
    provider.fault("no auth_time")
    desk = Desk(provider)
    assert (await desk.arrive()).auth_time == NEVER
    assert (await refused(desk, await desk.go(anew=True))).cause == "not_anew"


@pytest.mark.parametrize("fault", ["nonce", "issuer", "audience", "expired", "client"])
async def test_tokens_that_are_not_right_let_nobody_in(provider: RunningProvider, fault: str) -> None:
    provider.fault(fault)
    desk = Desk(provider)
    assert (await refused(desk, await desk.go())).cause == "refused"


async def test_an_answer_is_good_once_for_one_browser_and_for_ten_minutes(provider: RunningProvider) -> None:
    desk = Desk(provider)
    answer = await desk.go()
    assert (await refused(desk, {**answer, "state": "another"})).problem == "state"
    await desk.sign_in.finish(VISIT, answer)
    assert (await refused(desk, answer)).problem == "state"
    assert (await refused(desk, await desk.go(), visit="another browser")).problem == "state"
    assert (await refused(desk, await desk.go(), visit="")).problem == "state"
    answer = await desk.go()
    desk.seconds += FLOW_SECONDS + 1
    assert (await refused(desk, answer)).problem == "too late"
    # A code that belongs to another sign-in does not go with this one's verifier.
    one, other = await desk.go(), await desk.go()
    assert (await refused(desk, {**one, "code": other["code"]})).cause == "refused"


async def test_what_the_provider_says_of_itself_in_the_answer_counts(provider: RunningProvider) -> None:
    desk = Desk(provider)
    assert (await refused(desk, {**await desk.go(), "iss": "https://other.test"})).cause == "refused"
    await desk.sign_in.finish(VISIT, {**await desk.go(), "iss": provider.address})
    turned_back = await refused(desk, {**await desk.go(), "error": "access_denied"})
    assert (turned_back.cause, turned_back.return_to) == ("cancelled", "/today")
    assert (await refused(desk, {**await desk.go(), "error": "server_error <b>"})).cause == "refused"


async def test_leaving_takes_the_refresh_token_back_and_no_token_is_in_the_address(provider: RunningProvider) -> None:
    desk = Desk(provider)
    arrival = await desk.arrive()
    address = await desk.sign_in.leave(arrival.credential)
    parts = urlsplit(address)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{provider.address}/end"
    assert dict(parse_qsl(parts.query)) == {"client_id": CLIENT_ID, "post_logout_redirect_uri": f"{ORIGIN}/sign-in"}
    assert provider.asked()[-1] == "revoke"
    with pytest.raises(ProviderFailed) as failed:
        await desk.sign_in.renew(arrival.credential.refresh)
    assert failed.value.cause == "refused"
    provider.fault("away")
    assert await desk.sign_in.leave(arrival.credential) == address  # one leaves all the same


async def test_no_token_and_no_text_of_the_provider_is_in_the_log(provider: RunningProvider) -> None:
    desk = Desk(provider)
    arrival = await desk.arrive()
    for fault in ("refuse", "away", "garbled"):
        provider.fault(fault)
        with pytest.raises(ProviderFailed):
            await desk.sign_in.renew(arrival.credential.refresh)
    provider.fault("")
    forged = await Desk(provider).arrive()
    provider.fault("forged")
    await desk.sign_in.renew(forged.credential.refresh)
    lines = [json.loads(line) for line in desk.log.getvalue().splitlines()]
    assert [line["problem"] for line in lines] == [
        "token: invalid_grant",
        "token: HTTPStatusError",
        "token: ValueError",
        "signature",
    ]
    told = desk.log.getvalue() + repr(arrival) + repr(forged.credential)
    assert "renews-" not in told
    assert "eyJ" not in told
    assert CLIENT_SECRET not in repr(desk.sign_in.__dict__)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("authorization_endpoint", "http://provider.example/authorize"),
        ("token_endpoint", "http://provider.example/token"),
        ("token_endpoint", "javascript:alert(1)"),
        ("end_session_endpoint", "javascript:alert(1)"),
        ("issuer", "https://other.test"),
    ],
)
async def test_a_description_that_leads_elsewhere_or_in_the_open_is_refused(
    provider: RunningProvider, name: str, value: str
) -> None:
    assert await Desk(provider).sign_in.begin(VISIT, "/today", anew=False)
    described = provider.folder / "described"
    described.write_text(json.dumps({name: value}))
    try:
        with pytest.raises(ProviderFailed):
            await Desk(provider).sign_in.begin(VISIT, "/today", anew=False)
    finally:
        described.unlink()
