"""Room for calls."""

from __future__ import annotations

from contextlib import ExitStack

import grpc
import pytest

from services.runtime.capacity import Capacity
from services.runtime.status import CallRefused


def test_room_is_given_back_whatever_happens() -> None:
    capacity = Capacity("calls", total=1, per_clinic=1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), capacity.room_for("a"):
            raise ZeroDivisionError
    with capacity.room_for("a"):
        pass


def test_each_limit_names_itself() -> None:
    capacity = Capacity("streams", total=3, per_clinic=2)
    with ExitStack() as held:
        held.enter_context(capacity.room_for("a"))
        held.enter_context(capacity.room_for("a"))
        with pytest.raises(CallRefused) as clinic_is_full, capacity.room_for("a"):
            pass
        held.enter_context(capacity.room_for("b"))
        with pytest.raises(CallRefused) as all_is_full, capacity.room_for("c"):
            pass
    assert clinic_is_full.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert clinic_is_full.value.metadata == {"limit": "streams_per_clinic", "most": "2"}
    assert all_is_full.value.metadata == {"limit": "streams", "most": "3"}
    assert all_is_full.value.retry_after_seconds == 0.5
    with capacity.room_for("c"):
        pass


def test_refused_calls_take_no_room() -> None:
    capacity = Capacity("calls", total=1, per_clinic=1)
    with capacity.room_for("a"):
        for _ in range(5):
            with pytest.raises(CallRefused), capacity.room_for("b"):
                pass
    with capacity.room_for("b"):
        pass
