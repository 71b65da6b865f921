"""Words for what messages hold: sides, states, minutes, dates."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from myoplan.planner.v1.plan_pb2 import Plan
from services.console.texts import Texts

_SIDES = ("", "left", "right", "midline")
SECONDS = 60


def side_word(side: int) -> str:
    """Returns a side of either contract as the pages write it: `left`, `right`, `midline`; empty for none."""
    return _SIDES[side] if 0 <= side < len(_SIDES) else ""


def side_number(word: str) -> int:
    """Returns the side of a word as both contracts number it; 0, which every method refuses, for anything else."""
    return _SIDES.index(word) if word in _SIDES else 0


def code(client: str) -> str:
    """Returns a client id as it is written on screen: `C-1042`."""
    return client.upper()


def minutes(duration: Duration) -> float:
    """Returns the minutes of a duration."""
    return duration.ToTimedelta().total_seconds() / SECONDS


def minutes_text(duration: Duration) -> str:
    """Returns minutes as they are written: 7 or 7.5."""
    return f"{minutes(duration):g}"


def plan_state(plan: Plan, texts: Texts) -> str:
    """Returns the word for the state of a plan."""
    if getattr(plan, "hold", 0):
        return texts("plan_state.HOLD")
    return texts(f"plan_state.{Plan.State.Name(plan.state)}")


class LocalTime(Protocol):
    """Puts moments into the time zone of the clinic."""

    def local_time(self, moment: datetime) -> datetime:
        """Returns the moment there."""
        ...


def moment(stamp: Timestamp, zone: LocalTime) -> datetime:
    """Returns a timestamp as local time."""
    return zone.local_time(stamp.ToDatetime(tzinfo=UTC))


def day_text(when: datetime) -> str:
    """Returns `Mon 23 Nov`."""
    return f"{when:%a} {when.day} {when:%b}"


def short_day_text(when: datetime) -> str:
    """Returns `9 Nov`."""
    return f"{when.day} {when:%b}"
