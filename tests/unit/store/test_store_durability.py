"""How a server's settings and state are judged. The guard over a real server is in tests/contract."""

from __future__ import annotations

import pytest

from services.store.durability import LOADING, REQUIRED_SETTINGS, Standing, judge

STATE = {
    "run_id": "abc",
    "loading": "0",
    "role": "master",
    "aof_enabled": "1",
    "aof_last_write_status": "ok",
    "aof_rewrite_in_progress": "0",
}


def test_a_durable_server_has_no_problem() -> None:
    assert judge(REQUIRED_SETTINGS, STATE) == Standing(run_id="abc", serving=True, problem=None)


@pytest.mark.parametrize(
    ("setting", "value", "problem"),
    [
        ("appendonly", "no", "appendonly is no, not yes"),
        ("appendfsync", "everysec", "appendfsync is everysec, not always"),
        ("appendfsync", "no", "appendfsync is no, not always"),
        ("no-appendfsync-on-rewrite", "yes", "no-appendfsync-on-rewrite is yes, not no"),
        ("maxmemory-policy", "allkeys-lru", "maxmemory-policy is allkeys-lru, not noeviction"),
        ("appendfsync", "", "appendfsync is not known, not always"),
    ],
)
def test_a_wrong_setting_is_named(setting: str, value: str, problem: str) -> None:
    assert judge({**REQUIRED_SETTINGS, setting: value}, STATE).problem == problem


@pytest.mark.parametrize("setting", REQUIRED_SETTINGS)
def test_a_setting_that_the_server_does_not_show_is_a_problem(setting: str) -> None:
    settings = {name: value for name, value in REQUIRED_SETTINGS.items() if name != setting}
    assert judge(settings, STATE).problem == f"{setting} is not known, not {REQUIRED_SETTINGS[setting]}"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("role", "slave", "replica"),
        ("aof_enabled", "0", "aof_enabled"),
        ("aof_last_write_status", "err", "aof_last_write_status"),
    ],
)
def test_a_wrong_state_is_named(name: str, value: str, words: str) -> None:
    for state in ({**STATE, name: value}, {key: kept for key, kept in STATE.items() if key != name}):
        standing = judge(REQUIRED_SETTINGS, state)
        assert standing.serving
        assert words in str(standing.problem)


def test_a_rewrite_of_the_file_is_no_problem() -> None:
    standing = judge(REQUIRED_SETTINGS, {**STATE, "aof_rewrite_in_progress": "1"})
    assert (standing.problem, standing.rewriting) == (None, True)


def test_a_server_that_loads_its_data_does_not_serve() -> None:
    assert judge(REQUIRED_SETTINGS, {**STATE, "loading": "1"}) == Standing(run_id="abc", serving=False, problem=LOADING)
