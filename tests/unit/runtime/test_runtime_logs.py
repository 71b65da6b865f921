"""A log line holds what the list allows and nothing else."""

from __future__ import annotations

import asyncio
import gc
import io
import json
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from services.runtime.logs import capture_process_logs, make_logger

CANARY = "canary Anna Example"


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def root_handlers() -> Iterator[None]:
    """Leaves the process-wide logging as it was."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    root.handlers[:] = []
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:] = before
    root.setLevel(level)


def fail() -> None:
    try:
        raise KeyError(CANARY)  # noqa: TRY301
    except KeyError as inner:
        raise ValueError(CANARY) from inner


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_fields_that_are_not_allowed_are_dropped(stream: io.StringIO) -> None:
    logger = make_logger(stream=stream).bind(request=CANARY, clinic="clinic-a")
    logger.info("call", method="/a/b", note=CANARY, code="OK", client_label=CANARY)
    (line,) = lines(stream)
    assert list(line)[:3] == ["timestamp", "level", "event"]
    assert {name for name in line if name != "timestamp"} == {"level", "event", "clinic", "method", "code"}
    assert "canary" not in stream.getvalue()


def test_of_a_whole_object_only_the_kind_is_written(stream: io.StringIO) -> None:
    make_logger(stream=stream).info("call", problem=ValueError(CANARY), count=[1, 2], seconds=1.5, serving=True)
    (line,) = lines(stream)
    assert (line["problem"], line["count"], line["seconds"], line["serving"]) == ("ValueError", "list", 1.5, True)


def test_line_stays_one_line_of_bounded_length(stream: io.StringIO) -> None:
    make_logger(stream=stream).info("call", person="a\nb\x1b[31m\u2028", problem="x" * 10_000)
    assert stream.getvalue().count("\n") == 1
    assert stream.getvalue().isascii()
    assert len(stream.getvalue()) < 700


def test_error_is_named_with_its_places_but_not_its_text(stream: io.StringIO) -> None:
    try:
        fail()
    except ValueError:
        make_logger(stream=stream).exception("a bug")
    (line,) = lines(stream)
    assert line["error"] == "ValueError from KeyError"
    assert [place.rpartition(" ")[2] for place in line["trace"]] == [
        "fail",
        "test_error_is_named_with_its_places_but_not_its_text",
        "fail",
    ]
    assert all("test_runtime_logs.py:" in place for place in line["trace"])
    assert "canary" not in stream.getvalue()


def test_error_that_causes_itself_is_named_once(stream: io.StringIO) -> None:
    error = ValueError(CANARY)
    error.__context__ = other = KeyError(CANARY)
    other.__context__ = error
    make_logger(stream=stream).error("a bug", exc_info=error)
    assert lines(stream)[0]["error"] == "ValueError from KeyError"


@pytest.mark.parametrize(("level", "count"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)])
def test_level_decides_what_is_written(stream: io.StringIO, level: str, count: int) -> None:
    logger = make_logger(level, stream)
    for write in (logger.debug, logger.info, logger.warning, logger.error):
        write("call")
    assert len(lines(stream)) == count


@pytest.mark.usefixtures("root_handlers")
def test_text_of_libraries_stays_out(stream: io.StringIO) -> None:
    capture_process_logs(make_logger(stream=stream))
    logging.getLogger("redis").warning("cannot reach %s", CANARY)
    logging.getLogger("redis").info("not worth a line")
    try:
        fail()
    except ValueError:
        logging.getLogger("grpc").exception(CANARY)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(CANARY, UserWarning, stacklevel=1)
    first, second, third = lines(stream)
    assert (first["library"], first["level"]) == ("redis", "warning")
    assert first["place"].startswith("test_runtime_logs:")
    assert (second["library"], second["level"], second["error"]) == ("grpc", "error", "ValueError from KeyError")
    assert third["library"] == "py.warnings"
    assert "canary" not in stream.getvalue()


@pytest.mark.usefixtures("root_handlers")
def test_error_of_a_forgotten_task_stays_out(stream: io.StringIO) -> None:
    capture_process_logs(make_logger(stream=stream))

    async def work() -> None:
        raise ValueError(CANARY)

    async def forget() -> None:
        task = asyncio.ensure_future(work())
        await asyncio.wait([task])
        del task
        gc.collect()

    asyncio.run(forget())
    assert [line["error"] for line in lines(stream)] == ["ValueError"]
    assert "canary" not in stream.getvalue()
