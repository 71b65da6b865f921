"""What an answer of the Redis server means for a caller of the store."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoPermissionError, NoScriptError, OutOfMemoryError, ReadOnlyError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from services.store.durability import NotDurable
from services.store.model import RecordDamaged, StoreNotDurable, StoreUnavailable


async def ask(client: Any, *words: bytes | str | int) -> Any:
    """Sends one command and returns its reply as it came, raising what a store raises."""
    with explained():
        return await client.execute_command(*words)


def refused(reply: Sequence[bytes]) -> Exception:
    """Returns the error for a write that the script or the server refused; nothing was written."""
    match reply:
        case [b"damaged", what]:
            return RecordDamaged(what.decode(errors="backslashreplace"))
        case [b"refused", why]:
            return store_error(ResponseError(why.decode(errors="backslashreplace")))
    raise AssertionError(f"the script of this version does not answer {reply!r}")


# Codes of the server, which stand first in an error or somewhere in it when a script was running.
_NOT_DURABLE = ("READONLY", "MISCONF")
_UNAVAILABLE = ("OOM", "NOREPLICAS", "CLUSTERDOWN", "MASTERDOWN", "NOPERM", "UNKILLABLE", "BUSY")
_CODES_OF_CLASSES = {ReadOnlyError: "READONLY", OutOfMemoryError: "OOM", NoPermissionError: "NOPERM"}
_DAMAGED = ("WRONGTYPE", "The ID specified in XADD", "Invalid stream ID")


def store_error(error: ResponseError) -> Exception:
    """Returns what an error of the server means for a caller; the error itself if no caller can be meant."""
    # redis-py takes the code out of the text where it has a class for it.
    code = next((code for kind, code in _CODES_OF_CLASSES.items() if isinstance(error, kind)), "")
    text = f"{code} {error}".strip()
    for codes, kind in ((_NOT_DURABLE, StoreNotDurable), (_UNAVAILABLE, StoreUnavailable), (_DAMAGED, RecordDamaged)):
        if any(code in text for code in codes):
            return kind(text)
    return error


@contextmanager
def explained() -> Iterator[None]:
    """Turns what redis-py raises into what a store raises. An unknown script and a bug pass as they are.

    A cancellation that arrives just when the bytes are sent is swallowed by `asyncio.wait_for`, with which redis-py
    sends, up to Python 3.11; it is raised again here, or a cancelled watcher would go on for ever.
    """
    task = asyncio.current_task()
    cancellations = task.cancelling() if task else 0
    try:
        yield
    except NotDurable as problem:
        raise StoreNotDurable(str(problem)) from problem
    except (RedisConnectionError, RedisTimeoutError) as lost:
        # Without the text of the cause: it holds addresses.
        raise StoreUnavailable("the store did not answer") from lost
    except NoScriptError:
        raise
    except ResponseError as error:
        raise store_error(error) from error
    if task and task.cancelling() > cancellations:
        raise asyncio.CancelledError
