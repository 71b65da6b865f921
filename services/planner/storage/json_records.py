"""Sessions, predictions, cursors and grants as JSON documents. A document names its format and version."""

from __future__ import annotations

import json
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from services.planner.domain.grants import Grant
from services.planner.domain.prediction import Prediction
from services.planner.domain.session import Session

Kept = TypeVar("Kept")


class JsonRecords(Generic[Kept]):
    """Implements `DocumentsOf` for one kind of value, at one version of its format."""

    def __init__(self, what: str, version: int, adapter: TypeAdapter[Kept]) -> None:
        self._format, self._version, self._adapter = f"myoplan.planner.{what}", version, adapter

    def encode(self, kept: Kept) -> bytes:
        """Returns the document of a value."""
        document = {
            "format": self._format,
            "version": self._version,
            "kept": self._adapter.dump_python(kept, mode="json"),
        }
        return json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()

    def decode(self, document: bytes) -> Kept:
        """Returns the value in a document. Raises ValueError if it holds none."""
        read: Any = json.loads(document)
        if not isinstance(read, dict) or (read.get("format"), read.get("version")) != (self._format, self._version):
            raise ValueError(f"not a document of {self._format} that this planner can read")
        try:
            return self._adapter.validate_python(read.get("kept"))
        except ValidationError as error:
            raise ValueError(f"a damaged document of {self._format}: {error.error_count()} problems") from error


def session_documents() -> JsonRecords[Session]:
    """Returns the documents of sessions."""
    return JsonRecords("session", 1, TypeAdapter(Session))


def prediction_documents() -> JsonRecords[Prediction]:
    """Returns the documents of predictions."""
    return JsonRecords("prediction", 1, TypeAdapter(Prediction))


def cursor_documents() -> JsonRecords[str]:
    """Returns the documents of cursors."""
    return JsonRecords("cursor", 1, TypeAdapter(str))


def grant_documents() -> JsonRecords[Grant]:
    """Returns the documents of grants of emergency access."""
    return JsonRecords("grant", 1, TypeAdapter(Grant))
