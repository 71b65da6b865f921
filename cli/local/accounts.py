"""Local keys and accounts, so that nothing else is needed to start. A clinic brings its own identity provider instead.

The folder holds `private.pem` (signs tokens, 0600), `keys.json` (the public key set that the services verify against)
and `seal.key` (seals the records, 0600; it never enters the store).
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

ISSUER = "https://myoplan.local"
AUDIENCE = "myoplan"
ROLES = ("trainee", "therapist", "supervisor", "system", "auditor", "admin")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who a token speaks for."""

    clinic: str
    person: str
    display_name: str
    roles: tuple[str, ...]


DEMO_THERAPIST = Account(clinic="demo", person="tess", display_name="Tess (therapist)", roles=("therapist",))


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


def _write_private(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
