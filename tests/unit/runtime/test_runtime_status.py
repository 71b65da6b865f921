"""What a refusal says survives the way over the wire."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.runtime.status import (
    MOST_DETAIL_BYTES,
    MOST_MESSAGE_BYTES,
    CallRefused,
    FieldProblem,
    message_of,
    pack,
    unpack,
)

CODES = [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK]


def refusals() -> st.SearchStrategy[CallRefused]:
    return st.builds(
        CallRefused,
        code=st.sampled_from(CODES),
        reason=st.sampled_from(["FIELD_INVALID", "STATE_FORBIDS"]),
        message=st.text(st.characters(), max_size=2_000),
        metadata=st.dictionaries(st.text(max_size=80), st.text(st.characters(), max_size=400), max_size=12),
        fields=st.lists(
            st.builds(FieldProblem, st.text(st.characters(), max_size=300), st.text(st.characters(), max_size=600)),
            max_size=60,
        ).map(tuple),
        preconditions=st.lists(st.text(st.characters(), max_size=600), max_size=30).map(tuple),
        retry_after_seconds=st.none() | st.floats(0, 3600),
    )


@given(refusals())
def test_any_refusal_fits_into_the_trailers(refusal: CallRefused) -> None:
    """Lone surrogates, which no wire can carry, included."""
    packed, message = pack(refusal), message_of(refusal)
    assert len(packed) <= MOST_DETAIL_BYTES
    assert sum(1 if " " <= letter <= "~" else 3 * len(letter.encode()) for letter in message) <= MOST_MESSAGE_BYTES + 9
    arrived = unpack(refusal.code, message, packed)
    assert (arrived.code, arrived.reason) == (refusal.code, refusal.reason)
    assert bool(arrived.fields) == bool(refusal.fields)
    assert bool(arrived.preconditions) == bool(refusal.preconditions)


def test_small_refusal_arrives_whole() -> None:
    refusal = CallRefused(
        code=grpc.StatusCode.INVALID_ARGUMENT,
        reason="FIELD_INVALID",
        message="2 fields are wrong",
        metadata={"field_count": "2"},
        fields=(FieldProblem("rom_tests[3].side", "is missing"), FieldProblem("note", "ist zu lang")),
        preconditions=("the plan is DRAFT",),
        retry_after_seconds=0.25,
    )
    assert vars(unpack(refusal.code, message_of(refusal), pack(refusal))) == vars(refusal)
    assert str(refusal) == "INVALID_ARGUMENT FIELD_INVALID: 2 fields are wrong"


def test_number_of_field_problems_is_a_fact() -> None:
    refusal = CallRefused(
        code=grpc.StatusCode.INVALID_ARGUMENT, reason="FIELD_INVALID", message="", fields=(FieldProblem("a", "b"),)
    )
    assert unpack(refusal.code, "", pack(refusal)).metadata == {"field_count": "1"}


@pytest.mark.parametrize("packed", [b"", b"\xff\xff", b"\x1a\x05\x0a\x01x\x12\x00"])
def test_details_that_cannot_be_read_are_left_out(packed: bytes) -> None:
    error = unpack(grpc.StatusCode.UNAVAILABLE, "gone", packed)
    assert vars(error) == vars(CallRefused(code=grpc.StatusCode.UNAVAILABLE, reason="", message="gone"))


def test_refusal_can_pass_through_a_context_manager() -> None:
    """A frozen exception could not: contextlib writes its traceback."""

    @contextlib.contextmanager
    def passing() -> Iterator[None]:
        yield

    with pytest.raises(CallRefused), passing():
        raise CallRefused(code=grpc.StatusCode.ABORTED, reason="ETAG_MISMATCH", message="")
