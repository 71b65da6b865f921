"""A tiny OpenID Connect provider, a process of its own: `python -m tests.support.identity_provider FOLDER`.

It knows one person, signs with a real key, checks what a provider checks (client, redirect address, PKCE, a code is
used once) and prints where it serves. `FOLDER/fault` names something it does wrong: `nonce`, `issuer`, `audience` or
`expired`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.support.tokens import TokenIssuer

CLIENT_ID = "myoplan-console"
CLIENT_SECRET = "a secret of the tests"
PERSON = "ida"


class Provider(BaseHTTPRequestHandler):
    """Answers discovery, the key set, the sign-in page and the exchange of a code."""

    issuer: ClassVar[TokenIssuer]
    address: ClassVar[str]
    folder: ClassVar[Path]
    codes: ClassVar[dict[str, dict[str, str]]] = {}

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        match parts.path:
            case "/.well-known/openid-configuration":
                self._json(
                    {
                        "issuer": self.address,
                        "authorization_endpoint": f"{self.address}/authorize",
                        "token_endpoint": f"{self.address}/token",
                        "jwks_uri": f"{self.address}/keys",
                    }
                )
            case "/keys":
                self._json({"keys": [self.issuer.public_key]})
            case "/authorize":
                self._authorize(query)
            case _:
                self._json({"error": "not_found"}, 404)

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length", "0"))
        form = {name: values[0] for name, values in parse_qs(self.rfile.read(length).decode()).items()}
        basic = "Basic " + base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        asked = self.codes.pop(form.get("code", ""), None)
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(verifier).rstrip(b"=").decode()
        if self.headers.get("authorization") != basic or asked is None or asked["code_challenge"] != challenge:
            self._json({"error": "invalid_grant"}, 400)
            return
        if form.get("redirect_uri") != asked["redirect_uri"]:
            self._json({"error": "invalid_grant"}, 400)
            return
        self._json(self._tokens(asked))

    def _authorize(self, query: dict[str, str]) -> None:
        wanted = {"response_type": "code", "client_id": CLIENT_ID, "code_challenge_method": "S256"}
        if any(query.get(name) != value for name, value in wanted.items()) or "openid" not in query.get("scope", ""):
            self._json({"error": "invalid_request"}, 400)
            return
        if "signed" in query:
            code = secrets.token_urlsafe(16)
            self.codes[code] = query
            back = urlencode({"code": code, "state": query["state"]})
            self._redirect(f"{query['redirect_uri']}?{back}")
            return
        again = urlencode({**query, "signed": "yes"})
        page = f'<!doctype html><title>Provider</title><a id="sign-in" href="/authorize?{again}">Sign in as Ida</a>'
        page += f"<p id='prompt'>{'again' if query.get('prompt') == 'login' else 'first'}</p>"
        self._send(200, page.encode(), "text/html")

    def _tokens(self, asked: dict[str, str]) -> dict[str, Any]:
        fault_file = self.folder / "fault"
        fault = fault_file.read_text() if fault_file.exists() else ""
        now = int(time.time())
        common = {"iss": "https://other.test" if fault == "issuer" else self.address}
        identity = {
            **common,
            "sub": PERSON,
            "aud": CLIENT_ID,
            "exp": now + 300,
            "iat": now,
            "nonce": "another" if fault == "nonce" else asked["nonce"],
        }
        access = self.issuer.claims(
            person=PERSON,
            clinic="demo",
            roles=("therapist",),
            valid_seconds=-3600 if fault == "expired" else 3600,
            iss=self.address,
            aud="another service" if fault == "audience" else "myoplan",
        )
        return {
            "token_type": "Bearer",
            "id_token": self.issuer.sign(identity),
            "access_token": self.issuer.sign(access),
            "expires_in": 3600,
        }

    def _redirect(self, address: str) -> None:
        self.send_response(302)
        self.send_header("location", address)
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
