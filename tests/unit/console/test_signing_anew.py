"""Proving anew who one is before a signature: by password, or by having just come from the identity provider."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from services.console.pages.review.signing import proof_of, prove
from services.console.signin.accounts import Account, AccountFile, hash_password, write_accounts
from services.console.signin.credential import (
    FRESH,
    Credential,
    Given,
    GivenCredential,
    MintedCredential,
    Person,
    TokenMint,
)
from services.console.signin.local import LocalSignIn
from services.console.signin.sessions import Sessions
from services.console.signin.throttle import FREE_FAILURES, Throttle
from services.console.texts import read_texts
from services.console.web import Console, Visit

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
SARA = Person(person="sara", name="Sara", clinic="demo", roles=frozenset({"supervisor"}))
RIGHT = "the right one"


@pytest.fixture(scope="module")
def mint(tmp_path_factory: pytest.TempPathFactory) -> TokenMint:
    key = tmp_path_factory.mktemp("key") / "key.pem"
    key.write_bytes(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return TokenMint(key, "https://issuer.example")


@pytest.fixture
def local(tmp_path: Path, mint: TokenMint) -> LocalSignIn:
    path = tmp_path / "accounts.json"
    people = (("sara", "demo", "supervisor"), ("tess", "demo", "therapist"), ("otto", "other", "therapist"))
    write_accounts(
        path,
        [
            Account(person=name, name=name.title(), clinic=clinic, roles=(role,), hash=hash_password(RIGHT))
            for name, clinic, role in people
        ],
    )
    accounts = AccountFile(path)
    accounts.load()
    return LocalSignIn(accounts, mint, Throttle())


def visit(credential: Credential, local: LocalSignIn | None, ago: timedelta = timedelta(hours=1)) -> Visit:
    session = Sessions(idle_seconds=600, life_seconds=3600).open(SARA, credential, NOW - ago)
    console = SimpleNamespace(local=local, texts=read_texts(), clock=lambda: NOW)
    return Visit(cast("Console", console), cast("Any", None), session, "")


def test_only_the_own_password_proves_it(local: LocalSignIn, mint: TokenMint) -> None:
    at = visit(MintedCredential(mint, SARA, NOW, lambda: True), local)
    assert proof_of(at) == "password"
    assert asyncio.run(prove(at, {"password": RIGHT})) == ""
    assert "not right" in asyncio.run(prove(at, {"password": "another"}))
    assert "Enter your password" in asyncio.run(prove(at, {}))
    assert "Enter your password" in asyncio.run(prove(at, {"password": ""}))


def test_guessing_is_slowed_down_here_too(local: LocalSignIn, mint: TokenMint) -> None:
    at = visit(MintedCredential(mint, SARA, NOW, lambda: True), local)

    async def guess() -> list[str]:
        return [await prove(at, {"password": "guess"}) for _ in range(FREE_FAILURES)]

    told = asyncio.run(guess())
    assert "not right" in told[0]
    assert "Too many attempts" in told[-1]
    assert "Too many attempts" in asyncio.run(prove(at, {"password": RIGHT}))


def test_who_comes_from_the_provider_has_a_moment(local: LocalSignIn) -> None:
    given = GivenCredential(Given(token="token", person=SARA, expires=NOW + timedelta(hours=1)))
    just = visit(given, None, FRESH - timedelta(seconds=1))
    assert proof_of(just) == "fresh"
    assert asyncio.run(prove(just, {})) == ""
    for somewhere in (None, local):
        late = visit(given, somewhere, FRESH)
        assert proof_of(late) == "provider"
        assert "Prove first" in asyncio.run(prove(late, {"password": RIGHT}))


def test_only_people_of_the_clinic_are_named(local: LocalSignIn) -> None:
    assert {each.person for each in local.colleagues("demo")} == {"sara", "tess"}
    assert local.colleagues("nowhere") == ()
