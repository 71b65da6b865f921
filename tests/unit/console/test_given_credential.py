"""The credential from an identity provider: when its token is renewed, by how many requests, and what ends it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.console.signin.credential import (
    RETRY_AFTER,
    CredentialEnded,
    Given,
    GivenCredential,
    Person,
    ProviderFailed,
    Renewal,
)

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
TESS = Person(person="tess", name="Tess", clinic="demo", roles=frozenset({"therapist"}))
LIFE = timedelta(minutes=5)


class Provider:
    """Renews as a provider does that takes each refresh token once. `answer` may be an exception or a renewal."""

    def __init__(self) -> None:
        self.now = NOW
        self.asked: list[str] = []
        self.answer: Callable[[], Renewal] = self.another
        self.opened = asyncio.Event()
        self.opened.set()
        self.called = asyncio.Event()

    def another(self, person: Person = TESS, life: timedelta = LIFE) -> Renewal:
        number = len(self.asked)
        return Renewal(
            refresh=f"refresh {number}", given=Given(token=f"token {number}", person=person, expires=self.now + life)
        )

    async def renew(self, refresh: str) -> Renewal:
        self.asked.append(refresh)
        self.called.set()
        await self.opened.wait()
        return self.answer()

    def credential(self, life: timedelta = LIFE, refresh: str = "refresh 0") -> GivenCredential:
        given = Given(token="token 0", person=TESS, expires=self.now + life)
        return GivenCredential(given, refresh, self.renew, clock=lambda: self.now)


def failing(cause: str) -> Callable[[], Renewal]:
    def fail() -> Renewal:
        raise ProviderFailed("token", cause)

    return fail


def failing_by_a_fault() -> Renewal:
    raise ZeroDivisionError


async def ended(credential: GivenCredential) -> str:
    with pytest.raises(CredentialEnded) as refused:
        await credential.token()
    return refused.value.cause


async def test_without_a_refresh_token_it_ends_with_its_time() -> None:
    provider = Provider()
    credential = provider.credential(refresh="")
    provider.now += LIFE - timedelta(seconds=1)
    assert await credential.token() == "token 0"
    provider.now += timedelta(seconds=1)
    assert await ended(credential) == "expired"
    assert provider.asked == []


@pytest.mark.parametrize(("life", "before"), [(LIFE, 60), (timedelta(seconds=30), 10), (timedelta(hours=1), 60)])
async def test_it_is_renewed_shortly_before_it_ends_and_each_refresh_token_is_used_once(
    life: timedelta, before: int
) -> None:
    provider = Provider()
    credential = provider.credential(life)
    provider.now += life - timedelta(seconds=before + 1)
    assert await credential.token() == "token 0"
    assert provider.asked == []
    provider.now += timedelta(seconds=1)
    assert await credential.token() == "token 1"
    assert await credential.token() == "token 1"
    provider.now += LIFE
    assert await credential.token() == "token 2"  # even after its end, as long as the provider renews it
    assert provider.asked == ["refresh 0", "refresh 1"]


async def test_many_requests_at_once_renew_it_once() -> None:
    provider = Provider()
    credential = provider.credential()
    provider.now += LIFE
    provider.opened.clear()
    asking = [asyncio.create_task(credential.token()) for _ in range(50)]
    await provider.called.wait()
    provider.opened.set()
    assert set(await asyncio.gather(*asking)) == {"token 1"}
    assert provider.asked == ["refresh 0"]


async def test_a_request_that_goes_away_does_not_break_the_renewal_off() -> None:
    provider = Provider()
    credential = provider.credential()
    provider.now += LIFE
    provider.opened.clear()
    asking = asyncio.create_task(credential.token())
    await provider.called.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    provider.opened.set()
    assert await credential.token() == "token 1"
    assert provider.asked == ["refresh 0"]


@pytest.mark.parametrize("unusable", [False, True])
async def test_a_provider_that_is_away_ends_it_only_with_its_time(unusable: bool) -> None:
    provider = Provider()
    credential = provider.credential()
    # A new refresh token that came with a token of no use is kept: the old one would be refused.
    provider.answer = (lambda: Renewal(refresh="next", given=None)) if unusable else failing("away")
    provider.now += LIFE - timedelta(seconds=50)
    assert await credential.token() == "token 0"
    assert credential.unanswered
    assert await credential.token() == "token 0"
    assert len(provider.asked) == 1  # not at every request
    provider.now += RETRY_AFTER
    assert await credential.token() == "token 0"
    assert provider.asked == ["refresh 0", "next" if unusable else "refresh 0"]
    provider.now += timedelta(seconds=35)
    assert await ended(credential) == "away"
    provider.answer = provider.another
    provider.now += RETRY_AFTER
    assert await credential.token() == "token 4"
    assert not credential.unanswered


async def test_a_slow_provider_does_not_hold_up_who_still_has_a_good_token() -> None:
    provider = Provider()
    credential = provider.credential()
    credential.courtesy_seconds = 0
    provider.opened.clear()
    provider.now += LIFE - timedelta(seconds=50)
    assert await credential.token() == "token 0"
    provider.opened.set()
    provider.now += LIFE
    assert await credential.token() == "token 1"
    assert provider.asked == ["refresh 0"]


async def test_a_refusal_ends_it_at_once_and_for_good() -> None:
    provider = Provider()
    credential = provider.credential()
    provider.answer = failing("refused")
    provider.now += LIFE - timedelta(seconds=50)
    assert await ended(credential) == "refused"
    provider.answer = provider.another
    assert await ended(credential) == "refused"
    assert len(provider.asked) == 1


@pytest.mark.parametrize(("person", "clinic"), [("otto", "demo"), ("tess", "other")])
async def test_a_token_for_somebody_else_ends_the_session(person: str, clinic: str) -> None:
    provider = Provider()
    credential = provider.credential()
    provider.answer = lambda: provider.another(replace(TESS, person=person, clinic=clinic))
    provider.now += LIFE
    assert await ended(credential) == "another"
    assert credential.person == TESS
    assert await ended(credential) == "another"


async def test_roles_are_those_of_the_token_at_hand() -> None:
    provider = Provider()
    credential = provider.credential()
    provider.answer = lambda: provider.another(replace(TESS, roles=frozenset({"trainee"})))
    provider.now += LIFE
    assert await credential.token() == "token 1"
    assert credential.person.roles == {"trainee"}


async def test_a_fault_of_the_renewal_is_told_and_the_next_request_tries_again() -> None:
    provider = Provider()
    credential = provider.credential()
    provider.answer = failing_by_a_fault
    provider.now += LIFE
    with pytest.raises(ZeroDivisionError):
        await credential.token()
    provider.answer = provider.another
    assert await credential.token() == "token 2"


def test_no_token_is_in_a_repr() -> None:
    text = repr(Provider().credential())
    assert "refresh 0" not in text
    assert "token 0" not in text
    assert "token 0" not in repr(Provider().another()).replace("refresh 0", "")
    assert "refresh 0" not in repr(Provider().another())
