"""Signs people in by the clinic's identity provider: OpenID Connect, authorization code with PKCE."""

from __future__ import annotations

import asyncio
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

import httpx
import jwt
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from structlog.typing import FilteringBoundLogger

from services.console.config import is_loopback
from services.console.signin.credential import AUDIENCE, Given, GivenCredential, Person, ProviderFailed, Renewal
from services.runtime.identity import LATEST_SECOND, Caller, CredentialInvalid, KeySet, TokenVerifier
from services.runtime.key_set import KeySetUnreadable

MOST_FLOWS = 2_000
FLOW_SECONDS = 600.0
PATIENCE_SECONDS = 10.0
PARTING_SECONDS = 2.0
SCOPE = "openid profile"
OFFLINE = "offline_access"
SKEW = timedelta(seconds=60)
"""How far the provider's clock may be behind: the same that the services forgive."""
NEVER = datetime.fromtimestamp(0, UTC)
OAUTH_ERRORS = frozenset(
    {
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
    }
)
"""The errors of a token endpoint that a log may name; what else a provider writes there is its own text."""
TURNED_BACK = frozenset({"access_denied", "login_required", "interaction_required", "consent_required"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A sign-in under way at the identity provider, bound to one browser by `visit`.

    `anew`: the person has to enter their credential now; one that was entered before `started` does not count.
    """

    visit: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    return_to: str
    began: float
    started: datetime
    anew: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """Who came back from the provider, where they were, and when they proved who they are, as the services will see it.

    `anew`: the provider was told to ask the person, and it did.
    """

    credential: GivenCredential
    auth_time: datetime
    return_to: str
    anew: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Where the provider does what, from its own description. `end_session` and `revocation` may be empty."""

    authorization: str
    token: str
    end_session: str
    revocation: str
    keys: KeySet


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """How this console is known to the provider. `sent` says which of its two tokens the services get.

    `offline`: ask for a refresh token by the scope offline_access; many providers give one without.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    sent: Literal["access_token", "id_token"]
    origin: str
    offline: bool = False


class ProviderSignIn:
    """Sends people to the provider, receives them back, and renews their tokens."""

    def __init__(
        self,
        settings: ProviderSettings,
        logger: FilteringBoundLogger,
        monotonic: Callable[[], float] = time.monotonic,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings, self._logger, self._monotonic, self._clock = settings, logger, monotonic, clock
        self._flows: OrderedDict[str, Flow] = OrderedDict()
        self._endpoints: Endpoints | None = None

    async def begin(self, visit: str, return_to: str, *, anew: bool) -> str:
        """Returns the address to send the browser to; `anew` demands that the credential is entered now.

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
            started=self._clock(),
            anew=anew,
        )
        self._flows[state] = flow
        while len(self._flows) > MOST_FLOWS:
            self._flows.popitem(last=False)
        fresh = {"prompt": "login", "max_age": "0"} if anew else {}
        scope = f"{SCOPE} {OFFLINE}" if self._settings.offline else SCOPE
        async with self._client() as client:
            address, _ = client.create_authorization_url(
                endpoints.authorization,
                state=state,
                code_verifier=flow.verifier,
                nonce=flow.nonce,
                scope=scope,
                **fresh,
            )
        return str(address)

    async def finish(self, visit: str, answer: Mapping[str, str]) -> Arrival:
        """Returns who came back; `answer` is what the provider put into the address. Raises ProviderFailed."""
        flow = self._flows.pop(answer.get("state", ""), None)
        if flow is None or not hmac.compare_digest(flow.visit.encode(), visit.encode()):
            raise ProviderFailed("state")
        try:
            return await self._arrival(flow, answer)
        except ProviderFailed as failed:
            raise ProviderFailed(failed.problem, failed.cause, flow.return_to) from None

    async def _arrival(self, flow: Flow, answer: Mapping[str, str]) -> Arrival:
        if self._monotonic() - flow.began > FLOW_SECONDS:
            raise ProviderFailed("too late")
        if answer.get("iss", self._settings.issuer) != self._settings.issuer:
            raise ProviderFailed("another issuer")
        if error := answer.get("error"):
            turned_back = error in TURNED_BACK
            raise ProviderFailed(error if turned_back else "error", "cancelled" if turned_back else "refused")
        endpoints = await self._found()
        tokens = await self._tokens(endpoints, answer.get("code", ""), flow)
        claims = await self._identity(endpoints, str(tokens.get("id_token", "")), flow.nonce)
        given, caller = await self._given(endpoints, tokens, str(claims["sub"]))
        proven = caller.auth_time or NEVER
        if flow.anew and max(proven, _moment(claims.get("auth_time"))) < flow.started - SKEW:
            raise ProviderFailed("an old sign-in", "not_anew")
        credential = GivenCredential(given, str(tokens.get("refresh_token") or ""), self.renew, self._clock)
        return Arrival(credential=credential, auth_time=proven, return_to=flow.return_to, anew=flow.anew)

    async def renew(self, refresh: str) -> Renewal:
        """Returns what the provider gives for a refresh token. Raises ProviderFailed: `refused` or `away`."""
        try:
            endpoints = await self._found()
            tokens = await self._refreshed(endpoints, refresh)
        except ProviderFailed as failed:
            cause = failed.cause if failed.problem == "token: invalid_grant" else "away"
            self._logger.warning("a token was not renewed", problem=failed.problem)
            raise ProviderFailed(failed.problem, cause) from None
        following = str(tokens.get("refresh_token") or refresh)
        try:
            claims = await self._identity(endpoints, str(tokens["id_token"])) if "id_token" in tokens else {}
            given, _ = await self._given(endpoints, tokens, str(claims.get("sub", "")))
        except ProviderFailed as failed:
            self._logger.warning("a renewed token cannot be used", problem=failed.problem)
            return Renewal(refresh=following, given=None)
        return Renewal(refresh=following, given=given)

    async def leave(self, credential: GivenCredential) -> str:
        """Takes the refresh token back and returns where the person ends their sign-in at the provider; empty: nowhere.

        No token is in that address: it stays in the history of the browser. So the provider may ask the person first.
        """
        try:
            endpoints = await self._found()
            await self._revoke(endpoints, credential.refresh)
        except ProviderFailed as failed:
            self._logger.warning("a refresh token was not taken back", problem=failed.problem)
        if self._endpoints is None or not self._endpoints.end_session:
            return ""
        query = {"client_id": self._settings.client_id, "post_logout_redirect_uri": f"{self._settings.origin}/sign-in"}
        joint = "&" if urlsplit(self._endpoints.end_session).query else "?"
        return f"{self._endpoints.end_session}{joint}{urlencode(query)}"

    async def _given(self, endpoints: Endpoints, tokens: Mapping[str, Any], same: str) -> tuple[Given, Caller]:
        """Returns the token that the services get, and for whom it speaks; `same`: who that has to be, if known."""
        sent = str(tokens.get(self._settings.sent, ""))
        audience = self._settings.client_id if self._settings.sent == "id_token" else AUDIENCE
        verifier = TokenVerifier(endpoints.keys, self._settings.issuer, audience=audience, clock=self._clock)
        try:
            caller = await verifier.verify(sent)
        except CredentialInvalid as error:
            raise ProviderFailed(str(error)) from None
        if same and caller.person != same:
            raise ProviderFailed("two people")
        person = Person(
            person=caller.person,
            name=caller.display_name,
            clinic=caller.clinic,
            roles=frozenset(role.value for role in caller.roles),
        )
        expires = _moment(jwt.decode(sent, options={"verify_signature": False})["exp"])
        return Given(token=sent, person=person, expires=expires), caller

    def _client(self) -> AsyncOAuth2Client:
        return AsyncOAuth2Client(
            client_id=self._settings.client_id,
            client_secret=self._settings.client_secret or None,
            token_endpoint_auth_method="client_secret_basic" if self._settings.client_secret else "none",
            redirect_uri=f"{self._settings.origin}/sign-in/callback",
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
            return Endpoints(
                authorization=_safe(found["authorization_endpoint"]),
                token=_safe(found["token_endpoint"]),
                end_session=_safe(found["end_session_endpoint"]) if "end_session_endpoint" in found else "",
                revocation=_safe(found["revocation_endpoint"]) if "revocation_endpoint" in found else "",
                keys=keys,
            )
        except (httpx.HTTPError, KeySetUnreadable, ValueError, KeyError, TypeError) as error:
            raise ProviderFailed(f"discovery: {type(error).__name__}", "away") from None

    async def _tokens(self, endpoints: Endpoints, code: str, flow: Flow) -> dict[str, Any]:
        async with self._client() as client:
            return await _answered(client.fetch_token(endpoints.token, code=code, code_verifier=flow.verifier))

    async def _refreshed(self, endpoints: Endpoints, refresh: str) -> dict[str, Any]:
        async with self._client() as client:
            return await _answered(client.refresh_token(endpoints.token, refresh_token=refresh))

    async def _revoke(self, endpoints: Endpoints, refresh: str) -> None:
        if not refresh or not endpoints.revocation:
            return
        async with self._client() as client:
            try:
                async with asyncio.timeout(PARTING_SECONDS):
                    (await client.revoke_token(endpoints.revocation, token=refresh)).raise_for_status()
            except (httpx.HTTPError, TimeoutError) as error:
                raise ProviderFailed(f"revocation: {type(error).__name__}", "away") from None

    async def _identity(self, endpoints: Endpoints, id_token: str, nonce: str = "") -> dict[str, Any]:
        """Returns the claims of an id token; `nonce`: it answers to this very sign-in. Raises ProviderFailed."""
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
                options={"require": ["iss", "aud", "sub", "exp"]},
            )
        except (jwt.PyJWTError, CredentialInvalid) as error:
            raise ProviderFailed(f"id token: {type(error).__name__}") from None
        if claims.get("azp", self._settings.client_id) != self._settings.client_id:
            raise ProviderFailed("id token: for another client")
        if nonce and not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
            raise ProviderFailed("nonce")
        return claims


async def _answered(asked: Awaitable[Mapping[str, Any]]) -> dict[str, Any]:
    """Returns the tokens of an answer. Raises ProviderFailed: `refused` only if the provider says so itself."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return dict(await asked)
    except OAuthError as error:
        known = error.error if error.error in OAUTH_ERRORS else "error"
        raise ProviderFailed(f"token: {known}") from None
    except (httpx.HTTPError, TimeoutError, ValueError) as error:
        raise ProviderFailed(f"token: {type(error).__name__}", "away") from None


def _safe(address: str) -> str:
    """Returns the address of an endpoint, which gets secrets. ValueError unless it is https or on this machine."""
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        raise ValueError("not https")
    return address


def _moment(second: object) -> datetime:
    """Returns a time of a token; NEVER for what is none."""
    if isinstance(second, bool) or not isinstance(second, int | float) or not 0 <= second <= LATEST_SECOND:
        return NEVER
    return datetime.fromtimestamp(second, UTC)
