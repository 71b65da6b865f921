"""Slows down guessing: after a few failures an account accepts no attempt for a while, each time for longer."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

FREE_FAILURES = 5
FIRST_WAIT_SECONDS = 30.0
LONGEST_WAIT_SECONDS = 900.0
MOST_ACCOUNTS = 10_000
MOST_NAME_LETTERS = 128


@dataclass(slots=True)
class _Failures:
    count: int = 0
    until: float = 0.0


class Throttle:
    """Counts failed sign-ins per account name, known or not, so that it tells nobody which names exist."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def seconds_to_wait(self, name: str) -> float:
        """Returns how long [s] `name` accepts no attempt; 0: it does."""
        known = self._failures.get(name[:MOST_NAME_LETTERS])
        return max(0.0, known.until - self._monotonic()) if known else 0.0

    def failed(self, name: str) -> None:
        """Counts a failure; from the fifth on each doubles the wait, up to a quarter of an hour."""
        name = name[:MOST_NAME_LETTERS]  # no account has a longer one
        known = self._failures.setdefault(name, _Failures())
        self._failures.move_to_end(name)
        known.count += 1
        if known.count >= FREE_FAILURES:
            wait = min(FIRST_WAIT_SECONDS * 2.0 ** min(known.count - FREE_FAILURES, 10), LONGEST_WAIT_SECONDS)
            known.until = self._monotonic() + wait
        while len(self._failures) > MOST_ACCOUNTS:
            self._failures.popitem(last=False)

    def succeeded(self, name: str) -> None:
        """Forgets the failures of `name`."""
        self._failures.pop(name[:MOST_NAME_LETTERS], None)
