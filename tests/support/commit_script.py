"""Reads `commit.lua` for tests: its calls of the server in their order."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import NamedTuple

SCRIPT = files("services.store").joinpath("commit.lua").read_text(encoding="utf-8")
CALL = re.compile(r"redis\.p?call\(\s*'(?P<command>[A-Z]+)'\s*,\s*(?P<key>\w+)")


class Call(NamedTuple):
    """One call of the server: where it stands in the script, its command and the variable that holds its key."""

    start: int
    command: str
    key: str


def calls(script: str) -> list[Call]:
    """Returns the calls of a script from top to bottom."""
    code = re.sub(r"--[^\n]*", lambda comment: " " * len(comment[0]), script)
    found = [Call(match.start(), match["command"], match["key"]) for match in CALL.finditer(code)]
    assert len(found) == len(re.findall(r"redis\.\w+\(", code)), "a call of another form"
    return found


def with_fault(script: str, call: Call) -> str:
    """Returns the script failing right before one of its calls."""
    line = script.rfind("\n", 0, call.start) + 1
    return f"{script[:line]}error('FAULT')\n{script[line:]}"
