"""Who calls: verifies the signed token of a call. Nothing about the caller ever comes from a request."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import jwt

from services.runtime.key_set import CredentialInvalid, KeySet

CLINIC = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
MOST_LEEWAY_SECONDS = 60.0
MOST_NAME_LETTERS = 128
LATEST_SECOND = 253_402_300_799  # the end of the year 9999, the last that a timestamp can hold

__all__ = ["Caller", "CredentialInvalid", "KeySet", "Role", "TokenVerifier", "current_caller"]


class Role(StrEnum):
    """What a person or system may be in a clinic."""

    TRAINEE = "trainee"
    THERAPIST = "therapist"
    SUPERVISOR = "supervisor"
    SYSTEM = "system"
    AUDITOR = "auditor"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The person or system behind a call, as its token says.

    `person` is unique within the clinic; `token` is the credential itself, for calls made on the caller's behalf;
    `auth_time` is when the person last proved who they are, if the identity provider says so.
    """

    clinic: str
    person: str
    display_name: str
    roles: frozenset[Role]
    token: str = field(repr=False)
    auth_time: datetime | None


_caller: ContextVar[Caller] = ContextVar("caller")


def current_caller() -> Caller:
    """Returns who makes the call that is being handled. LookupError outside of an identified call."""
    return _caller.get()


def set_current_caller(caller: Caller) -> None:
    """Makes `caller` the one that `current_caller` returns for the rest of this task."""
    _caller.set(caller)


class TokenVerifier:
    """Accepts tokens that `issuer` signed for `audience` with a key of the set.

    `leeway_seconds` [s] in [0, 60] forgives clocks that differ; `clock` says what time it is.
    """

    def __init__(
        self,
        key_set: KeySet,
        issuer: str,
        *,
        audience: str = "myoplan",
        leeway_seconds: float = MOST_LEEWAY_SECONDS,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        if not 0 <= leeway_seconds <= MOST_LEEWAY_SECONDS:
            raise ValueError("the leeway is from 0 to 60 seconds")
        self._key_set = key_set
        self._issuer = issuer
        self._audience = audience
        self._leeway = leeway_seconds
        self._clock = clock

    async def verify(self, token: str) -> Caller:
        """Returns the caller that `token` speaks for; CredentialInvalid says in a word or two what is wrong with it."""
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError):
            raise CredentialInvalid("malformed") from None
        algorithm, key_id = header.get("alg"), header.get("kid")
        key = await self._key_set.find(algorithm, key_id)
        return self._caller(token, self._signed_claims(token, key, str(algorithm)))

    def _signed_claims(self, token: str, key: jwt.PyJWK, algorithm: str) -> Mapping[str, Any]:
        try:
            return jwt.decode(
                token,
                key,
                [algorithm],  # the one of the key: the key set was asked for this pair
                audience=self._audience,
                issuer=self._issuer,
                options={
                    "require": ["iss", "aud", "sub", "exp"],
                    # the times are checked below, against the clock of this verifier
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except jwt.InvalidSignatureError:
            raise CredentialInvalid("signature") from None
        except jwt.InvalidIssuerError:
            raise CredentialInvalid("issuer") from None
        except jwt.InvalidAudienceError:
            raise CredentialInvalid("audience") from None
        except jwt.MissingRequiredClaimError as error:
            raise CredentialInvalid(f"no {error.claim}") from None
        except jwt.PyJWTError:
            raise CredentialInvalid("malformed") from None

    def _caller(self, token: str, claims: Mapping[str, Any]) -> Caller:
        now = self._clock().timestamp()
        if now >= _second(claims, "exp") + self._leeway:
            raise CredentialInvalid("expired")
        if "nbf" in claims and now < _second(claims, "nbf") - self._leeway:
            raise CredentialInvalid("not yet valid")
        auth_time = None
        if "auth_time" in claims:
            # One from the future would make every later signature look fresh.
            if _second(claims, "auth_time") > now + self._leeway:
                raise CredentialInvalid("auth_time")
            auth_time = datetime.fromtimestamp(_second(claims, "auth_time"), UTC)
        clinic = claims.get("clinic")
        if not isinstance(clinic, str) or not CLINIC.fullmatch(clinic):
            raise CredentialInvalid("clinic")
        person = _name(claims, "sub")
        roles = claims.get("roles")
        known = frozenset(role for role in Role if isinstance(roles, list) and role in roles)
        if not known:
            raise CredentialInvalid("roles")
        return Caller(
            clinic=clinic,
            person=person,
            display_name=_name(claims, "name") if "name" in claims else person,
            roles=known,
            token=token,
            auth_time=auth_time,
        )


def _second(claims: Mapping[str, Any], claim: str) -> float:
    """Returns a time in seconds since the epoch; a truth value, NaN or a time out of range is none."""
    value = claims[claim]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LATEST_SECOND:
        raise CredentialInvalid(claim)
    return float(value)


def _name(claims: Mapping[str, Any], claim: str) -> str:
    value = claims[claim]
    if not isinstance(value, str) or not value.isprintable() or value != value.strip():
        raise CredentialInvalid(claim)
    if not 0 < len(value) <= MOST_NAME_LETTERS:
        raise CredentialInvalid(claim)
    return value
