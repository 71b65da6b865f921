"""The settings of review, as the environment gives them."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.planner.config import PlannerSettings
from services.planner.usecases.plans import USUAL_EXPIRY_HOURS
from services.runtime.config import SettingsInvalid, load_settings


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Everything that the planner needs beside these settings."""
    key = tmp_path / "seal.key"
    key.write_bytes(bytes(32))
    for name, value in {
        "REDIS_URL": "unix:///nowhere",
        "KEY_SET": "keys.json",
        "ISSUER": "https://identity.test",
        "SEAL_KEY_FILE": str(key),
        "ASSESSMENT_ADDRESS": "127.0.0.1:1",
    }.items():
        monkeypatch.setenv(f"MYOPLAN_{name}", value)
    return monkeypatch


def test_usual_settings(given: pytest.MonkeyPatch) -> None:
    given.setenv("MYOPLAN_STRICT_FOUR_EYES", "")
    settings = load_settings(PlannerSettings)
    assert (settings.strict_clinics(), settings.plan_expiry_hours) == (frozenset(), USUAL_EXPIRY_HOURS)


def test_clinics_are_a_list_with_commas(given: pytest.MonkeyPatch) -> None:
    given.setenv("MYOPLAN_STRICT_FOUR_EYES", "north, south-2")
    given.setenv("MYOPLAN_PLAN_EXPIRY_HOURS", "24")
    settings = load_settings(PlannerSettings)
    assert (settings.strict_clinics(), settings.plan_expiry_hours) == (frozenset({"north", "south-2"}), 24)


def test_what_is_wrong_stops_the_start(given: pytest.MonkeyPatch) -> None:
    given.setenv("MYOPLAN_STRICT_FOUR_EYES", "North,*,a b")
    given.setenv("MYOPLAN_PLAN_EXPIRY_HOURS", "0")
    with pytest.raises(SettingsInvalid) as wrong:
        load_settings(PlannerSettings)
    assert [problem.partition(":")[0] for problem in wrong.value.problems] == [
        "MYOPLAN_STRICT_FOUR_EYES",
        "MYOPLAN_PLAN_EXPIRY_HOURS",
    ]
    assert "holds 2 that are no clinic ids" in wrong.value.problems[0]
