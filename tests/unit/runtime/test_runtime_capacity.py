"""Room for calls."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import grpc
import pytest

from services.runtime.capacity import Capacity
from services.runtime.status import CallRefused


async def test_room_is_given_back_whatever_happens() -> None:
    capacity = Capacity("calls", total=1, per_clinic=1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            async with capacity.room_for("a"):
                raise ZeroDivisionError
    async with capacity.room_for("a"):
        pass


async def test_each_limit_names_itself() -> None:
    capacity = Capacity("streams", total=3, per_clinic=2)
    async with AsyncExitStack() as held:
        await held.enter_async_context(capacity.room_for("a"))
        await held.enter_async_context(capacity.room_for("a"))
        with pytest.raises(CallRefused) as clinic_is_full:
            async with capacity.room_for("a"):
                pass
        await held.enter_async_context(capacity.room_for("b"))
        with pytest.raises(CallRefused) as all_is_full:
            async with capacity.room_for("c"):
                pass
    assert clinic_is_full.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert clinic_is_full.value.metadata == {"limit": "streams_per_clinic", "most": "2"}
    assert all_is_full.value.metadata == {"limit": "streams", "most": "3"}
    assert all_is_full.value.retry_after_seconds == 0.5
    async with capacity.room_for("c"):
        pass


async def test_refused_calls_take_no_room() -> None:
    capacity = Capacity("calls", total=1, per_clinic=1)
    async with capacity.room_for("a"):
        for _ in range(5):
            with pytest.raises(CallRefused):
                async with capacity.room_for("b"):
                    pass
    async with capacity.room_for("b"):
        pass


async def test_a_call_waits_a_moment_for_room() -> None:
    """A burst of short calls passes, one after the other, where each alone would fill the room."""
    capacity = Capacity("calls", total=1, per_clinic=1)
    done: list[int] = []

    async def call(number: int) -> None:
        async with capacity.room_for("a"):
            await asyncio.sleep(0)  # gives the others their chance
            done.append(number)

    await asyncio.gather(*(call(number) for number in range(8)))
    assert sorted(done) == list(range(8))
