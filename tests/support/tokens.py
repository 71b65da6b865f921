"""Key sets and signed tokens for tests: real keys, real signatures."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from services.runtime.identity import KeySet, TokenVerifier

ISSUER = "https://identity.test"
AUDIENCE = "myoplan"


class TokenIssuer:
    """An identity provider with one key. `algorithm`: EdDSA (default), ES256 or RS256."""

    def __init__(self, algorithm: str = "EdDSA", key_id: str | None = "test-key") -> None:
        self.algorithm = algorithm
        self.key_id = key_id
        self.key: Any
        if algorithm == "EdDSA":
            self.key = ed25519.Ed25519PrivateKey.generate()
            public = OKPAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        elif algorithm == "ES256":
            self.key = ec.generate_private_key(ec.SECP256R1())
            public = ECAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        else:
            self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            public = RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        self.public_key: dict[str, Any] = {**public, "use": "sig", "alg": algorithm}
        self.public_key.pop("key_ops", None)
        if key_id is not None:
            self.public_key["kid"] = key_id

    def write_key_set(self, path: Path, *others: TokenIssuer) -> Path:
        """Writes the public keys of this issuer and of `others` as a JWKS."""
        path.write_text(json.dumps({"keys": [issuer.public_key for issuer in (self, *others)]}))
        return path

    def claims(
        self,
        *,
        roles: Sequence[str] = ("therapist",),
        clinic: str = "clinic-a",
        person: str = "tess",
        now: datetime | None = None,
        valid_seconds: int = 3600,
        **changes: object,
    ) -> dict[str, Any]:
        """Returns the claims of a good token; `changes` replaces some, a value of None leaves one out."""
        second = int((now or datetime.now(UTC)).timestamp())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": person,
            "clinic": clinic,
            "roles": list(roles),
            "name": person.title(),
            "auth_time": second,
            "nbf": second,
            "exp": second + valid_seconds,
            **changes,
        }
        return {claim: value for claim, value in claims.items() if value is not None}

    def sign(self, claims: Mapping[str, Any], headers: Mapping[str, Any] | None = None) -> str:
        """Signs any claims."""
        named = {} if self.key_id is None else {"kid": self.key_id}
        return jwt.encode(dict(claims), self.key, self.algorithm, {**named, **(headers or {})})

    def token(self, **claims: Any) -> str:
        """Returns a signed token; the arguments are those of `claims`."""
        return self.sign(self.claims(**claims))

    def metadata(self, **claims: Any) -> tuple[tuple[str, str]]:
        """Returns what a call has to carry."""
        return (("authorization", f"Bearer {self.token(**claims)}"),)

    async def verifier(
        self, folder: Path, *others: TokenIssuer, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> TokenVerifier:
        """Returns a verifier that trusts this issuer and `others`; the key set is `folder/keys.json`."""
        key_set = KeySet(str(self.write_key_set(folder / "keys.json", *others)))
        await key_set.load()
        return TokenVerifier(key_set, ISSUER, clock=clock)
