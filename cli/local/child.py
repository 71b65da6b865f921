"""Becomes another program that ends when its launcher dies: `python -m cli.local.child PROGRAM ARGUMENTS...`.

Linux is asked for that between fork and exec. Python could ask in `preexec_fn`, but then it forks with everything that
gRPC keeps running in the launcher, and the child can hang before it ever becomes the program.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

SET_PARENT_DEATH_SIGNAL = 1


def command(program: str, *arguments: str) -> list[str]:
    """Returns the command line that runs `program` as such a child."""
    return [sys.executable, "-m", "cli.local.child", program, *arguments]


def main() -> None:
    """Becomes the program."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606 - the program that the launcher chose


if __name__ == "__main__":
    main()
