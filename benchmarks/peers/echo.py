"""The floor: a bare grpc.aio server that reads one value from Redis and returns it.

`python -m benchmarks.peers.echo REDIS_URL` prints its port once it listens.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import grpc
from redis.asyncio import Redis

METHOD = "/benchmarks.Floor/Get"
KEY = b"value"


async def serve(url: str) -> None:
    """Serves until it is killed."""
    redis = Redis.from_url(url)

    async def get(request: bytes, _: Any) -> bytes:
        value: bytes | None = await redis.get(request)
        return value or b""

    handler = grpc.unary_unary_rpc_method_handler(get)
    server = grpc.aio.server()
    service, _, name = METHOD[1:].partition("/")
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {name: handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
