"""Log lines: one JSON object a line, with an allow-list of fields, so that nothing of a record can end in a log.

The text of an exception may quote what a person typed. A line therefore names the kinds of the errors and the places
in the code, never their texts.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator, MutableMapping
from typing import Any, TextIO, cast

import structlog
from structlog.typing import FilteringBoundLogger

LEVELS = ("debug", "info", "warning", "error")
ALLOWED = frozenset(
    {
        "timestamp",
        "level",
        "event",
        "method",
        "code",
        "reason",
        "milliseconds",
        "request_id",
        "clinic",
        "person",
        "service",
        "serving",
        "address",
        "signal",
        "seconds",
        "count",
        "problem",
        "error",
        "trace",
        "library",
        "place",
        "accept",
    }
)
MOST_LETTERS = 300
MOST_FRAMES = 40


def make_logger(level: str = "info", stream: TextIO | None = None) -> FilteringBoundLogger:
    """Returns a logger that writes lines from `level` up to `stream` (default: standard error).

    Only the fields in `ALLOWED` are written; what else is bound or passed is dropped. `exc_info` becomes the fields
    `error` and `trace`. The event is a fixed sentence; whatever varies is a field.
    """
    logger = structlog.wrap_logger(
        structlog.WriteLogger(stream or sys.stderr),
        processors=_processors(),
        wrapper_class=_from_level(level),
        cache_logger_on_first_use=True,
    )
    return cast("FilteringBoundLogger", logger)


def _processors() -> list[structlog.typing.Processor]:
    return [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _name_errors,
        _only_allowed,
        structlog.processors.JSONRenderer(),
    ]


def _from_level(level: str) -> type[FilteringBoundLogger]:
    return structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()])


def capture_process_logs(logger: FilteringBoundLogger, level: str = "info") -> None:
    """Sends everything that a process logs where `logger` writes, and nothing to standard output. For a whole process.

    The project's own modules that log by themselves write lines of the same form; of the warnings of libraries only
    the library and the place are written, not the text.
    """
    structlog.configure(
        processors=_processors(),
        wrapper_class=_from_level(level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
    )
    logging.basicConfig(level=logging.WARNING, handlers=[_LibraryHandler(logger)], force=True)
    logging.captureWarnings(capture=True)


class _LibraryHandler(logging.Handler):
    def __init__(self, logger: FilteringBoundLogger) -> None:
        super().__init__()
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        write = self._logger.error if record.levelno >= logging.ERROR else self._logger.warning
        write(
            "a library reports something",
            library=record.name,
            place=f"{record.module}:{record.lineno}",
            **({} if error is None else {"exc_info": error}),
        )


def _name_errors(_logger: object, _name: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    given = fields.pop("exc_info", None)
    error = given if isinstance(given, BaseException) else sys.exc_info()[1] if given else None
    if error is not None:
        chain = list(_chain(error))
        fields["error"] = " from ".join(type(link).__name__ for link in chain)
        fields["trace"] = [place for link in chain for place in _places(link)][:MOST_FRAMES]
    return fields


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def _places(error: BaseException) -> Iterator[str]:
    """Names where an error passed, innermost first."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        yield f"{frame.filename}:{frame.lineno} {frame.name}"


def _only_allowed(_logger: object, _name: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    first = ("timestamp", "level", "event")
    names = (*first, *(name for name in fields if name in ALLOWED.difference(first)))
    return {name: _plain(fields[name]) for name in names if name in fields}


def _plain(value: object) -> object:
    """Returns a value as it may be written; of a whole object only its kind."""
    if isinstance(value, str):
        return value[:MOST_LETTERS]
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    return type(value).__name__
