"""What a signed-in person calls the services with."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

AUDIENCE = "myoplan"
TOKEN_LIFE = timedelta(minutes=5)
FRESH = timedelta(seconds=45)
"""How old a sign-in at the identity provider may be for a signature; the services take 60 s."""
RENEWED_BEFORE = timedelta(minutes=1)
"""How long before its end a given token is renewed; of a short one the last third."""
RETRY_AFTER = timedelta(seconds=15)
COURTESY_SECONDS = 2.0
"""How long [s] a request waits for a renewal while the token it has is still good."""


class SigningKeyUnusable(Exception):
    """The key that the console signs its tokens with cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who is signed in. `roles` are those of the token."""

    person: str
    name: str
    clinic: str
    roles: frozenset[str]


class Credential(Protocol):
    """Proves to the services who calls; it never leaves this process except towards them."""

    @property
    def person(self) -> Person:
        """Whose it is, with the roles that its token carries now."""
        ...

    async def token(self) -> str:
        """Returns the token to send now; CredentialEnded if there is none any more."""
        ...


class CredentialEnded(Exception):
    """There is no token any more: the person has to prove again who they are.

    `cause`: `expired`; `away`: expired, and the identity provider does not answer; `refused`: it renews the token no
    more; `another`: what it gave instead speaks for somebody else, so the session must end; empty: the account changed.
    """

    def __init__(self, cause: str = "") -> None:
        super().__init__(cause)
        self.cause = cause


class ProviderFailed(Exception):
    """The identity provider did not do what it was asked; `problem` says in a few words why, for the log.

    `cause` is what it means: `away`: it cannot be reached now; `cancelled`: the person turned back; `not_anew`: the
    person was not asked anew who they are; `refused`: everything else. `return_to` is where the person was.
    """

    def __init__(self, problem: str, cause: str = "refused", return_to: str = "") -> None:
        super().__init__(problem)
        self.problem, self.cause, self.return_to = problem, cause, return_to


class TokenMint:
    """Signs short-lived tokens for people whose password this console has checked."""

    def __init__(self, key_file: Path, issuer: str, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        try:
            key = load_pem_private_key(key_file.read_bytes(), None)
        except (OSError, ValueError) as error:
            raise SigningKeyUnusable(f"the signing key cannot be read ({type(error).__name__})") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise SigningKeyUnusable("the signing key is not an Ed25519 key")
        self._key, self._issuer, self._clock = key, issuer, clock

    def token(self, person: Person, auth_time: datetime) -> str:
        """Returns a token that says when the person last entered their credential."""
        now = int(self._clock().timestamp())
        claims = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "sub": person.person,
            "clinic": person.clinic,
            "name": person.name,
            "roles": sorted(person.roles),
            "auth_time": int(auth_time.timestamp()),
            "nbf": now,
            "exp": now + int(TOKEN_LIFE.total_seconds()),
        }
        return jwt.encode(claims, self._key, "EdDSA", {"kid": "local"})


@dataclass(frozen=True, slots=True)
class MintedCredential:
    """The credential of a local account: a new token for every call, as long as the account is what it was."""

    mint: TokenMint = field(repr=False)
    person: Person
    auth_time: datetime
    still_stands: Callable[[], bool] = field(repr=False)

    async def token(self) -> str:
        """Returns a fresh token. Raises CredentialEnded when the account was changed or taken away."""
        if not self.still_stands():
            raise CredentialEnded
        return self.mint.token(self.person, self.auth_time)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A token from an identity provider, for whom it speaks and when it ends."""

    token: str = field(repr=False)
    person: Person
    expires: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """What a provider gave for a refresh token: the next one, and the new token if it can be used."""

    refresh: str = field(repr=False)
    given: Given | None


async def _never_renewed(_: str) -> Renewal:
    raise ProviderFailed("no renewal")


@dataclass(slots=True, eq=False)
class GivenCredential:
    """The credential from an identity provider: its token, renewed in time if the provider gave a refresh token.

    `renew` asks the provider for a renewal and raises ProviderFailed. It is asked only when a request needs a token,
    and once for all requests of a moment: most providers take a refresh token only once. A renewal proves nothing anew
    about the person.
    """

    given: Given
    refresh: str = field(default="", repr=False)
    renew: Callable[[str], Awaitable[Renewal]] = field(default=_never_renewed, repr=False)
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC), repr=False)
    courtesy_seconds: float = field(default=COURTESY_SECONDS, repr=False)
    unanswered: bool = field(default=False, init=False)
    """Whether the last attempt to renew it failed; the token at hand is good until it ends."""
    _due: datetime = field(init=False, repr=False)
    _ended: str = field(default="", init=False, repr=False)
    _renewing: asyncio.Task[None] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self._due = self._due_of(self.given)

    @property
    def person(self) -> Person:
        """Whose it is, with the roles of the token at hand."""
        return self.given.person

    async def token(self) -> str:
        """Returns the token, renewed if it is about to end. Raises CredentialEnded."""
        if not self._ended and self.refresh and self.clock() >= self._due:
            await self._renewed()
        if self._ended:
            raise CredentialEnded(self._ended)
        if self.clock() >= self.given.expires:
            raise CredentialEnded("away" if self.unanswered else "expired")
        return self.given.token

    def _due_of(self, given: Given) -> datetime:
        left = given.expires - self.clock()
        return given.expires - min(RENEWED_BEFORE, left / 3)

    async def _renewed(self) -> None:
        """Waits for the one renewal under way; a request that goes away meanwhile does not break it off."""
        if self._renewing is None:
            self._renewing = asyncio.create_task(self._ask())
        patience = self.courtesy_seconds if self.clock() < self.given.expires else None
        done, _ = await asyncio.wait({self._renewing}, timeout=patience)
        for each in done:
            each.result()

    async def _ask(self) -> None:
        try:
            await self._take()
        finally:
            self._renewing = None

    async def _take(self) -> None:
        held = self.given.person
        try:
            renewal = await self.renew(self.refresh)
        except ProviderFailed as failed:
            self._ended = "refused" if failed.cause == "refused" else ""
            self._wait()
            return
        self.refresh = renewal.refresh  # the old one is used up, whatever came with the new one
        given = renewal.given
        if given is None:
            self._wait()
        elif (given.person.clinic, given.person.person) != (held.clinic, held.person):
            self._ended = "another"
        else:
            self.given, self.unanswered, self._due = given, False, self._due_of(given)

    def _wait(self) -> None:
        self.unanswered, self._due = True, self.clock() + RETRY_AFTER
