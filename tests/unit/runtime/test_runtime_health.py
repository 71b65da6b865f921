"""What the health service says without a server around it."""

from __future__ import annotations

from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from services.runtime.health import Health

SERVING, NOT_SERVING = HealthCheckResponse.SERVING, HealthCheckResponse.NOT_SERVING


async def status(health: Health, service: str) -> int:
    answer = await health.Check(HealthCheckRequest(service=service), None)
    return int(answer.status)


async def test_server_is_serving_when_all_services_are() -> None:
    health = Health(["a", "b"])
    assert await status(health, "") == NOT_SERVING
    health.set("a", serving=True)
    assert [await status(health, name) for name in ("", "a", "b")] == [NOT_SERVING, SERVING, NOT_SERVING]
    health.set("b", serving=True)
    assert await status(health, "") == SERVING
    health.set("a", serving=False)
    assert await status(health, "") == NOT_SERVING


async def test_end_is_for_good() -> None:
    """The store may come back while the server drains."""
    health = Health(["a"])
    health.set("a", serving=True)
    health.end()
    health.set("a", serving=True)
    assert [await status(health, name) for name in ("", "a")] == [NOT_SERVING, NOT_SERVING]


async def test_server_without_services_is_never_serving() -> None:
    assert await status(Health([]), "") == NOT_SERVING
