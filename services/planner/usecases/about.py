"""What the planner answers where the store has another answer than a record."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from services.planner.domain.errors import PlanChanged, PlannerError, ResourceDamaged, ResourceMissing
from services.store.model import EtagMismatch, RecordDamaged, RecordExists, RecordMissing


@contextmanager
def about(name: str, taken: PlannerError) -> Iterator[None]:
    """Turns what a store answers about a record into what the planner answers; `taken`: the record is there already."""
    try:
        yield
    except RecordMissing:
        raise ResourceMissing(name) from None
    except RecordExists:
        raise taken from None
    except EtagMismatch:
        raise PlanChanged(name) from None
    except RecordDamaged as damage:
        raise ResourceDamaged(name) from damage
