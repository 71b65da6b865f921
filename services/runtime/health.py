"""The standard health service (`grpc.health.v1`): which of the services can do their work right now."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.runtime.status import CallRefused

SERVICE_NAME = "grpc.health.v1.Health"

_Status = health_pb2.HealthCheckResponse


class Health(health_pb2_grpc.HealthServicer):  # type: ignore[misc]  # the library has no types
    """Answers health checks. A service is not serving until it is set; the server as a whole ("") is when all are.

    Written here on the standard's generated code because the library's own servicer has no List and no plain `set`.
    """

    def __init__(self, service_names: Iterable[str]) -> None:
        self._serving = dict.fromkeys(service_names, False)
        self._changed = asyncio.Event()
        self._ended = False

    def set(self, service_name: str, serving: bool) -> None:
        """Says whether a service can do its work. KeyError if the server has no such service; nothing after the end."""
        if self._serving[service_name] == serving or self._ended:
            return
        self._serving[service_name] = serving
        self._announce()

    def end(self) -> None:
        """Says for good that nothing is serving."""
        self._serving = dict.fromkeys(self._serving, False)
        self._ended = True
        self._announce()

    def _announce(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _statuses(self) -> dict[str, int]:
        serving = {"": bool(self._serving) and all(self._serving.values()), **self._serving}
        return {name: _Status.SERVING if value else _Status.NOT_SERVING for name, value in serving.items()}

    async def Check(self, request: health_pb2.HealthCheckRequest, context: Any) -> health_pb2.HealthCheckResponse:  # noqa: ARG002, N802
        """Answers once. NOT_FOUND for a service that this server does not have, as the standard asks."""
        status = self._statuses().get(request.service)
        if status is None:
            raise CallRefused(code=grpc.StatusCode.NOT_FOUND, reason="", message="this server has no such service")
        return _Status(status=status)

    async def List(self, request: health_pb2.HealthListRequest, context: Any) -> health_pb2.HealthListResponse:  # noqa: ARG002, N802
        """Answers for all services at once."""
        statuses = {name: _Status(status=status) for name, status in self._statuses().items()}
        return health_pb2.HealthListResponse(statuses=statuses)

    async def Watch(  # noqa: N802
        self,
        request: health_pb2.HealthCheckRequest,
        context: Any,  # noqa: ARG002
    ) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        """Answers now and at every change."""
        told = None
        while True:
            changed = self._changed
            status = self._statuses().get(request.service, _Status.SERVICE_UNKNOWN)
            if status != told:
                yield _Status(status=status)
            told = status
            await changed.wait()
