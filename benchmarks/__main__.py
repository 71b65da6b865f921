"""`python -m benchmarks solver | walk | service`: figures of the planner beside its peers and floors. See README.md."""

from __future__ import annotations

import argparse

from benchmarks import service, solver, walk


def main() -> None:
    """Runs one benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    which = parser.add_subparsers(required=True)
    solver.add_arguments(which.add_parser("solver", help="time, proofs, growth, stopping early, and peers"))
    walk.add_arguments(which.add_parser("walk", help="growth with the graph, and ranking beside plain ways"))
    service.add_arguments(which.add_parser("service", help="CreatePlan beside echo and Redis, memory and start"))
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
