"""Keeps a file of tokens with which the planner of this machine follows assessments."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from cli.local.accounts import DEMO_THERAPIST, Account, LocalKeys

TOKEN_LIFE = timedelta(hours=24)
RENEWED_AFTER_SECONDS = 6 * 3600


def local_clinics() -> tuple[str, ...]:
    """Returns the clinics of this machine: MYOPLAN_CLINICS, ids with commas between them, or the demo clinic."""
    named = os.environ.get("MYOPLAN_CLINICS", DEMO_THERAPIST.clinic)
    return tuple(word.strip() for word in named.split(",") if word.strip())


@contextlib.contextmanager
def planner_tokens(keys: LocalKeys) -> Iterator[Path]:
    """Yields the file, which holds fresh tokens for the length of a with block."""
    path = keys.folder / "planner_tokens"
    ended = threading.Event()

    def renew() -> None:
        while not ended.wait(RENEWED_AFTER_SECONDS):
            _write(keys, path)

    _write(keys, path)
    thread = threading.Thread(target=renew, daemon=True)
    thread.start()
    try:
        yield path
    finally:
        ended.set()
        thread.join()


def _write(keys: LocalKeys, path: Path) -> None:
    """Writes the file anew, so that a reader sees all of the old tokens or all of the new ones."""
    planner = (
        Account(clinic=clinic, person="planner", display_name="Myoplan planner", roles=("system",))
        for clinic in local_clinics()
    )
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.writelines(keys.token(account, TOKEN_LIFE) + "\n" for account in planner)
    fresh.replace(path)
