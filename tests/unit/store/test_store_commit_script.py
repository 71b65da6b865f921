"""Redis does not roll a script back: in `commit.lua` nothing that can fail may follow the first write."""

from __future__ import annotations

import re

import pytest

from tests.support.commit_script import SCRIPT, Call, calls

READS = {"TYPE", "GET", "GETRANGE", "EXISTS", "XREVRANGE"}
# Cannot fail once the type of the key is known to fit: SET replaces any value, RENAME's source was seen to exist,
# EXPIRE's key was read. XADD can (its id may be too low, memory may be short) and must therefore come first.
CERTAIN = {"SET", "ZADD", "RENAME", "EXPIRE"}
KEYS = ("trail", "newest", "earlier", "every", "client", "request")


def problems(script: str) -> list[str]:
    """Returns what is wrong with the order of a script's calls; a script ends at a `return` that stands alone."""
    found = []
    written = False
    for call in calls(script):
        if call.command == "EXPIRE":
            # The only write of its path, which ends right there.
            path = script[call.start : script.index("end", call.start)]
            if "return" not in path or len(calls(path)) != 1:
                found.append("EXPIRE does not end its path")
        elif call.command in READS:
            if written:
                found.append(f"{call.command} after the first write")
        elif call.command == "XADD":
            if written:
                found.append("XADD after the first write")
            written = True
        elif call.command not in CERTAIN:
            found.append(f"{call.command} is not known to be certain")
        elif not written:
            found.append(f"{call.command} before XADD")
    return found


def test_nothing_that_can_fail_follows_the_first_write() -> None:
    assert problems(SCRIPT) == []
    assert [call.command for call in calls(SCRIPT) if call.command not in READS] == [
        "EXPIRE",
        "XADD",
        "ZADD",
        "ZADD",
        "RENAME",
        "SET",
        "SET",
    ]


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("redis.call('SET', newest", "redis.call('INCR', newest", "INCR is not known to be certain"),
        (
            "    redis.call('RENAME'",
            "    redis.call('GET', newest)\n    redis.call('RENAME'",
            "GET after the first write",
        ),
        ("local last = ", "redis.call('SET', trail, 1)\nlocal last = ", "SET before XADD"),
    ],
)
def test_a_badly_ordered_script_is_caught(before: str, after: str, problem: str) -> None:
    """The control of the rule above."""
    assert before in SCRIPT
    assert problem in problems(SCRIPT.replace(before, after, 1))


def test_every_key_comes_from_keys_and_its_type_is_checked() -> None:
    helper = SCRIPT[SCRIPT.index("local function holds") :]
    assert "redis.call('TYPE', key)" in helper
    assert {call.key for call in calls(SCRIPT)} <= {*KEYS, "key"}
    assert f"local {', '.join(KEYS)} = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]" in SCRIPT
    checked = re.findall(r"holds\((\w+), '(\w+)'\)", SCRIPT)
    assert dict(checked) == {
        "trail": "stream",
        "newest": "string",
        "earlier": "string",
        "every": "zset",
        "client": "zset",
        "request": "string",
    }
    assert SCRIPT.rindex("holds(") < calls(SCRIPT)[1].start


def test_the_script_uses_nothing_newer_than_redis_6_2() -> None:
    assert {call.command for call in calls(SCRIPT)} <= READS | CERTAIN | {"XADD"}
    assert "-*" not in SCRIPT
    assert isinstance(calls(SCRIPT)[0], Call)
