"""The public keys that tokens are verified with: a JWKS in a file or at an https address, reloaded when it changes."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from http.client import HTTPMessage
from pathlib import Path
from typing import IO, Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from structlog.typing import FilteringBoundLogger

# One algorithm for each kind of key. The kind decides, never the token: with a symmetric algorithm or none at all,
# anybody who can read the public key could sign.
ALGORITHMS = {("OKP", "Ed25519"): "EdDSA", ("EC", "P-256"): "ES256", ("RSA", ""): "RS256"}

MOST_BYTES = 64 * 1024
MOST_KEYS = 64
LEAST_RSA_BITS = 2048
FETCH_SECONDS = 5.0
SECONDS_BETWEEN_ATTEMPTS = 60.0
FRESH_SECONDS = 600.0


class CredentialInvalid(Exception):
    """The credential is not accepted; `problem` says why in a safe word or two, such as `expired`."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


class KeySetUnreadable(Exception):
    """The key set cannot be used; the text says why."""


class KeySet:
    """The keys of a JWKS at `source`: the path of a file, or an https address (http only on this machine).

    A file is read again when it changes. An address is asked again when a token names a key that is not known, at most
    once a minute, and every ten minutes, so that a withdrawn key stops being accepted. When a later reading fails, the
    keys of the last good one stay in use and a warning is logged. `monotonic` is the clock of the waits [s];
    `fetch_seconds` [s] the longest that an address may take to answer.
    """

    def __init__(
        self,
        source: str,
        *,
        logger: FilteringBoundLogger | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        fetch_seconds: float = FETCH_SECONDS,
    ) -> None:
        self._origin = _Address(source, fetch_seconds) if "://" in source else _File(source)
        self._logger = logger
        self._monotonic = monotonic
        self._keys: Sequence[jwt.PyJWK] = ()
        self._attempted: float | None = None
        self._reading: asyncio.Task[None] | None = None

    async def load(self) -> None:
        """Reads the keys; KeySetUnreadable if that fails. Call it once at start."""
        self._attempted = self._monotonic()
        self._keys = parse(await self._origin.read())

    async def find(self, algorithm: object, key_id: object) -> jwt.PyJWK:
        """Returns the key for a token's `alg` and `kid`. CredentialInvalid if there is none."""
        if algorithm not in ALGORITHMS.values():
            raise CredentialInvalid("algorithm")
        if self._origin.changed():
            await asyncio.shield(self._read_again())
        key = self._known(key_id)
        if key is None and (self._reading is not None or self._may_ask_again(SECONDS_BETWEEN_ATTEMPTS)):
            await asyncio.shield(self._read_again())
            key = self._known(key_id)
        elif self._may_ask_again(FRESH_SECONDS):
            self._read_again()  # the call at hand need not wait for it
        if key is None:
            raise CredentialInvalid("key")
        if key.algorithm_name != algorithm:
            raise CredentialInvalid("algorithm")
        return key

    def _known(self, key_id: object) -> jwt.PyJWK | None:
        if key_id is None:
            return self._keys[0] if len(self._keys) == 1 else None
        return next((key for key in self._keys if key.key_id == key_id), None)

    def _may_ask_again(self, seconds: float) -> bool:
        waited = self._attempted is None or self._monotonic() - self._attempted >= seconds
        return waited and isinstance(self._origin, _Address)

    def _read_again(self) -> asyncio.Task[None]:
        if self._reading is None:
            self._reading = asyncio.get_running_loop().create_task(self._try_to_load())
        return self._reading

    async def _try_to_load(self) -> None:
        try:
            await self.load()
        except KeySetUnreadable as error:
            if self._logger is not None:
                self._logger.warning("the key set cannot be read; the last good one stays in use", problem=str(error))
        finally:
            self._reading = None


def parse(raw: bytes) -> tuple[jwt.PyJWK, ...]:
    """Returns the usable keys of a JWKS; KeySetUnreadable if there are none, or if it holds what it must not."""
    try:
        keys = json.loads(raw)["keys"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise KeySetUnreadable("it is not a JSON Web Key Set") from None
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys) or len(keys) > MOST_KEYS:
        raise KeySetUnreadable(f"it is not a list of at most {MOST_KEYS} keys")
    if any("d" in key or "k" in key for key in keys):
        raise KeySetUnreadable("it holds a private or shared key, which only the issuer may have")
    usable = tuple(key for entry in keys if (key := _usable(entry)) is not None)
    if not usable:
        raise KeySetUnreadable("it holds no signing key of the kinds Ed25519, P-256 or RSA from 2048 bits")
    names = [key.key_id for key in usable]
    if len(set(names)) < len(names) or (None in names and len(names) > 1):
        raise KeySetUnreadable("several keys need a kid each, all different")
    return usable


def _usable(entry: dict[str, Any]) -> jwt.PyJWK | None:
    """Returns the key of one entry, None if it is for another purpose or of a kind that is not accepted."""
    kind, curve = entry.get("kty"), entry.get("crv", "")
    algorithm = ALGORITHMS.get((kind, curve)) if isinstance(kind, str) and isinstance(curve, str) else None
    if algorithm is None or entry.get("alg", algorithm) != algorithm or entry.get("use", "sig") != "sig":
        return None
    if "verify" not in entry.get("key_ops", ["verify"]) or not isinstance(entry.get("kid", ""), str):
        return None
    try:
        key = jwt.PyJWK(entry, algorithm)
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    return None if isinstance(key.key, RSAPublicKey) and key.key.key_size < LEAST_RSA_BITS else key


class _File:
    """A key set in a file."""

    def __init__(self, source: str) -> None:
        self._path = Path(source)
        self._seen: tuple[int, int, int] | None = None

    def _mark(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def changed(self) -> bool:
        """Says whether the file is another one than when it was read."""
        return self._mark() != self._seen

    async def read(self) -> bytes:
        """Returns the content."""
        self._seen = self._mark()  # before reading: a change meanwhile is seen next time
        try:
            with self._path.open("rb") as file:
                raw = file.read(MOST_BYTES + 1)
        except OSError as error:
            raise KeySetUnreadable(f"the file cannot be opened: {error.strerror}") from None
        return _of_bounded_size(raw)


class _Address:
    """A key set at an https address, such as `https://identity.example/.well-known/jwks.json`."""

    def __init__(self, source: str, fetch_seconds: float) -> None:
        parts = urllib.parse.urlsplit(source)
        local = parts.scheme == "http" and parts.hostname in {"127.0.0.1", "::1", "localhost"}
        if not parts.hostname or parts.username is not None or not (local or parts.scheme == "https"):
            raise KeySetUnreadable("the address must be https (http only on this machine), without a user name")
        self._url = source
        self._seconds = fetch_seconds

    def changed(self) -> bool:
        """An address does not tell."""
        return False

    async def read(self) -> bytes:
        """Returns the content, fetched in a thread so that the event loop never waits for it."""
        try:
            async with asyncio.timeout(self._seconds):
                return await asyncio.to_thread(self._fetch)
        except TimeoutError:
            raise KeySetUnreadable(f"the address did not answer within {self._seconds:g} s") from None

    def _fetch(self) -> bytes:
        request = urllib.request.Request(self._url, headers={"Accept": "application/json"})  # noqa: S310 - scheme checked
        began = time.monotonic()
        raw = b""
        try:
            with urllib.request.build_opener(_NoRedirect()).open(request, timeout=self._seconds) as answer:
                while len(raw) <= MOST_BYTES and (part := answer.read1(MOST_BYTES)):
                    raw += part
                    if time.monotonic() - began > self._seconds:  # a slow drip never meets the socket's own limit
                        raise TimeoutError
        except urllib.error.HTTPError as error:
            with error:
                raise KeySetUnreadable(f"the address answered with status {error.code}") from None
        except (OSError, ValueError) as error:
            raise KeySetUnreadable(f"the address cannot be read ({type(error).__name__})") from None
        return _of_bounded_size(raw)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Refuses redirects: one could lead to an address that was never configured."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """Follows none."""
        _ = req, fp, code, msg, headers, newurl


def _of_bounded_size(raw: bytes) -> bytes:
    if len(raw) > MOST_BYTES:
        raise KeySetUnreadable(f"it is larger than {MOST_BYTES} bytes")
    return raw
