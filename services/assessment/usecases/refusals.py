"""Leaves a trace of calls that somebody had no right to make."""

from __future__ import annotations

from services.assessment.usecases.records import Records
from services.store.model import Actor

NO_RIGHT = "ROLE_LACKS_RIGHT"


async def record_refusal(records: Records, actor: Actor, method: str) -> None:
    """Writes one entry; it touches no assessment and is no event for watchers."""
    await records.refuse(actor, method, NO_RIGHT)
