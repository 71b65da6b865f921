"""What every test shares."""

from __future__ import annotations

import pytest

from cli.local.redis_server import RedisNotFound, find_redis


def pytest_report_header() -> list[str]:
    """Says what the run stands on and what it leaves out."""
    try:
        binary = find_redis()
    except RedisNotFound as missing:
        raise pytest.UsageError(str(missing)) from missing
    lines = [f"redis: {binary}"]
    if binary.origin != "installed":
        lines.append("left out: the same tests on an installed Redis 7 (install redis-server to have them)")
    return lines
