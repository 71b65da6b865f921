"""What the console's container needs beside its compose file: accounts that it can go on reading, and a probe."""

from __future__ import annotations

import ssl
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from typer.testing import CliRunner

from cli.commands import application
from services.console import probe
from services.console.signin.accounts import AccountFile, matches

PASSWORD, NEW = "a first password", "another password"


def set_account(accounts: Path, password: str) -> None:
    done = CliRunner().invoke(
        application, ["account", "set", "tess", "--accounts", str(accounts)], input=f"{password}\n"
    )
    assert done.exit_code == 0, done.output


def test_setting_an_account_makes_no_keys(tmp_path: Path) -> None:
    """A second seal.key beside the accounts would be taken for the one that must not be lost."""
    (tmp_path / "private.pem").write_text("the key that signs tokens")
    set_account(tmp_path / "accounts.json", PASSWORD)
    assert {path.name for path in tmp_path.iterdir()} == {"private.pem", "accounts.json"}
    assert (tmp_path / "private.pem").read_text() == "the key that signs tokens"


def test_a_console_that_could_read_the_accounts_reads_them_after_a_change(tmp_path: Path) -> None:
    """Otherwise it would go on with the old ones: a password that was changed, a person who was taken away."""
    path = tmp_path / "accounts.json"
    set_account(path, PASSWORD)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600, "a new file is its owner's"
    path.chmod(0o644)
    accounts = AccountFile(path)
    accounts.load()
    set_account(path, NEW)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    found = accounts.find("tess")
    assert found
    assert matches(found.hash, NEW)


class Answering(BaseHTTPRequestHandler):
    """Answers /alive as the console does, and nothing else."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/alive" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Says nothing."""


@contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Answering)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def probed(monkeypatch: pytest.MonkeyPatch, address: str) -> object:
    monkeypatch.setattr(sys, "argv", ["probe", address])
    with pytest.raises(SystemExit) as ended:
        probe.main()
    return ended.value.code


def test_the_probe_says_whether_the_console_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MYOPLAN_TLS_CERTIFICATE", raising=False)
    with serving() as address:
        assert probed(monkeypatch, address) == 0
    assert str(probed(monkeypatch, address)).startswith("no answer")


def test_the_probe_of_a_console_with_a_certificate(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The certificate names the address that people type, and not the one in the container."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    files = ["-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", "/CN=console.example.org"]
    subprocess.run([*make, *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with serving(context) as address:
        monkeypatch.setenv("MYOPLAN_TLS_CERTIFICATE", str(certificate))
        assert probed(monkeypatch, address) == 0
        monkeypatch.delenv("MYOPLAN_TLS_CERTIFICATE")
        assert probed(monkeypatch, address) != 0, "the control: it asks over http"
