"""`python -m benchmarks solver | walk | service | console`: figures beside its peers and floors. See README.md."""

from __future__ import annotations

import argparse

from benchmarks import console, service, solver, walk


def main() -> None:
    """Runs one benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    which = parser.add_subparsers(required=True)
    solver.add_arguments(which.add_parser("solver", help="time, proofs, growth, stopping early, and peers"))
    walk.add_arguments(which.add_parser("walk", help="growth with the graph, and ranking beside plain ways"))
    service.add_arguments(which.add_parser("service", help="CreatePlan beside echo and Redis, memory and start"))
    console.add_arguments(which.add_parser("console", help="pages on top of their calls, what is waited for, bytes"))
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
