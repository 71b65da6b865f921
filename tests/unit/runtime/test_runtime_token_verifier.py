"""The clock, and what a token may leave out. The table of bad tokens runs against the server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.runtime.identity import CredentialInvalid, KeySet, Role, TokenVerifier
from tests.support.tokens import ISSUER, TokenIssuer

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
SECOND = int(NOW.timestamp())


@pytest.fixture
def issuer() -> TokenIssuer:
    return TokenIssuer()


@pytest.fixture
async def verifier(issuer: TokenIssuer, tmp_path: Path) -> TokenVerifier:
    return await issuer.verifier(tmp_path, clock=lambda: NOW)


@pytest.mark.parametrize(
    ("claim", "seconds_from_now", "problem"),
    [
        ("exp", 1, None),
        ("exp", 0, None),
        ("exp", -59, None),
        ("exp", -60, "expired"),
        ("exp", -61, "expired"),
        ("nbf", 59, None),
        ("nbf", 60, None),
        ("nbf", 61, "not yet valid"),
        ("auth_time", 60, None),
        ("auth_time", 61, "auth_time"),
    ],
)
async def test_clocks_may_differ_by_a_minute(
    issuer: TokenIssuer, verifier: TokenVerifier, claim: str, seconds_from_now: int, problem: str | None
) -> None:
    token = issuer.token(now=NOW, **{claim: SECOND + seconds_from_now})
    if problem is None:
        assert (await verifier.verify(token)).person == "tess"
    else:
        with pytest.raises(CredentialInvalid) as caught:
            await verifier.verify(token)
        assert caught.value.problem == problem


@pytest.mark.parametrize("leeway", [-1, 60.5, float("nan")])
async def test_leeway_is_at_most_a_minute(tmp_path: Path, leeway: float) -> None:
    with pytest.raises(ValueError, match="60"):
        TokenVerifier(KeySet(str(tmp_path)), ISSUER, leeway_seconds=leeway)


async def test_what_a_token_may_leave_out(issuer: TokenIssuer, verifier: TokenVerifier) -> None:
    """Not every identity provider writes a display name, a time of proof or a not-before."""
    caller = await verifier.verify(issuer.token(now=NOW, name=None, auth_time=None, nbf=None, aud=["other", "myoplan"]))
    assert (caller.display_name, caller.auth_time) == ("tess", None)


async def test_time_of_proof_is_read(issuer: TokenIssuer, verifier: TokenVerifier) -> None:
    caller = await verifier.verify(issuer.token(now=NOW, auth_time=SECOND - 30))
    assert caller.auth_time == NOW - timedelta(seconds=30)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), True, -1, 10**400, "12", None, [1]])
@pytest.mark.parametrize("claim", ["exp", "nbf", "auth_time"])
async def test_time_that_is_none(issuer: TokenIssuer, verifier: TokenVerifier, claim: str, value: object) -> None:
    claims = {**issuer.claims(now=NOW), claim: value}
    with pytest.raises(CredentialInvalid) as caught:
        await verifier.verify(issuer.sign(claims))
    assert caught.value.problem in {claim, f"no {claim}"}


@pytest.mark.parametrize("clinic", ["a", "0", "a-b", "a--b", "a" * 63])
async def test_clinics(issuer: TokenIssuer, verifier: TokenVerifier, clinic: str) -> None:
    assert (await verifier.verify(issuer.token(now=NOW, clinic=clinic))).clinic == clinic


@pytest.mark.parametrize("clinic", ["", "-a", "a-", "A", "a_b", "a.b", "ä", "a b", "a" * 64, "*", "a\n", 5, ["a"]])
async def test_what_is_no_clinic(issuer: TokenIssuer, verifier: TokenVerifier, clinic: object) -> None:
    claims = {**issuer.claims(now=NOW), "clinic": clinic}
    with pytest.raises(CredentialInvalid, match="clinic"):
        await verifier.verify(issuer.sign(claims))


@pytest.mark.parametrize(
    "roles", ["therapist", {"therapist": 1}, None, 5, [["therapist"]], ["Therapist"], ["therapist "]]
)
async def test_what_is_no_role(issuer: TokenIssuer, verifier: TokenVerifier, roles: object) -> None:
    claims = {**issuer.claims(now=NOW), "roles": roles}
    with pytest.raises(CredentialInvalid, match="roles"):
        await verifier.verify(issuer.sign(claims))


async def test_roles_are_the_six(issuer: TokenIssuer, verifier: TokenVerifier) -> None:
    names = ["trainee", "therapist", "supervisor", "system", "auditor", "admin"]
    assert [role.value for role in Role] == names
    assert (await verifier.verify(issuer.token(now=NOW, roles=[*names, "owner"]))).roles == frozenset(Role)


@pytest.mark.parametrize("token", ["", ".", "..", "a.b", "é.é.é", "\ud800.a.b", "A" * 8_000, "." * 8_000])
async def test_text_that_is_no_token(verifier: TokenVerifier, token: str) -> None:
    with pytest.raises(CredentialInvalid, match="malformed"):
        await verifier.verify(token)


@pytest.mark.parametrize("headers", [{"crit": ["exp"]}, {"alg": "EdDSA", "b64": False, "crit": ["b64"]}])
async def test_header_that_asks_for_more_is_refused(
    issuer: TokenIssuer, verifier: TokenVerifier, headers: dict[str, object]
) -> None:
    with pytest.raises(CredentialInvalid):
        await verifier.verify(issuer.sign(issuer.claims(now=NOW), headers))
