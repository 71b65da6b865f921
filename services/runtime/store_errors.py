"""What a store that cannot be used tells the caller: the same for every service."""

from __future__ import annotations

import grpc

from services.runtime.status import CallRefused
from services.store.model import StoreNotDurable, StoreRolledBack, StoreUnavailable

RETRY_AFTER_SECONDS = 0.5


def explain_store(error: Exception) -> CallRefused | None:
    """Returns the refusal for a store that cannot be used; None for any other error."""
    match error:
        case StoreNotDurable():
            return CallRefused(
                code=grpc.StatusCode.UNAVAILABLE,
                reason="STORE_NOT_DURABLE",
                message="the store would not keep what it acknowledges, so nothing was written",
                metadata={"problem": str(error)},
                retry_after_seconds=RETRY_AFTER_SECONDS,
            )
        case StoreRolledBack():
            return CallRefused(
                code=grpc.StatusCode.DATA_LOSS,
                reason="RECORD_DAMAGED",
                message="the store went back to an earlier state; this clinic is not served until that is settled",
                metadata={"problem": str(error)},
            )
        case StoreUnavailable():
            return CallRefused(
                code=grpc.StatusCode.UNAVAILABLE,
                reason="STORE_UNAVAILABLE",
                message="the store does not answer; try again with the same request_id",
                retry_after_seconds=RETRY_AFTER_SECONDS,
            )
    return None
