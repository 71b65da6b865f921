"""`python -m services.planner.optimise [FILE]`: solves a problem file, read from FILE or from standard input.

The solution goes to standard output as JSON. Exit code 2 and one sentence on standard error if the file is no problem.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from services.planner.optimise import WORK_LIMIT, problem_file, solve

INVALID = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads, solves, writes; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m services.planner.optimise", description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, help="a problem file; without one standard input is read")
    parser.add_argument(
        "--work-limit", type=int, default=WORK_LIMIT, help="when to stop, counted in work [%(default)s]"
    )
    asked = parser.parse_args(arguments)
    try:
        data = asked.file.read_bytes() if asked.file else sys.stdin.buffer.read()
        problem = problem_file.read(data.decode("utf-8"))
    except OSError as error:
        return _refused(f"{asked.file} cannot be read: {error.strerror}.")
    except UnicodeDecodeError:
        return _refused("It is no text in UTF-8.")
    except problem_file.ProblemFileInvalid as error:
        return _refused(error.problem)
    sys.stdout.write(problem_file.write_solution(solve(problem, work_limit=asked.work_limit)))
    return 0


def _refused(why: str) -> int:
    sys.stderr.write(f"No planning problem: {why}\n")
    return INVALID


if __name__ == "__main__":
    sys.exit(main())
