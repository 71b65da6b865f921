"""Accounts, the throttle and sessions, without a server and with clocks of their own."""

from __future__ import annotations

import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest

from cli.local.accounts import AUDIENCE, ISSUER, LocalKeys
from services.console.signin.accounts import (
    Account,
    AccountFile,
    AccountsUnreadable,
    hash_password,
    matches,
    read_accounts,
    write_accounts,
)
from services.console.signin.credential import (
    CredentialEnded,
    MintedCredential,
    Person,
    SigningKeyUnusable,
    TokenMint,
)
from services.console.signin.local import LocalSignIn, Refused
from services.console.signin.sessions import UNDO_DEPTH, Sessions
from services.console.signin.throttle import FREE_FAILURES, LONGEST_WAIT_SECONDS, Throttle
from services.runtime.identity import KeySet, TokenVerifier

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
TESS = Person(person="tess", name="Tess", clinic="demo", roles=frozenset({"therapist"}))


class Seconds:
    """A clock that goes on when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def account(**changes: object) -> Account:
    given = {"person": "tess", "name": "Tess", "clinic": "demo", "roles": ("therapist",), "hash": "x"}
    return Account(**{**given, **changes})  # type: ignore[arg-type]


def minted(tmp_path: Path) -> MintedCredential:
    keys = LocalKeys(tmp_path / "keys")
    return MintedCredential(TokenMint(keys.private_key_file, ISSUER), TESS, datetime.now(UTC), lambda: True)


# --- accounts -----------------------------------------------------------------------------------------------------


def test_accounts_are_read_as_they_were_written_and_only_their_owner_can(tmp_path: Path) -> None:
    path = tmp_path / "accounts.json"
    write_accounts(path, [account(), account(person="sara", roles=("supervisor", "therapist"))])
    assert [each.person for each in read_accounts(path)] == ["tess", "sara"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_password_is_kept_as_a_hash_that_differs_each_time() -> None:
    one, other = hash_password("a secret"), hash_password("a secret")
    assert one != other
    assert "a secret" not in one
    assert matches(one, "a secret")
    assert not matches(one, "A secret")
    assert not matches("no hash at all", "a secret")


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"accounts": [{"person": "tess"}]}',
        '{"accounts": [{"person": "tess", "name": "T", "clinic": "demo", "roles": ["boss"], "hash": "x"}]}',
        '{"accounts": [{"person": "tess", "name": "T", "clinic": "No!", "roles": ["admin"], "hash": "x"}]}',
        '{"accounts": [{"person": "", "name": "T", "clinic": "demo", "roles": ["admin"], "hash": "x"}]}',
    ],
)
def test_a_file_that_holds_something_else_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "accounts.json"
    path.write_text(text)
    with pytest.raises(AccountsUnreadable):
        read_accounts(path)


def test_two_accounts_of_one_person_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "accounts.json"
    write_accounts(path, [account(), account(name="Another")])
    with pytest.raises(AccountsUnreadable, match="same person"):
        read_accounts(path)


def test_a_changed_file_counts_at_once_and_a_damaged_one_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "accounts.json"
    write_accounts(path, [account()])
    accounts = AccountFile(path)
    accounts.load()
    write_accounts(path, [account(), account(person="theo", name="Theo with another name")])
    assert accounts.find("theo") is not None
    path.write_text("half a fi")
    assert accounts.find("theo") is not None
    assert accounts.find("nobody") is None


# --- throttle -----------------------------------------------------------------------------------------------------


def test_an_account_waits_longer_after_each_further_failure() -> None:
    clock = Seconds()
    throttle = Throttle(clock)
    for _ in range(FREE_FAILURES - 1):
        throttle.failed("tess")
    assert throttle.seconds_to_wait("tess") == 0
    waits = []
    for _ in range(12):
        throttle.failed("tess")
        waits.append(throttle.seconds_to_wait("tess"))
        clock.now += waits[-1]
        assert throttle.seconds_to_wait("tess") == 0
    assert waits[:3] == [30, 60, 120]
    assert waits[-1] == LONGEST_WAIT_SECONDS
    assert throttle.seconds_to_wait("sara") == 0
    throttle.succeeded("tess")
    throttle.failed("tess")
    assert throttle.seconds_to_wait("tess") == 0


async def test_while_an_account_waits_even_the_right_password_is_not_tried(tmp_path: Path) -> None:
    path = tmp_path / "accounts.json"
    write_accounts(path, [account(hash=hash_password("right"))])
    accounts = AccountFile(path)
    accounts.load()
    keys = LocalKeys(tmp_path / "keys")
    clock = Seconds()
    sign_in = LocalSignIn(accounts, TokenMint(keys.private_key_file, ISSUER), Throttle(clock))
    for _ in range(FREE_FAILURES):
        assert isinstance(await sign_in.check("tess", "wrong"), Refused)
    refused = await sign_in.check("tess", "right")
    assert isinstance(refused, Refused)
    assert refused.wait_seconds > 0
    clock.now += refused.wait_seconds
    found = await sign_in.check("tess", "right")
    assert not isinstance(found, Refused)
    assert found[0] == TESS
    assert await found[1].token()
    write_accounts(path, [account(hash=hash_password("right"), roles=("trainee",))])
    with pytest.raises(CredentialEnded):  # the roles changed: whoever was signed in has to come in anew
        await found[1].token()
    assert await sign_in.check("nobody", "right") == Refused()
    assert await sign_in.check("tess", "right" * 100) == Refused()


# --- credentials ----------------------------------------------------------------------------------------------------


async def test_the_services_accept_a_minted_token_and_see_when_the_password_was_entered(tmp_path: Path) -> None:
    keys = LocalKeys(tmp_path / "keys")
    key_set = KeySet(str(keys.key_set_file))
    await key_set.load()
    entered = datetime.now(UTC) - timedelta(hours=2)
    credential = MintedCredential(TokenMint(keys.private_key_file, ISSUER), TESS, entered, lambda: True)
    caller = await TokenVerifier(key_set, ISSUER, audience=AUDIENCE).verify(await credential.token())
    assert (caller.person, caller.clinic, caller.display_name) == ("tess", "demo", "Tess")
    assert caller.auth_time == entered.replace(microsecond=0)
    claims = jwt.decode(await credential.token(), options={"verify_signature": False})
    assert claims["exp"] - claims["nbf"] == 300


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_text("no key")
    with pytest.raises(SigningKeyUnusable):
        TokenMint(path, ISSUER)


def test_no_secret_is_in_a_repr(tmp_path: Path) -> None:
    sessions = Sessions(idle_seconds=60, life_seconds=600)
    session = sessions.open(TESS, minted(tmp_path), NOW)
    assert session.secret.hex() not in repr(session)
    assert "credential" not in repr(session)


# --- sessions -------------------------------------------------------------------------------------------------------


@pytest.fixture
def clock() -> Seconds:
    return Seconds()


@pytest.fixture
def sessions(clock: Seconds) -> Sessions:
    return Sessions(idle_seconds=600, life_seconds=3600, monotonic=clock)


@pytest.fixture
def opened(sessions: Sessions, tmp_path: Path) -> Callable[[], str]:
    return lambda: sessions.cookie(sessions.open(TESS, minted(tmp_path), NOW))


def test_an_idle_session_is_locked_and_goes_on_under_a_new_id(
    sessions: Sessions, clock: Seconds, opened: Callable[[], str], tmp_path: Path
) -> None:
    cookie = opened()
    clock.now += 599
    session = sessions.find(cookie)
    assert session is not None
    assert not session.locked
    sessions.use(session)
    clock.now += 600
    session = sessions.find(cookie)
    assert session is not None
    assert session.locked
    token = session.form_token()
    sessions.unlock(session, minted(tmp_path), NOW + timedelta(minutes=20))
    assert sessions.find(cookie) is None
    again = sessions.find(sessions.cookie(session))
    assert again is session
    assert not again.locked
    assert again.accepts(token)  # a form on the page that was covered is still good


def test_a_session_ends_with_the_day_used_or_not(sessions: Sessions, clock: Seconds, opened: Callable[[], str]) -> None:
    cookie = opened()
    for _ in range(8):
        session = sessions.find(cookie)
        assert session is not None
        sessions.use(session)
        clock.now += 450
    assert sessions.find(cookie) is None


def test_a_cookie_that_was_touched_opens_nothing(sessions: Sessions, opened: Callable[[], str]) -> None:
    cookie = opened()
    assert sessions.find(cookie) is not None
    for forged in ("", "x", cookie[:-1], cookie[::-1], cookie.partition(".")[0], "\u00e4." + cookie):
        assert sessions.find(forged) is None
    assert Sessions(idle_seconds=1, life_seconds=1).find(cookie) is None  # another process, another key


def test_form_tokens_differ_each_time_and_belong_to_one_session(sessions: Sessions, opened: Callable[[], str]) -> None:
    one, other = sessions.find(opened()), sessions.find(opened())
    assert one is not None
    assert other is not None
    first, second = one.form_token(), one.form_token()
    assert first != second
    assert one.accepts(first)
    assert one.accepts(second)
    assert not other.accepts(first)
    for forged in ("", "\u00e4", "AAAA", first[:-4], first + "AAAA"):
        assert not one.accepts(forged)


def test_undo_is_twenty_deep(sessions: Sessions, opened: Callable[[], str]) -> None:
    session = sessions.find(opened())
    assert session is not None
    for revision in range(30):
        session.at("clients/c/assessments/a").undo.append((revision, ("x",)))
    assert len(session.at("clients/c/assessments/a").undo) == UNDO_DEPTH == 20
