"""Entry point of `myoplan` and of `python -m cli`."""

from __future__ import annotations

import sys

import grpc

from cli.commands import application
from cli.connection import failure_of
from cli.failures import ExitCode, Failure
from cli.local.redis_server import RedisFailed, RedisNotFound
from cli.local.stack import ServiceFailed


def main() -> None:
    """Runs the command and turns every foreseen failure into a sentence and an exit code."""
    try:
        application()
    except grpc.RpcError as error:
        _end(failure_of(error))
    except Failure as failure:
        _end(failure)
    except (RedisNotFound, RedisFailed, ServiceFailed) as error:
        _end(Failure(str(error)))
    except KeyboardInterrupt:
        sys.exit(130)


def _end(failure: Failure) -> None:
    print(f"myoplan: {failure}", file=sys.stderr)
    sys.exit(failure.exit_code or ExitCode.ERROR)


if __name__ == "__main__":
    main()
