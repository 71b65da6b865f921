"""Channels to the services, and what the errors of calls say."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import grpc

from services.runtime.status import DETAILS_TRAILER, CallRefused, unpack

# Only UNAVAILABLE: it alone says that trying again can help. A write that is tried again carries its request_id.
SERVICE_CONFIG = {
    "methodConfig": [
        {
            "name": [{}],
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.1s",
                "maxBackoff": "1s",
                "backoffMultiplier": 3,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ],
    "retryThrottling": {"maxTokens": 10, "tokenRatio": 0.1},
}

OPTIONS = (
    ("grpc.service_config", json.dumps(SERVICE_CONFIG)),
    ("grpc.enable_retries", 1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.enable_http_proxy", 0),  # the services are reached directly
)


def open_channel(
    address: str,
    *,
    authority: str = "",
    certificate: str = "",
    key: str = "",
    token_source: Callable[[], str] | None = None,
) -> grpc.aio.Channel:
    """Opens a channel to `HOST:PORT` that tries again on UNAVAILABLE and reconnects within a second.

    `authority`: path of the PEM file of the CA to trust; empty: no TLS. `certificate` and `key`: paths of the client's
    own, for mutual TLS. `token_source` is asked at every call for the token to send, in the context of that call, so
    that a service can pass on its caller's: `lambda: current_caller().token`.
    """
    interceptors: list[grpc.aio.ClientInterceptor]
    interceptors = [] if token_source is None else [_UnaryToken(token_source), _StreamToken(token_source)]
    if not authority:
        return grpc.aio.insecure_channel(address, OPTIONS, interceptors=interceptors)
    return grpc.aio.secure_channel(
        address, _credentials(authority, certificate, key), OPTIONS, interceptors=interceptors
    )


@contextlib.contextmanager
def blocking_channel(address: str, authority: str = "", certificate: str = "", key: str = "") -> Iterator[grpc.Channel]:
    """Opens a channel for programs without an event loop, for the length of a with block."""
    channel = (
        grpc.secure_channel(address, _credentials(authority, certificate, key), OPTIONS)
        if authority
        else grpc.insecure_channel(address, OPTIONS)
    )
    with channel:
        yield channel


def error_of(error: grpc.RpcError) -> CallRefused:
    """Returns what a failed call says: its code, message, reason, facts, field problems and hint when to try again.

    For a status without details, such as those of the transport itself, the reason is empty.
    """
    trailers: Any = error.trailing_metadata() or ()  # pairs, of another type for each kind of channel
    packed = next((value for key, value in trailers if key == DETAILS_TRAILER), b"")
    return unpack(error.code(), error.details() or "", packed)


def _credentials(authority: str, certificate: str, key: str) -> grpc.ChannelCredentials:
    own = (Path(key).read_bytes(), Path(certificate).read_bytes()) if certificate else (None, None)
    return grpc.ssl_channel_credentials(Path(authority).read_bytes(), *own)


class _Token:
    """Adds a token to the metadata of a call."""

    def __init__(self, source: Callable[[], str]) -> None:
        self._source = source

    def with_token(self, details: grpc.aio.ClientCallDetails) -> grpc.aio.ClientCallDetails:
        metadata = grpc.aio.Metadata(*(details.metadata or ()))
        metadata.add("authorization", f"Bearer {self._source()}")
        return grpc.aio.ClientCallDetails(
            details.method, details.timeout, metadata, details.credentials, details.wait_for_ready
        )


class _UnaryToken(_Token, grpc.aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(
        self,
        continuation: Callable[[grpc.aio.ClientCallDetails, Any], Awaitable[grpc.aio.UnaryUnaryCall[Any, Any]]],
        client_call_details: grpc.aio.ClientCallDetails,
        request: Any,
    ) -> grpc.aio.UnaryUnaryCall[Any, Any]:
        return await continuation(self.with_token(client_call_details), request)


class _StreamToken(_Token, grpc.aio.UnaryStreamClientInterceptor):
    async def intercept_unary_stream(
        self,
        continuation: Callable[[grpc.aio.ClientCallDetails, Any], Awaitable[grpc.aio.UnaryStreamCall[Any, Any]]],
        client_call_details: grpc.aio.ClientCallDetails,
        request: Any,
    ) -> AsyncIterator[Any] | grpc.aio.UnaryStreamCall[Any, Any]:
        return await continuation(self.with_token(client_call_details), request)
