"""Asks a server whether it is serving: `python -m services.runtime.probe HOST:PORT`; exit code 0 if it is.

For the health check of a container. With TLS, MYOPLAN_PROBE_CA names the PEM file of the authority to trust.
"""

from __future__ import annotations

import os
import sys

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.runtime.client import blocking_channel

PATIENCE_SECONDS = 2.0


def main() -> None:
    """Asks once."""
    authority = os.environ.get("MYOPLAN_PROBE_CA", "")
    with blocking_channel(sys.argv[1], authority) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(), timeout=PATIENCE_SECONDS
            )
        except grpc.RpcError as error:
            sys.exit(f"no answer: {error.code().name}")
    serving = health_pb2.HealthCheckResponse.SERVING
    sys.exit(0 if answer.status == serving else health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))


if __name__ == "__main__":
    main()
