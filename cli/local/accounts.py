"""Local keys and accounts, so that nothing else is needed to start. A clinic brings its own identity provider instead.

The folder holds `private.pem` (signs tokens, 0600), `keys.json` (the public key set that the services verify against),
`seal.key` (seals the records, 0600; it never enters the store), `accounts.json` (who signs in at the console, with
hashed passwords) and `first_sign_ins.json` (the first passwords, 0600, for whoever starts the stack; delete it when
they are known).
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from jwt.algorithms import OKPAlgorithm

from services.console.signin.accounts import Account as ConsoleAccount
from services.console.signin.accounts import hash_password, write_accounts

ISSUER = "https://myoplan.local"
AUDIENCE = "myoplan"
FIRST_SIGN_INS = "first_sign_ins.json"
ROLES = ("trainee", "therapist", "supervisor", "system", "auditor", "admin")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who a token speaks for."""

    clinic: str
    person: str
    display_name: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """A local account with its first password."""

    account: Account
    password: str


DEMO_THERAPIST = Account(clinic="demo", person="tess", display_name="Tess (therapist)", roles=("therapist",))

CONSOLE_PEOPLE = (
    DEMO_THERAPIST,
    Account(clinic="demo", person="theo", display_name="Theo (trainee)", roles=("trainee",)),
    Account(clinic="demo", person="sara", display_name="Sara (supervisor)", roles=("supervisor",)),
)
_SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]


class LocalKeys:
    """The keys of one local installation; made once, then read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self.private_key_file.exists():
            key = Ed25519PrivateKey.generate()
            pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            _write_private(self.private_key_file, pem)
            public = json.loads(OKPAlgorithm.to_jwk(key.public_key()))
            key_set = {"keys": [{**public, "kid": "local", "use": "sig", "alg": "EdDSA"}]}
            self.key_set_file.write_text(json.dumps(key_set, indent=1) + "\n")
        if not self.seal_key_file.exists():
            _write_private(self.seal_key_file, secrets.token_bytes(32))

    @property
    def private_key_file(self) -> Path:
        """The key that signs tokens."""
        return self.folder / "private.pem"

    @property
    def key_set_file(self) -> Path:
        """The public key set."""
        return self.folder / "keys.json"

    @property
    def seal_key_file(self) -> Path:
        """The key that seals records."""
        return self.folder / "seal.key"

    @property
    def accounts_file(self) -> Path:
        """The accounts of the console."""
        return self.folder / "accounts.json"

    def console_sign_ins(self) -> tuple[SignIn, ...]:
        """Makes the accounts of the console if there are none; returns the first passwords as long as they are kept."""
        first = self._first_sign_ins
        if not self.accounts_file.exists():
            made = {account.person: _password() for account in CONSOLE_PEOPLE}
            write_accounts(
                self.accounts_file,
                (
                    ConsoleAccount(
                        person=account.person,
                        name=account.display_name,
                        clinic=account.clinic,
                        roles=account.roles,
                        hash=hash_password(made[account.person]),
                    )
                    for account in CONSOLE_PEOPLE
                ),
            )
            first.unlink(missing_ok=True)
            _write_private(first, json.dumps(made).encode())
        kept = json.loads(first.read_text()) if first.exists() else {}
        return tuple(
            SignIn(account=account, password=kept[account.person])
            for account in CONSOLE_PEOPLE
            if account.person in kept
        )

    @property
    def _first_sign_ins(self) -> Path:
        return self.folder / FIRST_SIGN_INS

    def forget_first_sign_in(self, person: str) -> None:
        """Forgets the first password of a person: they have another now, or none."""
        if self._first_sign_ins.exists():
            kept = json.loads(self._first_sign_ins.read_text())
            kept.pop(person, None)
            self._first_sign_ins.unlink()
            _write_private(self._first_sign_ins, json.dumps(kept).encode())

    def token(self, account: Account, valid: timedelta, now: datetime | None = None) -> str:
        """Returns a signed token for `account`, valid from `now` for `valid`."""
        issued = now or datetime.now(UTC)
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": account.person,
            "clinic": account.clinic,
            "name": account.display_name,
            "roles": list(account.roles),
            "auth_time": int(issued.timestamp()),
            "nbf": int(issued.timestamp()),
            "exp": int((issued + valid).timestamp()),
        }
        key = load_pem_private_key(self.private_key_file.read_bytes(), None)
        return jwt.encode(claims, key, "EdDSA", {"kid": "local"})  # type: ignore[arg-type]


def _password() -> str:
    """Returns a password that is easily read aloud: about 40 bits, and the console slows guessing down."""
    parts = ("".join(secrets.choice(_SYLLABLES) for _ in range(3)) for _ in range(2))
    return "-".join((*parts, str(secrets.randbelow(90) + 10)))


def _write_private(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
