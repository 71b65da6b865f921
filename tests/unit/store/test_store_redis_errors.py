"""What an error of the server means for a caller of the store, in the words of Redis 6.2 and of 7."""

from __future__ import annotations

import pytest
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    NoPermissionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from services.store.durability import NotDurable
from services.store.model import RecordDamaged, StoreError, StoreNotDurable, StoreUnavailable
from services.store.redis_errors import explained

SCRIPT_6_2 = "Error running script (call to f_3fa4): @user_script:58: @user_script: 58: "


@pytest.mark.parametrize(
    ("raised", "meant"),
    [
        (RedisConnectionError("Error 2 connecting to unix:///run/redis.sock"), StoreUnavailable),
        (RedisTimeoutError("Timeout reading from host"), StoreUnavailable),
        (BusyLoadingError("Redis is loading the dataset in memory"), StoreUnavailable),
        (AuthenticationError("invalid username-password pair"), StoreUnavailable),
        (NotDurable("appendfsync is no, not always"), StoreNotDurable),
        (OutOfMemoryError("command not allowed when used memory > 'maxmemory'."), StoreUnavailable),
        (ResponseError(f"{SCRIPT_6_2}-OOM command not allowed when used memory > 'maxmemory'."), StoreUnavailable),
        (NoPermissionError("this user has no permissions to run the 'eval' command"), StoreUnavailable),
        (ResponseError("NOREPLICAS Not enough good replicas to write."), StoreUnavailable),
        (ResponseError("CLUSTERDOWN The cluster is down"), StoreUnavailable),
        (ResponseError("MASTERDOWN Link with MASTER is down"), StoreUnavailable),
        (ResponseError("BUSY Redis is busy running a script."), StoreUnavailable),
        (ReadOnlyError("You can't write against a read only replica."), StoreNotDurable),
        (ResponseError(f"{SCRIPT_6_2}-READONLY You can't write against a read only replica."), StoreNotDurable),
        (ResponseError("MISCONF Errors writing to the AOF file: No space left on device"), StoreNotDurable),
        (ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value"), RecordDamaged),
        (ResponseError("ERR The ID specified in XADD is equal or smaller than the top item"), RecordDamaged),
        (ResponseError("ERR Invalid stream ID specified as stream command argument"), RecordDamaged),
    ],
    ids=lambda value: getattr(value, "__name__", None) or f"{type(value).__name__} {value}"[:40],
)
async def test_an_error_of_the_server(raised: Exception, meant: type[StoreError]) -> None:
    with pytest.raises(StoreError) as caught, explained():
        raise raised
    assert type(caught.value) is meant
    assert caught.value.__cause__ is raised
    assert "/run/redis.sock" not in str(caught.value)


@pytest.mark.parametrize(
    "raised", [NoScriptError("No matching script."), ResponseError("ERR a bug"), ValueError("bug")]
)
async def test_what_no_caller_can_be_meant_by_passes_as_it_is(raised: Exception) -> None:
    with pytest.raises(type(raised)) as caught, explained():
        raise raised
    assert caught.value is raised
