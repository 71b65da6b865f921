"""A tiny OpenID Connect provider, a process of its own: `python -m tests.support.identity_provider FOLDER`.

It knows a few people, remembers in a cookie of its own who is signed in, signs with a real key, and checks what a
provider checks: client, redirect addresses, PKCE, codes and refresh tokens that are used once. It prints where it
serves and writes every thing it was asked for as a line of `FOLDER/asked`. `FOLDER/fault` names something it does
wrong, see FAULTS; `FOLDER/life` is how long [s] its access tokens live; `FOLDER/described` changes what it says of
itself.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.support.tokens import TokenIssuer

ROOT = Path(__file__).resolve().parents[2]
CLIENT_ID = "myoplan-console"
CLIENT_SECRET = "a secret of the tests"
PERSON = "ida"
PEOPLE = {PERSON: ("therapist", "demo"), "sara": ("supervisor", "demo"), "otto": ("therapist", "other")}
FAULTS = {
    "nonce": "answers to another sign-in",
    "issuer": "names another issuer",
    "audience": "gives a token for another service",
    "expired": "gives a token that has expired",
    "client": "gives an identity to another client",
    "silent": "asks nobody anew, whatever it is told",
    "no auth_time": "does not say when a person proved who they are",
    "no refresh token": "gives none",
    "refuse": "renews nothing",
    "away": "answers nobody who asks for tokens",
    "garbled": "answers with a page instead of tokens",
    "another person": "renews for somebody else",
    "another clinic": "renews for the same name in another clinic",
    "another identity": "renews with an identity that is not the token's",
    "roles": "renews with other roles",
    "forged": "renews with a token that somebody else signed",
    "renewed auth_time": "takes a renewal for a sign-in",
}
LONG_AGO = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningProvider:
    """A provider in a process of its own."""

    address: str
    folder: Path

    @property
    def key_set(self) -> Path:
        """The file of its public keys."""
        return self.folder / "keys.json"

    def fault(self, name: str) -> None:
        """Makes it do something wrong; empty: nothing."""
        assert not name or name in FAULTS
        (self.folder / "fault").write_text(name)

    def life(self, seconds: int) -> None:
        """Sets how long its next access tokens live."""
        (self.folder / "life").write_text(str(seconds))

    def asked(self) -> list[str]:
        """Returns what it was asked for, in order."""
        path = self.folder / "asked"
        return path.read_text().splitlines() if path.exists() else []


@contextmanager
def running_provider(folder: Path) -> Iterator[RunningProvider]:
    """Runs a provider for the length of a with block."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.identity_provider", str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            yield RunningProvider(address=process.stdout.readline().rsplit(" on ", 1)[1].strip(), folder=folder)
        finally:
            process.terminate()


class Provider(BaseHTTPRequestHandler):
    """Answers discovery, the key set, the sign-in page, codes, renewals and sign-outs."""

    issuer: ClassVar[TokenIssuer]
    address: ClassVar[str]
    folder: ClassVar[Path]
    codes: ClassVar[dict[str, dict[str, str]]] = {}
    refreshes: ClassVar[dict[str, dict[str, str]]] = {}

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        match parts.path:
            case "/.well-known/openid-configuration":
                places = {
                    "authorization_endpoint": "authorize",
                    "token_endpoint": "token",
                    "jwks_uri": "keys",
                    "end_session_endpoint": "end",
                    "revocation_endpoint": "revoke",
                }
                described = {name: f"{self.address}/{place}" for name, place in places.items()}
                self._json({"issuer": self.address, **described, **self._described()})
            case "/keys":
                self._json({"keys": [self.issuer.public_key]})
            case "/authorize":
                self._authorize(query)
            case "/end":
                self._end(query)
            case _:
                self._json({"error": "not_found"}, 404)

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length", "0"))
        form = {name: values[0] for name, values in parse_qs(self.rfile.read(length).decode()).items()}
        if self._fault() == "away":
            self._json({"error": "temporarily_unavailable"}, 503)
            return
        if self._fault() == "garbled":
            self._send(200, b"<h1>Welcome</h1>", "text/html")
            return
        basic = "Basic " + base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if self.headers.get("authorization") != basic:
            self._json({"error": "invalid_client"}, 401)
        elif self.path == "/revoke":
            self._note("revoke" if self.refreshes.pop(form.get("token", ""), None) else "revoke nothing")
            self._json({})
        elif form.get("grant_type") == "refresh_token":
            self._renew(form)
        else:
            self._exchange(form)

    def _exchange(self, form: dict[str, str]) -> None:
        asked = self.codes.pop(form.get("code", ""), None)
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(verifier).rstrip(b"=").decode()
        if (
            asked is None
            or asked["code_challenge"] != challenge
            or form.get("redirect_uri") != asked["redirect_uri"]
            or form.get("grant_type") != "authorization_code"
        ):
            self._json({"error": "invalid_grant"}, 400)
            return
        self._note("code")
        self._json(self._tokens(asked))

    def _renew(self, form: dict[str, str]) -> None:
        asked = self.refreshes.pop(form.get("refresh_token", ""), None)
        if asked is None or self._fault() == "refuse":
            self._note("renewal refused")
            self._json({"error": "invalid_grant"}, 400)
            return
        self._note("renewal")
        self._json(self._tokens(asked, renewed=True))

    def _authorize(self, query: dict[str, str]) -> None:
        wanted = {"response_type": "code", "client_id": CLIENT_ID, "code_challenge_method": "S256"}
        if any(query.get(name) != value for name, value in wanted.items()) or "openid" not in query.get("scope", ""):
            self._json({"error": "invalid_request"}, 400)
            return
        if person := query.get("signed"):
            self._let_back(query, person, int(time.time()))
            return
        cookie = SimpleCookie(self.headers.get("cookie", "")).get("provider")
        known, _, since = cookie.value.partition("-") if cookie else ("", "", "")
        if known and (query.get("prompt") != "login" or self._fault() == "silent"):
            self._let_back(query, known, int(since) - LONG_AGO)
            return
        self._note(f"authorize {query['scope']}")
        page = "<!doctype html><title>Provider</title>"
        for name in PEOPLE:
            again = urlencode({**query, "signed": name})
            place = "sign-in" if name == PERSON else name
            page += f'<p><a id="{place}" href="/authorize?{again}">Sign in as {name}</a>'
        turned_back = urlencode({"error": "access_denied", "state": query["state"]})
        page += f'<p><a id="cancel" href="{query["redirect_uri"]}?{turned_back}">Cancel</a>'
        page += f"<p id='prompt'>{'again' if query.get('prompt') == 'login' else 'first'}</p>"
        self._send(200, page.encode(), "text/html")

    def _let_back(self, query: dict[str, str], person: str, since: int) -> None:
        code = secrets.token_urlsafe(16)
        self.codes[code] = {**query, "person": person, "since": str(since)}
        back = urlencode({"code": code, "state": query["state"]})
        cookie = f"provider={person}-{since}; Path=/; HttpOnly; SameSite=Lax"
        self._redirect(f"{query['redirect_uri']}?{back}", cookie)

    def _end(self, query: dict[str, str]) -> None:
        self._note(f"end {query.get('client_id')}{' with a token' if 'id_token_hint' in query else ''}")
        self._redirect(query["post_logout_redirect_uri"], "provider=; Path=/; Max-Age=0")

    def _tokens(self, asked: dict[str, str], *, renewed: bool = False) -> dict[str, Any]:
        fault, now = self._fault(), int(time.time())
        person = asked["person"]
        role, clinic = PEOPLE[person]
        since = None if fault == "no auth_time" else int(asked["since"])
        identity = {
            "iss": "https://other.test" if fault == "issuer" else self.address,
            "sub": person,
            "aud": [CLIENT_ID, "another"] if fault == "client" else CLIENT_ID,
            **({"azp": "another"} if fault == "client" else {}),
            "exp": now + 300,
            "iat": now,
            **({} if since is None else {"auth_time": since}),
            **({} if renewed else {"nonce": "another" if fault == "nonce" else asked["nonce"]}),
        }
        if renewed and fault in {"another person", "another clinic", "roles"}:
            person = identity["sub"] = "otto" if fault == "another person" else person
            clinic = "other" if fault == "another clinic" else clinic
            role = "trainee" if fault == "roles" else role
        if renewed and fault == "another identity":
            identity["sub"] = "otto"
        life_file = self.folder / "life"
        life = int(life_file.read_text()) if life_file.exists() else 3600
        access = self.issuer.claims(
            person=person,
            clinic=clinic,
            roles=(role,),
            valid_seconds=-3600 if fault == "expired" else life,
            iss=self.address,
            aud="another service" if fault == "audience" else "myoplan",
            auth_time=now if renewed and fault == "renewed auth_time" else since,
        )
        signer = TokenIssuer("ES256", self.issuer.key_id) if renewed and fault == "forged" else self.issuer
        tokens = {
            "token_type": "Bearer",
            "id_token": self.issuer.sign(identity),
            "access_token": signer.sign(access),
            "expires_in": life,
        }
        if fault != "no refresh token":
            refresh = f"renews-{secrets.token_urlsafe(16)}"
            self.refreshes[refresh] = asked
            tokens["refresh_token"] = refresh
        return tokens

    def _described(self) -> dict[str, str]:
        file = self.folder / "described"
        return dict(json.loads(file.read_text())) if file.exists() else {}

    def _fault(self) -> str:
        file = self.folder / "fault"
        return file.read_text() if file.exists() else ""

    def _note(self, line: str) -> None:
        with (self.folder / "asked").open("a") as file:
            file.write(f"{line}\n")

    def _redirect(self, address: str, cookie: str) -> None:
        self.send_response(302)
        self.send_header("location", address)
        self.send_header("set-cookie", cookie)
        self.end_headers()

    def _json(self, content: dict[str, Any], status: int = 200) -> None:
        self._send(status, json.dumps(content).encode(), "application/json")

    def _send(self, status: int, content: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the standard library's
        """Says nothing."""


def main() -> None:
    """Serves until the process ends; the key set is also written to `FOLDER/keys.json`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    Provider.folder = Path(sys.argv[1])
    Provider.issuer = TokenIssuer("ES256")
    Provider.address = f"http://127.0.0.1:{server.server_address[1]}"
    Provider.issuer.write_key_set(Provider.folder / "keys.json")
    print(f"serving identity provider on {Provider.address}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
