"""`python -m benchmarks solver`: how fast the solver is, what it proves, and how it compares. See README.md."""

from __future__ import annotations

import argparse

from benchmarks import solver


def main() -> None:
    """Runs one benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    which = parser.add_subparsers(required=True)
    solver.add_arguments(which.add_parser("solver", help="time, proofs, growth, stopping early, and peers"))
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
