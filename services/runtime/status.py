"""Turns a refused call into a gRPC status with typed details, and such a status back into what was refused."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import grpc
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2

DOMAIN = "myoplan.dev"
DETAILS_TRAILER = "grpc-status-details-bin"

# Clients accept 8 KiB of trailers; these travel as base64 there, beside the message. A refusal that does not fit would
# reach the caller as a broken call, so it is cut to what fits.
MOST_DETAIL_BYTES = 5 * 1024
MOST_MESSAGE_BYTES = 320
MOST_TEXT_BYTES = 400

_CODES: Mapping[grpc.StatusCode, int] = {code: code.value[0] for code in grpc.StatusCode}


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One thing wrong with a request: the path of the field (`rom_tests[3].side`) and a sentence about it."""

    field: str
    problem: str


# Not frozen: the interpreter and contextlib write the traceback of an exception while it travels.
@dataclass(kw_only=True, eq=False)
class CallRefused(Exception):
    """A call that ends without a result, with everything its caller may know about it.

    `reason` is a name of the `ErrorReason` enum and `metadata` its facts; `fields` holds every field problem,
    `preconditions` what has to change first, `retry_after_seconds` [s] a hint when to try again.
    All of it is sent: it never holds the text of an exception.
    """

    code: grpc.StatusCode
    reason: str
    message: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    fields: tuple[FieldProblem, ...] = ()
    preconditions: tuple[str, ...] = ()
    retry_after_seconds: float | None = None

    def __str__(self) -> str:
        return f"{self.code.name} {self.reason}: {self.message}"


def message_of(refusal: CallRefused) -> str:
    """Returns the message as it is sent: at most 320 bytes as the wire writes them (three for one outside ASCII)."""
    text = _cut(refusal.message, MOST_MESSAGE_BYTES)
    while sum(1 if " " <= letter <= "~" else 3 * len(letter.encode()) for letter in text) > MOST_MESSAGE_BYTES:
        text = text[: len(text) * 3 // 4] + "…"
    return text


def pack(refusal: CallRefused) -> bytes:
    """Returns the serialised `google.rpc.Status` for the trailer `grpc-status-details-bin`, at most 5 KiB."""
    status = status_pb2.Status(code=_CODES[refusal.code], message=message_of(refusal))
    if refusal.reason:
        facts = dict(refusal.metadata)
        if refusal.fields:
            facts.setdefault("field_count", str(len(refusal.fields)))
        facts = {_cut(key, 64): _cut(value, 256) for key, value in list(facts.items())[:8]}
        _add(status, error_details_pb2.ErrorInfo(reason=refusal.reason, domain=DOMAIN, metadata=facts))
    if refusal.retry_after_seconds is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromTimedelta(timedelta(seconds=refusal.retry_after_seconds))
        _add(status, retry)
    if refusal.preconditions:
        _add(status, _precondition_failure(refusal, MOST_DETAIL_BYTES // 3))
    if refusal.fields:
        _add(status, _bad_request(refusal.fields, MOST_DETAIL_BYTES - status.ByteSize() - 128))
    packed: bytes = status.SerializeToString()
    return packed


def _precondition_failure(refusal: CallRefused, most_bytes: int) -> error_details_pb2.PreconditionFailure:
    failure = error_details_pb2.PreconditionFailure()
    subject = _cut(refusal.metadata.get("resource", ""), 256)
    for index, text in enumerate(refusal.preconditions):
        failure.violations.add(type=refusal.reason, subject=subject, description=_cut(text, MOST_TEXT_BYTES))
        if failure.ByteSize() > most_bytes:
            del failure.violations[-1]
            failure.violations.add(type=refusal.reason, description=_not_listed(refusal.preconditions, index))
            break
    return failure


def _bad_request(problems: tuple[FieldProblem, ...], most_bytes: int) -> error_details_pb2.BadRequest:
    request = error_details_pb2.BadRequest()
    for index, item in enumerate(problems):
        request.field_violations.add(field=_cut(item.field, 200), description=_cut(item.problem, MOST_TEXT_BYTES))
        if request.ByteSize() > most_bytes:
            del request.field_violations[-1]
            request.field_violations.add(description=_not_listed(problems, index))
            break
    return request


def _not_listed(items: Sequence[object], listed: int) -> str:
    return f"{len(items) - listed} more are not listed"


def _cut(text: str, most_bytes: int) -> str:
    raw = text.encode("utf-8", "replace")
    return raw.decode() if len(raw) <= most_bytes else raw[: most_bytes - 3].decode("utf-8", "ignore") + "…"


def _add(status: status_pb2.Status, detail: Message) -> None:
    status.details.add().Pack(detail)


def unpack(code: grpc.StatusCode, message: str, packed: bytes) -> CallRefused:
    """Returns what a status says; details that cannot be read are left out, never an error of their own."""
    status = status_pb2.Status()
    info = error_details_pb2.ErrorInfo()
    request = error_details_pb2.BadRequest()
    failure = error_details_pb2.PreconditionFailure()
    retry = error_details_pb2.RetryInfo()
    with contextlib.suppress(DecodeError):
        status.ParseFromString(packed)
        for detail in status.details:
            for known in (info, request, failure, retry):
                detail.Unpack(known)  # does nothing for a detail of another kind
    return CallRefused(
        code=code,
        reason=info.reason,
        message=message,
        metadata=dict(info.metadata),
        fields=tuple(FieldProblem(item.field, item.description) for item in request.field_violations),
        preconditions=tuple(item.description for item in failure.violations),
        retry_after_seconds=retry.retry_delay.ToTimedelta().total_seconds() if retry.HasField("retry_delay") else None,
    )
