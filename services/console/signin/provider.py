"""Signs people in by the clinic's identity provider: OpenID Connect, authorization code with PKCE."""

from __future__ import annotations

import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import httpx
import jwt
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client

from services.console.signin.credential import AUDIENCE, GivenCredential, Person, ProviderFailed
from services.runtime.identity import CredentialInvalid, KeySet, TokenVerifier
from services.runtime.key_set import KeySetUnreadable

MOST_FLOWS = 2_000
FLOW_SECONDS = 600.0
PATIENCE_SECONDS = 10.0
SCOPE = "openid profile"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A sign-in under way at the identity provider, bound to one browser by `visit`."""

    visit: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    return_to: str
    began: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Where the provider does what, from its own description."""

    authorization: str
    token: str
    keys: KeySet


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """How this console is known to the provider. `sent` says which of its two tokens the services get."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    sent: Literal["access_token", "id_token"]
    redirect: str


class ProviderSignIn:
    """Sends people to the provider and receives them back."""

    def __init__(self, settings: ProviderSettings, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._settings, self._monotonic = settings, monotonic
        self._flows: OrderedDict[str, Flow] = OrderedDict()
        self._endpoints: Endpoints | None = None

    async def begin(self, visit: str, return_to: str, *, again: bool) -> str:
        """Returns the address to send the browser to; `again` demands that the credential is entered anew.

        Raises ProviderFailed.
        """
        endpoints = await self._found()
        state = secrets.token_urlsafe(24)
        flow = Flow(
            visit=visit,
            nonce=secrets.token_urlsafe(24),
            verifier=secrets.token_urlsafe(48),
            return_to=return_to,
            began=self._monotonic(),
        )
        self._flows[state] = flow
        while len(self._flows) > MOST_FLOWS:
            self._flows.popitem(last=False)
        fresh = {"prompt": "login", "max_age": "0"} if again else {}
        async with self._client() as client:
            address, _ = client.create_authorization_url(
                endpoints.authorization, state=state, code_verifier=flow.verifier, nonce=flow.nonce, **fresh
            )
        return str(address)

    async def finish(self, visit: str, state: str, code: str) -> tuple[Person, GivenCredential, datetime, str]:
        """Returns the person, what to call the services with, when they proved who they are, and where they were.

        Raises ProviderFailed.
        """
        flow = self._flows.pop(state, None)
        if flow is None or not hmac.compare_digest(flow.visit, visit):
            raise ProviderFailed("state")
        if self._monotonic() - flow.began > FLOW_SECONDS:
            raise ProviderFailed("too late")
        endpoints = await self._found()
        tokens = await self._tokens(endpoints, code, flow)
        claims = await self._identity(endpoints, str(tokens.get("id_token", "")), flow.nonce)
        sent = str(tokens.get(self._settings.sent, ""))
        audience = self._settings.client_id if self._settings.sent == "id_token" else AUDIENCE
        try:
            caller = await TokenVerifier(endpoints.keys, self._settings.issuer, audience=audience).verify(sent)
        except CredentialInvalid as error:
            raise ProviderFailed(str(error)) from None
        if caller.person != claims["sub"]:
            raise ProviderFailed("two people")
        expires = datetime.fromtimestamp(jwt.decode(sent, options={"verify_signature": False})["exp"], UTC)
        person = Person(
            person=caller.person,
            name=caller.display_name,
            clinic=caller.clinic,
            roles=frozenset(role.value for role in caller.roles),
        )
        auth_time = caller.auth_time or datetime.now(UTC)
        return person, GivenCredential(sent, expires), auth_time, flow.return_to

    def _client(self) -> AsyncOAuth2Client:
        return AsyncOAuth2Client(
            client_id=self._settings.client_id,
            client_secret=self._settings.client_secret or None,
            token_endpoint_auth_method="client_secret_basic" if self._settings.client_secret else "none",
            scope=SCOPE,
            redirect_uri=self._settings.redirect,
            code_challenge_method="S256",
            timeout=PATIENCE_SECONDS,
            trust_env=False,
        )

    async def _found(self) -> Endpoints:
        if self._endpoints is None:
            self._endpoints = await self._discover()
        return self._endpoints

    async def _discover(self) -> Endpoints:
        address = self._settings.issuer.rstrip("/") + "/.well-known/openid-configuration"
        try:
            async with httpx.AsyncClient(timeout=PATIENCE_SECONDS, trust_env=False) as client:
                found: dict[str, Any] = (await client.get(address)).raise_for_status().json()
            if found["issuer"] != self._settings.issuer:
                raise ProviderFailed("another issuer")
            keys = KeySet(found["jwks_uri"])
            await keys.load()
            return Endpoints(authorization=found["authorization_endpoint"], token=found["token_endpoint"], keys=keys)
        except (httpx.HTTPError, KeySetUnreadable, ValueError, KeyError, TypeError) as error:
            raise ProviderFailed(f"discovery: {type(error).__name__}") from None

    async def _tokens(self, endpoints: Endpoints, code: str, flow: Flow) -> dict[str, Any]:
        try:
            async with self._client() as client:
                return dict(await client.fetch_token(endpoints.token, code=code, code_verifier=flow.verifier))
        except (OAuthError, httpx.HTTPError, ValueError) as error:
            raise ProviderFailed(f"token: {type(error).__name__}") from None

    async def _identity(self, endpoints: Endpoints, id_token: str, nonce: str) -> dict[str, Any]:
        """Returns the claims of the token that answers to this very sign-in."""
        try:
            header = jwt.get_unverified_header(id_token)
            key = await endpoints.keys.find(header.get("alg"), header.get("kid"))
            claims: dict[str, Any] = jwt.decode(
                id_token,
                key,
                [str(header.get("alg"))],
                audience=self._settings.client_id,
                issuer=self._settings.issuer,
                leeway=60,
                options={"require": ["iss", "aud", "sub", "exp", "nonce"]},
            )
        except (jwt.PyJWTError, CredentialInvalid) as error:
            raise ProviderFailed(f"id token: {type(error).__name__}") from None
        if not hmac.compare_digest(str(claims["nonce"]), nonce):
            raise ProviderFailed("nonce")
        return claims
