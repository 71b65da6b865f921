"""Settings: every problem at once, by the name of its variable, never with its value."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import pytest

from services.runtime.config import RuntimeSettings, SettingsInvalid, load_settings
from services.runtime.logs import make_logger


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    key = tmp_path / "seal.key"
    key.write_bytes(b"k" * 32)
    for name, value in {
        "REDIS_URL": "redis://:secret-word@store:6379/0",
        "KEY_SET": "https://identity.test/jwks.json",
        "ISSUER": "https://identity.test",
        "SEAL_KEY_FILE": str(key),
    }.items():
        monkeypatch.setenv(f"MYOPLAN_{name}", value)
    return monkeypatch


@pytest.mark.usefixtures("environment")
def test_least_settings_have_good_zero_values() -> None:
    settings = load_settings(RuntimeSettings)
    assert settings.address == "127.0.0.1:0"
    assert not settings.throwaway_store
    assert not settings.reflection
    assert settings.tls() is None
    assert settings.log_level == "info"
    assert settings.redis_url.get_secret_value() == "redis://:secret-word@store:6379/0"


@pytest.mark.usefixtures("environment")
def test_secrets_are_never_printed() -> None:
    settings = load_settings(RuntimeSettings)
    seal_key = settings.seal_key()
    assert (seal_key.key_id, seal_key.key) == (hashlib.sha256(b"k" * 32).hexdigest()[:8], b"k" * 32)
    printed = f"{settings!r}{settings}{seal_key!r}{settings.model_dump_json()}"
    assert "secret-word" not in printed
    assert "kkkk" not in printed


def test_a_secret_may_be_a_file(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "MYOPLAN_REDIS_URL").write_text("redis://:in-a-file@store:6379/0\n")
    environment.setenv("MYOPLAN_SECRETS_FOLDER", str(folder))
    assert load_settings(RuntimeSettings).redis_url.get_secret_value().endswith("@store:6379/0")
    assert "secret-word" in load_settings(RuntimeSettings).redis_url.get_secret_value(), "the environment goes first"
    environment.delenv("MYOPLAN_REDIS_URL")
    assert load_settings(RuntimeSettings).redis_url.get_secret_value() == "redis://:in-a-file@store:6379/0"
    (folder / "MYOPLAN_REDIS_URL").write_text("http://in-a-file")
    with pytest.raises(SettingsInvalid) as refused:
        load_settings(RuntimeSettings)
    assert refused.value.problems == ("MYOPLAN_REDIS_URL: does not begin with unix://, redis:// or rediss://",)
    environment.setenv("MYOPLAN_SECRETS_FOLDER", str(tmp_path / "nowhere"))
    with pytest.raises(SettingsInvalid, match="MYOPLAN_SECRETS_FOLDER: is not a folder"):
        load_settings(RuntimeSettings)


def test_every_problem_is_listed_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    short = tmp_path / "short.key"
    short.write_bytes(b"secret-word")
    for name, value in {
        "ADDRESS": "secret-word",
        "REDIS_URL": "http://secret-word",
        "SEAL_KEY_FILE": str(short),
        "REFLECTION": "secret-word",
        "TLS_KEY": str(short),
        "TLS_CLIENT_CA": str(tmp_path / "nothing"),
        "LOG_LEVEL": "secret-word",
        "ISSUER": "",
    }.items():
        monkeypatch.setenv(f"MYOPLAN_{name}", value)
    with pytest.raises(SettingsInvalid) as caught:
        load_settings(RuntimeSettings)
    problems = dict(problem.split(": ", 1) for problem in caught.value.problems)
    assert problems.pop("MYOPLAN_LOG_LEVEL").startswith("Input should be 'debug'")
    assert problems.pop("MYOPLAN_REFLECTION").startswith("Input should be a valid boolean")
    assert problems == {
        "MYOPLAN_ADDRESS": "is not HOST:PORT",
        "MYOPLAN_REDIS_URL": "does not begin with unix://, redis:// or rediss://",
        "MYOPLAN_KEY_SET": "Field required",
        "MYOPLAN_ISSUER": "Field required",
        "MYOPLAN_SEAL_KEY_FILE": "holds fewer than 32 bytes",
        "MYOPLAN_TLS_KEY": "needs MYOPLAN_TLS_CERTIFICATE beside it",
        "MYOPLAN_TLS_CLIENT_CA": "the file cannot be opened (No such file or directory)",
    }
    assert "secret-word" not in str(caught.value)


@pytest.mark.parametrize("address", ["127.0.0.1:0", "[::1]:50051", "0.0.0.0:65535", "planner.clinic-a.test:50052"])
def test_addresses_that_are_accepted(environment: pytest.MonkeyPatch, address: str) -> None:
    environment.setenv("MYOPLAN_ADDRESS", address)
    assert load_settings(RuntimeSettings).address == address


@pytest.mark.parametrize("address", ["127.0.0.1", ":50051", "127.0.0.1:65536", "a b:1", "http://a:1", "127.0.0.1:1\n"])
def test_addresses_that_are_refused(environment: pytest.MonkeyPatch, address: str) -> None:
    environment.setenv("MYOPLAN_ADDRESS", address)
    with pytest.raises(SettingsInvalid, match="MYOPLAN_ADDRESS: is not HOST:PORT"):
        load_settings(RuntimeSettings)


def test_half_of_tls_stops_the_start(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "file.pem"
    file.write_text("")
    environment.setenv("MYOPLAN_TLS_CERTIFICATE", str(file))
    with pytest.raises(SettingsInvalid, match="MYOPLAN_TLS_KEY: is needed beside MYOPLAN_TLS_CERTIFICATE"):
        load_settings(RuntimeSettings)
    environment.setenv("MYOPLAN_TLS_KEY", str(file))
    files = load_settings(RuntimeSettings).tls()
    assert files is not None
    assert (files.certificate, files.key, files.client_authority) == (file, file, None)
    environment.setenv("MYOPLAN_TLS_CLIENT_CA", str(file))
    files = load_settings(RuntimeSettings).tls()
    assert files is not None
    assert files.client_authority == file


@pytest.mark.usefixtures("environment")
def test_without_an_anchor_the_log_warns() -> None:
    stream = io.StringIO()
    assert load_settings(RuntimeSettings).anchor(make_logger(stream=stream)) is None
    assert json.loads(stream.getvalue())["level"] == "warning"


def test_an_anchor_needs_a_folder_that_can_be_written(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment.setenv("MYOPLAN_ANCHOR_FILE", str(tmp_path / "nowhere" / "anchor.json"))
    with pytest.raises(SettingsInvalid) as caught:
        load_settings(RuntimeSettings)
    assert caught.value.problems == ("MYOPLAN_ANCHOR_FILE: is not in a folder that can be written",)
    environment.setenv("MYOPLAN_ANCHOR_FILE", str(tmp_path / "anchor.json"))
    stream = io.StringIO()
    assert load_settings(RuntimeSettings).anchor(make_logger(stream=stream)) == tmp_path / "anchor.json"
    assert stream.getvalue() == ""


def test_accepted_losses_are_words_of_the_log(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("MYOPLAN_ANCHOR_ACCEPT", "north@1500-1a2b3c4d,south@0-")
    assert load_settings(RuntimeSettings).accepted_losses() == {"north@1500-1a2b3c4d", "south@0-"}
    environment.setenv("MYOPLAN_ANCHOR_ACCEPT", "everything,north@1500-1a2b3c4d")
    with pytest.raises(SettingsInvalid) as caught:
        load_settings(RuntimeSettings)
    assert "1 that are not CLINIC@SEQ-SEAL" in caught.value.problems[0]
