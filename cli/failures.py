"""What goes wrong at the command line, each with its exit code; shown without a traceback."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of every command."""

    OK = 0
    ERROR = 1
    USAGE = 2
    NO_FEASIBLE_PLAN = 3
    BLOCKED_BY_SAFETY = 4
    NEEDS_COSIGN = 5


class Failure(Exception):
    """Something to tell the person: what went wrong, why, and what to do next."""

    def __init__(self, message: str, exit_code: ExitCode = ExitCode.ERROR) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class InvalidInput(Failure):
    """What the person gave is wrong; `problems` names every place."""

    def __init__(self, message: str, problems: tuple[tuple[str, str], ...] = (), reason: str = "FIELD_INVALID") -> None:
        super().__init__(message, ExitCode.USAGE)
        self.problems, self.reason = problems, reason
