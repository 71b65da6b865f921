"""Key sets in files and at addresses, and how changes of them arrive."""

from __future__ import annotations

import asyncio
import io
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from services.runtime.key_set import CredentialInvalid, KeySet, KeySetUnreadable, parse
from services.runtime.logs import make_logger
from tests.support.tokens import TokenIssuer


def document(*keys: object) -> bytes:
    return json.dumps({"keys": keys}).encode()


def without(key: dict[str, Any], *fields: str) -> dict[str, Any]:
    return {name: value for name, value in key.items() if name not in fields}


FIRST, SECOND = TokenIssuer(key_id="first"), TokenIssuer(key_id="second")
PRIVATE = {**OKPAlgorithm.to_jwk(FIRST.key, as_dict=True), "kid": "private"}
SMALL_RSA = RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 1024).public_key(), as_dict=True)  # noqa: S505
OTHER_CURVE = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP384R1()).public_key(), as_dict=True)
SHARED = {"kty": "oct", "k": "c2VjcmV0", "kid": "shared"}


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"", "not a JSON Web Key Set"),
        (b"[]", "not a JSON Web Key Set"),
        (b'{"keys"', "not a JSON Web Key Set"),
        (b"[" * 50_000, "not a JSON Web Key Set"),
        (b"\xff", "not a JSON Web Key Set"),
        (b'{"keys": {}}', "not a list"),
        (b'{"keys": [1]}', "not a list"),
        (document(*[FIRST.public_key] * 65), "not a list of at most 64"),
        (document(), "no signing key"),
        (document(SMALL_RSA), "no signing key"),
        (document(OTHER_CURVE), "no signing key"),
        (document({**FIRST.public_key, "use": "enc"}), "no signing key"),
        (document({**FIRST.public_key, "alg": "HS256"}), "no signing key"),
        (document({**FIRST.public_key, "key_ops": ["sign"]}), "no signing key"),
        (document({**FIRST.public_key, "x": "AA"}), "no signing key"),
        (document({**FIRST.public_key, "kid": 5}), "no signing key"),
        (document({"kty": ["OKP"], "crv": {}}), "no signing key"),
        (document(FIRST.public_key, PRIVATE), "private or shared"),
        (document(FIRST.public_key, SHARED), "private or shared"),
        (document(FIRST.public_key, FIRST.public_key), "all different"),
        (document(FIRST.public_key, without(SECOND.public_key, "kid")), "kid each"),
    ],
)
def test_what_is_no_key_set(raw: bytes, problem: str) -> None:
    with pytest.raises(KeySetUnreadable, match=problem):
        parse(raw)


def test_keys_for_other_purposes_are_left_out() -> None:
    keys = parse(document(OTHER_CURVE, {**SECOND.public_key, "use": "enc"}, FIRST.public_key))
    assert [key.key_id for key in keys] == ["first"]


async def test_kid_may_be_left_out_only_for_a_single_key(tmp_path: Path) -> None:
    path = FIRST.write_key_set(tmp_path / "keys.json")
    keys = KeySet(str(path))
    assert (await keys.find("EdDSA", None)).key_id == "first"
    FIRST.write_key_set(path, SECOND)
    with pytest.raises(CredentialInvalid, match="key"):
        await keys.find("EdDSA", None)


async def test_file_that_changes_is_read_again(tmp_path: Path) -> None:
    path = FIRST.write_key_set(tmp_path / "keys.json")
    keys = KeySet(str(path))
    await keys.load()
    assert (await keys.find("EdDSA", "first")).key_id == "first"
    SECOND.write_key_set(tmp_path / "new.json").replace(path)
    assert (await keys.find("EdDSA", "second")).key_id == "second"
    with pytest.raises(CredentialInvalid):
        await keys.find("EdDSA", "first")  # withdrawn


async def test_broken_file_leaves_the_last_good_keys_in_use(tmp_path: Path) -> None:
    log = io.StringIO()
    path = FIRST.write_key_set(tmp_path / "keys.json")
    keys = KeySet(str(path), logger=make_logger(stream=log))
    await keys.load()
    path.write_text("{")
    for _ in range(3):
        assert await keys.find("EdDSA", "first")
    path.unlink()
    assert await keys.find("EdDSA", "first")
    problems = [json.loads(line)["problem"] for line in log.getvalue().splitlines()]
    assert problems == ["it is not a JSON Web Key Set", "the file cannot be opened: No such file or directory"]


async def test_start_without_keys_fails(tmp_path: Path) -> None:
    with pytest.raises(KeySetUnreadable, match="No such file"):
        await KeySet(str(tmp_path / "nothing.json")).load()
    large = tmp_path / "large.json"
    large.write_bytes(b" " * 65_537)
    with pytest.raises(KeySetUnreadable, match="larger than 65536"):
        await KeySet(str(large)).load()
    nothing = KeySet(str(tmp_path / "nothing.json"))
    with pytest.raises(CredentialInvalid, match="key"):
        await nothing.find("EdDSA", None)


@pytest.mark.parametrize("algorithm", ["none", "HS256", "RS256", "ES256", "PS256", "", None, 5, ["EdDSA"]])
async def test_algorithm_is_the_one_of_the_key(tmp_path: Path, algorithm: object) -> None:
    keys = KeySet(str(FIRST.write_key_set(tmp_path / "keys.json")))
    with pytest.raises(CredentialInvalid, match="algorithm"):
        await keys.find(algorithm, "first")


@pytest.mark.parametrize(
    "address",
    [
        "http://identity.test/keys",
        "ftp://127.0.0.1/keys",
        "file:///etc/passwd",
        "https:///keys",
        "https://user:word@identity.test/keys",
        "http://127.0.0.1.identity.test/keys",
    ],
)
def test_addresses_that_are_refused(address: str) -> None:
    with pytest.raises(KeySetUnreadable, match="https"):
        KeySet(address)


class Provider:
    """An identity provider on this machine: answers with `answer`, or never while `silent`."""

    def __init__(self) -> None:
        self.answer, self.status, self.requests = b"", 200, 0
        self.headers: dict[str, str] = {}
        self.silent, self.asked = threading.Event(), threading.Event()
        self.silent.set()
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.requests += 1
                provider.asked.set()
                provider.silent.wait(20)
                self.send_response(provider.status)
                for name, value in provider.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(provider.answer)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}/keys"

    def close(self) -> None:
        self.silent.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def provider() -> Iterator[Provider]:
    running = Provider()
    running.answer = document(FIRST.public_key)
    yield running
    running.close()


class Clock:
    """A clock that stands still until it is moved, in seconds."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


async def test_rotated_key_is_found_at_most_once_a_minute(provider: Provider) -> None:
    clock = Clock()
    keys = KeySet(provider.address, monotonic=clock)
    await keys.load()
    provider.answer = document(FIRST.public_key, SECOND.public_key)
    for _ in range(5):
        with pytest.raises(CredentialInvalid, match="key"):
            await keys.find("EdDSA", "second")
    assert provider.requests == 1
    clock.now += 60
    found = await asyncio.gather(*(keys.find("EdDSA", "second") for _ in range(20)))
    assert {key.key_id for key in found} == {"second"}
    assert provider.requests == 2
    for _ in range(5):
        with pytest.raises(CredentialInvalid, match="key"):
            await keys.find("EdDSA", "made up")
    assert provider.requests == 2


async def test_withdrawn_key_is_forgotten_after_ten_minutes(provider: Provider) -> None:
    clock = Clock()
    keys = KeySet(provider.address, monotonic=clock)
    await keys.load()
    provider.answer = document(SECOND.public_key)
    clock.now += 599
    assert await keys.find("EdDSA", "first")
    assert provider.requests == 1
    clock.now += 1
    await keys.find("EdDSA", "first")  # begins to ask, does not wait
    assert (await keys.find("EdDSA", "second")).key_id == "second"  # waits for the same answer
    assert provider.requests == 2
    with pytest.raises(CredentialInvalid):
        await keys.find("EdDSA", "first")


async def test_event_loop_does_not_wait_for_the_address(provider: Provider) -> None:
    clock = Clock()
    keys = KeySet(provider.address, monotonic=clock)
    await keys.load()
    provider.silent.clear()
    provider.asked.clear()
    provider.answer = document(SECOND.public_key)
    clock.now += 60
    waiting = asyncio.ensure_future(keys.find("EdDSA", "second"))
    await asyncio.to_thread(provider.asked.wait, 5)
    assert (await keys.find("EdDSA", "first")).key_id == "first"
    assert not waiting.done()
    provider.silent.set()
    assert (await waiting).key_id == "second"


async def test_caller_that_leaves_does_not_end_the_asking(provider: Provider) -> None:
    clock = Clock()
    keys = KeySet(provider.address, monotonic=clock)
    await keys.load()
    provider.silent.clear()
    provider.asked.clear()
    provider.answer = document(SECOND.public_key)
    clock.now += 60
    leaving = asyncio.ensure_future(keys.find("EdDSA", "second"))
    staying = asyncio.ensure_future(keys.find("EdDSA", "second"))
    await asyncio.to_thread(provider.asked.wait, 5)
    leaving.cancel()
    provider.silent.set()
    assert (await staying).key_id == "second"
    assert provider.requests == 2


@pytest.mark.parametrize(
    ("status", "answer", "headers", "problem"),
    [
        (500, b"", {}, "status 500"),
        (302, b"", {"Location": "http://127.0.0.1:1/elsewhere"}, "status 302"),
        (200, b" " * 65_537, {}, "larger than 65536"),
        (200, b"<html>", {}, "not a JSON Web Key Set"),
    ],
)
async def test_bad_answers_of_an_address(
    provider: Provider, status: int, answer: bytes, headers: dict[str, str], problem: str
) -> None:
    provider.status, provider.answer, provider.headers = status, answer, headers
    with pytest.raises(KeySetUnreadable, match=problem):
        await KeySet(provider.address).load()


async def test_silent_address_is_given_up(provider: Provider) -> None:
    provider.silent.clear()
    with pytest.raises(KeySetUnreadable, match="did not answer within"):
        await KeySet(provider.address, fetch_seconds=0.1).load()


async def test_address_without_anybody(provider: Provider) -> None:
    provider.close()
    with pytest.raises(KeySetUnreadable, match="cannot be read"):
        await KeySet(provider.address).load()
