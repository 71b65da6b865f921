"""The console in this process, over both production services, asked as a browser asks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.console import Asking, asking_console


@pytest.fixture
async def asking(tmp_path: Path) -> AsyncIterator[Asking]:
    async with asking_console(tmp_path) as console:
        yield console
