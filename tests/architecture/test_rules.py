"""Types, style and import contracts hold, each as its own tool reports it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = Path(sys.executable).parent


@pytest.mark.parametrize(
    "command",
    [["mypy"], ["ruff", "check", "."], ["ruff", "format", "--check", "."], ["lint-imports", "--no-cache"]],
    ids=" ".join,
)
def test_tool_finds_nothing(command: list[str]) -> None:
    done = subprocess.run([TOOLS / command[0], *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_locks_hold_hashes_and_no_addresses() -> None:
    for lock in ROOT.glob("*.lock"):
        if lock.name == "uv.lock":
            continue
        text = lock.read_text()
        assert "://" not in text, f"{lock.name} names a place"
        pins = [line for line in text.splitlines() if "==" in line and not line.startswith((" ", "#"))]
        assert pins, f"{lock.name} is empty"
        assert all(line.rstrip().endswith("\\") for line in pins), f"{lock.name}: a pin without a hash"


def test_no_path_of_a_machine_is_committed() -> None:
    """A clone works anywhere."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.split(b"\0")
    marks = (b"/" + b"home/", b"/" + b"root/", b"/" + b"Users/")
    found = [
        name.decode()
        for name in names
        if name
        and (ROOT / name.decode()).is_file()
        and any(mark in (ROOT / name.decode()).read_bytes() for mark in marks)
    ]
    assert found == []
