"""Builds the gRPC server of a service: limits, TLS, identity, rights, health, reflection, and how it ends."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2
from structlog.typing import FilteringBoundLogger

from services.runtime.boundary import CallBoundary, OnRead
from services.runtime.health import SERVICE_NAME as HEALTH_SERVICE
from services.runtime.health import Health
from services.runtime.identity import Caller, Role, TokenVerifier
from services.runtime.limits import Limits
from services.runtime.status import CallRefused

__all__ = ["Limits", "Registration", "RunningServer", "ServerInvalid", "ServerOptions", "TlsFiles", "build_server"]

# The transport's own limit refuses without a hint when to try again and counts health checks and streams with the
# rest, so it only backs up the limits of `capacity`: this many times their sum is the most that waits in memory.
BACKSTOP_FACTOR = 4

LOOPBACK = ("127.0.0.1:", "[::1]:", "localhost:")


class ServerInvalid(Exception):
    """The server cannot be built as asked; `problems` holds every reason."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """Paths of PEM files: the server's certificate chain and its key.

    With `client_authority`, the CA of clients' certificates, a client has to show one (mutual TLS).
    """

    certificate: Path
    key: Path
    client_authority: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """Where and how a server serves. `address` is `HOST:PORT`; port 0 takes a free one."""

    address: str = "127.0.0.1:0"
    tls: TlsFiles | None = None
    reflection: bool = False
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """One service: its full name (`myoplan.assessment.v1.AssessmentService`) and what adds its handlers to a server.

    A method that answers with a stream is an async generator; every other is a coroutine function.
    """

    service_name: str
    add: Callable[[grpc.aio.Server], None]


class RunningServer:
    """A server that is bound to its port; `start` begins to serve. `health` says which services can do their work."""

    def __init__(self, server: grpc.aio.Server, boundary: CallBoundary, health: Health, host: str, port: int) -> None:
        self._server = server
        self._boundary = boundary
        self.health = health
        self.port = port
        self.address = f"{host}:{port}"

    async def start(self) -> None:
        """Begins to serve. Once."""
        await self._server.start()

    async def drain(self, seconds: float) -> None:
        """Ends: health says NOT_SERVING, streams end, running calls get up to `seconds` [s], new ones are refused."""
        self.health.end()
        self._boundary.begin_draining()
        await self._server.stop(seconds)


def build_server(
    options: ServerOptions,
    registrations: Sequence[Registration],
    rights: Mapping[str, frozenset[Role]],
    verifier: TokenVerifier,
    explain: Callable[[Exception], CallRefused | None],
    logger: FilteringBoundLogger,
    *,
    on_denied: Callable[[Caller, str], Awaitable[None]] | None = None,
    on_read: OnRead | None = None,
    pool: DescriptorPool | None = None,
) -> RunningServer:
    """Builds a server and binds its port; call it inside the event loop that will serve.

    `rights` names every method of every registered service (`/package.Service/Method`) with the roles that may call
    it. `explain` turns an error of a handler into what its caller may know; None means that it is a bug. `on_denied`
    is awaited with the caller and the method before a call is refused for want of a right. `on_read` is told of every
    call that read records through a `NotedStore`. `pool` knows the descriptors of the services. ServerInvalid if a
    method has no row, a row no method, or the address is taken.
    """
    descriptors = pool or descriptor_pool.Default()
    names = [registration.service_name for registration in registrations]
    problems = _problems_of_rights(names, rights, descriptors)
    if problems:
        raise ServerInvalid(problems)
    limits = options.limits
    table = dict(rights)
    if options.reflection:
        table |= dict.fromkeys(_methods(reflection.SERVICE_NAME, reflection_pb2.DESCRIPTOR.pool), frozenset(Role))
    boundary = CallBoundary(
        rights=table,
        anonymous=frozenset(_methods(HEALTH_SERVICE, health_pb2.DESCRIPTOR.pool)),
        verifier=verifier,
        explain=explain,
        on_denied=on_denied,
        on_read=on_read,
        limits=limits,
        logger=logger,
    )
    server = grpc.aio.server(
        interceptors=[boundary],
        options=_channel_options(limits),
        maximum_concurrent_rpcs=BACKSTOP_FACTOR * (limits.calls + limits.streams),
    )
    health = Health(names)
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    for registration in registrations:
        registration.add(server)
    if options.reflection:
        reflection.enable_server_reflection([*names, HEALTH_SERVICE, reflection.SERVICE_NAME], server, descriptors)
    port = _bind(server, options, logger)
    return RunningServer(server, boundary, health, options.address.rpartition(":")[0], port)


def _methods(service_name: str, pool: DescriptorPool) -> list[str]:
    service = pool.FindServiceByName(service_name)
    return [f"/{service_name}/{method.name}" for method in service.methods]


def _problems_of_rights(
    service_names: Sequence[str], rights: Mapping[str, frozenset[Role]], pool: DescriptorPool
) -> list[str]:
    problems = []
    methods: set[str] = set()
    for name in service_names:
        try:
            methods.update(_methods(name, pool))
        except KeyError:
            problems.append(f"{name} has no descriptor")
    problems += [f"{method} has no row in the table of rights" for method in sorted(methods - rights.keys())]
    problems += [
        f"the table of rights names {method}, which no service has" for method in sorted(rights.keys() - methods)
    ]
    problems += [f"the table of rights lets nobody call {method}" for method in sorted(rights) if not rights[method]]
    return problems


def _channel_options(limits: Limits) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", limits.message_bytes),
        # Soft and hard limit alike, or calls between the two would be refused by chance.
        ("grpc.max_metadata_size", limits.metadata_bytes),
        ("grpc.absolute_max_metadata_size", limits.metadata_bytes),
        ("grpc.max_concurrent_streams", limits.streams_per_connection),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", _milliseconds(limits.ping_floor_seconds)),
        ("grpc.max_connection_idle_ms", _milliseconds(limits.connection_idle_seconds)),
        ("grpc.max_connection_age_ms", _milliseconds(limits.connection_age_seconds)),
        ("grpc.max_connection_age_grace_ms", _milliseconds(limits.connection_grace_seconds)),
        # Two servers on one port would each answer some of the calls.
        ("grpc.so_reuseport", 0),
    ]


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _bind(server: grpc.aio.Server, options: ServerOptions, logger: FilteringBoundLogger) -> int:
    try:
        if options.tls is not None:
            return server.add_secure_port(options.address, _credentials(options.tls))
        if not options.address.startswith(LOOPBACK):
            logger.warning("no TLS: tokens and records travel in the clear", address=options.address)
        return server.add_insecure_port(options.address)
    except OSError as error:
        raise ServerInvalid([f"a TLS file cannot be opened: {error.filename}"]) from error
    except RuntimeError as error:
        raise ServerInvalid([f"cannot serve on {options.address}: taken, or not an address of this machine"]) from error


def _credentials(tls: TlsFiles) -> grpc.ServerCredentials:
    """Reads the files. The transport itself speaks TLS 1.2 and later only."""
    authority = None if tls.client_authority is None else tls.client_authority.read_bytes()
    pair = (tls.key.read_bytes(), tls.certificate.read_bytes())
    return grpc.ssl_server_credentials([pair], authority, require_client_auth=authority is not None)
