"""How long a call may run."""

from __future__ import annotations

import asyncio

import grpc
import pytest

from services.runtime.deadline import allowed_seconds, seconds_left, within
from services.runtime.status import CallRefused


@pytest.mark.parametrize(
    ("remaining", "allowed"),
    [
        (None, 5.0),
        (10.0, 9.5),
        (2.0, 1.9),
        (1.0, 0.95),
        (0.5, 0.45),
        (0.05, 0.0),
        (0.01, -0.04),
        (0.0, -0.05),
        (31.5, 29.925),
        (31.6, 30.0),
        (3600.0, 30.0),
    ],
)
def test_deadline_is_shaved_and_capped(remaining: float | None, allowed: float) -> None:
    assert allowed_seconds(remaining, default_seconds=5, longest_seconds=30) == pytest.approx(allowed)


async def test_too_short_deadline_never_begins() -> None:
    entered = False
    with pytest.raises(CallRefused) as caught:
        async with within(0):
            entered = True
    assert not entered
    assert caught.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert caught.value.reason == "DEADLINE_TOO_SHORT"


async def test_what_is_left_shrinks() -> None:
    assert seconds_left() is None
    async with within(20):
        first = seconds_left()
        await asyncio.to_thread(lambda: None)
        second = seconds_left()
    assert first is not None
    assert second is not None
    assert 19 < second < first <= 20


async def test_cancelling_from_outside_is_no_deadline() -> None:
    begun = asyncio.Event()

    async def work() -> None:
        async with within(20):
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.ensure_future(work())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
