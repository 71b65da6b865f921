"""What a signed-in person calls the services with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

AUDIENCE = "myoplan"
TOKEN_LIFE = timedelta(minutes=5)


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

    def token(self) -> str:
        """Returns the token to send now; CredentialEnded if there is none any more."""
        ...


class CredentialEnded(Exception):
    """The token has expired and cannot be renewed: the person has to prove again who they are."""


class ProviderFailed(Exception):
    """The identity provider did not sign the person in; `problem` says in a few words why, for the log."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


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

    def token(self) -> str:
        """Returns a fresh token. Raises CredentialEnded when the account was changed or taken away."""
        if not self.still_stands():
            raise CredentialEnded
        return self.mint.token(self.person, self.auth_time)


@dataclass(frozen=True, slots=True)
class GivenCredential:
    """The credential from an identity provider: one token until it expires."""

    given: str = field(repr=False)
    expires: datetime
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC), repr=False)

    def token(self) -> str:
        """Returns the token. Raises CredentialEnded."""
        if self.clock() >= self.expires:
            raise CredentialEnded
        return self.given
