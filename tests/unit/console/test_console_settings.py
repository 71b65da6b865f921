"""Settings of the console: what is wrong is told at once, with the name of the variable and without its value."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from services.console.config import ConsoleSettings, is_loopback
from services.console.web import own_path
from services.runtime.config import SettingsInvalid, load_settings

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def good(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    for name in ("accounts.json", "key.pem"):
        (tmp_path / name).write_text("x")
    for name, value in {
        "ASSESSMENT_ADDRESS": "127.0.0.1:1",
        "PLANNER_ADDRESS": "127.0.0.1:2",
        "ISSUER": "https://myoplan.local",
        "ACCOUNTS": str(tmp_path / "accounts.json"),
        "SIGNING_KEY_FILE": str(tmp_path / "key.pem"),
    }.items():
        monkeypatch.setenv(f"MYOPLAN_{name}", value)
    return monkeypatch


def test_good_settings_are_taken(good: pytest.MonkeyPatch) -> None:
    good.setenv("MYOPLAN_TIME_ZONE", "Europe/Vienna")
    settings = load_settings(ConsoleSettings)
    assert settings.idle_minutes == 10
    assert settings.time_zone == "Europe/Vienna"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ADDRESS", "somewhere"),
        ("ORIGIN", "http://console.example.org"),
        ("ORIGIN", "https://console.example.org/path"),
        ("ORIGIN", "console.example.org"),
        ("PLANNER_ADDRESS", "planner"),
        ("ACCOUNTS", "/nowhere/accounts.json"),
        ("IDLE_MINUTES", "0"),
        ("SESSION_HOURS", "300"),
        ("TIME_ZONE", "Middle/Earth"),
        ("TLS_KEY", "/nowhere/key"),
        ("SENT_TOKEN", "refresh_token"),
    ],
)
def test_a_wrong_value_is_told_by_its_name(good: pytest.MonkeyPatch, name: str, value: str) -> None:
    good.setenv(f"MYOPLAN_{name}", value)
    with pytest.raises(SettingsInvalid) as refused:
        load_settings(ConsoleSettings)
    assert any(problem.startswith(f"MYOPLAN_{name}") for problem in refused.value.problems)
    assert len(value) < 4 or value not in str(refused.value)


def test_somebody_has_to_be_able_to_sign_in(good: pytest.MonkeyPatch) -> None:
    good.delenv("MYOPLAN_ACCOUNTS")
    with pytest.raises(SettingsInvalid, match="MYOPLAN_CLIENT_ID"):
        load_settings(ConsoleSettings)
    good.setenv("MYOPLAN_CLIENT_ID", "console")
    assert load_settings(ConsoleSettings).accounts is None


def test_accounts_need_the_key_that_signs_for_them(good: pytest.MonkeyPatch) -> None:
    good.delenv("MYOPLAN_SIGNING_KEY_FILE")
    with pytest.raises(SettingsInvalid, match="MYOPLAN_SIGNING_KEY_FILE"):
        load_settings(ConsoleSettings)


def test_every_setting_is_on_the_page() -> None:
    page = (ROOT / "docs" / "deploying.md").read_text()
    named = set(re.findall(r"`MYOPLAN_([A-Z_]+)`", page))
    assert {name.upper() for name in ConsoleSettings.model_fields} <= named


def test_loopback() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "example.org", "10.0.0.1", "")))  # noqa: S104 - nothing binds to it


@pytest.mark.parametrize("path", ["/today", "/clients/c-1/plans/p?step=x"])
def test_a_path_of_the_console_is_where_one_returns_to(path: str) -> None:
    assert own_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "today",
        "//evil.test",
        "/\\evil.test",
        "https://evil.test",
        "javascript:alert(1)",
        "/\tevil",
        "/ x",
        "http://[",
        "/sign-in",
        "/lock?return=/lock",
        "/sign-out",
    ],
)
def test_any_other_leads_to_today(path: str) -> None:
    assert own_path(path) == "/today"
