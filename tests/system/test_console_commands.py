"""`myoplan up` starts the console and says how to get in; `myoplan account` changes who can."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
MOST_SECONDS = 120


def environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MYOPLAN_", "XDG_"))}
    return {**kept, "HOME": str(home), "NO_COLOR": "1"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("console-home")


@pytest.fixture(scope="module")
def said(home: Path) -> Iterator[list[str]]:
    """What a running `myoplan up` prints."""
    with subprocess.Popen(
        [sys.executable, "-m", "cli", "up"],
        cwd=ROOT,
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(7)]
        try:
            yield lines
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(MOST_SECONDS) == 0


def sign_in(address: str, person: str, password: str) -> httpx.Response:
    with httpx.Client(base_url=address, trust_env=False, timeout=30) as client:
        page = client.get("/sign-in").text
        token = page.partition('name="form_token" value="')[2].partition('"')[0]
        form = {"form_token": token, "person": person, "password": password}
        return client.post("/sign-in", data=form, headers={"Sec-Fetch-Site": "same-origin"})


def test_up_prints_the_console_and_a_sign_in_for_three_roles(said: list[str]) -> None:
    address = said[3].split()[1]
    assert said[3].startswith("console ")
    signed = [re.findall(r"sign in as (\w+) +name (\w+), password (\S+)", line)[0] for line in said[4:]]
    assert [role for role, _, _ in signed] == ["therapist", "trainee", "supervisor"]
    for _, person, password in signed:
        answer = sign_in(address, person, password)
        assert (answer.status_code, answer.headers["location"]) == (303, "/today")
        assert sign_in(address, person, password[::-1]).status_code == 401


def test_a_password_can_be_changed_while_the_console_runs(home: Path, said: list[str]) -> None:
    address = said[3].split()[1]

    def account(*arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "cli", "account", *arguments],
            cwd=ROOT,
            env=environment(home),
            input=typed,
            capture_output=True,
            text=True,
            timeout=MOST_SECONDS,
            check=False,
        )

    assert account("set", "nina", "--role", "therapist", typed="short\n").returncode == 2
    done = account("set", "nina", "--role", "therapist", "--role", "supervisor", typed="a longer password\n")
    assert done.returncode == 0, done.stderr
    assert "a longer password" not in done.stdout + done.stderr
    assert "nina\tdemo\ttherapist,supervisor\tnina" in account("list").stdout
    assert sign_in(address, "nina", "a longer password").status_code == 303
    assert account("remove", "nina").returncode == 0
    assert account("remove", "nina").returncode == 2
    assert sign_in(address, "nina", "a longer password").status_code == 401
