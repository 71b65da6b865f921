"""What every call passes through on its way to a handler, and every outcome on its way back.

Outermost first: one status and one log line for every outcome → who calls → may they → is there room → how long may it
take → parse the bytes → the handler → serialise. It is one interceptor and not a chain of them because each outcome, of
whichever step, must become one status and one log line; nothing escapes unexplained.

Whoever may not call is refused before a byte of the message is read.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import grpc
from structlog.typing import FilteringBoundLogger

from services.runtime import deadline
from services.runtime.capacity import Capacity
from services.runtime.identity import Caller, CredentialInvalid, Role, TokenVerifier, set_current_caller
from services.runtime.limits import Limits
from services.runtime.reads import Reads, set_current_reads
from services.runtime.status import DETAILS_TRAILER, CallRefused, message_of, pack

if TYPE_CHECKING:
    # Generic for the type checker only.
    Interceptor = grpc.aio.ServerInterceptor
    Context = grpc.aio.ServicerContext[Any, Any]
    Handler = grpc.RpcMethodHandler[Any, Any]
else:
    Interceptor = grpc.aio.ServerInterceptor

Result = TypeVar("Result")
OnRead = Callable[[Caller, str, Sequence[str], str], None]
"""Is told who called which method, what it read, and how the call ended (the name of a status code)."""

REQUEST_ID_TRAILER = "myoplan-request-id"

# Between saying that a watched service is not serving and ending the watch [s].
NOTICE_SECONDS = 0.1


@dataclass(slots=True)
class _Call:
    """One call on its way through."""

    method: str
    request_id: str
    began: float
    caller: Caller | None = None
    reads: Reads = field(default_factory=Reads)

    @property
    def clinic(self) -> str:
        """The clinic of the caller; empty for an anonymous one."""
        return "" if self.caller is None else self.caller.clinic


class CallBoundary(Interceptor):
    """The one interceptor of the server.

    `rights`: the full name of every method and the roles that may call it; what it does not name nobody may call, but
    the methods in `anonymous` everybody. `explain` turns an error of a handler into a refusal; None means that it is a
    bug. `on_denied` is told of every refusal by role, `on_read` of every call that read records.
    """

    def __init__(
        self,
        *,
        rights: Mapping[str, frozenset[Role]],
        anonymous: frozenset[str],
        verifier: TokenVerifier,
        explain: Callable[[Exception], CallRefused | None],
        on_denied: Callable[[Caller, str], Awaitable[None]] | None,
        on_read: OnRead | None = None,
        limits: Limits,
        logger: FilteringBoundLogger,
    ) -> None:
        self._rights = rights
        self._open_to_all = anonymous
        self._verifier = verifier
        self._explain = explain
        self._on_denied = on_denied
        self._on_read = on_read
        self._limits = limits
        self._logger = logger
        self._calls = Capacity("calls", total=limits.calls, per_clinic=limits.calls_per_clinic)
        self._streams = Capacity("streams", total=limits.streams, per_clinic=limits.streams_per_clinic)
        self._anonymous = Capacity("anonymous_calls", total=limits.calls, per_clinic=limits.calls)
        self._open_streams: set[asyncio.Timeout] = set()
        self._draining = False

    def begin_draining(self) -> None:
        """Ends the streams, which would otherwise outlast any drain. The transport itself refuses new calls."""
        self._draining = True
        now = asyncio.get_running_loop().time()
        for stream in self._open_streams:
            stream.reschedule(now + NOTICE_SECONDS)

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """Returns the handler, wrapped, or one that refuses the call without reading its message."""
        call = _Call(handler_call_details.method, uuid.uuid4().hex, time.perf_counter())
        handler = await continuation(handler_call_details)
        if handler is None:
            call.method = "(unknown)"  # whatever the caller wrote stays out of the log
            self._log(call, grpc.StatusCode.UNIMPLEMENTED, "")
            return None
        try:
            await self._admit(call, handler_call_details.invocation_metadata)
        except Exception as error:  # noqa: BLE001 - whatever it is, it becomes a refusal
            return self._refusing(call, error)
        if handler.response_streaming:
            return self._streaming(call, handler)
        return self._unary(call, handler)

    async def _admit(self, call: _Call, metadata: Iterable[tuple[str, str | bytes]]) -> None:
        """Lets a call in or raises why not."""
        if call.method in self._open_to_all:
            return
        call.caller = await self._verifier.verify(_bearer_token(metadata))
        set_current_caller(call.caller)
        if not self._rights.get(call.method, frozenset()) & call.caller.roles:
            raise _Denied

    def _refusing(self, call: _Call, error: Exception) -> Handler:
        async def refuse(_messages: object, context: Context) -> None:
            await self._conclude(call, context, lambda: self._raise(call, error))

        # A handler of streamed requests starts before any message has arrived.
        return grpc.stream_stream_rpc_method_handler(refuse)

    async def _raise(self, call: _Call, error: Exception) -> None:
        if not isinstance(error, _Denied) or call.caller is None:
            raise error
        if self._on_denied is not None:
            # Takes room like any call: each of these writes an entry.
            seconds = self._limits.default_deadline_seconds
            async with self._calls.room_for(call.clinic), deadline.within(seconds):
                await self._on_denied(call.caller, call.method)
        raise _denied(call.method, call.caller)

    def _unary(self, call: _Call, handler: Handler) -> Handler:
        behaviour: Any = handler.unary_unary
        capacity = self._calls if call.caller else self._anonymous
        parse, render = _parser(call.method, handler), handler.response_serializer or bytes

        async def answer(raw: bytes, context: Context) -> bytes | None:
            async def work() -> bytes:
                async with capacity.room_for(call.clinic), deadline.within(self._allowed_seconds(context)):
                    answered = render(await behaviour(parse(raw), context))
                    call.reads.answered(answered)
                    return answered

            return await self._conclude(call, context, work)

        return grpc.unary_unary_rpc_method_handler(answer)

    def _streaming(self, call: _Call, handler: Handler) -> Handler:
        behaviour: Any = handler.stream_stream if handler.request_streaming else handler.unary_stream
        capacity = self._streams if call.caller else self._anonymous
        parse, render = _parser(call.method, handler), handler.response_serializer or bytes

        async def answer(request: Any, context: Context) -> None:
            async def work() -> None:
                async with capacity.room_for(call.clinic), self._until_drained():
                    parsed = request if handler.request_streaming else parse(request)
                    # Written here and not yielded: a generator would be left half-way when the client goes away.
                    async with aclosing(behaviour(parsed, context)) as messages:
                        async for message in messages:
                            written = render(message)
                            await context.write(written)
                            call.reads.answered(written)
                            self._tell_read(call, grpc.StatusCode.OK)

            await self._conclude(call, context, work)

        if handler.request_streaming:
            return grpc.stream_stream_rpc_method_handler(answer, request_deserializer=parse)
        return grpc.unary_stream_rpc_method_handler(answer)

    def _allowed_seconds(self, context: Context) -> float:
        return deadline.allowed_seconds(
            context.time_remaining(),
            default_seconds=self._limits.default_deadline_seconds,
            longest_seconds=self._limits.longest_deadline_seconds,
        )

    @asynccontextmanager
    async def _until_drained(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(NOTICE_SECONDS if self._draining else None) as end:
                self._open_streams.add(end)
                try:
                    yield
                finally:
                    self._open_streams.discard(end)
        except TimeoutError:
            if end.expired():
                raise _shutting_down() from None
            raise

    async def _conclude(self, call: _Call, context: Context, work: Callable[[], Awaitable[Result]]) -> Result:
        """Does the work of a call; its outcome becomes one status and one log line."""
        context.set_trailing_metadata(((REQUEST_ID_TRAILER, call.request_id),))
        set_current_reads(call.reads)
        try:
            result = await work()
        except asyncio.CancelledError:
            self._log(call, grpc.StatusCode.CANCELLED, "")
            raise
        except grpc.aio.AbortError:
            self._log(call, context.code(), "")
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it becomes a status
            refusal = self._explained(call, error)
            self._log(call, refusal.code, refusal.reason)
            trailers = ((REQUEST_ID_TRAILER, call.request_id), (DETAILS_TRAILER, pack(refusal)))
            await context.abort(refusal.code, message_of(refusal), trailers)
        self._log(call, grpc.StatusCode.OK, "")
        return result

    def _explained(self, call: _Call, error: Exception) -> CallRefused:
        if isinstance(error, CallRefused):
            return error
        if isinstance(error, CredentialInvalid):
            return _unauthenticated(error)
        try:
            explained = self._explain(error)
        except Exception as second:  # noqa: BLE001 - an explanation that fails must not become a second way out
            error, explained = second, None
        if explained is None:
            self._logger.error("a bug", method=call.method, request_id=call.request_id, exc_info=error)
            return CallRefused(
                code=grpc.StatusCode.INTERNAL,
                reason="INTERNAL_ERROR",
                message="something went wrong in the server; its log has the details under the request id",
            )
        if explained.code in _SERVER_FAULTS:
            self._logger.warning("a fault", method=call.method, request_id=call.request_id, exc_info=error)
        return explained

    def _tell_read(self, call: _Call, code: grpc.StatusCode) -> None:
        names = call.reads.take()
        if names and call.caller and self._on_read and code not in _LEAVE_NO_READ:
            self._on_read(call.caller, call.method, names, code.name)

    def _log(self, call: _Call, code: grpc.StatusCode, reason: str) -> None:
        self._tell_read(call, code)
        quiet = call.caller is None and code is grpc.StatusCode.OK  # a health check
        write = self._logger.debug if quiet else self._logger.info
        write(
            "call",
            method=call.method,
            code=code.name,
            reason=reason,
            milliseconds=round((time.perf_counter() - call.began) * 1000, 1),
            clinic=call.clinic,
            person="" if call.caller is None else call.caller.person,
            request_id=call.request_id,
        )


# A refusal has an entry of its own; a wrong request reads nothing for its caller.
_LEAVE_NO_READ = frozenset({grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.INVALID_ARGUMENT})
_SERVER_FAULTS = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DATA_LOSS, grpc.StatusCode.INTERNAL})


class _Denied(Exception):
    """None of the caller's roles has the right."""


def _parser(method: str, handler: Handler) -> Callable[[bytes], Any]:
    """Returns the handler's own parser; what it cannot read is INVALID_ARGUMENT instead of an unknown error."""
    parse = handler.request_deserializer or bytes

    def parse_or_refuse(raw: bytes) -> Any:
        try:
            return parse(raw)
        except Exception:  # noqa: BLE001 - a parser may fail in ways of its own; all mean the same
            raise CallRefused(
                code=grpc.StatusCode.INVALID_ARGUMENT,
                reason="MESSAGE_UNREADABLE",
                message="the bytes are not a message of this method",
                metadata={"method": _short(method)},
            ) from None

    return parse_or_refuse


def _bearer_token(metadata: Iterable[tuple[str, str | bytes]]) -> str:
    given = [value for key, value in metadata if key == "authorization"]
    if not given:
        raise CredentialInvalid("missing")
    scheme, _, token = str(given[0]).partition(" ")
    if len(given) > 1 or scheme.lower() != "bearer" or not token:
        raise CredentialInvalid("malformed")
    return token.strip()


def _unauthenticated(error: CredentialInvalid) -> CallRefused:
    return CallRefused(
        code=grpc.StatusCode.UNAUTHENTICATED,
        reason="CREDENTIAL_INVALID",
        message=f"the credential is not accepted: {error.problem}",
        metadata={"problem": error.problem},
    )


def _denied(method: str, caller: Caller) -> CallRefused:
    roles = ",".join(sorted(caller.roles))
    return CallRefused(
        code=grpc.StatusCode.PERMISSION_DENIED,
        reason="ROLE_LACKS_RIGHT",
        message=f"the role {roles} has no right to call {_short(method)}",
        metadata={"method": _short(method), "roles": roles},
    )


def _shutting_down() -> CallRefused:
    return CallRefused(
        code=grpc.StatusCode.UNAVAILABLE,
        reason="SHUTTING_DOWN",
        message="the server is shutting down; try again on another connection",
        retry_after_seconds=1,
    )


def _short(method: str) -> str:
    return method.rpartition("/")[2]
